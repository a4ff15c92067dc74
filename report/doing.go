package report

import (
	"cmp"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// The notes on how the listeners are doing: full accept queues, and ports that a
// client may take before the server starts again.

// signDoing stands before them.
const signDoing word = "!"

const (
	// maxDoing is how many listeners, or ports, or network namespaces a note
	// names.
	maxDoing = 5
	// maxReserve is how many runs of ports a hint writes out.
	maxReserve = 32
)

// doing writes the notes.
func (v *view) doing(n *notes) error {
	more := 0
	var g group
	for _, state := range [...]annotate.Backlog{annotate.BacklogFull, annotate.BacklogWasFull} {
		if !v.any(func(l *annotate.Listener) bool { return l.Backlog == state }) {
			continue
		}
		for i := range v.rows {
			v.group(&g, i)
			if g.backlog() != state {
				continue
			}
			if more++; more > maxDoing {
				continue
			}
			n.note.word(signDoing)
			n.note.word(" ")
			if g.l.Protocol.HasPorts() {
				n.note.endpoint(g.l)
			} else {
				cellProtocol(&n.note, &g)
				n.note.word(" ")
				cellAddress(&n.note, &g)
			}
			n.note.word(": ")
			v.backlog(&n.note, &g)
			if err := n.end(warning); err != nil {
				return err
			}
		}
	}
	if more -= maxDoing; more > 0 {
		n.note.word(signDoing)
		n.note.word(" and ")
		n.note.count(more, "more such queue", "more such queues")
		if err := n.end(warning); err != nil {
			return err
		}
	}
	return v.startless(n)
}

// any reports whether is holds for a listener of the report. It reads them as
// they lie in memory, which for 20,000 is ten times as fast as row by row.
func (v *view) any(is func(*annotate.Listener) bool) bool {
	for i := range v.ls {
		if is(&v.ls[i]) {
			return true
		}
	}
	return false
}

// endpoint writes what a note speaks of: "tcp/80".
func (p *page) endpoint(l *annotate.Listener) {
	p.text(l.Protocol.String())
	p.word("/")
	p.uint(uint64(l.Port))
}

// backlog says that the accept queue of a row is or was full, and what to do.
func (v *view) backlog(p *page, g *group) {
	q := g.queue()
	if q.Full() {
		p.word("the accept queue is full (")
		p.uint(uint64(q.Length))
		p.word("/")
		p.uint(uint64(q.Limit))
		p.word(")")
	} else {
		p.word("the accept queue was full, as it seems")
	}
	if n := g.dropped(); n > 0 {
		p.word(", ")
		p.uint(n)
		p.word(" dropped")
	}
	if ns := v.namespace(g.l.Namespace); ns != nil && ns.Overflows > 0 && g.l.Protocol == scanner.TCP {
		p.word(" (")
		p.uint(ns.Overflows)
		p.word(" overflows in the network namespace)")
	}
	p.word("; hint: ")
	if programs := g.l.Programs(); len(programs) > 0 {
		p.text(programs[0])
	} else {
		p.word("the program")
	}
	p.word(" accepts too slowly, or needs a larger listen backlog and net.core.somaxconn")
}

// namespace returns the network namespace of that name, nil where the report does
// not have it.
func (v *view) namespace(name string) *scanner.Namespace {
	if v.r == nil {
		return nil
	}
	for i := range v.r.Namespaces {
		if n := &v.r.Namespaces[i]; n.Name == name {
			return n
		}
	}
	return nil
}

// startless says which servers may find their port taken, and what keeps it for
// them: a note for each network namespace, since each has its own list.
func (v *view) startless(n *notes) error {
	if !v.any(func(l *annotate.Listener) bool { return l.MayNotStart }) {
		return nil
	}
	var rows []*annotate.Listener
	var g group
	for i := range v.rows {
		if v.group(&g, i); g.mayNotStart() {
			rows = append(rows, g.l)
		}
	}
	slices.SortStableFunc(rows, func(a, b *annotate.Listener) int {
		return cmp.Or(compareBool(b.Namespace == "host", a.Namespace == "host"), cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
	})
	for said := 0; len(rows) > 0; said++ {
		end := 1
		for end < len(rows) && rows[end].Namespace == rows[0].Namespace {
			end++
		}
		if said == maxDoing {
			n.note.word(signDoing)
			n.note.word(" and in more network namespaces")
			return n.end(warning)
		}
		v.startlessIn(&n.note, rows[:end])
		if err := n.end(warning); err != nil {
			return err
		}
		rows = rows[end:]
	}
	return nil
}

// startlessIn writes the note on the listeners of one network namespace, which
// are in the order of their ports.
func (v *view) startlessIn(p *page, ls []*annotate.Listener) {
	p.word(signDoing)
	p.word(" ")
	said, more := 0, 0
	for i, l := range ls {
		if i > 0 && l.Port == ls[i-1].Port && l.Protocol == ls[i-1].Protocol {
			continue
		}
		if said++; said > maxDoing {
			more++
			continue
		}
		if said > 1 {
			p.word(", ")
		}
		p.endpoint(l)
	}
	if more > 0 {
		p.word(" and ")
		p.int(int64(more))
		p.word(" more")
	}
	p.word(" may fail to start: the kernel gives ")
	p.word(plural(said, "the port", "the ports"))
	p.word(" to clients too; hint: add ")
	p.word(plural(said, "it", "them"))
	p.word(" to net.ipv4.ip_local_reserved_ports")
	reserved := v.reserved(ls[0].Namespace)
	if runs := reserve(reserved, ls); len(runs) <= maxReserve {
		p.word(": sysctl -w net.ipv4.ip_local_reserved_ports=")
		for i, r := range runs {
			if i > 0 {
				p.word(",")
			}
			p.uint(uint64(r.First))
			if r.Last > r.First {
				p.word("-")
				p.uint(uint64(r.Last))
			}
		}
	}
	if name := ls[0].Namespace; name != "host" && name != "" {
		p.word(" (in the network namespace ")
		p.text(name)
		p.word(")")
	}
}

// reserved returns the ports that a network namespace keeps back.
func (v *view) reserved(name string) []scanner.PortRange {
	switch n := v.namespace(name); {
	case v.r != nil && (name == "host" || name == ""):
		return v.r.Host.Reserved
	case n != nil:
		return n.Reserved
	}
	return nil
}

// reserve returns the ports kept back and those of the listeners as one list, in
// order and joined, as the kernel writes it.
func reserve(reserved []scanner.PortRange, ls []*annotate.Listener) []scanner.PortRange {
	all := slices.Clone(reserved)
	for _, l := range ls {
		all = append(all, scanner.PortRange{First: l.Port, Last: l.Port})
	}
	slices.SortFunc(all, func(a, b scanner.PortRange) int { return cmp.Compare(a.First, b.First) })
	runs := all[:1]
	for _, r := range all[1:] {
		if last := &runs[len(runs)-1]; int(r.First) <= int(last.Last)+1 {
			last.Last = max(last.Last, r.Last)
			continue
		}
		runs = append(runs, r)
	}
	return runs
}
