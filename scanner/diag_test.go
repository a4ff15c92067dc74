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
				Inode: 4_000_000_000, Cookie: 0x1_0000_0002, CgroupID: binary.NativeEndian.Uint64([]byte{1, 0, 0, 0, 0, 0, 0, 0}), Queue: Queue{3, 128},
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
		got, err := parseDiag(nil, tt.q, tt.msg.bytes(), link7)
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
		socks, err := parseDiag(nil, diagQuery{protocol: TCP, family: IPv6}, b, link7)
		ends := n == diagMsgLen || n >= diagMsgLen+5 && n <= diagMsgLen+8 // an attribute ends there, padded or not
		if (err == nil) != ends || err != nil && !errors.Is(err, errTruncated) {
			t.Errorf("of %d bytes: %d sockets, %v", n, len(socks), err)
		}
	}
}

func TestParseSpans(t *testing.T) {
	q4, q6 := diagQuery{protocol: TCP, family: IPv4}, diagQuery{protocol: TCP, family: IPv6}
	mp := diagQuery{protocol: TCP, family: IPv4, mptcp: true}
	m := func(port uint16, inode uint32, cookie uint64) []byte {
		return message(diagByFamily, 2, 1, diagMsg{family: afInet, state: stateListen, port: port, addr: "0.0.0.0", inode: inode, cookie: cookie}.bytes())
	}
	done := message(nlDone, 2, 1, make([]byte, 4))
	join := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	span := func(q diagQuery, n int) diagSpan { return diagSpan{q, 0, n} }

	t.Run("no-ops and ends are passed over", func(t *testing.T) {
		b := join(message(nlNoop, 0, 1), m(1, 1, 1), m(2, 2, 2), done)
		socks, err := parseSpans(b, []diagSpan{span(q4, len(b))}, link7)
		if err != nil || len(socks) != 2 || cap(socks) != 2 || socks[1].Port != 2 {
			t.Errorf("parseSpans = %+v (room for %d), %v, want ports 1 and 2", socks, cap(socks), err)
		}
	})
	t.Run("what follows a cut message is kept", func(t *testing.T) {
		a := join(m(1, 1, 1), m(2, 2, 2))
		a = a[:len(a)-4]
		b := join(a, m(3, 3, 3))
		socks, err := parseSpans(b, []diagSpan{{q4, 0, len(a)}, {q6, len(a), len(a)}, {q4, len(a), len(b)}}, link7)
		if !errors.Is(err, errTruncated) || len(socks) != 2 || socks[1].Port != 3 {
			t.Errorf("parseSpans = %+v, %v, want ports 1 and 3 and %v", socks, err, errTruncated)
		}
	})
	t.Run("multipath listeners are marked, not added", func(t *testing.T) {
		a := join(m(1, 11, 101), m(2, 12, 102), m(3, 0, 103))
		b := join(a, m(1, 11, 201), m(2, 12, 102), m(3, 0, 203))
		socks, err := parseSpans(b, []diagSpan{{q4, 0, len(a)}, {mp, len(a), len(b)}}, link7)
		if err != nil || len(socks) != 3 {
			t.Fatalf("parseSpans = %+v, %v, want 3 sockets", socks, err)
		}
		// The second has the cookie of the TCP socket: a kernel before 5.9 answered.
		for i, want := range []bool{true, false, false} {
			if socks[i].MPTCP != want {
				t.Errorf("port %d: MPTCP %v, want %v", socks[i].Port, socks[i].MPTCP, want)
			}
		}
	})
}

func TestDiagRequest(t *testing.T) {
	b := diagQuery{protocol: TCP, family: IPv6, mptcp: true}.appendTo(nil, 9)
	m, rest, ok, err := nextMessage(b)
	if !ok || err != nil || len(rest) != 0 || m.typ != diagByFamily || m.seq != 9 || m.flags != 0x301 {
		t.Fatalf("request %+v, %v, rest %d", m, err, len(rest))
	}
	if m.data[0] != afInet6 || m.data[1] != 6 || binary.NativeEndian.Uint32(m.data[4:]) != 1<<stateListen {
		t.Errorf("request body % x", m.data[:8])
	}
	typ, v, _, ok, err := nextAttr(m.data[diagReqLen:])
	if !ok || err != nil || typ != diagReqProtocol || binary.NativeEndian.Uint32(v) != 262 {
		t.Errorf("protocol attribute %d % x, %v", typ, v, err)
	}
	b = diagQuery{protocol: UDPLite, family: IPv4}.appendTo(nil, 1)
	if len(b) != nlHeaderLen+diagReqLen || b[17] != 136 || binary.NativeEndian.Uint32(b[20:]) != 1<<stateClose {
		t.Errorf("udplite: % x", b[16:24])
	}
}

func FuzzParseSpans(f *testing.F) {
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
		socks, err := parseSpans(b, []diagSpan{{q, 0, len(b)}}, link7)
		if len(socks) > len(b)/sockaddrStorageLen+len(b)/(nlHeaderLen+diagMsgLen) {
			t.Errorf("%d sockets out of %d bytes", len(socks), len(b))
		}
		for _, s := range socks {
			if s.Family != q.family || s.Protocol != q.protocol || !s.Addr.IsValid() || s.Addr.Is4In6() || s.Family == IPv4 && !s.Addr.Is4() && q.protocol != SCTP {
				t.Errorf("%+v of %x", s, b)
			}
		}
		if err != nil && !errors.Is(err, errTruncated) {
			t.Errorf("error %v", err)
		}
	})
}
