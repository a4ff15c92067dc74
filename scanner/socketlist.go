package scanner

import "net/netip"

// A socketList gathers sockets in pieces, so that a host with tens of thousands
// of them does not copy them over and over as a slice grows.
type socketList struct {
	full [][]packed
	last []packed
}

// pieceLen is how many sockets a piece holds: more than most hosts have.
const pieceLen = 256

// A packed is a socket in a list: half the memory, which nobody needs once the
// list is whole.
type packed struct {
	addr                 netip.Addr
	uid                  int64
	inode, cookie, group uint64
	queue                Queue
	port                 uint16
	protocol             Protocol
	family               Family
	mptcp, v6only        bool
	more                 *Socket // all of a socket that has more to it
}

func pack(s *Socket) packed {
	if s.Namespace != OwnNamespace || s.Device != "" || s.User != "" || s.Why != Held || s.Holders != nil || s.KernelUse != "" ||
		s.Unix != nil || s.VSock != nil || s.Packet != nil {
		all := *s
		return packed{port: s.Port, more: &all}
	}
	return packed{
		addr: s.Addr, uid: s.UID, inode: s.Inode, cookie: s.Cookie, group: s.CgroupID, queue: s.Queue,
		port: s.Port, protocol: s.Protocol, family: s.Family, mptcp: s.MPTCP, v6only: s.V6Only,
	}
}

// unpack makes s the socket, where there was none.
func (p *packed) unpack(s *Socket) {
	if p.more != nil {
		*s = *p.more
		return
	}
	s.Namespace = OwnNamespace
	s.Addr, s.UID, s.Inode, s.Cookie, s.CgroupID, s.Queue = p.addr, p.uid, p.inode, p.cookie, p.group, p.queue
	s.Port, s.Protocol, s.Family, s.MPTCP, s.V6Only = p.port, p.protocol, p.family, p.mptcp, p.v6only
}

// add adds a socket.
func (l *socketList) add(s *Socket) {
	switch {
	case l.last == nil:
		l.last = make([]packed, 0, pieceLen/8)
	case len(l.last) == pieceLen:
		l.full = append(l.full, l.last)
		l.last = make([]packed, 0, pieceLen)
	}
	l.last = append(l.last, pack(s))
}

// size is how many sockets there are.
func (l *socketList) size() int { return len(l.full)*pieceLen + len(l.last) }

// truncate keeps the first n sockets.
func (l *socketList) truncate(n int) {
	for n < len(l.full)*pieceLen {
		l.last = l.full[len(l.full)-1]
		l.full = l.full[:len(l.full)-1]
	}
	l.last = l.last[:n-len(l.full)*pieceLen]
}

// manySockets is how many sockets are worth it to be put in order.
const manySockets = 1024

// joinLists returns the sockets of all lists, which are empty then. A great many
// come by their ports, as they will be shown: whoever goes through them in that
// order finds each beside the last, and not somewhere in megabytes.
func joinLists(lists ...*socketList) []Socket {
	var pieces [][]packed
	n := 0
	for _, l := range lists {
		n += l.size()
		pieces = append(append(pieces, l.full...), l.last)
		*l = socketList{}
	}
	if n == 0 {
		return nil
	}
	all := make([]Socket, n)
	var at []int32 // where the next socket of each port goes
	if n >= manySockets {
		at = placesByPort(pieces)
	}
	n = 0
	for _, piece := range pieces {
		for i := range piece {
			to := n
			if at != nil {
				next := &at[piece[i].port]
				to = int(*next)
				*next++
			}
			piece[i].unpack(&all[to])
			n++
		}
	}
	return all
}

// placesByPort returns how many sockets have a port below each.
func placesByPort(pieces [][]packed) []int32 {
	at := make([]int32, 1<<16)
	for _, piece := range pieces {
		for i := range piece {
			at[piece[i].port]++
		}
	}
	below := int32(0)
	for port, n := range at {
		at[port] = below
		below += n
	}
	return at
}
