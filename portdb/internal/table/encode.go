package table

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Registry is what a table is made of.
type Registry struct {
	// Date is the registry's date, as "2026-09-17".
	Date string
	// Inputs are the lines of the head after the first: one for each input.
	Inputs                 []string
	IANA, Appendix, Common []Row
	Programs               []Program // sorted by Compare
}

// A text is where a text lies in the pool.
type text struct{ off, n int }

// An encoder gathers the parts of a table.
type encoder struct {
	rows     []Row
	layer    []int // of each row: 0 IANA, 1 appendix, 2 common
	pool     strings.Builder
	places   map[string]text
	extras   []byte
	extraIDs map[[3]string]int
	err      error
}

// Encode packs r. Equal registries give equal bytes. It fails where something
// does not fit into its field.
func Encode(r *Registry) (Table, error) {
	e := &encoder{places: map[string]text{"": {}}, extraIDs: map[[3]string]int{{}: 0}}
	for layer, rows := range [][]Row{r.IANA, r.Appendix, r.Common} {
		e.rows = append(e.rows, rows...)
		for range rows {
			e.layer = append(e.layer, layer)
		}
	}
	if len(e.rows) > 1<<16 {
		return "", fmt.Errorf("%d rows do not fit into a table", len(e.rows))
	}

	rows := e.packRows()
	programs := e.packPrograms(r.Programs)
	firsts, starts, list := e.segments()
	names := e.names()
	if e.err != nil {
		return "", e.err
	}

	head := magic + r.Date + "\n" + strings.Join(r.Inputs, "\n") + "\n"
	if len(r.Date) != len("2006-01-02") || len(head) > HeadSize {
		return "", fmt.Errorf("date %q or the inputs' names do not fit into the head", r.Date)
	}
	out := []byte(head + strings.Repeat("\n", HeadSize-len(head)) + strings.Repeat("\x00", 4*dirSize))
	put := func(field, n int) { binary.LittleEndian.PutUint32(out[HeadSize+4*field:], uint32(n)) }
	add := func(field int, part []byte) {
		put(field, len(out))
		out = append(out, part...)
	}
	put(dirIANA, len(r.IANA))
	put(dirAppendix, len(r.Appendix))
	put(dirCommon, len(r.Common))
	put(dirSegments, len(firsts)/2)
	put(dirNames, len(names)/2)
	put(dirPrograms, len(r.Programs))
	add(dirRows, rows)
	add(dirFirsts, firsts)
	add(dirStarts, starts)
	add(dirList, list)
	add(dirNameRows, names)
	add(dirExtras, e.extras)
	add(dirProgramRows, programs)
	add(dirPool, []byte(e.pool.String()))
	return Table(out), nil
}

// fail keeps the first error.
func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func put16(b []byte, n int) []byte { return binary.LittleEndian.AppendUint16(b, uint16(n)) }

// place returns where s lies in the pool, and puts it there if it is new.
func (e *encoder) place(s string, limit int) text {
	p, ok := e.places[s]
	if !ok {
		p = text{e.pool.Len(), len(s)}
		e.places[s] = p
		e.pool.WriteString(s)
	}
	if p.n > limit || p.off >= 1<<24 {
		e.fail(fmt.Errorf("text of %d bytes does not fit: %.40q", p.n, s))
	}
	return p
}

func (e *encoder) short(b []byte, s string) []byte {
	p := e.place(s, 1<<8-1)
	return append(b, byte(p.off), byte(p.off>>8), byte(p.off>>16), byte(p.n))
}

func (e *encoder) long(b []byte, s string) []byte {
	p := e.place(s, 1<<16-1)
	return append(b, byte(p.off), byte(p.off>>8), byte(p.off>>16), byte(p.n), byte(p.n>>8))
}

func (e *encoder) packRows() []byte {
	var b []byte
	for _, r := range e.rows {
		if r.First > r.Last || r.Transport > flagTransport || r.Status > flagStatus {
			e.fail(fmt.Errorf("row %+v cannot be packed", r))
		}
		flags := r.Transport | r.Status<<flagStatusShift
		if r.HasPort {
			flags |= flagPort
		}
		b = put16(put16(b, int(r.First)), int(r.Last))
		b = put16(append(b, flags), 0)
		b = e.long(e.short(b, r.Name), r.Description)
	}
	// Notes are long and seldom read: they lie behind all names and
	// descriptions, so that a lookup does not pull them into memory.
	for i, r := range e.rows {
		binary.LittleEndian.PutUint16(b[i*rowSize+5:], uint16(e.extra(r)))
	}
	return b
}

// extra returns the number of a row's extras, counting from 1; 0 is none.
func (e *encoder) extra(r Row) int {
	key := [3]string{r.Reference, r.Unauthorized, r.Note}
	id, ok := e.extraIDs[key]
	if !ok {
		for _, s := range key {
			e.extras = e.long(e.extras, s)
		}
		id = len(e.extras) / extraSize
		e.extraIDs[key] = id
		if id >= 1<<16 {
			e.fail(errors.New("too many different notes"))
		}
	}
	return id
}

// segments cuts the ports wherever a run of ports starts or ends, and lists
// the rows of each segment. The column of starts has one number more than
// there are segments: the end of the last.
func (e *encoder) segments() (firsts, starts, list []byte) {
	cuts := []int{0}
	var withPort []int // row numbers, in the order in which a port lists them
	for i, r := range e.rows {
		if r.HasPort {
			withPort = append(withPort, i)
			cuts = append(cuts, int(r.First), int(r.Last)+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	if cuts[len(cuts)-1] == 1<<16 {
		cuts = cuts[:len(cuts)-1]
	}
	slices.SortStableFunc(withPort, func(a, b int) int {
		return cmp.Or(cmp.Compare(e.layer[a], e.layer[b]),
			cmp.Compare(e.rows[a].Last-e.rows[a].First, e.rows[b].Last-e.rows[b].First),
			cmp.Compare(min(e.rows[b].Transport, 1), min(e.rows[a].Transport, 1)))
	})
	rowsOf := make([][]int, len(cuts))
	for _, i := range withPort {
		s, _ := slices.BinarySearch(cuts, int(e.rows[i].First))
		for ; s < len(cuts) && cuts[s] <= int(e.rows[i].Last); s++ {
			rowsOf[s] = append(rowsOf[s], i)
		}
	}
	for s, rows := range rowsOf {
		firsts = put16(firsts, cuts[s])
		starts = put16(starts, len(list)/2)
		for _, i := range rows {
			list = put16(list, i)
		}
	}
	starts = put16(starts, len(list)/2)
	if len(list)/2 >= 1<<16 {
		e.fail(errors.New("too many rows to list by port"))
	}
	return firsts, starts, list
}

// names lists the rows with a name, by name.
func (e *encoder) names() []byte {
	var order []int
	for i, r := range e.rows {
		if r.Name != "" {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return Compare(e.rows[a].Name, e.rows[b].Name) })
	var b []byte
	for _, i := range order {
		b = put16(b, i)
	}
	return b
}

func (e *encoder) packPrograms(programs []Program) []byte {
	var b []byte
	for i, p := range programs {
		if i > 0 && Compare(programs[i-1].Name, p.Name) >= 0 {
			e.fail(fmt.Errorf("program %q is not in order", p.Name))
		}
		b = e.long(e.short(b, p.Name), p.Services)
	}
	return b
}
