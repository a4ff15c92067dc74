package report

import (
	"net/netip"
	"testing"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

func TestSubject(t *testing.T) {
	tests := []struct {
		s    audit.Subject
		want string
	}{
		{audit.Subject{}, ""},
		{audit.Subject{Addr: netip.MustParseAddr("::1"), Port: 22}, "tcp [::1]:22"},
		{audit.Subject{Protocol: scanner.VSock, Port: 70000}, "vsock *:70000"},
		{audit.Subject{Protocol: scanner.Unix, Path: "/run/x"}, "unix /run/x"},
		{audit.Subject{Protocol: scanner.Unix}, "unix"},
		{audit.Subject{Protocol: scanner.Packet}, "packet"},
		{audit.Subject{Protocol: scanner.Packet, Device: "eth0"}, "packet %eth0"},
	}
	for _, tt := range tests {
		if got := shown(&tt.s, (*page).subject); got != tt.want {
			t.Errorf("subject(%+v) = %q, want %q", tt.s, got, tt.want)
		}
	}
}
