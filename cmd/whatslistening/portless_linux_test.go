package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Sockets without ports are shown where they are asked for, in words that mean
// something, and never by a port.
func TestPortless(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		dir := t.TempDir()
		listen := func(name string) {
			l, err := net.Listen("unix", name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}
		listen(dir + "/api.sock")
		if err := os.Chmod(dir+"/api.sock", 0o660); err != nil {
			t.Fatal(err)
		}
		listen(dir + "/x\n\x1b[2Jy")
		listen("@bus")
		for _, s := range []struct{ domain, typ, proto int }{
			{unix.AF_INET, unix.SOCK_RAW, 89},
			{unix.AF_PACKET, unix.SOCK_RAW, 0xcc88}, // LLDP, in the order of the network
		} {
			fd, err := unix.Socket(s.domain, s.typ|unix.SOCK_CLOEXEC, s.proto)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unix.Close(fd) })
		}
		spawn(t, self(t), "listen", "tcp,127.0.0.1:7001")
		tests := []struct {
			args      string
			has, lack []string
		}{
			{"", []string{"tcp "}, []string{"unix ", "packet ", "raw "}},
			{"--unix", []string{"tcp ", dir + "/api.sock  ", dir + `/x\x0a\x1b[2Jy  `, "@bus  "}, []string{"packet ", "raw "}},
			{"--unix -o wide", []string{" MODE ", " 0660 ", " stream "}, nil},
			{"--unix --columns protocol,path,mode,path-user", []string{"  0660  root\n"}, nil},
			{"--unix --proto packet", []string{"packet  *     ", " lldp ", "@bus "}, []string{"tcp ", "raw "}},
			{"--proto raw,packet", []string{"raw     0.0.0.0  ospf ", "packet  *        lldp "}, []string{"unix "}},
			{"--unix " + dir + "/api.sock", []string{"api.sock "}, []string{"tcp ", "@bus"}},
			{"--unix @bus", []string{"@bus "}, []string{"api.sock"}},
			{"--unix 7001", []string{"tcp "}, []string{"unix "}},
			{"--proto raw 89", nil, []string{"raw  "}},
			{"--unix --exposed", nil, []string{"unix "}},
		}
		for _, tt := range tests {
			got := command(t, nil, strings.Fields(tt.args)...)
			if got.code != exitClean {
				t.Errorf("%s: exit %d: %s", tt.args, got.code, got.stderr)
			}
			for _, want := range tt.has {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("%s: no %q in\n%s%s", tt.args, want, got.stdout, got.stderr)
				}
			}
			for _, no := range tt.lack {
				if strings.Contains(got.stdout, no) {
					t.Errorf("%s: %q in\n%s", tt.args, no, got.stdout)
				}
			}
		}
		if got := command(t, nil, "--source", "gopsutil", "--unix"); !strings.Contains(got.stdout, "sockets of udplite, sctp, dccp, unix are not listed") {
			t.Errorf("gopsutil: %s%s", got.stdout, got.stderr)
		}
	})
}
