package portdb

import (
	"cmp"
	"slices"

	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

// local is the operator's own layer. The zero local is empty.
type local struct {
	byPort []Entry // sorted by first port; entries without a port come first
	ported int     // where the entries with a port start in byPort
	widest int     // the most that Last lies above First in byPort
	byName []alias // names and aliases, sorted by table.Compare
}

// An alias is a name, or a further name, of an entry of byPort.
type alias struct {
	name  string
	entry int
}

func newLocal(entries []Entry) local {
	l := local{byPort: slices.Clone(entries)}
	// Stable: of two lines for one port the first is the label, as getservbyport
	// takes it.
	slices.SortStableFunc(l.byPort, func(a, b Entry) int {
		if a.HasPort != b.HasPort {
			return cmp.Compare(rank(a.HasPort), rank(b.HasPort))
		}
		return cmp.Compare(a.First, b.First)
	})
	for i := range l.byPort {
		e := &l.byPort[i]
		e.Source = Local
		if !e.HasPort {
			l.ported = i + 1
		} else if e.Last >= e.First {
			l.widest = max(l.widest, int(e.Last)-int(e.First))
		}
		if e.Name != "" {
			l.byName = append(l.byName, alias{e.Name, i})
		}
		for _, a := range e.Aliases {
			l.byName = append(l.byName, alias{a, i})
		}
	}
	slices.SortStableFunc(l.byName, func(a, b alias) int { return table.Compare(a.name, b.name) })
	return l
}

func rank(hasPort bool) int {
	if hasPort {
		return 1
	}
	return 0
}

// at returns the entries of byPort that may speak of port: those whose first
// port is not above it, nor so far below that none reaches it.
func (l *local) at(port uint16) []Entry {
	if len(l.byPort) == l.ported {
		return nil
	}
	ported := l.byPort[l.ported:]
	after := func(p int) int {
		i, _ := slices.BinarySearchFunc(ported, p, func(e Entry, p int) int { return cmp.Compare(int(e.First), p) })
		return i
	}
	return ported[after(int(port)-l.widest):after(int(port)+1)]
}

// speaks reports whether e is about port on t.
func (e *Entry) speaks(t Transport, port uint16) bool {
	return e.HasPort && e.First <= port && port <= e.Last && e.Transport.overlaps(t)
}

// lookup returns the label that the layer gives a port: see [DB.Lookup].
func (l *local) lookup(t Transport, port uint16) (Entry, bool) {
	var best *Entry
	near := l.at(port)
	for i := range near {
		e := &near[i]
		if e.Name == "" || e.Status != Assigned || !e.speaks(t, port) {
			continue
		}
		if best == nil || e.Last-e.First < best.Last-best.First ||
			e.Last-e.First == best.Last-best.First && best.Transport == 0 && e.Transport != 0 {
			best = e
		}
	}
	if best == nil {
		return Entry{}, false
	}
	return *best, true
}

// entries appends all that the layer says of a port.
func (l *local) entries(dst []Entry, t Transport, port uint16) []Entry {
	for _, e := range l.at(port) {
		if e.speaks(t, port) {
			dst = append(dst, e)
		}
	}
	return dst
}
