package report

import (
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

func cellProtocol(p *page, g *group) { p.text(g.l.Protocol.String()) }

func cellRange(p *page, g *group) {
	if g.l.Protocol.HasPorts() {
		p.text(g.l.Range.String())
	}
}

// cellAddress writes the address as ss(8) does: "*" for every address of both
// IP versions, and the device or zone after "%".
func cellAddress(p *page, g *group) {
	l := g.l
	switch {
	case !l.Addr.IsValid() && !l.Protocol.HasPorts():
		g.addressless(p)
	case g.v.raw:
		p.addr(l.Addr)
	case g.kinds == answers4|answers6 && foldOf(l.Addr) == everywhere:
		p.word("*")
	case g.kinds == answers4|answers6 && foldOf(l.Addr) == loopback:
		p.word("127.0.0.1, ::1")
	default:
		p.addr(l.Addr)
	}
	if l.Device != "" && l.Device != l.Addr.Zone() && !g.v.raw {
		p.word("%")
		p.text(l.Device)
	}
}

// cellService writes the label of the port; the program first where it is known
// to serve something else there ("prometheus (websm)"), and "≠" where it is
// another than the port is registered for.
func cellService(p *page, g *group) {
	l := g.l
	name := l.Service.Name
	switch {
	case g.v.raw:
		p.text(name)
	case l.KnownAs != "" && l.KnownAs != name:
		p.text(l.KnownAs)
		if name != "" {
			p.word(" (")
			p.text(name)
			p.word(")")
		}
	case isDiffering(l):
		p.word(signDiffers)
		p.text(name)
	default:
		p.text(name)
	}
}

// signDiffers stands before the service of a port that another program holds.
const signDiffers word = "≠"

func styleService(g *group) int {
	switch {
	case isDiffering(g.l):
		return differs
	case g.l.Service.Name == "" && g.l.KnownAs == "":
		return quiet
	}
	return plain
}

func styleRange(g *group) int {
	switch g.l.Range {
	case portdb.WellKnown:
		return low
	case portdb.Registered:
		return middle
	}
	return high
}

// cellExposure writes who can reach the socket; for a wildcard also the widest
// class of the host's addresses behind it: "all (public)".
func cellExposure(p *page, g *group) {
	p.text(g.l.Exposure.String())
	if w := g.widest(); g.l.Exposure == annotate.All && w != annotate.All && !g.v.raw {
		p.word(" (")
		p.text(w.String())
		p.word(")")
	}
}

func styleExposure(g *group) int {
	switch {
	case !g.reachable():
		return quiet
	case g.widest() >= annotate.Public:
		return exposed
	case g.later():
		return quiet
	}
	return outside
}

func styleAddress(g *group) int {
	if !g.reachable() {
		return quiet
	}
	return plain
}

// cellUser writes the owner of the socket: a name, a number where the number
// has none.
func cellUser(p *page, g *group) {
	switch {
	case g.l.User != "":
		p.text(g.l.User)
	case g.l.UID >= 0:
		p.int(g.l.UID)
	case len(g.holders) > 0 && g.holders[0].User != "":
		p.text(g.holders[0].User)
	case len(g.holders) > 0 && g.holders[0].UID >= 0:
		p.int(g.holders[0].UID)
	}
}

func cellUID(p *page, g *group) {
	if g.l.UID >= 0 {
		p.int(g.l.UID)
	}
}

func cellProgram(p *page, g *group) { p.text(g.l.Program.String()) }

func styleProgram(g *group) int {
	if isDiffering(g.l) {
		return differs
	}
	return plain
}

func cellKnownAs(p *page, g *group) { p.text(g.l.KnownAs) }

func cellDescription(p *page, g *group) { p.text(g.l.Service.Description) }

func cellSource(p *page, g *group) {
	if g.l.Service.Name != "" {
		p.text(g.l.Service.Source.String())
	}
}

// cellBool writes a yes of a person, or the true and false of a program.
func cellBool(p *page, g *group, b bool) {
	switch {
	case g.v.raw && b:
		p.word("true")
	case g.v.raw:
		p.word("false")
	case b:
		p.word("yes")
	}
}

func cellEphemeral(p *page, g *group) { cellBool(p, g, g.l.Ephemeral) }

func cellClient(p *page, g *group) { cellBool(p, g, g.l.MaybeClient) }

func cellMPTCP(p *page, g *group) { cellBool(p, g, g.l.MPTCP) }

func cellDeleted(p *page, g *group) { cellBool(p, g, g.deleted()) }

func cellV6Only(p *page, g *group) { cellBool(p, g, g.l.V6Only) }

// cellFamily writes the IP versions that the row answers.
func cellFamily(p *page, g *group) {
	switch {
	case g.l.Family == 0:
	case g.v.raw:
		p.uint(uint64(g.l.Family))
	case g.kinds == answers4|answers6:
		p.word("4, 6")
	case g.kinds == answers6:
		p.word("6")
	default:
		p.word("4")
	}
}

// cellQueue writes the fullest accept queue of the row: waiting / room.
func cellQueue(p *page, g *group) {
	q := g.queue()
	if q == (scanner.Queue{}) {
		return
	}
	p.uint(uint64(q.Length))
	p.word("/")
	p.uint(uint64(q.Limit))
}

func styleQueue(g *group) int {
	if g.queue().Full() {
		return warning
	}
	return plain
}

// cellBacklog writes how the accept queue is doing; a person need not read that
// all is well.
func cellBacklog(p *page, g *group) {
	if b := g.backlog(); b != annotate.BacklogOK || g.v.raw {
		p.text(b.String())
	}
}

func styleBacklog(g *group) int {
	switch g.backlog() {
	case annotate.BacklogFull:
		return warning
	case annotate.BacklogWasFull:
		return outside
	}
	return plain
}

func cellDropped(p *page, g *group) {
	if n := g.dropped(); n > 0 || g.v.raw {
		p.uint(n)
	}
}

func cellMayNotStart(p *page, g *group) { cellBool(p, g, g.mayNotStart()) }

func cellQueueLength(p *page, g *group) { p.uint(uint64(g.queue().Length)) }

func cellQueueLimit(p *page, g *group) { p.uint(uint64(g.queue().Limit)) }

func cellSockets(p *page, g *group) { p.uint(uint64(g.sockets())) }

func cellDevice(p *page, g *group) { p.text(g.l.Device) }

// cellNamespace writes the network namespace: for people that of a container by
// the container's name, where the engine told it.
func cellNamespace(p *page, g *group) {
	if !g.v.raw && g.v.r != nil {
		for i := range g.v.r.Namespaces {
			if ns := &g.v.r.Namespaces[i]; ns.Name == g.l.Namespace && ns.Name == ns.Container && ns.ContainerName != "" {
				p.text(ns.ContainerName)
				return
			}
		}
	}
	p.text(g.shortID(g.l.Namespace))
}

func cellInode(p *page, g *group) {
	for n := range g.sockets() {
		if n > 0 {
			p.word(", ")
		}
		p.uint(g.at(n).Inode)
	}
}

func cellAddresses(p *page, g *group) {
	for i, a := range g.addresses() {
		if i > 0 {
			g.comma(p)
		}
		p.addr(a)
	}
}

// comma parts the values of a list: for a program a space, which stands in no
// number and no address.
func (g *group) comma(p *page) {
	if g.v.raw {
		p.word(" ")
		return
	}
	p.word(", ")
}

// start returns when the first holder began; zero where unknown.
func (g *group) start() time.Time {
	var first time.Time
	for _, h := range g.holders {
		if !h.Started.IsZero() && (first.IsZero() || h.Started.Before(first)) {
			first = h.Started
		}
	}
	return first
}

func cellStarted(p *page, g *group) {
	if t := g.start(); !t.IsZero() {
		p.time(t)
	}
}

// cellAge writes how old the first holder was at the time of the report, in its
// two largest units: "3d4h".
func cellAge(p *page, g *group) {
	t := g.start()
	if t.IsZero() || g.v.r == nil || g.v.r.Time.Before(t) {
		return
	}
	s := int64(g.v.r.Time.Sub(t) / time.Second)
	switch d, h, m := s/86400, s/3600%24, s/60%60; {
	case d > 0:
		p.pair(d, "d", h, "h")
	case h > 0:
		p.pair(h, "h", m, "m")
	case m > 0:
		p.pair(m, "m", s%60, "s")
	default:
		p.int(s)
		p.word("s")
	}
}

// pair writes a time in two units, the second only where there is something.
func (p *page) pair(a int64, unit word, b int64, small word) {
	p.int(a)
	p.word(unit)
	if b > 0 {
		p.int(b)
		p.word(small)
	}
}
