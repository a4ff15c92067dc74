package scanner

import (
	"cmp"
	"net/netip"
	"slices"
)

// Verification holds independent views of one network namespace against each
// other: sock_diag, gopsutil's reading of /proc/net, and this package's own
// reading of two more paths to it. A socket that one of them hides stays hidden
// however often all are asked; one that comes or goes in between does not. So
// they are asked in turn, several times, and what is left in doubt every time is
// a finding. Nothing here has to be quick but the first turn, which on a host at
// rest is the last.

// A witness is one of the views.
type witness uint8

const (
	byNetlink  witness = iota
	byGopsutil         // /proc/net, as everybody's tools read it
	bySelf             // /proc/thread-self/net
	byOther            // /proc/PID/net of another process of the namespace
	witnesses
)

const (
	// turns is how often all are asked where there is doubt. A table of /proc/net
	// is read in pieces of a page, and one that changes meanwhile loses a row at
	// the seam of two: one of 27 rows at the worst, and as the seams are drawn by
	// lot, one socket in 27^6 in all turns.
	turns = 6
	// proofs is in how many of the turns a socket must have been there beyond doubt.
	proofs = 3
)

// A place is what every witness tells of a socket: gopsutil no more than that.
type place struct {
	protocol Protocol
	port     uint16
	addr     netip.Addr // without zone
}

// A sight is a socket as a witness sees it. What is rewritten on the way (another
// port for the same inode) is another sight.
type sight struct {
	place
	family Family // 0 for what gopsutil alone tells
	inode  uint64 // 0 where there is none
	nth    uint16 // which one of those without an inode that are otherwise the same
}

func sightOf(s *Socket) sight {
	return sight{place: place{s.Protocol, s.Port, s.Addr.WithZone("")}, family: s.Family, inode: s.Inode}
}

// An account is what a witness saw at one time. The zero account is that of one
// that did not answer.
type account struct {
	sights map[sight]*Socket
	// places is how many sights there are at a place.
	places map[place]int
}

func newAccount() account { return account{make(map[sight]*Socket), make(map[place]int)} }

func (l *account) answered() bool { return l.places != nil }

// add adds a socket that the witness sees. A table that changes as it is read
// may show a socket twice.
func (l *account) add(s *Socket) {
	one := sightOf(s)
	for one.inode == 0 && l.sights[one] != nil {
		one.nth++
	}
	if l.sights[one] == nil {
		l.sights[one] = s
		l.places[one.place]++
	}
}

// shows reports whether the witness saw s.
func (l *account) shows(s sight) bool {
	if s.family == 0 || l.sights == nil {
		return l.places[s.place] > 0
	}
	return l.sights[s] != nil
}

// A turn is one time that all witnesses were asked: netlink, then the others, and
// then netlink again.
type turn struct {
	accounts [witnesses]account // that of netlink is the one before
	after    account            // netlink's second
}

// shows reports whether w saw s in the turn.
func (t *turn) shows(w witness, s sight) bool {
	return t.accounts[w].shows(s) || w == byNetlink && t.after.shows(s)
}

// tells reports whether w answered, and can tell of s.
func (t *turn) tells(w witness, s sight) bool {
	return t.accounts[w].answered() && (w != byGopsutil || s.protocol == TCP || s.protocol == UDP)
}

// all calls f with every sight of the turn, some of them more than once.
func (t *turn) all(f func(sight, *Socket)) {
	known := func(p place) bool {
		return t.accounts[byNetlink].places[p]+t.after.places[p]+t.accounts[bySelf].places[p]+t.accounts[byOther].places[p] > 0
	}
	for _, l := range [...]*account{&t.accounts[byNetlink], &t.accounts[bySelf], &t.accounts[byOther], &t.after} {
		for s, sock := range l.sights {
			f(s, sock)
		}
	}
	for p := range t.accounts[byGopsutil].places {
		if !known(p) {
			f(sight{place: p}, nil)
		}
	}
}

// A doubt is a socket that not all witnesses see.
type doubt struct {
	sight
	socket *Socket // as one of them described it; nil where only gopsutil saw it
	seen   [witnesses]bool
	// shared says that there are others at the same place.
	shared bool
	// there is in how many turns it was there beyond doubt; before whether /proc
	// showed it in the last.
	there  int
	before bool
}

// doubts are the sockets in doubt.
type doubts struct {
	list map[sight]*doubt
}

// newDoubts takes every socket of the first turn that not all witnesses see.
func newDoubts(t *turn) doubts {
	ds := doubts{list: make(map[sight]*doubt)}
	t.all(func(s sight, sock *Socket) {
		for w := byNetlink; w < witnesses; w++ {
			if t.tells(w, s) && !t.shows(w, s) {
				ds.list[s] = &doubt{sight: s, socket: sock}
				break
			}
		}
	})
	ds.weigh(t)
	return ds
}

// weigh takes another turn into account: what every witness has seen by now is
// in doubt no more, and what none of them sees now is no more.
func (ds *doubts) weigh(t *turn) {
	for s, d := range ds.list {
		any, all := false, true
		for w := byNetlink; w < witnesses; w++ {
			if t.shows(w, s) {
				any, d.seen[w] = true, true
			}
			d.shared = d.shared || t.accounts[w].places[s.place] > 1
			all = all && (d.seen[w] || !t.tells(w, s))
		}
		if all || !any {
			delete(ds.list, s)
			continue
		}
		now := t.shows(bySelf, s) || t.shows(byOther, s) || t.shows(byGopsutil, s) && s.family == 0
		switch {
		case t.shows(byNetlink, s):
			// Netlink saw it before and after the others looked.
			if t.accounts[byNetlink].shows(s) && t.after.shows(s) {
				d.there++
			}
		case now && d.before:
			// The others saw it before and after netlink looked.
			d.there++
		}
		d.before = now
	}
}

// verdicts returns what is still in doubt after the last turn.
func (ds *doubts) verdicts() []*doubt {
	var list []*doubt
	for _, d := range ds.list {
		if d.there >= proofs {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b *doubt) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.port, b.port), a.addr.Compare(b.addr),
			cmp.Compare(a.family, b.family), cmp.Compare(a.inode, b.inode), cmp.Compare(a.nth, b.nth))
	})
	return list
}
