package report

import (
	_ "embed" // the style
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/audit"
)

// htmlFleetStyle is what the page of a fleet has beside the style of all.
//
//go:embed html/fleet.css
var htmlFleetStyle string

// mostColumns is how many services the matrix has: those that most hosts have.
const mostColumns = 64

// A fleetPage is what the page of a fleet shows.
type fleetPage struct {
	htmlShell
	Heading, Time, Tool, Hosts safe
	Lead                       []safe
	Tiles                      []htmlTile
	Doubts                     []safe
	Tables                     []fleetPart
	Services                   []fleetTitle
	Shown, Left                safe

	sum     *fleetSum
	columns []*fleetService
}

// A fleetPart is a section with a table.
type fleetPart struct {
	ID, Title safe
	Shown     safe
	Columns   []fleetTitle

	table *fleetTable
}

// A fleetTitle is the title of a column.
type fleetTitle struct {
	Title, Text safe
	Number      bool
}

// A fleetCell is a cell of a table.
type fleetCell struct {
	Text  safe
	Class word
}

// A fleetRow is a host of the matrix.
type fleetRow struct {
	Host                safe
	Differs, Incomplete bool
	Cells               []fleetMark
}

// A fleetMark says how a host has a service.
type fleetMark struct{ Class, Text word }

var (
	markNone    = fleetMark{"n", "·"}
	markLocal   = fleetMark{"l", "○"}
	markOutside = fleetMark{"o", "●"}
)

// styleClasses are the styles of a terminal in HTML.
var styleClasses = [nstyles]word{
	title: "s-title", quiet: "s-quiet", outside: "s-outside", exposed: "s-exposed", differs: "s-differs", warning: "s-warning",
}

// fleetHTML writes a fleet as one page of HTML that stands alone.
func fleetHTML(w io.Writer, s *fleetSum, o *Options) error {
	page := newFleetPage(s, o)
	return writeHTMLPage(w, func(w *htmlWriter) { w.fleetPage(page) })
}

// newFleetPage makes the page.
func newFleetPage(s *fleetSum, o *Options) *fleetPage {
	var p page
	longest := longestCell
	if o.NoTrunc {
		longest = 0
	}
	p.longest = longest
	p.count(len(s.hosts), "host", "hosts")
	hosts := p.take()
	p.word("What is listening on ")
	p.count(len(s.hosts), "host", "hosts")
	heading := p.take()
	out := &fleetPage{htmlShell: newHTMLShell(heading), Heading: heading, Hosts: hosts, Shown: hosts, sum: s}
	style := htmlStyle + htmlFleetStyle
	out.Style, out.StyleHash = trusted(style), sourceHash(style)
	p.time(s.Time)
	out.Time = p.take()
	p.text(s.Tool)
	out.Tool = p.take()
	s.lines(func(style int, write func(*page)) {
		write(&p)
		if style == warning {
			out.Doubts = append(out.Doubts, p.take())
			return
		}
		out.Lead = append(out.Lead, p.take())
	})
	out.tiles(&p)
	for _, t := range s.tables(inks(false), 0, longest) {
		p.word(t.heading)
		part := fleetPart{Title: p.take(), table: t}
		p.text(strings.ReplaceAll(string(t.heading), " ", "-"))
		part.ID = p.take()
		p.count(t.rows, "row", "rows")
		part.Shown = p.take()
		for _, c := range t.columns {
			p.text(string(c.title[:1]) + strings.ToLower(string(c.title[1:])))
			part.Columns = append(part.Columns, fleetTitle{Title: p.take(), Number: c.right})
		}
		out.Tables = append(out.Tables, part)
	}
	out.matrix(&p)
	return out
}

// tiles makes the numbers of the summary.
func (h *fleetPage) tiles(p *page) {
	s := h.sum
	tile := func(n int, label, tone word) {
		p.int(int64(n))
		if n == 0 {
			tone = ""
		}
		h.Tiles = append(h.Tiles, htmlTile{Value: p.take(), Label: label, Tone: tone})
	}
	tile(len(s.hosts), plural(len(s.hosts), "host", "hosts"), "")
	tile(len(s.services), plural(len(s.services), "service", "services"), "")
	if s.audited > 0 {
		tile(s.severities[audit.Error], plural(s.severities[audit.Error], "error", "errors"), "error")
		tile(s.severities[audit.Warning], plural(s.severities[audit.Warning], "warning", "warnings"), "warning")
	}
	tile(len(s.differences), plural(len(s.differences), "difference", "differences"), "warning")
	n := 0
	for _, host := range s.hosts {
		if !host.complete {
			n++
		}
	}
	tile(n, plural(n, "host not seen whole", "hosts not seen whole"), "warning")
}

// matrix picks the services of the matrix: the most common, by port.
func (h *fleetPage) matrix(p *page) {
	h.columns = slices.DeleteFunc(slices.Clone(h.sum.services), func(v *fleetService) bool { return few(len(v.on), v.of) })
	slices.SortStableFunc(h.columns, func(a, b *fleetService) int { return len(b.on) - len(a.on) })
	h.columns = h.columns[:min(len(h.columns), mostColumns)]
	slices.SortFunc(h.columns, func(a, b *fleetService) int { return a.compare(&b.fleetKey) })
	for _, v := range h.columns {
		p.portOf(v)
		if v.name != "" {
			p.word(" ")
			p.text(v.name)
		}
		h.Services = append(h.Services, fleetTitle{Text: p.take()})
	}
	if n := len(h.sum.services) - len(h.columns); n > 0 {
		p.count(n, "service that fewer hosts have stands", "services that fewer hosts have stand")
		p.word(" in the table of services alone.")
		h.Left = p.take()
	}
}

// Rows returns the rows of the matrix, one after the other, so that a page of any
// size is not held twice.
func (h *fleetPage) Rows() iter.Seq[*fleetRow] {
	return func(yield func(*fleetRow) bool) {
		at := make(map[*fleetHost][]fleetMark, len(h.sum.hosts))
		for i, v := range h.columns {
			for _, on := range v.on {
				marks := at[on.host]
				if marks == nil {
					marks = slices.Repeat([]fleetMark{markNone}, len(h.columns))
					at[on.host] = marks
				}
				marks[i] = markLocal
				if on.exposure.Reachable() {
					marks[i] = markOutside
				}
			}
		}
		var p page
		p.longest = longestCell
		for _, host := range h.sum.hosts {
			p.host(host)
			row := &fleetRow{Host: p.take(), Differs: host.differs() > 0, Incomplete: !host.complete, Cells: at[host]}
			if row.Cells == nil {
				row.Cells = slices.Repeat([]fleetMark{markNone}, len(h.columns))
			}
			if !yield(row) {
				return
			}
		}
	}
}

// Rows returns the rows of the table.
func (t *fleetPart) Rows() iter.Seq[[]fleetCell] {
	return func(yield func([]fleetCell) bool) {
		n, start := len(t.Columns), 0
		row := make([]fleetCell, n)
		for i, c := range t.table.at {
			x := &row[i%n]
			x.Text, x.Class = t.table.cells.span(start, int(c.end)).safe(), styleClasses[c.style]
			if t.table.columns[i%n].right {
				x.Class = "number"
			}
			start = int(c.end)
			if (i+1)%n == 0 && !yield(row) {
				return
			}
		}
	}
}
