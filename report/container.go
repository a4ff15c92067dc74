package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// shortID returns the first twelve digits of a container's id, which is what
// people read and engines take; another name stays as it is.
func shortID(id string) string {
	if len(id) == 64 && strings.Trim(id, lowerHex) == "" {
		return id[:12]
	}
	return id
}

// containers writes the containers of the holders by their names, where these are
// known, and their ids where not.
func (g *group) containers(p *page) {
	g.list(p, func(h *scanner.Process) string {
		if h.ContainerName != "" {
			return h.ContainerName
		}
		return g.shortID(h.Container)
	})
}

// forward returns where a holder of the row sends what comes in there; nil for
// one that is no port forwarder.
func (g *group) forward(h *scanner.Process) *scanner.Forward {
	if len(h.Forwards) == 0 {
		return nil
	}
	for n := range g.sockets() {
		l := g.at(n)
		for i := range h.Forwards {
			if f := &h.Forwards[i]; f.Protocol == l.Protocol && f.From == netip.AddrPortFrom(l.Addr, l.Port) {
				return f
			}
		}
	}
	return nil
}

// lead writes where a forward of the row leads, and that nothing listens there where
// that is certain: a report has every socket of a namespace that it describes, unless
// it says that the kernel's answer was incomplete.
func (g *group) lead(p *page, f *scanner.Forward) {
	p.target(f)
	r := g.v.r
	if r == nil || len(g.l.LeadsTo) > 0 || f.Namespace == "" || f.To.Port() == 0 ||
		!slices.ContainsFunc(r.Namespaces, func(n scanner.Namespace) bool { return n.Name == f.Namespace }) ||
		slices.ContainsFunc(r.Coverage.Limitations, func(l scanner.Limitation) bool { return l.Code == scanner.LimitNetlinkPartial }) {
		return
	}
	p.word(", nothing listens there")
}

// target writes where a forward leads: "web:80". The container goes by its name
// where that is known, by its id, its namespace, or its address.
func (p *page) target(f *scanner.Forward) {
	switch {
	case f.ContainerName != "":
		p.text(f.ContainerName)
	case f.Container != "":
		p.text(shortID(f.Container))
	case f.Namespace != "":
		p.text(f.Namespace)
	case f.To.Addr().Is6():
		p.word("[")
		p.addr(f.To.Addr())
		p.word("]")
	case f.To.Addr().IsValid():
		p.addr(f.To.Addr())
	default:
		p.word("?")
	}
	if f.To.Port() != 0 {
		p.word(":")
		p.uint(uint64(f.To.Port()))
	}
}

// leads writes behind the name of a forwarder where it leads.
func (g *group) leads(p *page, h *scanner.Process) {
	if g.v.raw || g.program {
		return
	}
	if f := g.forward(h); f != nil {
		p.word(" → ")
		g.lead(p, f)
	}
}

// published writes behind the name of a program in a container at which ports
// the host publishes it.
func (g *group) published(p *page) {
	if g.v.raw || g.program || len(g.l.PublishedAs) == 0 {
		return
	}
	p.word(", published as ")
	cellPublishedAs(p, g)
}

// ends writes below a row of a tree where it leads, with the programs there, and
// as what it is published; nothing for most rows.
func (g *group) ends(p *page) {
	if len(g.l.PublishedAs) > 0 {
		p.word("published as ")
		cellPublishedAs(p, g)
		return
	}
	start := p.len()
	p.word("→ ")
	at := p.len()
	if cellLeadsTo(p, g); p.len() == at {
		p.cut(start)
		return
	}
	for i := range g.v.ls {
		l := &g.v.ls[i]
		if !slices.Contains(g.l.LeadsTo, annotate.Endpoint{Namespace: l.Namespace, Protocol: l.Protocol, Addr: l.Addr, Port: l.Port}) {
			continue
		}
		p.word(", ")
		there := group{v: g.v, l: l, holders: l.Holders, program: true}
		cellProcess(p, &there)
		return
	}
}

// cellLeadsTo writes where a published port leads: for people the container and
// the port, for a program the sockets there.
func cellLeadsTo(p *page, g *group) {
	if g.v.raw {
		endpoints(p, g.l.LeadsTo)
		return
	}
	start := p.len()
	for _, h := range g.holders {
		if f := g.forward(h); f != nil && p.len() == start {
			g.lead(p, f)
		}
	}
}

// cellPublishedAs writes the published ports that lead to the row, with the
// address where it is not every one.
func cellPublishedAs(p *page, g *group) {
	if g.v.raw {
		endpoints(p, g.l.PublishedAs)
		return
	}
	last := uint16(0)
	for i, e := range g.l.PublishedAs {
		wildcard := e.Addr.IsUnspecified()
		if i > 0 && wildcard && e.Port == last {
			continue // IPv4 and IPv6
		}
		if i > 0 {
			p.word(", ")
		}
		switch {
		case wildcard:
			last = e.Port
		case e.Addr.Is6():
			p.word("[")
			p.addr(e.Addr)
			p.word("]:")
		default:
			p.addr(e.Addr)
			p.word(":")
		}
		p.uint(uint64(e.Port))
	}
}

// endpoints writes sockets for a program: "ADDRESS:PORT@NAMESPACE".
func endpoints(p *page, es []annotate.Endpoint) {
	for i, e := range es {
		if i > 0 {
			p.word(" ")
		}
		p.text(netip.AddrPortFrom(e.Addr, e.Port).String())
		p.word("@")
		p.text(e.Namespace)
	}
}

// compareEnds orders listeners by where they lead and as what they are
// published; 0 lets them be one row.
func compareEnds(a, b *annotate.Listener) int {
	if c := slices.CompareFunc(a.PublishedAs, b.PublishedAs, compareEndpoints); c != 0 {
		return c
	}
	if c := slices.CompareFunc(a.LeadsTo, b.LeadsTo, compareEndpoints); c != 0 {
		return c
	}
	to := func(l *annotate.Listener) (f scanner.Forward) {
		for first := range l.Forwards() {
			return *first
		}
		return f
	}
	x, y := to(a), to(b)
	return cmp.Or(cmp.Compare(x.Container, y.Container), cmp.Compare(x.Namespace, y.Namespace), x.To.Compare(y.To))
}

func compareEndpoints(a, b annotate.Endpoint) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Protocol, b.Protocol), a.Addr.Compare(b.Addr), cmp.Compare(a.Port, b.Port))
}

// maxParents is how many processes a cell names of a long line of them: the
// first, and the nearest ones.
const maxParents = 5

// cellParents writes the processes that the first holder descends from, and the
// holder itself: "systemd → containerd-shim → nginx".
func cellParents(p *page, g *group) {
	for _, h := range g.holders {
		n := len(h.Ancestors)
		if n == 0 {
			continue
		}
		for i, a := range slices.Backward(h.Ancestors) {
			if !g.v.raw && n >= maxParents && i < n-1 && i > maxParents-3 {
				if i == n-2 {
					p.word("… → ")
				}
				continue
			}
			p.text(a.Name)
			p.word(" → ")
		}
		p.text(h.Name)
		return
	}
}

func cellUserUnit(p *page, g *group) {
	g.list(p, func(h *scanner.Process) string { return h.UserUnit })
}

func cellSlice(p *page, g *group) { g.list(p, func(h *scanner.Process) string { return h.Slice }) }

func cellPod(p *page, g *group) { g.list(p, func(h *scanner.Process) string { return h.Pod }) }

func cellQoS(p *page, g *group) { g.list(p, func(h *scanner.Process) string { return h.QoS }) }

func cellContainerName(p *page, g *group) {
	g.list(p, func(h *scanner.Process) string { return h.ContainerName })
}

func cellImage(p *page, g *group) { g.list(p, func(h *scanner.Process) string { return h.Image }) }

func cellReplaced(p *page, g *group) {
	for _, h := range g.holders {
		if h.Replaced {
			cellBool(p, g, true)
			return
		}
	}
	cellBool(p, g, false)
}
