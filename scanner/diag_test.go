package scanner

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"strconv"
	"testing"
)

// attr is one netlink attribute, padded.
func attr(typ uint16, v ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(nlAttrLen+len(v)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, v...)
	return append(b, make([]byte, nlAlign(len(b))-len(b))...)
}

// message is one netlink message, padded.
func message(typ, flags uint16, seq uint32, parts ...[]byte) []byte {
	var data []byte
	for _, p := range parts {
		data = append(data, p...)
	}
	b := binary.NativeEndian.AppendUint32(nil, uint32(nlHeaderLen+len(data)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, data...)
	return append(b, make([]byte, nlAlign(len(b))-len(b))...)
}

// diagMsg is a struct inet_diag_msg.
type diagMsg struct {
	family, state  byte
	port           uint16
	addr           string
	index          uint32
	cookie         uint64
	rqueue, wqueue uint32
	uid, inode     uint32
	attrs          []byte
}

func (d diagMsg) bytes() []byte {
	b := make([]byte, diagMsgLen)
	b[0], b[1] = d.family, d.state
	binary.BigEndian.PutUint16(b[4:], d.port)
	copy(b[8:], netip.MustParseAddr(d.addr).AsSlice())
	binary.NativeEndian.PutUint32(b[40:], d.index)
	binary.NativeEndian.PutUint32(b[44:], uint32(d.cookie))
	binary.NativeEndian.PutUint32(b[48:], uint32(d.cookie>>32))
	binary.NativeEndian.PutUint32(b[56:], d.rqueue)
	binary.NativeEndian.PutUint32(b[60:], d.wqueue)
	binary.NativeEndian.PutUint32(b[64:], d.uid)
	binary.NativeEndian.PutUint32(b[68:], d.inode)
	return append(b, d.attrs...)
}

// link7 knows no interface and names each by its number.
func link7(index uint32) string { return "link" + strconv.Itoa(int(index)) }

// storage is a struct sockaddr_storage with an internet address.
func storage(addr string) []byte {
	b := make([]byte, sockaddrStorageLen)
	a := netip.MustParseAddr(addr)
	if a.Is4() {
		binary.NativeEndian.PutUint16(b, afInet)
		copy(b[4:], a.AsSlice())
	} else {
		binary.NativeEndian.PutUint16(b, afInet6)
		copy(b[8:], a.AsSlice())
	}
	return b
}

func TestParseDiag(t *testing.T) {
	tcp4, tcp6 := diagQuery{protocol: TCP, family: IPv4}, diagQuery{protocol: TCP, family: IPv6}
	udp6 := diagQuery{protocol: UDP, family: IPv6}
	tests := []struct {
		name string
		q    diagQuery
		msg  diagMsg
		want []Socket
	}{
		{
			"a listener with its queue", tcp4,
			diagMsg{
				family: afInet, state: stateListen, port: 443, addr: "192.0.2.1", cookie: 0x1_0000_0002, rqueue: 3, wqueue: 128,
				uid: 33, inode: 4_000_000_000, attrs: attr(diagAttrCgroup, 1, 0, 0, 0, 0, 0, 0, 0),
			},
			[]Socket{{
				Protocol: TCP, Family: IPv4, Port: 443, Addr: netip.MustParseAddr("192.0.2.1"), Namespace: "host", UID: 33,
				Inode: 4_000_000_000, Cookie: 0x1_0000_0002, CgroupID: binary.NativeEndian.Uint64([]byte{1, 0, 0, 0, 0, 0, 0, 0}), Queue: Queue{Length: 3, Limit: 128},
			}},
		},
		{
			"v6-only", tcp6,
			diagMsg{family: afInet6, state: stateListen, port: 80, addr: "::", attrs: attr(diagAttrV6Only, 1)},
			[]Socket{{Protocol: TCP, Family: IPv6, Port: 80, Addr: netip.IPv6Unspecified(), Namespace: "host", V6Only: true}},
		},
		{
			"a mapped address keeps its family", tcp6,
			diagMsg{family: afInet6, state: stateListen, port: 80, addr: "::ffff:127.0.0.1", attrs: attr(diagAttrV6Only, 0)},
			[]Socket{{Protocol: TCP, Family: IPv6, Port: 80, Addr: netip.MustParseAddr("127.0.0.1"), Namespace: "host"}},
		},
		{
			"a device", tcp6,
			diagMsg{family: afInet6, state: stateListen, port: 80, addr: "2001:db8::1", index: 7},
			[]Socket{{Protocol: TCP, Family: IPv6, Port: 80, Addr: netip.MustParseAddr("2001:db8::1"), Namespace: "host", Device: "link7"}},
		},
		{
			"the queues of a UDP socket are no accept queue", udp6,
			diagMsg{family: afInet6, state: stateClose, port: 5353, addr: "fe80::1", index: 7, rqueue: 9, wqueue: 9},
			[]Socket{{Protocol: UDP, Family: IPv6, Port: 5353, Addr: netip.MustParseAddr("fe80::1%link7"), Namespace: "host"}},
		},
		{
			"Multipath TCP", tcp4,
			diagMsg{
				family: afInet, state: stateListen, port: 80, addr: "0.0.0.0",
				attrs: append(attr(diagAttrInfo, make([]byte, 280)...), attr(diagAttrULP, attr(diagULPName, 'm', 'p', 't', 'c', 'p', 0)...)...),
			},
			[]Socket{{Protocol: TCP, Family: IPv4, Port: 80, Addr: netip.IPv4Unspecified(), Namespace: "host", MPTCP: true}},
		},
		{
			"TLS in the kernel is no Multipath TCP", tcp4,
			diagMsg{
				family: afInet, state: stateListen, port: 80, addr: "0.0.0.0",
				attrs: attr(diagAttrULP, append(attr(2, 1), attr(diagULPName, 't', 'l', 's', 0)...)...),
			},
			[]Socket{{Protocol: TCP, Family: IPv4, Port: 80, Addr: netip.IPv4Unspecified(), Namespace: "host"}},
		},
		{"another family", tcp4, diagMsg{family: afInet6, state: stateListen, port: 80, addr: "::"}, nil},
		{"another state", tcp4, diagMsg{family: afInet, state: 1, port: 80, addr: "0.0.0.0"}, nil},
		{"a family that there is not", tcp4, diagMsg{family: 200, state: stateListen, port: 80, addr: "0.0.0.0"}, nil},
		{
			"an SCTP endpoint of two addresses",
			diagQuery{protocol: SCTP, family: IPv6},
			diagMsg{
				family: afInet6, state: stateListen, port: 3868, addr: "2001:db8::1", inode: 5,
				attrs: attr(diagAttrLocals, append(storage("2001:db8::1"), storage("192.0.2.1")...)...),
			},
			[]Socket{
				{Protocol: SCTP, Family: IPv6, Port: 3868, Addr: netip.MustParseAddr("2001:db8::1"), Namespace: "host", Inode: 5},
				{Protocol: SCTP, Family: IPv6, Port: 3868, Addr: netip.MustParseAddr("192.0.2.1"), Namespace: "host", Inode: 5},
			},
		},
		{
			"an SCTP endpoint of one address",
			diagQuery{protocol: SCTP, family: IPv4},
			diagMsg{family: afInet, state: stateListen, port: 3868, addr: "192.0.2.1", attrs: attr(diagAttrLocals, storage("192.0.2.1")...)},
			[]Socket{{Protocol: SCTP, Family: IPv4, Port: 3868, Addr: netip.MustParseAddr("192.0.2.1"), Namespace: "host"}},
		},
		{
			"attributes shorter than they should be are none", tcp6,
			diagMsg{
				family: afInet6, state: stateListen, port: 80, addr: "::",
				attrs: append(attr(diagAttrV6Only), attr(diagAttrCgroup, 1, 2, 3)...),
			},
			[]Socket{{Protocol: TCP, Family: IPv6, Port: 80, Addr: netip.IPv6Unspecified(), Namespace: "host"}},
		},
	}
	for _, tt := range tests {
		var list socketList
		err := parseDiag(&list, tt.q, tt.msg.bytes(), link7)
		got := joinLists(&list)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: parseDiag = %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

// Whatever a message is cut to, the parser says so or leaves it; it reads no
// further: the slice has no room beyond its end.
func TestParseDiagTruncated(t *testing.T) {
	whole := diagMsg{family: afInet6, state: stateListen, port: 80, addr: "::", attrs: append(attr(diagAttrV6Only, 1), attr(diagAttrCgroup, 1, 2, 3, 4, 5, 6, 7, 8)...)}.bytes()
	for n := range whole {
		b := whole[:n:n]
		var list socketList
		err := parseDiag(&list, diagQuery{protocol: TCP, family: IPv6}, b, link7)
		ends := n == diagMsgLen || n >= diagMsgLen+5 && n <= diagMsgLen+8 // an attribute ends there, padded or not
		if (err == nil) != ends || err != nil && !errors.Is(err, errTruncated) {
			t.Errorf("of %d bytes: %d sockets, %v", n, list.size(), err)
		}
	}
}

func TestDiagRequest(t *testing.T) {
	b := diagQuery{TCP, IPv6}.appendTo(nil, 9)
	m, rest, ok, err := nextMessage(b)
	if !ok || err != nil || len(rest) != 0 || m.typ != diagByFamily || m.seq != 9 || m.flags != 0x301 {
		t.Fatalf("request %+v, %v, rest %d", m, err, len(rest))
	}
	if m.data[0] != afInet6 || m.data[1] != 6 || m.data[2] != 1<<1|1<<6 || binary.NativeEndian.Uint32(m.data[4:]) != 1<<stateListen {
		t.Errorf("request body % x", m.data[:8])
	}
	b = diagQuery{UDPLite, IPv4}.appendTo(nil, 1)
	if len(b) != nlHeaderLen+diagReqLen || b[17] != 136 || b[18] != 0 || binary.NativeEndian.Uint32(b[20:]) != 1<<stateClose {
		t.Errorf("udplite: % x", b[16:24])
	}
}

func FuzzParseDiag(f *testing.F) {
	v6 := diagMsg{family: afInet6, state: stateListen, port: 80, addr: "::", index: 3, attrs: append(attr(diagAttrV6Only, 1), attr(diagAttrLocals, storage("::1")...)...)}
	f.Add(message(diagByFamily, 2, 1, v6.bytes()), uint8(SCTP), true)
	f.Add(append(message(diagByFamily, 2, 1, diagMsg{family: afInet, state: stateClose, port: 53, addr: "127.0.0.1"}.bytes()), message(nlDone, 2, 1, make([]byte, 4))...), uint8(UDP), false)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 20, 0, 0, 0}, uint8(0), true)
	f.Fuzz(func(t *testing.T, b []byte, protocol uint8, six bool) {
		q := diagQuery{protocol: Protocol(protocol % 6), family: IPv4}
		if six {
			q.family = IPv6
		}
		b = b[:len(b):len(b)]
		var list socketList
		_, err := readDatagram(b, 1, func(m nlMessage) error { return parseDiag(&list, q, m.data, link7) })
		socks := joinLists(&list)
		if len(socks) > len(b)/sockaddrStorageLen+len(b)/(nlHeaderLen+diagMsgLen) {
			t.Errorf("%d sockets out of %d bytes", len(socks), len(b))
		}
		for _, s := range socks {
			if s.Family != q.family || s.Protocol != q.protocol || !s.Addr.IsValid() || s.Addr.Is4In6() || s.Family == IPv4 && !s.Addr.Is4() && q.protocol != SCTP {
				t.Errorf("%+v of %x", s, b)
			}
		}
		var errno nlErrno
		if err != nil && !incomplete(err) && !errors.As(err, &errno) {
			t.Errorf("error %v", err)
		}
	})
}
