package report

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A decoder reads records from JSON.
type decoder struct {
	jsonScanner
	plans plans
}

// record reads an object into the record v, which is zero. Every key must be
// there once; a key that this version does not know is skipped.
func (d *decoder) record(v reflect.Value, p *plan) *ReadError {
	seen := make([]bool, len(p.fields))
	start := d.pos
	err := d.members(func(key string, pos int) *ReadError {
		i := slices.IndexFunc(p.fields, func(f field) bool { return f.name == key })
		if i < 0 {
			return d.skip(0)
		}
		f := &p.fields[i]
		if seen[i] {
			return d.errorAt(pos, "the key stands here for the second time").in(f.name)
		}
		seen[i] = true
		return d.value(v.FieldByIndex(f.index), f).in(f.name)
	})
	if err != nil {
		return err
	}
	for i, ok := range seen {
		if !ok && !p.fields[i].omit {
			return d.errorAt(start, "the key %+q is missing", p.fields[i].name)
		}
	}
	return nil
}

// value reads the value of a field.
func (d *decoder) value(v reflect.Value, f *field) *ReadError {
	d.peek()
	start := d.pos
	if d.literal("null") {
		if !f.setNull(v) {
			return d.errorAt(start, "null where %s should stand", f.wants())
		}
		return nil
	}
	switch {
	case f.words != nil:
		return d.word(v, f)
	case f.quoted:
		s, err := d.text()
		if err != nil {
			return err
		}
		return d.set(v, f.plan, s, start)
	case f.kind == kindList:
		if err := d.list(v, f.plan); err != nil {
			return err
		}
		if f.omit && v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		return nil
	}
	return d.plain(v, f.plan)
}

// wants says what a field holds.
func (f *field) wants() string {
	if f.words != nil || f.quoted {
		return "a string"
	}
	return f.plan.wants()
}

// wants says what a value of the plan's type is in JSON.
func (p *plan) wants() string {
	switch p.kind {
	case kindBool:
		return "true or false"
	case kindInt, kindUint:
		return "a number"
	case kindList, kindListeners:
		return "a list"
	case kindRecord:
		return "an object"
	}
	return "a string"
}

// word reads one of the words of f.
func (d *decoder) word(v reflect.Value, f *field) *ReadError {
	start := d.pos
	s, err := d.text()
	if err != nil {
		return err
	}
	if f.set {
		for n := range uint64(1) << len(f.words) {
			if setNames(n, f.words) == s {
				v.SetUint(n)
				return nil
			}
		}
	}
	i := slices.Index(f.words, s)
	if i < 0 || f.set {
		return d.errorAt(start, "%+q is none of %s", clip(s), strings.Join(f.words, ", "))
	}
	if f.kind == kindInt {
		v.SetInt(int64(i))
	} else {
		v.SetUint(uint64(i))
	}
	return nil
}

// plain reads a value that is not null.
func (d *decoder) plain(v reflect.Value, p *plan) *ReadError {
	d.peek()
	start := d.pos
	switch p.kind {
	case kindText, kindAddr, kindPrefix, kindTime:
		s, err := d.text()
		if err != nil {
			return err
		}
		return d.set(v, p, s, start)
	case kindInt, kindUint:
		n, err := d.number()
		if err != nil {
			return err
		}
		return d.set(v, p, string(n), start)
	case kindBool:
		switch {
		case d.literal("true"):
			v.SetBool(true)
		case d.literal("false"):
			v.SetBool(false)
		default:
			return d.unexpected("true or false")
		}
		return nil
	case kindList:
		return d.list(v, p)
	case kindListeners:
		return d.listeners(v.Addr().Interface().(*listenerSeq), p.elem)
	}
	return d.record(v, p)
}

// list reads the elements of v.
func (d *decoder) list(v reflect.Value, p *plan) *ReadError {
	return d.elements(func(i int) *ReadError {
		v.Grow(1)
		v.SetLen(i + 1)
		v.Index(i).SetZero()
		return d.plain(v.Index(i), p.elem).at(i)
	})
}

// listeners reads listeners one by one into the record that they share.
func (d *decoder) listeners(s *listenerSeq, p *plan) *ReadError {
	v := reflect.ValueOf(&s.record).Elem()
	return d.elements(func(i int) *ReadError {
		d.peek()
		start := d.pos
		v.SetZero()
		if err := d.record(v, p); err != nil {
			return err.at(i)
		}
		if err := s.add(&s.record); err != nil {
			return d.errorAt(start, "%v", err).at(i)
		}
		return nil
	})
}

// set sets v to what s says; start is where it stands.
func (d *decoder) set(v reflect.Value, p *plan, s string, start int) *ReadError {
	switch p.kind {
	case kindText:
		v.SetString(s)
	case kindInt:
		n, err := strconv.ParseInt(s, 10, v.Type().Bits())
		if err != nil || n < 0 {
			return d.errorAt(start, "%s is no whole number from 0 to %d", clip(s), int64(1)<<(v.Type().Bits()-1)-1)
		}
		v.SetInt(n)
	case kindUint:
		n, err := strconv.ParseUint(s, 10, v.Type().Bits())
		if err != nil {
			return d.errorAt(start, "%+q is no whole number from 0 to %d", clip(s), ^uint64(0)>>(64-v.Type().Bits()))
		}
		v.SetUint(n)
	case kindAddr:
		a, err := netip.ParseAddr(s)
		if err != nil {
			return d.errorAt(start, "%+q is no IP address", clip(s))
		}
		v.Set(reflect.ValueOf(a))
	case kindPrefix:
		a, err := netip.ParsePrefix(s)
		if err != nil {
			return d.errorAt(start, "%+q is no IP address with the length of a prefix", clip(s))
		}
		v.Set(reflect.ValueOf(a))
	case kindTime:
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return d.errorAt(start, "%+q is no time as 2006-01-02T15:04:05Z (RFC 3339)", clip(s))
		}
		if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
			return d.errorAt(start, "%+q is out of the years 0 to 9999 in UTC", clip(s))
		}
		v.Set(reflect.ValueOf(t))
	}
	return nil
}

// clip shortens text of a report for a message.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return shorten(s, most) + "..."
	}
	return s
}
