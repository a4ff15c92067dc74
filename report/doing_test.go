package report

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// queued gives a listener an accept queue and what it comes to.
func queued(l annotate.Listener, b annotate.Backlog, q scanner.Queue) annotate.Listener {
	l.Queue, l.Backlog = q, b
	return l
}

// startless makes a listener one that may not start.
func startless(l annotate.Listener, namespace string) annotate.Listener {
	l.MayNotStart, l.Ephemeral, l.Namespace = true, true, namespace
	return l
}

// doings returns the notes on how the listeners of a report are doing.
func doings(t *testing.T, r *Report) []string {
	t.Helper()
	var notes []string
	for line := range strings.Lines(render(t, r, Table, Options{})) {
		if strings.HasPrefix(line, "! ") {
			notes = append(notes, strings.TrimSuffix(line, "\n"))
		}
	}
	return notes
}

// TestBacklogNotes: a full queue is named with its numbers and the next step; it
// comes before one that was full, and there are never many lines.
func TestBacklogNotes(t *testing.T) {
	nginx, evil := process(1, "nginx", "root"), process(2, "a\x1b[2J\nb", "root")
	full := scanner.Queue{Length: 129, Limit: 128, Dropped: 12}
	was := scanner.Queue{Length: 1, Limit: 128, Dropped: 12}
	const hint = " accepts too slowly, or needs a larger listen backlog and net.core.somaxconn"
	var many []annotate.Listener
	for i := range uint16(8) {
		many = append(many, queued(listener(scanner.TCP, "127.0.0.1", 80+i, "", nginx), annotate.BacklogFull, full))
	}
	tests := []struct {
		name string
		ls   []annotate.Listener
		want []string
	}{
		{"all is well", []annotate.Listener{listener(scanner.TCP, "0.0.0.0", 80, "http", nginx)}, nil},
		{
			"full",
			[]annotate.Listener{queued(listener(scanner.TCP, "0.0.0.0", 80, "http", nginx), annotate.BacklogFull, full)},
			[]string{"! tcp/80: the accept queue is full (129/128), 12 dropped (34 overflows in the network namespace); hint: nginx" + hint},
		},
		{
			"full, nothing dropped, no holder",
			[]annotate.Listener{
				with(queued(listener(scanner.TCP, "0.0.0.0", 80, "http"), annotate.BacklogFull, scanner.Queue{Length: 1}), func(l *annotate.Listener) {
					l.Namespace = "elsewhere"
				}),
			},
			[]string{"! tcp/80: the accept queue is full (1/0); hint: the program" + hint},
		},
		{
			"the second of a row",
			[]annotate.Listener{
				listener(scanner.TCP, "0.0.0.0", 80, "http", nginx),
				queued(listener(scanner.TCP, "::", 80, "http", nginx), annotate.BacklogFull, full),
			},
			[]string{"! tcp/80: the accept queue is full (129/128), 12 dropped (34 overflows in the network namespace); hint: nginx" + hint},
		},
		{
			"a unix socket",
			[]annotate.Listener{
				with(queued(listener(scanner.Unix, "0.0.0.0", 0, "", nginx), annotate.BacklogFull, full), func(l *annotate.Listener) {
					l.Addr, l.Unix = netip.Addr{}, &scanner.UnixAddr{Type: "stream", Path: "/run/a\nb"}
					l.Queue.Dropped = 0
				}),
			},
			[]string{`! unix /run/a\x0ab: the accept queue is full (129/128); hint: nginx` + hint},
		},
		{
			"was full comes last",
			[]annotate.Listener{
				queued(listener(scanner.TCP, "0.0.0.0", 22, "ssh", evil), annotate.BacklogWasFull, was),
				queued(listener(scanner.TCP, "0.0.0.0", 80, "http", nginx), annotate.BacklogFull, full),
			},
			[]string{
				"! tcp/80: the accept queue is full (129/128), 12 dropped (34 overflows in the network namespace); hint: nginx" + hint,
				`! tcp/22: the accept queue was full, as it seems, 12 dropped (34 overflows in the network namespace); hint: a\x1b[2J\x0ab` + hint,
			},
		},
		{
			"many", many, append(slicesOf(5, func(i int) string {
				return fmt.Sprintf("! tcp/%d: the accept queue is full (129/128), 12 dropped (34 overflows in the network namespace); hint: nginx%s", 80+i, hint)
			}), "! and 3 more such queues"),
		},
	}
	for _, tt := range tests {
		r := &Report{Listeners: tt.ls, Namespaces: []scanner.Namespace{{Name: "host", Overflows: 34}}}
		if got := doings(t, r); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", tt.name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

// slicesOf returns f of 0 to n-1.
func slicesOf(n int, f func(int) string) []string {
	var list []string
	for i := range n {
		list = append(list, f(i))
	}
	return list
}

// TestMayNotStartNotes: the hint has the value to set in full: what is reserved
// already would be lost otherwise.
func TestMayNotStartNotes(t *testing.T) {
	app := process(1, "app", "root")
	at := func(port uint16, namespace string) annotate.Listener {
		return startless(listener(scanner.TCP, "0.0.0.0", port, "", app), namespace)
	}
	ports := func(from, n, step uint16) []annotate.Listener {
		var ls []annotate.Listener
		for i := range n {
			ls = append(ls, at(from+i*step, "host"))
		}
		return ls
	}
	const (
		one  = " may fail to start: the kernel gives the port to clients too; hint: add it to net.ipv4.ip_local_reserved_ports"
		many = " may fail to start: the kernel gives the ports to clients too; hint: add them to net.ipv4.ip_local_reserved_ports"
		set  = ": sysctl -w net.ipv4.ip_local_reserved_ports="
	)
	tests := []struct {
		name string
		ls   []annotate.Listener
		want []string
	}{
		{"none", []annotate.Listener{listener(scanner.TCP, "0.0.0.0", 50051, "", app)}, nil},
		{"one", []annotate.Listener{at(50051, "host")}, []string{"! tcp/50051" + one + set + "22,8000-8100,50051"}},
		{
			"joined with what is reserved",
			[]annotate.Listener{at(8101, "host"), at(50051, "host"), at(50052, "host")},
			[]string{"! tcp/8101, tcp/50051, tcp/50052" + many + set + "22,8000-8101,50051-50052"},
		},
		{
			"two sockets of a port",
			[]annotate.Listener{
				at(50051, "host"), startless(listener(scanner.TCP, "::", 50051, "", process(9, "other", "root")), "host"),
			},
			[]string{"! tcp/50051" + one + set + "22,8000-8100,50051"},
		},
		{
			"another namespace",
			[]annotate.Listener{at(40000, "we\x1bb"), at(50051, "host")},
			[]string{
				"! tcp/50051" + one + set + "22,8000-8100,50051",
				"! tcp/40000" + one + set + `7000,40000 (in the network namespace we\x1bb)`,
			},
		},
		{"many", ports(50000, 9, 2), []string{
			"! tcp/50000, tcp/50002, tcp/50004, tcp/50006, tcp/50008 and 4 more" + many + set +
				"22,8000-8100,50000,50002,50004,50006,50008,50010,50012,50014,50016",
		}},
		{"too many to write out", ports(50000, 200, 2), []string{
			"! tcp/50000, tcp/50002, tcp/50004, tcp/50006, tcp/50008 and 195 more" + many,
		}},
	}
	for _, tt := range tests {
		r := &Report{
			Listeners: tt.ls,
			Host:      scanner.Host{Reserved: []scanner.PortRange{{First: 22, Last: 22}, {First: 8000, Last: 8100}}},
			Namespaces: []scanner.Namespace{
				{Name: "host", Reserved: []scanner.PortRange{{First: 1, Last: 1}}},
				{Name: "we\x1bb", Reserved: []scanner.PortRange{{First: 7000, Last: 7000}}},
			},
		}
		if got := doings(t, r); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", tt.name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
		if len(r.Host.Reserved) != 2 || r.Host.Reserved[1].Last != 8100 {
			t.Fatalf("%s: the report was changed: %v", tt.name, r.Host.Reserved)
		}
	}
	var namespaces []annotate.Listener
	for i := range 9 {
		namespaces = append(namespaces, at(50051, fmt.Sprintf("ns%d", i)))
	}
	if got := doings(t, &Report{Listeners: namespaces}); len(got) != 6 || got[5] != "! and in more network namespaces" {
		t.Errorf("in nine namespaces: %q", got)
	}
}
