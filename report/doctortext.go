package report

import (
	"io"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/scanner"
)

// A sheet is a diagnosis for people: sections of lines, each with a name in one
// column and what is said of it in the next.
type sheet struct {
	w     io.Writer
	out   page
	name  page // what stands in the first column
	text  page // what stands in the second, before it is wrapped
	inks  *[nstyles]ink
	width int // of the terminal; 0 for no limit
	err   error
}

const (
	factColumn  = 12 // where the text of a fact begins, in cells
	rightColumn = 29 // and that of a capability or a source
	hanging     = 5  // how far in a name goes on that is wrapped: behind its sign
	narrowest   = 24 // a column of fewer cells is no place for a sentence
)

// diagnosisText writes d as text.
func diagnosisText(w io.Writer, d *Diagnosis, o *Options) error {
	s := &sheet{w: w, inks: inks(o.Color)}
	if !o.NoTrunc {
		s.width = o.Width
	}
	s.facts(d)
	s.rights(d.Rights)
	s.sources(d.Coverage.Access.Sources)
	s.remedies(d.Remedies)
	s.verdict(d.BlindTo)
	if s.err != nil {
		return s.err
	}
	return s.out.flush(w)
}

// facts writes what this process is, and what is set against it here.
func (s *sheet) facts(d *Diagnosis) {
	a := d.Coverage.Access
	fact := func(name word, style int) {
		if s.text.len() == 0 {
			return // not known, or nothing to say
		}
		s.name.word(name)
		s.line(0, factColumn, quiet, style)
	}
	if a.UID == 0 {
		s.text.word("root")
	}
	if a.UID > 0 {
		s.text.word("uid ")
		s.text.int(a.UID)
	}
	style := plain
	if !a.InitialUser {
		s.text.word(" of a user namespace: its rights count there alone")
		style = outside
	}
	fact("user", style)
	style = plain
	if a.Processes > 0 {
		s.text.count(a.Processes, "process", "processes")
		if !a.InitialPID {
			s.text.word(" of a pid namespace: those outside it are not to be seen")
		}
		if a.Unreadable > 0 {
			s.text.word(", of which ")
			s.text.count(a.Unreadable, "does not let its", "do not let their")
			s.text.word(" sockets be seen")
			style = outside
		}
	}
	fact("processes", style)
	fact("/proc", s.proc(a))
	switch a.Seccomp {
	case "filter":
		s.text.word("a filter, which may refuse what a source asks")
		fact("seccomp", outside)
	case "disabled":
		s.text.word("no filter")
		fact("seccomp", plain)
	}
	if a.Yama >= 0 {
		s.text.word("ptrace_scope ")
		s.text.int(int64(a.Yama))
		s.text.word(", which is no matter: a scan reads, and attaches to nothing")
	}
	fact("yama", plain)
	s.text.text(a.Lockdown)
	fact("lockdown", plain)
}

// proc writes what /proc does not show, and returns the style for it.
func (s *sheet) proc(a *scanner.Access) int {
	style := plain
	if a.HidePID != "" {
		s.text.word("hidepid=")
		s.text.text(a.HidePID)
		if a.InitialUser && slices.Contains(a.Capabilities, "CAP_SYS_PTRACE") {
			s.text.word(", which CAP_SYS_PTRACE sees through")
		} else {
			s.text.word(" hides the processes of other users")
			style = outside
		}
	}
	if a.Subset != "" {
		if a.HidePID != "" {
			s.text.word("; ")
		}
		s.text.word("subset=")
		s.text.text(a.Subset)
		s.text.word(": processes alone")
		style = outside
	}
	return style
}

// rights writes what each capability buys.
func (s *sheet) rights(rights []scanner.Right) {
	if len(rights) == 0 {
		return
	}
	s.title("capabilities")
	for _, r := range rights {
		s.has(r.Have)
		for i, c := range r.Capabilities {
			if i > 0 {
				s.name.word(", ")
			}
			s.name.text(c)
		}
		s.text.text(r.Buys)
		s.line(2, rightColumn, styleOfHas(r.Have), plain)
	}
}

// sources writes which sources answer. Tables of which the same is to be said
// share a line.
func (s *sheet) sources(list []scanner.SourceState) {
	s.title("sources")
	const table = "sock_diag "
	for len(list) > 0 {
		first := list[0]
		s.has(first.OK)
		s.name.text(first.Name)
		n := 1
		for n < len(list) && strings.HasPrefix(first.Name, table) && strings.HasPrefix(list[n].Name, table) &&
			list[n].OK == first.OK && list[n].Why == first.Why {
			s.name.word(", ")
			s.name.text(list[n].Name[len(table):])
			n++
		}
		s.text.text(first.Why)
		s.line(2, rightColumn, styleOfHas(first.OK), quiet)
		list = list[n:]
	}
}

// has begins a line with whether something is there.
func (s *sheet) has(it bool) {
	if it {
		s.name.word("yes  ")
		return
	}
	s.name.word("no   ")
}

func styleOfHas(it bool) int {
	if it {
		return plain
	}
	return quiet
}

// remedies writes what to do. What is to be pasted is never wrapped.
func (s *sheet) remedies(list []scanner.Remedy) {
	if len(list) == 0 {
		return
	}
	s.title("to see more")
	for _, r := range list {
		s.text.text(r.Text)
		s.line(2, 2, plain, plain)
		for _, l := range r.Lines {
			s.out.pad(6)
			s.text.text(l)
			s.out.paint(s.text.rest(0), &s.inks[title])
			s.text.cut(0)
			s.end()
		}
	}
}

// verdict writes what all of it comes to.
func (s *sheet) verdict(blind []string) {
	s.end()
	if len(blind) == 0 {
		s.text.word("complete")
		s.line(0, 0, plain, title)
		return
	}
	s.text.word("blind to: ")
	for i, b := range blind {
		if i > 0 {
			s.text.word("; ")
		}
		s.text.text(b)
	}
	s.line(0, 0, plain, warning)
}

// title begins a section.
func (s *sheet) title(w word) {
	if s.out.len() > 0 {
		s.end()
	}
	s.text.word(w)
	s.line(0, 0, plain, title)
}

// end ends a line.
func (s *sheet) end() {
	if s.err == nil {
		s.err = s.out.line(s.w)
	}
}

// line writes the name, from one column on, and the text from another, both
// wrapped to the width.
func (s *sheet) line(from, to, nameStyle, textStyle int) {
	name, text := s.name.rest(0), s.text.rest(0)
	if s.width > 0 && s.width-to < narrowest {
		to = min(to, from+hanging)
	}
	at := s.flow(name, 0, from, from+hanging, nameStyle)
	if at > from && at+1 >= to && len(text) > 0 {
		s.end()
		at = 0
	}
	s.flow(text, at, to, to, textStyle)
	s.end()
	s.name.cut(0)
	s.text.cut(0)
}

// hang writes the text from one column on, and what does not fit from another.
func (s *sheet) hang(from, next, style int) {
	s.flow(s.text.rest(0), 0, from, next, style)
	s.end()
	s.text.cut(0)
}

// flow writes t from a column on, and what does not fit on lines that begin at
// another. The line begun has at cells; it returns how many the last one has.
func (s *sheet) flow(t span, at, from, next, style int) int {
	for len(t) > 0 {
		s.out.pad(max(0, from-at))
		row := t
		if s.width > 0 {
			row = t.wrap(max(s.width-from, 1))
		}
		s.out.paint(row, &s.inks[style])
		at = from + row.width()
		t = t[len(row):]
		if len(t) > 0 && t[0] == ' ' {
			t = t[1:]
		}
		if len(t) > 0 {
			s.end()
			at, from = 0, next
		}
	}
	return at
}
