package report

import (
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strconv"
	"time"
)

// A style is how an encoder lays out what it writes.
type style uint8

const (
	pretty  style = iota // JSON, two spaces for each level
	compact              // JSON without a space
	yaml                 // YAML in block style
)

// styleOf returns the style of a data format.
func styleOf(f Format) style {
	switch f {
	case JSONL:
		return compact
	case YAML:
		return yaml
	}
	return pretty
}

// flushAt is how many bytes an encoder gathers before it writes them.
const flushAt = 32 << 10

// An encoder writes records as JSON or YAML. It holds no more than the record
// that it is at, so that a report of any size goes through it.
type encoder struct {
	w     io.Writer
	style style
	plans plans
	buf   []byte
	depth int
	// inline says that the next key of a YAML mapping stands on the line that
	// its "-" began.
	inline   bool
	begun    bool // the document has a line
	elements int  // of a document that is a list
	err      error
}

func newEncoder(w io.Writer, s style) *encoder {
	return &encoder{w: w, style: s, plans: plans{}, buf: make([]byte, 0, flushAt+flushAt/4)}
}

// document writes the record that p points to as a document of its own.
func (e *encoder) document(p any) {
	v := reflect.ValueOf(p).Elem()
	e.begun, e.inline, e.depth = false, false, 0
	if e.style == yaml {
		e.depth-- // its keys stand at the margin
	}
	e.record(v, e.plans.of(v.Type()))
	e.buf = append(e.buf, '\n')
}

// begin, element and end write a document that is a list of records.
func (e *encoder) begin() {
	e.begun, e.inline, e.depth, e.elements = false, false, 0, 0
	if e.style == yaml {
		e.depth--
	}
	e.open('[')
}

func (e *encoder) element(p any) {
	v := reflect.ValueOf(p).Elem()
	e.item(e.elements == 0)
	e.elements++
	e.record(v, e.plans.of(v.Type()))
}

func (e *encoder) end() {
	e.shut(']', e.elements == 0)
	e.buf = append(e.buf, '\n')
}

// close writes what is left and returns the first error.
func (e *encoder) close() error {
	e.flush()
	return e.err
}

func (e *encoder) flush() {
	if e.err == nil {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

// fail keeps the first error.
func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("report: "+format, args...)
	}
}

// newline begins a line at the present depth.
func (e *encoder) newline() {
	if e.style == compact {
		return
	}
	if e.begun {
		e.buf = append(e.buf, '\n')
	}
	e.begun = true
	for range e.depth {
		e.buf = append(e.buf, "  "...)
	}
}

// open begins a list or a record.
func (e *encoder) open(c byte) {
	if e.style != yaml {
		e.buf = append(e.buf, c)
		e.begun = true
	}
	e.depth++
}

// shut ends a list or a record.
func (e *encoder) shut(c byte, empty bool) {
	e.depth--
	if e.style == yaml {
		if empty {
			if e.begun {
				e.buf = append(e.buf, ' ')
			}
			e.buf = append(e.buf, "[]"...)
		}
		return
	}
	if !empty {
		e.newline()
	}
	e.buf = append(e.buf, c)
}

// key begins the field of that name.
func (e *encoder) key(name string, first bool) {
	if e.style == yaml {
		if e.inline {
			e.inline = false
			e.buf = append(e.buf, ' ')
		} else {
			e.newline()
		}
		e.buf = append(append(e.buf, name...), ':')
		return
	}
	if !first {
		e.buf = append(e.buf, ',')
	}
	e.newline()
	e.buf = append(append(append(e.buf, '"'), name...), `":`...)
	if e.style == pretty {
		e.buf = append(e.buf, ' ')
	}
}

// item begins an element of a list.
func (e *encoder) item(first bool) {
	if e.style == yaml {
		e.newline()
		e.buf = append(e.buf, '-')
		e.inline = true
		return
	}
	if !first {
		e.buf = append(e.buf, ',')
	}
	e.newline()
}

// record writes the record v.
func (e *encoder) record(v reflect.Value, p *plan) {
	e.open('{')
	first := true
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.FieldByIndex(f.index)
		if f.omit && f.isMissing(fv) {
			continue
		}
		e.key(f.name, first)
		first = false
		e.value(fv, f)
	}
	e.shut('}', false)
	if len(e.buf) > flushAt {
		e.flush()
	}
}

// value writes the value of a field.
func (e *encoder) value(v reflect.Value, f *field) {
	switch {
	case f.isNull(v):
		e.scalar("null")
	case f.set:
		e.text(setNames(v.Uint(), f.words))
	case f.words != nil:
		e.word(v, f)
	case f.quoted:
		e.space()
		e.buf = append(e.buf, '"')
		e.buf = strconv.AppendUint(e.buf, v.Uint(), 10)
		e.buf = append(e.buf, '"')
	default:
		e.plain(v, f.plan)
	}
}

// word writes the name of the number v.
func (e *encoder) word(v reflect.Value, f *field) {
	var n uint64
	if f.kind == kindInt {
		n = uint64(v.Int())
	} else {
		n = v.Uint()
	}
	if n >= uint64(len(f.words)) {
		e.fail("%s: %d has no name", f.name, int64(n))
		return
	}
	e.text(f.words[n])
}

// setNames returns the names of the bits of n, with a comma between them.
func setNames(n uint64, words []string) string {
	var list string
	for i, word := range words {
		switch {
		case n&(1<<i) == 0:
		case list == "":
			list = word
		default:
			list += "," + word
		}
	}
	return list
}

// plain writes a value that is not null.
func (e *encoder) plain(v reflect.Value, p *plan) {
	switch p.kind {
	case kindText:
		e.text(v.String())
	case kindBool:
		e.scalar(strconv.FormatBool(v.Bool()))
	case kindYesNo:
		e.scalar(strconv.FormatBool(v.Int() == 1))
	case kindInt:
		if v.Int() < 0 {
			e.fail("%d is negative", v.Int())
		}
		e.space()
		e.buf = strconv.AppendInt(e.buf, v.Int(), 10)
	case kindUint:
		e.space()
		e.buf = strconv.AppendUint(e.buf, v.Uint(), 10)
	case kindAddr:
		e.addr(*v.Addr().Interface().(*netip.Addr))
	case kindPrefix:
		e.text(v.Addr().Interface().(*netip.Prefix).String())
	case kindTime:
		e.time(*v.Addr().Interface().(*time.Time))
	case kindList:
		e.open('[')
		n := v.Len()
		for i := range n {
			e.item(i == 0)
			e.plain(v.Index(i), p.elem)
		}
		e.shut(']', n == 0)
	case kindRecord:
		e.record(v, p)
	case kindListeners:
		e.listeners(v.Addr().Interface().(*listenerSeq), p.elem)
	}
}

// listeners writes a list of listeners, each from the one record that they
// share.
func (e *encoder) listeners(s *listenerSeq, p *plan) {
	e.open('[')
	v := reflect.ValueOf(&s.record).Elem()
	for i := range s.list {
		e.item(i == 0)
		s.record.fill(s.list[i])
		s.record.Approval = newApprovalRecord(s.approvals[s.list[i]])
		e.record(v, p)
	}
	e.shut(']', len(s.list) == 0)
}

// space parts a YAML scalar from what stands before it.
func (e *encoder) space() {
	if e.style == yaml {
		e.buf = append(e.buf, ' ')
		e.inline = false
	}
}

// scalar writes a word that needs no quotes in either format.
func (e *encoder) scalar(s string) {
	e.space()
	e.buf = append(e.buf, s...)
}

// text writes a string.
func (e *encoder) text(s string) {
	e.space()
	if e.style == yaml {
		e.buf = appendYAML(e.buf, s)
		return
	}
	e.buf = appendJSON(e.buf, s)
}

// addr writes an address. The zone is the name of an interface, which can hold
// anything but a slash and a space.
func (e *encoder) addr(a netip.Addr) {
	if a.Zone() != "" {
		e.text(a.String())
		return
	}
	e.space()
	e.buf = append(e.buf, '"')
	e.buf = a.AppendTo(e.buf)
	e.buf = append(e.buf, '"')
}

// time writes an instant in UTC (RFC 3339), with as many decimals as it has.
func (e *encoder) time(t time.Time) {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		e.fail("the year %d cannot be written", y)
	}
	e.space()
	e.buf = append(e.buf, '"')
	e.buf = t.AppendFormat(e.buf, time.RFC3339Nano)
	e.buf = append(e.buf, '"')
}
