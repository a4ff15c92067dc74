package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/whatslistening/whatslistening/audit"
)

// WriteDrift writes what changed since the baseline of r: for people, in the
// formats [Table] and [Markdown], a line for each change, and what they come to;
// in every other format as [WriteFindings] does.
func WriteDrift(w io.Writer, r *Report, f Format, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	if r.Baseline == nil {
		return fmt.Errorf("the report was compared with no baseline")
	}
	switch f {
	case Table:
		return driftTable(w, r, o)
	case Markdown:
		return driftMarkdown(w, r, o)
	case JUnit:
		return writeSuites(w, r, o, false)
	}
	return WriteFindings(w, r, f, o)
}

// The columns of the table of changes.
const (
	driftSeverity = iota
	driftPort
	driftProgram
	driftChange
	driftWas
	ndrift
)

// driftTitles are the titles of the columns.
var driftTitles = [ndrift]word{"SEVERITY", "PORT", "PROGRAM", "CHANGE", "WAS AND IS"}

// driftLeast says which column of a table that is too wide gives way, and down to
// which width, one after the other.
var driftLeast = [...]struct{ column, least int }{
	{driftProgram, 24},
	{driftPort, 24},
	{driftProgram, 12},
	{driftPort, 12},
	{driftWas, 16},
	{driftProgram, 4},
	{driftPort, 4},
	{driftWas, 4},
	{driftSeverity, 4},
	{driftChange, 4},
}

// driftCell writes a cell of the row of a finding.
func driftCell(p *page, f *audit.Finding, column int) {
	switch column {
	case driftSeverity:
		p.text(f.Severity.String())
	case driftPort:
		driftPlace(p, &f.Subject)
	case driftProgram:
		p.text(strings.Join(f.Subject.Programs, ", "))
	case driftChange:
		p.text(f.Change().String())
	case driftWas:
		p.text(shortID(f.Was))
		if f.Was != "" && f.Now != "" {
			p.word(" → ")
		}
		p.text(shortID(f.Now))
	}
}

// driftPlace writes where a service is: "tcp/443 in web".
func driftPlace(p *page, s *audit.Subject) {
	p.text(s.Protocol.String())
	switch {
	case s.Path != "":
		p.word(" ")
		p.text(s.Path)
	case s.Port != 0:
		p.word("/")
		p.uint(uint64(s.Port))
	}
	if s.Namespace != "host" {
		p.word(" in ")
		p.text(shortID(s.Namespace))
	}
}

// driftSign is the sign in front of a change.
func driftSign(c audit.Change) word {
	switch c {
	case audit.Appeared:
		return "+"
	case audit.Gone:
		return "-"
	case audit.NoChange, audit.Moved, audit.Replaced, audit.Restarted, audit.OwnerChanged:
	}
	return "~"
}

// driftTable writes the changes as a table.
func driftTable(w io.Writer, r *Report, o *Options) error {
	n := &notes{out: new(page), w: w, width: o.Width, inks: inks(o.Color)}
	if len(r.Findings) > 0 {
		if err := n.changes(r.Findings, o); err != nil {
			return err
		}
		if !o.NoHeader {
			if err := n.out.line(w); err != nil {
				return err
			}
		}
	}
	if !o.NoHeader {
		if err := n.drift(r); err != nil {
			return err
		}
	}
	return n.out.flush(w)
}

// changes writes a row for each finding.
func (n *notes) changes(findings []audit.Finding, o *Options) error {
	cells, widths := new(page), [ndrift]int{}
	if !o.NoTrunc {
		cells.longest = longestCell
	}
	ends := make([]int, 0, ndrift*len(findings))
	for c := range driftTitles {
		if !o.NoHeader {
			widths[c] = len(driftTitles[c])
		}
	}
	for i := range findings {
		for c := range ndrift {
			start := cells.len()
			driftCell(cells, &findings[i], c)
			ends = append(ends, cells.len())
			widths[c] = max(widths[c], cells.rest(start).width())
		}
	}
	bounded := o.Width > 0 && !o.NoTrunc
	if bounded {
		over := len("+ ") + (ndrift-1)*gap - o.Width
		for _, w := range widths {
			over += w
		}
		for _, l := range driftLeast {
			less := max(min(over, widths[l.column]-l.least), 0)
			widths[l.column] -= less
			over -= less
		}
	} else {
		for c := range widths {
			widths[c] = min(widths[c], widestPad)
		}
	}
	if !o.NoHeader {
		n.out.pad(len("+ "))
		for c, t := range driftTitles {
			start := n.note.len()
			n.note.word(t)
			used := n.out.shorten(n.note.rest(start), len(t), widths[c], keepHead, &n.inks[title])
			n.note.cut(start)
			if c < ndrift-1 {
				n.out.pad(widths[c] - used + gap)
			}
		}
		if err := n.out.line(n.w); err != nil {
			return err
		}
	}
	start := 0
	for i := range findings {
		f := &findings[i]
		n.out.word(driftSign(f.Change()))
		due := 1 // spaces before the next cell that has anything
		for c := range ndrift {
			s := cells.span(start, ends[i*ndrift+c])
			start = ends[i*ndrift+c]
			style := plain
			if c == driftSeverity {
				style = inkOf(f.Severity)
			}
			if len(s) == 0 {
				due += widths[c] + gap
				continue
			}
			n.out.pad(due)
			used := s.width()
			switch {
			case c == driftWas && bounded && used > widths[c] && f.Was != "" && f.Now != "":
				n.wasAndIs(f, widths[c])
			case bounded && used > widths[c]:
				used = n.out.shorten(s, used, widths[c], keepHead, &n.inks[style])
			default:
				n.out.paint(s, &n.inks[style])
			}
			due = max(widths[c]-used, 0) + gap
		}
		if err := n.out.line(n.w); err != nil {
			return err
		}
	}
	return nil
}

// wasAndIs writes what was and what is in width cells, which are too few for
// both: some of each is left.
func (n *notes) wasAndIs(f *audit.Finding, width int) {
	const arrow = 3 // cells of " → "
	both := &page{longest: longestCell}
	both.text(f.Was)
	end := both.len()
	both.text(f.Now)
	was, is := both.span(0, end), both.rest(end)
	k := keepHead
	if f.Change() == audit.Replaced {
		k = keepTail // of paths
	}
	room := max(width-arrow, 0)
	first := max(room/2, room-is.width())
	used := n.out.shorten(was, was.width(), first, k, &n.inks[plain])
	if used > 0 {
		n.out.word(" → ")
	} else {
		room = width
	}
	n.out.shorten(is, is.width(), room-used, k, &n.inks[plain])
}

// drift writes what the changes come to, and what could not be compared or seen.
func (n *notes) drift(r *Report) error {
	if err := n.sinceBaseline(r); err != nil {
		return err
	}
	return n.limitations(&r.Coverage)
}

// sinceBaseline writes what the changes come to, and what could not be compared.
func (n *notes) sinceBaseline(r *Report) error {
	p, b := &n.note, r.Baseline
	var of [audit.OwnerChanged + 1]int
	changed := 0
	for i := range r.Findings {
		if c := r.Findings[i].Change(); c != audit.NoChange {
			of[c]++
			changed++
		}
	}
	switch {
	case changed == 0 && r.hidesDrift():
		p.word("nothing changed but for what the register disables")
	case changed == 0:
		p.word("nothing changed")
	default:
		p.count(changed, "change", "changes")
	}
	p.word(" since ")
	p.time(b.Time)
	if b.Host != r.Host.Name {
		p.word(" on ")
		p.text(b.Host)
	}
	first := true
	for c := audit.Appeared; c <= audit.OwnerChanged; c++ {
		if of[c] == 0 {
			continue
		}
		if first {
			p.word(": ")
		} else {
			p.word(", ")
		}
		first = false
		p.int(int64(of[c]))
		p.word(" ")
		p.word(driftWord(c))
	}
	p.word("; ")
	p.count(b.Unchanged, "listener is as it was", "listeners are as they were")
	if err := n.end(plain); err != nil {
		return err
	}
	for _, c := range b.Caveats {
		style := quiet
		p.word("note: ")
		if c.Wrong {
			p.word("compared all the same: ")
			style = outside
		}
		p.text(c.Text)
		if err := n.end(style); err != nil {
			return err
		}
	}
	return nil
}

// driftWord says what became of listeners.
func driftWord(c audit.Change) word {
	switch c {
	case audit.Appeared:
		return "appeared"
	case audit.Gone:
		return "gone"
	case audit.Moved:
		return "moved"
	case audit.Replaced:
		return "replaced"
	case audit.Restarted:
		return "restarted"
	case audit.OwnerChanged:
		return "with another owner"
	case audit.NoChange:
	}
	return ""
}
