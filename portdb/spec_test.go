package portdb

import (
	"errors"
	"strings"
	"testing"
)

func TestParseSpec(t *testing.T) {
	tests := []struct {
		in   string
		want Spec
	}{
		{"5432", Spec{0, 5432, 5432}},
		{":443", Spec{0, 443, 443}},
		{"udp/53", Spec{UDP, 53, 53}},
		{"53/udp", Spec{UDP, 53, 53}},
		{"UDP/53", Spec{UDP, 53, 53}},
		{":53/udp", Spec{UDP, 53, 53}},
		{"8000-8010", Spec{0, 8000, 8010}},
		{":8000-8010", Spec{0, 8000, 8010}},
		{"tcp/8000-8010", Spec{TCP, 8000, 8010}},
		{"8000-8010/sctp", Spec{SCTP, 8000, 8010}},
		{"dccp/0-65535", Spec{DCCP, 0, 65535}},
		{"tcp,udp/53", Spec{TCP | UDP, 53, 53}},
		{"0", Spec{0, 0, 0}},
		{"65535", Spec{0, 65535, 65535}},
		{"0080", Spec{0, 80, 80}},
		{"7-7", Spec{0, 7, 7}},
	}
	for _, tt := range tests {
		got, err := ParseSpec(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseSpec(%q) = %+v, %v, want %+v", tt.in, got, err, tt.want)
		}
		if again, err := ParseSpec(got.String()); err != nil || again != got {
			t.Errorf("ParseSpec(%q) = %+v, %v, want %+v again", got, again, err, got)
		}
	}
}

func TestParseSpecErrors(t *testing.T) {
	tests := []struct{ in, want string }{
		{"65536", `"65536": port 65536 is above 65535`},
		{":70000", `":70000": port 70000 is above 65535`},
		{"99999999999999999999999", `port 99999999999999999999999 is above 65535`},
		{"80-65536", `port 65536 is above 65535`},
		{"udp/65536", `"udp/65536": port 65536 is above 65535`},
		{"8010-8000", `"8010-8000": the range is reversed: 8010 is above 8000`},
		{"tcp/8010-8000", `the range is reversed`},
		{"80-", `"80-": a port number is missing`},
		{"-80", `"-80": a port number is missing`},
		{"-", `a port number is missing`},
		{":", `a port number is missing`},
		{":http", `":http": "http" is not a port number`},
		{"1-2-3", `"2-3" is not a port number`},
		{"80/icmp", `"80/icmp": unknown transport "icmp": want tcp, udp, sctp or dccp`},
		{"80/80", `unknown transport "80"`},
		{"80/", `"80/": no transport beside the slash`},
		{"/80", `"/80": no transport beside the slash`},
		{"tcp/", `"tcp/": no port beside the slash`},
		{"/tcp", `"/tcp": no port beside the slash`},
		{"tcp/http", `"tcp/http": "http" is not a port number`},
		{"80/tcp/udp", `unknown transport "tcp/udp"`},
		{"::80", `":80" is not a port number`},
	}
	for _, tt := range tests {
		got, err := ParseSpec(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrNotSpec) {
			t.Errorf("ParseSpec(%q) = %+v, %v, want the error %s", tt.in, got, err, tt.want)
		}
	}
}

func TestParseSpecLeavesNamesAlone(t *testing.T) {
	names := []string{
		"http", "", "9pfs", "914c/g", "914c-g", "tcp", "udp", "a-b", "80 ", " 80", "+80", "0x50", "71–74", "1.2.3.4:443",
		"icmp/80", "sql*net", "node.js", "/", "a/", "/usr/sbin/sshd",
	}
	for e := range Default().All() {
		names = append(names, e.Name)
	}
	for _, name := range names {
		if got, err := ParseSpec(name); !errors.Is(err, ErrNotSpec) {
			t.Errorf("ParseSpec(%q) = %+v, %v, want ErrNotSpec", name, got, err)
		}
	}
}

func TestSpecContains(t *testing.T) {
	tests := []struct {
		spec      string
		transport Transport
		port      uint16
		want      bool
	}{
		{"53", TCP, 53, true},
		{"53", 0, 53, true},
		{"53", TCP, 54, false},
		{"udp/53", UDP, 53, true},
		{"udp/53", 0, 53, true},
		{"udp/53", TCP, 53, false},
		{"tcp,udp/53", TCP, 53, true},
		{"8000-8010", TCP, 7999, false},
		{"8000-8010", TCP, 8000, true},
		{"8000-8010", TCP, 8010, true},
		{"8000-8010", TCP, 8011, false},
		{"0-65535", DCCP, 65535, true},
	}
	for _, tt := range tests {
		s, err := ParseSpec(tt.spec)
		if got := s.Contains(tt.transport, tt.port); err != nil || got != tt.want {
			t.Errorf("%s contains %v %d = %v, want %v", tt.spec, tt.transport, tt.port, got, tt.want)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, seed := range []string{"5432", ":443", "udp/53", "53/udp", "8000-8010", "tcp/8010-8000", "914c/g", "80-", "65536", "tcp,udp/1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spec, err := ParseSpec(s)
		if err != nil {
			if spec != (Spec{}) {
				t.Errorf("ParseSpec(%q) = %+v beside the error %v", s, spec, err)
			}
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("ParseSpec(%q): the error is not safe to print: %q", s, err)
			}
			return
		}
		if spec.First > spec.Last || !spec.Contains(0, spec.First) || !spec.Contains(spec.Transport, spec.Last) {
			t.Errorf("ParseSpec(%q) = %+v, which does not contain its own ports", s, spec)
		}
		if again, err := ParseSpec(spec.String()); err != nil || again != spec {
			t.Errorf("ParseSpec(%q) = %+v, and of its text %q %+v, %v", s, spec, spec, again, err)
		}
		if strings.Trim(s, ":0123456789-/,tcpudsTCPUDS") != "" {
			t.Errorf("ParseSpec(%q) = %+v, want an error", s, spec)
		}
	})
}
