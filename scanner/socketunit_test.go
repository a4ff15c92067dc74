package scanner

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestParseSocketUnit(t *testing.T) {
	tests := []struct {
		name  string
		files []string
		want  string
	}{
		{"a port", []string{"[Unit]\nDescription=x\n[Socket]\nListenStream=22\nAccept=no\n[Install]\nWantedBy=sockets.target\n"}, "tcp 22"},
		{"addresses", []string{"[Socket]\nListenStream = 127.0.0.1:80\nListenStream=[::1]:81\nListenDatagram=0.0.0.0:53\n"}, "tcp 127.0.0.1:80, tcp [::1]:81, udp 0.0.0.0:53"},
		{"unix", []string{"[Socket]\nListenStream=/run/docker.sock\nListenSequentialPacket=@x\nListenDatagram=/dev/log\n"}, "unix stream /run/docker.sock, unix seqpacket @x"},
		{"a drop-in adds", []string{"[Socket]\nListenStream=22\n", "[Socket]\nListenStream=2222\n"}, "tcp 22, tcp 2222"},
		{"a drop-in begins anew", []string{"[Socket]\nListenStream=22\nListenDatagram=5\n", "[Socket]\nListenStream=\nListenStream=0.0.0.0:2222\nListenStream=[::]:2222\n"}, "tcp 0.0.0.0:2222, tcp [::]:2222"},
		{"comments and lines that go on", []string{"# x\n[Socket]\n;ListenStream=1\nListenStream=\\\n22\n"}, "tcp 22"},
		{"another section", []string{"[Service]\nListenStream=22\n[X-Socket]\nListenStream=23\n"}, ""},
		{"no section", []string{"ListenStream=22\n"}, ""},
		{"a specifier", []string{"[Socket]\nListenStream=%t/x.sock\nListenStream=%i\nListenStream=22\n"}, "tcp 22"},
		{"SCTP", []string{"[Socket]\nListenStream=22\nSocketProtocol=sctp\n"}, "sctp 22"},
		{"SCTP by its own key", []string{"[Socket]\nListenSequentialPacket=22\n"}, "sctp 22"},
		{"UDP-Lite", []string{"[Socket]\nSocketProtocol=udplite\nListenDatagram=22\nListenStream=22\n"}, "udplite 22, tcp 22"},
		{"none of these", []string{"[Socket]\nListenStream=0\nListenStream=65536\nListenStream=vsock::22\nListenStream=host:22\nListenNetlink=route\nListenFIFO=/x\nListenStream\n"}, ""},
		{"a file that is masked", []string{"", "[Socket]\nListenStream=1\n"}, "tcp 1"},
	}
	for _, tt := range tests {
		var files [][]byte
		for _, f := range tt.files {
			files = append(files, []byte(f))
		}
		var words []string
		for _, l := range parseSocketUnit(files) {
			at := fmt.Sprint(l.port)
			switch {
			case l.protocol == Unix:
				at = l.kind + " " + l.path
			case l.addr.IsValid():
				at = netip.AddrPortFrom(l.addr, l.port).String()
			}
			words = append(words, l.protocol.String()+" "+at)
		}
		if got := strings.Join(words, ", "); got != tt.want {
			t.Errorf("%s: parseSocketUnit = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzParseSocketUnit(f *testing.F) {
	f.Add("[Socket]\nListenStream=127.0.0.1:80\nListenStream=\nListenDatagram=\\\n53\n")
	f.Fuzz(func(t *testing.T, in string) {
		for _, l := range parseSocketUnit([][]byte{[]byte(in)}) {
			if (l.protocol == Unix) != (l.path != "") || l.protocol != Unix && l.port == 0 {
				t.Errorf("parseSocketUnit(%q) = %+v", in, l)
			}
		}
	})
}

func TestSocketUnitOf(t *testing.T) {
	units := make(socketUnits)
	for name, text := range map[string]string{
		"ssh.socket": "ListenStream=22", "web.socket": "ListenStream=127.0.0.1:80\nListenStream=[::]:81", "a.socket": "ListenStream=90", "b.socket": "ListenStream=90",
		"docker.socket": "ListenStream=/run/docker.sock", "dns.socket": "ListenDatagram=53",
	} {
		units[name] = parseSocketUnit([][]byte{[]byte("[Socket]\n" + text)})
	}
	unix := func(typ, path string) Socket { return Socket{Protocol: Unix, Unix: &UnixAddr{Type: typ, Path: path}} }
	at := func(p Protocol, s string) Socket {
		a := netip.MustParseAddrPort(s)
		return Socket{Protocol: p, Addr: a.Addr(), Port: a.Port()}
	}
	tests := []struct {
		s    Socket
		want string
	}{
		{at(TCP, "0.0.0.0:22"), "ssh.socket"},
		{at(TCP, "[::]:22"), "ssh.socket"},
		{at(TCP, "127.0.0.1:22"), ""},
		{at(UDP, "0.0.0.0:22"), ""},
		{at(TCP, "127.0.0.1:80"), "web.socket"},
		{at(TCP, "0.0.0.0:80"), ""},
		{at(TCP, "[::]:81"), "web.socket"},
		{at(TCP, "0.0.0.0:81"), ""},
		{at(TCP, "0.0.0.0:90"), ""}, // either of two
		{at(UDP, "0.0.0.0:53"), "dns.socket"},
		{unix("stream", "/run/docker.sock"), "docker.socket"},
		{unix("seqpacket", "/run/docker.sock"), ""},
		{Socket{Protocol: Unix}, ""},
	}
	for _, tt := range tests {
		if got := units.of(&tt.s); got != tt.want {
			t.Errorf("the unit of %v %v:%d = %q, want %q", tt.s.Protocol, tt.s.Addr, tt.s.Port, got, tt.want)
		}
	}
}
