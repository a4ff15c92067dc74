package scanner

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// A btfFile is a BTF file in the making.
type btfFile struct{ types, strings []byte }

func newBTFFile() *btfFile { return &btfFile{strings: []byte{0}} }

func (f *btfFile) name(s string) uint32 {
	f.strings = append(append(f.strings, s...), 0)
	return uint32(len(f.strings) - len(s) - 1)
}

// add adds a type: its name, kind, number of members, kind flag, size, and the
// words that follow.
func (f *btfFile) add(name string, kind, vlen uint32, flag bool, size uint32, rest ...uint32) {
	info := kind<<24 | vlen
	if flag {
		info |= 1 << 31
	}
	for _, w := range append([]uint32{f.name(name), info, size}, rest...) {
		f.types = binary.LittleEndian.AppendUint32(f.types, w)
	}
}

func (f *btfFile) bytes() []byte {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, btfMagic)
	b = append(b, 1, 0)
	for _, w := range []int{btfHeaderLen, 0, len(f.types), len(f.types), len(f.strings)} {
		b = le.AppendUint32(b, uint32(w))
	}
	return append(append(b, f.types...), f.strings...)
}

// onePoint looks for struct point, its members x and y, and a function.
func onePoint(x, y, size *int16) btfSearch {
	return btfSearch{function: "f", structs: []btfStruct{
		{name: "point", members: []btfMember{{"x", x}, {"y", y}}, size: size},
	}}
}

// both searches b at once and piece by piece, and wants the same of both.
func searchBoth(t *testing.T, b []byte) (x, y, size int16, id uint32, err error) {
	t.Helper()
	h, err := parseBTFHeader(b, int64(len(b)))
	if err != nil {
		return 0, 0, 0, 0, err
	}
	s := onePoint(&x, &y, &size)
	err = s.search(b[h.strings:][:h.stringsLen], b[h.types:][:h.typesLen])
	var x2, y2, size2 int16
	s2 := onePoint(&x2, &y2, &size2)
	err2 := s2.stream(bytes.NewReader(b), h, make([]byte, h.stringsLen))
	if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
		t.Errorf("at once: %v; piece by piece: %v", err, err2)
	} else if err == nil && (x != x2 || y != y2 || size != size2 || s.id != s2.id) {
		t.Errorf("at once %d %d %d %d, piece by piece %d %d %d %d", x, y, size, s.id, x2, y2, size2, s2.id)
	}
	return x, y, size, s.id, err
}

func TestBTFSearch(t *testing.T) {
	// A point as it should be: x at byte 4, y at byte 8, of 16 bytes.
	point := func(f *btfFile) {
		f.add("point", btfStructKind, 3, false, 16, f.name("x"), 1, 32, f.name("z"), 1, 0, f.name("y"), 1, 64)
	}
	function := func(f *btfFile) { f.add("f", btfFunc, 1, false, 1) }
	tests := []struct {
		name string
		make func(f *btfFile)
		id   uint32
		err  string
	}{
		{"as it should be", func(f *btfFile) { point(f); function(f) }, 2, ""},
		{"the function first", func(f *btfFile) { function(f); point(f) }, 1, ""},
		{"among all kinds", func(f *btfFile) {
			f.add("int", btfInt, 0, false, 4, 0)
			f.add("", btfPtr, 0, false, 1)
			f.add("", btfArray, 0, false, 0, 1, 1, 9)
			f.add("u", btfUnion, 1, false, 4, f.name("x"), 1, 0)
			f.add("e", btfEnum, 2, false, 4, f.name("A"), 0, f.name("B"), 1)
			f.add("w", btfFwd, 0, true, 0)
			f.add("t", btfTypedef, 0, false, 1)
			f.add("", btfVolatile, 0, false, 1)
			f.add("", btfConst, 0, false, 1)
			f.add("", btfRestrict, 0, false, 1)
			f.add("", btfFuncProto, 2, false, 1, f.name("a"), 1, f.name("b"), 1)
			f.add("v", btfVar, 0, false, 1, 0)
			f.add(".data", btfDatasec, 1, false, 8, 12, 0, 8)
			f.add("float", btfFloat, 0, false, 4)
			f.add("tag", btfDeclTag, 0, false, 1, 0)
			f.add("user", btfTypeTag, 0, false, 1)
			f.add("E", btfEnum64, 1, false, 8, f.name("C"), 1, 0)
			point(f)
			function(f)
		}, 19, ""},
		{"with a bit field beside", func(f *btfFile) {
			f.add("point", btfStructKind, 3, true, 16, f.name("b"), 1, 3<<24|1, f.name("x"), 1, 32, f.name("y"), 1, 64)
			function(f)
		}, 2, ""},
		{"after another of the name", func(f *btfFile) {
			f.add("point", btfStructKind, 1, false, 8, f.name("x"), 1, 0)
			f.add("point", btfFwd, 0, false, 0)
			point(f)
			function(f)
		}, 4, ""},
		{"after a type longer than a piece", func(f *btfFile) {
			words := make([]uint32, 2*0xffff)
			f.add("e", btfEnum, 0xffff, false, 4, words...)
			point(f)
			function(f)
		}, 3, ""},
		{"no function", func(f *btfFile) { point(f); f.add("f2", btfFunc, 1, false, 1) }, 0, "no function f"},
		{"no struct", func(f *btfFile) { function(f) }, 0, "no struct point"},
		{"a bit field", func(f *btfFile) {
			f.add("point", btfStructKind, 2, true, 16, f.name("x"), 1, 3<<24|32, f.name("y"), 1, 64)
			function(f)
		}, 0, "no struct point"},
		{"not on a byte", func(f *btfFile) {
			f.add("point", btfStructKind, 2, false, 16, f.name("x"), 1, 33, f.name("y"), 1, 64)
			function(f)
		}, 0, "no struct point"},
		{"out of reach", func(f *btfFile) {
			f.add("point", btfStructKind, 2, false, 16, f.name("x"), 1, 32<<10*8, f.name("y"), 1, 64)
			function(f)
		}, 0, "no struct point"},
		{"a kind of tomorrow", func(f *btfFile) { f.add("new", 20, 0, false, 0); point(f); function(f) }, 0, "type 1 is of kind 20"},
		{"cut short", func(f *btfFile) {
			point(f)
			f.types = f.types[:len(f.types)-4]
		}, 0, "cut short"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newBTFFile()
			tt.make(f)
			x, y, size, id, err := searchBoth(t, f.bytes())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || x != 4 || y != 8 || size != 16 || id != tt.id {
				t.Errorf("x at %d, y at %d, of %d bytes, function %d, %v; want 4, 8, 16, %d", x, y, size, id, err, tt.id)
			}
		})
	}
}

func TestParseBTFHeader(t *testing.T) {
	good := newBTFFile().bytes()
	with := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	tests := []struct {
		name string
		b    []byte
		ok   bool
	}{
		{"empty tables", good, true},
		{"no file", nil, false},
		{"cut", good[:btfHeaderLen-1], false},
		{"another magic", with(0, 0), false},
		{"another version", with(2, 2), false},
		{"strings beyond the end", with(20, 200), false},
		{"types beyond the end", with(12, 200), false},
		{"a head of no length", with(4, 0), false},
	}
	for _, tt := range tests {
		if _, err := parseBTFHeader(tt.b, int64(len(tt.b))); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want an error: %v", tt.name, err, !tt.ok)
		}
	}
}

// No file makes the search go astray, at once or piece by piece.
func FuzzBTF(f *testing.F) {
	file := newBTFFile()
	file.add("point", btfStructKind, 2, true, 16, file.name("x"), 1, 32, file.name("y"), 1, 64)
	file.add("f", btfFunc, 1, false, 1)
	f.Add(file.bytes())
	f.Add(newBTFFile().bytes())
	f.Fuzz(func(t *testing.T, b []byte) { searchBoth(t, b) })
}
