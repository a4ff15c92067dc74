package audit

import (
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Scope is what a report was to show. The zero Scope is that of a scan that
// was not told any.
type Scope struct {
	// Protocols are those that were looked for; none means
	// [scanner.DefaultProtocols].
	Protocols []scanner.Protocol
	// NetNS is what [scanner.Options] were told of network namespaces.
	NetNS string
	// Narrowed reports whether listeners were left out on request, by a term or a
	// user, say.
	Narrowed bool
}

// protocols returns the protocols that were looked for.
func (s *Scope) protocols() []scanner.Protocol {
	if len(s.Protocols) == 0 {
		return scanner.DefaultProtocols()
	}
	return s.Protocols
}

// netNS returns the network namespaces that were looked into, in a word: without
// another, all for root, and the own one for everyone else.
func (s *Scope) netNS(privileges string) string {
	switch {
	case s.NetNS != "":
		return s.NetNS
	case privileges == "root":
		return scanner.NetNSAll
	}
	return scanner.NetNSOwn
}

// A Scan is what a report says of what listens, and of how well it knows.
type Scan struct {
	Time       time.Time
	Host       *scanner.Host
	Coverage   *scanner.Coverage
	Namespaces []scanner.Namespace
	Scope      Scope
	Listeners  []annotate.Listener
}

// A Baseline is what a report says of the earlier one that it was compared with.
type Baseline struct {
	// Host and Time are those of the earlier report, Tool the version that made
	// it.
	Host, Tool string
	Time       time.Time
	// Unchanged is how many listeners are as they were: a program at a port is
	// one, whatever its sockets.
	Unchanged int
	// Caveats are what could not be compared, and why.
	Caveats []Caveat
}

// A Caveat says why two scans are not quite of the same.
type Caveat struct {
	// Wrong reports whether a comparison would find what is not so, if it went by
	// everything in the two scans.
	Wrong bool
	// Text is the sentence for people.
	Text string
}
