package annotate_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// portless are sockets without ports, and one of the kernel's, by a name for each.
func portless() (names []string, listeners []annotate.Listener) {
	snap := &scanner.Snapshot{Host: linux}
	add := func(name string, s scanner.Socket) {
		if s.Namespace == "" {
			s.Namespace = "host"
		}
		names = append(names, name)
		snap.Sockets = append(snap.Sockets, s)
	}
	unix := func(path string) scanner.Socket {
		return scanner.Socket{Protocol: scanner.Unix, Unix: &scanner.UnixAddr{Type: "stream", Path: path, UID: -1}}
	}
	packet := func(device, namespace string) scanner.Socket {
		return scanner.Socket{Protocol: scanner.Packet, Device: device, Namespace: namespace, Packet: &scanner.PacketAddr{Type: "raw", EtherType: 3}}
	}
	vsock := func(cid uint32) scanner.Socket {
		return scanner.Socket{Protocol: scanner.VSock, VSock: &scanner.VSockAddr{CID: cid, Port: 22}}
	}
	ip := func(p scanner.Protocol, addr string, n uint16) scanner.Socket {
		s := scanner.Socket{Protocol: p, Port: n, Addr: netip.MustParseAddr(addr), Family: scanner.IPv4}
		if s.Addr.Is6() {
			s.Family, s.V6Only = scanner.IPv6, true
		}
		return s
	}
	add("docker", unix("/run/docker.sock"))
	add("abstract", unix("@/tmp/.X11-unix/X0"))
	elsewhere := unix("@in-a-container")
	elsewhere.Namespace = "web"
	add("abstract elsewhere", elsewhere)
	add("tcpdump", packet("", ""))
	add("dhclient", packet("eth1", ""))
	add("lldpd", packet("wlan0", ""))
	add("on lo", packet("lo", ""))
	add("on docker0", packet("docker0", ""))
	add("sniffer elsewhere", packet("", "web"))
	add("vsock any", vsock(scanner.VSockAny))
	add("vsock host", vsock(2))
	add("vsock local", vsock(1))
	add("ospf", ip(scanner.Raw, "0.0.0.0", 89))
	add("icmpv6", ip(scanner.Raw, "::", 58))
	add("ping", ip(scanner.Ping, "127.0.0.1", 22))
	tunnel := ip(scanner.UDP, "0.0.0.0", 4789)
	tunnel.Why, tunnel.KernelUse = scanner.Kernel, "vxlan vx0"
	add("vxlan", tunnel)
	return names, annotate.Snapshot(snap, portdb.Default(), nil)
}

// Who can reach a socket without an address: a path this host alone, a vsock the
// other end of it, a sniffer whoever can send to its interface.
func TestPortlessExposure(t *testing.T) {
	want := map[string][2]annotate.Exposure{
		"docker":             {annotate.Loopback, annotate.Loopback},
		"abstract":           {annotate.Loopback, annotate.Loopback},
		"abstract elsewhere": {annotate.Loopback, annotate.Loopback},
		"tcpdump":            {annotate.All, annotate.Public},
		"dhclient":           {annotate.Private, annotate.Private},
		"lldpd":              {annotate.LinkLocal, annotate.LinkLocal},
		"on lo":              {annotate.Loopback, annotate.Loopback},
		"on docker0":         {annotate.Container, annotate.Container},
		"sniffer elsewhere":  {annotate.Container, annotate.Container},
		"vsock any":          {annotate.Container, annotate.Container},
		"vsock host":         {annotate.Container, annotate.Container},
		"vsock local":        {annotate.Loopback, annotate.Loopback},
		"ospf":               {annotate.All, annotate.Public},
		"icmpv6":             {annotate.All, annotate.Public},
		"ping":               {annotate.Loopback, annotate.Loopback},
		"vxlan":              {annotate.All, annotate.Public},
	}
	names, listeners := portless()
	for i, l := range listeners {
		if got := [2]annotate.Exposure{l.Exposure, l.Widest}; got != want[names[i]] {
			t.Errorf("%s: exposure %v, widest %v, want %v", names[i], got[0], got[1], want[names[i]])
		}
		if !l.Protocol.HasPorts() && (l.Service != annotate.Service{} || l.Opinions != nil || l.Program != annotate.Unknown || l.MaybeClient) {
			t.Errorf("%s: %+v, want nothing of the registry", names[i], l)
		}
		if names[i] == "icmpv6" && len(l.Addresses) == 0 || names[i] == "tcpdump" && l.Addresses != nil {
			t.Errorf("%s: addresses %v", names[i], l.Addresses)
		}
		for _, a := range l.Addresses {
			if names[i] == "icmpv6" && a.Is4() {
				t.Errorf("a raw socket of IPv6 answers %v", a)
			}
		}
	}
}

// No port is that of a protocol without ports; a path, an abstract name and what
// the kernel uses a socket for are words.
func TestPortlessFilter(t *testing.T) {
	names, listeners := portless()
	tests := []struct {
		filter annotate.Filter
		want   string
	}{
		{annotate.Filter{Terms: terms(t, "0-65535")}, "vxlan"},
		{annotate.Filter{Terms: terms(t, "22", "ssh", "89", "58")}, ""},
		{annotate.Filter{Ranges: []portdb.Range{portdb.WellKnown, portdb.Registered, portdb.Dynamic}}, "vxlan"},
		{annotate.Filter{Terms: terms(t, "/run/docker.sock")}, "docker"},
		{annotate.Filter{Terms: terms(t, "@in-a-container")}, "abstract elsewhere"},
		{annotate.Filter{Terms: terms(t, "vxlan")}, "vxlan"},
		{annotate.Filter{Terms: terms(t, "VX0")}, "vxlan"},
		{annotate.Filter{Exposed: true}, "tcpdump, dhclient, lldpd, ospf, icmpv6, vxlan"},
		{annotate.Filter{Protocols: []scanner.Protocol{scanner.Ping, scanner.Unix}}, "docker, abstract, abstract elsewhere, ping"},
	}
	for _, tt := range tests {
		var got []string
		for i := range listeners {
			if tt.filter.Match(&listeners[i]) {
				got = append(got, names[i])
			}
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%+v: %q, want %q", tt.filter, got, tt.want)
		}
	}
}

func TestPortlessSentence(t *testing.T) {
	names, listeners := portless()
	want := map[string]string{
		"docker": "no port; process is not known",
		"vxlan":  "registered for vxlan; held by the kernel for vxlan vx0",
	}
	for i := range listeners {
		if s, ok := want[names[i]]; ok && listeners[i].Sentence(nil) != s {
			t.Errorf("%s: %q, want %q", names[i], listeners[i].Sentence(nil), s)
		}
	}
}
