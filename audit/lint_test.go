package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
)

func TestLint(t *testing.T) {
	tests := []struct {
		name    string
		entries []string
		want    []string // "LINE severity: the start of the text"
	}{
		{"nothing", nil, nil},
		{"fine", []string{"port: 443, exposure: all", "port: 80, exposure: all, expires: 2026-12-24"}, nil},

		{"expired", []string{"port: 443, exposure: all, expires: 2026-11-22"}, []string{"3 warning: it has expired: 2026-11-22"}},
		{"expires today", []string{"port: 443, exposure: all, expires: 2026-11-23"}, []string{"3 warning: it expires within 30 days"}},
		{"expires in 30 days", []string{"port: 443, exposure: all, expires: 2026-12-23"}, []string{"3 warning: it expires within 30 days: 2026-12-23"}},
		{"no reason", []string{"port: 443, exposure: all, reason: '?'"}, []string{`3 warning: it has no reason yet: "?"`}},
		{"no reason to accept", []string{"port: 443, exposure: all, accepts: [WL007, WL014], reason: '?'"}, []string{`3 warning: it has no reason yet: "?"`, "3 warning: without a reason it does not accept WL007, WL014"}},
		{"a reason to accept", []string{"port: 443, exposure: all, accepts: WL007"}, nil},

		{"port 0", []string{"port: 0, exposure: all"}, []string{"3 warning: it matches nothing: nothing listens on port 0"}},
		{"ports from 0", []string{"ports: 0-1, exposure: all"}, nil},
		{"protocol 0 of raw", []string{"port: 0, protocol: raw, exposure: all"}, nil},
		{"unit of the kernel", []string{"port: 1, exposure: all, program: kernel, unit: a.service"}, []string{"3 warning: it matches nothing: what the kernel holds"}},
		{"container of the kernel or another", []string{"port: 1, exposure: all, program: [kernel, a], container: b"}, nil},
		{"deleted", []string{"port: 1, exposure: all, program: '/bin/a (deleted)'"}, []string{"3 warning: it matches nothing: the path of a program has no"}},
		{"path with dots", []string{"port: 1, exposure: all, program: /usr/../bin/a"}, []string{`3 warning: it matches nothing: "/usr/../bin/a" is written "/bin/a"`}},
		{"path of a folder", []string{"port: 1, exposure: all, program: /bin/"}, []string{`3 warning: it matches nothing: "/bin/" is written "/bin"`}},
		{"one good program", []string{"port: 1, exposure: all, program: [/bin/, a]"}, nil},
		{"unit without a kind", []string{"port: 1, exposure: all, unit: nginx"}, []string{`3 warning: it matches nothing: the name of a unit has its kind at its end: "nginx.service"`}},

		{"the same twice", []string{"port: 1, exposure: all", "port: 1, exposure: all"}, []string{"4 warning: it never decides: all that it approves, policy.yaml:3 does (tcp/1 up to all)"}},
		{"a wider one first", []string{"ports: 1-9, protocol: any, exposure: all", "port: 5, exposure: loopback, program: a"}, []string{"4 warning: it never decides"}},
		{"a wider one later", []string{"port: 5, exposure: loopback", "ports: 1-9, exposure: all"}, []string{"4 note: it overlaps with policy.yaml:3"}},
		{"a wider one first, until a day", []string{"port: 5, exposure: all, expires: 2027-01-01", "port: 5, exposure: all"}, []string{"4 note: it overlaps"}},
		{"a wider one first, until the later day", []string{"port: 5, exposure: all, expires: 2027-01-02", "port: 5, exposure: all, expires: 2027-01-01"}, []string{"4 warning: it never decides"}},
		{"runs that overlap", []string{"ports: 1-5, exposure: all", "ports: 5-9, exposure: all"}, []string{"4 note: it overlaps"}},
		{"runs side by side", []string{"ports: 1-5, exposure: all", "ports: 6-9, exposure: all"}, nil},
		{"any port", []string{"port: any, exposure: all", "port: 1, exposure: all"}, []string{"4 warning: it never decides"}},
		{"protocols apart", []string{"port: 1, exposure: all", "port: 1, protocol: udp, exposure: all"}, nil},
		{"protocols in part", []string{"port: 1, exposure: all", "port: 1, protocol: [tcp, udp], exposure: all"}, []string{"4 note: it overlaps"}},
		{"programs apart", []string{"port: 1, exposure: all, program: a", "port: 1, exposure: all, program: b"}, nil},
		{"programs in part", []string{"port: 1, exposure: all, program: [a, b]", "port: 1, exposure: all, program: [b, c]"}, []string{"4 note: it overlaps"}},
		{"a name and a path of it", []string{"port: 1, exposure: all, program: a", "port: 1, exposure: all, program: /bin/a"}, []string{"4 warning: it never decides"}},
		{"a path and its name", []string{"port: 1, exposure: all, program: /bin/a", "port: 1, exposure: all, program: a"}, []string{"4 note: it overlaps"}},
		{"any program and one", []string{"port: 1, exposure: all, program: a", "port: 1, exposure: all"}, []string{"4 note: it overlaps"}},
		{"users apart", []string{"port: 1, exposure: all, user: a", "port: 1, exposure: all, user: b"}, nil},
		{"namespaces apart", []string{"port: 1, exposure: all", "port: 1, exposure: all, namespace: a"}, nil},
		{"any namespace", []string{"port: 1, exposure: all, namespace: any", "port: 1, exposure: all, namespace: a"}, []string{"4 warning: it never decides"}},
		{"addresses apart", []string{"port: 1, address: 127.0.0.1", "port: 1, address: '::1'"}, nil},
		{"a network and an address of it", []string{"port: 1, address: 10.0.0.0/8", "port: 1, address: 10.0.0.1"}, []string{"4 warning: it never decides"}},
		{"an address and its network", []string{"port: 1, address: 10.0.0.1", "port: 1, address: 10.0.0.0/8"}, []string{"4 note: it overlaps"}},
		{"networks apart", []string{"port: 1, address: 10.0.0.0/9", "port: 1, address: 10.128.0.0/9"}, nil},
		{"zones apart", []string{"port: 1, address: 'fe80::1%a'", "port: 1, address: 'fe80::1%b'"}, nil},
		{"a zone and any", []string{"port: 1, address: 'fe80::1'", "port: 1, address: 'fe80::1%b'"}, []string{"4 warning: it never decides"}},
		{"loopback and an address of it", []string{"port: 1, exposure: loopback", "port: 1, address: 127.0.0.1"}, []string{"4 warning: it never decides"}},
		{"private and a public address", []string{"port: 1, exposure: private", "port: 1, address: 192.0.2.1"}, nil},
		{"private and a network with public ones", []string{"port: 1, exposure: private", "port: 1, address: 10.0.0.0/7"}, []string{"4 note: it overlaps"}},
		{"a public address and private", []string{"port: 1, address: 192.0.2.1", "port: 1, exposure: private"}, nil},
		{"an address and loopback", []string{"port: 1, address: 127.0.0.1", "port: 1, exposure: loopback"}, []string{"4 note: it overlaps"}},
		{"unix paths apart", []string{"path: /a, protocol: unix", "path: /b, protocol: unix"}, nil},
		{"any unix path", []string{"path: any, protocol: unix", "path: /b, protocol: unix"}, []string{"4 warning: it never decides"}},
		{"units and containers apart", []string{"port: 1, exposure: all, container: a", "port: 1, exposure: all, container: b"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range register(t, tt.entries...).Lint(today) {
				if p.File != "policy.yaml" || p.Hint == "" {
					t.Errorf("the problem is %+v", p)
				}
				got = append(got, fmt.Sprintf("%d %v: %s", p.Line, p.Severity, p.Text))
			}
			if len(got) != len(tt.want) {
				t.Fatalf("Lint = %q, want %q", got, tt.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("Lint = %q, want %q", got[i], tt.want[i])
				}
			}
		})
	}
}

func TestLintExceptions(t *testing.T) {
	p := parse(t, "version: 1\nrules:\n  WL101: {disable: true, reason: x, expires: 2026-12-01}\n  WL102: {severity: note, reason: x}\n")
	var got []string
	for _, p := range p.Lint(today) {
		got = append(got, p.String())
	}
	want := `policy.yaml:3: it expires within 30 days: 2026-12-01`
	if strings.Join(got, "; ") != want {
		t.Errorf("Lint = %q, want %q", got, want)
	}
}

// Of very many entries that overlap the first are named.
func TestLintOfManyOverlaps(t *testing.T) {
	var entries []string
	for i := range 50 {
		entries = append(entries, fmt.Sprintf("ports: %d-%d, exposure: all", 1000+i, 2000+i))
	}
	list := register(t, entries...).Lint(today)
	// The first eleven name 0 to 10, the others ten and a count.
	const want = 55 + 39*11
	if last := list[len(list)-1].Text; len(list) != want || last != "it overlaps with 39 more" {
		t.Errorf("%d problems, the last %q", len(list), last)
	}
}

// The network of every address has the wildcard, which no exposure but all has.
func TestLintOfEveryAddress(t *testing.T) {
	p := register(t, "port: 80, exposure: public", "port: 80, address: 0.0.0.0/0")
	for _, b := range p.Lint(today) {
		if strings.Contains(b.Text, "never decides") {
			t.Errorf("%v", b.String())
		}
	}
	if a := p.Judge(seen([]annotate.Listener{listener("0.0.0.0", 80, process(1, "/x", "root"))})).Approvals[0]; a.Verdict != Approved {
		t.Errorf("the wildcard is %v", a.Verdict)
	}
}
