package portdb

import (
	"iter"
	"slices"
	"sort"

	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

// Search returns the entries of every layer that have name as their name or as
// an alias, whatever the case of its ASCII letters; names without a port too.
// The order is that of [DB.All] where the spelling is the same. An entry of IANA
// is the row that gives the name: searching "www" finds the row of www with its
// own note, and http among its aliases. It returns nil where nobody knows the
// name.
func (db *DB) Search(name string) []Entry {
	if name == "" {
		return nil
	}
	var found []Entry
	t := db.table
	for k := db.firstName(name); k < t.Names(); k++ {
		n := t.Named(k)
		if table.CompareFold(t.Name(n), name) != 0 {
			break
		}
		found = append(found, db.row(n))
	}
	for _, i := range db.local.search(name) {
		found = append(found, db.local.byPort[i])
	}
	return found
}

// search returns the numbers of the entries that have name, each once, in order.
func (l *local) search(name string) []int {
	var found []int
	first := sort.Search(len(l.byName), func(k int) bool { return table.CompareFold(l.byName[k].name, name) >= 0 })
	for _, a := range l.byName[first:] {
		if table.CompareFold(a.name, name) != 0 {
			break
		}
		found = append(found, a.entry)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Names yields the service names and aliases that start with prefix, whatever
// the case of its ASCII letters: sorted without regard to case, each spelling
// once. It serves shell completion. What the appendix calls a port is a
// description rather than a service name, and is not among them.
func (db *DB) Names(prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		last := ""
		// Two sorted runs, the table's and the local layer's, are merged as they
		// are read.
		k, l := db.firstName(prefix), db.local.byName
		l = l[sort.Search(len(l), func(i int) bool { return table.CompareFold(l[i].name, prefix) >= 0 }):]
		for {
			a, okA := db.tableName(&k, prefix)
			b, okB := "", len(l) > 0 && table.HasPrefixFold(l[0].name, prefix)
			if okB {
				b = l[0].name
			}
			var name string
			switch {
			case !okA && !okB:
				return
			case !okB || okA && table.Compare(a, b) <= 0:
				name, k = a, k+1
			default:
				name, l = b, l[1:]
			}
			if name != last && !yield(name) {
				return
			}
			last = name
		}
	}
}

// firstName returns the position of the first name of the table that is not
// below prefix.
func (db *DB) firstName(prefix string) int {
	t := db.table
	return sort.Search(t.Names(), func(k int) bool { return table.CompareFold(t.Name(t.Named(k)), prefix) >= 0 })
}

// tableName returns the name at position *k of the table, or at the next one
// that is a service name, and leaves *k there.
func (db *DB) tableName(k *int, prefix string) (string, bool) {
	for ; *k < db.table.Names(); *k++ {
		n := db.table.Named(*k)
		name := db.table.Name(n)
		if !table.HasPrefixFold(name, prefix) {
			return "", false
		}
		if db.source(n) != Appendix {
			return name, true
		}
	}
	return "", false
}
