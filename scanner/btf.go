package scanner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// BTF describes the types of a kernel to BPF programs:
// Documentation/bpf/btf.rst, <linux/btf.h>. Of some 150,000 types a program of
// ours needs a handful, so they are looked for in one pass, and nothing is kept
// of the others.

// A btfStruct is a structure that is looked for, and what was found of it.
type btfStruct struct {
	name    string
	members []btfMember
	size    *int16 // in bytes; nil where nobody asks
	found   bool
}

// A btfMember is a member that is looked for, and where it lies. What is farther
// from the start of its structure than an instruction can reach is not found.
type btfMember struct {
	name   string
	offset *int16 // in bytes
}

// A btfSearch looks for structures and for one function, by their names.
type btfSearch struct {
	strings  []byte // every name, each ended by NUL
	structs  []btfStruct
	function string
	id       uint32 // of the function; 0 until it is found: type 0 is void

	types uint32 // how many types have been passed
	left  int    // how many structures have not been found
}

// The layout of a BTF file, of little-endian machines.
const (
	btfMagic     = 0xeb9f
	btfHeaderLen = 24 // struct btf_header
	btfTypeLen   = 12 // struct btf_type
)

// A btfHeader says where in a BTF file the types and the strings lie.
type btfHeader struct {
	types, typesLen     int
	strings, stringsLen int
}

// parseBTFHeader parses the head of a BTF file of size bytes. A later version
// may have more in the head than is known here.
func parseBTFHeader(b []byte, size int64) (btfHeader, error) {
	if len(b) < btfHeaderLen {
		return btfHeader{}, errBTFShort
	}
	le := binary.LittleEndian
	if le.Uint16(b) != btfMagic || b[2] != 1 {
		return btfHeader{}, errors.New("btf: not of a kind that is known here")
	}
	start := uint64(le.Uint32(b[4:]))
	typesOff, typesLen := start+uint64(le.Uint32(b[8:])), uint64(le.Uint32(b[12:]))
	stringsOff, stringsLen := start+uint64(le.Uint32(b[16:])), uint64(le.Uint32(b[20:]))
	if start < btfHeaderLen || stringsLen == 0 || typesOff+typesLen > uint64(size) || stringsOff+stringsLen > uint64(size) {
		return btfHeader{}, errBTFShort
	}
	return btfHeader{int(typesOff), int(typesLen), int(stringsOff), int(stringsLen)}, nil
}

var errBTFShort = errors.New("btf: it is cut short")

// search looks through a whole BTF: its strings and its types. It errs unless
// all is found.
func (s *btfSearch) search(names, types []byte) error {
	s.begin(names)
	defer s.end()
	left, err := s.pass(types)
	return s.verdict(len(left), err)
}

// stream is search in a file that is read piece by piece, but for the strings:
// they are read into names, as long as the header says.
func (s *btfSearch) stream(r io.ReaderAt, h btfHeader, names []byte) error {
	if _, err := r.ReadAt(names, int64(h.strings)); err != nil {
		return err
	}
	s.begin(names)
	defer s.end()
	types := io.NewSectionReader(r, int64(h.types), int64(h.typesLen))
	buf := make([]byte, 64<<10)
	for n := 0; ; {
		if n == len(buf) { // a type as long as that
			buf = append(buf, make([]byte, len(buf))...)
		}
		k, err := types.Read(buf[n:])
		if k == 0 || err != nil && err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return s.verdict(n, err)
		}
		left, err := s.pass(buf[:n+k])
		if err != nil || s.done() {
			return s.verdict(0, err)
		}
		n = copy(buf, left)
	}
}

func (s *btfSearch) begin(names []byte) {
	s.strings, s.id, s.types, s.left = names, 0, 0, len(s.structs)
	for i := range s.structs {
		s.structs[i].found = false
	}
}

func (s *btfSearch) end() { s.strings = nil }

// done reports whether all has been found.
func (s *btfSearch) done() bool { return s.left == 0 && s.id != 0 }

// verdict is the error of a search that has ended with some bytes left over.
func (s *btfSearch) verdict(left int, err error) error {
	switch {
	case err != nil || s.done():
		return err
	case left > 0:
		return errBTFShort
	case s.id == 0:
		return fmt.Errorf("btf: no function %s", s.function)
	}
	for _, one := range s.structs {
		if !one.found {
			return fmt.Errorf("btf: no struct %s with the members that are known here", one.name)
		}
	}
	return nil
}

// The kinds of types: enum BTF_KIND_*.
const (
	btfInt = iota + 1
	btfPtr
	btfArray
	btfStructKind
	btfUnion
	btfEnum
	btfFwd
	btfTypedef
	btfVolatile
	btfConst
	btfRestrict
	btfFunc
	btfFuncProto
	btfVar
	btfDatasec
	btfFloat
	btfDeclTag
	btfTypeTag
	btfEnum64
)

// btfTails are what follows a type of each kind: a size, and one for each of
// its members.
var btfTails = [...]struct{ fixed, each uint8 }{
	btfInt: {4, 0}, btfPtr: {}, btfArray: {12, 0}, btfStructKind: {0, 12}, btfUnion: {0, 12},
	btfEnum: {0, 8}, btfFwd: {}, btfTypedef: {}, btfVolatile: {}, btfConst: {}, btfRestrict: {},
	btfFunc: {}, btfFuncProto: {0, 8}, btfVar: {4, 0}, btfDatasec: {0, 12}, btfFloat: {},
	btfDeclTag: {4, 0}, btfTypeTag: {}, btfEnum64: {0, 12},
}

// pass looks through the types in b, which follow those of the pass before, and
// returns what is left of b: less than a whole type, or anything once all has
// been found. A type of a kind that is not known has no length that is, so that
// the search ends there with an error.
func (s *btfSearch) pass(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	for len(b) >= btfTypeLen && !s.done() {
		info := le.Uint32(b[4:])
		kind, vlen := info>>24&0x1f, info&0xffff
		if kind == 0 || int(kind) >= len(btfTails) {
			return b, fmt.Errorf("btf: type %d is of kind %d, not known here", s.types+1, kind)
		}
		tail := btfTails[kind]
		size := btfTypeLen + int(tail.fixed) + int(tail.each)*int(vlen)
		if len(b) < size {
			return b, nil
		}
		s.types++ // types count from 1
		switch kind {
		case btfFunc:
			if s.id == 0 && s.named(le.Uint32(b), s.function) {
				s.id = s.types
			}
		case btfStructKind:
			if s.left == 0 || vlen == 0 {
				break
			}
			for i := range s.structs {
				if one := &s.structs[i]; !one.found && s.named(le.Uint32(b), one.name) {
					s.structure(one, b[:size])
				}
			}
		}
		b = b[size:]
	}
	return b, nil
}

// named reports whether the string at an offset is the name.
func (s *btfSearch) named(at uint32, name string) bool {
	end := uint64(at) + uint64(len(name))
	return end < uint64(len(s.strings)) && s.strings[end] == 0 && string(s.strings[at:end]) == name
}

// structure looks for the members of a structure. One that lacks a member is
// another of the same name.
func (s *btfSearch) structure(one *btfStruct, b []byte) {
	le := binary.LittleEndian
	// With the kind flag the offset shares its word with the size of a bit field.
	flag := le.Uint32(b[4:])>>31 != 0
	left := len(one.members)
	for at := btfTypeLen; at < len(b); at += 12 { // struct btf_member
		for _, m := range one.members {
			bit := le.Uint32(b[at+8:])
			if s.named(le.Uint32(b[at:]), m.name) && bit%8 == 0 && bit/8 <= math.MaxInt16 && (!flag || bit>>24 == 0) {
				*m.offset = int16(bit / 8)
				left--
			}
		}
	}
	size := le.Uint32(b[8:])
	if left != 0 || one.size != nil && size > math.MaxInt16 {
		return
	}
	if one.size != nil {
		*one.size = int16(size)
	}
	one.found = true
	s.left--
}
