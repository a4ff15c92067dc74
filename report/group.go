package report

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A group is a row, open: the sockets in it and what they have in common.
type group struct {
	v *view
	// l is the first listener of the row. What a row says of the service, the
	// range, the owner, is the same for all of them.
	l *annotate.Listener
	row
	holders []*scanner.Process
	scratch []*scanner.Process
	// program is set where it stands for a program, not for one row of it.
	program bool
}

// first returns the first listener of a row.
func (v *view) first(r row) *annotate.Listener { return &v.ls[v.order[r.first]] }

// group opens the row i into g.
func (v *view) group(g *group, i int) {
	g.v, g.row = v, v.rows[i]
	g.l = v.first(g.row)
	g.holders = g.l.Holders
	if g.end-g.first < 2 {
		return
	}
	g.scratch = g.scratch[:0]
	for n := range g.sockets() {
		hs := g.at(n).Holders
		if n > 0 && slices.Equal(hs, g.at(n-1).Holders) {
			continue
		}
		g.scratch = append(g.scratch, hs...)
	}
	g.holders = distinctProcesses(g.scratch)
}

// sockets returns how many sockets the row has.
func (g *group) sockets() int { return max(int(g.end-g.first), 1) }

// at returns socket n of the row.
func (g *group) at(n int) *annotate.Listener {
	if n == 0 {
		return g.l
	}
	return &g.v.ls[g.v.order[int(g.first)+n]]
}

// distinctProcesses sorts ps by pid and takes each process once.
func distinctProcesses(ps []*scanner.Process) []*scanner.Process {
	slices.SortFunc(ps, func(p, q *scanner.Process) int {
		return cmp.Or(cmp.Compare(p.PID, q.PID), p.Started.Compare(q.Started))
	})
	return slices.CompactFunc(ps, func(p, q *scanner.Process) bool {
		return p == q || p.PID == q.PID && p.Started.Equal(q.Started)
	})
}

// queue returns the fullest accept queue of the row.
func (g *group) queue() scanner.Queue {
	q := g.l.Queue
	for n := 1; n < g.sockets(); n++ {
		if o := g.at(n).Queue; fuller(o, q) > 0 {
			q = o
		}
	}
	return q
}

// fuller compares how full two accept queues are. There is room for one more than
// the limit.
func fuller(a, b scanner.Queue) int {
	return cmp.Compare(uint64(a.Length)*(uint64(b.Limit)+1), uint64(b.Length)*(uint64(a.Limit)+1))
}

// backlog returns how the accept queues of the row are doing: the worst of them.
func (g *group) backlog() annotate.Backlog {
	b := g.l.Backlog
	for n := 1; n < g.sockets(); n++ {
		b = max(b, g.at(n).Backlog)
	}
	return b
}

// dropped returns how much the listeners of the row have dropped.
func (g *group) dropped() uint64 {
	sum := uint64(0)
	for n := range g.sockets() {
		sum += uint64(g.at(n).Queue.Dropped)
	}
	return sum
}

// mayNotStart reports whether the server of a socket of the row may find its port
// taken.
func (g *group) mayNotStart() bool {
	for n := range g.sockets() {
		if g.at(n).MayNotStart {
			return true
		}
	}
	return false
}

// widest returns the widest class of the addresses on which the row answers:
// for a wildcard that of the host's addresses behind it, and All where these are
// not known.
func (g *group) widest() annotate.Exposure {
	w := annotate.Loopback
	for n := range g.sockets() {
		switch l := g.at(n); {
		case l.Exposure != annotate.All:
			w = max(w, l.Exposure)
		case len(l.Addresses) == 0:
			return annotate.All
		case l.Widest == annotate.Loopback && g.v.r != nil:
			// So it is on a host without a network; and in a report that does not
			// say, where the addresses do.
			w = max(w, annotate.Widest(l.Addresses, g.v.r.Host.Interfaces))
		default:
			w = max(w, l.Widest)
		}
	}
	return w
}

// addresses returns the addresses on which the row answers, each once.
func (g *group) addresses() []netip.Addr {
	as := g.l.Addresses
	for n := 1; n < g.sockets(); n++ {
		for _, a := range g.at(n).Addresses {
			if !slices.Contains(as, a) {
				as = append(slices.Clip(as), a)
			}
		}
	}
	return as
}

// reachable reports whether any socket of the row can be reached from outside
// this host.
func (g *group) reachable() bool {
	for n := range g.sockets() {
		if g.at(n).Exposure.Reachable() {
			return true
		}
	}
	return false
}

// later reports whether the row will be reached from outside as soon as there is a
// network: a wildcard where there is no address but loopback's. It counts as exposed
// to all, for an interface that comes up exposes it without anybody's doing.
func (g *group) later() bool { return g.reachable() && g.widest() == annotate.Loopback }

// deleted reports whether any holder runs a program that was removed or
// replaced.
func (g *group) deleted() bool {
	for _, p := range g.holders {
		if p.Deleted {
			return true
		}
	}
	return false
}
