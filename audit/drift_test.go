package audit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// scanOf is a complete scan of root.
func scanOf(listeners ...annotate.Listener) *Scan {
	return &Scan{
		Time:       today,
		Host:       &scanner.Host{Name: "h", OS: "linux", BootID: "b"},
		Coverage:   &scanner.Coverage{Complete: true, Sources: []string{"netlink"}, Privileges: "root"},
		Namespaces: []scanner.Namespace{{Name: "host", Inode: 1}},
		Listeners:  listeners,
	}
}

// begun is a holder that began some seconds after the start.
func begun(pid int, exe, user string, seconds int) *scanner.Process {
	p := process(pid, exe, user)
	p.Started = today.Add(time.Duration(seconds) * time.Second)
	return p
}

// found returns "WL201 error tcp/80" for each finding.
func found(c *Changes) []string {
	list := []string{}
	for _, f := range c.Findings {
		list = append(list, fmt.Sprintf("%s %v %v/%d %s>%s", f.Rule, f.Severity, f.Subject.Protocol, f.Subject.Port, f.Was, f.Now))
	}
	return list
}

// Every change is found as what it is, and with how much it matters; the way
// back is its mirror.
func TestDrift(t *testing.T) {
	nginx, apache := begun(10, "/usr/sbin/nginx", "root", 1), begun(20, "/usr/sbin/apache2", "root", 2)
	again, worker := begun(11, "/usr/sbin/nginx", "root", 9), begun(12, "/usr/sbin/nginx", "www-data", 3)
	v6only := func(l *annotate.Listener) { l.V6Only = true }
	picked := func(l *annotate.Listener) { l.Ephemeral = true }
	client := func(l *annotate.Listener) { l.Protocol, l.MaybeClient, l.Ephemeral = scanner.UDP, true, true }
	uid := func(n int64, name string) func(l *annotate.Listener) {
		return func(l *annotate.Listener) { l.UID, l.User = n, name }
	}
	in := func(ns string) func(l *annotate.Listener) {
		return func(l *annotate.Listener) { l.Namespace = ns }
	}
	why := func(w scanner.Why) func(l *annotate.Listener) {
		return func(l *annotate.Listener) { l.Why = w }
	}
	systemd, sshd := begun(1, "/usr/lib/systemd/systemd", "root", 0), begun(30, "/usr/sbin/sshd", "root", 5)
	systemd.Unit = "ssh.socket"
	redis := begun(40, "/usr/bin/redis-server", "redis", 1)
	byRoot := begun(40, "/usr/bin/redis-server", "root", 1)
	redis.UID, byRoot.UID = 105, 0
	byHand := begun(10, "/usr/sbin/nginx", "root", 1)
	byHand.Unit = "session-4.scope"
	ls := func(l ...annotate.Listener) []annotate.Listener { return l }
	tests := []struct {
		name       string
		base, now  []annotate.Listener
		there, way []string
	}{
		{"nothing", ls(listener("0.0.0.0", 80, nginx)), ls(listener("0.0.0.0", 80, nginx)), nil, nil},
		{"appeared", nil, ls(listener("0.0.0.0", 80, nginx)), []string{"WL201 error tcp/80 >0.0.0.0"}, []string{"WL202 warning tcp/80 0.0.0.0>"}},
		{"appeared on loopback", nil, ls(listener("127.0.0.1", 80, nginx)), []string{"WL201 warning tcp/80 >127.0.0.1"}, []string{"WL202 warning tcp/80 127.0.0.1>"}},
		{
			"both IP versions are one", nil, ls(listener("0.0.0.0", 80, nginx), with(listener("::", 80, nginx), v6only)),
			[]string{"WL201 error tcp/80 >*"},
			[]string{"WL202 warning tcp/80 *>"},
		},
		{"two sockets became one for both", ls(listener("0.0.0.0", 80, nginx), with(listener("::", 80, nginx), v6only)), ls(listener("::", 80, nginx)), nil, nil},
		{
			"wider", ls(listener("127.0.0.1", 80, nginx)), ls(listener("0.0.0.0", 80, nginx)),
			[]string{"WL203 error tcp/80 127.0.0.1>0.0.0.0"},
			[]string{"WL203 note tcp/80 0.0.0.0>127.0.0.1"},
		},
		{
			"IPv6 opened", ls(listener("0.0.0.0", 80, nginx)), ls(listener("::", 80, nginx)),
			[]string{"WL203 error tcp/80 0.0.0.0>*"},
			[]string{"WL203 note tcp/80 *>0.0.0.0"},
		},
		{
			"aside", ls(listener("10.0.0.1", 80, nginx)), ls(listener("10.0.0.2", 80, nginx)),
			[]string{"WL203 warning tcp/80 10.0.0.1>10.0.0.2"},
			[]string{"WL203 warning tcp/80 10.0.0.2>10.0.0.1"},
		},
		{
			"another port", ls(listener("127.0.0.1", 80, nginx)), ls(listener("127.0.0.1", 81, again)),
			[]string{"WL203 warning tcp/81 tcp/80>tcp/81"},
			[]string{"WL203 warning tcp/80 tcp/81>tcp/80"},
		},
		{
			"another port of the kernel's choice", ls(with(listener("0.0.0.0", 40001, nginx), picked)), ls(with(listener("0.0.0.0", 40002, again), picked)),
			[]string{"WL203 note tcp/40002 tcp/40001>tcp/40002"},
			[]string{"WL203 note tcp/40001 tcp/40002>tcp/40001"},
		},
		{
			"replaced", ls(listener("0.0.0.0", 80, nginx)), ls(listener("0.0.0.0", 80, apache)),
			[]string{"WL204 error tcp/80 /usr/sbin/nginx>/usr/sbin/apache2"},
			[]string{"WL204 error tcp/80 /usr/sbin/apache2>/usr/sbin/nginx"},
		},
		{
			"shared with another", ls(listener("0.0.0.0", 80, nginx)), ls(listener("0.0.0.0", 80, nginx), listener("0.0.0.0", 80, apache)),
			[]string{"WL201 error tcp/80 >0.0.0.0"},
			[]string{"WL202 warning tcp/80 0.0.0.0>"},
		},
		{
			"restarted", ls(listener("0.0.0.0", 80, nginx)), ls(listener("0.0.0.0", 80, again)),
			[]string{"WL205 note tcp/80 >"},
			[]string{"WL205 note tcp/80 >"},
		},
		{"another worker", ls(listener("0.0.0.0", 80, nginx)), ls(listener("0.0.0.0", 80, nginx, worker)), nil, nil},
		{"a socket for each process", ls(listener("0.0.0.0", 80, nginx)), ls(listener("0.0.0.0", 80, nginx), listener("0.0.0.0", 80, worker)), nil, nil},
		{
			"owner", ls(with(listener("127.0.0.1", 6379, redis), uid(105, "redis"))), ls(with(listener("127.0.0.1", 6379, byRoot), uid(0, "root"))),
			[]string{"WL206 error tcp/6379 redis>root"},
			[]string{"WL206 warning tcp/6379 root>redis"},
		},
		{
			"unit", ls(listener("0.0.0.0", 80, nginx)), ls(listener("0.0.0.0", 80, byHand)),
			[]string{"WL206 warning tcp/80 nginx.service>no unit"},
			[]string{"WL206 warning tcp/80 no unit>nginx.service"},
		},
		{"clients", ls(with(listener("0.0.0.0", 40001, nginx), client)), ls(with(listener("0.0.0.0", 40002, nginx), client)), nil, nil},
		{"a client that the registry has a name for now", ls(with(listener("0.0.0.0", 40001, nginx), client)), ls(with(listener("127.0.0.1", 40001, nginx), func(l *annotate.Listener) { l.Protocol = scanner.UDP })), nil, nil},
		{"socket activation", ls(listener("0.0.0.0", 22, systemd)), ls(listener("0.0.0.0", 22, systemd, sshd)), nil, nil},
		{
			"a socket unit gave way to a service", ls(listener("0.0.0.0", 22, systemd)), ls(listener("0.0.0.0", 22, sshd)),
			[]string{"WL204 error tcp/22 ssh.socket>/usr/sbin/sshd"},
			[]string{"WL204 error tcp/22 /usr/sbin/sshd>ssh.socket"},
		},
		{"a nameless namespace", ls(with(listener("0.0.0.0", 80, nginx), in("pid 10"))), ls(with(listener("0.0.0.0", 80, nginx), in("pid 99"))), nil, nil},
		{
			"the same in another namespace", ls(with(listener("0.0.0.0", 80, nginx), in("web"))), ls(with(listener("0.0.0.0", 80, again), in("db"))),
			[]string{"WL201 error tcp/80 >0.0.0.0", "WL202 warning tcp/80 0.0.0.0>"},
			[]string{"WL201 error tcp/80 >0.0.0.0", "WL202 warning tcp/80 0.0.0.0>"},
		},
		{
			"a container made anew", ls(with(listener("0.0.0.0", 80, nginx), in(strings.Repeat("a", 64)))), ls(with(listener("0.0.0.0", 80, again), in(strings.Repeat("b", 64)))),
			[]string{"WL205 note tcp/80 " + strings.Repeat("a", 64) + ">" + strings.Repeat("b", 64)},
			[]string{"WL205 note tcp/80 " + strings.Repeat("b", 64) + ">" + strings.Repeat("a", 64)},
		},
		{"an owner that one cannot see", ls(listener("0.0.0.0", 80, nginx)), ls(listener("0.0.0.0", 80)), nil, nil},
		{
			"the kernel in place of a program", ls(listener("0.0.0.0", 80, nginx)), ls(with(listener("0.0.0.0", 80), why(scanner.Kernel))),
			[]string{"WL204 error tcp/80 /usr/sbin/nginx>the kernel"},
			[]string{"WL204 error tcp/80 the kernel>/usr/sbin/nginx"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, way := range []struct {
				base, now []annotate.Listener
				want      []string
			}{{tt.base, tt.now, tt.there}, {tt.now, tt.base, tt.way}} {
				if got := found(Drift(scanOf(way.base...), scanOf(way.now...))); !slices.Equal(got, way.want) {
					t.Errorf("Drift = %q, want %q", got, way.want)
				}
			}
		})
	}
}

// Scans that do not show the same have a caveat that says what would be wrong,
// and nothing is found that only one of them could see.
func TestDriftCaveats(t *testing.T) {
	nginx := begun(10, "/usr/sbin/nginx", "root", 1)
	base := func() *Scan {
		s := scanOf(listener("0.0.0.0", 80, nginx), with(listener("0.0.0.0", 81, nginx), func(l *annotate.Listener) { l.Namespace = "web" }))
		s.Namespaces = append(s.Namespaces, scanner.Namespace{Name: "web", Inode: 2})
		return s
	}
	limited := func(code string) func(*Scan) {
		return func(s *Scan) {
			s.Coverage.Complete = false
			s.Coverage.Limitations = []scanner.Limitation{{Code: code, Text: "what is missing"}}
		}
	}
	tests := []struct {
		name   string
		change func(*Scan)
		wrong  bool
		text   string
		found  []string
	}{
		{"the same", func(*Scan) {}, false, "", nil},
		{"another kernel", func(s *Scan) { s.Host.Kernel = "7.0" }, false, "", nil},
		{"another boot", func(s *Scan) { s.Host.BootID = "c" }, false, "started again", nil},
		{"the older one", func(s *Scan) { s.Time = s.Time.Add(-time.Hour) }, false, "newer one", nil},
		{"another host", func(s *Scan) { s.Host.Name = "other" }, true, `"other"`, nil},
		{"another namespace", func(s *Scan) { s.Namespaces[0].Inode = 9 }, true, "two network namespaces", nil},
		{"no root", func(s *Scan) {
			s.Coverage.Privileges, s.Namespaces, s.Listeners = "user", s.Namespaces[:1], []annotate.Listener{listener("0.0.0.0", 80)}
		}, true, "made as root", nil},
		{"own namespace", func(s *Scan) {
			s.Scope.NetNS, s.Namespaces, s.Listeners = "own", s.Namespaces[:1], s.Listeners[:1]
		}, true, `"own"`, nil},
		{"narrowed", func(s *Scan) { s.Scope.Narrowed, s.Listeners = true, nil }, true, "narrowed", nil},
		{"fewer protocols", func(s *Scan) { s.Scope.Protocols, s.Listeners = []scanner.Protocol{scanner.UDP}, nil }, true, "tcp", nil},
		{"more protocols", func(s *Scan) {
			s.Scope.Protocols = append(scanner.DefaultProtocols(), scanner.Unix)
			s.Listeners = append(s.Listeners, with(listener("0.0.0.0", 1, nginx), func(l *annotate.Listener) {
				l.Protocol, l.Unix = scanner.Unix, &scanner.UnixAddr{Path: "/run/x"}
			}))
		}, false, "unix", nil},
		{"more protocols, of which the kernel tells less", func(s *Scan) {
			s.Scope.Protocols = append(scanner.DefaultProtocols(), scanner.Raw)
			s.Coverage.Limitations = []scanner.Limitation{{Code: scanner.LimitProtocol, Text: "raw sockets were read from elsewhere"}}
			s.Listeners = s.Listeners[:1]
		}, false, "raw", []string{"WL202 warning tcp/81 0.0.0.0>"}},
		{"a protocol of both that is missing", func(s *Scan) {
			s.Coverage.Limitations = []scanner.Limitation{{Code: scanner.LimitProtocol, Text: "sctp sockets are not listed"}}
			s.Listeners = nil
		}, true, "sctp", nil},
		{"another source", func(s *Scan) { s.Coverage.Sources = []string{"gopsutil"} }, true, "gopsutil", nil},
		{"sockets missing", func(s *Scan) { limited(scanner.LimitNetlinkPartial)(s); s.Listeners = nil }, true, "what is missing", nil},
		{"a process that cannot be seen and holds nothing", limited(scanner.LimitUnreadable), false, "what is missing", nil},
		{"one that holds a socket", func(s *Scan) {
			limited(scanner.LimitUnreadable)(s)
			s.Listeners[0] = listener("0.0.0.0", 80)
		}, true, "who holds what listens", nil},
		{"gone in another namespace", func(s *Scan) { s.Listeners, s.Namespaces = s.Listeners[:1], s.Namespaces[:1] }, false, "", []string{"WL202 warning tcp/81 0.0.0.0>"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := base()
			tt.change(now)
			c := Drift(base(), now)
			wrong, text := false, ""
			for _, v := range c.Caveats {
				wrong = wrong || v.Wrong
				text += v.Text + "\n"
			}
			if wrong != tt.wrong || !strings.Contains(text, tt.text) || tt.text == "" && text != "" {
				t.Errorf("caveats %+v, want wrong %v and %q", c.Caveats, tt.wrong, tt.text)
			}
			if got := found(c); !slices.Equal(got, tt.found) {
				t.Errorf("Drift = %q, want %q", got, tt.found)
			}
			if wrong && tt.text != "who holds what listens" { // and the other way round
				if got := found(Drift(now, base())); len(got) > 0 {
					t.Errorf("the way back, Drift = %q", got)
				}
			}
		})
	}
}

// anyScan draws a scan of a few services, with what nobody should look at.
func anyScan(t *rapid.T) *Scan {
	var list []annotate.Listener
	for range rapid.IntRange(0, 8).Draw(t, "listeners") {
		addr := rapid.SampledFrom([]string{"0.0.0.0", "127.0.0.1", "10.0.0.1", "::", "::1"}).Draw(t, "addr")
		var holders []*scanner.Process
		for range rapid.IntRange(0, 2).Draw(t, "holders") {
			exe := rapid.SampledFrom([]string{"/bin/a", "/bin/b", "/bin/c"}).Draw(t, "exe")
			holders = append(holders, begun(rapid.IntRange(1, 5).Draw(t, "pid"), exe, "root", rapid.IntRange(0, 3).Draw(t, "started")))
		}
		l := listener(addr, rapid.Uint16Range(1, 4).Draw(t, "port"), holders...)
		l.V6Only, l.UID = rapid.Bool().Draw(t, "v6only"), rapid.Int64Range(-1, 2).Draw(t, "uid")
		l.Ephemeral, l.MaybeClient = rapid.Bool().Draw(t, "ephemeral"), rapid.IntRange(0, 9).Draw(t, "client") == 0
		l.Namespace = rapid.SampledFrom([]string{"host", "host", "web", "pid 7", strings.Repeat("a", 64)}).Draw(t, "namespace")
		if len(holders) == 0 {
			l.Why = scanner.Why(rapid.IntRange(1, 4).Draw(t, "why"))
		}
		list = append(list, l)
	}
	return scanOf(list...)
}

// A scan has not changed since itself, in whatever order and with whatever
// inodes and queues; what appeared one way is gone the other way.
func TestDriftProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyScan(t), anyScan(t)
		mixed := scanOf()
		for i := range a.Listeners {
			mixed.Listeners = append(mixed.Listeners, with(a.Listeners[i], func(l *annotate.Listener) {
				l.Inode, l.Cookie, l.Queue.Length = uint64(i), uint64(i), uint32(i)
			}))
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rng.Shuffle(len(mixed.Listeners), func(i, j int) {
			mixed.Listeners[i], mixed.Listeners[j] = mixed.Listeners[j], mixed.Listeners[i]
		})
		if got := found(Drift(a, mixed)); len(got) > 0 {
			t.Fatalf("Drift of a scan from itself = %q", got)
		}
		there, back := Drift(a, b), Drift(b, a)
		if other := Drift(mixed, b); !slices.Equal(found(other), found(there)) {
			t.Fatalf("the order matters: %q and %q", found(there), found(other))
		}
		if there.Unchanged != back.Unchanged {
			t.Fatalf("%d unchanged one way, %d the other", there.Unchanged, back.Unchanged)
		}
		var x, y [OwnerChanged + 1]int
		ids := map[string]bool{}
		for i := range there.Findings {
			f := &there.Findings[i]
			x[f.Change()]++
			if ids[f.Fingerprint] {
				t.Fatalf("a fingerprint twice: %q", found(there))
			}
			ids[f.Fingerprint] = true
		}
		for i := range back.Findings {
			y[back.Findings[i].Change()]++
		}
		y[Appeared], y[Gone] = y[Gone], y[Appeared]
		if x != y {
			t.Fatalf("no mirror: %q and back %q", found(there), found(back))
		}
	})
}

// One thing changed is one finding, of its kind.
func TestDriftMutations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []annotate.Listener
		for i := range rapid.IntRange(1, 6).Draw(t, "services") {
			l := listener("10.0.0.1", uint16(100+i), begun(10+i, fmt.Sprintf("/bin/p%d", i), "u", i))
			l.UID, l.User = 100, "u"
			list = append(list, l)
		}
		i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
		kind := Change(rapid.IntRange(int(Appeared), int(OwnerChanged)).Draw(t, "kind"))
		now := slices.Clone(list)
		holder := func(change func(*scanner.Process)) {
			p := *now[i].Holders[0]
			change(&p)
			now[i] = with(now[i], func(l *annotate.Listener) { l.Holders = []*scanner.Process{&p} })
		}
		switch kind {
		case Appeared:
			now = append(now, listener("10.0.0.1", 99, begun(99, "/bin/new", "u", 9)))
		case Gone:
			now = slices.Delete(now, i, i+1)
		case Moved:
			now[i] = with(now[i], func(l *annotate.Listener) { l.Addr = netip.MustParseAddr("10.0.0.2") })
		case Replaced:
			holder(func(p *scanner.Process) { p.Exe = "/bin/other" })
		case Restarted:
			holder(func(p *scanner.Process) { p.PID, p.Started = 77, p.Started.Add(time.Hour) })
		case OwnerChanged:
			now[i] = with(now[i], func(l *annotate.Listener) { l.UID, l.User = 0, "root" })
		case NoChange:
		}
		c := Drift(scanOf(list...), scanOf(now...))
		if len(c.Findings) != 1 || c.Findings[0].Change() != kind {
			t.Fatalf("%v found as %q", kind, found(c))
		}
	})
}

// Which of two sockets of one service comes first makes no other finding.
func TestDriftOfTwoOwners(t *testing.T) {
	p := process(10, "/srv/x", "root")
	of := func(addr, owner string, uid int64) annotate.Listener {
		return with(listener(addr, 80, p), func(l *annotate.Listener) { l.User, l.UID = owner, uid })
	}
	a, b := of("10.0.0.5", "root", 0), of("10.0.0.6", "bob", 1000)
	one, other := Drift(scanOf(), scanOf(a, b)).Findings, Drift(scanOf(), scanOf(b, a)).Findings
	if len(one) != 1 || len(other) != 1 || one[0].Message != other[0].Message || one[0].Fingerprint != other[0].Fingerprint {
		t.Errorf("the findings are\n%+v and\n%+v", one, other)
	}
}

// An IPv6 address is written so that no way to show it takes "::" for a command.
func TestEndsText(t *testing.T) {
	at := func(addr, device string) end { return end{netip.MustParseAddr(addr), device} }
	tests := []struct {
		ends []end
		want string
	}{
		{[]end{at("127.0.0.1", ""), at("::1", "")}, "127.0.0.1, [::1]"},
		{[]end{at("0.0.0.0", ""), at("::", "")}, "*"},
		{[]end{at("::", "eth0")}, "[::]%eth0"},
		{[]end{at("fe80::1%eth0", "")}, "[fe80::1%eth0]"},
	}
	for _, tt := range tests {
		if got := endsText(tt.ends); got != tt.want {
			t.Errorf("endsText(%v) = %q, want %q", tt.ends, got, tt.want)
		}
	}
}
