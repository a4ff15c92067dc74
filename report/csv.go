package report

import (
	"io"
	"strings"
)

// writeCSV writes a line for each socket: nothing folded, nothing shortened,
// the titles of the columns as the keys of JSON are, an empty cell for what is
// not known, pids and addresses parted by spaces.
func writeCSV(w io.Writer, r *Report, o *Options) error {
	v := newView(r, false)
	v.raw = true
	if err := v.sort(o.Sort); err != nil {
		return err
	}
	base := v.base(CSV)
	if r.Discrepancies != nil { // asked for, so that it is there whatever came of it
		base = append(base, "witnesses")
	}
	cs, err := resolve(o.Columns, base)
	if err != nil {
		return err
	}
	out, one := new(page), new(page)
	if !o.NoHeader {
		for i, c := range cs {
			if i > 0 {
				out.word(",")
			}
			out.text(strings.ReplaceAll(c.key, "-", "_"))
		}
		if err := out.line(w); err != nil {
			return err
		}
	}
	var g group
	for i := range v.rows {
		v.group(&g, i)
		for j, c := range cs {
			if j > 0 {
				out.word(",")
			}
			one.cut(0)
			c.cell(one, &g)
			out.csv(one.rest(0), c.ours && c.right)
		}
		if err := out.line(w); err != nil {
			return err
		}
	}
	return out.flush(w)
}
