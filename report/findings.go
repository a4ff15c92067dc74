package report

import (
	"fmt"
	"io"

	"github.com/whatslistening/whatslistening/audit"
)

// WriteFindings writes what an audit judged: for people, in the format [Table],
// the findings and what they come to; and in JSON or YAML the report as [Write]
// does. Another format is an error.
func WriteFindings(w io.Writer, r *Report, f Format, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	switch f {
	case JSON, YAML:
		return Write(w, r, f, o)
	case Table:
		return findingsText(w, r, o)
	}
	return fmt.Errorf("findings cannot be written as %v", f)
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

// findingsText writes a block of lines for each finding, and the sums.
func findingsText(w io.Writer, r *Report, o *Options) error {
	n := &notes{out: new(page), w: w, width: o.Width, inks: inks(o.Color)}
	if !o.NoTrunc {
		n.note.longest = longestCell
	}
	for i := range r.Findings {
		if err := n.finding(&r.Findings[i]); err != nil {
			return err
		}
		if err := n.out.line(w); err != nil {
			return err
		}
	}
	if err := n.sums(r); err != nil {
		return err
	}
	if err := n.exceptions(r); err != nil {
		return err
	}
	if err := n.limitations(&r.Coverage); err != nil {
		return err
	}
	return n.out.flush(w)
}

// exceptions writes which rules the register disables or re-grades, so that what
// was not looked for is not taken for what was not found.
func (n *notes) exceptions(r *Report) error {
	if r.Register == nil {
		return nil
	}
	for i := range r.Register.Exceptions {
		x := &r.Register.Exceptions[i]
		p := &n.note
		p.word("rule ")
		p.text(x.Rule)
		switch {
		case x.Expired(r.Time):
			p.word(" has an exception no more, since ")
			p.text(x.Expires)
		case x.Disabled:
			p.word(" is disabled")
		default:
			p.word(" counts as ")
			p.text(x.Severity.String())
		}
		p.word(": ")
		p.text(x.Reason)
		if err := n.end(quiet); err != nil {
			return err
		}
	}
	return nil
}

// finding writes the block of a finding.
func (n *notes) finding(f *audit.Finding) error {
	p := &n.note
	p.text(f.Severity.String())
	p.word(" ")
	p.text(f.Rule)
	p.word(" ")
	p.text(f.Title)
	if err := n.end(inkOf(f.Severity)); err != nil {
		return err
	}
	for _, line := range [...]struct {
		lead  word
		text  string
		style int
	}{
		{"", f.Message, plain},
		{"next: ", f.Next, plain},
		{"at: ", position(f.Decided), quiet},
	} {
		if line.text == "" {
			continue
		}
		p.word("  ")
		p.word(line.lead)
		p.text(line.text)
		if err := n.end(line.style); err != nil {
			return err
		}
	}
	return nil
}

// WriteProblems writes what is wrong or odd about a register, for people: a line
// for each problem, and its next step below it.
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
		if b.Hint == "" {
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

// sums writes how many findings there are, and how many listeners are approved.
func (n *notes) sums(r *Report) error {
	p := &n.note
	var of [audit.Error + 1]int
	for i := range r.Findings {
		if s := r.Findings[i].Severity; int(s) < len(of) {
			of[s]++
		}
	}
	if len(r.Findings) == 0 {
		p.word("no findings")
	} else {
		p.count(len(r.Findings), "finding", "findings")
		p.word(": ")
		p.count(of[audit.Error], "error", "errors")
		p.word(", ")
		p.count(of[audit.Warning], "warning", "warnings")
		p.word(", ")
		p.count(of[audit.Note], "note", "notes")
	}
	if r.Approvals == nil {
		p.word("; no register of approvals: audit --init drafts one")
	} else {
		approved, clients := 0, 0
		for i := range r.Approvals {
			switch r.Approvals[i].Verdict {
			case audit.Approved:
				approved++
			case audit.Client:
				clients++
			case audit.NotJudged, audit.Unapproved, audit.OtherProgram, audit.OtherUser, audit.OtherUnit,
				audit.OtherContainer, audit.Wider, audit.Expired, audit.Unconfirmed:
			}
		}
		p.word("; ")
		p.int(int64(approved))
		p.word(" of ")
		p.count(len(r.Approvals)-clients, "socket", "sockets")
		p.word(" approved")
		if clients > 0 {
			p.word(", and ")
			p.count(clients, "UDP socket that looks like a client not judged", "UDP sockets that look like clients not judged")
		}
	}
	return n.end(plain)
}
