package scanner

import (
	"context"
	"errors"
	"fmt"

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
	return listDiag(ctx, conn, o, c)
}

// listDiag asks conn for every protocol of o in both families.
func listDiag(ctx context.Context, conn *netlinkConn, o *Options, c *Coverage) ([]Socket, error) {
	var (
		list  socketList
		lacks error
	)
	link := linkNames(conn.fd)
	ask := func(q diagQuery) error {
		n := list.size()
		err := conn.dump(ctx, q.appendTo, func() { list.truncate(n) }, func(m nlMessage) error {
			if m.typ != diagByFamily {
				return nil
			}
			return parseDiag(&list, q, m.data, link)
		})
		if incomplete(err) {
			lacks, err = err, nil
		}
		return err
	}
	for _, p := range o.protocols() {
		for _, f := range [...]Family{IPv4, IPv6} {
			err := ask(diagQuery{p, f})
			if err == nil {
				continue
			}
			if !unsupported(err) || f == IPv4 && (p == TCP || p == UDP) {
				return nil, fmt.Errorf("sock_diag %v: %w", p, err)
			}
			if f == IPv4 {
				unseen(o, c, p)
			}
			break // a kernel without the protocol, or without IPv6, has no such sockets
		}
	}
	if lacks != nil {
		c.limit(true, LimitNetlinkPartial, fmt.Sprintf("the kernel's answer was incomplete: %v", lacks), "scan again when fewer sockets come and go")
	}
	return list.slice(), nil
}

// unsupported reports whether a question failed because the kernel does not have
// what it asks about. The errors differ between kernels.
func unsupported(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) ||
		errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EINVAL)
}

// unseen notes sockets of a protocol that the kernel has and sock_diag does not
// show, because their part of it (raw_diag, sctp_diag) was not built or may not
// be loaded.
func unseen(o *Options, c *Coverage, p Protocol) {
	module, table := "", ""
	switch p {
	case Raw:
		module, table = "raw_diag", "/net/raw"
	case SCTP:
		module, table = "sctp_diag", "/net/sctp/eps"
	case TCP, UDP, UDPLite, DCCP:
		return
	}
	if exists(o.procfs() + table) {
		c.limit(true, LimitProtocol, fmt.Sprintf("%v sockets are not listed: the kernel is without %s", p, module), "modprobe "+module)
	}
}

// exists reports whether a path can be seen.
func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }
