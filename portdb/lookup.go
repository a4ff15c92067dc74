package portdb

// Lookup returns the entry that labels a port on a transport, or on any where t
// is 0, and reports whether there is one.
//
// A label has a name, and its status is Assigned: an entry that says
// Unassigned, Reserved or De-registered neither labels a port nor hides another
// layer's name. Of the layers that have a name the first in this order gives
// the label: Local (the operator knows best), IANA, Appendix (where IANA has no
// name), Common (a hint where nobody else has a name). Within a layer an entry
// for few ports goes before one for many, one that states the transport before
// one that does not, and otherwise the layer's own order counts. IANA's further
// names for the port are the label's aliases.
//
// A name that IANA gives for another transport only is no label: a registration
// speaks of its transport alone (RFC 6335, section 7.2), and a socket on
// 5543/udp is not what 5543/tcp is registered for. Ask with t = 0 to see such a
// name all the same.
//
// Lookup allocates nothing for a port with one name.
func (db *DB) Lookup(t Transport, port uint16) (Entry, bool) {
	if e, ok := db.local.lookup(t, port); ok {
		return e, true
	}
	lo, hi := db.table.At(port)
	for k := lo; k < hi; k++ {
		n := db.table.Listed(k)
		transport, status, named := db.table.Brief(n)
		if named && Status(status) == Assigned && Transport(transport).overlaps(t) {
			return db.merged(n, k+1, hi), true
		}
	}
	return Entry{}, false
}

// Entries appends to dst what every layer says of a port on a transport, or on
// any where t is 0: IANA first, with its Unassigned, Reserved and De-registered
// too, then Appendix, Common and Local. Entries that state no transport speak of
// all. IANA's several names for one transport and port are one entry, the first
// with the rest as aliases; what the rows of the other names say for themselves
// is in [DB.Search] and [DB.All].
func (db *DB) Entries(dst []Entry, t Transport, port uint16) []Entry {
	lo, hi := db.table.At(port)
	for k := lo; k < hi; k++ {
		n := db.table.Listed(k)
		if transport, _, _ := db.table.Brief(n); !Transport(transport).overlaps(t) || db.isAlias(n, lo, k) {
			continue
		}
		dst = append(dst, db.merged(n, k+1, hi))
	}
	return db.local.entries(dst, t, port)
}

// merged returns row n with the names of its fellows among the positions from
// lo to hi as aliases.
func (db *DB) merged(n, lo, hi int) Entry {
	e := db.entry(n)
	for k := lo; k < hi; k++ {
		if m := db.table.Listed(k); db.fellows(n, m) {
			if e.Aliases == nil {
				e.Aliases = make([]string, 0, hi-k)
			}
			e.Aliases = append(e.Aliases, db.table.Name(m))
		}
	}
	return e
}

// isAlias reports whether a fellow of row n is among the positions from lo to hi.
func (db *DB) isAlias(n, lo, hi int) bool {
	for k := lo; k < hi; k++ {
		if db.fellows(db.table.Listed(k), n) {
			return true
		}
	}
	return false
}

// overlaps reports whether an entry for the transports t speaks of one of u.
// The zero Transport, on either side, means any.
func (t Transport) overlaps(u Transport) bool {
	return t == 0 || u == 0 || t&u != 0
}
