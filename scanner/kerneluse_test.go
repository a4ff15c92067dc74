package scanner

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

// link is the RTM_NEWLINK message of a link that is up.
func link(index, flags uint32, name, kind string, data []byte, more ...[]byte) []byte {
	return slices.Concat(
		words(0, index, flags, 0),
		attr(linkIfName, append([]byte(name), 0)...),
		attr(linkInfo, slices.Concat(attr(infoKind, append([]byte(kind), 0)...), attr(infoData|0x8000, data...))...),
		slices.Concat(more...),
	)
}

// port is a port in the order of the network.
func port(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

// The messages of vxlan are as Linux 6.18 has them; those of the other kinds are
// made by <linux/if_link.h>, for want of a kernel that has them.
func TestParseTunnel(t *testing.T) {
	v6 := netip.MustParseAddr("2001:db8::1")
	udp := func(f Family, n uint16, name string) []kernelUse {
		return []kernelUse{{protocol: UDP, family: f, port: n, name: name, certain: true}}
	}
	tests := []struct {
		name string
		msg  []byte
		want []kernelUse
	}{
		{"vxlan", link(3, ifUp, "vx0", "vxlan", slices.Concat(attr(vxlanPort, port(4789)...), attr(vxlanMetadata, 0))), udp(IPv4, 4789, "vxlan vx0")},
		{"vxlan of both families", link(3, ifUp, "vx0", "vxlan", slices.Concat(attr(vxlanPort, port(4790)...), attr(vxlanMetadata, 1))), udp(0, 4790, "vxlan vx0")},
		{
			"vxlan with an address of its own", link(3, ifUp, "vx0", "vxlan", slices.Concat(attr(vxlanPort, port(4789)...), attr(vxlanLocal6, v6.AsSlice()...))),
			[]kernelUse{{protocol: UDP, family: IPv6, addr: v6, port: 4789, name: "vxlan vx0", certain: true}},
		},
		{"vxlan to an IPv6 group", link(3, ifUp, "vx0", "vxlan", slices.Concat(attr(vxlanPort, port(4789)...), attr(vxlanGroup6, v6.AsSlice()...))), udp(IPv6, 4789, "vxlan vx0")},
		{"down", link(3, 0, "vx0", "vxlan", attr(vxlanPort, port(4789)...)), nil},
		{"its socket is in another namespace", link(3, ifUp, "vx0", "vxlan", attr(vxlanPort, port(4789)...), attr(linkNetNSID, words(0)...)), nil},
		{"geneve", link(3, ifUp, "gv0", "geneve", attr(genevePort, port(6081)...)), udp(IPv4, 6081, "geneve gv0")},
		{"geneve of both families", link(3, ifUp, "gv0", "geneve", slices.Concat(attr(genevePort, port(6081)...), attr(geneveMetadata))), udp(0, 6081, "geneve gv0")},
		{"geneve to IPv6", link(3, ifUp, "gv0", "geneve", slices.Concat(attr(geneve6, v6.AsSlice()...), attr(genevePort, port(6081)...))), udp(IPv6, 6081, "geneve gv0")},
		{"bareudp", link(3, ifUp, "bu0", "bareudp", attr(bareudpPort, port(6635)...)), udp(0, 6635, "bareudp bu0")},
		{"amt", link(3, ifUp, "amt0", "amt", attr(amtRelayPort, port(2268)...)), udp(IPv4, 2268, "amt amt0")},
		{"gtp", link(3, ifUp, "gtp0", "gtp", nil), []kernelUse{{protocol: UDP, port: 3386, name: "gtp gtp0"}, {protocol: UDP, port: 2152, name: "gtp gtp0"}}},
		{"wireguard, whose link does not tell", link(3, ifUp, "wg0", "wireguard", nil), nil},
		{"without a port", link(3, ifUp, "vx0", "vxlan", attr(vxlanPort, 1)), nil},
		{"of another kind", link(3, ifUp, "veth0", "veth", nil), nil},
		{"no kind at all", slices.Concat(words(0, 1, ifUp, 0), attr(linkIfName, 'l', 'o', 0)), nil},
	}
	for _, tt := range tests {
		got, err := parseTunnel(tt.msg)
		if err != nil || !reflect.DeepEqual(got.uses, tt.want) {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got.uses, err, tt.want)
		}
	}
	if _, err := parseTunnel(make([]byte, ifInfoLen-1)); !errors.Is(err, errTruncated) {
		t.Errorf("a short message: %v, want %v", err, errTruncated)
	}
}

func TestParseGeneric(t *testing.T) {
	head := []byte{1, 1, 0, 0}
	name, id, err := parseGenlFamily(slices.Concat(head, attr(genlFamilyName, 'f', 'o', 'u', 0), attr(genlFamilyID, 31, 31)))
	if name != "fou" || id != 31<<8|31 || err != nil {
		t.Errorf("parseGenlFamily = %q, %d, %v", name, id, err)
	}
	number := binary.NativeEndian.AppendUint16(nil, 51820)
	uses, err := parseWireGuard(slices.Concat(head, attr(3, make([]byte, 32)...), attr(wireguardPort, number...)), "wireguard wg0")
	if want := []kernelUse{{protocol: UDP, port: 51820, name: "wireguard wg0", certain: true}}; !reflect.DeepEqual(uses, want) || err != nil {
		t.Errorf("parseWireGuard = %+v, %v, want %+v", uses, err, want)
	}
	if uses, err = parseWireGuard(slices.Concat(head, attr(wireguardPort, 0, 0)), "wireguard wg0"); uses != nil || err != nil {
		t.Errorf("parseWireGuard without a port = %+v, %v", uses, err)
	}
	tests := []struct {
		msg  []byte
		want kernelUse
	}{
		{slices.Concat(attr(fouPort, port(5555)...), attr(fouAF, afInet), attr(fouType, 1), attr(fouLocal4, 0, 0, 0, 0)), kernelUse{protocol: UDP, family: IPv4, port: 5555, name: "fou", certain: true}},
		{slices.Concat(attr(fouPort, port(6080)...), attr(fouAF, afInet6), attr(fouType, fouGUE)), kernelUse{protocol: UDP, family: IPv6, port: 6080, name: "gue", certain: true}},
		{
			slices.Concat(attr(fouPort, port(5555)...), attr(fouLocal4, 192, 0, 2, 1)),
			kernelUse{protocol: UDP, family: IPv4, addr: netip.MustParseAddr("192.0.2.1"), port: 5555, name: "fou", certain: true},
		},
	}
	for _, tt := range tests {
		if got, err := parseFOU(append(slices.Clone(head), tt.msg...)); got != tt.want || err != nil {
			t.Errorf("parseFOU(% x) = %+v, %v, want %+v", tt.msg, got, err, tt.want)
		}
	}
	for _, short := range []error{
		func() error { _, _, err := parseGenlFamily(head[:3]); return err }(),
		func() error { _, err := parseWireGuard(head[:3], ""); return err }(),
		func() error { _, err := parseFOU(head[:3]); return err }(),
	} {
		if !errors.Is(short, errTruncated) {
			t.Errorf("a short message: %v, want %v", short, errTruncated)
		}
	}
}

func TestParseServices(t *testing.T) {
	at := func(p Protocol, f Family, addr string, n uint16, name string, certain bool) kernelUse {
		u := kernelUse{protocol: p, family: f, port: n, name: name, certain: certain}
		if addr != "" {
			u.addr = netip.MustParseAddr(addr)
		}
		return u
	}
	tests := []struct {
		name string
		got  []kernelUse
		want []kernelUse
	}{
		{"nfsd", parseNFSPorts([]byte("tcp 2049\nudp 2049\nrdma 20049\ntcp\n")), []kernelUse{at(TCP, 0, "", 2049, "nfs", true), at(UDP, 0, "", 2049, "nfs", true)}},
		{"nfsd, none", parseNFSPorts(nil), nil},
		{
			"rxrpc", parseRxRPC([]byte("Proto Local                                           Use Act RxQ\n" +
				"UDP   0.0.0.0:7001                                      1   0   0\n" +
				"UDP   [::]:7001                                         1   0   0\nUDP   [::]:0   1 0 0\n")),
			[]kernelUse{at(UDP, IPv4, "0.0.0.0", 7001, "rxrpc", true), at(UDP, IPv6, "::", 7001, "rxrpc", true)},
		},
		{"ksmbd", parseKSMBD([]byte("2 running 445 12\n")), []kernelUse{at(TCP, 0, "", 445, "ksmbd", true)}},
		{"ksmbd, not started", parseKSMBD([]byte("2 startup 445 12\n")), nil},
		{"lockd", parsePortParameter([]byte("4045\n"), UDP, "lockd"), []kernelUse{at(UDP, 0, "", 4045, "lockd", false)}},
		{"lockd at any port", parsePortParameter([]byte("0\n"), UDP, "lockd"), nil},
		{"lockd, not there", parsePortParameter(nil, UDP, "lockd"), nil},
	}
	for _, tt := range tests {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, tt.got, tt.want)
		}
	}
}

// A use is of the sockets at its very endpoint; several of one socket are counted.
func TestUseOf(t *testing.T) {
	uses := []kernelUse{
		{protocol: UDP, family: IPv4, port: 4789, name: "vxlan vx0", certain: true},
		{protocol: UDP, family: IPv4, port: 4789, name: "vxlan vx1", certain: true},
		{protocol: UDP, family: IPv4, port: 4789, name: "vxlan vx0", certain: true},
		{protocol: UDP, family: IPv6, addr: netip.MustParseAddr("fe80::1"), port: 4789, name: "vxlan vx6", certain: true},
		{protocol: UDP, port: 4045, name: "lockd"},
	}
	socket := func(p Protocol, f Family, addr string, n uint16) *Socket {
		return &Socket{Protocol: p, Family: f, Addr: netip.MustParseAddr(addr), Port: n}
	}
	tests := []struct {
		s       *Socket
		certain bool
		want    string
	}{
		{socket(UDP, IPv4, "0.0.0.0", 4789), true, "vxlan vx0 +1"},
		{socket(UDP, IPv6, "::", 4789), true, "vxlan vx6"},
		{socket(UDP, IPv6, "fe80::1%eth0", 4789), true, "vxlan vx6"},
		{socket(UDP, IPv4, "192.0.2.1", 4789), true, ""},
		{socket(TCP, IPv4, "0.0.0.0", 4789), true, ""},
		{socket(UDP, IPv4, "0.0.0.0", 4790), true, ""},
		{socket(UDP, IPv4, "0.0.0.0", 4045), true, ""},
		{socket(UDP, IPv6, "::", 4045), false, "lockd"},
	}
	for _, tt := range tests {
		if got := useOf(uses, tt.s, tt.certain); got != tt.want {
			t.Errorf("useOf(%v %v:%d, %v) = %q, want %q", tt.s.Protocol, tt.s.Addr, tt.s.Port, tt.certain, got, tt.want)
		}
	}
}

// Whatever a message or a file holds, a use has a name and a port.
func FuzzParseKernelUse(f *testing.F) {
	f.Add(link(3, ifUp, "vx0", "vxlan", slices.Concat(attr(vxlanPort, port(4789)...), attr(vxlanMetadata, 1))))
	f.Add(link(3, ifUp, "gv0", "geneve", attr(genevePort, port(6081)...)))
	f.Add(slices.Concat([]byte{1, 1, 0, 0}, attr(fouPort, port(5555)...), attr(fouLocal6, make([]byte, 16)...)))
	f.Add([]byte("tcp 2049\nUDP 0.0.0.0:7001\n"))
	f.Add([]byte("2 running 445 12\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err1 := parseTunnel(b)
		guard, err2 := parseWireGuard(b, "wireguard wg0")
		_, err3 := parseFOU(b)
		_, _, err4 := parseGenlFamily(b)
		for _, err := range []error{err1, err2, err3, err4} {
			if err != nil && !errors.Is(err, errTruncated) {
				t.Errorf("error %v", err)
			}
		}
		for _, u := range slices.Concat(l.uses, guard, parseNFSPorts(b), parseRxRPC(b), parseKSMBD(b), parsePortParameter(b, TCP, "lockd")) {
			if u.name == "" || u.port == 0 {
				t.Errorf("use %+v", u)
			}
		}
	})
}
