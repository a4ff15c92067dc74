package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/report"
)

// Real processes and sockets break the rules, or nearly do, and the audit says
// of each port just what is wrong with it. Two have a test of their own below.
func TestRulesLive(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		// Programs lie where root alone can write, whichever folder tests are
		// built in.
		const bin = "/srv"
		if err := unix.Mount("tmpfs", bin, "tmpfs", 0, "mode=0755"); err != nil {
			t.Fatal(err)
		}
		program := func(path string) string {
			if !strings.HasPrefix(path, "/") {
				path = filepath.Join(bin, path)
			}
			if err := os.Link(bin+"/first", path); err != nil {
				data, err := os.ReadFile(self(t))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, data, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			return path
		}
		program("first")
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777"); err != nil {
			t.Fatal(err)
		}
		const shm = "/dev/shm/whatslistening-test"

		want := map[uint16]string{}
		made := map[string]string{}
		witness := "~" // the process that is asked for its tables: the first by name
		run := func(exe, role string, args string, rules string) {
			t.Helper()
			if made[exe] == "" {
				made[exe] = program(exe)
			}
			fields := strings.Fields(args)
			for _, f := range fields {
				if _, at, ok := strings.Cut(f, ":"); ok && strings.Contains(f, ",") {
					at, _, _ = strings.Cut(at[strings.LastIndexByte(at, ':')+1:], ",")
					var port uint16
					if _, err := fmt.Sscan(at, &port); err != nil {
						t.Fatal(err)
					}
					want[port] = strings.TrimSpace(want[port] + " " + rules)
				}
			}
			witness = min(witness, strconv.Itoa(spawn(t, made[exe], role, fields...)))
		}
		run("in.telnetd", "listen", "tcp,0.0.0.0:23 tcp,127.0.0.1:2323", "")
		want[23] = "WL001"
		run("vsftpd", "listen", "tcp,0.0.0.0:21", "WL002")
		run("vsftpd", "listen", "tcp,0.0.0.0:990", "")
		run("xinetd", "listen", "udp,0.0.0.0:19", "WL003")
		run("snmpd", "listen", "udp,0.0.0.0:161", "WL004")
		run("Xvnc", "listen", "tcp,0.0.0.0:5900", "WL005")
		run("Xvnc", "listen", "tcp,127.0.0.1:5901", "")
		run("Xorg", "listen", "tcp,0.0.0.0:6000", "WL006")
		run("redis-server", "listen", "tcp,0.0.0.0:7777", "WL007")
		run("redis-server", "listen", "tcp,127.0.0.1:6379", "")
		run("nginx", "listen", "tcp,0.0.0.0:6380", "")
		run("postgres", "listen", "tcp,0.0.0.0:5432", "WL008")
		run("postgres", "listen", "tcp,127.0.0.1:5433", "")
		run("dockerd", "listen", "tcp,127.0.0.1:2375", "WL009")
		run("dockerd", "listen", "tcp,0.0.0.0:2376", "")
		run("kubelet", "listen", "tcp,0.0.0.0:10255", "WL010")
		run("kubelet", "listen", "tcp,0.0.0.0:10250", "")
		run("rpcbind", "listen", "tcp,0.0.0.0:111", "WL011")
		run("master", "listen", "tcp,0.0.0.0:25", "WL012")
		run("master", "listen", "tcp,127.0.0.1:10025", "")
		run("slapd", "listen", "tcp,0.0.0.0:389", "WL013")
		run("slapd", "listen", "tcp,0.0.0.0:636", "")
		run("avahi-daemon", "listen", "udp,0.0.0.0:5353", "WL014")
		run("epmd", "listen", "tcp,0.0.0.0:4369", "WL015")
		run("plc", "listen", "tcp,0.0.0.0:502", "WL016")
		run("squid", "listen", "tcp,0.0.0.0:3128", "WL017")
		run("python3", "named", "http.server tcp,0.0.0.0:8000", "WL018")
		run("python3", "named", "/srv/app.py tcp,0.0.0.0:8001", "")
		run("dlv", "listen", "tcp,0.0.0.0:2345", "WL019")
		run("node", "named", "app.js tcp,127.0.0.1:9229", "WL020")
		run("sshd", "listen", "tcp,0.0.0.0:443", "WL021")
		run("sshd", "listen", "tcp,0.0.0.0:22", "")
		run("web", "user", "1000 tcp,127.0.0.1:81", "WL022")
		run("web", "user", "33 tcp,127.0.0.1:82", "")
		run("gone", "listen", "tcp,127.0.0.1:4001", "WL023")
		run("old", "listen", "tcp,127.0.0.1:4002", "WL024")
		run(shm, "listen", "tcp,127.0.0.1:4003", "WL025")
		run("python3", "named", "/dev/shm/x.py tcp,127.0.0.1:4004", "WL026")
		run("hidden", "listen", "tcp,127.0.0.1:4006", "WL028")
		run("slow", "listen", "tcp,127.0.0.1:4007,backlog=16", "WL029")
		run("busy", "listen", "tcp,127.0.0.1:4008,backlog=16", "")
		run("fixed", "listen", "tcp,127.0.0.1:50000", "WL030")
		run("app", "listen", "tcp,127.0.0.1:4009,reuseport", "WL031")
		spawn(t, made["app"], "drop", "7777", "tcp,127.0.0.1:4009,reuseport")
		run("app", "listen", "tcp,127.0.0.1:4010,reuseport", "")
		run("app", "listen", "tcp,127.0.0.1:4010,reuseport", "")
		run("app", "listen", "tcp,0.0.0.0:4011,reuseport", "WL032")
		spawn(t, program("other"), "listen", "tcp,127.0.0.1:4011,reuseport")
		run("app", "listen", "tcp,127.0.0.1:4012", "")
		run("other2", "listen", "tcp,127.0.0.2:4012", "")
		run("app", "listen", "tcp,127.0.0.1:4013 tcp,[::]:4013,v6only", "")
		want[4013] = "WL033"
		run("app", "listen", "tcp,127.0.0.1:4014 tcp,[::1]:4014", "")

		for _, name := range []string{"gone", "old"} {
			if err := os.Remove(made[name]); err != nil {
				t.Fatal(err)
			}
		}
		program("old")
		pid, err := strconv.Atoi(witness)
		if err != nil {
			t.Fatal(err)
		}
		hidePort(t, pid, 4006)
		for port, n := range map[int]int{4007: 17, 4008: 16} {
			for range n {
				c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
			awaitQueue(t, port, n)
		}
		for _, s := range [][3]int{
			{unix.AF_PACKET, unix.SOCK_RAW, unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8},
			{unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP},
		} {
			fd, err := unix.Socket(s[0], s[1]|unix.SOCK_CLOEXEC, s[2])
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
		}
		engine := filepath.Join(t.TempDir(), "docker.sock")
		l, err := net.Listen("unix", engine)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		policy := filepath.Join(bin, "policy.yaml")
		if err := os.WriteFile(policy, []byte("version: 1\napprovals:\n  - {path: any, protocol: unix, reason: x}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		look := func() (of map[uint16]string, portless string) {
			t.Helper()
			got := command(t, nil, "audit", "--netns", "own", "-o", "json", "--policy", policy)
			r, err := report.Read(strings.NewReader(got.stdout))
			if err != nil || got.code != exitFindings {
				t.Fatalf("%v\n%+v", err, got)
			}
			lists, rest := map[uint16][]string{}, []string(nil)
			for _, f := range r.Findings {
				switch s := &f.Subject; {
				case f.Rule > "WL100" || f.Rule == "WL036": // the register's; and tests may run in a login session
				case s.Protocol.HasPorts():
					if !slices.Contains(lists[uint16(s.Port)], f.Rule) {
						lists[uint16(s.Port)] = append(lists[uint16(s.Port)], f.Rule)
					}
				default:
					rest = append(rest, s.Protocol.String()+" "+f.Rule)
				}
			}
			of = map[uint16]string{}
			for port, list := range lists {
				slices.Sort(list)
				of[port] = strings.Join(list, " ")
			}
			slices.Sort(rest)
			return of, strings.Join(slices.Compact(rest), ", ")
		}
		if err := os.Chmod(engine, 0o666); err != nil {
			t.Fatal(err)
		}
		got, portless := look()
		for port, rules := range want {
			if got[port] != rules {
				t.Errorf("port %d has %q, want %q", port, got[port], rules)
			}
		}
		for port, rules := range got {
			if _, ok := want[port]; !ok {
				t.Errorf("port %d, which is not of the test, has %q", port, rules)
			}
		}
		// The test itself, which holds them, may lie in /tmp.
		portless = regexp.MustCompile(`[a-z]+ WL025, `).ReplaceAllString(portless, "")
		if want := "packet WL034, raw WL035, unix WL037"; portless != want {
			t.Errorf("sockets without a port have %q, want %q", portless, want)
		}
		if err := os.Chmod(engine, 0o660); err != nil {
			t.Fatal(err)
		}
		if _, portless = look(); strings.Contains(portless, "WL037") {
			t.Errorf("after chmod 0660 sockets without a port have %q", portless)
		}

		// What a rule says, for people.
		text := command(t, nil, "audit", "--netns", "own").stdout
		for _, line := range []string{
			"tcp 0.0.0.0:23 (in.telnetd of root): serves telnet at every address of the host",
			"its program is " + shm, "python3 runs /dev/shm/x.py", "/srv/gone was deleted while it ran",
			"17 connections wait, and 16 may", "hidden from /proc/net: tcp 127.0.0.1:4006",
		} {
			if !strings.Contains(text, line) {
				t.Errorf("the text lacks %q", line)
			}
		}
	})
}
