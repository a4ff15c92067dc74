package scanner

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// The codec of sock_diag(7) for internet sockets, as in <linux/inet_diag.h>.

const (
	diagByFamily = 20 // SOCK_DIAG_BY_FAMILY

	diagReqLen = 56 // struct inet_diag_req_v2
	diagMsgLen = 72 // struct inet_diag_msg

	diagAttrInfo   = 2  // INET_DIAG_INFO
	diagAttrMem    = 7  // INET_DIAG_SKMEMINFO
	diagAttrV6Only = 11 // INET_DIAG_SKV6ONLY
	diagAttrLocals = 12 // INET_DIAG_LOCALS
	diagAttrULP    = 19 // INET_DIAG_ULP_INFO
	diagAttrCgroup = 21 // INET_DIAG_CGROUP_ID

	diagULPName = 1 // INET_ULP_INFO_NAME

	memDrops = 8 // SK_MEMINFO_DROPS of <linux/sock_diag.h>: which of the numbers

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
	case Ping, Packet, VSock, Unix: // not of inet_diag
	}
	return 0
}

// state returns the state in which a socket of the protocol accepts traffic.
func (p Protocol) state() uint8 {
	switch p {
	case UDP, UDPLite, Raw, Ping:
		return stateClose
	case TCP, SCTP, DCCP, Packet, VSock, Unix:
	}
	return stateListen
}

// appendTo appends the request as a netlink message. The kernel itself leaves
// out the sockets in other states.
func (q diagQuery) appendTo(b []byte, seq uint32) []byte {
	b = appendRequest(b, diagByFamily, seq, diagReqLen)
	family, ext := byte(afInet), byte(0)
	if q.family == IPv6 {
		family = afInet6
	}
	if q.protocol == TCP {
		// Whether a listener is Multipath TCP's comes along with its statistics.
		// To ask for the sockets of IPPROTO_MPTCP is a hundred times as dear: the
		// kernel walks its table of tokens.
		ext = 1 << (diagAttrInfo - 1)
		// What a listener has dropped: 40 bytes, and 35 ns of the kernel's time.
		ext |= 1 << (diagAttrMem - 1)
	}
	b = append(b, family, byte(q.protocol.number()), ext, 0)
	b = binary.NativeEndian.AppendUint32(b, 1<<q.protocol.state())
	return append(b, make([]byte, 48)...) // struct inet_diag_sockid: any
}

// parseDiag adds to list the socket of one message that answers a query. A
// message of another family or state than asked for is left out. An SCTP endpoint
// that is bound to several addresses gives a socket for each. link returns the
// name of the network interface with an index.
func parseDiag(list *socketList, q diagQuery, data []byte, link func(uint32) string) error {
	if len(data) < diagMsgLen {
		return errTruncated
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
		return nil
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
	if err := eachAttr(data[diagMsgLen:], func(typ uint16, v []byte) {
		switch {
		case typ == diagAttrV6Only && len(v) >= 1:
			s.V6Only = v[0] != 0
		case typ == diagAttrCgroup && len(v) >= 8:
			s.CgroupID = binary.NativeEndian.Uint64(v)
		case typ == diagAttrMem && q.protocol == TCP && len(v) >= 4*memDrops+4:
			s.Queue.Dropped = binary.NativeEndian.Uint32(v[4*memDrops:])
		case typ == diagAttrULP && q.protocol == TCP:
			s.MPTCP = ulpName(v) == "mptcp"
		case typ == diagAttrLocals && q.protocol == SCTP:
			locals = v
		}
	}); err != nil {
		return err
	}
	s.V6Only = s.V6Only || s.Family == IPv6 && q.protocol == Raw
	if len(locals) <= sockaddrStorageLen { // none, or the one already known
		s.place(device)
		list.add(&s)
		return nil
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
		list.add(&one)
	}
	return nil
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

// ulpName returns the name in an INET_DIAG_ULP_INFO attribute: what runs on top
// of TCP, "mptcp" for the first subflow of a Multipath TCP socket. A subflow has
// the inode and the owner of the socket that it serves. Kernels before 6.8 tell
// it to CAP_NET_ADMIN alone.
func ulpName(b []byte) string {
	for {
		typ, v, rest, ok, err := nextAttr(b)
		if !ok || err != nil {
			return ""
		}
		if typ == diagULPName {
			return string(bytes.TrimRight(v, "\x00"))
		}
		b = rest
	}
}
