package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/scanner"
)

// A comparison says how far two scans can be held against each other.
type comparison struct {
	caveats []Caveat
	// protocols are those that are compared; nil means all.
	protocols []scanner.Protocol
	// shared says that only network namespaces which both scans looked into are
	// compared.
	shared bool
	// someBase and someNow say that a scan lacks sockets: what only the other one
	// has proves nothing.
	someBase, someNow bool
	// again reports whether the host was started again in between.
	again bool
}

// wrong adds a caveat of what would be compared wrongly.
func (c *comparison) wrong(format string, args ...any) {
	c.caveats = append(c.caveats, Caveat{true, fmt.Sprintf(format, args...)})
}

// tell adds a caveat that leaves the comparison right.
func (c *comparison) tell(format string, args ...any) {
	c.caveats = append(c.caveats, Caveat{false, fmt.Sprintf(format, args...)})
}

// compare returns how far base and now can be held against each other.
func compare(base, now *Scan) *comparison {
	c := new(comparison)
	if a, b := base.Host, now.Host; a.Name != b.Name || a.OS != b.OS {
		c.wrong("the baseline is of the host %q (%s), and the other report of %q (%s): everything may differ", a.Name, a.OS, b.Name, b.OS)
	} else if a.BootID != "" && b.BootID != "" && a.BootID != b.BootID {
		c.again = true
		c.tell("the host was started again since the baseline: restarts of single programs are not told")
	} else if x, y := ownInode(base), ownInode(now); a.BootID != "" && x != 0 && y != 0 && x != y {
		c.shared = true
		c.wrong("the scans were made in two network namespaces, and each calls its own %q", scanner.OwnNamespace)
	}
	if now.Time.Before(base.Time) {
		c.tell("the baseline is the newer one of the two")
	}
	if a, b := base.Coverage.Privileges, now.Coverage.Privileges; a != b {
		c.shared = true
		c.wrong("the baseline was made as %s, and the other report as %s: who holds a socket, and other network namespaces, would seem to change", a, b)
	}
	if a, b := source(base), source(now); a != b {
		c.wrong("the sockets of the baseline are from %s, and those of the other report from %s: they do not show the same", a, b)
	}
	c.scopes(base, now)
	c.someBase = c.lacks("baseline", base.Coverage, now.Coverage) || base.Scope.Narrowed
	c.someNow = c.lacks("new report", now.Coverage, base.Coverage) || now.Scope.Narrowed
	return c
}

// ownInode returns the inode of the network namespace of a scan; 0 where it is
// not known.
func ownInode(s *Scan) uint64 {
	if len(s.Namespaces) == 0 {
		return 0
	}
	return s.Namespaces[0].Inode
}

// source returns where the sockets of a scan are from.
func source(s *Scan) string {
	if len(s.Coverage.Sources) == 0 {
		return "an unknown source"
	}
	return s.Coverage.Sources[0]
}

// scopes compares what the two scans were to show.
func (c *comparison) scopes(base, now *Scan) {
	if base.Scope.Narrowed {
		c.wrong("the baseline was narrowed down: everything else would seem to have appeared")
	}
	if now.Scope.Narrowed {
		c.wrong("the new report was narrowed down: everything else would seem to be gone")
	}
	before, after := base.Scope.protocols(), now.Scope.protocols()
	for _, p := range before {
		if slices.Contains(after, p) {
			c.protocols = append(c.protocols, p)
		}
	}
	if lost := without(before, after); lost != "" {
		c.wrong("the new report does not have the protocols %s: their listeners would seem to be gone", lost)
	}
	if more := without(after, before); more != "" {
		c.tell("the baseline does not have the protocols %s: they are not compared", more)
	}
	a, b := base.Scope.netNS(base.Coverage.Privileges), now.Scope.netNS(now.Coverage.Privileges)
	if a != b && base.Coverage.Privileges == now.Coverage.Privileges {
		c.shared = true
		c.wrong("the baseline looked into the network namespaces %q, and the other report into %q: listeners would seem to come and go", a, b)
	}
}

// without returns the protocols of a that b does not have, for a sentence.
func without(a, b []scanner.Protocol) string {
	var list []scanner.Protocol
	for _, p := range a {
		if !slices.Contains(b, p) {
			list = append(list, p)
		}
	}
	return join(list)
}

// lacks notes what one scan could not see and the other could, and reports
// whether sockets are among that.
func (c *comparison) lacks(name string, of, other *scanner.Coverage) (sockets bool) {
	for _, l := range of.Limitations {
		loss, harmless := lossOf(l.Code)
		if loss == nothing || slices.ContainsFunc(other.Limitations, func(m scanner.Limitation) bool {
			return m.Code == l.Code && (m.Text == l.Text || l.Code != scanner.LimitProtocol)
		}) {
			continue
		}
		if l.Code == scanner.LimitProtocol && !c.compares(l.Text) {
			continue
		}
		sockets, c.shared = sockets || loss == theSockets, c.shared || loss == theNamespaces
		if harmless {
			c.tell("of the %s: %s", name, l.Text)
			continue
		}
		c.wrong("the %s lacks what the other one has: %s", name, l.Text)
	}
	return sockets
}

// compares reports whether the protocol that a limitation speaks of, in its first
// word, is one of those that are compared. "Sockets of …" counts as such.
func (c *comparison) compares(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	p, err := scanner.ParseProtocol(word)
	return err != nil || slices.Contains(c.protocols, p)
}

// A loss is what a limitation takes from a scan.
type loss uint8

const (
	nothing       loss = iota
	theOwners          // who holds a socket, which is looked at where there is one
	theNamespaces      // sockets in other network namespaces
	theSockets         // sockets anywhere
)

// lossOf returns what a limitation of a code takes from a scan, and whether what
// it takes cannot be taken for a change.
func lossOf(code string) (l loss, harmless bool) {
	switch code {
	case scanner.LimitUnreadable, scanner.LimitHidden, scanner.LimitNoProc, scanner.LimitPIDNamespace,
		scanner.LimitSubset, scanner.LimitInterrupted, scanner.LimitProcFS, scanner.LimitSlow, scanner.LimitExhausted:
		return theOwners, true
	case scanner.LimitNetNS:
		return theNamespaces, false
	case scanner.LimitNetNSGone:
		return theNamespaces, true
	case scanner.LimitNetlinkPartial, scanner.LimitProtocol, scanner.LimitGopsutil, scanner.LimitOtherUsers:
		return theSockets, false
	}
	return nothing, false
}
