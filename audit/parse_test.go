package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// parse reads a register that has no problem.
func parse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := ParsePolicy("policy.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p
}

func TestParsePolicy(t *testing.T) {
	p := parse(t, `# ours
version: 1

approvals:
  - port: 443
    exposure: public
    program: nginx
    user: root
    unit: nginx.service
    reason: >
      the shop,
      and its pages
    owner: web team
    ticket: 4711
    expires: 2027-06-30

  - {ports: [80, 8000-8010], protocol: [udp, tcp], address: ["::1", 10.0.0.0/8, fe80::1%eth0], reason: "?"}
  - port: any
    protocol: any
    exposure: container
    container: [web, "3f2a91c04b7d"]
    reason: 'a: b'
  - path: /run/docker.sock
    protocol: unix
    namespace: any
    program: [/usr/bin/dockerd, systemd]
    user: 0
    reason: containers
    accepts: [WL037, WL021]

rules:
  WL101: {disable: true, reason: no register yet, expires: 2027-01-01}
  WL105:
    severity: error
    reason: everything has to run
`)
	want := &Policy{
		Files: []PolicyFile{{Path: "policy.yaml", SHA256: p.Files[0].SHA256, Entries: 4}},
		Entries: []Entry{
			{
				Position: Position{"policy.yaml", 5}, Protocols: []scanner.Protocol{scanner.TCP}, Ports: []PortSpan{{443, 443}},
				Exposure: annotate.Public, Namespaces: []string{"host"}, Programs: []string{"nginx"}, Users: []string{"root"},
				Units: []string{"nginx.service"}, Reason: "the shop, and its pages", Owner: "web team", Ticket: "4711", Expires: "2027-06-30",
			},
			{
				Position: Position{"policy.yaml", 17}, Protocols: []scanner.Protocol{scanner.TCP, scanner.UDP},
				Ports: []PortSpan{{80, 80}, {8000, 8010}}, Addresses: addresses("::1/128", "10.0.0.0/8", "fe80::1/128 eth0"),
				Namespaces: []string{"host"}, Reason: "?",
			},
			{
				Position: Position{"policy.yaml", 18}, Protocols: scanner.DefaultProtocols(), Exposure: annotate.Container,
				Containers: []string{"web", "3f2a91c04b7d"}, Reason: "a: b",
			},
			{
				Position: Position{"policy.yaml", 23}, Protocols: []scanner.Protocol{scanner.Unix}, Paths: []string{"/run/docker.sock"},
				Programs: []string{"/usr/bin/dockerd", "systemd"}, Users: []string{"0"}, Reason: "containers",
				Accepts: []string{"WL037", "WL021"},
			},
		},
		Exceptions: []Exception{
			{Position: Position{"policy.yaml", 32}, Rule: "WL101", Disabled: true, Reason: "no register yet", Expires: "2027-01-01"},
			{Position: Position{"policy.yaml", 33}, Rule: "WL105", Severity: Error, Reason: "everything has to run"},
		},
	}
	if diff := cmp.Diff(want, p, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b Address) bool { return a == b })); diff != "" {
		t.Errorf("the register is read otherwise (-want +got):\n%s", diff)
	}
	if got, want := fmt.Sprint(p.Protocols()), "[tcp udp udplite sctp dccp unix]"; got != want {
		t.Errorf("Protocols() = %s, want %s", got, want)
	}
	if !p.NamesContainers() {
		t.Error("NamesContainers() = false, want true")
	}
	if got, want := p.Entries[1].String(), "tcp+udp/80, 8000-8010 on [::1], 10.0.0.0/8, [fe80::1%eth0]"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got, want := p.Entries[3].String(), "unix /run/docker.sock in any namespace, program /usr/bin/dockerd or systemd, user 0"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

func TestParsePolicyEmpty(t *testing.T) {
	for _, text := range []string{
		"version: 1", "version: 1\napprovals: []\n", "version: 1\napprovals:\n  # - port: 22\nrules:\n", "\ufeffversion: 1\r\napprovals: []\r\n",
		"---\nversion: 1\n...\n", "# what may listen\nversion: 1 \t# the first\n",
	} {
		if p := parse(t, text); len(p.Entries) != 0 || len(p.Exceptions) != 0 {
			t.Errorf("%q has entries", text)
		}
	}
}

// Every problem of a register is told, with its line and column.
func TestParsePolicyProblems(t *testing.T) {
	const head = "version: 1\napprovals:\n"
	const entry = head + "  - port: 443\n    exposure: all\n    reason: x\n"
	tests := []struct {
		name, text string
		want       []string // of each problem, its place and the start of its text
	}{
		{"empty", "", []string{"1: there is nothing in it"}},
		{"comments", "# nothing\n", []string{"1: there is nothing in it"}},
		{"nothing", "---\n", []string{"2:1: a register has to be keys with values, not nothing"}},
		{"a list", "- port: 1\n", []string{"1:1: a register has to be keys with values, not a list"}},
		{"a word", "hello\n", []string{`1:1: a register has to be keys with values, not "hello"`}},
		{"no version", "approvals: []\n", []string{`1: the key "version" is missing`}},
		{"another version", "version: 2\n", []string{`1:10: version "2" is not known`}},
		{"another key", "version: 1\naprovals: []\n", []string{`2:1: a register has no key "aprovals"`}},
		{"approvals are no list", "version: 1\napprovals: {port: 1}\n", []string{"2:12: approvals has to be a list, not keys with values"}},
		{"rules are no keys", "version: 1\nrules: [WL101]\n", []string{"2:8: rules has to be keys with values, not a list"}},
		{"an entry is a word", head + "  - 443\n", []string{`3:5: an entry has to be keys with values, not "443"`}},
		{"unknown key", entry + "    programme: x\n", []string{`6:5: an entry has no key "programme"`}},
		{"upper case", entry + "    Owner: x\n", []string{`6:5: an entry has no key "Owner"`}},
		{"twice", entry + "    port: 80\n", []string{`6:5: the key "port" stands here for the second time: line 3 has it`}},
		{"twice at the top", "version: 1\nversion: 1\n", []string{`2:1: the key "version" stands here for the second time`}},
		{"merge", entry + "    <<: {port: 80}\n", []string{`6:5: an entry has no key "<<"`}},
		{"a key that is a list", entry + "    ? [a]\n    : b\n", []string{"6:7: a key has to be a word, not a list"}},
		{"anchor", head + "  - &a {port: 443, exposure: all, reason: x}\n", []string{`3:5: "&a" is an anchor`}},
		{"alias", head + "  - port: &p 443\n    exposure: all\n    reason: x\n  - *p\n", []string{`3:11: "&p" is an anchor`, `6:5: "*p" is an alias`}},
		{"alias without an anchor", entry + "    owner: *web\n", []string{`6: "*web" is an alias`}},
		{"tag", entry + "    owner: !!binary aGk=\n", []string{`6:12: "!!binary" is a tag`}},
		{"own tag", entry + "    owner: !env HOME\n", []string{`6:12: "!env" is a tag`}},
		{"tag of what stands below", entry + "    program: !!seq\n      - a\n", []string{`6:14: "!!seq" is a tag`}},
		{"directive", "%YAML 1.2\n---\nversion: 1\n", []string{"1: it is no YAML"}},
		{"two documents", entry + "---\nversion: 1\n", []string{"6:1: a second document"}},
		{"an empty second document", entry + "---\n", []string{"6:1: a second document"}},
		{"no YAML behind the document", entry + "---\n}\n", []string{"7: it is no YAML"}},
		{"open bracket", entry + "    owner: [a\n", []string{"6: it is no YAML"}},
		{"open quote", entry + "    owner: \"a\n", []string{"6: it is no YAML"}},
		{"bad indentation", entry + "   owner: a\n", []string{"6: it is no YAML"}},
		{"bad indentation far down", entry + strings.Repeat("  - port: 1\n    exposure: all\n    reason: >\n      a\n      b\n    program: [\n      a,\n      b,\n    ]\n", 20) + "   owner: a\n" + strings.Repeat("  - port: 1\n    program: [\n      a]\n", 50), []string{"186: it is no YAML"}},
		{"two colons", head + "  - port: 1: 2\n", []string{"3: it is no YAML: mapping values are not allowed"}},
		{"tab", head + "\t- port: 443\n", []string{"3:1: a tab in the indentation"}},
		{"tab behind spaces", head + "  - port: 443\n  \texposure: all\n", []string{"4:3: a tab in the indentation"}},
		{"not UTF-8", entry + "    owner: a\xffb\n    ticket: \xfe\n", []string{"6:13: the byte 0xff is not UTF-8", "7:13: the byte 0xfe is not UTF-8"}},
		{"NUL", entry + "    owner: a\x00b\n", []string{"6:13: the character U+0000, which cannot be seen"}},
		{"escape", entry + "    owner: a\x1b[2Jb\n", []string{"6:13: the character U+001B, which cannot be seen"}},
		{"bidi", entry + "    owner: a\u202eb # \u2066\n", []string{"6:13: the character U+202E, which cannot be seen", "6:20: the character U+2066"}},
		{"a line end that no editor shows", entry + "    owner: a\u2028    program: b\n", []string{"6:13: the character U+2028"}},
		{"a lone carriage return", entry + "    owner: a\r    program: b\n", []string{"6:13: the character U+000D"}},
		{"too large", "version: 1\n#" + strings.Repeat("x", MaxPolicySize), []string{"1: it has 1048588 bytes: the most is 1048576"}},

		{"accepts a rule that is not there", entry + "    accepts: [WL007, WL099]\n", []string{`6:22: there is no rule "WL099"`}},
		{"accepts a rule of the register", entry + "    accepts: WL101\n", []string{"6:14: WL101 is about the register itself"}},
		{"accepts a rule of drift", entry + "    accepts:\n      - WL007\n      - WL203\n", []string{"8:9: WL203 is about what changed since a baseline"}},
		{"accepts a rule twice", entry + "    accepts: [WL007, WL008, WL007]\n", []string{"6:29: WL007 stands here for the second time"}},
		{"accepts no rule", entry + "    accepts: []\n", []string{"6:14: accepts is empty"}},
		{"accepts yes", entry + "    accepts: true\n", []string{"6:14: accepts has to be a text, not true"}},

		{"no port", head + "  - exposure: all\n    reason: x\n", []string{"3:5: the entry has no port"}},
		{"port and ports", entry + "    ports: 80\n", []string{"6:5: port and ports stand in one entry"}},
		{"port in words", head + "  - port: https\n    exposure: all\n    reason: x\n", []string{`3:11: "https" is no port`}},
		{"port with a protocol", head + "  - port: 443/tcp\n    exposure: all\n    reason: x\n", []string{`3:11: "443/tcp" is no port`}},
		{"port too high", head + "  - port: 65536\n    exposure: all\n    reason: x\n", []string{`3:11: port 65536 is above 65535`}},
		{"octal", head + "  - port: 0443\n    exposure: all\n    reason: x\n", []string{`3:11: "0443" is no port`}},
		{"hexadecimal", head + "  - port: 0x1bb\n    exposure: all\n    reason: x\n", []string{`3:11: "0x1bb" is no port`}},
		{"underscore", head + "  - port: 4_43\n    exposure: all\n    reason: x\n", []string{`3:11: "4_43" is no port`}},
		{"negative", head + "  - port: -1\n    exposure: all\n    reason: x\n", []string{`3:11: "-1" is no port`}},
		{"fraction", head + "  - port: 443.0\n    exposure: all\n    reason: x\n", []string{`3:11: "443.0" is no port`}},
		{"reversed", head + "  - ports: 9-8\n    exposure: all\n    reason: x\n", []string{"3:12: the run of ports is reversed: 9 is above 8"}},
		{"no ports in the list", head + "  - ports: []\n    exposure: all\n    reason: x\n", []string{"3:12: ports is empty"}},
		{"a list in the list", head + "  - ports: [[80]]\n    exposure: all\n    reason: x\n", []string{"3:13: ports has to be a text, not a list"}},
		{"any and one", head + "  - ports: [any, 80]\n    exposure: all\n    reason: x\n", []string{"3:12: ports: any stands beside others"}},
		{"protocol", entry + "    protocol: tcp6\n", []string{`6:15: no protocol "tcp6"`}},
		{"protocols of two kinds", entry + "    protocol: [tcp, raw]\n", []string{"6:5: tcp and raw in one entry"}},
		{"path of tcp", entry + "    path: /x\n", []string{"6:5: tcp has no path"}},
		{"port of unix", entry + "    protocol: unix\n", []string{"3:5: unix has no port", "4:5: unix has no address"}},
		{"unix without a path", head + "  - protocol: unix\n    reason: x\n", []string{"3:5: the entry has no path"}},
		{"no reach", head + "  - port: 443\n    reason: x\n", []string{"3:5: the entry does not say who may reach it"}},
		{"exposure", head + "  - port: 443\n    exposure: internet\n    reason: x\n", []string{`4:15: "internet" is no exposure`}},
		{"exposure and address", entry + "    address: 127.0.0.1\n", []string{"6:5: exposure and address stand in one entry"}},
		{"address", head + "  - port: 443\n    address: localhost\n    reason: x\n", []string{`4:14: "localhost" is no address`}},
		{"network", head + "  - port: 443\n    address: 10.0.0.0/33\n    reason: x\n", []string{`4:14: "10.0.0.0/33" is no network`}},
		{"network with a host", head + "  - port: 443\n    address: 10.0.0.1/8\n    reason: x\n", []string{"4:14: 10.0.0.1/8 has bits that are not of the network"}},
		{"mapped network", head + "  - port: 443\n    address: ::ffff:10.0.0.0/104\n    reason: x\n", []string{"4:14: ::ffff:10.0.0.0/104 is a network of IPv4-mapped addresses"}},
		{"no reason", head + "  - port: 443\n    exposure: all\n", []string{"3:5: the entry has no reason"}},
		{"empty reason", head + "  - port: 443\n    exposure: all\n    reason: \"\"\n", []string{"5:13: reason is empty"}},
		{"null reason", head + "  - port: 443\n    exposure: all\n    reason:\n", []string{"5:12: reason is empty"}},
		{"blank reason", head + "  - port: 443\n    exposure: all\n    reason: \"  \"\n", []string{"5:13: reason is empty"}},
		{"bool for a name", entry + "    program: true\n", []string{"6:14: program has to be a text, not true"}},
		{"keys for a name", entry + "    program: {name: x}\n", []string{"6:14: program has to be a text, not keys with values"}},
		{"day", entry + "    expires: 30.6.2027\n", []string{`6:14: expires: "30.6.2027" is no day`}},
		{"no such day", entry + "    expires: 2027-02-29\n", []string{`6:14: expires: "2027-02-29" is no day`}},
		{"time", entry + "    expires: 2027-06-30T10:00:00Z\n", []string{`6:14: expires: "2027-06-30T10:00:00Z" is no day`}},

		{"rule", "version: 1\nrules:\n  WL999: {disable: true, reason: x}\n", []string{`3:3: there is no rule "WL999"`}},
		{"rule without a reason", "version: 1\nrules:\n  WL101: {disable: true}\n", []string{"3:3: the exception has no reason"}},
		{"rule without a reason yet", "version: 1\nrules:\n  WL101: {disable: true, reason: '??'}\n", []string{`3:34: the exception has no reason yet: "??"`}},
		{"rule without an effect", "version: 1\nrules:\n  WL101: {reason: x}\n", []string{"3:3: the exception says neither disable nor severity"}},
		{"rule with two", "version: 1\nrules:\n  WL101: {disable: true, severity: note, reason: x}\n", []string{"3:26: a rule that is disabled has no severity"}},
		{"rule not disabled", "version: 1\nrules:\n  WL101: {disable: false, reason: x}\n", []string{"3:20: disable can only be true"}},
		{"rule disabled by a word", "version: 1\nrules:\n  WL101: {disable: 'true', reason: x}\n", []string{"3:20: disable can only be true"}},
		{"severity", "version: 1\nrules:\n  WL101: {severity: high, reason: x}\n", []string{`3:21: "high" is no severity`}},
		{"rule twice", "version: 1\nrules:\n  WL101: {disable: true, reason: x}\n  WL101: {disable: true, reason: x}\n", []string{`4:3: the key "WL101" stands here for the second time`}},

		{
			"several", "version: 1\nrules:\n  WL9: {reason: 1}\napprovals:\n  - port: x\n    exposure: y\n  - owner: z\n",
			[]string{
				`3:3: there is no rule "WL9"`, "3:3: the exception says neither", `5:5: the entry has no reason`, `5:11: "x" is no port`, `6:15: "y" is no exposure`,
				"7:5: the entry has no port", "7:5: the entry does not say who may reach it", "7:5: the entry has no reason",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePolicy("p", []byte(tt.text))
			var bad *PolicyError
			if !errors.As(err, &bad) || p != nil {
				t.Fatalf("ParsePolicy = %v, %v, want a PolicyError", p, err)
			}
			got := strings.Split(err.Error(), "\n")
			if len(got) != len(tt.want) {
				t.Fatalf("%d problems, want %d:\n%v", len(got), len(tt.want), err)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], "p:"+tt.want[i]) {
					t.Errorf("problem %d is %q, want %q", i, got[i], tt.want[i])
				}
			}
		})
	}
}

// The hint is a next step.
func TestParsePolicyHints(t *testing.T) {
	tests := []struct{ line, want string }{
		{"listen: x", "its keys are port, ports"},
		{"protocoll: tcp", "did you mean protocol?"},
		{"Owner: x", "did you mean owner?"},
		{"onwer: x", "did you mean owner?"},
		{"prot: x", "did you mean port?"},
		{"usr: x", "did you mean user?"},
		{"program: true", "put it in quotes where it is a name"},
		{"protocol: raw", ""},
		{"accepts: wl007", "did you mean WL007?"},
		{"accepts: WL07", "did you mean WL007?"},
		{"accepts: WL0077", "did you mean WL007?"},
		{"accepts: redis", "whatslistening audit --rules lists them"},
	}
	for _, tt := range tests {
		_, err := ParsePolicy("p", []byte("version: 1\napprovals:\n  - port: 443\n    exposure: all\n    reason: x\n    "+tt.line+"\n"))
		var bad *PolicyError
		switch {
		case tt.want == "" && err == nil:
		case !errors.As(err, &bad) || !strings.HasPrefix(bad.Problems[0].Hint, tt.want):
			t.Errorf("%q: %+v, want the hint %q", tt.line, err, tt.want)
		}
	}
}

// What would take an ordinary reader of YAML down costs nothing here.
func TestParsePolicyBombs(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 30 {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 10))
	}
	const n = MaxPolicySize / 2
	tests := []struct{ name, text string }{
		{"a billion laughs", laughs.String()},
		{"an anchor in itself", "version: 1\napprovals: &a [*a]\n"},
		{"deep lists", strings.Repeat("[", n)},
		{"deep keys", strings.Repeat("{a: ", n/4)},
		{"deep entries", strings.Repeat("- ", n)},
		{"deep questions", strings.Repeat("? ", n)},
		{"many problems", "version: 1\napprovals:\n" + strings.Repeat("- 1\n", n/4)},
		{"a long key", "version: 1\n" + strings.Repeat("k", n) + ": 1\n"},
		{"many keys", "version: 1\n" + strings.Repeat("k: 1\n", n/5)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := ParsePolicy("p", []byte(tt.text))
			t.Log(time.Since(start))
			var bad *PolicyError
			if !errors.As(err, &bad) {
				t.Fatalf("ParsePolicy = %v, want a PolicyError", err)
			}
			if len(bad.Problems) > maxProblems || len(err.Error()) > 40000 {
				t.Errorf("%d problems in %d bytes", len(bad.Problems), len(err.Error()))
			}
		})
	}
	_, err := ParsePolicy("p", []byte("version: 1\napprovals:\n"+strings.Repeat("- 1\n", 60)))
	if !strings.HasSuffix(err.Error(), "\nand 10 more") {
		t.Errorf("60 problems are told as %q", err)
	}
}

func TestJoin(t *testing.T) {
	a, err := ParsePolicy("a", []byte("version: 1\napprovals:\n- {port: 1, exposure: all, reason: x}\nrules:\n  WL105: {disable: true, reason: x}\n"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParsePolicy("b", []byte("version: 1\napprovals:\n- {port: 2, exposure: all, reason: x}\nrules:\n  WL106: {severity: note, reason: x}\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := Join(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Files) != 2 || len(all.Entries) != 2 || len(all.Exceptions) != 2 || all.Entries[1].File != "b" {
		t.Errorf("Join = %+v", all)
	}
	_, err = Join(a, b, a)
	if err == nil || err.Error() != "a:5: rule WL105 has an exception already, at a:5" {
		t.Errorf("Join of a rule excepted twice = %v", err)
	}
}

// No text panics, and what is taken says the same when it is read again.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("version: 1\napprovals:\n  - port: 443\n    exposure: all\n    program: [a, b]\n    reason: x\nrules:\n  WL101: {disable: true, reason: x}\n"))
	f.Add([]byte("version: 1\napprovals:\n- {ports: [1-2, 3], protocol: any, address: [\"::1\"], container: x, reason: '?', expires: 2027-01-01, accepts: [WL007, WL032]}\n"))
	f.Add([]byte("version: 1\napprovals:\n- {path: any, protocol: unix, reason: |\n  a\n  b}\n"))
	f.Add([]byte("a: &a [*a]\n---\n# c\n!!binary x: \"\\u202e\"\n"))
	docs, _ := filepath.Glob("testdata/*.yaml")
	for _, name := range docs {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy("p", data)
		if (p == nil) == (err == nil) {
			t.Fatalf("ParsePolicy = %v, %v", p, err)
		}
		if err != nil {
			var bad *PolicyError
			if !errors.As(err, &bad) || len(bad.Problems) == 0 {
				t.Fatalf("no PolicyError: %v", err)
			}
			for _, b := range bad.Problems {
				if b.Line < 1 || b.Text == "" {
					t.Fatalf("a problem without a place: %+v", b)
				}
			}
			return
		}
		for i := range p.Entries {
			e := &p.Entries[i]
			if e.Reason == "" || len(e.Protocols) == 0 || e.Line < 1 || e.String() == "" {
				t.Fatalf("an entry that approves in silence: %+v", e)
			}
		}
		p.Lint(time.Unix(1795420800, 0))
		p.Judge(&Scan{Time: time.Unix(1795420800, 0)})
	})
}
