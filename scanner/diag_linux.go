package scanner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// listNetlink lists the sockets that sock_diag(7) tells of. What is missing it
// notes in c; it errs where TCP or UDP, asked for, cannot be listed.
func listNetlink(ctx context.Context, o *Options, c *Coverage) ([]Socket, error) {
	conn, err := dialNetlink(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	defer conn.close()
	if runtime.GOMAXPROCS(0) > 1 {
		conn.another = func() (*netlinkConn, error) { return dialNetlink(unix.NETLINK_SOCK_DIAG) }
	}
	socks, err := listDiag(ctx, conn, o, c)
	if err != nil {
		return nil, err
	}
	return listOthers(ctx, conn, o, c, socks)
}

// listDiag asks conn for every protocol of o that inet_diag knows, in both
// families.
func listDiag(ctx context.Context, conn *netlinkConn, o *Options, c *Coverage) ([]Socket, error) {
	first := newDiagAsker(conn)
	askers := []*diagAsker{first}
	for _, p := range o.protocols() {
		if p.number() == 0 {
			continue
		}
		var under *underWay
		for _, f := range [...]Family{IPv4, IPv6} {
			var err error
			switch {
			case f == IPv4:
				conn.long = func() {
					if under = begin(ctx, conn, diagQuery{p, IPv6}); under != nil {
						askers = append(askers, under.asker)
					}
				}
				err = first.ask(ctx, diagQuery{p, f})
				conn.long = nil
				under.wait()
			case under != nil:
				err = under.err
			default:
				err = first.ask(ctx, diagQuery{p, f})
			}
			if err == nil {
				continue
			}
			if !unsupported(err) || f == IPv4 && (p == TCP || p == UDP) {
				return nil, fmt.Errorf("sock_diag %v: %w", p, err)
			}
			switch {
			case f != IPv4:
			case p == Raw:
				parseNetTables(&first.list, p, o, "raw")
				c.limit(true, LimitProtocol, "raw sockets were read from /proc/net/raw, which does not know the devices that they are bound to: "+
					"the kernel is without raw_diag", "modprobe raw_diag")
			default:
				unseen(o, c, p)
			}
			break // a kernel without the protocol, or without IPv6, has no such sockets
		}
	}
	for _, a := range askers {
		if a.lacking(c) {
			break
		}
	}
	lists := make([]*socketList, len(askers))
	for i, a := range askers {
		lists[i] = &a.list
	}
	socks := joinLists(lists...)
	if o.hide != nil {
		socks = slices.DeleteFunc(socks, func(s Socket) bool { return o.hide(&s) })
	}
	return socks, nil
}

// A diagAsker asks one conversation for sockets and gathers them.
type diagAsker struct {
	conn  *netlinkConn
	link  func(uint32) string
	list  socketList
	lacks error // the last answer that was not complete
}

func newDiagAsker(conn *netlinkConn) *diagAsker {
	return &diagAsker{conn: conn, link: linkNames(conn.fd)}
}

// lacking notes that an answer was not complete, and reports whether one was.
func (a *diagAsker) lacking(c *Coverage) bool {
	if a.lacks == nil {
		return false
	}
	c.limit(true, LimitNetlinkPartial, fmt.Sprintf("the kernel's answer was incomplete: %v", a.lacks), "scan again when fewer sockets come and go")
	return true
}

// ask gathers the sockets that answer a query. That the answer was incomplete is
// no error here.
func (a *diagAsker) ask(ctx context.Context, q diagQuery) error {
	return a.gather(ctx, q.appendTo, func(b []byte) error { return parseDiag(&a.list, q, b, a.link) })
}

// underWay is a query that another conversation answers at the same time.
type underWay struct {
	asker *diagAsker
	done  chan struct{}
	err   error // good once done is closed
}

// begin has a conversation of its own answer q. The kernel makes an answer in the
// thread that reads it, so that two long ones take two processors. It returns nil
// where there can be no other conversation: then q is to be asked as usual.
func begin(ctx context.Context, conn *netlinkConn, q diagQuery) *underWay {
	if conn.another == nil {
		return nil
	}
	// Made here, in the network namespace of this thread.
	other, err := conn.another()
	if err != nil {
		return nil
	}
	u := &underWay{asker: newDiagAsker(other), done: make(chan struct{})}
	go func() {
		defer close(u.done)
		defer other.close()
		u.err = u.asker.ask(ctx, q)
	}()
	return u
}

// wait waits for the answer, if there is to be one.
func (u *underWay) wait() {
	if u != nil {
		<-u.done
	}
}

// unsupported reports whether a question failed because the kernel does not have
// what it asks about. The errors differ between kernels.
func unsupported(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) ||
		errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EINVAL)
}

// unseen notes sockets of a protocol that the kernel has and sock_diag does not
// show, because their part of it (sctp_diag, vsock_diag) was not built or may not
// be loaded, and that nothing else shows.
func unseen(o *Options, c *Coverage, p Protocol) {
	switch p {
	case SCTP:
		if exists(o.procfs() + "/net/sctp/eps") {
			c.limit(true, LimitProtocol, "sctp sockets are not listed: the kernel is without sctp_diag", "modprobe sctp_diag")
		}
	case VSock:
		// What the kernel has is told without loading it.
		if bytes.Contains(netTable(o, "protocols"), []byte("\nAF_VSOCK ")) || exists("/dev/vsock") {
			c.limit(true, LimitProtocol, "vsock sockets are not listed: the kernel is without vsock_diag, and nothing else shows them", "modprobe vsock_diag")
		}
	case TCP, UDP, UDPLite, DCCP, Raw, Ping, Packet, Unix:
	}
}

// exists reports whether a path can be seen.
func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }
