package scanner

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

func TestParsePortRange(t *testing.T) {
	tests := []struct {
		in   string
		want PortRange
	}{
		{"32768\t60999\n", PortRange{32768, 60999}},
		{"1024 65535", PortRange{1024, 65535}},
		{"", PortRange{}},
		{"32768\n", PortRange{}},
		{"60999 32768\n", PortRange{}},
		{"1 65536\n", PortRange{}},
		{"-1 5\n", PortRange{}},
		{"a b\n", PortRange{}},
	}
	for _, tt := range tests {
		if got := parsePortRange([]byte(tt.in)); got != tt.want {
			t.Errorf("parsePortRange(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestParsePortList(t *testing.T) {
	tests := []struct {
		in   string
		want []PortRange
	}{
		{"\n", nil},
		{"", nil},
		{"8080\n", []PortRange{{8080, 8080}}},
		{"22,8000-8100,65535\n", []PortRange{{22, 22}, {8000, 8100}, {65535, 65535}}},
		{"x,9-8,7-,1-2-3,65536,5\n", []PortRange{{5, 5}}},
	}
	for _, tt := range tests {
		if got := parsePortList([]byte(tt.in)); !slices.Equal(got, tt.want) {
			t.Errorf("parsePortList(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

// addrMsg is an RTM_NEWADDR message.
func addrMsg(family, bits, flags byte, index byte, attrs ...[]byte) []byte {
	head := []byte{family, bits, flags, 0, 0, 0, 0, 0}
	copy(head[4:], nativeUint32(uint32(index)))
	return message(rtmNewAddr, 2, 1, append([][]byte{head}, attrs...)...)
}

func nativeUint32(n uint32) []byte { return appendRequest(nil, 0, n, 0)[8:12] }

func ipAttr(typ uint16, addr string) []byte {
	return attr(typ, netip.MustParseAddr(addr).AsSlice()...)
}

// readAddrs reads an answer as readInterfaces does.
func readAddrs(b []byte) (addrs []ifAddr, err error) {
	_, err = readDatagram(b, 1, func(m nlMessage) error {
		if m.typ != rtmNewAddr {
			return nil
		}
		a, usable, err := parseIfAddr(m.data)
		if usable {
			addrs = append(addrs, a)
		}
		return err
	})
	return addrs, err
}

func TestParseAddrs(t *testing.T) {
	var b []byte
	for _, m := range [][]byte{
		addrMsg(afInet, 8, 0, 1, ipAttr(ifaAddress, "127.0.0.1"), ipAttr(ifaLocal, "127.0.0.1")),
		addrMsg(afInet, 32, 0, 3, ipAttr(ifaAddress, "192.0.2.1"), ipAttr(ifaLocal, "192.0.2.2")), // the peer, then ours
		addrMsg(afInet6, 64, 0, 2, ipAttr(ifaAddress, "2001:db8::1")),
		addrMsg(afInet6, 64, ifaDADFailed, 2, ipAttr(ifaAddress, "2001:db8::2")),
		addrMsg(afInet6, 64, 0, 2, ipAttr(ifaAddress, "2001:db8::3"), attr(ifaFlags, nativeUint32(ifaDADFailed)...)),
		addrMsg(afInet6, 64, 0x40, 2, ipAttr(ifaAddress, "2001:db8::4"), attr(ifaFlags, nativeUint32(0x40)...)), // tentative
		addrMsg(afInet, 33, 0, 2, ipAttr(ifaLocal, "192.0.2.9")),
		addrMsg(afInet, 24, 0, 2, ipAttr(ifaLocal, "2001:db8::9")),
		addrMsg(afInet, 24, 0, 2, attr(ifaLocal, 1, 2, 3)),
		addrMsg(afInet, 24, 0, 2),
		message(rtmNewAddr+1, 0, 1, make([]byte, 30)),
		message(nlDone, 0, 1, make([]byte, 4)),
	} {
		b = append(b, m...)
	}
	addrs, err := readAddrs(b)
	if err != nil {
		t.Fatal(err)
	}
	got := groupAddrs(addrs, func(index uint32) (string, bool) { return []string{"", "lo", "eth0", "tun0"}[index], true })
	p := netip.MustParsePrefix
	want := []Interface{
		{"lo", []netip.Prefix{p("127.0.0.1/8")}},
		{"eth0", []netip.Prefix{p("2001:db8::1/64"), p("2001:db8::4/64")}},
		{"tun0", []netip.Prefix{p("192.0.2.2/32")}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("interfaces %v, want %v", got, want)
	}
	down := groupAddrs(addrs, func(index uint32) (string, bool) { return "x", index != 1 })
	if len(down) != 2 {
		t.Errorf("an interface that is down is among %v", down)
	}
	if addrs, err := readAddrs(b[:len(b)-3]); !errors.Is(err, errLost) || len(addrs) != 4 {
		t.Errorf("cut short: %v, %v, want the 4 addresses and %v", addrs, err, errLost)
	}
}

func FuzzParseAddrs(f *testing.F) {
	f.Add(addrMsg(afInet, 8, 0, 1, ipAttr(ifaAddress, "127.0.0.1"), ipAttr(ifaLocal, "127.0.0.1")))
	f.Add(addrMsg(afInet6, 64, 0, 2, ipAttr(ifaAddress, "fe80::1"), attr(ifaFlags, 1, 2, 3, 4)))
	f.Fuzz(func(t *testing.T, b []byte) {
		addrs, _ := readAddrs(b[:len(b):len(b)])
		for _, a := range addrs {
			if !a.prefix.IsValid() {
				t.Errorf("%x: prefix %v", b, a.prefix)
			}
		}
		groupAddrs(addrs, func(uint32) (string, bool) { return "x", true })
	})
}

func FuzzParsePorts(f *testing.F) {
	f.Add([]byte("22,8000-8100"))
	f.Add([]byte("32768\t60999\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range append(parsePortList(b), parsePortRange(b)) {
			if r.First > r.Last {
				t.Errorf("%q: %v", b, r)
			}
		}
	})
}
