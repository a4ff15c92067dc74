package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/whatslistening/whatslistening/audit"
)

// WriteFindings writes what an audit judged: for people, in the format [Table],
// what the findings come to and then the findings, the worst first, each with
// the next step; in JSONL and CSV a line for each finding, and in Markdown a
// comment for a pull request; in JSON, YAML, HTML, SARIF, JUnit and Prometheus
// the report as [Write] does. Another format is an error.
func WriteFindings(w io.Writer, r *Report, f Format, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	switch f {
	case JSON, YAML, HTML, SARIF, JUnit:
		return Write(w, r, f, o)
	case Prometheus:
		return writePrometheus(w, r, true)
	case JSONL:
		return findingsJSONL(w, r)
	case CSV:
		return findingsCSV(w, r, o)
	case Markdown:
		return findingsMarkdown(w, r)
	case Table:
		return findingsText(w, r, o)
	}
	return fmt.Errorf("findings cannot be written as %v", f)
}

// severities are how many findings there are of each severity.
type severities [audit.Error + 1]int

// severitiesOf counts findings by severity.
func severitiesOf(findings []audit.Finding) severities {
	var n severities
	for i := range findings {
		if s := findings[i].Severity; int(s) < len(n) {
			n[s]++
		}
	}
	return n
}

// severities writes the worst first: "8 errors, 4 warnings, 1 note".
func (p *page) severities(n severities) {
	p.count(n[audit.Error], "error", "errors")
	p.word(", ")
	p.count(n[audit.Warning], "warning", "warnings")
	p.word(", ")
	p.count(n[audit.Note], "note", "notes")
}

// accepted writes how many findings the register accepts, behind those that it
// does not.
func (p *page) accepted(n int) {
	if n == 0 {
		return
	}
	if p.len() > 0 {
		p.word("; ")
	}
	p.int(int64(n))
	p.word(" accepted by the register")
}

// inkOf returns the style of a severity.
func inkOf(s audit.Severity) int {
	switch s {
	case audit.Note:
		return quiet
	case audit.Warning:
		return outside
	case audit.Error:
	}
	return exposed
}

// WriteProblems writes what is wrong or odd about a register, for people: a line
// for each problem, and the next step below it, or below the last of those that
// have the same.
func WriteProblems(w io.Writer, problems []audit.Problem, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	n := &notes{out: new(page), w: w, width: o.Width, inks: inks(o.Color)}
	for i := range problems {
		b := &problems[i]
		n.note.text(b.Severity.String())
		n.note.word(" ")
		n.note.text(b.String())
		if err := n.end(inkOf(b.Severity)); err != nil {
			return err
		}
		// One next step for all that have the same, one after the other.
		if b.Hint == "" || i+1 < len(problems) && problems[i+1].Hint == b.Hint {
			continue
		}
		n.note.word("  next: ")
		n.note.text(b.Hint)
		if err := n.end(plain); err != nil {
			return err
		}
	}
	if len(problems) == 0 {
		n.note.word("nothing is odd about the register")
	} else {
		n.note.count(len(problems), "problem", "problems")
	}
	if err := n.end(plain); err != nil {
		return err
	}
	return n.out.flush(w)
}

// position returns a place in a register; empty for none.
func position(p audit.Position) string {
	if p == (audit.Position{}) {
		return ""
	}
	return p.String()
}

// judged returns the findings, and behind them those that the register accepts.
func (r *Report) judged() []audit.Finding {
	if r.Accepted == nil {
		return r.Findings
	}
	return slices.Concat(r.Findings, r.Accepted)
}

// setJudged is the inverse of judged.
func (r *Report) setJudged(findings []audit.Finding) {
	if findings == nil {
		return
	}
	r.Findings = make([]audit.Finding, 0, len(findings))
	for _, f := range findings {
		if f.Accepted == (audit.Approval{}) {
			r.Findings = append(r.Findings, f)
		} else {
			r.Accepted = append(r.Accepted, f)
		}
	}
}
