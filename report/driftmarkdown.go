package report

import "io"

// mostChanges is how many changes a table of Markdown has: the comment on a pull
// request has at most 65,536 characters.
const mostChanges = 200

// driftLongest is the length in bytes from which a text of it is cut.
const driftLongest = 60

// driftMarkdown writes the changes as a table of GitHub Flavored Markdown, and
// what they come to above it, for a comment on a pull request.
func driftMarkdown(w io.Writer, r *Report, o *Options) error {
	out := new(page)
	n := notes{each: func(s span) error {
		out.word("- ")
		out.prose(s)
		return out.line(w)
	}}
	if !o.NoHeader {
		if err := n.drift(r); err != nil {
			return err
		}
	}
	if len(r.Findings) == 0 {
		return out.flush(w)
	}
	if !o.NoHeader {
		if err := out.line(w); err != nil {
			return err
		}
	}
	out.word("| | Severity | Port | Program | Change | Was and is |")
	if err := out.line(w); err != nil {
		return err
	}
	out.word("| --- | --- | --- | --- | --- | --- |")
	if err := out.line(w); err != nil {
		return err
	}
	one := &page{longest: driftLongest}
	for i := range r.Findings[:min(len(r.Findings), mostChanges)] {
		f := &r.Findings[i]
		out.word("| `")
		out.word(driftSign(f.Change()))
		out.word("` | ")
		for c := range ndrift {
			one.cut(0)
			driftCell(one, f, c)
			switch {
			case one.len() == 0:
				out.word("-")
			case c == driftSeverity, c == driftChange:
				out.add(one.rest(0))
			default:
				out.code(one.rest(0))
			}
			out.word(" | ")
		}
		out.cut(out.len() - 1)
		if err := out.line(w); err != nil {
			return err
		}
	}
	if more := len(r.Findings) - mostChanges; more > 0 {
		if err := out.line(w); err != nil {
			return err
		}
		out.word("and ")
		out.count(more, "more change", "more changes")
		if err := out.line(w); err != nil {
			return err
		}
	}
	return out.flush(w)
}
