package annotate_test

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// interfaces are those of a host with everything: loopback, a link to the
// world, one to a private network, a tailnet, and the bridges of containers.
var interfaces = []scanner.Interface{
	iface("lo", "127.0.0.1/8", "::1/128"),
	iface("eth0", "192.0.2.7/24", "2001:db8::7/64", "fe80::1/64"),
	iface("eth1", "10.1.2.3/24", "fd00::3/64", "fe80::2/64"),
	iface("tailscale0", "100.101.102.103/32", "fd7a:115c:a1e0::1/128"),
	iface("docker0", "172.17.0.1/16", "fe80::42/64"),
	iface("br-0123456789ab", "172.18.0.1/16", "fd00:dead::1/64"),
	iface("virbr7", "203.0.113.1/24"),
	iface("br-lan", "192.168.1.1/24"),
	iface("wlan0"),
}

func iface(name string, prefixes ...string) scanner.Interface {
	in := scanner.Interface{Name: name}
	for _, p := range prefixes {
		in.Addrs = append(in.Addrs, netip.MustParsePrefix(p))
	}
	return in
}

// TestClassOf is case 16 of the design: one class for each address.
func TestClassOf(t *testing.T) {
	tests := []struct {
		addr string
		want annotate.Exposure
	}{
		{"0.0.0.0", annotate.All},
		{"::", annotate.All},
		{"::ffff:0.0.0.0", annotate.All},

		{"127.0.0.1", annotate.Loopback},
		{"127.0.0.53", annotate.Loopback},
		{"127.255.255.254", annotate.Loopback},
		{"::1", annotate.Loopback},
		{"::ffff:127.0.0.1", annotate.Loopback}, // case 15: unmapped before it is judged
		{"::ffff:10.0.0.1", annotate.Private},
		{"::ffff:192.0.2.7", annotate.Public},

		{"169.254.0.1", annotate.LinkLocal},
		{"169.254.169.254", annotate.LinkLocal},
		{"fe80::1%eth0", annotate.LinkLocal},
		{"fe80::1", annotate.LinkLocal},
		{"febf::1%eth0", annotate.LinkLocal},
		{"fec0::1", annotate.Private},

		{"10.0.0.0", annotate.Private},
		{"10.255.255.255", annotate.Private},
		{"11.0.0.0", annotate.Public},
		{"172.15.255.255", annotate.Public},
		{"172.16.0.1", annotate.Private},
		{"172.31.255.255", annotate.Private},
		{"172.32.0.0", annotate.Public},
		{"192.168.0.1", annotate.Private},
		{"192.169.0.1", annotate.Public},
		{"fc00::1", annotate.Private},
		{"fdff:ffff::1", annotate.Private},
		{"fbff::1", annotate.Public},
		{"fe00::1", annotate.Public},

		{"100.63.255.255", annotate.Public},
		{"100.64.0.0", annotate.Shared},
		{"100.101.102.103", annotate.Shared},
		{"100.127.255.255", annotate.Shared},
		{"100.128.0.0", annotate.Public},

		{"8.8.8.8", annotate.Public},
		{"192.0.2.7", annotate.Public},    // documentation
		{"198.18.0.1", annotate.Public},   // benchmarking
		{"240.0.0.1", annotate.Public},    // reserved
		{"2001:db8::7", annotate.Public},  // documentation
		{"64:ff9b::1", annotate.Public},   // NAT64
		{"198.51.100.9", annotate.Public}, // on no interface: IP_FREEBIND
		{"10.99.99.99", annotate.Private}, // the same, private

		{"172.17.0.1", annotate.Container},
		{"::ffff:172.17.0.1", annotate.Container},
		{"172.17.255.255", annotate.Container}, // nmbd binds to the broadcast address of each bridge
		{"172.17.0.2", annotate.Private},       // a container's own address, bound here by IP_FREEBIND
		{"172.18.0.1", annotate.Container},
		{"fd00:dead::1", annotate.Container},
		{"fe80::42%docker0", annotate.Container},
		{"fe80::42%eth0", annotate.LinkLocal},
		{"fe80::9%docker0", annotate.Container},
		{"203.0.113.1", annotate.Public},    // a global address stays one on a bridge: it is routed
		{"192.168.1.1", annotate.Private},   // br-lan is a bridge of networks
		{"192.168.1.255", annotate.Private}, // and has a broadcast address

		{"255.255.255.255", annotate.LinkLocal},
		{"224.0.0.251", annotate.LinkLocal},
		{"224.0.1.129", annotate.Public},
		{"232.1.1.1", annotate.Public},
		{"239.255.255.250", annotate.Private},
		{"ff01::1", annotate.Loopback},
		{"ff02::fb", annotate.LinkLocal},
		{"ff02::fb%eth0", annotate.LinkLocal},
		{"ff05::2", annotate.Private},
		{"ff08::2", annotate.Private},
		{"ff0e::2", annotate.Public},
	}
	for _, tt := range tests {
		if got := annotate.ClassOf(netip.MustParseAddr(tt.addr), interfaces); got != tt.want {
			t.Errorf("ClassOf(%v) = %v, want %v", tt.addr, got, tt.want)
		}
	}
	if got := annotate.ClassOf(netip.Addr{}, nil); got != annotate.All {
		t.Errorf("ClassOf(no address) = %v, want all: it must not look safe", got)
	}
	if got := annotate.ClassOf(netip.MustParseAddr("172.17.0.1"), nil); got != annotate.Private {
		t.Errorf("ClassOf(172.17.0.1) = %v without interfaces, want private", got)
	}
}

func TestIsContainerInterface(t *testing.T) {
	tests := map[bool][]string{
		true: {
			"docker0", "docker_gwbridge", "br-0123456789ab", "cni0", "podman0", "podman12", "cni-podman0", "lxcbr0",
			"lxdbr0", "incusbr0", "virbr0", "virbr10", "flannel.1", "cali0123456789a", "veth1a2b3c4", "ve-web", "cilium_host",
		},
		false: {
			"", "lo", "eth0", "br0", "br-lan", "br-0123456789a", "br-0123456789abc", "br-0123456789AB", "podman", "virbr", "virbr0-nic",
			"docker", "wg0", "tailscale0", "bond0", "lxc", "docker0.5",
		},
	}
	for want, names := range tests {
		for _, name := range names {
			if got := annotate.IsContainerInterface(name); got != want {
				t.Errorf("IsContainerInterface(%q) = %v, want %v", name, got, want)
			}
		}
	}
}

// TestReachable fixes the one predicate of case 16.
func TestReachable(t *testing.T) {
	reachable := map[annotate.Exposure]bool{
		annotate.Loopback: false, annotate.Container: false, annotate.LinkLocal: true, annotate.Private: true,
		annotate.Shared: true, annotate.Public: true, annotate.All: true,
	}
	for e, want := range reachable {
		if got := e.Reachable(); got != want {
			t.Errorf("%v.Reachable() = %v, want %v", e, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for e := annotate.Loopback; e <= annotate.All; e++ {
		if got, err := annotate.ParseExposure(e.String()); err != nil || got != e {
			t.Errorf("ParseExposure(%q) = %v, %v, want %d", e, got, err, e)
		}
	}
	for _, s := range []string{"", "ALL", "lan\x1b[31m"} {
		if got, err := annotate.ParseExposure(s); err == nil {
			t.Errorf("ParseExposure(%q) = %v, want an error", s, got)
		}
	}
	if got := fmt.Sprint(annotate.Unknown, annotate.Matches, annotate.Differs, annotate.Unregistered); got != "unknown matches differs unregistered" {
		t.Errorf("the verdicts print as %q", got)
	}
	if got := fmt.Sprint(annotate.Exposure(99), annotate.Verdict(99)); got != "Exposure(99) Verdict(99)" {
		t.Errorf("values out of range print as %q", got)
	}
}

// drawAddr draws addresses of every kind, the edges of the special ranges
// among them.
func drawAddr() *rapid.Generator[netip.Addr] {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			b[0] = rapid.SampledFrom([]byte{0, 10, 100, 127, 169, 172, 192, 198, 224, 239, 240, 255}).Draw(t, "first")
			return netip.AddrFrom4([4]byte(b[:4]))
		case 1:
			return netip.AddrFrom4([4]byte(b[:4]))
		case 2:
			b[0] = rapid.SampledFrom([]byte{0, 0x20, 0xfc, 0xfd, 0xfe, 0xff}).Draw(t, "first")
			fallthrough
		default:
			a := netip.AddrFrom16([16]byte(b))
			return a.WithZone(rapid.SampledFrom([]string{"", "eth0", "docker0"}).Draw(t, "zone"))
		}
	})
}

// TestClassOfIsTotal: every address has one class, the same whether it comes
// mapped into IPv6 or not, and only the unspecified ones are All. Container
// bridges never make an address wider, nor a global or loopback one narrower.
func TestClassOfIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAddr().Draw(t, "address")
		class := annotate.ClassOf(a, interfaces)
		if class > annotate.All {
			t.Fatalf("ClassOf(%v) = %v", a, class)
		}
		if (class == annotate.All) != a.Unmap().IsUnspecified() {
			t.Fatalf("ClassOf(%v) = %v: all is for wildcards", a, class)
		}
		if a.Is4() {
			if mapped := annotate.ClassOf(netip.AddrFrom16(a.As16()), interfaces); mapped != class {
				t.Fatalf("ClassOf(%v) = %v, but %v when mapped", a, class, mapped)
			}
		}
		bare := annotate.ClassOf(a.WithZone(""), nil)
		if class > bare {
			t.Fatalf("ClassOf(%v) = %v, wider than %v without interfaces", a, class, bare)
		}
		if class != bare && class != annotate.Container {
			t.Fatalf("ClassOf(%v) = %v: interfaces make it %v or container", a, class, bare)
		}
		if bare >= annotate.Public && class != bare {
			t.Fatalf("ClassOf(%v) = %v, want %v", a, class, bare)
		}
	})
}

// TestWidest: the widest of several is that of the widest, and more addresses
// never make it narrower, nor unreachable what was reachable.
func TestWidest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.SliceOfN(drawAddr(), 0, 4).Draw(t, "few")
		more := append(rapid.SliceOfN(drawAddr(), 0, 4).Draw(t, "more"), few...)
		a, b := annotate.Widest(few, interfaces), annotate.Widest(more, interfaces)
		if a > b || a.Reachable() && !b.Reachable() {
			t.Fatalf("Widest(%v) = %v, Widest(%v) = %v", few, a, more, b)
		}
	})
}
