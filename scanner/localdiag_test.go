package scanner

import (
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"
)

// words are numbers of 32 bits, as a message has them.
func words(n ...uint32) []byte {
	var b []byte
	for _, w := range n {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return b
}

func TestParseUnixDiag(t *testing.T) {
	head := func(typ, state byte) []byte { return slices.Concat([]byte{afUnix, typ, state, 0}, words(77, 2, 1)) }
	tests := []struct {
		name string
		msg  []byte
		want []Socket
	}{
		{
			"a path", slices.Concat(head(1, 10), attr(0, []byte("/run/x.sock\x00")...), attr(1, words(5, 0xfe00000)...), attr(4, words(3, 128)...), attr(7, words(33)...)),
			[]Socket{{
				Protocol: Unix, Namespace: "host", UID: 33, Inode: 77, Cookie: 1<<32 | 2, Queue: Queue{Length: 3, Limit: 128},
				Unix: &UnixAddr{Type: "stream", Path: "/run/x.sock", UID: -1, Inode: 5, Device: 0xfe00000},
			}},
		},
		{
			"an abstract name with NULs and a line break", slices.Concat(head(5, 10), attr(0, []byte("\x00a\x00\nb\x00")...)),
			[]Socket{{
				Protocol: Unix, Namespace: "host", UID: -1, Inode: 77, Cookie: 1<<32 | 2,
				Unix: &UnixAddr{Type: "seqpacket", Path: "@a\x00\nb\x00", UID: -1},
			}},
		},
		{
			"a relative path that looks abstract", slices.Concat(head(1, 10), attr(0, []byte("@x\x00")...)),
			[]Socket{{
				Protocol: Unix, Namespace: "host", UID: -1, Inode: 77, Cookie: 1<<32 | 2,
				Unix: &UnixAddr{Type: "stream", Path: "./@x", UID: -1},
			}},
		},
		{
			"a path of all that fits, without a NUL", slices.Concat(head(1, 10), attr(0, []byte("/"+string(letters(107)))...)),
			[]Socket{{
				Protocol: Unix, Namespace: "host", UID: -1, Inode: 77, Cookie: 1<<32 | 2,
				Unix: &UnixAddr{Type: "stream", Path: "/" + string(letters(107)), UID: -1},
			}},
		},
		{
			"values cut short", slices.Concat(head(1, 10), attr(1, 1), attr(4, words(3)...), attr(7, 1)),
			[]Socket{{Protocol: Unix, Namespace: "host", UID: -1, Inode: 77, Cookie: 1<<32 | 2, Unix: &UnixAddr{Type: "stream", UID: -1}}},
		},
		{"a connection", head(1, 1), nil},
		{"a datagram socket", head(2, 10), nil},
		{"another family", append([]byte{afPacket}, head(1, 10)[1:]...), nil},
	}
	for _, tt := range tests {
		var list socketList
		err := parseUnixDiag(&list, tt.msg)
		if got := joinLists(&list); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
	var list socketList
	if err := parseUnixDiag(&list, head(1, 10)[:15]); !errors.Is(err, errTruncated) {
		t.Errorf("a short message: %v, want %v", err, errTruncated)
	}
	if err := parseUnixDiag(&list, slices.Concat(head(1, 10), []byte{200, 0, 0, 0})); !errors.Is(err, errTruncated) || list.size() != 0 {
		t.Errorf("an attribute too long: %v and %d sockets, want %v", err, list.size(), errTruncated)
	}
}

// letters is n letters.
func letters(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

func TestParsePacketDiag(t *testing.T) {
	head := func(typ byte, ethertype uint16) []byte {
		return slices.Concat([]byte{afPacket, typ}, binary.NativeEndian.AppendUint16(nil, ethertype), words(77, 2, 1))
	}
	info := func(index uint32) []byte { return attr(0, words(index, 2, 0, 0, 0, 1)...) }
	socket := func(typ string, ethertype uint16, device string, uid int64) []Socket {
		return []Socket{{
			Protocol: Packet, Namespace: "host", UID: uid, Inode: 77, Cookie: 1<<32 | 2, Device: device,
			Packet: &PacketAddr{Type: typ, EtherType: ethertype},
		}}
	}
	tests := []struct {
		name string
		msg  []byte
		want []Socket
	}{
		{"all frames of all interfaces", slices.Concat(head(3, 3), info(0), attr(5, words(0)...)), socket("raw", 3, "", 0)},
		{"LLDP of one", slices.Concat(head(2, 0x88cc), info(7), attr(5, words(33)...)), socket("dgram", 0x88cc, "link7", 33)},
		{"SOCK_PACKET", slices.Concat(head(10, 0x806), info(7)), socket("raw", 0x806, "link7", -1)},
		{"without a word on the interface", head(3, 0x806), socket("raw", 0x806, "", -1)},
		{"of no protocol", slices.Concat(head(3, 0), info(0)), nil},
		{"the interface is gone", slices.Concat(head(3, 3), info(1<<32-1)), nil},
	}
	for _, tt := range tests {
		var list socketList
		err := parsePacketDiag(&list, tt.msg, link7)
		if got := joinLists(&list); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

// vsock_diag of Linux 6.18, by <linux/vm_sockets_diag.h>: a kernel with it was not
// at hand.
func TestParseVSockDiag(t *testing.T) {
	msg := func(state byte) []byte {
		return slices.Concat([]byte{afVSock, 1, state, 0}, words(VSockAny, 1024, 0, 0, 77, 2, 1))
	}
	want := []Socket{{
		Protocol: VSock, Namespace: "host", UID: -1, Inode: 77, Cookie: 1<<32 | 2, VSock: &VSockAddr{CID: VSockAny, Port: 1024},
	}}
	var list socketList
	err := parseVSockDiag(&list, msg(stateListen))
	if got := joinLists(&list); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("parseVSockDiag = %+v, %v, want %+v", got, err, want)
	}
	if err := parseVSockDiag(&list, msg(1)); err != nil || list.size() != 0 {
		t.Errorf("a connection: %d sockets, %v, want none", list.size(), err)
	}
	if err := parseVSockDiag(&list, msg(stateListen)[:31]); !errors.Is(err, errTruncated) {
		t.Errorf("a short message: %v, want %v", err, errTruncated)
	}
}

// The requests, byte for byte on a machine of little end.
func TestLocalRequests(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("written down for machines of little end")
	}
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"unix", appendUnixRequest(nil, 7), "\x28\x00\x00\x00\x14\x00\x01\x03\x07\x00\x00\x00\x00\x00\x00\x00" +
			"\x01\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x53\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"vsock", appendVSockRequest(nil, 7), "\x28\x00\x00\x00\x14\x00\x01\x03\x07\x00\x00\x00\x00\x00\x00\x00" +
			"\x28\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"packet", appendPacketRequest(nil, 7), "\x24\x00\x00\x00\x14\x00\x01\x03\x07\x00\x00\x00\x00\x00\x00\x00" +
			"\x11\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
	}
	for _, tt := range tests {
		if string(tt.got) != tt.want {
			t.Errorf("%s: % x, want % x", tt.name, tt.got, tt.want)
		}
	}
}

// Whatever a message holds, the parsers neither fail in another way nor make a
// socket that is none.
func FuzzParseLocalDiag(f *testing.F) {
	f.Add(slices.Concat([]byte{afUnix, 1, 10, 0}, words(77, 2, 1), attr(0, 0, 'a', 0), attr(1, words(5, 6)...), attr(4, words(3, 128)...), attr(7, words(33)...)))
	f.Add(slices.Concat([]byte{afPacket, 3, 3, 0}, words(77, 2, 1), attr(0, words(1, 2, 0, 0, 0, 1)...), attr(5, words(0)...)))
	f.Add(slices.Concat([]byte{afVSock, 1, 10, 0}, words(VSockAny, 1024, 0, 0, 77, 2, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var list socketList
		for _, err := range []error{parseUnixDiag(&list, b), parsePacketDiag(&list, b, link7), parseVSockDiag(&list, b)} {
			if err != nil && !errors.Is(err, errTruncated) {
				t.Errorf("error %v", err)
			}
		}
		for _, s := range joinLists(&list) {
			n := 0
			for _, is := range []bool{s.Protocol == Unix && s.Unix != nil, s.Protocol == Packet && s.Packet != nil && s.Packet.EtherType != 0, s.Protocol == VSock && s.VSock != nil} {
				if is {
					n++
				}
			}
			if n != 1 || s.Port != 0 || s.Addr.IsValid() {
				t.Errorf("socket %+v", s)
			}
		}
	})
}
