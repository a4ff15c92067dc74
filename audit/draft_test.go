package audit

import (
	"bytes"
	"flag"
	"math/rand"
	"net/netip"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

var update = flag.Bool("update", false, "rewrite testdata/draft.yaml from what is drafted now")

// A draft of an ordinary host reads as an operator would have written it.
func TestDraft(t *testing.T) {
	sshd := process(812, "/usr/sbin/sshd", "root")
	sshd.Unit = "ssh.service"
	pg := process(1204, "/usr/lib/postgresql/16/bin/postgres", "postgres")
	pg.Unit = "postgresql@16-main.service"
	named, resolved := process(715, "/usr/sbin/named", "bind"), process(640, "/usr/lib/systemd/systemd-resolved", "systemd-resolve")
	app := &scanner.Process{PID: 2071, Name: "python3", Exe: "/usr/bin/python3.12", Script: "manage.py", UID: 1000, Unit: "session-3.scope"}
	web := process(4100, "/app/web", "root")
	web.Runtime, web.Container, web.Unit = "docker", strings.Repeat("3f2a91c04b7d", 5)+"0000", "docker-3f2a91c04b7d.scope"
	evil := process(666, "/tmp/ev\x1b[31mil\n- {port: any}\u202e", "alice")
	evil.Unit = ""
	bad := process(667, "/tmp/\xff", "alice")
	bad.Unit = ""
	init := process(1, "/usr/lib/systemd/systemd", "root")
	init.Unit = "cups.socket"
	service := func(l annotate.Listener, name, description string) annotate.Listener {
		l.Service = annotate.Service{Name: name, Description: description}
		return l
	}
	change := func(l annotate.Listener, f func(*annotate.Listener)) annotate.Listener { return with(l, f) }
	udp := func(l *annotate.Listener) { l.Protocol = scanner.UDP }
	listeners := []annotate.Listener{
		service(listener("0.0.0.0", 22, sshd), "ssh", "The Secure Shell (SSH) Protocol"),
		service(listener("::", 22, sshd), "ssh", "The Secure Shell (SSH) Protocol"),
		service(change(listener("127.0.0.1", 5432, pg), func(l *annotate.Listener) { l.User = "postgres" }), "postgresql", "PostgreSQL Database"),
		service(listener("10.0.0.5", 53, named), "domain", "Domain Name Server"),
		service(change(listener("10.0.0.5", 53, named), udp), "domain", "Domain Name Server"),
		service(change(listener("127.0.0.1", 53, named), udp), "domain", "Domain Name Server"),
		service(change(listener("127.0.0.53", 53, resolved), udp), "domain", "Domain Name Server"),
		change(listener("0.0.0.0", 8000, app), func(l *annotate.Listener) { l.User, l.UID = "", 1000 }),
		change(listener("0.0.0.0", 51820), func(l *annotate.Listener) {
			udp(l)
			l.Why, l.KernelUse = scanner.Kernel, "wireguard wg0"
		}),
		change(listener("0.0.0.0", 7070, web), func(l *annotate.Listener) {
			l.Namespace, l.Exposure = "3f2a91c04b7d", annotate.Container
		}),
		change(listener("0.0.0.0", 31337, evil), func(l *annotate.Listener) { l.User, l.Ephemeral = "alice", true }),
		listener("0.0.0.0", 31338, bad),
		listener("127.0.0.1", 631, init),
		change(listener("127.0.0.1", 111), func(l *annotate.Listener) { l.Namespace = "pid 4711" }),
		change(listener("0.0.0.0", 45123, app), func(l *annotate.Listener) { udp(l); l.MaybeClient = true }),
		change(listener("0.0.0.0", 23, sshd), func(l *annotate.Listener) {
			l.Service, l.Program = annotate.Service{Name: "telnet"}, annotate.Differs
		}),
		unixListener("/run/docker.sock", process(9, "/usr/bin/dockerd", "root")),
	}
	got := Draft(listeners)
	const golden = "testdata/draft.yaml"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the draft is\n%s\nwant\n%s", got, want)
	}
	checkDraft(t, got, listeners)
	for _, p := range parse(t, string(got)).Lint(today) {
		if !strings.HasPrefix(p.Text, "it has no reason yet") {
			t.Errorf("Lint of the draft: %v", p.String())
		}
	}
}

// A namespace without a name of its own goes by what is another after a restart,
// and so is not written.
func TestDraftOfNamelessNamespace(t *testing.T) {
	for _, ns := range []string{"pid 7", "held by pid 7", "net:[4026532000]"} {
		draft := Draft([]annotate.Listener{with(listener("0.0.0.0", 80, process(10, "/usr/sbin/nginx", "root")), func(l *annotate.Listener) { l.Namespace = ns })})
		if e := parse(t, string(draft)).Entries; len(e) != 1 || e[0].Namespaces != nil {
			t.Errorf("of the namespace %q it approves %v", ns, e)
		}
	}
}

func TestDraftOfNothing(t *testing.T) {
	if p := parse(t, string(Draft(nil))); len(p.Entries) != 0 {
		t.Errorf("the draft of nothing approves %v", p.Entries)
	}
}

// Sockets of one service are one entry, whichever comes first.
func TestDraftJoins(t *testing.T) {
	nginx := process(10, "/usr/sbin/nginx", "root")
	udp := func(l annotate.Listener) annotate.Listener {
		return with(l, func(l *annotate.Listener) { l.Protocol = scanner.UDP })
	}
	listeners := []annotate.Listener{
		listener("127.0.0.1", 443, nginx), listener("0.0.0.0", 443, nginx), listener("::", 443, nginx),
		udp(listener("10.0.0.5", 443, nginx)), udp(listener("0.0.0.0", 443, nginx)),
	}
	draft := Draft(listeners)
	if n := len(parse(t, string(draft)).Entries); n != 1 {
		t.Errorf("%d entries, want 1:\n%s", n, draft)
	}
	checkDraft(t, draft, listeners)
	// A protocol that fewer can reach is not approved as wide as the other.
	listeners = listeners[:4]
	p := parse(t, string(Draft(listeners)))
	if got := p.Judge(seen([]annotate.Listener{udp(listener("0.0.0.0", 443, nginx))})).Approvals[0].Verdict; len(p.Entries) != 2 || got != Wider {
		t.Errorf("UDP at every address is %v by the draft of UDP at 10.0.0.5:\n%s", got, Draft(listeners))
	}
}

// checkDraft: a draft is a register that approves what it was made of, as
// narrowly as it was found, with a warning for each entry.
func checkDraft(t interface {
	Helper()
	Fatalf(string, ...any)
}, draft []byte, listeners []annotate.Listener,
) {
	t.Helper()
	p, err := ParsePolicy("draft", draft)
	if err != nil {
		t.Fatalf("the draft cannot be read: %v\n%s", err, draft)
	}
	j := p.Judge(seen(listeners))
	for i, a := range j.Approvals {
		l := &listeners[i]
		want := Approved
		if l.MaybeClient && a.Verdict == Client {
			want = Client
		}
		if a.Verdict != want {
			t.Fatalf("%s is %v by its own draft\n%s", describe(l), a.Verdict, draft)
		}
	}
	if len(j.Findings) != len(p.Entries) {
		t.Fatalf("%d findings for %d entries: %+v\n%s", len(j.Findings), len(p.Entries), j.Findings, draft)
	}
	for _, f := range j.Findings {
		if f.Rule != ruleNoReason {
			t.Fatalf("the draft gives the finding %+v\n%s", f, draft)
		}
	}
}

// anyName draws a name as whoever runs a process may choose it.
func anyName() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"nginx", "kernel", "any", "host", "yes", "null", "~", "1", "0x10", "*a", "&a", "!a", "- a", "a: b", "a #b", "{a", "[a]", "'", "\"", "\\",
			"%YAML", "---", "...", "?", "@a", "`", "|", ">", "<<", "\x1b[31m", "a\nb", "\t", " a ", "\u202e", "\u2028", "\u0085", "\ufeff", "\U000e0041", "\U000e0100",
			"\x00", "\xff", "a\xc3", "größe", "端口", "👩‍👩", "/usr/sbin/nginx", "/a b", "//", "(deleted)", "pid 7", "x.scope", "=", "2027-01-01",
		}),
		rapid.StringN(0, 12, 40),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
	)
}

func anyHolder() *rapid.Generator[*scanner.Process] {
	return rapid.Custom(func(t *rapid.T) *scanner.Process {
		name := func(label string) string { return anyName().Draw(t, label) }
		p := &scanner.Process{PID: rapid.IntRange(1, 5).Draw(t, "pid"), Name: name("name"), UID: rapid.Int64Range(-1, 3).Draw(t, "uid"), User: name("user"), Unit: name("unit"), UserUnit: name("user unit")}
		if rapid.Bool().Draw(t, "exe") {
			p.Exe = "/" + name("path")
		}
		if rapid.Bool().Draw(t, "script") {
			p.Script = name("script")
		}
		if rapid.Bool().Draw(t, "container") {
			p.Container, p.ContainerName = name("id"), name("container")
		}
		return p
	})
}

func anyListener() *rapid.Generator[annotate.Listener] {
	return rapid.Custom(func(t *rapid.T) annotate.Listener {
		name := func(label string) string { return anyName().Draw(t, label) }
		s := &scanner.Socket{
			Protocol: scanner.Protocol(rapid.IntRange(0, int(scanner.Unix)).Draw(t, "protocol")), Family: scanner.IPv4,
			Port: rapid.Uint16Range(1, 3).Draw(t, "port"), Namespace: rapid.OneOf(rapid.Just("host"), anyName()).Draw(t, "namespace"),
			Device: name("device"), UID: rapid.Int64Range(-1, 3).Draw(t, "uid"), User: rapid.OneOf(rapid.Just(""), anyName()).Draw(t, "user"),
			Holders: rapid.SliceOfN(anyHolder(), 0, 3).Draw(t, "holders"), KernelUse: name("use"),
		}
		s.Addr = rapid.SampledFrom([]netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("fe80::1%e\n")}).Draw(t, "addr")
		if len(s.Holders) == 0 {
			s.Why = scanner.Why(rapid.IntRange(1, 4).Draw(t, "why"))
		}
		switch s.Protocol {
		case scanner.Unix:
			s.Unix = &scanner.UnixAddr{Path: name("path")}
		case scanner.VSock:
			s.VSock = &scanner.VSockAddr{Port: rapid.Uint32().Draw(t, "vsock")}
		}
		return annotate.Listener{
			Socket: s, Exposure: annotate.Exposure(rapid.IntRange(0, 6).Draw(t, "exposure")),
			Service:     annotate.Service{Name: name("service"), Description: name("description")},
			MaybeClient: s.Protocol == scanner.UDP && rapid.Bool().Draw(t, "client"),
			Ephemeral:   rapid.Bool().Draw(t, "ephemeral"), Program: annotate.Verdict(rapid.IntRange(0, 3).Draw(t, "program")),
		}
	})
}

// Whatever the names are, a draft approves its own listeners, and is the same
// in whichever order they come.
func TestDraftRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		listeners := rapid.SliceOfN(anyListener(), 0, 6).Draw(rt, "listeners")
		draft := Draft(listeners)
		checkDraft(rt, draft, listeners)
		rand.New(rand.NewSource(int64(len(draft)))).Shuffle(len(listeners), func(i, k int) { listeners[i], listeners[k] = listeners[k], listeners[i] })
		if again := Draft(listeners); !bytes.Equal(again, draft) {
			rt.Fatalf("the order of the listeners shows:\n%s\n%s", draft, again)
		}
	})
}

// Any text that can be written comes back as the same bytes.
func TestQuote(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := anyName().Draw(rt, "name")
		if !writable(s) {
			return
		}
		p, err := ParsePolicy("p", []byte("version: 1\napprovals:\n- {port: 1, exposure: all, reason: x, program: ["+quote(s)+"]}\n"))
		if err != nil {
			rt.Fatalf("%q as %s: %v", s, quote(s), err)
		}
		if got := p.Entries[0].Programs[0]; got != s {
			rt.Fatalf("%q as %s is read as %q", s, quote(s), got)
		}
	})
}

// A draft is as narrow as what was found: nothing else is approved by it.
func TestDraftIsNarrow(t *testing.T) {
	nginx := process(10, "/usr/sbin/nginx", "root")
	found := listener("10.0.0.5", 443, nginx)
	p := parse(t, string(Draft([]annotate.Listener{found})))
	tests := []struct {
		name string
		l    annotate.Listener
		want Verdict
	}{
		{"itself", found, Approved},
		{"every address", listener("0.0.0.0", 443, nginx), Wider},
		{"another program", listener("10.0.0.5", 443, process(10, "/tmp/nginx", "root")), OtherProgram},
		{"another user", with(found, func(l *annotate.Listener) { l.User = "alice" }), OtherUser},
		{"another unit", with(found, func(l *annotate.Listener) {
			c := *nginx
			c.Unit = "evil.service"
			l.Holders = []*scanner.Process{&c}
		}), OtherUnit},
		{"another port", listener("10.0.0.5", 444, nginx), Unapproved},
		{"another protocol", with(found, func(l *annotate.Listener) { l.Protocol = scanner.UDP }), Unapproved},
		{"another namespace", with(found, func(l *annotate.Listener) { l.Namespace = "blue" }), Unapproved},
	}
	for _, tt := range tests {
		if got := p.Judge(seen([]annotate.Listener{tt.l})).Approvals[0].Verdict; got != tt.want {
			t.Errorf("%s is %v, want %v", tt.name, got, tt.want)
		}
	}
}
