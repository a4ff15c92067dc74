package annotate

import (
	"fmt"
	"net/netip"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Listener is a socket and what it means.
type Listener struct {
	*scanner.Socket
	// Service is the label of the port; its Name is empty where no layer of the
	// registry has one.
	Service Service
	// Opinions are what every layer of the registry says of the port; filled
	// only where asked for. Listeners of one port share the slice: do not change
	// it.
	Opinions []portdb.Entry
	// Range is the IANA range of the port; of no meaning where the protocol has no
	// ports ([scanner.Protocol.HasPorts]).
	Range portdb.Range
	// Exposure is who can reach the socket.
	Exposure Exposure
	// Widest is the widest class among Addresses: what an Exposure of All comes
	// to on this host as it is now. Otherwise it is Exposure itself.
	Widest Exposure
	// Ephemeral reports whether the port lies in the range that the kernel
	// gives to clients in the network namespace and is not reserved there; false
	// where the range is not known.
	Ephemeral bool
	// MaybeClient marks a UDP socket that is likely a client waiting for its
	// answer: ephemeral port, and no known service or program.
	MaybeClient bool
	// Program is the program held against the registration of the port.
	Program Verdict
	// Backlog is how the accept queue is doing.
	Backlog Backlog
	// MayNotStart reports whether a server at this fixed port may find it taken
	// by a client when it starts again: the port lies in the ephemeral range and
	// is not reserved, and there is evidence that the kernel itself did not pick
	// it: it has a name, a socket unit holds it, or the program has several
	// sockets at it. TCP and UDP alone.
	MayNotStart bool
	// KnownAs is what the program is known to serve at this port, where that is
	// not what the port is registered for: "prometheus" on 9090 (websm).
	KnownAs string
	// Addresses are the addresses of its network namespace that a wildcard stands
	// for, or the one address that the socket is bound to. They are sorted, IPv4
	// first; loopback is among them. The slice is shared: do not change it.
	Addresses []netip.Addr
	// LeadsTo are the sockets in containers that a published port leads to, and
	// PublishedAs the published ports that lead to this socket.
	LeadsTo, PublishedAs []Endpoint
}

// An Endpoint names a socket of the same report.
type Endpoint struct {
	Namespace string
	Protocol  scanner.Protocol
	Addr      netip.Addr
	Port      uint16
}

// A Backlog is how an accept queue is doing.
type Backlog uint8

// The states.
const (
	// BacklogOK: there is room, or no queue.
	BacklogOK Backlog = iota
	// BacklogWasFull: there is room, and the listener has dropped packets in a
	// network namespace in which accept queues were full. That is likely, and no
	// proof: a port scan leaves drops too.
	BacklogWasFull
	// BacklogFull: no further connection is taken now.
	BacklogFull
)

// backlogs are the words of the states in reports.
var backlogs = [...]string{"ok", "was-full", "full"}

// String returns the state's word: "ok", "was-full" or "full".
func (b Backlog) String() string {
	if int(b) < len(backlogs) {
		return backlogs[b]
	}
	return fmt.Sprintf("Backlog(%d)", uint8(b))
}

// A Service is the label of a port.
type Service struct {
	Name        string
	Description string
	Source      portdb.Source
}

// A Verdict is a program held against the registration of its port.
//
// Programs are told by name alone, which whoever starts a process can choose: a
// verdict finds what is misplaced, it is no proof of what a program is.
type Verdict uint8

// The verdicts.
const (
	// Unknown: it cannot be told what the program serves, as with an
	// interpreter, a container's port forwarder, the kernel itself, or a program
	// that nobody listed. The default.
	Unknown Verdict = iota
	// Matches: the program serves what the port is registered for, or what the
	// common layer says is usually met there (see [Listener.KnownAs]).
	Matches
	// Differs: the port is registered for one thing, and the program serves
	// another.
	Differs
	// Unregistered: the port is registered for nothing, so that there is nothing
	// to hold the program against. This is a fact about the port, whichever the
	// program; but where the common layer alone has a name, a program that is
	// not known is Unknown.
	Unregistered
)

// verdicts are the words of the verdicts in reports.
var verdicts = [...]string{"unknown", "matches", "differs", "unregistered"}

// String returns the verdict's word: "unknown", "matches", "differs" or
// "unregistered".
func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// Sentence says what the port is registered for and what holds it, in the
// words that are used everywhere: "registered for https; process is sshd". Each
// piece of text from the host or the registry goes through text first, which
// makes it fit for where the sentence is printed; nil leaves it as it is.
func (l *Listener) Sentence(text func(string) string) string {
	if text == nil {
		text = func(s string) string { return s }
	}
	s := "registered for nothing"
	switch name := l.Service.Name; {
	case !l.Protocol.HasPorts():
		s = "no port"
	case name == "":
	case l.Service.Source == portdb.Common:
		s = "registered for nothing, usually " + text(name)
	case l.Service.Source == portdb.Appendix:
		s = "listed as " + text(name)
	case l.Service.Source == portdb.Local:
		s = "registered locally for " + text(name)
	default:
		s = "registered for " + text(name)
	}
	switch programs := l.Programs(); {
	case len(programs) > 0:
		s += "; process is "
		for i, name := range programs {
			if i > 0 {
				s += ", "
			}
			s += text(name)
		}
	case l.KernelUse != "":
		s += "; held by the kernel for " + text(l.KernelUse)
	case l.Why == scanner.Kernel:
		s += "; held by the kernel"
	default:
		s += "; process is not known"
	}
	if l.KnownAs != "" && l.KnownAs != l.Service.Name {
		s += ", known as " + text(l.KnownAs)
	}
	return s
}

// Programs returns the names of the programs that hold the socket, each once, in
// the order of the holders. An interpreter goes by its script. The names are raw.
func (l *Listener) Programs() []string {
	var names []string
next:
	for _, p := range l.Holders {
		name := p.Name
		if p.Script != "" {
			name = p.Script
		}
		for _, n := range names {
			if n == name {
				continue next
			}
		}
		names = append(names, name)
	}
	return names
}
