package annotate_test

import (
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// TestMayNotStart: a port in the ephemeral range counts as asked for where there
// is evidence, and never by itself.
func TestMayNotStart(t *testing.T) {
	type change = func(*scanner.Socket)
	socket := func(port, address, program string, changes ...change) scanner.Socket {
		s := at(t, port, program)
		b := bound(address)
		s.Family, s.Addr, s.V6Only = b.Family, b.Addr, b.V6Only
		for _, c := range changes {
			c(&s)
		}
		return s
	}
	unit := func(name string) change { return func(s *scanner.Socket) { s.Holders[0].Unit = name } }
	in := func(namespace string) change { return func(s *scanner.Socket) { s.Namespace = namespace } }
	forwards := func(s *scanner.Socket) { s.Holders[0].Forwards = []scanner.Forward{{}} }
	kernel := func(s *scanner.Socket) { s.Holders, s.Why = nil, scanner.Kernel }
	systemd := func(s *scanner.Socket) { s.Holders[0].PID = 1 }
	tests := []struct {
		name    string
		sockets []scanner.Socket
		want    bool // of the first
	}{
		{"nothing tells", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/opt/app")}, false},
		{"a port with a name", []scanner.Socket{socket("tcp/50051", "0.0.0.0", "/opt/app")}, true},
		{"a port with a name, the kernel's", []scanner.Socket{socket("udp/51820", "0.0.0.0", "", kernel)}, true},
		{"outside the range", []scanner.Socket{socket("tcp/5432", "0.0.0.0", "/opt/app")}, false},
		{"reserved", []scanner.Socket{socket("tcp/34998", "0.0.0.0", "/opt/app"), socket("tcp/34998", "::!", "/opt/app")}, false},
		{"a socket unit", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/opt/app", unit("app.socket"))}, true},
		{"a service", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/opt/app", unit("app.service"))}, false},
		{"systemd itself", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/usr/lib/systemd/systemd", systemd)}, true},
		{"a user's systemd", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/usr/lib/systemd/systemd")}, false},
		{"both families", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/opt/app"), socket("tcp/45700", "::!", "/opt/app")}, true},
		{"TCP and UDP, and UDP is not a client's", []scanner.Socket{
			socket("tcp/45700", "0.0.0.0", "/opt/app"), socket("udp/45700", "239.1.2.3", "/opt/app"),
		}, true},
		{"TCP, and a client's UDP", []scanner.Socket{
			socket("tcp/45700", "0.0.0.0", "/opt/app"), socket("udp/45700", "0.0.0.0", "/opt/app"),
		}, false},
		{"a client's UDP", []scanner.Socket{
			socket("udp/45700", "0.0.0.0", "/opt/app"), socket("udp/45700", "::!", "/opt/app"),
		}, false},
		{"SO_REUSEPORT", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/opt/app"), socket("tcp/45700", "0.0.0.0", "/opt/app")}, true},
		{"another program at the port", []scanner.Socket{socket("tcp/45700", "127.0.0.1", "/opt/app"), socket("tcp/45700", "::1", "/opt/other")}, false},
		{"another port", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/opt/app"), socket("tcp/45701", "::!", "/opt/app")}, false},
		{"another namespace", []scanner.Socket{socket("tcp/45700", "0.0.0.0", "/opt/app"), socket("tcp/45700", "0.0.0.0", "/opt/app", in("web"))}, false},
		{"docker-proxy", []scanner.Socket{
			socket("tcp/45700", "0.0.0.0", "/usr/bin/docker-proxy"), socket("tcp/45700", "::!", "/usr/bin/docker-proxy"),
		}, false},
		{"a forwarder of another name", []scanner.Socket{
			socket("tcp/45700", "0.0.0.0", "/opt/fwd", forwards), socket("tcp/45700", "::!", "/opt/fwd", forwards),
		}, false},
		{"UDP-Lite", []scanner.Socket{socket("tcp/50051", "0.0.0.0", "/opt/app", func(s *scanner.Socket) { s.Protocol = scanner.UDPLite })}, false},
		{"no holder to be seen", []scanner.Socket{
			socket("tcp/45700", "0.0.0.0", "", kernel), socket("tcp/45700", "::!", "", kernel),
		}, false},
	}
	for _, tt := range tests {
		snap := &scanner.Snapshot{Host: linux, Sockets: tt.sockets, Namespaces: []scanner.Namespace{
			{Name: "host"}, {Name: "web", Ephemeral: linux.Ephemeral},
		}}
		if got := annotate.Snapshot(snap, portdb.Default(), nil)[0].MayNotStart; got != tt.want {
			t.Errorf("%s: may not start: %v, want %v", tt.name, got, tt.want)
		}
	}
}
