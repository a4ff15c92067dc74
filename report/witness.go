package report

import (
	"net/netip"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// doubts are the kinds of discrepancies by socket; nil for none.
type doubts map[doubtKey][]scanner.DiscrepancyKind

// A doubtKey is what a discrepancy and a socket have in common.
type doubtKey struct {
	namespace string
	protocol  scanner.Protocol
	family    scanner.Family
	addr      netip.Addr
	port      uint16
	inode     uint64 // 0 for any
}

func doubtsOf(ds []scanner.Discrepancy) doubts {
	if len(ds) == 0 {
		return nil
	}
	m := make(doubts, len(ds))
	for i := range ds {
		d := &ds[i]
		key := doubtKey{d.Namespace, d.Protocol, d.Family, d.Addr, d.Port, d.Inode}
		if !slices.Contains(m[key], d.Kind) {
			m[key] = append(m[key], d.Kind)
		}
	}
	return m
}

// of returns what the witnesses do not agree on about a socket.
func (m doubts) of(l *annotate.Listener) []scanner.DiscrepancyKind {
	if m == nil {
		return nil
	}
	key := doubtKey{l.Namespace, l.Protocol, l.Family, l.Addr, l.Port, l.Inode}
	kinds := m[key]
	if key.inode != 0 {
		key.inode = 0
		kinds = append(slices.Clip(kinds), m[key]...)
	}
	return kinds
}

// inDoubt reports whether there is more to say of a socket than that it is gone.
func (v *view) inDoubt(l *annotate.Listener) bool {
	return slices.ContainsFunc(v.doubts.of(l), func(k scanner.DiscrepancyKind) bool { return k != scanner.GoneMeanwhile })
}

// doubtful returns what the witnesses do not agree on about the row, the worst
// first.
func (g *group) doubtful() []scanner.DiscrepancyKind {
	if len(g.v.doubts) == 0 {
		return nil
	}
	var kinds []scanner.DiscrepancyKind
	for n := range g.sockets() {
		for _, k := range g.v.doubts.of(g.at(n)) {
			if !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	slices.SortFunc(kinds, worstFirst)
	return kinds
}

func worstFirst(a, b scanner.DiscrepancyKind) int { return b.Rank() - a.Rank() }

func cellWitnesses(p *page, g *group) {
	for i, k := range g.doubtful() {
		if i > 0 {
			g.comma(p)
		}
		if g.v.raw {
			p.text(k.String())
			continue
		}
		p.text(k.Phrase())
	}
}

func styleWitnesses(g *group) int {
	if ks := g.doubtful(); len(ks) > 0 && ks[0].Hidden() {
		return warning
	}
	return quiet
}

// maxDiscrepancies is how many discrepancies the notes tell.
const maxDiscrepancies = 20

// witnesses says what the witnesses do not agree on, the worst first, or that
// they agree.
func (n *notes) witnesses(r *Report) error {
	if r.Discrepancies == nil {
		return nil
	}
	if len(r.Discrepancies) == 0 {
		return n.agree(r)
	}
	ds := slices.Clone(r.Discrepancies)
	slices.SortStableFunc(ds, func(a, b scanner.Discrepancy) int { return worstFirst(a.Kind, b.Kind) })
	said := "" // one next step for all that have the same
	for i := range ds[:min(len(ds), maxDiscrepancies)] {
		d, st := &ds[i], quiet
		n.note.text(d.Sentence())
		if next := d.Kind.Next(); next != said {
			said = next
			if next != "" {
				n.note.word("; next: ")
				n.note.text(next)
			}
		}
		if d.Kind.Hidden() {
			st = warning
		}
		if err := n.end(st); err != nil {
			return err
		}
	}
	if more := len(ds) - maxDiscrepancies; more > 0 {
		n.note.word("and ")
		n.note.count(more, "discrepancy more: JSON has it", "discrepancies more: JSON has them")
		return n.end(quiet)
	}
	return nil
}

// agree says who agrees, and on what.
func (n *notes) agree(r *Report) error {
	if len(r.Coverage.Sources) < 2 {
		return nil
	}
	sockets := 0
	for i := range r.Listeners {
		switch r.Listeners[i].Protocol {
		case scanner.TCP, scanner.UDP, scanner.UDPLite:
			sockets++
		}
	}
	n.note.word("the witnesses agree: ")
	for i, name := range r.Coverage.Sources {
		if i > 0 {
			n.note.word(", ")
		}
		n.note.text(name)
	}
	n.note.word(" (")
	n.note.count(sockets, "socket", "sockets")
	n.note.word(")")
	return n.end(quiet)
}
