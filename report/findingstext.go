package report

import (
	"io"
	"math"
	"path/filepath"
	"slices"

	"github.com/whatslistening/whatslistening/audit"
)

// Where the parts of a finding begin, in cells.
const (
	rowColumn  = 4 // a row, and what is to be done
	moreColumn = 6 // the rest of a row that is wrapped
)

// maxRows is how many rows of a rule a terminal is given; a pipe has them all.
const maxRows = 20

// signs stand before the severities, so that the eye finds them without colour.
var signs = [...]word{audit.Note: "· note", audit.Warning: "! warning", audit.Error: "× error"}

// findingsText writes an audit for people: whose it is, what the findings come
// to, a block for each rule, what could not be seen, and why the exit code is
// what it is.
func findingsText(w io.Writer, r *Report, o *Options) error {
	s := &sheet{w: w, inks: inks(o.Color)}
	if !o.NoTrunc {
		s.width = o.Width
		s.name.longest, s.text.longest = longestCell, longestCell
	}
	findings := slices.Clone(r.Findings)
	audit.Sort(findings)
	s.auditHead(r, findings)
	most := maxRows
	if o.All || s.width == 0 {
		most = math.MaxInt
	}
	for len(findings) > 0 {
		n := 1
		for n < len(findings) && sameBlock(&findings[0], &findings[n]) {
			n++
		}
		s.block(findings[:n], most, !o.All)
		findings = findings[n:]
	}
	s.end()
	s.exceptions(r, most)
	if s.err != nil {
		return s.err
	}
	n := &notes{out: &s.out, w: w, width: s.width, inks: s.inks}
	n.note.longest = s.text.longest
	if r.Baseline != nil {
		if err := n.sinceBaseline(r); err != nil {
			return err
		}
	}
	if err := n.witnesses(r); err != nil {
		return err
	}
	if err := n.limitations(&r.Coverage); err != nil {
		return err
	}
	s.outcome(o.Outcome)
	if s.err != nil {
		return s.err
	}
	return s.out.flush(w)
}

// auditHead writes whose audit it is, and what it comes to.
func (s *sheet) auditHead(r *Report, findings []audit.Finding) {
	s.text.word("audit of ")
	if r.Host.Name == "" {
		s.text.word("a host without a name")
	} else {
		s.text.text(r.Host.Name)
	}
	s.text.word(", ")
	s.text.time(r.Time)
	s.hang(0, 2, title)
	if r.Register != nil {
		s.register(r.Register)
	} else {
		s.text.word("no register of approvals: audit --init drafts one")
		s.hang(0, 2, quiet)
	}
	s.end()
	s.counts(findings, len(r.Accepted))
	if r.Approvals != nil {
		s.approvals(r.Approvals)
	}
}

// register writes what the listeners were held against.
func (s *sheet) register(g *audit.Register) {
	p := &s.text
	p.word("register ")
	switch dir := folderOf(g.Files); {
	case len(g.Files) == 1:
		p.text(g.Files[0].Path)
	case dir != "":
		p.text(dir)
		p.word(" (")
		p.count(len(g.Files), "file", "files")
		p.word(")")
	default:
		for i := range g.Files {
			if i > 0 {
				p.word(", ")
			}
			p.text(g.Files[i].Path)
		}
	}
	p.word(", ")
	p.count(len(g.Approvals), "entry", "entries")
	s.hang(0, 2, quiet)
}

// folderOf returns the folder that all the files are in; empty for several.
func folderOf(files []audit.PolicyFile) string {
	dir := ""
	for i := range files {
		d := filepath.Dir(files[i].Path)
		if i > 0 && d != dir {
			return ""
		}
		dir = d
	}
	return dir
}

// counts writes how many findings there are, by severity, and how many the
// register accepts.
func (s *sheet) counts(findings []audit.Finding, accepted int) {
	p := &s.text
	if len(findings) == 0 {
		p.word("no findings")
	} else {
		p.count(len(findings), "finding", "findings")
		p.word(": ")
		p.severities(severitiesOf(findings))
	}
	p.accepted(accepted)
	s.hang(0, 2, title)
}

// verdictPhrases say of how many sockets what the register says.
var verdictPhrases = [...]word{
	audit.Unapproved:     " unapproved",
	audit.OtherProgram:   " of another program",
	audit.OtherUser:      " of another user",
	audit.OtherUnit:      " of another unit",
	audit.OtherContainer: " of another container",
	audit.Wider:          " wider than approved",
	audit.Expired:        " expired",
	audit.Unconfirmed:    " unconfirmed",
}

// approvals writes what the register says of how many sockets.
func (s *sheet) approvals(list []audit.Approval) {
	p := &s.text
	var of [audit.Client + 1]int
	for i := range list {
		if v := list[i].Verdict; int(v) < len(of) {
			of[v]++
		}
	}
	p.int(int64(of[audit.Approved]))
	p.word(" of ")
	p.count(len(list)-of[audit.Client]-of[audit.NotJudged], "socket", "sockets")
	p.word(" approved")
	said := false
	for v, phrase := range verdictPhrases {
		if phrase == "" || of[v] == 0 {
			continue
		}
		if said {
			p.word(", ")
		} else {
			p.word("; ")
		}
		p.int(int64(of[v]))
		p.word(phrase)
		said = true
	}
	if n := of[audit.Client]; n > 0 {
		p.word("; ")
		p.count(n, "UDP socket that looks like a client is", "UDP sockets that look like clients are")
		p.word(" not judged")
	}
	s.hang(0, 2, plain)
}

// sameBlock reports whether two findings are told in one block.
func sameBlock(a, b *audit.Finding) bool {
	return a.Severity == b.Severity && a.Rule == b.Rule && a.Title == b.Title && a.Next == b.Next
}

// block writes findings of a rule: its title, a row for each place, and what is
// to be done.
func (s *sheet) block(findings []audit.Finding, most int, fold bool) {
	f := &findings[0]
	s.end()
	if int(f.Severity) < len(signs) {
		s.text.word(signs[f.Severity])
	} else {
		s.text.text(f.Severity.String())
	}
	s.text.word("  ")
	s.text.text(f.Rule)
	s.text.word("  ")
	s.text.text(f.Title)
	s.hang(0, rowColumn, inkOf(f.Severity))
	rows := rowsOf(findings, fold)
	for _, row := range rows[:min(len(rows), most)] {
		s.row(&row)
	}
	if more := len(rows) - most; more > 0 {
		s.text.word("… and ")
		s.text.int(int64(more))
		s.text.word(" more: --all shows ")
		s.text.word(plural(more, "it", "them"))
		s.hang(rowColumn, moreColumn, quiet)
	}
	if f.Next != "" {
		s.text.word("next: ")
		s.text.text(f.Next)
		s.hang(2, 2+len("next: "), middle)
	}
}

// row writes what was found, and the line of the register that decided: behind
// it, or below where that has no room.
func (s *sheet) row(r *findingRow) {
	s.text.text(r.message())
	at := s.flow(s.text.rest(0), 0, rowColumn, moreColumn, plain)
	s.text.cut(0)
	if r.decided != (audit.Position{}) {
		s.text.text(r.decided.String())
		place, gap := s.text.rest(0), 2
		if s.width > 0 && at+gap+place.width() > s.width {
			s.end()
			at, gap = 0, moreColumn
		}
		s.flow(place, at, at+gap, moreColumn, quiet)
		s.text.cut(0)
	}
	s.end()
}

// exceptions writes which rules the register disables or re-grades, and which had
// nothing to go by, so that what was not looked for is not taken for what was not
// found; and of most findings that it accepts them.
func (s *sheet) exceptions(r *Report, most int) {
	for i, u := range r.unasked() {
		s.text.word([...]word{"not asked: ", "; "}[min(i, 1)])
		s.text.text(u.Rule)
		s.text.word(", for ")
		s.text.text(u.Why)
	}
	if s.text.len() > 0 {
		s.hang(0, 2, quiet)
	}
	if r.Register == nil {
		return
	}
	for i := range r.Register.Exceptions {
		x, p := &r.Register.Exceptions[i], &s.text
		p.word("rule ")
		p.text(x.Rule)
		p.word(" ")
		p.text(standing(x, r.Time))
		p.word(": ")
		p.text(x.Reason)
		s.hang(0, 2, quiet)
	}
	for i := range r.Accepted[:min(len(r.Accepted), most)] {
		f, p := &r.Accepted[i], &s.text
		p.word("rule ")
		p.text(f.Rule)
		p.word(" is accepted for ")
		p.listener(&f.Subject)
		p.word(": ")
		p.text(f.Accepted.Reason)
		p.word(" (")
		p.text(position(f.Accepted.Decided))
		p.word(")")
		s.hang(0, 2, quiet)
	}
	if more := len(r.Accepted) - most; more > 0 {
		s.text.word("… and ")
		s.text.int(int64(more))
		s.text.word(" more accepted: --all shows ")
		s.text.word(plural(more, "it", "them"))
		s.hang(0, 2, quiet)
	}
}

// outcome writes why the exit code is what it is.
func (s *sheet) outcome(o *Outcome) {
	if o == nil {
		return
	}
	for _, note := range o.Notes {
		s.text.text(note)
		s.hang(0, 2, plain)
	}
	style := title
	if o.Code != 0 {
		style = warning
	}
	s.text.word("exit ")
	s.text.int(int64(o.Code))
	s.text.word(": ")
	s.text.text(o.Why)
	s.hang(0, 2, style)
}
