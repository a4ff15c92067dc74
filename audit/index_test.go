package audit

import (
	"slices"
	"strconv"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// The index of a register leaves out no entry that has to do with a listener, and
// finds few of many.
func TestJudgeIndex(t *testing.T) {
	p := &Policy{}
	add := func(e Entry) {
		e.Protocols, e.Exposure = []scanner.Protocol{scanner.TCP}, annotate.All
		p.Entries = append(p.Entries, e)
	}
	words := []string{"nginx", "/usr/sbin/nginx", "/opt/nginx", "kernel", "kworker/0:1", "app.py", "/srv/app.py", "lib/app.py", "python3", "/usr/bin/python3"}
	for i, w := range words {
		add(Entry{Programs: []string{w}})
		add(Entry{Programs: []string{w, words[(i+1)%len(words)]}})
		add(Entry{Programs: []string{w}, Ports: []PortSpan{{80, 80}}})
		add(Entry{Programs: []string{w}, Ports: []PortSpan{{70, 90}}})
	}
	add(Entry{})
	add(Entry{Users: []string{"root"}})
	named := len(p.Entries)
	for i := range 100 {
		add(Entry{Programs: []string{"other" + strconv.Itoa(i)}})
		add(Entry{Ports: []PortSpan{{1000, 1000}}})
	}
	holders := [][]*scanner.Process{nil, {{}}}
	for _, name := range []string{"", "nginx", "kworker/0:1", "python3", "kernel", "x"} {
		for _, exe := range []string{"", "/usr/sbin/nginx", "/usr/bin/python3", "/opt/x"} {
			for _, script := range []string{"", "app.py", "/srv/app.py", "lib/app.py"} {
				one := &scanner.Process{PID: 7, Name: name, Exe: exe, Script: script}
				holders = append(holders, []*scanner.Process{one}, []*scanner.Process{{PID: 1, Name: "systemd"}, one}, []*scanner.Process{one, {PID: 8, Name: "x"}})
			}
		}
	}
	x, related := p.index(), 0
	for _, hs := range holders {
		for _, why := range []scanner.Why{0, scanner.Kernel, scanner.NotFound, scanner.NotPermitted} {
			l := &annotate.Listener{Socket: &scanner.Socket{Protocol: scanner.TCP, Port: 80, UID: -1, Why: why, Holders: hs}}
			var found []int
			for _, list := range x.of(l) {
				found = append(found, list...)
			}
			for i := range p.Entries {
				if _, ok := p.Entries[i].fit(l, ""); ok {
					related++
					if !slices.Contains(found, i) {
						t.Errorf("%v, held by %+v: entry %q is not found", why, hs, p.Entries[i].String())
					}
				}
			}
			seen := len(hs) > 0 && (holdersOf(l)[0].Name != "" || holdersOf(l)[0].Exe != "") || len(hs) == 0 && (why == scanner.Kernel || why == scanner.NotFound)
			if seen && slices.ContainsFunc(found, func(i int) bool { return i >= named }) {
				t.Errorf("%v, held by %+v: an entry for another program or port is found", why, hs)
			}
		}
	}
	if related == 0 {
		t.Error("no entry has to do with any listener")
	}
}

// The index of a lint leaves out no entry that overlaps, and finds few of many.
func TestLintIndex(t *testing.T) {
	var entries []Entry
	add := func(line string) { entries = append(entries, register(t, line).Entries...) }
	wheres := []string{"port: 80", "port: 81", "port: any", "ports: 80-90", "port: [80, 81]"}
	for _, where := range wheres {
		for _, reach := range []string{"exposure: all", "exposure: loopback", "address: 127.0.0.1", "address: 10.0.0.0/8", "address: 10.0.0.1", "address: ['::1', 10.0.0.0/8]", "address: 'fe80::1%a'"} {
			for _, who := range []string{"", "program: a", "program: /bin/a", "program: [a, b]", "program: kernel", "user: a", "user: [a, b]", "unit: a.service", "container: a", "namespace: any", "namespace: [a, b]"} {
				line := where + ", " + reach
				if who != "" {
					line += ", " + who
				}
				add(line)
			}
		}
	}
	var x lintIndex
	for i := range entries {
		near, overlapping := x.near(&entries[i]), 0
		if !slices.IsSorted(near) || len(slices.Compact(slices.Clone(near))) != len(near) {
			t.Fatalf("%v: %v is not in order", &entries[i], near)
		}
		for k := range entries[:i] {
			if !entries[k].overlaps(&entries[i]) {
				continue
			}
			overlapping++
			if !slices.Contains(near, k) {
				t.Errorf("%v overlaps with %v, which is not found", &entries[i], &entries[k])
			}
		}
		if i == len(entries)-1 && overlapping == 0 {
			t.Error("nothing overlaps")
		}
		x.add(&entries[i])
	}
	e := register(t, "port: 9999, exposure: all").Entries[0]
	if n := len(x.near(&e)); n >= len(entries) {
		t.Errorf("%d of %d entries may be about port 9999", n, len(entries))
	}
}
