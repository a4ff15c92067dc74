// Package table is the packed form of the registry: how the generator writes
// it, and how portdb reads it where it lies.
//
// A table is one string. Nothing in it is decoded before it is asked for, and
// every text that it gives out is a slice of it, so reading it allocates
// nothing. All numbers are little-endian. Its parts, in order:
//
//   - the head: HeadSize bytes of text, padded with newlines. The first line
//     is "whatslistening registry 1 YYYY-MM-DD"; a line for each input follows
//     with its SHA-256 and its name;
//   - the directory: one uint32 for each dir… constant below;
//   - the rows: rowSize bytes each, IANA's in its own order, then the
//     appendix's, then those of the common layer;
//   - the segments: the port numbers cut wherever the set of rows that speak of
//     a port changes, as a column of first ports and a column of positions in
//     the list;
//   - the list: the row numbers of each segment;
//   - the names: the row numbers of all rows with a name, sorted by name;
//   - the extras: what few rows have (reference, unauthorized use, note);
//   - the programs: sorted by name, with the services that each serves;
//   - the pool: every text once.
//
// A lookup touches the directory, a few cache lines of the segments, one row
// and its texts. Texts are in the pool in the order of the rows, so that a port
// and its neighbours share pages.
package table

import (
	"errors"
	"strings"
)

// HeadSize is the length of the head in bytes.
const HeadSize = 1024

// magic starts the first line of the head; the registry's date follows it.
const magic = "whatslistening registry 1 "

// The directory: counts, and offsets from the start of the table.
const (
	dirIANA     = iota // rows of IANA
	dirAppendix        // rows of the appendix
	dirCommon          // rows of the common layer
	dirRows
	dirSegments // how many
	dirFirsts
	dirStarts
	dirList
	dirNames // how many
	dirNameRows
	dirExtras
	dirPrograms // how many
	dirProgramRows
	dirPool
	dirSize
)

// Sizes of the records in bytes.
const (
	rowSize     = 16 // first 2, last 2, flags 1, extra 2, name 3+1, description 3+2
	extraSize   = 15 // reference, unauthorized, note: 3+2 each
	programSize = 9  // name 3+1, services 3+2
)

// The flags of a row: four bits of transport, two of status, one of port.
const (
	flagTransport   = 0x0f
	flagStatusShift = 4
	flagStatus      = 0x03
	flagPort        = 0x40
)

// A Table is a packed registry. The zero Table must not be read.
type Table string

// A Row is what one layer says of a port or a run of ports, or of a name
// without a port (HasPort is false).
type Row struct {
	First, Last uint16
	HasPort     bool
	Transport   uint8 // a set of bits, as portdb.Transport
	Status      uint8 // as portdb.Status

	Name, Description, Reference, Unauthorized, Note string
}

// A Program is a program and the services that it is known to serve, separated
// by spaces.
type Program struct{ Name, Services string }

// Open returns the table in data, after a look at its first line.
func Open(data []byte) (Table, error) {
	if len(data) < HeadSize+4*dirSize || !strings.HasPrefix(string(data[:HeadSize]), magic) {
		return "", errors.New("not a table of this version")
	}
	return Table(data), nil
}

// u16 and u32 read a number; u24 is the width of an offset into the pool.
func (t Table) u16(i int) int { return int(t[i]) | int(t[i+1])<<8 }

func (t Table) u24(i int) int { return int(t[i]) | int(t[i+1])<<8 | int(t[i+2])<<16 }

func (t Table) dir(field int) int {
	i := HeadSize + 4*field
	return t.u24(i) | int(t[i+3])<<24
}

// short reads a text of at most 255 bytes, long one of at most 65,535.
func (t Table) short(i int) string {
	start := t.dir(dirPool) + t.u24(i)
	return string(t[start : start+int(t[i+3])])
}

func (t Table) long(i int) string {
	start := t.dir(dirPool) + t.u24(i)
	return string(t[start : start+t.u16(i+3)])
}

// Date returns the registry's date, as "2026-09-17".
func (t Table) Date() string {
	return string(t[len(magic) : len(magic)+len("2006-01-02")])
}

// Head returns the text that the table starts with, without its padding.
func (t Table) Head() string { return strings.TrimRight(string(t[:HeadSize]), "\n") + "\n" }

// Layers returns how many rows each layer has. The rows of IANA come first,
// then those of the appendix, then those of the common layer.
func (t Table) Layers() (iana, appendix, common int) {
	return t.dir(dirIANA), t.dir(dirAppendix), t.dir(dirCommon)
}

// Len returns how many rows the table has.
func (t Table) Len() int {
	iana, appendix, common := t.Layers()
	return iana + appendix + common
}

// Row returns row n, which counts from 0.
func (t Table) Row(n int) Row {
	i := t.dir(dirRows) + n*rowSize
	flags := t[i+4]
	r := Row{
		First: uint16(t.u16(i)), Last: uint16(t.u16(i + 2)),
		HasPort:   flags&flagPort != 0,
		Transport: flags & flagTransport, Status: flags >> flagStatusShift & flagStatus,
		Name: t.short(i + 7), Description: t.long(i + 11),
	}
	if x := t.u16(i + 5); x != 0 {
		e := t.dir(dirExtras) + (x-1)*extraSize
		r.Reference, r.Unauthorized, r.Note = t.long(e), t.long(e+5), t.long(e+10)
	}
	return r
}

// Brief returns what decides whether row n answers for a port: its transports,
// its status, and whether it has a name.
func (t Table) Brief(n int) (transport, status uint8, named bool) {
	i := t.dir(dirRows) + n*rowSize
	flags := t[i+4]
	return flags & flagTransport, flags >> flagStatusShift & flagStatus, t[i+10] != 0
}

// SameKey reports whether rows a and b speak of the same ports on the same
// transports with the same status.
func (t Table) SameKey(a, b int) bool {
	i, j := t.dir(dirRows)+a*rowSize, t.dir(dirRows)+b*rowSize
	return t[i:i+5] == t[j:j+5]
}

// Name returns the name of row n.
func (t Table) Name(n int) string { return t.short(t.dir(dirRows) + n*rowSize + 7) }

// At returns the bounds of the rows that speak of port, for [Table.Listed]: of
// every layer, IANA first; within a layer narrow runs of ports before wide ones,
// and rows that state a transport before those that do not.
func (t Table) At(port uint16) (lo, hi int) {
	firsts := t.dir(dirFirsts)
	// The first segment starts at port 0: there is always one at or below port.
	i, j := 0, t.dir(dirSegments)
	for j-i > 1 {
		if m := int(uint(i+j) >> 1); t.u16(firsts+2*m) <= int(port) {
			i = m
		} else {
			j = m
		}
	}
	starts := t.dir(dirStarts) + 2*i
	return t.u16(starts), t.u16(starts + 2)
}

// Listed returns the row number at position k of the list.
func (t Table) Listed(k int) int { return t.u16(t.dir(dirList) + 2*k) }

// Names returns how many rows have a name.
func (t Table) Names() int { return t.dir(dirNames) }

// Named returns the row number at position k of the rows sorted by name: by
// [Compare], and rows of one name in their own order.
func (t Table) Named(k int) int { return t.u16(t.dir(dirNameRows) + 2*k) }

// Services returns the services that a program serves, separated by spaces.
func (t Table) Services(program string) (services string, ok bool) {
	rows := t.dir(dirProgramRows)
	i, j := 0, t.dir(dirPrograms)
	for i < j {
		m := int(uint(i+j) >> 1)
		switch c := Compare(t.short(rows+m*programSize), program); {
		case c == 0:
			return t.long(rows + m*programSize + 4), true
		case c < 0:
			i = m + 1
		default:
			j = m
		}
	}
	return "", false
}

// Compare orders names without regard to the case of ASCII letters, and by
// their bytes where that leaves them equal. It returns -1, 0 or 1.
func Compare(a, b string) int {
	if c := CompareFold(a, b); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// CompareFold is [Compare] for which "HTTP" and "http" are equal.
func CompareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch x, y := lower(a[i]), lower(b[i]); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
	}
	return min(max(len(a)-len(b), -1), 1)
}

// HasPrefixFold reports whether s starts with prefix, in any case of ASCII
// letters.
func HasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && CompareFold(s[:len(prefix)], prefix) == 0
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
