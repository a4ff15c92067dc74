package report

import "io"

// writeMarkdown writes a table of GitHub Flavored Markdown, and the summary
// below it as a list. Text from the host stands in inline code.
func writeMarkdown(w io.Writer, r *Report, o *Options) error {
	v := newView(r, !o.All)
	if err := v.sort(o.Sort); err != nil {
		return err
	}
	cs, err := resolve(o.Columns, v.base(Markdown))
	if err != nil {
		return err
	}
	v.bare = hasColumn(cs, "pid")
	out := new(page)
	if len(v.rows) > 0 {
		if err := v.markdownTable(out, w, cs, o); err != nil {
			return err
		}
	}
	if o.NoHeader {
		return out.flush(w)
	}
	if len(v.rows) > 0 {
		if err := out.line(w); err != nil {
			return err
		}
	}
	n := notes{each: func(s span) error {
		out.word("- ")
		out.prose(s)
		return out.line(w)
	}}
	if err := v.notes(&n, nil); err != nil {
		return err
	}
	return out.flush(w)
}

// markdownTable writes the table itself. Markdown has no table without a line
// of titles: without titles they are empty.
func (v *view) markdownTable(out *page, w io.Writer, cs []*column, o *Options) error {
	for _, c := range cs {
		out.word("| ")
		if !o.NoHeader {
			out.word(c.title)
			out.word(" ")
		}
	}
	out.word("|")
	if err := out.line(w); err != nil {
		return err
	}
	for _, c := range cs {
		if c.right {
			out.word("| ---: ")
			continue
		}
		out.word("| --- ")
	}
	out.word("|")
	if err := out.line(w); err != nil {
		return err
	}
	one := new(page)
	if !o.NoTrunc {
		one.longest = longestCell
	}
	var g group
	for i := range v.rows {
		v.group(&g, i)
		for _, c := range cs {
			out.word("| ")
			one.cut(0)
			c.cell(one, &g)
			switch {
			case one.len() == 0:
				out.word("-")
			case c.ours:
				out.add(one.rest(0))
			default:
				out.code(one.rest(0))
			}
			out.word(" ")
		}
		out.word("|")
		if err := out.line(w); err != nil {
			return err
		}
	}
	return nil
}
