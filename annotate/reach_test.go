package annotate_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// one annotates one socket of a host.
func one(t *testing.T, s scanner.Socket, h scanner.Host) annotate.Listener {
	t.Helper()
	snap := &scanner.Snapshot{Host: h, Sockets: []scanner.Socket{s}}
	listeners := annotate.Snapshot(snap, portdb.Default(), nil)
	if len(listeners) != 1 || listeners[0].Socket != &snap.Sockets[0] {
		t.Fatalf("Snapshot of one socket = %v", listeners)
	}
	return listeners[0]
}

// bound makes a socket: "0.0.0.0", "::" (dual), "::!" (IPV6_V6ONLY), with
// "%device" for SO_BINDTODEVICE or a zone.
func bound(address string) scanner.Socket {
	s := scanner.Socket{Port: 443, Family: scanner.IPv4, Namespace: "host"}
	address, device, _ := strings.Cut(address, "%")
	s.Device = device
	address, s.V6Only = strings.CutSuffix(address, "!")
	s.Addr = netip.MustParseAddr(address)
	if s.Addr.Is6() {
		s.Family = scanner.IPv6
	}
	if s.Addr.IsLinkLocalUnicast() && s.Addr.Is6() {
		s.Addr = s.Addr.WithZone(device)
	}
	s.Addr = s.Addr.Unmap()
	return s
}

// TestReach is cases 14, 15, 16 and 17 of the design: who reaches a socket, and
// which addresses a wildcard stands for.
func TestReach(t *testing.T) {
	const (
		every4 = "10.1.2.3 100.101.102.103 127.0.0.1 172.17.0.1 172.18.0.1 192.0.2.7 192.168.1.1 203.0.113.1"
		every6 = "::1 2001:db8::7 fd00::3 fd00:dead::1 fd7a:115c:a1e0::1 fe80::1%eth0 fe80::2%eth1 fe80::42%docker0"
	)
	tests := []struct {
		name      string
		bound     string
		namespace string
		addresses string
		class     annotate.Exposure
		widest    annotate.Exposure
	}{
		{"14: IPv4 wildcard", "0.0.0.0", "host", every4, annotate.All, annotate.Public},
		{"14: dual stack answers IPv4 too", "::", "host", every4 + " " + every6, annotate.All, annotate.Public},
		{"14: v6-only does not", "::!", "host", every6, annotate.All, annotate.Public},
		{"14: mapped wildcard is IPv4's", "::ffff:0.0.0.0", "host", every4, annotate.All, annotate.Public},

		{"15: wildcard on lo", "0.0.0.0%lo", "host", "127.0.0.1", annotate.Loopback, annotate.Loopback},
		{"15: dual wildcard on lo", "::%lo", "host", "127.0.0.1 ::1", annotate.Loopback, annotate.Loopback},
		{"15: wildcard on the world", "0.0.0.0%eth0", "host", "192.0.2.7", annotate.Public, annotate.Public},
		{"15: wildcard on a private link", "::%eth1", "host", "10.1.2.3 fd00::3 fe80::2%eth1", annotate.Private, annotate.Private},
		{"15: wildcard on a tailnet", "0.0.0.0%tailscale0", "host", "100.101.102.103", annotate.Shared, annotate.Shared},
		{"15: wildcard on a bridge", "0.0.0.0%docker0", "host", "172.17.0.1", annotate.Container, annotate.Container},
		{"15: on a bridge with a global address", "0.0.0.0%virbr7", "host", "203.0.113.1", annotate.Container, annotate.Container},
		{"15: no address of the family yet (DHCP)", "0.0.0.0%wlan0", "host", "", annotate.LinkLocal, annotate.LinkLocal},
		{"15: device unknown", "0.0.0.0%eth9", "host", "", annotate.All, annotate.All},
		{"15: address and device", "192.0.2.7%eth0", "host", "192.0.2.7", annotate.Public, annotate.Public},
		{"15: any address on lo is loopback", "192.0.2.7%lo", "host", "192.0.2.7", annotate.Loopback, annotate.Loopback},
		{"15: global address on a bridge", "203.0.113.1%virbr7", "host", "203.0.113.1", annotate.Container, annotate.Container},
		{"15: the zone stays", "fe80::1%eth0", "host", "fe80::1%eth0", annotate.LinkLocal, annotate.LinkLocal},
		{"15: v4-mapped loopback", "::ffff:127.0.0.1", "host", "127.0.0.1", annotate.Loopback, annotate.Loopback},

		{"16: loopback", "127.0.0.53", "host", "127.0.0.53", annotate.Loopback, annotate.Loopback},
		{"16: a bridge of containers", "172.18.0.1", "host", "172.18.0.1", annotate.Container, annotate.Container},
		{"16: an address of no interface", "198.51.100.9", "host", "198.51.100.9", annotate.Public, annotate.Public},
		{"16: a namespace that is not named is the scan's", "192.0.2.7", "", "192.0.2.7", annotate.Public, annotate.Public},

		{"17: a container's wildcard", "0.0.0.0", "web", "", annotate.Container, annotate.Container},
		{"17: a container's dual wildcard", "::", "web", "", annotate.Container, annotate.Container},
		{"17: a container's device", "0.0.0.0%eth0", "web", "", annotate.Container, annotate.Container},
		{"17: a container's global address", "192.0.2.7", "web", "192.0.2.7", annotate.Container, annotate.Container},
		{"17: a container's loopback", "127.0.0.1", "web", "127.0.0.1", annotate.Loopback, annotate.Loopback},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := bound(tt.bound)
			s.Namespace = tt.namespace
			l := one(t, s, scanner.Host{Interfaces: interfaces})
			if l.Exposure != tt.class || l.Widest != tt.widest {
				t.Errorf("%s is %v (%v), want %v (%v)", tt.bound, l.Exposure, l.Widest, tt.class, tt.widest)
			}
			if got := strings.Trim(fmt.Sprint(l.Addresses), "[]"); got != tt.addresses {
				t.Errorf("%s stands for\n%s, want\n%s", tt.bound, got, tt.addresses)
			}
		})
	}
}

// TestWildcardOnLoopbackAlone: the wildcard stays one, for any interface may
// come up; what it comes to now is loopback.
func TestWildcardOnLoopbackAlone(t *testing.T) {
	l := one(t, bound("::"), scanner.Host{Interfaces: interfaces[:1]})
	if l.Exposure != annotate.All || l.Widest != annotate.Loopback || !l.Exposure.Reachable() {
		t.Errorf("wildcard on a host with lo alone is %v (%v)", l.Exposure, l.Widest)
	}
	l = one(t, bound("::"), scanner.Host{})
	if l.Exposure != annotate.All || l.Addresses != nil {
		t.Errorf("wildcard on a host without interfaces is %v of %v", l.Exposure, l.Addresses)
	}
}

// TestVRF: a VRF is bound to like a device, and its own address says nothing of
// the interfaces that it stands for.
func TestVRF(t *testing.T) {
	h := scanner.Host{Interfaces: []scanner.Interface{iface("lo", "127.0.0.1/8"), iface("blue", "127.0.0.1/8")}}
	if l := one(t, bound("0.0.0.0%blue"), h); l.Exposure != annotate.All {
		t.Errorf("wildcard on a VRF is %v, want all", l.Exposure)
	}
}

// TestSharedAddresses: sockets on one wildcard share one slice, an address on
// two interfaces is there once, and appending to what one listener has does not
// change another.
func TestSharedAddresses(t *testing.T) {
	snap := &scanner.Snapshot{
		Host:    scanner.Host{Interfaces: append(interfaces[:len(interfaces):len(interfaces)], iface("dummy0", "192.0.2.7/32"))},
		Sockets: []scanner.Socket{bound("0.0.0.0"), bound("127.0.0.1"), bound("10.1.2.3"), bound("0.0.0.0")},
	}
	ls := annotate.Snapshot(snap, portdb.Default(), nil)
	if &ls[0].Addresses[0] != &ls[3].Addresses[0] {
		t.Error("two wildcards have a slice each")
	}
	if got := strings.Count(fmt.Sprint(ls[0].Addresses), "192.0.2.7"); got != 1 {
		t.Errorf("192.0.2.7 is there %d times in %v", got, ls[0].Addresses)
	}
	_ = append(ls[1].Addresses, netip.IPv4Unspecified())
	if got := ls[2].Addresses[0].String(); got != "10.1.2.3" {
		t.Errorf("the address of another listener became %s", got)
	}
}

// TestNamespaces: an address and a port mean what they mean in the network
// namespace of the socket, and what is reached there is never called public.
func TestNamespaces(t *testing.T) {
	web := scanner.Namespace{
		Name:       "web",
		Interfaces: []scanner.Interface{iface("lo", "127.0.0.1/8", "::1/128"), iface("eth0", "172.17.0.2/16", "2001:db8::2/64")},
		Ephemeral:  scanner.PortRange{First: 20000, Last: 30000},
		Reserved:   []scanner.PortRange{{First: 25000, Last: 25009}},
	}
	bare := scanner.Namespace{Name: "bare"}
	tests := []struct {
		name      string
		bound     string
		port      uint16
		namespace string
		addresses string
		class     annotate.Exposure
		ephemeral bool
		client    bool
	}{
		{"a wildcard there is its addresses", "0.0.0.0", 80, "web", "127.0.0.1 172.17.0.2", annotate.Container, false, false},
		{"a dual one too", "::", 80, "web", "127.0.0.1 172.17.0.2 ::1 2001:db8::2", annotate.Container, false, false},
		{"on its device", "0.0.0.0%eth0", 80, "web", "172.17.0.2", annotate.Container, false, false},
		{"on its loopback", "0.0.0.0%lo", 80, "web", "127.0.0.1", annotate.Loopback, false, false},
		{"a global address there", "2001:db8::2", 80, "web", "2001:db8::2", annotate.Container, false, false},
		{"one that is the host's", "192.0.2.7", 80, "web", "192.0.2.7", annotate.Container, false, false},
		{"loopback there", "127.0.0.1", 80, "web", "127.0.0.1", annotate.Loopback, false, false},
		{"its own range", "0.0.0.0", 29007, "web", "127.0.0.1 172.17.0.2", annotate.Container, true, true},
		{"less what is reserved", "0.0.0.0", 25001, "web", "127.0.0.1 172.17.0.2", annotate.Container, false, false},
		{"not the host's range", "0.0.0.0", 45700, "web", "127.0.0.1 172.17.0.2", annotate.Container, false, false},
		{"the host's range", "127.0.0.1", 45700, "host", "127.0.0.1", annotate.Loopback, true, true},
		{"a namespace with no address", "0.0.0.0", 80, "bare", "", annotate.Container, false, false},
		{"and with no known range", "0.0.0.0", 50123, "bare", "", annotate.Container, false, true},
	}
	snap := &scanner.Snapshot{Host: linux, Namespaces: []scanner.Namespace{{Name: "host"}, web, bare}}
	for _, tt := range tests {
		s := bound(tt.bound)
		s.Protocol, s.Port, s.Namespace = scanner.UDP, tt.port, tt.namespace
		snap.Sockets = append(snap.Sockets, s)
	}
	for i, l := range annotate.Snapshot(snap, portdb.Default(), nil) {
		tt := tests[i]
		if l.Exposure != tt.class || l.Widest != tt.class || l.Ephemeral != tt.ephemeral || l.MaybeClient != tt.client {
			t.Errorf("%s: %v (%v), ephemeral %v, client %v, want %v, %v, %v",
				tt.name, l.Exposure, l.Widest, l.Ephemeral, l.MaybeClient, tt.class, tt.ephemeral, tt.client)
		}
		if got := strings.Trim(fmt.Sprint(l.Addresses), "[]"); got != tt.addresses {
			t.Errorf("%s stands for %s, want %s", tt.name, got, tt.addresses)
		}
	}
}
