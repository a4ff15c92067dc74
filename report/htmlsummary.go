package report

import (
	"cmp"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/portdb"
)

// summary makes the numbers and the charts. A UDP socket that looks like a
// client is in the inventory, and counts for nothing here.
func (h *htmlMaker) summary(out *htmlPage) {
	v := h.v
	newView(h.r, true).sum(&h.p)
	out.Lead = h.p.take()
	exposures, ranges := newTally(), newTally()
	listeners, clients, reachable, public, later := 0, 0, 0, 0, 0
	var g group
	for i := range v.rows {
		v.group(&g, i)
		if g.l.MaybeClient {
			clients++
			continue
		}
		listeners++
		switch {
		case g.later():
			later++
		case g.reachable():
			reachable++
			if g.widest() >= annotate.Public {
				public++
			}
		}
		cellExposure(&h.p, &g)
		exposures.add(h.p.take(), reachTone(&g), -int(g.l.Exposure)<<8-int(g.widest()))
		if g.l.Protocol.HasPorts() {
			cellRange(&h.p, &g)
			ranges.add(h.p.take(), rangeTone(g.l.Range), int(g.l.Range))
		}
	}
	out.Tiles = append(out.Tiles, htmlTile{Value: h.number(listeners), Label: plural(listeners, "listener", "listeners")})
	if clients > 0 {
		h.p.word("and ")
		out.Tiles[0].Note = h.count(clients, "likely client", "likely clients")
	}
	reach := htmlTile{Value: h.number(reachable), Label: "reachable from outside"}
	if public > 0 {
		h.p.int(int64(public))
		reach.Note = h.word(" at a public address")
		reach.Tone = "warning"
	}
	if later > 0 && public == 0 {
		h.p.int(int64(later))
		reach.Note = h.word(onceThere)
	}
	out.Tiles = append(out.Tiles, reach)
	if out.Audited {
		out.Tiles = append(out.Tiles, h.findingsTile())
	}
	if h.r.Approvals != nil {
		out.Tiles = append(out.Tiles, h.approvedTile())
	}
	if !out.Audited {
		out.Tiles = append(out.Tiles, htmlTile{Value: h.number(v.programs.n), Label: plural(v.programs.n, "program", "programs")})
	}
	seen := htmlTile{Value: h.word("Complete"), Label: "coverage", Tone: "ok"}
	if !h.r.Coverage.Complete {
		seen = htmlTile{Value: h.word("Incomplete"), Label: "coverage", Tone: "warning"}
	}
	if n := len(h.r.Coverage.Limitations); n > 0 {
		seen.Note = h.count(n, "limitation", "limitations")
	}
	out.Tiles = append(out.Tiles, seen)
	if listeners > 0 {
		out.Charts = []htmlChart{
			{"By exposure", "Exposure", exposures.bars(listeners)},
			{"By range of the port", "Range", ranges.bars(listeners)},
		}
	}
}

// findingsTile counts the findings by severity.
func (h *htmlMaker) findingsTile() htmlTile {
	of := severitiesOf(h.r.Findings)
	n := len(h.r.Findings)
	t := htmlTile{Value: h.number(n), Label: plural(n, "finding", "findings"), Tone: "ok"}
	switch {
	case of[audit.Error] > 0:
		t.Tone = "error"
	case of[audit.Warning] > 0:
		t.Tone = "warning"
	case n > 0:
		t.Tone = ""
	}
	if n > 0 {
		h.p.severities(of)
	}
	h.p.accepted(len(h.r.Accepted))
	t.Note = h.p.take()
	return t
}

// approvedTile counts the sockets that the register approves.
func (h *htmlMaker) approvedTile() htmlTile {
	approved, judged := 0, 0
	for i := range h.r.Approvals {
		switch h.r.Approvals[i].Verdict {
		case audit.Client, audit.NotJudged:
			continue
		case audit.Approved:
			approved++
		}
		judged++
	}
	t := htmlTile{Label: plural(judged, "socket approved", "sockets approved")}
	h.p.int(int64(approved))
	h.p.word(" of ")
	t.Value = h.number(judged)
	if approved == judged {
		t.Tone = "ok"
	}
	return t
}

// A tally counts rows by class.
type tally map[safe]*bar

type bar struct {
	htmlBar
	rank int
}

func newTally() tally { return tally{} }

// add counts one of a class. The classes are shown by their rank.
func (t tally) add(label safe, tone word, rank int) {
	b := t[label]
	if b == nil {
		b = &bar{htmlBar{Label: label, Tone: tone}, rank}
		t[label] = b
	}
	b.Count++
}

// bars returns the bars, of which all together are as long as all listeners.
func (t tally) bars(all int) []htmlBar {
	list := make([]*bar, 0, len(t))
	for _, b := range t {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *bar) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Label, b.Label)) })
	bars := make([]htmlBar, len(list))
	for i, b := range list {
		bars[i] = b.htmlBar
		bars[i].Width = (b.Count*1000 + all/2) / all
	}
	return bars
}

// reachTone is the class of style for who can reach a row.
func reachTone(g *group) word {
	switch styleExposure(g) {
	case exposed:
		return "exposed"
	case outside:
		return "outside"
	}
	return "quiet"
}

// rangeTone is the class of style for a range.
func rangeTone(r portdb.Range) word {
	switch r {
	case portdb.WellKnown:
		return "low"
	case portdb.Registered:
		return "middle"
	}
	return "high"
}

// notes makes the sentences that stand below a table elsewhere: programs at the
// wrong port, queues, programs that are gone.
func (h *htmlMaker) notes(out *htmlPage) error {
	n := notes{each: func(s span) error {
		out.Notes = append(out.Notes, s.safe())
		return nil
	}}
	n.note.longest = h.p.longest
	for _, what := range [...]func(*notes) error{h.v.differing, h.v.doing, h.v.gone} {
		if err := what(&n); err != nil {
			return err
		}
	}
	return nil
}

// findings makes the findings, those of one rule together.
func (h *htmlMaker) findings(out *htmlPage) {
	type key struct {
		rule     string
		severity audit.Severity
	}
	at := map[key]int{}
	for i := range h.r.Findings {
		f := &h.r.Findings[i]
		k := key{f.Rule, f.Severity}
		n, ok := at[k]
		if !ok {
			n = len(out.Findings)
			at[k] = n
			out.Findings = append(out.Findings, h.finding(f, n))
		}
		g := &out.Findings[n]
		g.Cases = append(g.Cases, htmlCase{h.text(f.Message), h.text(f.Next), h.position(f.Decided)})
	}
	for i := range out.Findings {
		g := &out.Findings[i]
		next := g.Cases[0].Next
		if slices.ContainsFunc(g.Cases, func(c htmlCase) bool { return c.Next != next }) {
			continue
		}
		g.Next = next
		for n := range g.Cases {
			g.Cases[n].Next = ""
		}
	}
}

// finding makes finding n of a rule, without a case.
func (h *htmlMaker) finding(f *audit.Finding, n int) htmlFinding {
	h.p.word("finding-")
	g := htmlFinding{
		Anchor:   h.number(n + 1),
		Severity: h.text(f.Severity.String()), Rule: h.text(f.Rule), Title: h.text(f.Title),
	}
	if r, ok := audit.RuleByID(f.Rule); ok {
		g.Help = h.text(r.Help)
	}
	for _, c := range f.Controls {
		g.Controls = append(g.Controls, h.text(c.String()))
	}
	return g
}
