package report

import "io"

// driftLongest is the length in bytes from which a text of a table is cut.
const driftLongest = 60

// driftMarkdown writes the changes as a table of GitHub Flavored Markdown, and
// what they come to above it, for a comment on a pull request. Where there are
// more than fit into one it says how many.
func driftMarkdown(w io.Writer, r *Report, o *Options) error {
	out := new(page)
	n := notes{each: func(s span) error {
		out.word("- ")
		out.prose(s)
		out.word("\n")
		return nil
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
		out.word("\n")
	}
	out.word("| | Severity | Port | Program | Change | Was and is |\n| --- | --- | --- | --- | --- | --- |\n")
	one := &page{longest: driftLongest}
	for i := range r.Findings {
		f, start := &r.Findings[i], out.len()
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
			out.word(" |")
			if c < ndrift-1 {
				out.word(" ")
			}
		}
		out.word("\n")
		if out.len() > maxComment-100 { // for the line below
			out.cut(start)
			out.word("\nand ")
			out.count(len(r.Findings)-i, "more change", "more changes")
			out.word("\n")
			break
		}
	}
	return out.flush(w)
}
