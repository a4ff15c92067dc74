package report

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

const containerID = "c7bed02ba17aa12fe6639beafa767e50c5d56a5560ef8677936813ed375e572a"

// publishing is a host that publishes a container's port 7070 as 17070.
func publishing() *Report {
	monitor, app := process(18651, "conmon", "root"), process(18662, "listener", "root")
	from, to := netip.MustParseAddrPort("0.0.0.0:17070"), netip.MustParseAddrPort("10.88.0.2:7070")
	monitor.Forwards = []scanner.Forward{{Protocol: scanner.TCP, From: from, To: to, Container: containerID, Namespace: containerID}}
	app.Runtime, app.Container = "podman", containerID
	app.Ancestors = []scanner.Ancestor{{PID: 18651, Name: "conmon"}, {PID: 1, Name: "systemd"}}
	return &Report{
		Namespaces: []scanner.Namespace{{Name: "host"}, {Name: containerID, Runtime: "podman", Container: containerID}},
		Registry:   "2026-09-17", Time: scanned, Host: scanner.Host{Name: "web1", OS: "linux"}, Coverage: scanner.Coverage{Complete: true},
		Listeners: []annotate.Listener{
			with(listener(scanner.TCP, "0.0.0.0", 17070, "", monitor), func(l *annotate.Listener) {
				l.LeadsTo = []annotate.Endpoint{{Namespace: containerID, Protocol: scanner.TCP, Addr: netip.IPv6Unspecified(), Port: 7070}}
			}),
			listener(scanner.TCP, "0.0.0.0", 18080, "", monitor),
			with(listener(scanner.TCP, "*", 7070, "arcp", app), func(l *annotate.Listener) {
				l.Namespace, l.Exposure, l.Widest = containerID, annotate.Container, annotate.Container
				l.PublishedAs = []annotate.Endpoint{{Namespace: "host", Protocol: scanner.TCP, Addr: from.Addr(), Port: 17070}}
			}),
		},
	}
}

// named gives the container its name.
func named(r *Report) *Report {
	r.Listeners[0].Holders[0].Forwards[0].ContainerName = "shop"
	r.Namespaces[1].ContainerName = "shop"
	r.Listeners[2].Holders[0].ContainerName, r.Listeners[2].Holders[0].Image = "shop", "docker.io/library/shop:1.2"
	return r
}

func TestPublishedPorts(t *testing.T) {
	tests := []struct {
		name string
		r    *Report
		f    Format
		o    Options
		want []string
	}{
		{"table", publishing(), Table, Options{}, []string{"conmon → c7bed02ba17a:7070 (18651)", "listener, published as 17070 (18662)"}},
		{"table with a name", named(publishing()), Table, Options{}, []string{"conmon → shop:7070 (18651)", "listener, published as 17070 (18662)", "container      shop\n"}},
		{"namespace in a pipe", publishing(), Table, Options{Columns: []string{"port", "process", "namespace"}}, []string{"(18662)  c7bed02ba17a\n"}},
		{"namespace in Markdown", publishing(), Markdown, Options{Columns: []string{"port", "namespace"}}, []string{"| 7070 | `c7bed02ba17a` |"}},
		{"namespace in CSV", publishing(), CSV, Options{Columns: []string{"port", "namespace"}}, []string{"7070," + containerID + "\n"}},
		{"container in a pipe", publishing(), Table, Options{All: true, Columns: []string{"port", "container"}}, []string{"7070  c7bed02ba17a\n"}},
		{"narrow table", publishing(), Table, Options{Width: 80}, []string{"(18651)", "(18662)"}},
		{"tree", named(publishing()), Tree, Options{}, []string{
			"conmon (18651)", "│  └─ → shop:7070, listener (18662)\n", "listener (18662)  root  listener.service  shop\n", "   └─ published as 17070\n",
		}},
		{"wide", named(publishing()), Wide, Options{}, []string{"CONTAINER NAME", "shop", "PARENTS", "systemd → conmon → listener"}},
		{"columns", named(publishing()), Table, Options{Columns: []string{"port", "leads-to", "published-as", "image"}}, []string{
			"17070  shop:7070", "7070  -          17070         docker.io/library/shop:1.2",
		}},
		{"csv", publishing(), CSV, Options{Columns: []string{"port", "process", "leads-to", "published-as"}}, []string{
			"17070,conmon,[::]:7070@" + containerID + ",\n", "7070,listener,,0.0.0.0:17070@host\n",
		}},
	}
	for _, tt := range tests {
		got := render(t, tt.r, tt.f, tt.o)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in:\n%s", tt.name, want, got)
			}
		}
	}
	// The port of the same monitor that leads nowhere known says nothing of it.
	for line := range strings.Lines(render(t, publishing(), Table, Options{})) {
		if strings.Contains(line, "18080") && strings.Contains(line, "→") {
			t.Errorf("a port that is not published: %s", line)
		}
	}
}

// A published port that leads to nothing says so, where the namespace behind it was
// seen whole.
func TestPublishedToNothing(t *testing.T) {
	const nothing = "nothing listens there"
	tests := []struct {
		name string
		with func(*Report)
		want bool
	}{
		{"nobody", func(*Report) {}, true},
		{"somebody", func(r *Report) { r.Listeners[0].LeadsTo = publishing().Listeners[0].LeadsTo }, false},
		{"not looked into", func(r *Report) { r.Namespaces = r.Namespaces[:1] }, false},
		{"not seen whole", func(r *Report) {
			r.Coverage = scanner.Coverage{Limitations: []scanner.Limitation{{Code: scanner.LimitNetlinkPartial}}}
		}, false},
		{"no port is known", func(r *Report) {
			f := &r.Listeners[0].Holders[0].Forwards[0]
			f.To = netip.AddrPortFrom(f.To.Addr(), 0)
		}, false},
		{"no namespace is known", func(r *Report) { r.Listeners[0].Holders[0].Forwards[0].Namespace = "" }, false},
	}
	for _, tt := range tests {
		r := named(publishing())
		r.Listeners = r.Listeners[:1]
		r.Listeners[0].LeadsTo = nil
		tt.with(r)
		for _, f := range []Format{Table, Tree, Wide, Markdown} {
			if got := render(t, r, f, Options{}); strings.Contains(got, ":7070, "+nothing) != tt.want {
				t.Errorf("%s, %v: %q is not %v in:\n%s", tt.name, f, nothing, tt.want, got)
			}
		}
		if got := render(t, r, CSV, Options{}); strings.Contains(got, nothing) {
			t.Errorf("%s, CSV: %q in:\n%s", tt.name, nothing, got)
		}
	}
}

// Ports that lead into different containers are rows of their own, whatever
// else is the same.
func TestPublishedPortsApart(t *testing.T) {
	r := publishing()
	one := r.Listeners[0]
	two := with(listener(scanner.TCP, "0.0.0.0", 17070, "", process(18651, "conmon", "root")), func(l *annotate.Listener) {
		f := one.Holders[0].Forwards[0]
		f.Container = "0" + containerID[1:]
		l.Holders[0].Forwards = []scanner.Forward{f}
	})
	r.Listeners = []annotate.Listener{one, two}
	got := render(t, r, Table, Options{})
	if !strings.Contains(got, "→ c7bed02ba17a:7070") || !strings.Contains(got, "→ 07bed02ba17a:7070") {
		t.Errorf("two containers are one row:\n%s", got)
	}
}

func TestTarget(t *testing.T) {
	to := netip.MustParseAddrPort("10.88.0.2:80")
	tests := []struct {
		f    scanner.Forward
		want string
	}{
		{scanner.Forward{To: to, Container: containerID, ContainerName: "a\x1bb", Namespace: "n"}, `a\x1bb:80`},
		{scanner.Forward{To: to, Container: containerID, Namespace: "n"}, "c7bed02ba17a:80"},
		{scanner.Forward{To: to, Container: "web1"}, "web1:80"},
		{scanner.Forward{To: to, Namespace: "pid 77"}, "pid 77:80"},
		{scanner.Forward{To: to}, "10.88.0.2:80"},
		{scanner.Forward{To: netip.MustParseAddrPort("[fd00::2]:80")}, "[fd00::2]:80"},
		{scanner.Forward{Container: "web1"}, "web1"},
		{scanner.Forward{To: netip.AddrPortFrom(netip.Addr{}, 80)}, "?:80"},
	}
	for _, tt := range tests {
		p := new(page)
		if p.target(&tt.f); string(p.rest(0)) != tt.want {
			t.Errorf("target(%+v) = %q, want %q", tt.f, p.rest(0), tt.want)
		}
	}
}

func TestParents(t *testing.T) {
	tests := []struct {
		names []string // nearest first
		raw   bool
		want  string
	}{
		{nil, false, ""},
		{[]string{"systemd"}, false, "systemd → nginx"},
		{[]string{"containerd-shim", "systemd"}, false, "systemd → containerd-shim → nginx"},
		{[]string{"d", "c", "b", "a"}, false, "a → b → c → d → nginx"},
		{[]string{"e", "d", "c", "b", "a"}, false, "a → … → c → d → e → nginx"},
		{[]string{"f", "e", "d", "c", "b", "a"}, false, "a → … → d → e → f → nginx"},
		{[]string{"f", "e", "d", "c", "b", "a"}, true, "a → b → c → d → e → f → nginx"},
		{[]string{"a\nb"}, true, `a\x0ab → nginx`},
	}
	for _, tt := range tests {
		h := &scanner.Process{Name: "nginx"}
		for _, name := range tt.names {
			h.Ancestors = append(h.Ancestors, scanner.Ancestor{Name: name})
		}
		p := new(page)
		cellParents(p, &group{v: &view{raw: tt.raw}, holders: []*scanner.Process{h}})
		if got := string(p.rest(0)); got != tt.want {
			t.Errorf("parents %q = %q, want %q", tt.names, got, tt.want)
		}
	}
}

// An update of a program that runs is not the same news as a program that was
// removed.
func TestGonePrograms(t *testing.T) {
	r := publishing()
	sshd, bot := process(812, "sshd", "root"), process(99, "bot", "root")
	sshd.Deleted, sshd.Replaced, bot.Deleted = true, true, true
	r.Listeners = []annotate.Listener{
		listener(scanner.TCP, "0.0.0.0", 22, "ssh", sshd), listener(scanner.TCP, "::", 22, "ssh", sshd), listener(scanner.TCP, "0.0.0.0", 99, "", bot),
	}
	got := render(t, r, Table, Options{})
	for _, want := range []string{"sshd (812, replaced)", "bot (99, deleted)", "\nreplaced on disk, restart due: sshd (812)\n", "\ndeleted on disk and still running: bot (99)\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	for pid := range 9 {
		p := process(1000+pid, "old"+string(rune('a'+pid)), "root")
		p.Deleted = true
		r.Listeners = append(r.Listeners, listener(scanner.TCP, "0.0.0.0", uint16(2000+pid), "", p))
	}
	if got := render(t, r, Table, Options{}); !strings.Contains(got, "bot (99), olda (1000), oldb (1001), oldc (1002), oldd (1003) and 5 more\n") {
		t.Errorf("many programs:\n%s", got)
	}
}
