package report

import (
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/portdb"
)

// maxPIDs is how many pids of a program a cell of the inventory names; the
// evidence has them all.
const maxPIDs = 8

// newInventory returns all the listeners of r as rows: those that look like
// clients too.
func newInventory(r *Report, o *Options) *view {
	v := newViewOf(r, !o.All, true)
	if !o.NoTrunc {
		v.pids = maxPIDs
	}
	return v
}

// An htmlColumn is a column of the inventory.
type htmlColumn struct {
	Title, Class word
	Number       bool
	cell         func(*htmlMaker, *group, *htmlCell)
}

// An htmlRow is a row of the inventory, with the facts that it is filtered by.
type htmlRow struct {
	Protocol, Range, Exposure, Verdict safe
	Reachable                          bool
	Cells                              []htmlCell
}

// An htmlCell is a cell of the inventory: a text, and what is said in small
// letters below it. Tone is a class of style for the text, Class for the cell;
// Key is what the cell is sorted by, where that is not the text.
type htmlCell struct {
	Class, Tone word
	Key, Text   safe
	More        []safe
}

// inventory chooses the columns, and what can be filtered by.
func (h *htmlMaker) inventory(out *htmlPage) {
	h.columns = []htmlColumn{
		{"Port", "c-port", true, (*htmlMaker).portCell},
		{"Proto", "c-proto", false, plainCell(cellProtocol)},
		{"Address", "c-address", false, (*htmlMaker).addressCell},
		{"Service", "c-service", false, (*htmlMaker).serviceCell},
		{"Range", "c-range", false, (*htmlMaker).rangeCell},
		{"Process", "c-process", false, (*htmlMaker).processCell},
		{"User", "c-user", false, plainCell(cellUser)},
		{"Exposure", "c-exposure", false, (*htmlMaker).exposureCell},
	}
	if h.approvals != nil {
		h.columns = append(h.columns, htmlColumn{"Approval", "c-approval", false, (*htmlMaker).approvalCell})
	}
	if h.v.namespaces > 1 {
		h.columns = append(h.columns, htmlColumn{"Namespace", "c-namespace", false, plainCell(cellNamespace)})
	}
	if len(h.v.doubts) > 0 && h.v.has("witnesses") {
		h.columns = append(h.columns, htmlColumn{"Witnesses", "c-witnesses", false, plainCell(cellWitnesses)})
	}
	out.Columns, out.Any = h.columns, len(h.v.rows) > 0
	out.Shown = h.count(len(h.v.rows), "listener", "listeners")

	protocols, exposures, ranges, verdicts := newTally(), newTally(), newTally(), newTally()
	var g group
	var row htmlRow
	for i := range h.v.rows {
		h.v.group(&g, i)
		h.facts(&row, &g)
		protocols.add(row.Protocol, "", int(g.l.Protocol))
		exposures.add(row.Exposure, "", -int(g.l.Exposure))
		if row.Range != "" {
			ranges.add(row.Range, "", int(g.l.Range))
		}
		if a := h.approval(&g); a != nil {
			verdicts.add(row.Verdict, "", int(a.Verdict))
		}
	}
	for _, f := range [...]struct {
		key, label word
		of         tally
	}{{"p", "Protocol", protocols}, {"e", "Exposure", exposures}, {"r", "Range", ranges}, {"v", "Approval", verdicts}} {
		if len(f.of) < 2 {
			continue // nothing to choose
		}
		filter := htmlFilter{Key: f.key, Label: f.label}
		for _, b := range f.of.bars(1) {
			filter.Options = append(filter.Options, b.Label)
		}
		out.Filters = append(out.Filters, filter)
	}
}

// facts fills what a row is filtered by.
func (h *htmlMaker) facts(row *htmlRow, g *group) {
	*row = htmlRow{
		Protocol: h.text(g.l.Protocol.String()), Exposure: h.text(g.l.Exposure.String()),
		Reachable: g.reachable(), Cells: row.Cells[:0],
	}
	if g.l.Protocol.HasPorts() {
		row.Range = h.text(g.l.Range.String())
	}
	if a := h.approval(g); a != nil {
		row.Verdict = h.text(a.Verdict.String())
	}
}

// rows yields the rows. Each is good until the next.
func (h *htmlMaker) rows(yield func(*htmlRow) bool) {
	var g group
	var row htmlRow
	for i := range h.v.rows {
		h.v.group(&g, i)
		h.facts(&row, &g)
		for _, c := range h.columns {
			var cell htmlCell
			c.cell(h, &g, &cell)
			row.Cells = append(row.Cells, cell)
		}
		if !yield(&row) {
			return
		}
	}
}

// plainCell makes a cell of what a column of the other formats writes.
func plainCell(write func(*page, *group)) func(*htmlMaker, *group, *htmlCell) {
	return func(h *htmlMaker, g *group, c *htmlCell) { c.Text = h.cell(write, g) }
}

// cell returns what a column of the other formats writes.
func (h *htmlMaker) cell(write func(*page, *group), g *group) safe {
	write(&h.p, g)
	return h.p.take()
}

// more writes a line below the text, where there is anything to write.
func (h *htmlMaker) more(c *htmlCell, lead word, write func(*page, *group), g *group) {
	start := h.p.len()
	if h.p.word(lead); lead != "" {
		start = h.p.len()
	}
	if write(&h.p, g); h.p.len() == start {
		h.p.cut(0)
		return
	}
	c.More = append(c.More, h.p.take())
}

func (h *htmlMaker) portCell(g *group, c *htmlCell) {
	c.Class = "number port"
	c.Text = h.cell(cellPort, g)
	if g.l.Protocol.HasPorts() {
		return
	}
	h.p.uint(uint64(number(g.l)))
	c.Key = h.p.take()
}

func (h *htmlMaker) addressCell(g *group, c *htmlCell) {
	c.Class = "mono"
	if c.Text = h.cell(cellAddress, g); !g.reachable() {
		c.Tone = "quiet"
	}
	h.more(c, "", cellMode, g)
}

func (h *htmlMaker) serviceCell(g *group, c *htmlCell) {
	if c.Text = h.cell(cellService, g); isDiffering(g.l) {
		c.Tone = "differs"
		h.p.text(g.l.Sentence(nil))
		c.More = append(c.More, h.p.take())
		return
	}
	h.more(c, "", cellDescription, g)
}

func (h *htmlMaker) rangeCell(g *group, c *htmlCell) {
	c.Text = h.cell(cellRange, g)
	if !g.l.Protocol.HasPorts() {
		return
	}
	if g.l.Range == portdb.Dynamic {
		c.Key = h.word("3")
		return
	}
	c.Key = h.number(int(g.l.Range) + 1)
}

func (h *htmlMaker) processCell(g *group, c *htmlCell) {
	c.Text = h.cell(cellProcess, g)
	switch {
	case len(g.holders) == 0:
		c.Tone = "quiet"
	case g.deleted():
		c.Tone = "warn"
	}
	h.more(c, "", cellExe, g)
	h.more(c, "unit ", cellUnit, g)
	h.more(c, "container ", cellContainerName, g)
	if len(g.holders) > 0 && g.holders[0].ContainerName == "" {
		h.more(c, "container ", cellContainer, g)
	}
	h.more(c, "queue ", cellBacklog, g)
	if g.l.MaybeClient {
		c.More = append(c.More, h.word("looks like a client"))
	}
}

// reachTones are the classes of style for who can reach a row, in a cell.
var reachTones = [...]word{"reach quiet", "reach outside", "reach exposed"}

func (h *htmlMaker) exposureCell(g *group, c *htmlCell) {
	c.Text = h.cell(cellExposure, g)
	switch reachTone(g) {
	case "exposed":
		c.Tone = reachTones[2]
	case "outside":
		c.Tone = reachTones[1]
	default:
		c.Tone = reachTones[0]
	}
	c.Key = h.number(int(g.l.Exposure)*16 + int(g.widest()))
}

// approval returns what the register says of a row: of its sockets the one that
// is furthest from approved.
func (h *htmlMaker) approval(g *group) *audit.Approval {
	if h.approvals == nil {
		return nil
	}
	worst := h.approvals[g.l]
	for n := 1; n < g.sockets(); n++ {
		if a := h.approvals[g.at(n)]; a != nil && (worst == nil || verdictRank(a.Verdict) > verdictRank(worst.Verdict)) {
			worst = a
		}
	}
	return worst
}

// verdictRank orders verdicts: the higher the worse.
func verdictRank(v audit.Verdict) int {
	switch v {
	case audit.NotJudged, audit.Client:
		return 0
	case audit.Approved:
		return 1
	case audit.Unconfirmed:
		return 2
	}
	return 3
}

// verdictTones are the classes of style for the ranks of verdicts.
var verdictTones = [...]word{"pill none", "pill good", "pill doubt", "pill bad"}

func (h *htmlMaker) approvalCell(g *group, c *htmlCell) {
	a := h.approval(g)
	if a == nil {
		return
	}
	rank := verdictRank(a.Verdict)
	c.Text, c.Tone = h.text(a.Verdict.String()), verdictTones[rank]
	h.p.int(int64(3 - rank))
	c.Key = h.text(a.Verdict.String())
	for _, line := range [...]struct {
		lead word
		text string
	}{{"", a.Owner}, {"until ", a.Expires}, {"", a.Ticket}} {
		if line.text != "" {
			h.p.word(line.lead)
			c.More = append(c.More, h.text(line.text))
		}
	}
}
