package report

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// A plan is how values of a type are written and read: its kind, and for a
// struct the keys. It is made from the tags of the records once for each
// document.
type plan struct {
	kind   kind
	elem   *plan   // of a list
	fields []field // of a record
}

// A kind is a shape of value.
type kind uint8

const (
	kindText kind = iota
	kindBool
	kindInt
	kindUint
	kindAddr
	kindPrefix
	kindTime
	kindList
	kindRecord
	kindListeners
	kindYesNo
)

// A field is a key of a record.
type field struct {
	*plan
	index    []int
	name     string
	words    []string // the names of 0, 1, …; nil for a number
	set      bool     // the names are of bits
	quoted   bool     // the number stands in quotes
	omit     bool     // the key may be missing
	nullZero bool     // null stands for the zero value
	nullInt  bool     // null stands for null
	null     int64
}

// plans holds the plans made so far.
type plans map[reflect.Type]*plan

var (
	addrType      = reflect.TypeFor[netip.Addr]()
	prefixType    = reflect.TypeFor[netip.Prefix]()
	timeType      = reflect.TypeFor[time.Time]()
	listenersType = reflect.TypeFor[listenerSeq]()
	yesNoType     = reflect.TypeFor[yesOrNot]()
)

// of returns the plan of t. It panics on a type that no record has.
func (ps plans) of(t reflect.Type) *plan {
	if p := ps[t]; p != nil {
		return p
	}
	p := new(plan)
	ps[t] = p
	switch t {
	case addrType:
		p.kind = kindAddr
		return p
	case prefixType:
		p.kind = kindPrefix
		return p
	case timeType:
		p.kind = kindTime
		return p
	case yesNoType:
		p.kind = kindYesNo
		return p
	case listenersType:
		p.kind, p.elem = kindListeners, ps.of(reflect.TypeFor[listenerRecord]())
		return p
	}
	switch t.Kind() {
	case reflect.String:
		p.kind = kindText
	case reflect.Bool:
		p.kind = kindBool
	case reflect.Int, reflect.Int8, reflect.Int32, reflect.Int64:
		p.kind = kindInt
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.kind = kindUint
	case reflect.Slice:
		p.kind, p.elem = kindList, ps.of(t.Elem())
	case reflect.Struct:
		p.kind, p.fields = kindRecord, ps.fields(t)
	default:
		panic(fmt.Sprintf("report: no record holds a %v", t))
	}
	return p
}

// fields returns the keys of the record type t, those of an embedded record
// among them.
func (ps plans) fields(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous {
			for _, f := range ps.of(sf.Type).fields {
				f.index = append([]int{i}, f.index...)
				list = append(list, f)
			}
			continue
		}
		name, option, _ := strings.Cut(sf.Tag.Get("json"), ",")
		f := field{
			plan:   ps.of(sf.Type),
			index:  []int{i},
			name:   name,
			quoted: option == "string",
			omit:   option == "omitempty",
		}
		if words, ok := sf.Tag.Lookup("enum"); ok {
			f.words = strings.Split(words, ",")
		}
		if words, ok := sf.Tag.Lookup("set"); ok {
			f.words, f.set = strings.Split(words, ","), true
		}
		switch null, ok := sf.Tag.Lookup("null"); {
		case null == "zero":
			f.nullZero = true
		case ok:
			f.nullInt = true
			f.null, _ = strconv.ParseInt(null, 10, 64)
		}
		list = append(list, f)
	}
	return list
}

// isMissing reports whether the value v of f, whose key may be missing, is.
func (f *field) isMissing(v reflect.Value) bool {
	if f.kind == kindListeners {
		return v.Addr().Interface().(*listenerSeq).unseen
	}
	if f.kind == kindList {
		return v.IsNil()
	}
	return v.IsZero()
}

// isNull reports whether v, the value of f, is written as null.
func (f *field) isNull(v reflect.Value) bool {
	switch {
	case f.nullZero:
		return v.IsZero()
	case !f.nullInt:
		return false
	case v.CanInt():
		return v.Int() == f.null
	}
	return v.Uint() == uint64(f.null)
}

// setNull sets v, the value of f, to what null stands for, and reports whether
// null stands for something.
func (f *field) setNull(v reflect.Value) bool {
	switch {
	case f.nullZero:
		v.SetZero()
	case !f.nullInt:
		return false
	case v.CanInt():
		v.SetInt(f.null)
	default:
		v.SetUint(uint64(f.null))
	}
	return true
}
