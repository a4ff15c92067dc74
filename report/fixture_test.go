package report

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// scanned is when the reports of these tests were made.
var scanned = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// process makes a holder that began some minutes before the scan.
func process(pid int, name, user string) *scanner.Process {
	return &scanner.Process{
		PID: pid, PPID: 1, Name: name, Exe: "/usr/sbin/" + name, User: user, Parent: "systemd",
		Unit: name + ".service", Started: scanned.Add(-time.Duration(pid) * time.Minute),
	}
}

// listener makes a listener on address, as "tcp 0.0.0.0%lo 80" is read; "*"
// stands for a dual-stack "::".
func listener(protocol scanner.Protocol, address string, port uint16, service string, holders ...*scanner.Process) annotate.Listener {
	s := &scanner.Socket{
		Protocol: protocol, Port: port, Namespace: "host", Family: scanner.IPv4, Inode: 20000 + uint64(port), Holders: holders,
	}
	if address == "*" {
		s.Addr, s.Family = netip.IPv6Unspecified(), scanner.IPv6
	} else {
		s.Addr = netip.MustParseAddr(address)
		if s.Addr.Is6() {
			s.Family, s.V6Only = scanner.IPv6, true
			s.Inode++
		}
	}
	if protocol == scanner.TCP {
		s.Queue.Limit = 128
	}
	if len(holders) > 0 {
		s.User, s.UID = holders[0].User, holders[0].UID
	} else {
		s.Why = scanner.NotPermitted
	}
	l := annotate.Listener{
		Socket: s, Range: portdb.RangeOf(port), Exposure: annotate.ClassOf(s.Addr, nil),
		Addresses: []netip.Addr{s.Addr}, Service: annotate.Service{Name: service},
	}
	if l.Widest = l.Exposure; l.Exposure == annotate.All {
		l.Widest = annotate.Private
		l.Addresses = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.168.7.20")}
		if s.Family == scanner.IPv6 {
			l.Widest = annotate.Public
			l.Addresses = []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("2001:db8::7")}
		}
	}
	return l
}

// with changes a listener.
func with(l annotate.Listener, change func(*annotate.Listener)) annotate.Listener {
	change(&l)
	return l
}

// host is a report of an ordinary server, with one of everything that a reader
// meets.
func host() *Report {
	root := func(pid int, name string) *scanner.Process { return process(pid, name, "root") }
	sshd, resolved := root(812, "sshd"), process(640, "systemd-resolved", "systemd-resolve")
	web := []*scanner.Process{root(901, "nginx"), process(902, "nginx", "www-data"), process(903, "nginx", "www-data"), process(904, "nginx", "www-data")}
	pg, prom := process(1204, "postgres", "postgres"), process(1377, "prometheus", "prometheus")
	prom.Deleted = true
	app := process(2071, "python3", "deploy")
	app.Script, app.Unit, app.Exe = "manage.py", "user@1000.service", "/usr/bin/python3.12"
	dns := process(715, "named", "bind")
	workers := []*scanner.Process{process(3001, "envoy", "envoy"), process(3002, "envoy", "envoy"), process(3003, "envoy", "envoy")}
	proxy := root(4100, "docker-proxy")
	ls := []annotate.Listener{
		listener(scanner.TCP, "0.0.0.0", 22, "ssh", sshd),
		listener(scanner.TCP, "::", 22, "ssh", sshd),
		listener(scanner.UDP, "127.0.0.53", 53, "domain", resolved),
		listener(scanner.TCP, "127.0.0.53", 53, "domain", resolved),
		listener(scanner.TCP, "fe80::5054:ff:fe12:3456%eth0", 53, "domain", dns),
		listener(scanner.TCP, "*", 80, "http", web...),
		listener(scanner.TCP, "0.0.0.0", 443, "https", web...),
		listener(scanner.TCP, "127.0.0.1", 5432, "postgresql", pg),
		listener(scanner.TCP, "::1", 5432, "postgresql", pg),
		listener(scanner.UDP, "0.0.0.0", 51820, ""),
		listener(scanner.TCP, "10.0.0.5", 9090, "websm", prom),
		listener(scanner.TCP, "0.0.0.0", 8000, "irdmi", app),
		listener(scanner.TCP, "172.17.0.1", 5000, "commplex-main", proxy),
		listener(scanner.TCP, "0.0.0.0", 23, "telnet", root(5150, "dropbear")),
		listener(scanner.UDP, "0.0.0.0", 111, "sunrpc"),
		listener(scanner.UDP, "0.0.0.0", 45123, "", process(6001, "firefox", "deploy")),
		listener(scanner.UDP, "0.0.0.0", 45999, "", process(6001, "firefox", "deploy")),
	}
	for i := range ls {
		l := &ls[i]
		switch l.Port {
		case 51820:
			l.Why, l.UID, l.User = scanner.Kernel, 0, "root"
		case 111:
			l.UID, l.User = 0, "root"
		case 9090:
			l.KnownAs, l.Program = "prometheus", annotate.Matches
		case 23:
			l.Program = annotate.Differs
		case 5000:
			l.Exposure, l.Widest = annotate.Container, annotate.Container
			proxy.Runtime, proxy.Container = "docker", "3f2a91c04b7de8a15c6f0b92d4e8713a5f60c1b2e3d4958677a8b9c0d1e2f304"
		case 45123, 45999:
			l.MaybeClient, l.Ephemeral = true, true
		case 80:
			l.Queue.Length, l.Backlog = 129, annotate.BacklogFull
		}
	}
	for _, p := range workers {
		ls = append(ls, with(listener(scanner.TCP, "0.0.0.0", 8443, "pcsync-https", p), func(l *annotate.Listener) {
			l.Inode += uint64(p.PID)
		}))
	}
	return &Report{
		Tool: "test", Registry: "2026-09-17", Time: scanned,
		Host: scanner.Host{Name: "web1", OS: "linux"},
		Coverage: scanner.Coverage{
			Privileges: "user", Sources: []string{"netlink"},
			Limitations: []scanner.Limitation{{
				Code: "unreadable-processes", Text: "the processes of other users could not be looked into",
				Remedy: "run as root (sudo whatslistening)",
			}},
		},
		Listeners: ls,
	}
}

// render writes r and returns what was written.
func render(t testing.TB, r *Report, f Format, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, f, &o); err != nil {
		t.Fatalf("Write(%v, %+v) = %v", f, o, err)
	}
	return b.String()
}

// screen compares got with the file testdata/screens/name.
func screen(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "screens", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}
