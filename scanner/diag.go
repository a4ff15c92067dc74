package scanner

import (
	"encoding/binary"
	"net/netip"
)

// The codec of sock_diag(7) for internet sockets, as in <linux/inet_diag.h>.

const (
	diagByFamily = 20 // SOCK_DIAG_BY_FAMILY

	diagReqLen = 56 // struct inet_diag_req_v2
	diagMsgLen = 72 // struct inet_diag_msg

	diagReqProtocol = 3 // INET_DIAG_REQ_PROTOCOL

	diagAttrV6Only = 11 // INET_DIAG_SKV6ONLY
	diagAttrLocals = 12 // INET_DIAG_LOCALS
	diagAttrCgroup = 21 // INET_DIAG_CGROUP_ID

	// The states of <linux/tcp_states.h> that a socket can accept traffic in.
	stateClose  = 7  // TCP_CLOSE: a UDP or raw socket that is not connected
	stateListen = 10 // TCP_LISTEN

	afInet  = 2  // AF_INET on Linux
	afInet6 = 10 // AF_INET6 on Linux

	sockaddrStorageLen = 128 // struct sockaddr_storage
)

// A diagQuery asks for the sockets of one protocol and family.
type diagQuery struct {
	protocol Protocol
	family   Family
	mptcp    bool // the Multipath TCP sockets (RFC 8684), which TCP's answer holds too
}

// number returns the protocol's number in <linux/in.h>.
func (p Protocol) number() int {
	switch p {
	case TCP:
		return 6
	case UDP:
		return 17
	case DCCP:
		return 33
	case SCTP:
		return 132
	case UDPLite:
		return 136
	case Raw:
		return 255
	}
	return 0
}

// state returns the state in which a socket of the protocol accepts traffic.
func (p Protocol) state() uint8 {
	switch p {
	case UDP, UDPLite, Raw:
		return stateClose
	case TCP, SCTP, DCCP:
	}
	return stateListen
}

// appendTo appends the request as a netlink message. The kernel itself leaves
// out the sockets in other states.
func (q diagQuery) appendTo(b []byte, seq uint32) []byte {
	n := diagReqLen
	if q.mptcp {
		n += nlAttrLen + 4
	}
	b = appendRequest(b, diagByFamily, seq, n)
	family, protocol := byte(afInet), byte(q.protocol.number())
	if q.family == IPv6 {
		family = afInet6
	}
	b = append(b, family, protocol, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, 1<<q.protocol.state())
	b = append(b, make([]byte, 48)...) // struct inet_diag_sockid: any
	if q.mptcp {
		// The request's own field is a byte, and IPPROTO_MPTCP is 262.
		b = binary.NativeEndian.AppendUint16(b, nlAttrLen+4)
		b = binary.NativeEndian.AppendUint16(b, diagReqProtocol)
		b = binary.NativeEndian.AppendUint32(b, 262)
	}
	return b
}

// A diagSpan is where in a buffer the answer to a query lies.
type diagSpan struct {
	query      diagQuery
	start, end int
}

// parseSpans returns the sockets of the answers in buf. A message that cannot be
// read ends its answer, and errTruncated is returned with all the rest. link
// returns the name of the network interface with an index.
func parseSpans(buf []byte, spans []diagSpan, link func(uint32) string) (socks []Socket, err error) {
	n := 0
	for _, sp := range spans {
		for m, rest, ok, _ := nextMessage(buf[sp.start:sp.end]); ok; m, rest, ok, _ = nextMessage(rest) {
			if m.typ == diagByFamily && !sp.query.mptcp {
				n++
			}
		}
	}
	socks = make([]Socket, 0, n)
	for _, sp := range spans {
		out := socks
		if sp.query.mptcp {
			out = nil
		}
		for rest := buf[sp.start:sp.end]; ; {
			m, next, ok, err1 := nextMessage(rest)
			if ok && m.typ == diagByFamily {
				out, err1 = parseDiag(out, sp.query, m.data, link)
			}
			if err1 != nil {
				err = err1
			}
			if !ok {
				break
			}
			rest = next
		}
		if sp.query.mptcp {
			markMPTCP(socks, out)
			continue
		}
		socks = out
	}
	return socks, err
}

// markMPTCP marks the TCP listeners that are the first subflow of a Multipath
// TCP one. A subflow has the inode of the socket that it serves, and a cookie of
// its own; a kernel before 5.9 that does not know the question answers with its
// TCP listeners, cookie and all.
func markMPTCP(socks, mptcp []Socket) {
	if len(mptcp) == 0 {
		return
	}
	cookies := make(map[uint64]uint64, len(mptcp))
	for i := range mptcp {
		cookies[mptcp[i].Inode] = mptcp[i].Cookie
	}
	for i := range socks {
		s := &socks[i]
		if s.Protocol != TCP || s.Inode == 0 {
			continue
		}
		if c, ok := cookies[s.Inode]; ok && c != s.Cookie {
			s.MPTCP = true
		}
	}
}

// parseDiag appends to dst the socket of one message to a query. A message of
// another family or state than asked for is left out. A Stream Control
// Transmission Protocol endpoint that is bound to several addresses gives a
// socket for each.
func parseDiag(dst []Socket, q diagQuery, data []byte, link func(uint32) string) ([]Socket, error) {
	if len(data) < diagMsgLen {
		return dst, errTruncated
	}
	s := Socket{Protocol: q.protocol, Namespace: "host"}
	switch data[0] {
	case afInet:
		s.Family = IPv4
		s.Addr = netip.AddrFrom4([4]byte(data[8:]))
	case afInet6:
		s.Family = IPv6
		s.Addr = netip.AddrFrom16([16]byte(data[8:])).Unmap()
	}
	if s.Family != q.family || data[1] != q.protocol.state() {
		return dst, nil
	}
	s.Port = binary.BigEndian.Uint16(data[4:])
	s.Cookie = uint64(binary.NativeEndian.Uint32(data[44:])) | uint64(binary.NativeEndian.Uint32(data[48:]))<<32
	if q.protocol.state() == stateListen {
		// Of a listener the kernel gives the accept queue in place of the
		// receive and send queues (tcp_diag_get_info).
		s.Queue.Length = binary.NativeEndian.Uint32(data[56:])
		s.Queue.Limit = binary.NativeEndian.Uint32(data[60:])
	}
	s.UID = int64(binary.NativeEndian.Uint32(data[64:]))
	s.Inode = uint64(binary.NativeEndian.Uint32(data[68:]))
	device := ""
	if index := binary.NativeEndian.Uint32(data[40:]); index != 0 {
		device = link(index)
	}

	var locals []byte
	for rest := data[diagMsgLen:]; ; {
		typ, v, next, ok, err := nextAttr(rest)
		if err != nil {
			return dst, err
		}
		if !ok {
			break
		}
		rest = next
		switch {
		case typ == diagAttrV6Only && len(v) >= 1:
			s.V6Only = v[0] != 0
		case typ == diagAttrCgroup && len(v) >= 8:
			s.CgroupID = binary.NativeEndian.Uint64(v)
		case typ == diagAttrLocals && q.protocol == SCTP:
			locals = v
		}
	}
	if len(locals) <= sockaddrStorageLen { // none, or the one already known
		s.place(device)
		return append(dst, s), nil
	}
	for ; len(locals) >= sockaddrStorageLen; locals = locals[sockaddrStorageLen:] {
		one := s
		switch binary.NativeEndian.Uint16(locals) {
		case afInet:
			one.Addr = netip.AddrFrom4([4]byte(locals[4:]))
		case afInet6:
			one.Addr = netip.AddrFrom16([16]byte(locals[8:])).Unmap()
		default:
			continue
		}
		one.place(device)
		dst = append(dst, one)
	}
	return dst, nil
}

// place says where the device that a socket is bound to is shown. To bind a
// link-local address binds the socket to the address's link (ipv6(7)), so that
// there it is the zone.
func (s *Socket) place(device string) {
	if s.Addr.Is6() && (s.Addr.IsLinkLocalUnicast() || s.Addr.IsLinkLocalMulticast() || s.Addr.IsInterfaceLocalMulticast()) {
		s.Addr = s.Addr.WithZone(device)
		return
	}
	s.Device = device
}
