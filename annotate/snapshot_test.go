package annotate_test

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
	"pgregory.net/rapid"
)

// linux is a host with Linux's ephemeral range, two ports of it reserved.
var linux = scanner.Host{
	OS:         "linux",
	Interfaces: interfaces,
	Ephemeral:  scanner.PortRange{First: 32768, Last: 60999},
	Reserved:   []scanner.PortRange{{First: 34998, Last: 34999}},
}

func TestEphemeral(t *testing.T) {
	tests := []struct {
		port string
		want bool
	}{
		{"tcp/22", false},
		{"tcp/32767", false},
		{"tcp/32768", true},
		{"udp/32768", true},
		{"tcp/34997", true},
		{"tcp/34998", false},
		{"tcp/34999", false},
		{"tcp/35000", true},
		{"tcp/51820", true},
		{"tcp/60999", true},
		{"tcp/61000", false},
		{"tcp/65535", false},
	}
	for _, tt := range tests {
		if l := one(t, at(t, tt.port), linux); l.Ephemeral != tt.want {
			t.Errorf("%s is ephemeral: %v, want %v", tt.port, l.Ephemeral, tt.want)
		}
		if l := one(t, at(t, tt.port), scanner.Host{}); l.Ephemeral {
			t.Errorf("%s is ephemeral on a host of which the range is not known", tt.port)
		}
	}
}

// TestMaybeClient is case 18 of the design.
func TestMaybeClient(t *testing.T) {
	tests := []struct {
		name     string
		port     string
		programs []string
		change   func(*scanner.Socket)
		host     scanner.Host
		want     bool
	}{
		{name: "a client", port: "udp/45700", programs: []string{"/usr/bin/chrome"}, host: linux, want: true},
		{name: "nobody known", port: "udp/45700", host: linux, want: true},
		{name: "a server asking from a random port", port: "udp/45700", programs: []string{"/usr/sbin/named"}, host: linux, want: true},
		{name: "TCP never", port: "tcp/45700", programs: []string{"/usr/bin/chrome"}, host: linux},
		{name: "outside the range", port: "udp/61001", programs: []string{"/usr/bin/chrome"}, host: linux},
		{name: "reserved: somebody means it", port: "udp/34999", programs: []string{"/usr/bin/chrome"}, host: linux},
		{name: "a port with a name", port: "udp/51820", host: linux},
		{name: "a port with a name, and its server", port: "udp/41641", programs: []string{"/usr/sbin/tailscaled"}, host: linux},
		{name: "mosh takes the next port", port: "udp/60002", programs: []string{"/usr/bin/mosh-server"}, host: linux},
		{name: "the kernel's: a tunnel", port: "udp/45700", host: linux, change: func(s *scanner.Socket) { s.Why = scanner.Kernel }},
		{name: "a multicast group", port: "udp/45700", host: linux, change: func(s *scanner.Socket) { s.Addr = bound("239.1.2.3").Addr }},
		{name: "UDP-Lite", port: "udp/45700", host: linux, want: true, change: func(s *scanner.Socket) { s.Protocol = scanner.UDPLite }},
		{name: "range not known, dynamic", port: "udp/50123", want: true},
		{name: "range not known, registered", port: "udp/45700"},
		{name: "another namespace has its own range", port: "udp/45700", host: linux, change: func(s *scanner.Socket) { s.Namespace = "web" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := at(t, tt.port, tt.programs...)
			if tt.change != nil {
				tt.change(&s)
			}
			if l := one(t, s, tt.host); l.MaybeClient != tt.want {
				t.Errorf("%s held by %q may be a client: %v, want %v", tt.port, tt.programs, l.MaybeClient, tt.want)
			}
		})
	}
}

func TestService(t *testing.T) {
	tests := []struct {
		port   string
		name   string
		source portdb.Source
		rng    portdb.Range
	}{
		{"tcp/22", "ssh", portdb.IANA, portdb.WellKnown},
		{"tcp/80", "http", portdb.IANA, portdb.WellKnown},
		{"tcp/9090", "websm", portdb.IANA, portdb.Registered},
		{"tcp/10250", "kubelet", portdb.Common, portdb.Registered},
		{"udp/51820", "wireguard", portdb.Common, portdb.Dynamic},
		{"tcp/34999", "", 0, portdb.Registered},
		{"tcp/65000", "", 0, portdb.Dynamic},
	}
	for _, tt := range tests {
		l := one(t, at(t, tt.port), linux)
		if l.Service.Name != tt.name || l.Service.Source != tt.source || l.Range != tt.rng {
			t.Errorf("%s is %+v, %v, want %q of %v, %v", tt.port, l.Service, l.Range, tt.name, tt.source, tt.rng)
		}
		if l.Opinions != nil {
			t.Errorf("%s has opinions that nobody asked for", tt.port)
		}
	}
}

// TestRaw: the port of a raw socket is the number of a protocol, which no
// registry of ports speaks of.
func TestRaw(t *testing.T) {
	s := bound("0.0.0.0")
	s.Protocol, s.Port = scanner.Raw, 22
	l := one(t, s, linux)
	if l.Service.Name != "" || l.Program != annotate.Unknown || l.Ephemeral || l.Exposure != annotate.All {
		t.Errorf("a raw socket of protocol 22 is %+v", l)
	}
}

func TestOpinions(t *testing.T) {
	snap := &scanner.Snapshot{Sockets: []scanner.Socket{at(t, "tcp/9090"), at(t, "udp/9090")}}
	ls := annotate.Snapshot(snap, portdb.Default(), &annotate.Options{Opinions: true})
	said := make(map[string]portdb.Source)
	for _, e := range ls[0].Opinions {
		said[e.Name] = e.Source
	}
	if said["websm"] != portdb.IANA || said["prometheus"] != portdb.Common || said["cockpit"] != portdb.Common {
		t.Errorf("the opinions of tcp/9090 are %v", ls[0].Opinions)
	}
	for _, e := range ls[1].Opinions {
		if e.Name == "prometheus" {
			t.Error("udp/9090 has an opinion that speaks of tcp/9090")
		}
	}
}

// TestOrderDoesNotMatter: a listener means the same whatever is beside it, so
// that nothing that is kept between sockets leaks from one into another. Only
// whether its server may not start is told from the others of its port too.
func TestOrderDoesNotMatter(t *testing.T) {
	programs := []string{"", "/usr/sbin/sshd", "/usr/sbin/nginx", "/usr/bin/prometheus", "/opt/app", "/usr/bin/python3 gunicorn"}
	addresses := []string{"0.0.0.0", "::", "::!", "0.0.0.0%lo", "0.0.0.0%eth0", "::%docker0", "127.0.0.1", "10.1.2.3", "172.17.0.1", "fe80::1%eth0"}
	rapid.Check(t, func(rt *rapid.T) {
		snap := &scanner.Snapshot{Host: linux}
		for range rapid.IntRange(1, 40).Draw(rt, "sockets") {
			s := bound(rapid.SampledFrom(addresses).Draw(rt, "address"))
			// Ports 64 and 128 apart fall to the same place of what is kept.
			s.Port = rapid.SampledFrom([]uint16{22, 80, 144, 443, 8080, 9090, 9154, 10250, 45700, 45764}).Draw(rt, "port")
			s.Protocol = rapid.SampledFrom([]scanner.Protocol{scanner.TCP, scanner.UDP, scanner.UDPLite, scanner.SCTP, scanner.DCCP, scanner.Raw}).Draw(rt, "protocol")
			s.Namespace = rapid.SampledFrom([]string{"host", "web"}).Draw(rt, "namespace")
			if p := rapid.SampledFrom(programs).Draw(rt, "program"); p != "" {
				s.Holders = []*scanner.Process{run(1000, p)}
			}
			snap.Sockets = append(snap.Sockets, s)
		}
		for i, l := range annotate.Snapshot(snap, portdb.Default(), nil) {
			alone := one(t, snap.Sockets[i], linux)
			if alone.MayNotStart && !l.MayNotStart {
				rt.Fatalf("socket %d of %d: its server may not start only when it is alone", i, len(snap.Sockets))
			}
			l.Socket, alone.Socket, l.MayNotStart, alone.MayNotStart = nil, nil, false, false
			if got, want := fmt.Sprintf("%+v", l), fmt.Sprintf("%+v", alone); got != want {
				rt.Fatalf("socket %d of %d:\n%s, alone\n%s", i, len(snap.Sockets), got, want)
			}
			if l.Exposure != annotate.All && l.Widest != l.Exposure {
				rt.Fatalf("%v comes to %v", l.Exposure, l.Widest)
			}
			if l.MaybeClient && l.Program == annotate.Matches {
				rt.Fatalf("a likely client matches its registration: %+v", l)
			}
		}
	})
}

// BenchmarkSnapshot annotates 20,000 sockets of 50 programs: scenario S4.
func BenchmarkSnapshot(b *testing.B) {
	snap := &scanner.Snapshot{Host: linux}
	var holders []*scanner.Process
	for i, program := range []string{"/usr/sbin/nginx", "/usr/sbin/sshd", "/usr/bin/python3 gunicorn", "/opt/app", "/opt/loader"} {
		for n := range 10 {
			holders = append(holders, run(1000+10*i+n, program))
		}
	}
	for i := range 20000 {
		s := bound([]string{"0.0.0.0", "::", "127.0.0.1", "10.1.2.3"}[i%4])
		s.Port = uint16(1024 + i/2)
		s.Protocol = scanner.Protocol(i % 2)
		s.Holders = []*scanner.Process{holders[i%len(holders)]}
		snap.Sockets = append(snap.Sockets, s)
	}
	db := portdb.Default()
	for _, o := range []annotate.Options{{}, {Opinions: true}} {
		b.Run(fmt.Sprintf("opinions=%v", o.Opinions), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				annotate.Snapshot(snap, db, &o)
			}
		})
	}
	b.Run("few", func(b *testing.B) {
		few := &scanner.Snapshot{Host: linux, Sockets: snap.Sockets[:12]}
		b.ReportAllocs()
		for b.Loop() {
			annotate.Snapshot(few, db, nil)
		}
	})
}

// TestManySockets: threads share the work where there is much of it, and it comes
// to what it is of each socket by itself.
func TestManySockets(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	addresses := []string{"0.0.0.0", "::", "127.0.0.1", "10.1.2.3", "0.0.0.0%lo", "fe80::1%eth0"}
	snap := &scanner.Snapshot{Host: linux, Sockets: make([]scanner.Socket, 20_000)}
	for i := range snap.Sockets {
		s := bound(addresses[i%len(addresses)])
		s.Port, s.Protocol = uint16(i*7919), scanner.Protocol(i%2)
		s.Holders = []*scanner.Process{{PID: 100 + i, Name: []string{"sshd", "nginx", "tool"}[i%3]}}
		snap.Sockets[i] = s
	}
	ls := annotate.Snapshot(snap, portdb.Default(), nil)
	for i := 0; i < len(ls); i += 7 {
		want := one(t, snap.Sockets[i], linux)
		if ls[i].Socket != &snap.Sockets[i] {
			t.Fatalf("listener %d is of another socket", i)
		}
		// What depends on the other sockets.
		want.Socket, want.MayNotStart = ls[i].Socket, ls[i].MayNotStart
		if !reflect.DeepEqual(ls[i], want) {
			t.Fatalf("of many, listener %d is %+v, by itself %+v", i, ls[i], want)
		}
	}
}
