package scanner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	gopsnet "github.com/shirou/gopsutil/v3/net"
)

// gopsutilTable asks gopsutil for its rows, without the users: for those it
// would read a file of the process for every row of the table.
func gopsutilTable(ctx context.Context, kind string) ([]gopsnet.ConnectionStat, error) {
	return gopsnet.ConnectionsWithoutUidsWithContext(ctx, kind)
}

// own finds the holders of the sockets and says why the rest are without.
func (s *Snapshot) own(ctx context.Context, o *Options, source Source, search *netSearch) {
	c := &s.Coverage
	p := search.privileges
	c.Privileges = p.name()
	var st holderStats
	u := (*users)(nil)
	if source == Netlink {
		h := newHolders(o)
		h.lister = search.lister
		if h.series = search.series; h.series != nil {
			h.series.seen = search.notes
		}
		if len(search.named) == 1 {
			// No socket was listed since the search saw these processes.
			h.pids, h.bare, h.notes = search.pids, search.bare, search.notes
		}
		if err := s.hold(ctx, o, h, search); err != nil {
			c.limit(true, LimitInterrupted, fmt.Sprintf("the search for processes ended early: %v", err), "")
		}
		s.publish(h.forwards())
		s.memory = h.remember(s.Sockets)
		s.activated(o)
		st, u = h.stats(), h.users
		c.Processes, c.Unreadable = st.Processes, st.Unreadable
	}
	var likely map[string][]kernelUse
	if source == Netlink {
		likely = s.nameKernels(ctx, o, search)
	}
	v := readView(o.procfs(), p, st, s.Sockets)
	v.untold = source == Gopsutil && gopsutilRoot(o.procfs()) != o.procfs()
	v.limits(c, source)
	for i := range s.Sockets {
		one := &s.Sockets[i]
		if len(one.Holders) > 0 || one.KernelUse != "" {
			continue
		}
		if one.Why = v.why(one); one.Why == Kernel {
			one.KernelUse = useOf(likely[one.Namespace], one, false)
		}
	}
	findPaths(ctx, o, s.Sockets, c)
	if u == nil {
		u = newUsers(o)
	}
	nameUsers(s.Sockets, u)
}

// hold finds the holders, and looks again for what is left without one: such a
// socket may be gone, or its holder newer than the first look.
func (s *Snapshot) hold(ctx context.Context, o *Options, h *holders, search *netSearch) error {
	if search.trail {
		h.search = search
	}
	err := h.find(ctx, o.Holders, search.privileges, s.Sockets, &s.Coverage)
	fresh := search.follow(h.trails) // what a walk that ended early has open is the search's too
	if n := search.exhausted; n > 0 {
		s.Coverage.limit(true, LimitExhausted, fmt.Sprintf("%d %s could not be opened in search of network namespaces: too many open files",
			n, plural(n, "descriptor", "descriptors")), moreFiles)
	}
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		s.lookInto(ctx, o, search, fresh)
		if err := h.more(ctx, s.Sockets); err != nil {
			return err
		}
	}
	if s.dropGone(ctx, o, search) > 0 {
		if err := h.lookEverywhere(ctx, s.Sockets); err != nil {
			return err
		}
		before := h.stats().Processes
		if err := h.again(ctx, s.Sockets); err != nil {
			return err
		}
		if h.stats().Processes > before {
			s.dropGone(ctx, o, search)
		}
	}
	return h.describe(ctx)
}

// dropGone takes out the ownerless sockets that are no more and returns how many
// remain. It asks again, in the namespace of the socket; there a socket is known
// by its cookie, which the kernel gives out once, or else its inode. Where the
// answer is not to be had nothing is taken out.
func (s *Snapshot) dropGone(ctx context.Context, o *Options, search *netSearch) int {
	again := Options{ProcFS: o.ProcFS}
	ask := make(map[string]*netNS)
	n := 0
	for i := range s.Sockets {
		one := &s.Sockets[i]
		if !unheld(one) {
			continue
		}
		n++
		ask[one.Namespace] = search.named[one.Namespace]
		if !slices.Contains(again.Protocols, one.Protocol) {
			again.Protocols = append(again.Protocols, one.Protocol)
		}
	}
	if n == 0 {
		return 0
	}
	type id struct {
		namespace     string
		cookie, inode uint64
	}
	of := func(name string, s *Socket) id {
		if s.Cookie != 0 {
			return id{namespace: name, cookie: s.Cookie}
		}
		return id{namespace: name, inode: s.Inode}
	}
	alive := make(map[id]struct{})
	answered := func(name string, socks []Socket, err error, c *Coverage) {
		if err != nil && !errors.Is(err, errGone) || c.has(LimitNetlinkPartial) {
			delete(ask, name)
			return
		}
		for i := range socks {
			alive[of(name, &socks[i])] = struct{}{}
		}
	}
	var others []*netNS
	for name, ns := range ask {
		if ns != nil {
			ns.coverage = Coverage{Complete: true}
			others = append(others, ns)
			continue
		}
		c := Coverage{Complete: true}
		socks, err := listNetlink(ctx, &again, &c)
		answered(name, socks, err, &c)
	}
	list := func(nets []*netNS) {
		visit(ctx, o.procfs(), nets, func(n *netNS) { n.sockets, n.err = listNetlink(ctx, &again, &n.coverage) })
	}
	list(others)
	list(search.reopened(o.procfs(), others))
	for _, ns := range others {
		answered(ns.Name, ns.sockets, ns.err, &ns.coverage)
		ns.sockets = nil
	}
	s.Sockets = slices.DeleteFunc(s.Sockets, func(one Socket) bool {
		if _, ok := ask[one.Namespace]; !ok || !unheld(&one) {
			return false
		}
		_, ok := alive[of(one.Namespace, &one)]
		if !ok {
			n--
		}
		return !ok
	})
	return n
}

// nameUsers gives the owners of sockets their names. Most sockets belong to the
// user of their holder, who is named already.
func nameUsers(socks []Socket, u *users) {
	names := make(map[int64]string)
	for i := range socks {
		for _, p := range socks[i].Holders {
			if p.User != "" {
				names[p.UID] = p.User
			}
		}
	}
	nameOf := func(uid int64) string {
		if uid < 0 {
			return ""
		}
		name, ok := names[uid]
		if !ok {
			name = u.name(uid)
			names[uid] = name
		}
		return name
	}
	for i := range socks {
		s := &socks[i]
		s.User = nameOf(s.UID)
		if s.Unix != nil {
			s.Unix.User = nameOf(s.Unix.UID)
		}
	}
}

// gopsutilRoot is the folder in which gopsutil finds the tables of this network
// namespace: procfs, or that of this process where procfs shows processes alone
// (subset=pid). There gopsutil does not find the processes.
func gopsutilRoot(procfs string) string {
	if !exists(procfs+"/net") && exists(procfs+"/self/net") {
		return procfs + "/self"
	}
	return procfs
}
