package main

import (
	"slices"

	"github.com/whatslistening/whatslistening/portdb"
)

// apply returns base with the rows of changes in it.
//
// A changed row takes the place of the row of the same name, port and
// transport, and keeps what that row says in columns that the changes do not
// have. Otherwise it takes the place of the row without a name (Unassigned,
// Reserved) of the same port and transport; or, having no name itself, of all
// that were named there. A new name beside names of the same port and transport
// goes before them: it is the newest word, and the others stay as aliases, for
// a list of changed rows cannot say which rows are gone.
//
// An Unassigned run of ports that states no transport is cut around a port for
// which there is a changed row, as IANA does it.
func apply(base, changes []row) []row {
	rows := slices.Clone(base)
	for _, c := range changes {
		rows = cutAround(rows, &c)
		at, replace := place(rows, &c)
		if !replace {
			rows = slices.Insert(rows, at, c)
			continue
		}
		for i, stated := range c.stated {
			if !stated && c.cells[colName] == rows[at].cells[colName] {
				c.cells[i] = rows[at].cells[i]
			}
		}
		rows[at] = c
		if c.cells[colName] == "" && c.hasPort {
			rows = slices.Concat(rows[:at+1], slices.DeleteFunc(slices.Clone(rows[at+1:]), func(w row) bool { return sameKey(&w, &c) }))
		}
	}
	return rows
}

func sameKey(a, b *row) bool {
	return a.hasPort == b.hasPort && a.first == b.first && a.last == b.last && a.transport == b.transport
}

// place returns where the changed row c belongs in rows, and whether it takes
// the place of the row that is there.
func place(rows []row, c *row) (at int, replace bool) {
	same := slices.IndexFunc(rows, func(w row) bool {
		return sameKey(&w, c) && w.cells[colName] == c.cells[colName]
	})
	if same >= 0 {
		return same, true
	}
	if key := slices.IndexFunc(rows, func(w row) bool { return c.hasPort && sameKey(&w, c) }); key >= 0 {
		return key, rows[key].cells[colName] == "" || c.cells[colName] == ""
	}
	if !c.hasPort {
		return len(rows), false
	}
	if after := slices.IndexFunc(rows, func(w row) bool { return w.first > c.first || !w.hasPort }); after >= 0 {
		return after, false
	}
	return len(rows), false
}

// cutAround takes the ports of c out of the Unassigned rows that state no
// transport.
func cutAround(rows []row, c *row) []row {
	if !c.hasPort || c.transport == 0 {
		return rows
	}
	var cut []row
	for _, w := range rows {
		if !w.hasPort || w.transport != 0 || w.status() != portdb.Unassigned || w.last < c.first || c.last < w.first {
			cut = append(cut, w)
			continue
		}
		if w.first < c.first {
			left := w
			left.last = c.first - 1
			cut = append(cut, left)
		}
		if w.last > c.last {
			right := w
			right.first = c.last + 1
			cut = append(cut, right)
		}
	}
	return cut
}
