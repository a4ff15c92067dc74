package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// fleetReport is the report of a host of a fleet, which listens for SSH and for
// PostgreSQL on loopback.
func fleetReport(name string, more ...annotate.Listener) *Report {
	return &Report{
		Tool: "test", Registry: "2026-09-17", Time: scanned, Host: scanner.Host{Name: name, OS: "linux", BootID: "boot of " + name},
		Coverage: scanner.Coverage{Complete: true, Privileges: "root", Sources: []string{"netlink"}},
		Listeners: append([]annotate.Listener{
			listener(scanner.TCP, "0.0.0.0", 22, "ssh", process(800, "sshd", "root")),
			listener(scanner.TCP, "127.0.0.1", 5432, "postgresql", process(900, "postgres", "postgres")),
		}, more...),
	}
}

// fleetOf merges reports a day after they were made.
func fleetOf(reports ...*Report) *Fleet {
	f := &Fleet{Tool: "test", Time: scanned.Add(24 * time.Hour), MaxAge: 7 * 24 * time.Hour}
	for _, r := range reports {
		f.Add(r, r.Host.Name+".json")
	}
	return f
}

// twenty is a fleet of twenty hosts, one of which change changes.
func twenty(change func(*Report)) []*Report {
	var list []*Report
	for i := range 20 {
		list = append(list, fleetReport(fmt.Sprintf("web%02d", i)))
	}
	change(list[7])
	return list
}

// motley is a fleet with one of everything.
func motley() *Fleet {
	list := twenty(func(r *Report) {
		r.Listeners = append(r.Listeners, listener(scanner.TCP, "0.0.0.0", 4444, "", process(666, "nc", "nobody")))
	})
	list[3].Listeners[1] = listener(scanner.TCP, "0.0.0.0", 5432, "postgresql", process(900, "postgres", "postgres"))
	list[4].Listeners[0] = listener(scanner.TCP, "0.0.0.0", 22, "ssh", process(801, "dropbear", "root"))
	list[5].Listeners = list[5].Listeners[:1]
	list[6].Coverage = scanner.Coverage{Privileges: "user", Sources: []string{"gopsutil"}, Limitations: []scanner.Limitation{{Code: "x", Text: "not all was seen"}}}
	list[8].Time = scanned.Add(-30 * 24 * time.Hour)
	list[9].Time = scanned.Add(48 * time.Hour)
	list[2].Findings = []audit.Finding{
		{Rule: "WL001", Title: "telnet is reachable", Severity: audit.Error},
		{Rule: "WL001", Title: "telnet is reachable", Severity: audit.Error},
		{Rule: "WL020", Title: "a shared port", Severity: audit.Note},
	}
	for i, r := range list {
		r.Listeners = append(r.Listeners, with(listener(scanner.TCP, "0.0.0.0", uint16(35000+i*131), "", process(700, "rpc.statd", "statd")), func(l *annotate.Listener) { l.Ephemeral = true }))
	}
	older := fleetReport("web01")
	older.Time = scanned.Add(-time.Hour)
	f := fleetOf(append(list, older)...)
	f.Skipped = []Skipped{{"web99.json", "line 1, column 9: the report ends here"}}
	return f
}

func fleetWritten(t *testing.T, f *Fleet, format Format, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteFleet(&b, f, format, &o); err != nil {
		t.Fatalf("WriteFleet(%v) = %v", format, err)
	}
	return b.String()
}

// TestFleetScreens holds a fleet in every format against the golden files.
func TestFleetScreens(t *testing.T) {
	f := motley()
	v := newValidator(t)
	for _, format := range FleetFormats() {
		got := fleetWritten(t, f, format, Options{})
		switch format {
		case HTML:
			got = string(fleetAlone(t, []byte(got)))
		case JSON:
			v.check(t, "fleet", []byte(got))
		}
		checkShown(t, format, []byte(got))
		screen(t, "fleet."+format.String(), got)
	}
	screen(t, "fleet-60", fleetWritten(t, f, Table, Options{Width: 60}))
	screen(t, "fleet-none", fleetWritten(t, fleetOf(), Table, Options{}))
	screen(t, "fleet-one", fleetWritten(t, fleetOf(host()), Table, Options{}))
	for _, format := range FleetFormats() {
		fleetWritten(t, fleetOf(), format, Options{})
	}
	v.check(t, "fleet", []byte(fleetWritten(t, fleetOf(), JSON, Options{})))
	v.check(t, "fleet", []byte(fleetWritten(t, fleetOf(host()), JSON, Options{})))
}

// fleetAlone returns the page without style and script, as pageAlone.
func fleetAlone(t *testing.T, page []byte) []byte {
	t.Helper()
	i := bytes.Index(page, []byte("<body>"))
	j := bytes.LastIndex(page, []byte("<script>"))
	if i < 0 || j < i {
		t.Fatal("the page has no body, or no script at its end")
	}
	return page[i:j]
}

// TestFleetDifferences changes one host of twenty and looks at what is said.
func TestFleetDifferences(t *testing.T) {
	nc := process(666, "nc", "nobody")
	tests := []struct {
		name   string
		change func(*Report)
		want   []string
	}{
		{"the same", func(*Report) {}, nil},
		{"exposed", func(r *Report) {
			r.Listeners = append(r.Listeners, listener(scanner.TCP, "0.0.0.0", 4444, "", nc))
		}, []string{"exposed 4444/tcp nc, reachable from outside (1 of 20)"}},
		{"local", func(r *Report) {
			r.Listeners = append(r.Listeners, listener(scanner.TCP, "127.0.0.1", 4444, "", nc))
		}, []string{"extra 4444/tcp nc (1 of 20)"}},
		{"no owner", func(r *Report) { r.Listeners = append(r.Listeners, listener(scanner.UDP, "127.0.0.1", 69, "tftp")) }, []string{"extra 69/udp a program not known (1 of 20)"}},
		{"wider", func(r *Report) {
			r.Listeners[1] = listener(scanner.TCP, "10.0.0.5", 5432, "postgresql", process(900, "postgres", "postgres"))
		}, []string{"wider 5432/tcp postgres is reachable from outside, not only from this host (1 of 20)"}},
		{"narrower", func(r *Report) {
			r.Listeners[0] = listener(scanner.TCP, "127.0.0.1", 22, "ssh", process(800, "sshd", "root"))
		}, []string{"narrower 22/tcp sshd is for this host alone (1 of 20)"}},
		{"another program", func(r *Report) {
			r.Listeners[0] = listener(scanner.TCP, "0.0.0.0", 22, "ssh", nc)
		}, []string{"program 22/tcp nc, elsewhere sshd (1 of 20)"}},
		{"a program beside", func(r *Report) {
			r.Listeners = append(r.Listeners, listener(scanner.TCP, "0.0.0.0", 22, "ssh", nc))
		}, []string{"program 22/tcp nc, elsewhere sshd (1 of 20)"}},
		{"an owner not seen", func(r *Report) { r.Listeners[0] = listener(scanner.TCP, "0.0.0.0", 22, "ssh") }, nil},
		{"missing", func(r *Report) { r.Listeners = r.Listeners[:1] }, []string{"missing 5432/tcp does not listen here, elsewhere postgres (1 of 20)"}},
		{"not seen", func(r *Report) { r.Listeners, r.Coverage.Complete = r.Listeners[:1], false }, []string{"missing 5432/tcp does not listen here, elsewhere postgres; this scan was not complete (1 of 20)"}},
		{"narrowed down", func(r *Report) { r.Listeners, r.Scope.Narrowed = r.Listeners[:1], true }, nil},
		{"in a container", func(r *Report) {
			r.Listeners = append(r.Listeners, with(listener(scanner.TCP, "0.0.0.0", 22, "ssh", nc), func(l *annotate.Listener) { l.Namespace = "c0ffee" }))
		}, []string{"exposed 22/tcp inside nc, reachable from outside (1 of 20)"}},
		{"a client", func(r *Report) {
			r.Listeners = append(r.Listeners, with(listener(scanner.UDP, "0.0.0.0", 45000, "", nc), func(l *annotate.Listener) { l.MaybeClient = true }))
		}, nil},
	}
	for _, tt := range tests {
		s := fleetOf(twenty(tt.change)...).sum()
		var got []string
		var p page
		for i := range s.differences {
			d := &s.differences[i]
			if d.host.name != "web07" {
				t.Errorf("%s: %s differs", tt.name, d.host.name)
			}
			p.word(kindWords[d.kind])
			p.word(" ")
			p.portOf(d.service)
			p.word(" ")
			p.difference(d)
			got = append(got, string(p.take()))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: differences %q, want %q", tt.name, got, tt.want)
		}
		if tt.want != nil && s.hosts[0].name != "web07" {
			t.Errorf("%s: the worst host is %s, want web07", tt.name, s.hosts[0].name)
		}
	}
	if s := fleetOf(twenty(tests[1].change)[5:14]...).sum(); s.differences != nil {
		t.Errorf("nine hosts have %d differences, want none", len(s.differences))
	}
}

// TestFleetTwice adds two reports that may be of one host.
func TestFleetTwice(t *testing.T) {
	at := func(r *Report, boot, addr string, hour int) *Report {
		r.Host.BootID, r.Time = boot, scanned.Add(time.Duration(hour)*time.Hour)
		if addr != "" {
			r.Host.Interfaces = []scanner.Interface{
				{Name: "lo", Addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}},
				{Name: "docker0", Addrs: []netip.Prefix{netip.MustParsePrefix("172.17.0.1/16")}},
				{Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix(addr)}},
			}
		}
		return r
	}
	web := func(boot, addr string, hour int) *Report { return at(fleetReport("web"), boot, addr, hour) }
	tests := []struct {
		name string
		list []*Report
		want string // the hours of the reports that count, and how many were left out
	}{
		{"another name", []*Report{web("a", "10.0.0.1/8", 1), at(fleetReport("db"), "a", "10.0.0.1/8", 2)}, "2+0 1+0"},
		{"newer last", []*Report{web("a", "10.0.0.1/8", 1), web("a", "10.0.0.1/8", 2)}, "2+1"},
		{"newer first", []*Report{web("a", "10.0.0.1/8", 2), web("a", "10.0.0.1/8", 1)}, "2+1"},
		{"three", []*Report{web("a", "10.0.0.1/8", 2), web("b", "10.0.0.1/8", 3), web("c", "10.0.0.1/8", 1)}, "3+2"},
		{"one time", []*Report{web("a", "", 1), web("a", "", 1)}, "1+1"},
		{"a reboot", []*Report{web("a", "10.0.0.1/8", 1), web("b", "10.0.0.1/8", 2)}, "2+1"},
		{"a new address", []*Report{web("a", "10.0.0.1/8", 1), web("a", "10.0.0.2/8", 2)}, "2+1"},
		{"two machines", []*Report{web("a", "10.0.0.1/8", 1), web("b", "10.0.0.2/8", 2)}, "1+0 2+0"},
		{"without addresses", []*Report{web("a", "", 1), web("b", "10.0.0.2/8", 2)}, "2+1"},
	}
	for _, tt := range tests {
		var f Fleet
		for i, r := range tt.list {
			f.Add(r, fmt.Sprintf("%d.json", i))
		}
		var got []string
		for _, h := range f.sum().hosts {
			got = append(got, fmt.Sprintf("%d+%d", int(h.time.Sub(scanned).Hours()), h.older))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
	}
}

// TestFleetHostile has hostile text wherever a report has text.
func TestFleetHostile(t *testing.T) {
	const bad = "\x1b[2J\n=1+1|`<script>alert(1)</script>\u202e\xff"
	list := twenty(func(*Report) {})
	for _, r := range []*Report{list[1], list[2]} {
		r.Host.Name, r.Host.OS, r.Coverage.Privileges, r.Coverage.Sources = bad, bad, bad, []string{bad}
		r.Coverage.Complete, r.Coverage.Limitations = false, []scanner.Limitation{{Code: bad, Text: bad, Remedy: bad}}
		r.Listeners = append(r.Listeners, listener(scanner.TCP, "0.0.0.0", 4444, bad, process(1, bad, bad)))
		r.Findings = []audit.Finding{{Rule: bad, Title: bad, Severity: audit.Error, Message: bad}}
	}
	list[1].Host.BootID, list[2].Host.BootID = "", bad
	f := fleetOf(list...)
	f.Skipped = []Skipped{{bad, bad}}
	for _, format := range FleetFormats() {
		got := fleetWritten(t, f, format, Options{})
		if format == HTML {
			got = string(fleetAlone(t, []byte(got)))
			if strings.Contains(got, "<script") {
				t.Errorf("%v: a script of the host", format)
			}
		}
		checkShown(t, format, []byte(got))
		switch format {
		case CSV:
			rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, cell := range slices.Concat(rows...) {
				if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
					t.Errorf("%v: a formula: %q", format, cell)
				}
			}
		case Markdown:
			for line := range strings.Lines(got) {
				if i := strings.Index(line, "<script"); i >= 0 && strings.Count(line[:i], "`")%2 == 0 {
					t.Errorf("%v: HTML outside of code: %s", format, line)
				}
			}
		case JSON:
			newValidator(t).check(t, "fleet", []byte(got))
		}
	}
}

// TestFleetOrder adds the same reports in another order: but for which of equal
// ones is the last, nothing changes.
func TestFleetOrder(t *testing.T) {
	list := twenty(func(r *Report) {
		r.Listeners = append(r.Listeners, listener(scanner.TCP, "0.0.0.0", 4444, "", process(666, "nc", "nobody")))
	})
	want := fleetWritten(t, fleetOf(list...), JSON, Options{})
	slices.Reverse(list)
	if got := fleetWritten(t, fleetOf(list...), JSON, Options{}); got != want {
		t.Error("the order of the reports is seen in the fleet")
	}
}
