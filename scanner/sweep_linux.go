package scanner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// maxKept is how many ports that a rule keeps back are told one by one.
const maxKept = 16

// sweep tries every port at which no table shows a socket. Most ports that are
// taken are so for an instant, by a client that comes and goes: what counts is
// what stays taken and unexplained however often both are asked.
func (q *inquiry) sweep(ctx context.Context, c *Coverage) ([]Discrepancy, error) {
	var list []Discrepancy
	for _, p := range q.o.protocols() {
		b, err := newBinder(p)
		if err != nil {
			if p != UDPLite { // a kernel may be without it
				c.limit(true, LimitProbe, fmt.Sprintf("no %v port could be tried: %v", p, err), "")
			}
			continue
		}
		ds, err := q.sweepProtocol(ctx, p, b, c)
		b.close()
		if err != nil {
			return list, err
		}
		list = append(list, ds...)
	}
	return list, nil
}

func (q *inquiry) sweepProtocol(ctx context.Context, p Protocol, b *binder, c *Coverage) ([]Discrepancy, error) {
	m, err := q.ports(ctx, p)
	if err != nil {
		return nil, err
	}
	idle := m.idle
	var taken, kept []uint16
	low := q.firstUnprivileged()
	refused := 0
	for n := 1; n < 1<<16; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		port := uint16(n)
		if m.shows(port) {
			continue
		}
		what, err := b.try(port)
		switch {
		case err != nil:
			c.limit(true, LimitProbe, fmt.Sprintf("not every %v port could be tried: %v", p, err), "")
			return nil, nil
		case what == portTaken:
			taken = append(taken, port)
		case what == portKept && n < low:
			refused++
		case what == portKept:
			kept = append(kept, port)
		}
	}
	for again := 1; again < turns && len(taken)+len(idle) > 0; again++ {
		if m, err = q.ports(ctx, p); err != nil {
			return nil, err
		}
		idle = slices.DeleteFunc(idle, func(s Socket) bool {
			return int(m.sockets[s.Port]) != countAt(m.idle, s.Port) ||
				!slices.ContainsFunc(m.idle, func(one Socket) bool { return one.Inode == s.Inode && one.Port == s.Port })
		})
		taken = slices.DeleteFunc(taken, func(port uint16) bool {
			what, err := b.try(port)
			return m.shows(port) || err != nil || what != portTaken
		})
	}
	if m, err = q.ports(ctx, p); err != nil {
		return nil, err
	}
	taken = slices.DeleteFunc(taken, m.shows)

	if refused > 0 {
		c.limit(true, LimitProbe, fmt.Sprintf("the %v ports below %d could not be tried%s", p, low, q.where()), asRoot.String()+", or with CAP_NET_BIND_SERVICE")
	}
	if len(kept) > maxKept {
		c.limit(true, LimitProbe, fmt.Sprintf("%d %v ports could not be tried%s: a rule keeps them from this process", len(kept), p, q.where()),
			"look at Landlock, SELinux and the BPF programs of the control group")
		kept = nil
	}
	var list []Discrepancy
	for _, port := range kept {
		d := q.at(b, ReservedPort, port)
		d.Seen, d.Missing = []string{}, []string{}
		d.Benign = []string{"a rule keeps the port from this process (SELinux, Landlock, a BPF program of the control group)"}
		list = append(list, d)
	}
	for _, port := range taken {
		list = append(list, q.unexplained(ctx, b, port))
	}
	return append(list, q.bound(ctx, idle)...), nil
}

// countAt is how many of socks are at a port.
func countAt(socks []Socket, port uint16) int {
	n := 0
	for i := range socks {
		if socks[i].Port == port {
			n++
		}
	}
	return n
}

// firstUnprivileged is the first port that anyone may bind
// (net.ipv4.ip_unprivileged_port_start, ip(7)); 0 for one who may bind all.
func (q *inquiry) firstUnprivileged() int {
	// Capabilities of another user namespace than that of the ports do not count:
	// then the limit is as for everybody.
	if p := readPrivileges(); p.initial && p.caps&(1<<unix.CAP_NET_BIND_SERVICE) != 0 {
		return 0
	}
	buf := make([]byte, 16)
	text := readSmall(q.o.procfs()+"/sys/net/ipv4/ip_unprivileged_port_start", &buf)
	if n, ok := parseDecimal([]byte(strings.TrimSpace(string(text)))); ok && n < 1<<16 {
		return int(n)
	}
	return 1024
}

// where names the namespace in a sentence, unless it is that of the scan.
func (q *inquiry) where() string {
	if q.own {
		return ""
	}
	return fmt.Sprintf(" in the network namespace %q", q.namespace)
}

// at is a discrepancy about a port.
func (q *inquiry) at(b *binder, kind DiscrepancyKind, port uint16) Discrepancy {
	d := Discrepancy{Kind: kind, Namespace: q.namespace, Protocol: b.protocol, Family: b.familyOf(port), Port: port}
	d.Addr = anyAddr(d.Family)
	return d
}

// unexplained is the discrepancy about a port that is taken by nothing that a
// table shows.
func (q *inquiry) unexplained(ctx context.Context, b *binder, port uint16) Discrepancy {
	d := q.at(b, HiddenFromAll, port)
	d.Seen, d.Missing = []string{"bind"}, q.names()
	if b.protocol == TCP && q.own {
		answer, ok := connects(d.Family, port)
		switch {
		case answer:
			d.Seen = append(d.Seen, "connect")
			d.Benign = []string{"a rule of the firewall, or a BPF program, hands the port's connections to another socket"}
			return d
		case ok:
			d.Missing = append(d.Missing, "connect")
		}
	}
	if b.protocol == TCP && !q.showsBound(ctx) {
		d.Kind = BoundNotListening
		d.Benign = []string{"a program has bound the port and does not listen on it: this kernel shows such a socket nowhere (Linux 6.8 and newer do)"}
		return d
	}
	d.Benign = []string{"another program that tries ports was at work"}
	return d
}

// bound are the discrepancies about TCP sockets that are bound and no more, as
// netlink shows them, with the processes that have them.
func (q *inquiry) bound(ctx context.Context, idle []Socket) []Discrepancy {
	holdersOf(ctx, q.o, idle)
	var list []Discrepancy
	for i := range idle {
		s := &idle[i]
		d := Discrepancy{
			Kind: BoundNotListening, Namespace: s.Namespace, Protocol: s.Protocol, Family: s.Family, Addr: s.Addr, Port: s.Port, Inode: s.Inode,
			Seen: []string{"netlink"}, Missing: []string{},
		}
		who := "a program"
		if len(s.Holders) > 0 {
			who = fmt.Sprintf("%s (pid %d)", s.Holders[0].Name, s.Holders[0].PID)
		}
		d.Benign = []string{who + " has bound the port and does not listen on it, or not yet"}
		list = append(list, d)
	}
	return list
}
