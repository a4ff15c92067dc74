package report

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A view is the listeners of a report as rows, in order.
//
// People read one listener where the kernel has several sockets. Sockets are
// one row where every word about them is the same: the IPv4 and the IPv6 socket
// of the same holders, on every address or on loopback; and the sockets that a
// program shares out among its processes with SO_REUSEPORT, each pid counted.
// Two programs on one port are never one row.
type view struct {
	ls []annotate.Listener
	// order are the listeners as indexes of ls; those of a row stand together.
	order []int32
	rows  []row
	// clients is how many sockets were left out because they look like clients.
	clients int
	// namespaces is how many network namespaces the listeners are in.
	namespaces int
	// pids is how many pids of a program a cell names; 0 for all of them.
	pids int
	// bare leaves the pids to a column of their own.
	bare bool
	// raw writes for a program: nothing folded, no sign of ours.
	raw bool
	// programs are the programs behind the listeners.
	programs programs
	// doubts are what the witnesses do not agree on.
	doubts doubts
	r      *Report
}

// A row is a run of view.order, and the kinds of address in it.
type row struct {
	first, end int32
	kinds      kinds
}

// kinds says which IP versions the sockets of a row answer.
type kinds uint8

const (
	answers4 kinds = 1 << iota
	answers6
)

// newView folds the listeners of r, or takes each as a row.
func newView(r *Report, fold bool) *view { return newViewOf(r, fold, false) }

// newViewOf is newView, with the sockets that look like clients among the rows
// where clients is set.
func newViewOf(r *Report, fold, clients bool) *view {
	v := &view{r: r, ls: r.Listeners, doubts: doubtsOf(r.Discrepancies)}
	v.order = make([]int32, 0, len(v.ls))
	for i := range v.ls {
		if fold && !clients && v.ls[i].MaybeClient && !v.inDoubt(&v.ls[i]) {
			v.clients++
			continue
		}
		v.order = append(v.order, int32(i))
	}
	v.namespaces = countNamespaces(v.ls)
	v.programs = newPrograms(v.ls, v.order)
	v.rows = make([]row, 0, len(v.order))
	if !fold {
		for i, n := range v.order {
			v.rows = append(v.rows, row{int32(i), int32(i + 1), answersOf(v.ls[n].Socket)})
		}
		return v
	}
	v.fold()
	return v
}

// countNamespaces returns how many network namespaces the listeners are in.
func countNamespaces(ls []annotate.Listener) int {
	var seen map[string]struct{}
	for i := 1; i < len(ls); i++ { // in most reports there is one, and no need of a map
		if name := ls[i].Namespace; seen != nil || name != ls[0].Namespace {
			if seen == nil {
				seen = map[string]struct{}{ls[0].Namespace: {}}
			}
			seen[name] = struct{}{}
		}
	}
	return max(len(seen), min(len(ls), 1))
}

// answersOf returns the IP versions that s answers. "::" without IPV6_V6ONLY
// answers both (ipv6(7)).
func answersOf(s *scanner.Socket) kinds {
	switch {
	case s.Family != scanner.IPv6:
		return answers4
	case s.V6Only || !s.Addr.IsUnspecified() || s.Addr.Is4():
		return answers6
	}
	return answers4 | answers6
}

// fold sorts the sockets so that those of a row stand together, and marks the
// rows.
func (v *view) fold() {
	// The port and the protocol decide nearly every comparison: they are
	// compared as one number, kept beside the index.
	type key struct {
		major uint32
		index int32
	}
	keys := make([]key, len(v.order))
	for i, n := range v.order {
		s := v.ls[n].Socket
		keys[i] = key{uint32(s.Port)<<8 | uint32(s.Protocol), n}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.major != b.major {
			return cmp.Compare(a.major, b.major)
		}
		if c := v.compare(a.index, b.index); c != 0 {
			return c
		}
		return v.compareInside(a.index, b.index)
	})
	for i := range keys {
		v.order[i] = keys[i].index
	}
	for i := 0; i < len(keys); {
		end := i + 1
		for end < len(keys) && keys[end].major == keys[i].major && v.compare(keys[i].index, keys[end].index) == 0 {
			end++
		}
		v.run(int32(i), int32(end))
		i = end
	}
}

// run makes the rows of a run of sockets of which every word is the same, but
// for the processes and the IP version.
func (v *view) run(first, end int32) {
	start := len(v.rows)
	for i := first; i < end; i++ {
		s := v.ls[v.order[i]].Socket
		k := answersOf(s)
		if i > first {
			last := &v.rows[len(v.rows)-1]
			before := v.ls[v.order[i-1]].Socket
			// Without a holder nobody knows whether two sockets are of one
			// program: only an IPv4 and an IPv6 one are taken together.
			if comparePIDs(s, before) == 0 && (len(s.Holders) > 0 || last.kinds&k == 0) {
				last.end, last.kinds = i+1, last.kinds|k
				continue
			}
		}
		v.rows = append(v.rows, row{i, i + 1, k})
	}
	if len(v.rows)-start < 2 || len(v.ls[v.order[first]].Holders) == 0 {
		return
	}
	// SO_REUSEPORT: the same for every process, row by row.
	rows := slices.Clone(v.rows[start:])
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.kinds, b.kinds) })
	order := make([]int32, 0, end-first)
	v.rows = v.rows[:start]
	for i, r := range rows {
		at := first + int32(len(order))
		order = append(order, v.order[r.first:r.end]...)
		if i > 0 && rows[i-1].kinds == r.kinds {
			v.rows[len(v.rows)-1].end = first + int32(len(order))
			continue
		}
		v.rows = append(v.rows, row{at, first + int32(len(order)), r.kinds})
	}
	copy(v.order[first:end], order)
}

// compare orders two sockets of one port and protocol by everything that a row
// says, but for the pids and the IP version; 0 lets them be one row.
func (v *view) compare(i, j int32) int {
	a, b := &v.ls[i], &v.ls[j]
	if c := cmp.Or(
		cmp.Compare(foldOf(a.Addr), foldOf(b.Addr)),
		cmp.Compare(a.UID, b.UID),
		cmp.Compare(v.programs.of[i], v.programs.of[j]),
	); c != 0 {
		return c
	}
	if foldOf(a.Addr) == apart {
		if c := cmp.Or(a.Addr.Compare(b.Addr), comparePortless(a.Socket, b.Socket)); c != 0 {
			return c
		}
	}
	return cmp.Or(
		cmp.Compare(a.Device, b.Device),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Why, b.Why),
		cmp.Compare(a.User, b.User),
		cmp.Compare(a.KernelUse, b.KernelUse),
		cmp.Compare(a.Service.Name, b.Service.Name),
		cmp.Compare(a.KnownAs, b.KnownAs),
		cmp.Compare(a.Program, b.Program),
		compareBool(a.MPTCP, b.MPTCP),
		compareEnds(a, b),
	)
}

// compareInside orders the sockets that compare holds equal: those of the same
// processes together, and IPv4 first.
func (v *view) compareInside(i, j int32) int {
	a, b := v.ls[i].Socket, v.ls[j].Socket
	return cmp.Or(
		comparePIDs(a, b),
		cmp.Compare(a.Family, b.Family),
		compareBool(a.V6Only, b.V6Only),
		cmp.Compare(a.Inode, b.Inode),
		cmp.Compare(a.Cookie, b.Cookie),
	)
}

// The kinds of address that fold across IP versions, and those that do not.
const (
	everywhere = iota
	loopback
	apart
)

// foldOf returns the kind of addr.
func foldOf(addr netip.Addr) int {
	switch {
	case addr.IsUnspecified():
		return everywhere
	case addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr == netip.IPv6Loopback():
		return loopback
	}
	return apart
}

// comparePIDs orders two sockets by their holders.
func comparePIDs(a, b *scanner.Socket) int {
	return slices.CompareFunc(a.Holders, b.Holders, func(p, q *scanner.Process) int {
		if p == q {
			return 0
		}
		return cmp.Or(cmp.Compare(p.PID, q.PID), p.Started.Compare(q.Started))
	})
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
