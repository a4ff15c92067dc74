package scanner

import (
	"context"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"github.com/shirou/gopsutil/v3/common"
	gopsnet "github.com/shirou/gopsutil/v3/net"
)

// The rows of gopsutil on every system, as its parsers make them.
func TestFromGopsutil(t *testing.T) {
	const tcp, udp = syscall.SOCK_STREAM, syscall.SOCK_DGRAM
	const v4, v6 = syscall.AF_INET, syscall.AF_INET6
	row := func(family, typ int, ip string, port uint32, status string, pid int32) gopsnet.ConnectionStat {
		return gopsnet.ConnectionStat{Family: uint32(family), Type: uint32(typ), Laddr: gopsnet.Addr{IP: ip, Port: port}, Status: status, Pid: pid}
	}
	peer := func(c gopsnet.ConnectionStat, ip string, port uint32) gopsnet.ConnectionStat {
		c.Raddr = gopsnet.Addr{IP: ip, Port: port}
		return c
	}
	type socket struct {
		protocol Protocol
		family   Family
		addr     string
		port     uint16
		pids     []int
	}
	tests := []struct {
		name string
		rows []gopsnet.ConnectionStat
		want []socket
	}{
		{"Linux", []gopsnet.ConnectionStat{
			peer(row(v4, tcp, "0.0.0.0", 22, "LISTEN", 7), "0.0.0.0", 0),
			peer(row(v4, tcp, "192.0.2.1", 22, "ESTABLISHED", 7), "192.0.2.2", 999),
			peer(row(v6, tcp, "127.0.0.1", 80, "LISTEN", 0), "::", 0),
			peer(row(v4, udp, "127.0.0.1", 53, "NONE", 8), "0.0.0.0", 0),
			peer(row(v4, udp, "127.0.0.1", 54, "NONE", 8), "127.0.0.1", 0),
			peer(row(v6, udp, "::", 55, "NONE", 8), "::", 9),
			row(v4, udp, "0.0.0.0", 0, "NONE", 8),
		}, []socket{
			{TCP, IPv4, "0.0.0.0", 22, []int{7}},
			{TCP, IPv6, "127.0.0.1", 80, nil},
			{UDP, IPv4, "127.0.0.1", 53, []int{8}},
		}},
		{"macOS: a wildcard is a star, and a row is a descriptor", []gopsnet.ConnectionStat{
			row(v4, tcp, "*", 8080, "LISTEN", 9),
			row(v4, tcp, "*", 8080, "LISTEN", 5),
			row(v4, tcp, "*", 8080, "LISTEN", 5),
			row(v6, tcp, "*", 8080, "LISTEN", 5),
			row(v4, udp, "*", 5353, "", 6),
			row(v6, tcp, "::1", 631, "LISTEN", 6),
		}, []socket{
			{TCP, IPv4, "0.0.0.0", 8080, []int{5, 9}},
			{TCP, IPv6, "::", 8080, []int{5}},
			{UDP, IPv4, "0.0.0.0", 5353, []int{6}},
			{TCP, IPv6, "::1", 631, []int{6}},
		}},
		{"OpenBSD and Windows: no remote address, no pid", []gopsnet.ConnectionStat{
			row(v4, tcp, "127.0.0.1", 25, "LISTEN", 0),
			row(v6, udp, "::", 123, "", 4),
		}, []socket{
			{TCP, IPv4, "127.0.0.1", 25, nil},
			{UDP, IPv6, "::", 123, []int{4}},
		}},
		{"nonsense", []gopsnet.ConnectionStat{
			row(v4, tcp, "no address", 1, "LISTEN", 1),
			row(v4, tcp, "127.0.0.1", 70000, "LISTEN", 1),
			row(v4, 99, "127.0.0.1", 1, "LISTEN", 1),
			peer(row(v4, udp, "127.0.0.1", 1, "", 1), "what", 0),
		}, nil},
	}
	for _, tt := range tests {
		socks, _ := fromGopsutil(tt.rows, true)
		var got []socket
		for _, s := range socks {
			if s.UID != -1 {
				t.Errorf("%s: port %d has uid %d, want -1", tt.name, s.Port, s.UID)
			}
			one := socket{s.Protocol, s.Family, s.Addr.String(), s.Port, nil}
			for _, p := range s.Holders {
				one.pids = append(one.pids, p.PID)
			}
			got = append(got, one)
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestParseAddr(t *testing.T) {
	tests := []struct {
		ip       string
		f        Family
		embedded bool
		want     string
	}{
		{"*", IPv4, true, "0.0.0.0"},
		{"*", IPv6, true, "::"},
		{"", IPv6, false, "::"},
		{"::ffff:192.0.2.1", IPv6, false, "192.0.2.1"},
		{"[::1]", IPv6, false, "::1"},
		{"fe80::1%en0", IPv6, true, "fe80::1%en0"},
		{"fe80:ffff::1", IPv6, true, "fe80::1%if65535"}, // no such interface
		{"fe80:4::1", IPv6, false, "fe80:4::1"},
		{"2001:4::1", IPv6, true, "2001:4::1"},
	}
	for _, tt := range tests {
		got, err := parseAddr(tt.ip, tt.f, tt.embedded)
		if err != nil || got.String() != tt.want {
			t.Errorf("parseAddr(%q, %d, %v) = %v, %v, want %v", tt.ip, tt.f, tt.embedded, got, err, tt.want)
		}
	}
	if a, err := parseAddr("127.0.0.1.5", IPv4, false); err == nil {
		t.Errorf("parseAddr of no address = %v", a)
	}
}

func TestGopsutilKind(t *testing.T) {
	tests := []struct {
		in     []Protocol
		kind   string
		others []Protocol
	}{
		{[]Protocol{TCP, UDP, UDPLite}, "inet", []Protocol{UDPLite}},
		{[]Protocol{TCP}, "tcp", nil},
		{[]Protocol{UDP}, "udp", nil},
		{[]Protocol{SCTP, Raw}, "", []Protocol{SCTP, Raw}},
	}
	for _, tt := range tests {
		if kind, others := gopsutilKind(tt.in); kind != tt.kind || !slices.Equal(others, tt.others) {
			t.Errorf("gopsutilKind(%v) = %q, %v, want %q, %v", tt.in, kind, others, tt.kind, tt.others)
		}
	}
	c := Coverage{Complete: true}
	if _, err := listGopsutil(context.Background(), &Options{Protocols: []Protocol{SCTP}}, &c); err == nil {
		t.Error("gopsutil listed sctp")
	}
}

// Case 11: every folder that gopsutil looks up is pinned.
func TestPinned(t *testing.T) {
	env, ok := pinned(context.Background(), "/proc").Value(common.EnvKey).(common.EnvMap)
	if !ok {
		t.Fatal("no environment in the context")
	}
	for _, key := range []common.EnvKeyType{
		common.HostProcEnvKey, common.HostSysEnvKey, common.HostEtcEnvKey, common.HostVarEnvKey,
		common.HostRunEnvKey, common.HostDevEnvKey, common.HostRootEnvKey,
	} {
		if env[key] == "" {
			t.Errorf("%s is not pinned", key)
		}
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"*", "", "::1", "fe80:4::1%en0", "[::ffff:1.2.3.4]", "127.0.0.1"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, embedded bool) {
		a, err := parseAddr(s, IPv6, embedded)
		if err == nil && (!a.IsValid() || a.Is4In6()) {
			t.Errorf("parseAddr(%q) = %v", s, a)
		}
	})
}

func TestNames(t *testing.T) {
	for p := TCP; p <= Raw; p++ {
		if got, err := ParseProtocol(p.String()); got != p || err != nil {
			t.Errorf("ParseProtocol(%q) = %v, %v", p.String(), got, err)
		}
	}
	for s := Auto; s <= Gopsutil; s++ {
		if got, err := ParseSource(s.String()); got != s || err != nil {
			t.Errorf("ParseSource(%q) = %v, %v", s.String(), got, err)
		}
	}
	for _, bad := range []string{"", "TCP", "tcp4", "proc\x1b"} {
		if _, err := ParseProtocol(bad); err == nil {
			t.Errorf("ParseProtocol(%q) is no error", bad)
		}
		if _, err := ParseSource(bad); err == nil {
			t.Errorf("ParseSource(%q) is no error", bad)
		}
	}
	seen := make(map[string]bool)
	for w := Held; w <= NotTold; w++ {
		if seen[w.String()] {
			t.Errorf("two reasons are %q", w)
		}
		seen[w.String()] = true
	}
}

// The protocols of a scan come each once; the default set has no raw sockets.
func TestOptionsProtocols(t *testing.T) {
	if got := (&Options{}).protocols(); !slices.Equal(got, []Protocol{TCP, UDP, UDPLite, SCTP, DCCP}) {
		t.Errorf("default protocols %v", got)
	}
	o := &Options{Protocols: []Protocol{Raw, TCP, Raw, 99}}
	if got := o.protocols(); !slices.Equal(got, []Protocol{TCP, Raw}) {
		t.Errorf("%v: %v, want tcp and raw", o.Protocols, got)
	}
	if _, err := Scan(context.Background(), &Options{Source: 9}); err == nil {
		t.Error("a source that there is not is no error")
	}
}
