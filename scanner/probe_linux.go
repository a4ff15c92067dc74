package scanner

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The last witness is bind(2): a port that cannot be bound has a socket, whatever
// the tables say. To bind a port takes it from everybody else for some
// microseconds, so that only ports in doubt are tried, and all only on request.

// A trial is what came of an attempt to bind a port.
type trial uint8

const (
	portFree  trial = iota
	portTaken       // EADDRINUSE
	portKept        // EACCES or EPERM: a rule keeps it from this process
)

// A binder tries ports of one protocol on every address.
type binder struct {
	protocol Protocol
	domain   int  // AF_INET or AF_INET6
	v6only   bool // do not try IPv4 along with IPv6
	fd       int  // a socket that is not bound, or -1
	// set says that the system's default (net.ipv6.bindv6only) is not v6only.
	set bool
}

// newBinder returns a binder for both families, or for IPv4 where there is no
// IPv6.
func newBinder(p Protocol) (*binder, error) {
	b := &binder{protocol: p, domain: unix.AF_INET6, fd: -1}
	err := b.open()
	switch {
	case errors.Is(err, unix.EAFNOSUPPORT):
		b.domain = unix.AF_INET
		err = b.open()
	case err == nil:
		only, err := unix.GetsockoptInt(b.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		if err != nil || only != 0 {
			b.close()
			b.set = true
		}
	}
	return b, err
}

func (b *binder) open() error {
	typ := unix.SOCK_DGRAM
	if b.protocol.state() == stateListen {
		typ = unix.SOCK_STREAM
	}
	fd, err := unix.Socket(b.domain, typ|unix.SOCK_CLOEXEC, b.protocol.number())
	if err != nil {
		return err
	}
	if b.set {
		only := 0
		if b.v6only {
			only = 1
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			unix.Close(fd)
			return err
		}
	}
	b.fd = fd
	return nil
}

func (b *binder) close() {
	if b.fd >= 0 {
		unix.Close(b.fd)
		b.fd = -1
	}
}

// try binds a port, and lets it go at once. A socket that could not be bound can
// be used again. Without SO_REUSEADDR and SO_REUSEPORT every socket at the port
// is in the way, on whatever address or device.
func (b *binder) try(port uint16) (trial, error) {
	if b.fd < 0 {
		if err := b.open(); err != nil {
			return portFree, err
		}
	}
	var sa unix.Sockaddr = &unix.SockaddrInet6{Port: int(port)}
	if b.domain == unix.AF_INET {
		sa = &unix.SockaddrInet4{Port: int(port)}
	}
	switch err := unix.Bind(b.fd, sa); err {
	case nil:
		b.close()
		return portFree, nil
	case unix.EADDRINUSE:
		return portTaken, nil
	case unix.EACCES, unix.EPERM:
		return portKept, nil
	default:
		b.close()
		return portFree, err
	}
}

// familyOf says which addresses of a taken port are taken: those of IPv4 or of
// IPv6. Of both it says IPv6, as a socket of both would.
func (b *binder) familyOf(port uint16) Family {
	if b.domain == unix.AF_INET {
		return IPv4
	}
	six := &binder{protocol: b.protocol, domain: unix.AF_INET6, v6only: true, fd: -1, set: true}
	defer six.close()
	if what, err := six.try(port); err == nil && what == portFree {
		return IPv4
	}
	return IPv6
}

// connects reports whether something accepts a TCP connection at a port of the
// loopback address of a family; ok is false where that cannot be told.
func connects(f Family, port uint16) (answer, ok bool) {
	domain, sa := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}})
	if f == IPv6 {
		domain, sa = unix.AF_INET6, &unix.SockaddrInet6{Port: int(port), Addr: netip.IPv6Loopback().As16()}
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false, false
	}
	defer unix.Close(fd)
	switch err := unix.Connect(fd, sa); err {
	case nil:
	case unix.EINPROGRESS:
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		for n := 0; n == 0; {
			if n, err = unix.Poll(ready, connectPatience); err == unix.EINTR {
				n = 0
			} else if err != nil || n == 0 {
				return false, false // dropped: a full queue, or a firewall
			}
		}
		if e, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || e != 0 {
			return false, err == nil && unix.Errno(e) == unix.ECONNREFUSED
		}
	default:
		return false, err == unix.ECONNREFUSED
	}
	// A client whose own port is the one that it asks for meets itself.
	local, err := unix.Getsockname(fd)
	if err != nil {
		return false, false
	}
	switch local := local.(type) {
	case *unix.SockaddrInet4:
		return local.Port != int(port), true
	case *unix.SockaddrInet6:
		return local.Port != int(port), true
	}
	return false, false
}

// connectPatience is how many milliseconds an answer on loopback may take.
const connectPatience = 500

// A portMap says at which ports of a protocol there are sockets, of any state.
type portMap struct {
	// sockets is how many netlink shows at each port.
	sockets [1 << 16]uint32
	// tables are the ports that /proc/net shows.
	tables [1 << 16]bool
	// idle are the TCP sockets that are bound and no more.
	idle []Socket
}

// shows reports whether a table shows a socket at the port.
func (m *portMap) shows(port uint16) bool { return m.sockets[port] > 0 || m.tables[port] }

// A diagPorts asks for the sockets of all states.
type diagPorts diagQuery

func (q diagPorts) appendTo(b []byte, seq uint32) []byte {
	at := len(b)
	b = diagQuery(q).appendTo(b, seq)
	b[at+nlHeaderLen+2] = 0 // no attributes
	binary.NativeEndian.PutUint32(b[at+nlHeaderLen+4:], 1<<32-1)
	return b
}

// ports makes the map of a protocol.
func (q *inquiry) ports(ctx context.Context, p Protocol) (*portMap, error) {
	m := new(portMap)
	for _, f := range [...]Family{IPv4, IPv6} {
		if q.answered[byNetlink] {
			if err := q.diagPorts(ctx, m, diagQuery{p, f}); err != nil {
				return nil, err
			}
		}
		err := readProcTable(tableName(q.net, p, f), f, func(r procRow) { m.tables[r.port] = true })
		if err != nil && !optional(err, p, f) {
			return nil, err
		}
	}
	return m, nil
}

func (q *inquiry) diagPorts(ctx context.Context, m *portMap, query diagQuery) error {
	conn, err := dialNetlink(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	defer conn.close()
	idle := len(m.idle)
	// What an answer that is asked for again has shown explains a port as well.
	err = conn.dump(ctx, diagPorts(query).appendTo, func() { m.idle = m.idle[:idle] }, func(msg nlMessage) error {
		b := msg.data
		if msg.typ != diagByFamily || len(b) < diagMsgLen {
			return nil
		}
		s := Socket{
			Protocol: query.protocol, Family: query.family, Namespace: q.namespace,
			Port: binary.BigEndian.Uint16(b[4:]),
			UID:  int64(binary.NativeEndian.Uint32(b[64:])), Inode: uint64(binary.NativeEndian.Uint32(b[68:])),
		}
		if s.Addr = netip.AddrFrom4([4]byte(b[8:])); query.family == IPv6 {
			s.Addr = netip.AddrFrom16([16]byte(b[8:])).Unmap()
		}
		if q.o.hide != nil && q.o.hide(&s) {
			return nil
		}
		m.sockets[s.Port]++
		if query.protocol == TCP && (b[1] == stateClose || b[1] == stateBound) {
			m.idle = append(m.idle, s)
		}
		return nil
	})
	if err != nil && (incomplete(err) || unsupported(err)) {
		return nil
	}
	return err
}

// stateBound is TCP_BOUND_INACTIVE, which Linux 6.8 and newer show when they are
// asked for it.
const stateBound = 13

// showsBound reports whether this kernel shows TCP sockets that are bound and no
// more. It makes one to see.
func (q *inquiry) showsBound(ctx context.Context) bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}) != nil {
		return false
	}
	local, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	m := new(portMap)
	if !q.answered[byNetlink] || q.diagPorts(ctx, m, diagQuery{TCP, IPv4}) != nil {
		return false
	}
	four, ok := local.(*unix.SockaddrInet4)
	return ok && m.sockets[uint16(four.Port)] > 0
}
