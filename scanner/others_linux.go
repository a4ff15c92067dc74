package scanner

import (
	"context"
	"fmt"
)

// listOthers adds the sockets that inet_diag does not know: ping, packet, vsock
// and unix, as far as o wants them. Like [listDiag] it is called in a thread that
// is in the network namespace to look into, which is that of conn too.
func listOthers(ctx context.Context, conn *netlinkConn, o *Options, c *Coverage, socks []Socket) ([]Socket, error) {
	a := newDiagAsker(conn)
	for _, p := range o.protocols() {
		var err error
		switch p {
		case Ping:
			// There is no ping_diag.
			parseNetTables(&a.list, p, o, "icmp")
		case Packet:
			err = a.gather(ctx, appendPacketRequest, func(b []byte) error { return parsePacketDiag(&a.list, b, a.link) })
			if unsupported(err) {
				err = nil
				parsePacketTable(&a.list, netTable(o, "packet"), a.link)
			}
		case VSock:
			err = a.gather(ctx, appendVSockRequest, func(b []byte) error { return parseVSockDiag(&a.list, b) })
		case Unix:
			err = a.gather(ctx, appendUnixRequest, func(b []byte) error { return parseUnixDiag(&a.list, b) })
			if unsupported(err) {
				err = nil
				parseUnixTable(&a.list, netTable(o, "unix"))
				c.limit(true, LimitProtocol, "unix sockets were read from /proc/net/unix, which knows neither their owners nor their queues, "+
					"and where a name with a line break can look like a socket: the kernel is without unix_diag", "modprobe unix_diag")
			}
		case TCP, UDP, UDPLite, SCTP, DCCP, Raw: // inet_diag's
		}
		switch {
		case err == nil:
		case unsupported(err):
			unseen(o, c, p)
		default:
			return nil, fmt.Errorf("sock_diag %v: %w", p, err)
		}
	}
	a.lacking(c)
	if a.list.size() == 0 {
		return socks, nil
	}
	return append(socks, joinLists(&a.list)...), nil
}

// gather asks a question and adds what parse makes of the answer. That the answer was
// incomplete is no error here.
func (a *diagAsker) gather(ctx context.Context, request func([]byte, uint32) []byte, parse func([]byte) error) error {
	n := a.list.size()
	err := a.conn.dump(ctx, request, func() { a.list.truncate(n) }, func(m nlMessage) error {
		if m.typ != diagByFamily {
			return nil
		}
		return parse(m.data)
	})
	if incomplete(err) {
		a.lacks, err = err, nil
	}
	return err
}

// parseNetTables adds the sockets of a table of /proc/net and of its twin for
// IPv6.
func parseNetTables(list *socketList, p Protocol, o *Options, name string) {
	parseNetTable(list, p, IPv4, netTable(o, name))
	parseNetTable(list, p, IPv6, netTable(o, name+"6"))
}

// netTable reads a table of /proc/net of the network namespace that the thread is
// in; nothing where there is none. /proc/net itself is that of the process. A
// copy of a procfs may have nothing else.
func netTable(o *Options, name string) []byte {
	buf := make([]byte, 16<<10)
	if b := readSmall(o.procfs()+"/thread-self/net/"+name, &buf); len(b) > 0 {
		return b
	}
	return readSmall(o.procfs()+"/net/"+name, &buf)
}
