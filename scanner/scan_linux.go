package scanner

import (
	"context"
	"fmt"

	gopsnet "github.com/shirou/gopsutil/v3/net"
)

// gopsutilTable asks gopsutil for its rows, without the users: for those it
// would read a file of the process for every row of the table.
func gopsutilTable(ctx context.Context, kind string) ([]gopsnet.ConnectionStat, error) {
	return gopsnet.ConnectionsWithoutUidsWithContext(ctx, kind)
}

// own finds the holders of the sockets and says why the rest are without.
func (s *Snapshot) own(ctx context.Context, o *Options, source Source) {
	c := &s.Coverage
	p := readPrivileges()
	c.Privileges = p.name()
	var st holderStats
	if source == Netlink {
		st = s.hold(ctx, o)
	} else if !p.seeAll() {
		st.Unreadable = len(s.Sockets) // gopsutil does not say how many there were
	}
	c.Processes, c.Unreadable = st.Processes, st.Unreadable
	if source == Gopsutil {
		c.Unreadable = 0
	}

	without := 0
	for i := range s.Sockets {
		if len(s.Sockets[i].Holders) == 0 {
			without++
		}
	}
	v := readView(o.procfs(), p, st.Unreadable, without)
	v.limits(c, st, source)
	v.explain(s.Sockets)
	nameUsers(s.Sockets)
}

// hold finds the holders by a walk of /proc, and looks again for what the walk
// left without one: such a socket may be gone, or its holder newer than the walk.
func (s *Snapshot) hold(ctx context.Context, o *Options) holderStats {
	h := newHolders(o.procfs(), o.Args)
	err := h.attach(ctx, s.Sockets)
	if err == nil && ownerless(s.Sockets) > 0 {
		s.Sockets = dropGone(ctx, o, s.Sockets)
		if ownerless(s.Sockets) > 0 {
			if err = h.again(ctx, s.Sockets); err == nil && ownerless(s.Sockets) > 0 {
				s.Sockets = dropGone(ctx, o, s.Sockets)
			}
		}
	}
	if err == nil {
		err = h.describe(ctx)
	}
	if err != nil {
		s.Coverage.limit(true, LimitInterrupted, fmt.Sprintf("the search for processes ended early: %v", err), "")
	}
	return h.stats()
}

// dropGone asks sock_diag again and returns the sockets without those ownerless
// ones that are no more. A socket is known by its cookie, which the kernel gives
// out once. Where the answer is not to be had nothing is dropped.
func dropGone(ctx context.Context, o *Options, socks []Socket) []Socket {
	again := Options{ProcFS: o.ProcFS}
	for i := range socks {
		if s := &socks[i]; len(s.Holders) == 0 && s.Inode != 0 {
			again.Protocols = append(again.Protocols, s.Protocol)
		}
	}
	c := Coverage{Complete: true}
	now, err := listNetlink(ctx, &again, &c)
	if err != nil || !c.Complete {
		return socks
	}
	alive := make(map[uint64]bool, len(now))
	for i := range now {
		alive[now[i].Cookie] = true
	}
	kept := socks[:0]
	for i := range socks {
		s := &socks[i]
		if len(s.Holders) > 0 || s.Inode == 0 || alive[s.Cookie] {
			kept = append(kept, *s)
		}
	}
	return kept
}

// nameUsers gives the owners of sockets their names. Most sockets belong to the
// user of their holder, who is named already.
func nameUsers(socks []Socket) {
	var u *users
	names := make(map[int64]string)
	for i := range socks {
		for _, p := range socks[i].Holders {
			if p.User != "" {
				names[p.UID] = p.User
			}
		}
	}
	for i := range socks {
		s := &socks[i]
		if s.UID < 0 {
			continue
		}
		name, ok := names[s.UID]
		if !ok {
			if u == nil {
				u = newUsers()
			}
			name = u.name(s.UID)
			names[s.UID] = name
		}
		s.User = name
	}
}
