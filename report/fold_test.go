package report

import (
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// cells renders the columns of ls without titles, a line each, with one space
// between the cells.
func cells(t *testing.T, columns string, o Options, ls ...annotate.Listener) []string {
	t.Helper()
	o.Columns, o.NoHeader = strings.Split(columns, ","), true
	out := render(t, &Report{Listeners: ls, Time: scanned}, Table, o)
	var lines []string
	for line := range strings.Lines(out) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func TestFolding(t *testing.T) {
	a, b, c := process(1, "nginx", "root"), process(2, "nginx", "root"), process(3, "nginx", "root")
	other, impostor := process(9, "intruder", "root"), process(8, "nginx", "root")
	impostor.Exe = "/tmp/nginx"
	onDevice := func(l *annotate.Listener) { l.Device = "eth0" }
	inContainer := func(l *annotate.Listener) { l.Namespace = "docker:1" }
	kernel := func(l *annotate.Listener) { l.Why = scanner.Kernel }
	uid := func(l *annotate.Listener) { l.UID = 33 }
	tcp := func(address string, ps ...*scanner.Process) annotate.Listener {
		return listener(scanner.TCP, address, 80, "http", ps...)
	}
	tests := []struct {
		name string
		ls   []annotate.Listener
		want []string // address process sockets
	}{
		{"one", []annotate.Listener{tcp("0.0.0.0", a)}, []string{"0.0.0.0 nginx (1) 1"}},
		{"dual stack", []annotate.Listener{tcp("*", a)}, []string{"* nginx (1) 1"}},
		{"IPv6 only", []annotate.Listener{tcp("::", a)}, []string{":: nginx (1) 1"}},
		{"IPv4 and IPv6", []annotate.Listener{tcp("::", a), tcp("0.0.0.0", a)}, []string{"* nginx (1) 2"}},
		{"loopback", []annotate.Listener{tcp("::1", a), tcp("127.0.0.1", a)}, []string{"127.0.0.1, ::1 nginx (1) 2"}},
		{"another loopback", []annotate.Listener{tcp("::1", a), tcp("127.0.0.2", a)}, []string{"127.0.0.2 nginx (1) 1", "::1 nginx (1) 1"}},
		{"two addresses", []annotate.Listener{tcp("10.0.0.1", a), tcp("fd00::1", a)}, []string{"10.0.0.1 nginx (1) 1", "fd00::1 nginx (1) 1"}},
		{"wildcard and loopback", []annotate.Listener{tcp("0.0.0.0", a), tcp("::1", a)}, []string{"0.0.0.0 nginx (1) 1", "::1 nginx (1) 1"}},
		{"pre-fork", []annotate.Listener{tcp("0.0.0.0", a, b, c)}, []string{"0.0.0.0 nginx (1, 2, 3) 1"}},
		{"pre-fork, both", []annotate.Listener{tcp("0.0.0.0", a, b), tcp("::", a, b)}, []string{"* nginx (1, 2) 2"}},
		{"SO_REUSEPORT", []annotate.Listener{tcp("0.0.0.0", a), tcp("0.0.0.0", b), tcp("0.0.0.0", c)}, []string{"0.0.0.0 nginx (1, 2, 3) 3"}},
		{
			"SO_REUSEPORT of one process",
			[]annotate.Listener{tcp("0.0.0.0", a), tcp("0.0.0.0", a)},
			[]string{"0.0.0.0 nginx (1) 2"},
		},
		{
			"SO_REUSEPORT on both",
			[]annotate.Listener{tcp("0.0.0.0", a), tcp("::", a), tcp("0.0.0.0", b), tcp("::", b)},
			[]string{"* nginx (1, 2) 4"},
		},
		{
			"SO_REUSEPORT, one without IPv6",
			[]annotate.Listener{tcp("0.0.0.0", a), tcp("::", a), tcp("0.0.0.0", b), tcp("0.0.0.0", c), tcp("::", c)},
			[]string{"* nginx (1, 3) 4", "0.0.0.0 nginx (2) 1"},
		},
		{
			"IPv4 and IPv6 of two processes",
			[]annotate.Listener{tcp("0.0.0.0", a), tcp("::", b)},
			[]string{"0.0.0.0 nginx (1) 1", ":: nginx (2) 1"},
		},
		{
			"two programs on one port",
			[]annotate.Listener{tcp("0.0.0.0", a), tcp("0.0.0.0", other)},
			[]string{"0.0.0.0 nginx (1) 1", "0.0.0.0 intruder (9) 1"},
		},
		{
			"a program of the same name",
			[]annotate.Listener{tcp("0.0.0.0", a), tcp("0.0.0.0", impostor)},
			[]string{"0.0.0.0 nginx (1) 1", "0.0.0.0 nginx (8) 1"},
		},
		{
			"a shared socket and one alone",
			[]annotate.Listener{tcp("0.0.0.0", a, other), tcp("0.0.0.0", b)},
			[]string{"0.0.0.0 nginx (1), intruder (9) 1", "0.0.0.0 nginx (2) 1"},
		},
		{
			"another device",
			[]annotate.Listener{tcp("0.0.0.0", a), with(tcp("0.0.0.0", a), onDevice)},
			[]string{"0.0.0.0 nginx (1) 1", "0.0.0.0%eth0 nginx (1) 1"},
		},
		{
			"both on a device",
			[]annotate.Listener{with(tcp("::", a), onDevice), with(tcp("0.0.0.0", a), onDevice)},
			[]string{"*%eth0 nginx (1) 2"},
		},
		{
			"another namespace",
			[]annotate.Listener{tcp("0.0.0.0", a), with(tcp("::", a), inContainer)},
			[]string{"0.0.0.0 nginx (1) 1", ":: nginx (1) 1"},
		},
		{
			"another owner",
			[]annotate.Listener{tcp("0.0.0.0", a), with(tcp("::", a), uid)},
			[]string{"0.0.0.0 nginx (1) 1", ":: nginx (1) 1"},
		},
		{
			"another protocol",
			[]annotate.Listener{tcp("0.0.0.0", a), listener(scanner.UDP, "::", 80, "http", a)},
			[]string{"0.0.0.0 nginx (1) 1", ":: nginx (1) 1"},
		},
		// Nobody knows whether two sockets without a holder are of one program.
		{"no holder", []annotate.Listener{tcp("0.0.0.0"), tcp("::")}, []string{"* – (not permitted) 2"}},
		{"no holder, twice", []annotate.Listener{tcp("0.0.0.0"), tcp("0.0.0.0")}, []string{"0.0.0.0 – (not permitted) 1", "0.0.0.0 – (not permitted) 1"}},
		{"no holder, another reason", []annotate.Listener{tcp("0.0.0.0"), with(tcp("::"), kernel)}, []string{"0.0.0.0 – (not permitted) 1", ":: kernel 1"}},
	}
	for _, tt := range tests {
		for i := range tt.ls {
			s := *tt.ls[i].Socket // each its own, told apart by the inode
			s.Inode = uint64(100 + i)
			tt.ls[i].Socket = &s
		}
		got := cells(t, "address,process,sockets", Options{}, tt.ls...)
		if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
		if got := cells(t, "address,process,sockets", Options{All: true}, tt.ls...); len(got) != len(tt.ls) {
			t.Errorf("%s, with All: %d rows of %d sockets: %q", tt.name, len(got), len(tt.ls), got)
		}
	}
}

// TestFoldedFacts: what differs among the sockets of a row is told of all.
func TestFoldedFacts(t *testing.T) {
	a, b := process(1, "nginx", "root"), process(2, "nginx", "root")
	one, two := listener(scanner.TCP, "0.0.0.0", 80, "http", a), listener(scanner.TCP, "::", 80, "http", a)
	three, four := listener(scanner.TCP, "0.0.0.0", 80, "http", b), listener(scanner.TCP, "::", 80, "http", b)
	one.Inode, two.Inode, three.Inode, four.Inode = 11, 12, 13, 14
	one.Queue, three.Queue = scanner.Queue{Length: 5, Limit: 10}, scanner.Queue{Length: 6, Limit: 1000}
	got := cells(t, "inode,pid,queue,family,exposure,addresses", Options{}, one, two, three, four)
	want := "11, 12, 13, 14 1, 2 5/10 4, 6 all (public) 127.0.0.1, 192.168.7.20, ::1, 2001:db8::7"
	if len(got) != 1 || got[0] != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestClientsAreFolded(t *testing.T) {
	client := func(port uint16) annotate.Listener {
		return with(listener(scanner.UDP, "0.0.0.0", port, "", process(7, "firefox", "u")), func(l *annotate.Listener) { l.MaybeClient = true })
	}
	tests := []struct {
		ls   []annotate.Listener
		o    Options
		want string
	}{
		{nil, Options{}, "nothing is listening\n"},
		{nil, Options{NoHeader: true}, ""},
		{
			[]annotate.Listener{client(40000)},
			Options{},
			"nothing is listening\n1 UDP socket that looks like a client is left out: --all shows it\n",
		},
		{
			[]annotate.Listener{client(40000), client(40001)},
			Options{},
			"nothing is listening\n2 UDP sockets that look like clients are left out: --all shows them\n",
		},
		{
			[]annotate.Listener{client(40000)},
			Options{All: true, Columns: []string{"port", "process"}},
			" PORT  PROCESS\n40000  firefox (7)\n\n1 listener of 1 program, 1 reachable from outside\n",
		},
	}
	for _, tt := range tests {
		if got := render(t, &Report{Listeners: tt.ls}, Table, tt.o); got != tt.want {
			t.Errorf("%d listeners, %+v:\n%q\nwant\n%q", len(tt.ls), tt.o, got, tt.want)
		}
	}
	// A file for a program has them all.
	if got := render(t, &Report{Listeners: []annotate.Listener{client(1), client(2)}}, CSV, Options{Columns: []string{"port", "client"}}); got != "port,client\n1,true\n2,true\n" {
		t.Errorf("CSV of clients:\n%s", got)
	}
}
