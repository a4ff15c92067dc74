package report

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clipperhouse/displaywidth"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// driftOf is what changed on a host between two scans a day apart.
func driftOf(base, now []annotate.Listener) *Report {
	reports := [2]*Report{}
	for i, list := range [...][]annotate.Listener{base, now} {
		reports[i] = &Report{
			Tool: "test", Registry: "2026-09-17", Time: scanned.Add(time.Duration(i-1) * 24 * time.Hour),
			Host:       scanner.Host{Name: "web1", OS: "linux", BootID: "b"},
			Coverage:   scanner.Coverage{Complete: true, Privileges: "root", Sources: []string{"netlink"}},
			Namespaces: []scanner.Namespace{{Name: "host", Inode: 1}},
			Scope:      audit.Scope{Protocols: []scanner.Protocol{scanner.TCP, scanner.UDP, scanner.Unix}},
			Listeners:  list,
		}
	}
	then, r := reports[0], reports[1]
	changes := audit.Drift(then.Scan(), r.Scan())
	r.Findings = changes.Findings
	r.Baseline = &audit.Baseline{Host: then.Host.Name, Tool: then.Tool, Time: then.Time, Unchanged: changes.Unchanged, Caveats: changes.Caveats}
	return r
}

// of has a listener belong to a user and its processes run as that user.
func of(uid int64, l annotate.Listener) annotate.Listener {
	l.UID = uid
	for _, p := range l.Holders {
		p.UID = uid
	}
	return l
}

// drifted has a change of each kind.
func drifted() *Report {
	root := func(pid int, name string) *scanner.Process { return process(pid, name, "root") }
	kernel := func(l *annotate.Listener) { l.Why = scanner.Kernel }
	ssh := listener(scanner.TCP, "0.0.0.0", 22, "ssh", root(10, "sshd"))
	base := []annotate.Listener{
		ssh,
		listener(scanner.TCP, "*", 443, "https", root(11, "nginx")),
		listener(scanner.TCP, "127.0.0.1", 5432, "postgresql", process(12, "postgres", "postgres")),
		listener(scanner.TCP, "0.0.0.0", 6379, "redis", process(13, "redis-server", "redis")),
		listener(scanner.UDP, "127.0.0.53", 53, "domain", process(14, "systemd-resolved", "systemd-resolve")),
		of(998, listener(scanner.TCP, "0.0.0.0", 8080, "http-alt", process(15, "java", "tomcat"))),
		with(listener(scanner.UDP, "0.0.0.0", 51820, ""), kernel),
	}
	now := []annotate.Listener{
		ssh,
		listener(scanner.TCP, "*", 443, "https", root(30, "caddy")),
		listener(scanner.TCP, "0.0.0.0", 5432, "postgresql", process(12, "postgres", "postgres")),
		listener(scanner.UDP, "127.0.0.53", 53, "domain", process(31, "systemd-resolved", "systemd-resolve")),
		listener(scanner.TCP, "0.0.0.0", 8080, "http-alt", root(15, "java")),
		listener(scanner.TCP, "0.0.0.0", 4444, "", root(32, "nc")),
		with(listener(scanner.TCP, "2001:db8:1234:5678:9abc:def0:1234:5678", 9100, "", process(33, "a-very-long-exporter-name-of-someone", "prometheus")),
			func(l *annotate.Listener) { l.Device = "eth0" }),
		with(listener(scanner.UDP, "0.0.0.0", 51821, ""), kernel),
	}
	return driftOf(base, now)
}

// driftedHostile has a change on every hostile name, as that of a program, a
// device, a user, a namespace and a path.
func driftedHostile() *Report {
	var base, now []annotate.Listener
	for i, name := range hostileNames {
		at := func(addr, program, user string) annotate.Listener {
			return with(listener(scanner.TCP, addr, uint16(20000+i), name, process(7000+i, program, user)),
				func(l *annotate.Listener) { l.Device = name })
		}
		switch i % 6 {
		case 0:
			now = append(now, at("0.0.0.0", name, name))
		case 1:
			base, now = append(base, at("127.0.0.1", name, name)), append(now, at("0.0.0.0", name, name))
		case 2:
			base, now = append(base, at("0.0.0.0", "old"+name, name)), append(now, at("0.0.0.0", name, name))
		case 3:
			base, now = append(base, of(1, at("0.0.0.0", "x", "old"+name))), append(now, of(2, at("0.0.0.0", "x", name)))
		case 4:
			base = append(base, with(at("0.0.0.0", name, name), func(l *annotate.Listener) { l.Namespace = name }))
		case 5:
			now = append(now, with(at("0.0.0.0", name, name), func(l *annotate.Listener) {
				l.Protocol, l.Port, l.Addr, l.Device = scanner.Unix, 0, netip.Addr{}, ""
				l.Unix = &scanner.UnixAddr{Path: "/run/" + name}
			}))
		}
	}
	r := driftOf(base, now)
	r.Baseline.Host = "\x1b[2J@web"
	r.Baseline.Caveats = []audit.Caveat{{Text: "a | b `c` \x1b[31m\u202e <img src=x>"}, {Wrong: true, Text: "\n::error::x @everyone"}}
	return r
}

// drift writes the changes of r.
func drift(t testing.TB, r *Report, f Format, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteDrift(&b, r, f, &o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What changed, for people: nothing of a hostile name comes through as it is,
// and no line is wider than the terminal.
func TestDriftScreens(t *testing.T) {
	for name, r := range map[string]*Report{"drift": drifted(), "drift-hostile": driftedHostile(), "drift-none": driftOf(nil, nil)} {
		for _, width := range []int{0, 72, 100, 132} {
			got := drift(t, r, Table, Options{Width: width})
			screen(t, fmt.Sprintf("%s-%d.txt", name, width), got)
		}
		screen(t, name+"-colour.txt", drift(t, r, Table, Options{Width: 100, Color: true}))
		page := drift(t, r, Markdown, Options{})
		screen(t, name+".md", page)
		checkShown(t, Markdown, []byte(page))
		rows := 0
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "|") {
				rows++
				if n := strings.Count(line, "|"); n != 7 {
					t.Errorf("a row of %d bars: %q", n, line)
				}
			}
			for i, part := range strings.Split(line, "`") { // outside the inline code
				if i%2 == 0 && strings.ContainsAny(part, "<[@&\\=") || i%2 == 0 && strings.Contains(part, "GH-") {
					t.Errorf("%q stands in %q", part, line)
				}
			}
		}
		if n := len(r.Findings); n > 0 && rows != n+2 {
			t.Errorf("%s: %d rows of %d changes", name, rows, n)
		}
		for width := 30; width <= 140; width++ {
			got := sgr.ReplaceAllString(drift(t, r, Table, Options{Width: width, Color: width%2 == 0}), "")
			checkShown(t, Table, []byte(got))
			for line := range strings.Lines(got) {
				line = strings.TrimSuffix(line, "\n")
				if n := displaywidth.String(line); n > width || strings.HasSuffix(line, " ") || strings.HasPrefix(strings.TrimSpace(line), "::") {
					t.Errorf("%s at %d cells a line of %d: %q", name, width, n, line)
				}
			}
		}
	}
}

// A comment on a pull request has room for 65,536 characters, however long the
// names are and however much of them is shown as escapes.
func TestDriftMarkdownFits(t *testing.T) {
	r := driftedHostile()
	one := r.Findings[0]
	one.Was, one.Now = strings.Repeat("\x1b", 300), strings.Repeat("\u202e", 300)
	one.Subject.Programs = []string{strings.Repeat("\xff", 300)}
	r.Findings = nil
	for range 2000 {
		r.Findings = append(r.Findings, one)
	}
	got := drift(t, r, Markdown, Options{})
	rows := strings.Count(got, "\n| `")
	if len(got) > 65536 || rows < 20 || !strings.HasSuffix(got, fmt.Sprintf("|\n\nand %d more changes\n", 2000-rows)) {
		t.Errorf("%d bytes and %d rows, the end %q", len(got), rows, got[max(0, len(got)-100):])
	}
}
