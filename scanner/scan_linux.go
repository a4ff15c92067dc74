package scanner

import (
	"context"
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
func (s *Snapshot) own(ctx context.Context, o *Options, source Source) {
	c := &s.Coverage
	p := readPrivileges()
	c.Privileges = p.name()
	var st holderStats
	u := (*users)(nil)
	if source == Netlink {
		h := newHolders(o.procfs(), o.Args)
		if err := s.hold(ctx, o, h); err != nil {
			c.limit(true, LimitInterrupted, fmt.Sprintf("the search for processes ended early: %v", err), "")
		}
		st, u = h.stats(), h.users
		c.Processes, c.Unreadable = st.Processes, st.Unreadable
	}
	v := readView(o.procfs(), p, st, s.Sockets)
	v.limits(c, source)
	for i := range s.Sockets {
		if one := &s.Sockets[i]; len(one.Holders) == 0 {
			one.Why = v.why(one)
		}
	}
	nameUsers(s.Sockets, u)
}

// hold finds the holders by a walk of /proc, and looks again for what the walk
// left without one: such a socket may be gone, or its holder newer than the walk.
func (s *Snapshot) hold(ctx context.Context, o *Options, h *holders) error {
	if err := h.attach(ctx, s.Sockets); err != nil {
		return err
	}
	if s.dropGone(ctx, o) > 0 {
		before := h.stats().Processes
		if err := h.again(ctx, s.Sockets); err != nil {
			return err
		}
		if h.stats().Processes > before {
			s.dropGone(ctx, o)
		}
	}
	return h.describe(ctx)
}

// dropGone takes out the ownerless sockets that are no more and returns how many
// remain. It asks sock_diag again; a socket is known by its cookie, which the
// kernel gives out once. Where the answer is not to be had nothing is taken out.
func (s *Snapshot) dropGone(ctx context.Context, o *Options) int {
	again := Options{ProcFS: o.ProcFS}
	n := 0
	for i := range s.Sockets {
		if one := &s.Sockets[i]; unheld(one) {
			n++
			if !slices.Contains(again.Protocols, one.Protocol) {
				again.Protocols = append(again.Protocols, one.Protocol)
			}
		}
	}
	if n == 0 {
		return 0
	}
	c := Coverage{Complete: true}
	now, err := listNetlink(ctx, &again, &c)
	if err != nil || !c.Complete {
		return n
	}
	alive := make(map[uint64]struct{}, len(now))
	for i := range now {
		alive[now[i].Cookie] = struct{}{}
	}
	s.Sockets = slices.DeleteFunc(s.Sockets, func(one Socket) bool {
		if !unheld(&one) {
			return false
		}
		_, ok := alive[one.Cookie]
		if !ok {
			n--
		}
		return !ok
	})
	return n
}

// nameUsers gives the owners of sockets their names. Most sockets belong to the
// user of their holder, who is named already. A nil u is made when it is needed.
func nameUsers(socks []Socket, u *users) {
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
