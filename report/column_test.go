package report

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

func TestParseColumns(t *testing.T) {
	tests := []struct {
		in     string
		format Format
		want   string // the keys, or the start of the error
	}{
		{"port", Table, "port"},
		{"port,process", Table, "port process"},
		{" port , process ", Wide, "port process"},
		{"+unit", Table, "+unit"},
		{"+unit,exe", Tree, "+unit +exe"},
		{"+unit,+exe", CSV, "+unit +exe"},
		{"known_as", Markdown, "known-as"},
		{"proto", Table, `error: unknown column "proto": did you mean "protocol"? (the columns are protocol, address, port, `},
		{"pord", Table, `error: unknown column "pord": did you mean "port"? (the columns are`},
		{"users", Table, `error: unknown column "users": did you mean "user"? (`},
		{"zzzzzz", Table, `error: unknown column "zzzzzz" (the columns are`},
		{"port,,user", Table, `error: unknown column "" (`},
		{"", Table, `error: unknown column "" (`},
		{"\x1b[31m", Table, `error: unknown column "\x1b[31m" (`},
		{strings.Repeat("p", 1000), Table, `error: unknown column "ppp`},
		{"port", JSON, "error: json has every fact, and no columns to choose"},
		{"port", YAML, "error: yaml has every fact"},
	}
	for _, tt := range tests {
		keys, err := ParseColumns(tt.in, tt.format)
		got := strings.Join(keys, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("ParseColumns(%q, %v) = %s, want %s", tt.in, tt.format, got, tt.want)
		}
		if err == nil {
			if got := render(t, host(), tt.format, Options{Columns: keys}); got == "" {
				t.Errorf("nothing written with the columns %q", keys)
			}
		}
	}
	if keys, err := ParseColumns("all", Table); err != nil || len(keys) != len(Columns()) {
		t.Errorf("ParseColumns(all) = %q, %v", keys, err)
	}
	for _, c := range Columns() {
		if c.Help == "" || strings.HasSuffix(c.Help, ".") {
			t.Errorf("the help of %q is %q", c.Key, c.Help)
		}
	}
}

func TestParseSort(t *testing.T) {
	tests := []struct{ in, want string }{
		{"port", "port"},
		{"-exposure,port", "-exposure port"},
		{" -port ", "-port"},
		{"nmae", `error: unknown column "nmae"`},
		{"--port", `error: unknown column "-port": did you mean "port"?`},
		{"", `error: unknown column ""`},
	}
	for _, tt := range tests {
		keys, err := ParseSort(tt.in)
		got := strings.Join(keys, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("ParseSort(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestUnknownColumnsAreErrors: also where nobody parsed them.
func TestUnknownColumnsAreErrors(t *testing.T) {
	for _, f := range []Format{Table, Wide, Tree, CSV, Markdown} {
		for _, o := range []Options{{Columns: []string{"nope"}}, {Columns: []string{"+nope"}}, {Sort: []string{"-nope"}}} {
			var b strings.Builder
			if err := Write(&b, host(), f, &o); err == nil || !strings.HasPrefix(err.Error(), `unknown column "nope"`) || b.Len() > 0 {
				t.Errorf("Write(%v, %+v) = %v, and wrote %q", f, o, err, b.String())
			}
		}
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range Formats() {
		if got, err := ParseFormat(f.String()); got != f || err != nil {
			t.Errorf("ParseFormat(%q) = %v, %v", f.String(), got, err)
		}
	}
	_, err := ParseFormat("tabel\n")
	if err == nil || err.Error() != `unknown format "tabel\n": it is one of table, wide, tree, json, jsonl, csv, yaml, markdown, html, sarif, junit, prometheus` {
		t.Errorf("ParseFormat(tabel) = %v", err)
	}
	if got := Format(77).String(); got != "Format(77)" {
		t.Errorf("Format(77) = %s", got)
	}
	if err := Write(new(strings.Builder), host(), Format(77), nil); err == nil {
		t.Error("Write in no format = nil")
	}
}

// TestSort looks at the ports in the order of the rows.
func TestSort(t *testing.T) {
	p := func(pid int, name string) *scanner.Process { return process(pid, name, "root") }
	ls := []annotate.Listener{
		listener(scanner.TCP, "10.0.0.9", 1, "b", p(30, "beta")),
		listener(scanner.TCP, "10.0.0.10", 2, "c", p(4, "alpha")),
		listener(scanner.TCP, "127.0.0.1", 3, "a", p(100, "Gamma")),
		listener(scanner.UDP, "::1", 10, "d"),
		listener(scanner.TCP, "0.0.0.0", 50000, "e", p(5, "alpha")),
	}
	ls[0].Queue.Length, ls[1].Queue.Length = 1, 100
	tests := []struct {
		sort string
		want string
	}{
		{"", "1 2 3 10 50000"},
		{"port", "1 2 3 10 50000"},
		{"-port", "50000 10 3 2 1"},
		{"address", "50000 1 2 3 10"},
		{"process", "2 50000 1 3 10"},
		{"pid", "2 50000 1 3 10"},
		{"-pid", "10 3 1 50000 2"},
		{"exposure", "3 10 1 2 50000"},
		{"-exposure,-port", "50000 2 1 10 3"},
		{"protocol,-port", "50000 3 2 1 10"},
		{"range,service", "3 1 2 10 50000"},
		{"-queue", "2 1 3 50000 10"},
		{"age", "2 50000 1 3 10"},
		{"started", "3 1 50000 2 10"},
	}
	for _, tt := range tests {
		var keys []string
		if tt.sort != "" {
			var err error
			if keys, err = ParseSort(tt.sort); err != nil {
				t.Fatal(err)
			}
		}
		got := strings.Join(cells(t, "port", Options{Sort: keys}, slices.Clone(ls)...), " ")
		if got != tt.want {
			t.Errorf("sorted by %q: %s, want %s", tt.sort, got, tt.want)
		}
	}
}

func TestCells(t *testing.T) {
	set := func(change func(l *annotate.Listener)) annotate.Listener {
		l := listener(scanner.TCP, "0.0.0.0", 80, "http", process(812, "nginx", "root"))
		l.Holders[0].Unit = ""
		change(&l)
		return l
	}
	held := func(ps ...*scanner.Process) annotate.Listener {
		return set(func(l *annotate.Listener) { l.Holders = ps })
	}
	many := make([]*scanner.Process, 7)
	for i := range many {
		many[i] = process(10+i, "worker", "root")
	}
	app := &scanner.Process{PID: 77, Name: "python3", Script: "app.py"}
	gone := &scanner.Process{PID: 78, Name: "nginx", Deleted: true}
	none := func(why scanner.Why) annotate.Listener {
		return set(func(l *annotate.Listener) { l.Holders, l.Why = nil, why })
	}
	since := func(d time.Duration) annotate.Listener {
		return set(func(l *annotate.Listener) { l.Holders[0].Started = scanned.Add(-d) })
	}
	terminal := Options{Width: 200}
	tests := []struct {
		columns string
		o       Options
		l       annotate.Listener
		want    string
	}{
		{"process", Options{}, held(process(812, "nginx", "root")), "nginx (812)"},
		{"process", Options{}, held(many...), "worker (10, 11, 12, 13, 14, 15, 16)"},
		{"process", terminal, held(many...), "worker (10, 11 +5)"},
		{"process", Options{Width: 80}, held(many...), "worker (10 +6)"},
		{"process", Options{Width: 200, NoTrunc: true}, held(many...), "worker (10, 11, 12, 13, 14, 15, 16)"},
		{"process,pid", terminal, held(many...), "worker 10, 11 +5"},
		{"process", Options{}, held(app), "python3 app.py (77)"},
		{"process", Options{}, held(gone), "nginx (78, deleted)"},
		{"process,pid,deleted", Options{}, held(gone), "nginx (deleted) 78 yes"},
		{"process", Options{}, held(process(1, "systemd", "root"), process(900, "sshd", "root")), "systemd (1), sshd (900)"},
		{"process", terminal, held(process(1, "a", ""), process(2, "b", ""), process(3, "c", ""), process(4, "d", ""), process(5, "e", "")), "a (1), b (2), c (3) +2"},
		{"process", Options{}, held(&scanner.Process{PID: 5}), "? (5)"},
		{"process,pid,owner", Options{}, none(scanner.NotPermitted), "– (not permitted) - not-permitted"},
		{"process,owner", Options{}, none(scanner.NotFound), "– (not found) not-found"},
		{"process,owner", Options{}, none(scanner.NotTold), "– (not told) not-told"},
		{"process,owner", Options{}, none(scanner.Kernel), "kernel kernel"},
		{"process", Options{}, none(scanner.Held), "-"},
		{"address", Options{}, set(func(l *annotate.Listener) { l.Device = "lo" }), "0.0.0.0%lo"},
		{"address", Options{}, listener(scanner.TCP, "fe80::1%eth0", 1, ""), "fe80::1%eth0"},
		{"address", Options{}, with(listener(scanner.TCP, "fe80::1%eth0", 1, ""), func(l *annotate.Listener) { l.Device = "eth0" }), "fe80::1%eth0"},
		{"address", Options{}, set(func(l *annotate.Listener) { l.Device = "\x1b[31m" }), `0.0.0.0%\x1b[31m`},
		{"service", Options{}, set(func(l *annotate.Listener) { l.Service.Name = "" }), "-"},
		{"service,program", Options{}, set(func(l *annotate.Listener) { l.Program = annotate.Differs }), "≠http differs"},
		{"service,known-as", Options{}, set(func(l *annotate.Listener) { l.Program, l.KnownAs = annotate.Differs, "prometheus" }), "prometheus (http) prometheus"},
		{"service", Options{}, set(func(l *annotate.Listener) { l.Service.Name, l.KnownAs = "", "prometheus" }), "prometheus"},
		{"service", Options{}, set(func(l *annotate.Listener) { l.KnownAs = "http" }), "http"},
		{"service,program", Options{}, set(func(l *annotate.Listener) { l.Service.Name, l.Program = "", annotate.Unregistered }), "- unregistered"},
		{"exposure", Options{}, set(func(l *annotate.Listener) { l.Widest = annotate.Shared }), "all (shared)"},
		{"exposure", Options{}, set(func(l *annotate.Listener) { l.Addresses, l.Widest = nil, annotate.Loopback }), "all"},
		{"exposure", Options{}, set(func(l *annotate.Listener) {
			l.Addresses, l.Widest = []netip.Addr{netip.IPv6Loopback()}, annotate.Loopback
		}), "all (loopback)"},
		{"exposure", Options{}, set(func(l *annotate.Listener) { l.Exposure = annotate.LinkLocal }), "link-local"},
		{"user,uid", Options{}, set(func(l *annotate.Listener) { l.User, l.UID = "www-data", 33 }), "www-data 33"},
		{"user", Options{}, set(func(l *annotate.Listener) { l.User, l.UID = "", 1234 }), "1234"},
		{"user,uid", Options{}, set(func(l *annotate.Listener) { l.User, l.UID = "", -1 }), "root -"},
		{"user", Options{}, set(func(l *annotate.Listener) { l.User, l.UID, l.Holders = "", -1, nil }), "-"},
		{"age", Options{}, since(0), "0s"},
		{"age", Options{}, since(59 * time.Second), "59s"},
		{"age", Options{}, since(90 * time.Second), "1m30s"},
		{"age", Options{}, since(2 * time.Hour), "2h"},
		{"age", Options{}, since(26*time.Hour + 30*time.Minute), "1d2h"},
		{"age", Options{}, since(-time.Second), "-"}, // it began after the scan: the clock was set
		{"started", Options{}, since(26 * time.Hour), "2026-11-22T06:00:00Z"},
		{"age,started", Options{}, set(func(l *annotate.Listener) { l.Holders[0].Started = time.Time{} }), "- -"},
		{"args", Options{}, set(func(l *annotate.Listener) { l.Holders[0].Args = []string{"nginx", "-c", "a b", "", "\n"} }), `nginx -c "a b" "" \x0a`},
		{"container", terminal, set(func(l *annotate.Listener) { l.Holders[0].Container = strings.Repeat("0f", 32) }), "0f0f0f0f0f0f"},
		{"container", Options{}, set(func(l *annotate.Listener) { l.Holders[0].Container = strings.Repeat("0f", 32) }), "0f0f0f0f0f0f"},
		{"container", terminal, set(func(l *annotate.Listener) { l.Holders[0].Container = "web" }), "web"},
		{"unit,parent,runtime", Options{}, set(func(*annotate.Listener) {}), "- systemd -"},
		{"queue,queue-length,queue-limit", Options{}, set(func(l *annotate.Listener) { l.Queue = scanner.Queue{Length: 3, Limit: 128} }), "3/128 3 128"},
		{"queue", Options{}, listener(scanner.UDP, "0.0.0.0", 53, ""), "-"},
		{"family,v6only,mptcp", Options{}, listener(scanner.TCP, "*", 1, ""), "4, 6 - -"},
		{"family,v6only", Options{}, listener(scanner.TCP, "::", 1, ""), "6 yes"},
		{"ephemeral,client", Options{All: true}, set(func(l *annotate.Listener) { l.Ephemeral, l.MaybeClient = true, true }), "yes yes"},
		{"source,description", Options{}, set(func(l *annotate.Listener) { l.Service.Source, l.Service.Description = portdb.Common, "World Wide Web" }), "common World Wide Web"},
		{"namespace,device,inode", Options{}, set(func(l *annotate.Listener) { l.Inode = 42 }), "host - 42"},
		{"addresses", Options{}, set(func(*annotate.Listener) {}), "127.0.0.1, 192.168.7.20"},
		{"exe", Options{Columns: nil, Width: 14}, set(func(l *annotate.Listener) { l.Holders[0].Exe = "/usr/lib/jvm/bin/java" }), "…/jvm/bin/java"},
	}
	for _, tt := range tests {
		if got := cells(t, tt.columns, tt.o, tt.l); len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s (%+v):\ngot  %q\nwant %q", tt.columns, tt.o, got, tt.want)
		}
	}
}

// TestCellsOfCSV: nothing is abbreviated for a program.
func TestCellsOfCSV(t *testing.T) {
	a, b := process(1, "nginx", "root"), process(2, "nginx", "www-data")
	l := listener(scanner.TCP, "::", 80, "http", a, b)
	l.V6Only, l.Program, l.KnownAs = false, annotate.Differs, "nginx"
	got := render(t, &Report{Listeners: []annotate.Listener{l}}, CSV, Options{
		Width: 10, Color: true, Columns: []string{"address", "family", "service", "process", "pid", "exposure", "mptcp", "addresses"},
	})
	want := "address,family,service,process,pid,exposure,mptcp,addresses\n::,6,http,nginx,1 2,all,false,::1 2001:db8::7\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	long := strings.Repeat("x", 10000)
	l.Holders = []*scanner.Process{{PID: 1, Name: long}}
	if got := render(t, &Report{Listeners: []annotate.Listener{l}}, CSV, Options{NoHeader: true, Columns: []string{"process"}}); got != long+"\n" {
		t.Errorf("a name of %d bytes comes out with %d", len(long), len(got)-1)
	}
}

// TestLongCells: a long name is cut at 4 KB, does not make every row as long,
// and --no-trunc shows all of it.
func TestLongCells(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	r := &Report{Listeners: []annotate.Listener{
		listener(scanner.TCP, "0.0.0.0", 1, "", &scanner.Process{PID: 1, Name: long}),
		listener(scanner.TCP, "0.0.0.0", 2, "", &scanner.Process{PID: 2, Name: "short"}),
	}}
	o := Options{NoHeader: true, Columns: []string{"process", "port"}}
	first, second, _ := strings.Cut(render(t, r, Table, o), "\n")
	if !strings.HasSuffix(first, "x… (1)  1") || len(first) > 4200 {
		t.Errorf("the row has %d bytes and ends in %q", len(first), first[len(first)-20:])
	}
	if len(second) > 200 {
		t.Errorf("the other row has %d bytes", len(second))
	}
	o.NoTrunc = true
	if got := render(t, r, Table, o); !strings.Contains(got, long+" (1)") {
		t.Errorf("%d bytes with NoTrunc", len(got))
	}
}
