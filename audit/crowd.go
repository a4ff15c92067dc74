package audit

import (
	"net/netip"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A place is where listeners may be in each other's way.
type place struct {
	namespace string
	protocol  scanner.Protocol
	port      uint16
}

func placeOf(l *annotate.Listener) place { return place{namespaceOf(l), l.Protocol, l.Port} }

// A crowd is what listens at one place. Anyone can open any number of sockets
// there, by SO_REUSEPORT or at the addresses of 127.0.0.0/8, so that the rules on
// two listeners must not look at each pair: of those that are alike the first
// stands for all, and who may be in the way of one is found by its address.
type crowd struct {
	all []member
	at  map[netip.Addr][]member
	// over4 are those over IPv4, alike where they have the same holders and are
	// all or none for this host alone.
	over4 []member
}

// A member is a listener of a crowd, and who gets what it gets.
type member struct {
	*annotate.Listener
	users []int64
}

// join adds l to those at its place.
func (c *checker) join(l *annotate.Listener) {
	g := c.at[placeOf(l)]
	if g == nil {
		g = &crowd{at: map[netip.Addr][]member{}}
		c.at[placeOf(l)] = g
	}
	if slices.ContainsFunc(g.at[l.Addr], func(m member) bool { return alike(m.Listener, l) }) {
		return
	}
	m := member{l, usersOf(l)}
	g.all, g.at[l.Addr] = append(g.all, m), append(g.at[l.Addr], m)
	if l.Family == scanner.IPv4 && !slices.ContainsFunc(g.over4, func(m member) bool {
		return (m.Exposure == annotate.Loopback) == (l.Exposure == annotate.Loopback) && slices.EqualFunc(m.Holders, l.Holders, siblings)
	}) {
		g.over4 = append(g.over4, m)
	}
}

// alike reports whether nothing tells two listeners at one address apart.
func alike(a, b *annotate.Listener) bool {
	return a.Family == b.Family && a.Device == b.Device && a.V6Only == b.V6Only && a.Exposure == b.Exposure &&
		a.UID == b.UID && a.User == b.User && a.KernelUse == b.KernelUse && slices.EqualFunc(a.Holders, b.Holders, siblings)
}

// siblings reports whether two processes are one, or workers of one program.
func siblings(p, q *scanner.Process) bool {
	return p == q || p.PID != 1 && q.PID != 1 && p.PPID == q.PPID && p.Exe == q.Exe && p.Script == q.Script && p.Name == q.Name &&
		p.UID == q.UID && p.User == q.User && p.Unit == q.Unit && p.UserUnit == q.UserUnit && p.Container == q.Container
}

// crowd returns what listens at a place.
func (c *checker) crowd(p place) *crowd {
	if g := c.at[p]; g != nil {
		return g
	}
	return new(crowd)
}

// near returns those that may be in the way of l: of one at an address those
// there and at every address, and of one at every address all.
func (g *crowd) near(l *annotate.Listener) []member {
	if isWildcard(l) {
		return g.all
	}
	return slices.Concat(g.at[l.Addr], g.at[netip.IPv4Unspecified()], g.at[netip.IPv6Unspecified()], g.at[netip.Addr{}])
}
