package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Policy is an approval register: what may listen. What no entry approves may
// not.
type Policy struct {
	// Files are the files that it was read from, in order.
	Files []PolicyFile
	// Entries are the approvals, in the order of the files and their lines.
	Entries []Entry
	// Exceptions say which rules do not hold here, or weigh otherwise; one for a
	// rule at most.
	Exceptions []Exception
}

// A PolicyFile is a file of a register.
type PolicyFile struct {
	Path string
	// SHA256 is that of its bytes, in hexadecimal digits.
	SHA256 string
	// Entries is how many of the register's entries it has.
	Entries int
}

// An Entry approves listeners: those of which everything that it names is so. A
// list names alternatives; an empty one asks nothing.
type Entry struct {
	Position
	Protocols []scanner.Protocol
	// Ports are the ports; none means any, as of a protocol without ports.
	Ports []PortSpan
	// Paths are the paths of unix sockets.
	Paths []string
	// Exposure is the widest that is approved, where Addresses is empty.
	Exposure  annotate.Exposure
	Addresses []Address
	// Namespaces are the names of network namespaces.
	Namespaces []string
	// Programs are paths, names, or [KernelProgram].
	Programs []string
	// Users are names or uids, Units systemd units, Containers names or ids.
	Users, Units, Containers []string
	// Reason says why it may listen, Owner who answers for it, Ticket where that
	// was decided.
	Reason, Owner, Ticket string
	// Expires is the last day on which the entry is good, as "2027-06-30" in UTC;
	// empty for no end.
	Expires string
	// Accepts are the ids of the rules whose findings on what the entry approves
	// are accepted.
	Accepts []string
}

// KernelProgram is the program of a socket that the kernel itself holds.
const KernelProgram = "kernel"

// A PortSpan is a run of ports, both ends included; those of vsock(7) have 32
// bits.
type PortSpan struct {
	First, Last uint32
}

// String returns "80" or "8000-8010".
func (s PortSpan) String() string {
	if s.First == s.Last {
		return strconv.FormatUint(uint64(s.First), 10)
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

// An Address is an address or a network that a listener may be bound to. A
// wildcard is in no network but that of every address.
type Address struct {
	netip.Prefix
	// Zone is that of a link-local address; empty for any.
	Zone string
}

// String returns "127.0.0.1", "fe80::1%eth0" or "10.0.0.0/8".
func (a Address) String() string {
	if a.IsSingleIP() {
		return a.Addr().WithZone(a.Zone).String()
	}
	return a.Prefix.String()
}

// has reports whether b is the address, or one of the network.
func (a Address) has(b netip.Addr) bool {
	if b.IsUnspecified() && !a.IsSingleIP() && a.Bits() != 0 || a.Zone != "" && a.Zone != b.Zone() {
		return false
	}
	return a.Contains(b.WithZone(""))
}

// dayOf returns the day of a time as a register has it.
func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// expired reports whether the entry is no longer good on a day.
func (e *Entry) expired(day string) bool { return e.Expires != "" && day > e.Expires }

// unread reports whether nobody has given the entry a reason.
func (e *Entry) unread() bool { return isQuestion(e.Reason) }

// isQuestion reports whether a reason is none yet.
func isQuestion(reason string) bool { return strings.Trim(reason, "? ") == "" }

// hasReach reports whether sockets of a protocol have an address, so that it
// can be said who reaches them.
func hasReach(p scanner.Protocol) bool {
	return p != scanner.Unix && p != scanner.VSock && p != scanner.Packet
}

// hasPort reports whether sockets of a protocol have a port, or a number in its
// place (see [scanner.Protocol]).
func hasPort(p scanner.Protocol) bool { return p != scanner.Unix && p != scanner.Packet }

// where returns what the entry approves without saying for whom:
// "tcp/443 up to public".
func (e *Entry) where() string {
	var b strings.Builder
	for i, p := range e.Protocols {
		if i > 0 {
			b.WriteByte('+')
		}
		b.WriteString(p.String())
	}
	switch p := e.Protocols[0]; {
	case len(e.Ports) > 0:
		b.WriteByte('/')
		b.WriteString(join(e.Ports))
	case len(e.Paths) > 0:
		b.WriteByte(' ')
		b.WriteString(strings.Join(e.Paths, ", "))
	case hasPort(p):
		b.WriteString("/any")
	}
	if hasReach(e.Protocols[0]) {
		b.WriteByte(' ')
		b.WriteString(e.reach())
	}
	switch {
	case len(e.Namespaces) == 0:
		b.WriteString(" in any namespace")
	case !slices.Equal(e.Namespaces, []string{hostNamespace}):
		b.WriteString(" in namespace ")
		b.WriteString(strings.Join(e.Namespaces, ", "))
	}
	return b.String()
}

// reach returns who may reach what the entry approves: "up to public",
// "on 127.0.0.1".
func (e *Entry) reach() string {
	if len(e.Addresses) == 0 {
		return "up to " + e.Exposure.String()
	}
	s := "on "
	for i, a := range e.Addresses {
		if i > 0 {
			s += ", "
		}
		if a.Addr().Is6() { // as before a port: "::" by itself reads like a command of a CI system
			s += "[" + a.String() + "]"
		} else {
			s += a.String()
		}
	}
	return s
}

// String returns what the entry approves, in one line: "tcp/443 up to public,
// program nginx, user root".
func (e *Entry) String() string {
	s := e.where()
	for _, part := range [...]struct {
		name string
		list []string
	}{{"program", e.Programs}, {"user", e.Users}, {"unit", e.Units}, {"container", e.Containers}} {
		if len(part.list) > 0 {
			s += ", " + part.name + " " + strings.Join(part.list, " or ")
		}
	}
	return s
}

// join returns the strings of values with commas between them.
func join[T fmt.Stringer](values []T) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = v.String()
	}
	return strings.Join(list, ", ")
}

// Join returns the register that the files of policies make together, in their
// order. Two exceptions from one rule are a [*PolicyError].
func Join(policies ...*Policy) (*Policy, error) {
	all := new(Policy)
	var bad PolicyError
	for _, p := range policies {
		all.Files = append(all.Files, p.Files...)
		all.Entries = append(all.Entries, p.Entries...)
		for _, x := range p.Exceptions {
			if had := all.exception(x.Rule); had != nil {
				bad.Problems = append(bad.Problems, Problem{
					Position: x.Position, Severity: Error,
					Text: fmt.Sprintf("rule %s has an exception already, at %v", x.Rule, had.Position),
					Hint: "keep one of the two",
				})
				continue
			}
			all.Exceptions = append(all.Exceptions, x)
		}
	}
	if bad.Problems != nil {
		return nil, &bad
	}
	return all, nil
}

// Protocols returns the protocols that the entries name, each once, in order:
// a scan has to look for these to find what is approved.
func (p *Policy) Protocols() []scanner.Protocol {
	var list []scanner.Protocol
	for i := range p.Entries {
		list = append(list, p.Entries[i].Protocols...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// NamesContainers reports whether an entry calls a container by its name, so
// that a scan has to ask the container engines.
func (p *Policy) NamesContainers() bool {
	return slices.ContainsFunc(p.Entries, func(e Entry) bool {
		return slices.ContainsFunc(e.Containers, func(s string) bool { return !isContainerID(s) })
	})
}
