package portdb

import (
	_ "embed"
	"iter"
	"strings"

	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

// embedded is the packed registry, made by internal/gen. It is a string in the
// binary's read-only data: a page of it comes into memory when it is first read.
//
//go:embed table.bin
var embedded table.Table

// A DB is the registry: the embedded layers, and the operator's own on top. It
// is never changed after it was made, so any number of goroutines may use it.
type DB struct {
	table table.Table
	local local
}

// Default returns the embedded registry, without a local layer. It does no
// work: nothing is decoded before it is asked for.
func Default() *DB { return &DB{table: embedded} }

// WithLocal returns a copy of db whose local layer is entries, in place of the
// one that db has. The entries count as of source Local whatever they say.
func (db *DB) WithLocal(entries []Entry) *DB {
	return &DB{table: db.table, local: newLocal(entries)}
}

// Date returns the day up to which IANA's changes are in the registry, as
// "2026-09-17".
func (db *DB) Date() string { return db.table.Date() }

// All yields the whole registry: IANA's rows in IANA's order (by port, then the
// names without a port), the entries of the appendix in the document's order,
// the common layer by port, and the local layer by port.
//
// Every row of IANA's registry is an entry of its own here, with its own
// description, reference and note. Where several rows give names to one
// transport and port, each has the others as its aliases. Compare
// [DB.Entries], where such rows are one entry.
func (db *DB) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for n := range db.table.Len() {
			if !yield(db.row(n)) {
				return
			}
		}
		for _, e := range db.local.byPort {
			if !yield(e) {
				return
			}
		}
	}
}

// Serves returns the services that a program is known to serve, by the base
// name of its executable: "sshd" serves ssh. It returns nil for a program that
// is not known.
func (db *DB) Serves(program string) []string {
	services, ok := db.table.Services(program)
	if !ok {
		return nil
	}
	return strings.Fields(services)
}

// source returns the layer that a row of the table belongs to.
func (db *DB) source(n int) Source {
	iana, appendix, _ := db.table.Layers()
	switch {
	case n < iana:
		return IANA
	case n < iana+appendix:
		return Appendix
	}
	return Common
}

// entry returns row n of the table without aliases.
func (db *DB) entry(n int) Entry {
	r := db.table.Row(n)
	return Entry{
		Source: db.source(n), Transport: Transport(r.Transport),
		First: r.First, Last: r.Last, HasPort: r.HasPort, Status: Status(r.Status),
		Name: r.Name, Description: r.Description,
		Reference: r.Reference, Unauthorized: r.Unauthorized, Note: r.Note,
	}
}

// row returns row n of the table, with the names of its fellows as aliases.
func (db *DB) row(n int) Entry {
	e := db.entry(n)
	if !e.HasPort || e.Name == "" || e.Source != IANA {
		return e
	}
	lo, hi := db.table.At(e.First)
	for k := lo; k < hi; k++ {
		if m := db.table.Listed(k); m != n && db.fellows(n, m) {
			e.Aliases = append(e.Aliases, db.table.Name(m))
		}
	}
	return e
}

// fellows reports whether rows n and m are names of one thing: rows of IANA
// that name the same ports on the same transport. The other layers say each
// thing in one entry: two entries there are two opinions.
func (db *DB) fellows(n, m int) bool {
	if db.source(n) != IANA || db.source(m) != IANA || !db.table.SameKey(n, m) {
		return false
	}
	_, _, a := db.table.Brief(n)
	_, _, b := db.table.Brief(m)
	return a && b
}
