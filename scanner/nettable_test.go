package scanner

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// As Linux 6.18 writes them on a machine of little end.
const (
	rawTable = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
		" 191: 0100007F:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 22422189 2 000000008102c086 0\n" +
		" 279: 00000000:0059 0200000A:0000 01 00000000:00000000 00:00000000 00000000     0        0 22422190 2 000000008102c087 0\n"
	raw6Table = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
		"   35: B80D0120000000000000000001000000:003A 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 22422188 2 00000000691382ab 0\n"
	packetTable = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n" +
		"0000000098db8f91 3      3    88cc   7     1 0      33     22422190\n" +
		"0000000098db8f92 3      2    0003   0     1 0      0      22422191\n" +
		"0000000098db8f93 3      3    0000   0     0 0      0      22422192\n" +
		"0000000098db8f94 3      3    0003   -1    0 0      0      22422193\n"
	unixTable = "Num       RefCount Protocol Flags    Type St Inode Path\n" +
		"000000007ee89031: 00000002 00000000 00010000 0005 01 22419562 /run/a b.sock\n" +
		"000000003af2bc84: 00000002 00000000 00000000 0005 03 22419554\n" +
		"000000003af2bc85: 00000003 00000000 00000000 0001 03 22419555 /run/connected\n" +
		"00000000767bbe02: 00000002 00000000 00010000 0001 01  1526 @a@b\n" +
		"00000000767bbe03: 00000002 00000000 00010000 0001 01 22422191 /tmp/x\n.sock\n"
)

func TestParseNetTable(t *testing.T) {
	tests := []struct {
		name     string
		protocol Protocol
		family   Family
		table    string
		want     []Socket
	}{
		{"raw", Raw, IPv4, rawTable, []Socket{{
			Protocol: Raw, Family: IPv4, Namespace: "host", Addr: netip.MustParseAddr("127.0.0.1"), Port: 1, Inode: 22422189,
		}}},
		{"raw6", Raw, IPv6, raw6Table, []Socket{{
			Protocol: Raw, Family: IPv6, V6Only: true, Namespace: "host", Addr: netip.MustParseAddr("2001:db8::1"), Port: 58, UID: 1000, Inode: 22422188,
		}}},
		{"ping", Ping, IPv4, rawTable, []Socket{{
			Protocol: Ping, Family: IPv4, Namespace: "host", Addr: netip.MustParseAddr("127.0.0.1"), Port: 1, Inode: 22422189,
		}}},
		{"of the other family", Raw, IPv6, rawTable, nil},
		{"nothing", Raw, IPv4, "", nil},
		{"titles alone", Raw, IPv4, rawTable[:strings.IndexByte(rawTable, '\n')+1], nil},
	}
	for _, tt := range tests {
		var list socketList
		parseNetTable(&list, tt.protocol, tt.family, []byte(tt.table))
		if got := joinLists(&list); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestParsePacketTable(t *testing.T) {
	var list socketList
	parsePacketTable(&list, []byte(packetTable), link7)
	want := []Socket{
		{Protocol: Packet, Namespace: "host", UID: 33, Inode: 22422190, Device: "link7", Packet: &PacketAddr{Type: "raw", EtherType: 0x88cc}},
		{Protocol: Packet, Namespace: "host", Inode: 22422191, Packet: &PacketAddr{Type: "dgram", EtherType: 3}},
	}
	if got := joinLists(&list); !reflect.DeepEqual(got, want) {
		t.Errorf("parsePacketTable = %+v, want %+v", got, want)
	}
}

func TestParseUnixTable(t *testing.T) {
	var list socketList
	parseUnixTable(&list, []byte(unixTable))
	socket := func(inode uint64, typ, path string) Socket {
		return Socket{Protocol: Unix, Namespace: "host", UID: -1, Inode: inode, Unix: &UnixAddr{Type: typ, Path: path, UID: -1}}
	}
	want := []Socket{
		socket(22419562, "seqpacket", "/run/a b.sock"),
		socket(1526, "stream", "@a@b"),
		socket(22422191, "stream", "/tmp/x"), // what follows the line break is lost
	}
	if got := joinLists(&list); !reflect.DeepEqual(got, want) {
		t.Errorf("parseUnixTable = %+v, want %+v", got, want)
	}
}

// Whatever a table holds, what is read of it is a socket.
func FuzzParseNetTables(f *testing.F) {
	for _, table := range []string{rawTable, raw6Table, packetTable, unixTable} {
		f.Add([]byte(table))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var list socketList
		for _, p := range []Protocol{Raw, Ping} {
			parseNetTable(&list, p, IPv4, b)
			parseNetTable(&list, p, IPv6, b)
		}
		for _, s := range joinLists(&list) {
			if !s.Addr.IsValid() || s.Addr.Is4In6() || s.UID < 0 {
				t.Errorf("socket %+v", s)
			}
		}
		list = socketList{}
		parsePacketTable(&list, b, link7)
		parseUnixTable(&list, b)
		for _, s := range joinLists(&list) {
			if (s.Packet == nil) == (s.Unix == nil) || s.Packet != nil && s.Packet.EtherType == 0 || s.Unix != nil && s.Unix.Type == "" {
				t.Errorf("socket %+v", s)
			}
		}
	})
}
