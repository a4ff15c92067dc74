package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// fullQueue says that no further connection is taken.
func (c *checker) fullQueue(l *annotate.Listener) string {
	if l.Backlog != annotate.BacklogFull {
		return ""
	}
	return fmt.Sprintf("%d connections wait, and %d may", l.Queue.Length, l.Queue.Limit)
}

// mayNotStart says that a client may have the port when the service starts
// again.
func (c *checker) mayNotStart(l *annotate.Listener) string {
	if !l.MayNotStart {
		return ""
	}
	return fmt.Sprintf("port %d is in the range that the kernel gives to clients, and not reserved", l.Port)
}

// sharedByUsers says that a socket of another user is bound to the same address
// and port. Of two it is the one of the higher uid that is found; it is accepted
// where each such other is, too.
func (c *checker) sharedByUsers(l *annotate.Listener) string {
	if joined(l) {
		return ""
	}
	mine, says := usersOf(l), ""
	for _, other := range c.crowd(placeOf(l)).at[l.Addr] {
		switch {
		case other.Family != l.Family || other.Device != l.Device || len(mine) == 0 || len(other.users) == 0:
		case mine[0] > other.users[0] && !some(mine, other.users, same):
			says = fmt.Sprintf("uid %d has a socket at the address and port of uid %d (%s)", mine[0], other.users[0], holderOf(other.Listener))
			if !c.acceptedToo(ruleShared, other.Listener) {
				return says
			}
		}
	}
	return says
}

// usersOf returns the uids of those who get what l gets, in order: of its
// holders, and where they are not seen, of the socket itself.
func usersOf(l *annotate.Listener) []int64 {
	var uids []int64
	for _, p := range holdersOf(l) {
		if p.UID >= 0 {
			uids = append(uids, p.UID)
		}
	}
	if len(uids) == 0 && l.UID >= 0 {
		uids = append(uids, l.UID)
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}

// joined reports whether l belongs to a group that many programs of a host listen
// to at once: of multicast, or of the discovery of services.
func joined(l *annotate.Listener) bool {
	if l.Addr.IsMulticast() {
		return true
	}
	switch l.Port {
	case 1900, 3702, 5353, 5355: // SSDP, WS-Discovery, mDNS, LLMNR
		return l.Protocol == scanner.UDP
	}
	return false
}

// unrelated says that another program answers at the port. Of two it is the one
// that takes the traffic of the other that is found: the more specific. It is
// accepted where each such other is, too.
func (c *checker) unrelated(l *annotate.Listener) string {
	if l.MaybeClient || !l.Protocol.HasPorts() || joined(l) {
		return ""
	}
	says := ""
	for _, m := range c.crowd(placeOf(l)).near(l) {
		other := m.Listener
		if other == l || !overlap(l, other) || related(l, other) {
			continue
		}
		mine, others := specific(l), specific(other)
		if mine < others || mine == others && strings.Join(l.Programs(), "\x00") < strings.Join(other.Programs(), "\x00") {
			continue
		}
		says = "another program is there too: " + describe(other)
		if !c.acceptedToo(ruleUnrelated, other) {
			return says
		}
	}
	return says
}

// overlap reports whether a peer that means one of the two may get to the other.
func overlap(a, b *annotate.Listener) bool {
	switch {
	case a.Device != b.Device && a.Device != "" && b.Device != "":
		return false
	case a.Family != b.Family && isWildcard(a) && isWildcard(b):
		return true // a name has addresses of both families
	case a.Family != b.Family:
		return a.Family == scanner.IPv6 && isWildcard(a) && !a.V6Only || b.Family == scanner.IPv6 && isWildcard(b) && !b.V6Only
	}
	return a.Addr == b.Addr || isWildcard(a) || isWildcard(b)
}

// isWildcard reports whether a listener is bound to every address.
func isWildcard(l *annotate.Listener) bool { return !l.Addr.IsValid() || l.Addr.IsUnspecified() }

// specific ranks a listener: the kernel gives a packet to the most specific one
// (compute_score of net/ipv4/inet_hashtables.c).
func specific(l *annotate.Listener) int {
	n := 0
	if l.Device != "" {
		n += 2
	}
	if !isWildcard(l) {
		n += 4
	}
	if l.Family == scanner.IPv6 {
		n++
	}
	return n
}

// related reports whether two listeners belong together: a process, a program, a
// service, a container or a parent in common, or one that is not known.
func related(a, b *annotate.Listener) bool {
	x, y := a.Holders, b.Holders
	if len(x) == 0 || len(y) == 0 {
		return true
	}
	return some(x, y, func(p, q *scanner.Process) bool {
		switch {
		case p.PID == q.PID, p.PID == 1, q.PID == 1, p.PPID == q.PID, q.PPID == p.PID:
			return true
		case p.Exe != "" && p.Exe == q.Exe && p.Script == q.Script, p.Exe == "" && p.Name == q.Name:
			return true
		case p.Container != "" && p.Container == q.Container:
			return true
		}
		return p.Unit != "" && p.Unit == q.Unit && isSystemService(p)
	})
}

// openOverIPv6 says that l is open while its program keeps to loopback over
// IPv4.
func (c *checker) openOverIPv6(l *annotate.Listener) string {
	if l.Family != scanner.IPv6 || !l.Protocol.HasPorts() || l.MaybeClient || l.Addr.Is4() || !l.Exposure.Reachable() {
		return ""
	}
	var closed *annotate.Listener
	for _, other := range c.crowd(placeOf(l)).over4 {
		if len(other.Holders) == 0 || len(l.Holders) == 0 || !related(l, other.Listener) {
			continue
		}
		if other.Exposure != annotate.Loopback {
			return ""
		}
		closed = other.Listener
	}
	if closed == nil {
		return ""
	}
	return "over IPv4 it is at " + closed.Addr.String() + ", for this host alone"
}
