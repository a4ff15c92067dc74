package audit

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
)

// soon is how long before its end an approval is said to expire.
const soon = 30 * 24 * time.Hour

// mostOverlaps is how many entries are named that one overlaps with.
const mostOverlaps = 10

// Lint returns what is odd about the register by itself, in the order of its
// entries: those that have expired at now or will within 30 days, have no reason
// yet, can match nothing, never decide because an earlier one approves all that
// they do (shadowed), or approve in part the same as an earlier one (overlap).
func (p *Policy) Lint(now time.Time) []Problem {
	var list []Problem
	add := func(at Position, s Severity, hint, format string, args ...any) {
		list = append(list, Problem{Position: at, Severity: s, Text: fmt.Sprintf(format, args...), Hint: hint})
	}
	day, then := dayOf(now), dayOf(now.Add(soon))
	expiry := func(at Position, expires string) {
		switch {
		case expires == "" || expires > then:
		case expires < day:
			add(at, Warning, "delete it, or set a new day", "it has expired: %s", expires)
		default:
			add(at, Warning, "ask its owner whether it is still needed", "it expires within 30 days: %s", expires)
		}
	}
	var earlier lintIndex
	for i := range p.Entries {
		e := &p.Entries[i]
		expiry(e.Position, e.Expires)
		if e.unread() {
			add(e.Position, Warning, "write why it may listen", "it has no reason yet: %q", e.Reason)
			if len(e.Accepts) > 0 {
				add(e.Position, Warning, "write why that is accepted", "without a reason it does not accept %s", strings.Join(e.Accepts, ", "))
			}
		}
		if why := e.impossible(); why != "" {
			add(e.Position, Warning, "correct it, or delete it", "it matches nothing: %s", why)
		}
		overlaps := 0
		for _, k := range earlier.near(e) {
			first := &p.Entries[k]
			if !first.overlaps(e) {
				continue
			}
			if first.contains(e) && (first.Expires == "" || e.Expires != "" && first.Expires >= e.Expires) {
				add(e.Position, Warning, "delete one of the two", "it never decides: all that it approves, %v does (%v)", first.Position, first)
				break
			}
			if overlaps++; overlaps <= mostOverlaps {
				add(e.Position, Note, "the first of the two decides; part them where the reasons differ", "it overlaps with %v (%v)", first.Position, first)
			}
		}
		if more := overlaps - mostOverlaps; more > 0 {
			add(e.Position, Note, "the first of them decides", "it overlaps with %d more", more)
		}
		earlier.add(e)
	}
	for _, x := range p.Exceptions {
		expiry(x.Position, x.Expires)
	}
	return list
}

// impossible says why e can match no listener; empty where it can.
func (e *Entry) impossible() string {
	if len(e.Ports) > 0 && e.Protocols[0].HasPorts() &&
		!slices.ContainsFunc(e.Ports, func(s PortSpan) bool { return s.Last > 0 }) {
		return "nothing listens on port 0"
	}
	kernel := slices.Equal(e.Programs, []string{KernelProgram})
	if kernel && len(e.Units)+len(e.Containers) > 0 {
		return "what the kernel holds is in no unit and no container"
	}
	why := ""
	if len(e.Programs) > 0 && !slices.ContainsFunc(e.Programs, func(s string) bool {
		switch {
		case strings.HasSuffix(s, " (deleted)"):
			why = fmt.Sprintf("the path of a program has no %q at its end", " (deleted)")
		case s[0] == '/' && path.Clean(s) != s:
			why = fmt.Sprintf("%q is written %q", s, path.Clean(s))
		case s[0] == '/' && len(s) == 1:
			why = `"/" is no program`
		default:
			return true
		}
		return false
	}) {
		return why
	}
	if len(e.Units) > 0 && !slices.ContainsFunc(e.Units, func(s string) bool { return strings.Contains(s, ".") }) {
		return fmt.Sprintf("the name of a unit has its kind at its end: %q", e.Units[0]+".service")
	}
	return ""
}

// contains reports whether e approves all that f does, as far as their words
// tell.
func (e *Entry) contains(f *Entry) bool {
	return containsAll(e.Protocols, f.Protocols, same) &&
		all(e.Ports, f.Ports, func(a, b PortSpan) bool { return a.First <= b.First && b.Last <= a.Last }) &&
		all(e.Paths, f.Paths, same) &&
		all(e.Namespaces, f.Namespaces, same) &&
		e.reachContains(f) &&
		all(e.Programs, f.Programs, sameProgram) &&
		all(e.Users, f.Users, same) && all(e.Units, f.Units, same) && all(e.Containers, f.Containers, same)
}

// overlaps reports whether a listener can be what e approves and what f does,
// as far as their words tell.
func (e *Entry) overlaps(f *Entry) bool {
	return some(e.Protocols, f.Protocols, same) &&
		either(e.Ports, f.Ports, func(a, b PortSpan) bool { return a.First <= b.Last && b.First <= a.Last }) &&
		either(e.Paths, f.Paths, same) &&
		either(e.Namespaces, f.Namespaces, same) &&
		e.reachOverlaps(f) &&
		either(e.Programs, f.Programs, func(a, b string) bool { return sameProgram(a, b) || sameProgram(b, a) }) &&
		either(e.Users, f.Users, same) && either(e.Units, f.Units, same) && either(e.Containers, f.Containers, same)
}

// reachContains reports whether e approves every exposure that f does.
func (e *Entry) reachContains(f *Entry) bool {
	switch {
	case !hasReach(e.Protocols[0]):
		return true
	case len(e.Addresses) == 0 && len(f.Addresses) == 0:
		return f.Exposure <= e.Exposure
	case len(e.Addresses) == 0:
		return e.Exposure == annotate.All || !slices.ContainsFunc(f.Addresses, func(a Address) bool { return widest(a) > e.Exposure })
	case len(f.Addresses) == 0:
		return false
	}
	return containsAll(e.Addresses, f.Addresses, func(a, b Address) bool {
		return a.Bits() <= b.Bits() && (a.Zone == "" || a.Zone == b.Zone) && a.has(b.Addr().WithZone(b.Zone))
	})
}

// reachOverlaps reports whether a listener can be reached as both approve.
func (e *Entry) reachOverlaps(f *Entry) bool {
	switch {
	case !hasReach(e.Protocols[0]), len(e.Addresses) == 0 && len(f.Addresses) == 0:
		return true // what loopback alone reaches
	case len(e.Addresses) == 0:
		return slices.ContainsFunc(f.Addresses, func(a Address) bool { return annotate.ClassOf(a.Addr(), nil) <= e.Exposure })
	case len(f.Addresses) == 0:
		return f.reachOverlaps(e)
	}
	return some(e.Addresses, f.Addresses, func(a, b Address) bool {
		return a.Overlaps(b.Prefix) && (a.Zone == "" || b.Zone == "" || a.Zone == b.Zone)
	})
}

// widest returns the widest class of the addresses of a network: that of its
// ends, for a network of several classes has a public one among them.
func widest(a Address) annotate.Exposure {
	first := annotate.ClassOf(a.Addr(), nil)
	if a.IsSingleIP() {
		return first
	}
	b := a.Addr().AsSlice()
	for bit := a.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	if class := annotate.ClassOf(last, nil); class == first {
		return first
	}
	return max(first, annotate.Public) // 0.0.0.0/0 has the wildcard, too
}

func same[T comparable](a, b T) bool { return a == b }

// sameProgram reports whether every process that the program b names is one
// that a names.
func sameProgram(a, b string) bool {
	return a == b || b[0] == '/' && base(b) == a && a != KernelProgram
}

// all reports whether each of f is one of e, where none in e is any of all.
func all[T any](e, f []T, contains func(a, b T) bool) bool {
	return len(e) == 0 || len(f) > 0 && containsAll(e, f, contains)
}

// containsAll reports whether each of f is contained in one of e.
func containsAll[T any](e, f []T, contains func(a, b T) bool) bool {
	for _, b := range f {
		if !slices.ContainsFunc(e, func(a T) bool { return contains(a, b) }) {
			return false
		}
	}
	return true
}

// either reports whether one of e is one of f, where none in a list is all.
func either[T any](e, f []T, meet func(a, b T) bool) bool {
	return len(e) == 0 || len(f) == 0 || some(e, f, meet)
}

// some reports whether one of e meets one of f.
func some[T any](e, f []T, meet func(a, b T) bool) bool {
	return slices.ContainsFunc(e, func(a T) bool {
		return slices.ContainsFunc(f, func(b T) bool { return meet(a, b) })
	})
}
