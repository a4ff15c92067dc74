package report

import "io"

// shownPIDs returns how many pids of a program a cell names on a terminal of
// that width.
func shownPIDs(width int) int {
	if width < 100 {
		return 1
	}
	return 2
}

// newPeopleView is the view of a table or a tree.
func newPeopleView(r *Report, o *Options) (*view, error) {
	v := newView(r, !o.All)
	if o.Width > 0 && !o.NoTrunc {
		v.pids = shownPIDs(o.Width)
	}
	return v, v.sort(o.Sort)
}

// writeTable writes the listeners as a table, a row each, and the summary.
func writeTable(w io.Writer, r *Report, f Format, o *Options) error {
	v, err := newPeopleView(r, o)
	if err != nil {
		return err
	}
	cs, err := resolve(o.Columns, v.base(f))
	if err != nil {
		return err
	}
	v.bare = hasColumn(cs, "pid")
	out, in := new(page), inks(o.Color)
	var dropped []*column
	if len(v.rows) > 0 {
		t := newTable(v, cs, o, in)
		if !o.NoHeader {
			t.titles()
		}
		if o.Width > 0 && !o.NoTrunc {
			t.fit(o.Width, len(o.Columns) > 0, o.NoHeader)
			dropped = t.dropped
		}
		if !o.NoHeader {
			if err := t.header(out, w); err != nil {
				return err
			}
		}
		for i := range v.rows {
			if err := t.row(out, w, i); err != nil {
				return err
			}
		}
	}
	if err := v.foot(out, w, o, in, dropped); err != nil {
		return err
	}
	return out.flush(w)
}

// hasColumn reports whether one of cs is called key.
func hasColumn(cs []*column, key string) bool {
	for _, c := range cs {
		if c.key == key {
			return true
		}
	}
	return false
}
