package report

import (
	"io"

	"github.com/whatslistening/whatslistening/audit"
)

// maxComment is how many bytes an audit has in Markdown at most: GitHub takes
// 65,536 characters in a comment, and a workflow may add a line of its own.
const maxComment = 65000

// findingsMarkdown writes an audit as GitHub Flavored Markdown, fit for a comment
// on a pull request: what the findings come to, a table of them, the worst
// first, and folded away what could not be seen and what was judged by. Where
// there are more than fit it says how many.
func findingsMarkdown(w io.Writer, r *Report) error {
	m := &comment{r: r}
	m.one.longest = 1024
	m.foot()
	foot := m.out.rest(0)
	m.out = page{}
	m.head()
	m.table(maxComment - len(foot))
	m.out.add(foot)
	return m.out.flush(w)
}

// A comment is an audit in Markdown in the making. It is held as a whole, as it
// is small.
type comment struct {
	r        *Report
	out, one page
}

// end ends a line.
func (m *comment) end() { m.out.word("\n") }

// code writes what write writes as inline code; "-" for nothing.
func (m *comment) code(write func(*page)) {
	m.one.cut(0)
	if write(&m.one); m.one.len() == 0 {
		m.out.word("-")
		return
	}
	m.out.code(m.one.rest(0))
}

// prose writes a text as running text.
func (m *comment) prose(s string) {
	m.one.cut(0)
	m.one.text(s)
	m.out.prose(m.one.rest(0))
}

// head writes what the findings come to.
func (m *comment) head() {
	m.out.word("### Listening sockets of ")
	m.code(func(p *page) { p.text(m.r.Host.Name) })
	m.out.word(": ")
	if len(m.r.Findings) == 0 {
		m.out.word("no findings")
	} else {
		m.out.severities(severitiesOf(m.r.Findings))
	}
	m.out.accepted(len(m.r.Accepted))
	m.end()
	m.end()
	if !m.r.Coverage.Complete {
		m.out.word("**Incomplete**: not all could be seen; the end of this comment says what.")
		m.end()
		m.end()
	}
}

// table writes the findings in at most room bytes of the whole.
func (m *comment) table(room int) {
	if len(m.r.Findings) == 0 {
		return
	}
	m.out.word("| | Rule | Listener | Finding | Next step |\n| --- | --- | --- | --- | --- |\n")
	for i := range m.r.Findings {
		start := m.out.len()
		m.row(&m.r.Findings[i])
		if m.out.len() > room-100 { // for the line below
			m.out.cut(start)
			m.end()
			m.out.word("and ")
			m.out.count(len(m.r.Findings)-i, "finding more", "findings more")
			m.out.word(", for which there is no room")
			m.end()
			break
		}
	}
	m.end()
}

// row writes a finding.
func (m *comment) row(f *audit.Finding) {
	sign := [...]word{"note", "warning", "**error**"}
	m.out.word("| ")
	m.out.word(sign[f.Severity])
	m.out.word(" | ")
	m.code(func(p *page) { p.text(f.Rule) })
	m.out.word(" | ")
	m.code(func(p *page) { p.listener(&f.Subject) })
	m.out.word(" | ")
	m.prose(f.Message)
	m.out.word(" | ")
	m.prose(f.Next)
	m.out.word(" |")
	m.end()
}

// exceptions writes which rules were not asked or have an exception in the
// register, and what it accepts.
func (m *comment) exceptions() {
	for _, u := range m.r.unasked() {
		m.out.word("- rule ")
		m.code(func(p *page) { p.text(u.Rule) })
		m.out.word(" was not asked: ")
		m.prose(u.Why)
		m.end()
	}
	if m.r.Register == nil {
		return
	}
	for i := range m.r.Register.Exceptions {
		x := &m.r.Register.Exceptions[i]
		m.out.word("- rule ")
		m.code(func(p *page) { p.text(x.Rule) })
		m.out.word(" ")
		m.prose(standing(x, m.r.Time))
		m.out.word(": ")
		m.prose(x.Reason)
		m.end()
	}
	for i := range m.r.Accepted {
		f := &m.r.Accepted[i]
		if m.item(i, maxAccepted, len(m.r.Accepted), "accepted finding more", "accepted findings more") {
			break
		}
		m.out.word("rule ")
		m.code(func(p *page) { p.text(f.Rule) })
		m.out.word(" is accepted for ")
		m.code(func(p *page) { p.listener(&f.Subject) })
		m.out.word(": ")
		m.prose(f.Accepted.Reason)
		m.out.word(" (")
		m.code(func(p *page) { p.text(position(f.Accepted.Decided)) })
		m.out.word(")")
		m.end()
	}
}

// maxLimits is how many limitations a comment names, maxFiles how many files, and
// maxAccepted how many findings that the register accepts.
const maxLimits, maxFiles, maxAccepted = 20, 10, 10

// item begins item i of a list of n. Where the list has its most already, it says
// instead how many more there are, and reports true.
func (m *comment) item(i, most, n int, one, many word) (full bool) {
	m.out.word("- ")
	if i < most {
		return false
	}
	m.out.word("and ")
	m.out.count(n-i, one, many)
	m.end()
	return true
}

// foot writes what was judged by and what could not be seen, folded away.
func (m *comment) foot() {
	m.out.word("<details><summary>What was looked at</summary>\n\n- ")
	m.out.count(len(m.r.Listeners), "listening socket", "listening sockets")
	m.out.word(", ")
	m.code(func(p *page) { p.time(m.r.Time) })
	m.out.word(", whatslistening ")
	m.code(func(p *page) { p.text(m.r.Tool) })
	m.out.word(", registry of ")
	m.code(func(p *page) { p.text(m.r.Registry) })
	m.end()
	if m.r.Register != nil {
		for i, f := range m.r.Register.Files {
			if m.item(i, maxFiles, len(m.r.Register.Files), "file more", "files more") {
				break
			}
			m.out.word("register ")
			m.code(func(p *page) { p.text(f.Path) })
			m.out.word(", ")
			m.out.count(f.Entries, "entry", "entries")
			m.out.word(", SHA-256 ")
			m.code(func(p *page) { p.text(f.SHA256) })
			m.end()
		}
	}
	if m.r.Baseline != nil {
		n := notes{each: func(s span) error {
			m.out.word("- ")
			m.out.prose(s)
			m.end()
			return nil
		}}
		_ = n.sinceBaseline(m.r) // which only fails where each does
	}
	m.exceptions()
	for i, l := range m.r.Coverage.Limitations {
		if m.item(i, maxLimits, len(m.r.Coverage.Limitations), "limitation more", "limitations more") {
			break
		}
		m.out.word("not seen: ")
		m.prose(l.Text)
		if l.Remedy != "" {
			m.out.word(" (")
			m.prose(l.Remedy)
			m.out.word(")")
		}
		m.end()
	}
	m.out.word("\n</details>\n")
}
