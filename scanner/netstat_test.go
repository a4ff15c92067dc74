package scanner

import (
	"os"
	"strings"
	"testing"
)

func TestParseNetstat(t *testing.T) {
	tests := []struct {
		name, in         string
		overflows, drops uint64
		ok               bool
	}{
		{"a kernel's", "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPPrequeued\nTcpExt: 1 12 34 5\nIpExt: InNoRoutes\nIpExt: 0\n", 12, 34, true},
		{"not the first", "IpExt: ListenOverflows\nIpExt: 9\nTcpExt: ListenDrops ListenOverflows\nTcpExt: 34 12\n", 12, 34, true},
		{"no end of line", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 12 34", 12, 34, true},
		{"the largest", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 18446744073709551615 0\n", 1<<64 - 1, 0, true},
		{"empty", "", 0, 0, false},
		{"names alone", "TcpExt: ListenOverflows ListenDrops\n", 0, 0, false},
		{"another's numbers", "TcpExt: ListenOverflows ListenDrops\nIpExt: 12 34\n", 0, 0, false},
		{"one of the two", "TcpExt: ListenOverflows\nTcpExt: 12\n", 0, 0, false},
		{"fewer numbers", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 12\n", 0, 0, false},
		{"no number", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 12 -1\n", 0, 0, false},
		{"the names last", "x\nTcpExt: ListenOverflows ListenDrops", 0, 0, false},
	}
	for _, tt := range tests {
		overflows, drops, ok := parseNetstat([]byte(tt.in))
		if overflows != tt.overflows || drops != tt.drops || ok != tt.ok {
			t.Errorf("%s: parseNetstat(%q) = %d, %d, %v, want %d, %d, %v", tt.name, tt.in, overflows, drops, ok, tt.overflows, tt.drops, tt.ok)
		}
	}
}

// TestParseNetstatHere reads what this kernel writes.
func TestParseNetstatHere(t *testing.T) {
	b, err := os.ReadFile("/proc/net/netstat")
	if err != nil {
		t.Skip(err)
	}
	if _, _, ok := parseNetstat(b); !ok {
		t.Errorf("the counters are not found in %q", b)
	}
}

func FuzzParseNetstat(f *testing.F) {
	f.Add("TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 12 34\n")
	f.Add("IpExt: a\nIpExt: 1\nTcpExt: ListenDrops  ListenOverflows\nTcpExt: 1  2")
	f.Fuzz(func(t *testing.T, in string) {
		overflows, drops, ok := parseNetstat([]byte(in))
		if !ok && (overflows != 0 || drops != 0) {
			t.Errorf("%q: %d, %d and not ok", in, overflows, drops)
		}
		if ok && !(strings.Contains(in, "ListenOverflows") && strings.Contains(in, "ListenDrops") && strings.Contains(in, "TcpExt: ")) {
			t.Errorf("%q: %d, %d", in, overflows, drops)
		}
	})
}
