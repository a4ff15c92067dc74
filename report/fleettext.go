package report

import (
	"io"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/audit"
)

func compareText(a, b string) int { return strings.Compare(a, b) }

// A fleetTable is a section of a fleet for people: a title, and a table.
type fleetTable struct {
	table
	heading word
	rows    int
	more    int // rows left out
}

// newFleetTable returns an empty table with columns of those titles. The first
// has what is needed most; a title that begins with ">" is of numbers.
func newFleetTable(heading word, in *[nstyles]ink, titles ...word) *fleetTable {
	t := &fleetTable{heading: heading, table: table{inks: in}}
	for i, w := range titles {
		c := &column{title: w, need: len(titles) - i, cost: len(titles) - i, least: 10}
		if w[0] == '>' {
			c.title, c.right, c.least, c.need, c.cost = w[1:], true, len(w)-1, 20-i, 20
		}
		t.columns = append(t.columns, c)
	}
	t.columns[0].need = 100
	t.widths = make([]int, len(titles))
	return t
}

// put ends a cell: what was written on the page of cells since the last.
func (t *fleetTable) put(style int) {
	start := 0
	if n := len(t.at); n > 0 {
		start = int(t.at[n-1].end)
	}
	if t.cells.len() == start {
		t.cells.word("-")
		style = quiet
	}
	j := len(t.at) % len(t.columns)
	w := min(t.cells.rest(start).width(), maxWidth)
	t.widths[j] = max(t.widths[j], w)
	t.at = append(t.at, cell{uint32(t.cells.len()), uint16(w), uint8(style)})
	t.rows = len(t.at) / len(t.columns)
}

// number ends a cell with a number; nothing is quiet.
func (t *fleetTable) number(n, style int) {
	t.cells.int(int64(n))
	if n == 0 {
		style = quiet
	}
	t.put(style)
}

// tables returns the sections of a fleet, most rows long; 0 means whole.
func (s *fleetSum) tables(in *[nstyles]ink, most, longest int) []*fleetTable {
	var list []*fleetTable
	limit := func(t *fleetTable, n int) int {
		t.cells.longest = longest
		list = append(list, t)
		if most > 0 && n > most+1 {
			t.more = n - most
			return most
		}
		return n
	}
	if len(s.rules) > 0 {
		t := newFleetTable("findings", in, "RULE", "SEVERITY", "TITLE", ">HOSTS", "ON")
		for i := range s.rules[:limit(t, len(s.rules))] {
			r := &s.rules[i]
			t.cells.text(r.rule)
			t.put(title)
			t.cells.text(r.severity.String())
			t.put(inkOf(r.severity))
			t.cells.text(r.title)
			t.put(plain)
			t.number(len(r.hosts), plain)
			t.cells.hostNames(r.hosts, most)
			t.put(plain)
		}
	}
	if len(s.differences) > 0 {
		t := newFleetTable("differences", in, "HOST", "KIND", "PORT", "SERVICE", "WHAT")
		for i := range s.differences[:limit(t, len(s.differences))] {
			d := &s.differences[i]
			t.cells.host(d.host)
			t.put(title)
			t.cells.word(kindWords[d.kind])
			t.put(styleKind(d.kind))
			t.cells.portOf(d.service)
			t.put(plain)
			t.cells.serviceName(d.service)
			t.put(plain)
			t.cells.difference(d)
			t.put(plain)
		}
	}
	if len(s.hosts) > 0 {
		t := newFleetTable("hosts", in, s.hostTitles()...)
		for _, h := range s.hosts[:limit(t, len(s.hosts))] {
			s.hostRow(t, h)
		}
	}
	if len(s.services) > 0 {
		t := newFleetTable("services", in, "PORT", "SERVICE", ">HOSTS", ">OUTSIDE", "PROGRAMS")
		// A terminal has the most common, a file all by port.
		services := s.services
		n := limit(t, len(services))
		if n < len(services) {
			services = slices.Clone(services)
			slices.SortStableFunc(services, func(a, b *fleetService) int { return len(b.on) - len(a.on) })
			services = services[:n]
		}
		for _, v := range services {
			t.cells.portOf(v)
			t.put(title)
			t.cells.serviceName(v)
			t.put(plain)
			t.number(len(v.on), plain)
			t.number(v.outside, outside)
			t.cells.programsOf(v)
			t.put(plain)
		}
	}
	if len(s.Skipped) > 0 {
		t := newFleetTable("not read", in, "REPORT", "PROBLEM")
		for _, k := range s.Skipped[:limit(t, len(s.Skipped))] {
			t.cells.text(k.Source)
			t.put(title)
			t.cells.text(k.Problem)
			t.put(warning)
		}
	}
	return list
}

// hostTitles are the columns of the hosts.
func (s *fleetSum) hostTitles() []word {
	titles := []word{"HOST"}
	if s.audited > 0 {
		titles = append(titles, ">ERRORS", ">WARNINGS", ">NOTES")
	}
	return append(titles, ">DIFFERS", ">LISTENERS", ">OUTSIDE", "SCANNED", "REMARKS")
}

func (s *fleetSum) hostRow(t *fleetTable, h *fleetHost) {
	t.cells.host(h)
	t.put(title)
	for _, v := range []audit.Severity{audit.Error, audit.Warning, audit.Note} {
		switch {
		case h.audited:
			t.number(h.severities[v], inkOf(v))
		case s.audited > 0:
			t.put(quiet)
		}
	}
	t.number(h.differs(), plain)
	t.number(h.listeners, plain)
	t.number(h.outside, outside)
	t.cells.time(h.time)
	t.put(plain)
	t.cells.remarks(s, h)
	t.put(warning)
}

// fleetText writes a fleet for a terminal, or for a pipe.
func fleetText(w io.Writer, s *fleetSum, o *Options) error {
	in := inks(o.Color)
	longest, most := 0, 0
	sh := &sheet{w: w, inks: in}
	if !o.NoTrunc {
		sh.width, longest = o.Width, longestCell
	}
	if sh.width > 0 && !o.All {
		most = maxRows
	}
	sh.text.longest = longest
	s.lines(func(style int, write func(p *page)) {
		write(&sh.text)
		sh.hang(0, 2, style)
	})
	for _, t := range s.tables(in, most, longest) {
		sh.title(t.heading)
		t.titles()
		if sh.width > 0 {
			t.fit(sh.width, false, false)
		}
		if sh.err == nil {
			sh.err = t.header(&sh.out, w)
		}
		for i := 0; i < t.rows && sh.err == nil; i++ {
			sh.err = t.row(&sh.out, w, i)
		}
		if t.more > 0 {
			sh.text.word("… and ")
			sh.text.int(int64(t.more))
			sh.text.word(" more: --all shows them")
			sh.hang(0, 2, quiet)
		}
	}
	if sh.err != nil {
		return sh.err
	}
	return sh.out.flush(w)
}

// lines hands out the lines above the tables, each with its style.
func (s *fleetSum) lines(line func(style int, write func(*page))) {
	line(title, func(p *page) { p.headline(s) })
	line(plain, func(p *page) { p.totals(s) })
	if s.audited > 0 {
		line(plain, func(p *page) { p.found(s) })
	}
	var try page
	for i := range ndoubts {
		if try.doubt(s, i) {
			line(warning, func(p *page) { p.doubt(s, i) })
		}
	}
}

// fleetMarkdown writes a fleet as GitHub Flavored Markdown.
func fleetMarkdown(w io.Writer, s *fleetSum, o *Options) error {
	longest := longestCell
	if o.NoTrunc {
		longest = 0
	}
	out := new(page)
	var err error
	end := func() {
		if err == nil {
			err = out.line(w)
		}
	}
	s.lines(func(_ int, write func(*page)) {
		one := page{longest: longest}
		write(&one)
		out.word("- ")
		out.prose(one.rest(0))
		end()
	})
	for _, t := range s.tables(inks(false), 0, longest) {
		end()
		out.word("### ")
		out.word(t.heading)
		end()
		end()
		for _, c := range t.columns {
			out.word("| ")
			out.word(c.title)
			out.word(" ")
		}
		out.word("|")
		end()
		for _, c := range t.columns {
			if c.right {
				out.word("| ---: ")
				continue
			}
			out.word("| --- ")
		}
		out.word("|")
		end()
		start := 0
		for i, c := range t.at {
			out.word("| ")
			text := t.cells.span(start, int(c.end))
			start = int(c.end)
			switch j := i % len(t.columns); {
			case t.columns[j].right, c.style == quiet && c.width == 1:
				out.add(text)
			default:
				out.code(text)
			}
			out.word(" ")
			if (i+1)%len(t.columns) == 0 {
				out.word("|")
				end()
			}
		}
	}
	if err != nil {
		return err
	}
	return out.flush(w)
}
