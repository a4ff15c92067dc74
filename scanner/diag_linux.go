package scanner

import (
	"context"
	"errors"
	"fmt"
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
	return listDiag(ctx, conn, o, c)
}

// listDiag asks conn for every protocol of o in both families.
func listDiag(ctx context.Context, conn *netlinkConn, o *Options, c *Coverage) ([]Socket, error) {
	var (
		buf        []byte
		spans      []diagSpan
		incomplete error
	)
	ask := func(q diagQuery) error {
		start := len(buf)
		b, err := conn.dump(ctx, buf, q.appendTo)
		if errors.Is(err, errInterrupted) || errors.Is(err, errLost) {
			incomplete, err = err, nil
		}
		if err != nil {
			return err
		}
		buf = b
		spans = append(spans, diagSpan{q, start, len(buf)})
		return nil
	}
	for _, p := range o.protocols() {
		for _, f := range [...]Family{IPv4, IPv6} {
			err := ask(diagQuery{protocol: p, family: f})
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
	// Asked only of a kernel that has Multipath TCP: one without would start
	// modprobe for each question.
	if slices.Contains(o.protocols(), TCP) && exists(o.procfs()+"/sys/net/mptcp") {
		for _, f := range [...]Family{IPv4, IPv6} {
			if err := ask(diagQuery{protocol: TCP, family: f, mptcp: true}); err != nil {
				break // the mark alone is lost
			}
		}
	}
	socks, err := parseSpans(buf, spans, linkNames(conn.fd))
	if err != nil {
		incomplete = err
	}
	if incomplete != nil {
		c.limit(true, LimitNetlinkPartial, fmt.Sprintf("the kernel's answer was incomplete: %v", incomplete), "scan again when fewer sockets come and go")
	}
	return socks, nil
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
