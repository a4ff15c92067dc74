package report

import (
	"io"
	"runtime"
	"slices"
	"sync"
)

// A table is cells laid out in columns.
type table struct {
	columns []*column
	inks    *[nstyles]ink
	// The rows are in one batch, and those of a long table in further ones: perBatch
	// rows on each but the last.
	batch
	further  []batch
	perBatch int
	// widths are those of the columns: as wide as the widest cell, until fit
	// makes them smaller.
	widths []int
	// dropped are the columns that the terminal is too narrow for.
	dropped []*column
	// indent is how many cells stand before each row.
	indent int
	// oneNamespace says that all rows are in one network namespace.
	oneNamespace bool
	// bounded says that the widths are a limit for the cells.
	bounded bool
}

// A batch is some rows of a table. The cells stand one after the other on one page,
// so that any number of them is a few allocations.
type batch struct {
	cells page
	at    []cell
}

// A cell is a place on the page of a batch.
type cell struct {
	end   uint32
	width uint16 // at most maxWidth
	style uint8
}

// maxWidth is the width from which cells are not told apart.
const maxWidth = 1<<16 - 1

// sample is how many rows tell how large the page of a table will be.
const sample = 256

// longestCell is the length in bytes from which a text in a cell is cut, unless
// nothing is to be shortened: an argument may have megabytes.
const longestCell = 4096

// widestPad is how far a cell pushes the next column away. What is wider stands
// out of its column, so that one long name does not make every row as long.
const widestPad = 120

// longTable is how many rows are worth a thread to write them.
const longTable = 2048

// newTable makes a table with these columns of the rows of v.
func newTable(v *view, cs []*column, o *Options, in *[nstyles]ink) *table {
	t := &table{columns: cs, inks: in, oneNamespace: v.namespaces < 2, widths: make([]int, len(cs))}
	if !o.NoTrunc {
		t.cells.longest = longestCell
	}
	n := max(1, min(runtime.GOMAXPROCS(0), len(v.rows)/longTable))
	t.perBatch = (len(v.rows) + n - 1) / n
	t.further = make([]batch, n-1)
	widths := make([][]int, n)
	var group sync.WaitGroup
	for i := range t.further {
		t.further[i].cells.longest = t.cells.longest
		first := (i + 1) * t.perBatch
		group.Go(func() { widths[i+1] = t.further[i].fill(v, cs, first, min(first+t.perBatch, len(v.rows))) })
	}
	widths[0] = t.fill(v, cs, 0, t.perBatch)
	group.Wait()
	for _, ws := range widths {
		for j, w := range ws {
			t.widths[j] = max(t.widths[j], w)
		}
	}
	return t
}

// fill writes the rows of v from first to end-1, and returns how wide the widest
// cell of each column is.
func (b *batch) fill(v *view, cs []*column, first, end int) []int {
	b.at = make([]cell, 0, (end-first)*len(cs))
	widths := make([]int, len(cs))
	var g group
	for i := first; i < end; i++ {
		if i == first+sample {
			b.cells.grow(b.cells.len() / sample * (end - first + (end-first)/16))
		}
		v.group(&g, i)
		for j, c := range cs {
			start := b.cells.len()
			c.cell(&b.cells, &g)
			st := plain
			switch {
			case b.cells.len() == start:
				b.cells.word("-")
				st = quiet
			case c.style != nil:
				st = c.style(&g)
			}
			w := min(b.cells.rest(start).width(), maxWidth)
			widths[j] = max(widths[j], w)
			b.at = append(b.at, cell{uint32(b.cells.len()), uint16(w), uint8(st)})
		}
	}
	return widths
}

// need is the rank of a column. The namespace is the first to go where it tells
// no two rows apart.
func (t *table) need(i int) int {
	if t.oneNamespace && t.columns[i].key == "namespace" {
		return 0
	}
	return t.columns[i].need
}

// gap is what parts two columns.
const gap = 2

// fit makes the table fit into width cells. Columns that do not fit at the least
// width at which they say something are left out, the least needed first. asked says that the columns were asked for by name: they
// are squeezed as far as they go before one is left out.
func (t *table) fit(width int, asked, mute bool) {
	t.bounded = true
	width -= t.indent
	byNeed := make([]int, len(t.columns))
	for i := range byNeed {
		byNeed[i] = i
	}
	slices.SortStableFunc(byNeed, func(a, b int) int { return t.need(a) - t.need(b) })
	over := func() int {
		sum := -gap
		for _, w := range t.widths {
			sum += w + gap
		}
		return sum - width
	}
	t.trim(over())
	squeeze := func(to func(*column) int) {
		for _, i := range byNeed {
			n := over()
			if n <= 0 {
				return
			}
			if least := to(t.columns[i]); t.widths[i] > least {
				t.widths[i] = max(least, t.widths[i]-n)
			}
		}
	}
	if asked {
		squeeze(func(c *column) int { return min(c.least, 4) })
	}
	if mute {
		squeeze(func(*column) int { return 1 })
	}
	for _, i := range byNeed {
		if over() <= 0 {
			break
		}
		if t.live() == 1 {
			t.widths[i] = max(1, min(t.widths[i], width))
			break
		}
		t.widths[i] = -gap
		t.dropped = append(t.dropped, t.columns[i])
	}
	t.grow(width, byNeed)
}

// each calls f with every cell and the number of its column.
func (t *table) each(f func(column int, c cell)) {
	for i := range len(t.further) + 1 {
		for k, c := range t.batchOf(i).at {
			f(k%len(t.columns), c)
		}
	}
}

// batchOf returns batch i.
func (t *table) batchOf(i int) *batch {
	if i == 0 {
		return &t.batch
	}
	return &t.further[i-1]
}

// trim takes n cells of width from the columns, one at a time, and each from
// where it costs least: the number of cells that lose a character, weighed by
// how much their column is needed. A few long names are cut before every word of
// a column is, and the least needed words before the others.
func (t *table) trim(n int) {
	if n <= 0 {
		return
	}
	// losing[j][w] is how many cells of column j are at least w wide.
	losing := make([][]int, len(t.columns))
	for j, w := range t.widths {
		losing[j] = make([]int, w+2)
	}
	t.each(func(j int, c cell) { losing[j][min(int(c.width), t.widths[j])]++ })
	for _, l := range losing {
		for w := len(l) - 2; w >= 0; w-- {
			l[w] += l[w+1]
		}
	}
	for ; n > 0; n-- {
		best, least := -1, 0
		for j, c := range t.columns {
			if t.widths[j] <= c.least {
				continue
			}
			cost := losing[j][t.widths[j]] * c.cost
			if best < 0 || cost < least {
				best, least = j, cost
			}
		}
		if best < 0 {
			return
		}
		t.widths[best]--
	}
}

// live returns how many columns are not left out.
func (t *table) live() int { return len(t.columns) - len(t.dropped) }

// grow gives what leaving out columns has freed back to those that were
// shortened, the most needed first.
func (t *table) grow(width int, byNeed []int) {
	if len(t.dropped) == 0 {
		return
	}
	want := make([]int, len(t.columns))
	t.each(func(j int, c cell) { want[j] = max(want[j], int(c.width)) })
	free := width + gap
	for _, w := range t.widths {
		free -= w + gap
	}
	for _, i := range slices.Backward(byNeed) {
		if t.widths[i] > 0 && free > 0 && want[i] > t.widths[i] {
			n := min(free, want[i]-t.widths[i])
			t.widths[i] += n
			free -= n
		}
	}
}

// titles makes the columns as wide as their titles.
func (t *table) titles() {
	for i, c := range t.columns {
		t.widths[i] = max(t.widths[i], len(c.title))
	}
}

// header writes the line of titles.
func (t *table) header(out *page, w io.Writer) error {
	var p page
	at := make([]cell, 0, len(t.columns))
	for _, c := range t.columns {
		p.word(c.title)
		at = append(at, cell{uint32(p.len()), uint16(len(c.title)), title})
	}
	return t.line(out, w, &p, 0, at)
}

// row writes row i.
func (t *table) row(out *page, w io.Writer, i int) error {
	b := &t.batch
	if len(t.further) > 0 {
		b, i = t.batchOf(i/t.perBatch), i%t.perBatch
	}
	n := len(t.columns)
	start := uint32(0)
	if i > 0 {
		start = b.at[i*n-1].end
	}
	return t.line(out, w, &b.cells, start, b.at[i*n:(i+1)*n])
}

// line writes the cells of one line, which stand on from from the byte start.
func (t *table) line(out *page, w io.Writer, from *page, start uint32, at []cell) error {
	blank := 0 // spaces owed, of which the end of a line has none
	for j, c := range at {
		s := from.span(int(start), int(c.end))
		start = c.end
		room := t.widths[j]
		if room < 0 {
			continue
		}
		width, limit := int(c.width), int(c.width)
		if t.bounded {
			limit = room
		}
		room = min(room, max(widestPad, limit))
		left := 0
		if t.columns[j].right {
			left = max(0, room-width)
		}
		out.pad(blank + left)
		width = out.shorten(s, width, limit, t.columns[j].keep, &t.inks[c.style])
		blank = max(0, room-left-width) + gap
	}
	return out.line(w)
}
