package portdb

import (
	"strings"
	"testing"
)

func TestTransportText(t *testing.T) {
	tests := []struct {
		t    Transport
		want string
	}{
		{0, ""},
		{TCP, "tcp"},
		{UDP, "udp"},
		{SCTP, "sctp"},
		{DCCP, "dccp"},
		{TCP | UDP, "tcp,udp"},
		{TCP | UDP | SCTP | DCCP, "tcp,udp,sctp,dccp"},
	}
	for _, tt := range tests {
		if got := tt.t.String(); got != tt.want {
			t.Errorf("Transport(%d).String() = %q, want %q", tt.t, got, tt.want)
		}
	}
	for i := range Transport(16) {
		if got, err := ParseTransport(i.String()); err != nil || got != i {
			t.Errorf("ParseTransport(%q) = %v, %v, want %v", i.String(), got, err, i)
		}
	}
	if got, err := ParseTransport("UDP,tcp"); err != nil || got != TCP|UDP {
		t.Errorf(`ParseTransport("UDP,tcp") = %v, %v, want tcp,udp`, got, err)
	}
	for _, bad := range []string{"icmp", "tcp,", ",", "tcp udp", "tcp6", "tcp\n"} {
		if got, err := ParseTransport(bad); err == nil || got != 0 || !strings.Contains(err.Error(), "unknown transport") {
			t.Errorf("ParseTransport(%q) = %v, %v, want an error", bad, got, err)
		}
	}
}

func TestWords(t *testing.T) {
	for i, want := range []string{"iana", "appendix", "common", "local", "source(4)"} {
		if got := Source(i).String(); got != want {
			t.Errorf("Source(%d).String() = %q, want %q", i, got, want)
		}
	}
	for i, want := range []string{"assigned", "unassigned", "reserved", "de-registered", "status(4)"} {
		if got := Status(i).String(); got != want {
			t.Errorf("Status(%d).String() = %q, want %q", i, got, want)
		}
	}
	for i, want := range []string{"well-known", "registered", "dynamic", "range(3)"} {
		if got := Range(i).String(); got != want {
			t.Errorf("Range(%d).String() = %q, want %q", i, got, want)
		}
		if r, err := ParseRange(want); (err == nil) != (i < 3) || err == nil && r != Range(i) {
			t.Errorf("ParseRange(%q) = %v, %v", want, r, err)
		}
	}
	if _, err := ParseRange("all"); err == nil || err.Error() != `unknown range "all": want well-known, registered or dynamic` {
		t.Errorf("ParseRange: %v", err)
	}
}

func TestRangeOf(t *testing.T) {
	tests := []struct {
		port           uint16
		want           Range
		title, rfc6335 string
	}{
		{0, WellKnown, "Well Known", "System Ports"},
		{1023, WellKnown, "Well Known", "System Ports"},
		{1024, Registered, "Registered", "User Ports"},
		{49151, Registered, "Registered", "User Ports"},
		{49152, Dynamic, "Dynamic/Private", "Dynamic Ports"},
		{65535, Dynamic, "Dynamic/Private", "Dynamic Ports"},
	}
	for _, tt := range tests {
		r := RangeOf(tt.port)
		first, last := r.Bounds()
		if r != tt.want || r.Title() != tt.title || r.RFC6335() != tt.rfc6335 || tt.port < first || last < tt.port {
			t.Errorf("RangeOf(%d) = %v %q %q %d-%d, want %v", tt.port, r, r.Title(), r.RFC6335(), first, last, tt.want)
		}
	}
}
