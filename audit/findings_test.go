package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// Findings come worst first, each once, with a fingerprint that a restart does
// not change.
func TestFindings(t *testing.T) {
	p := register(t, `port: 443, exposure: loopback, reason: "?"`, "port: 1, exposure: all")
	make := func(pid int) []annotate.Listener {
		return []annotate.Listener{
			with(listener("0.0.0.0", 8080, process(pid, "/x/b", "u"), process(pid+1, "/x/a", "u")), func(l *annotate.Listener) { l.Inode = uint64(pid) }),
			with(listener("0.0.0.0", 8080, process(pid+2, "/x/b", "u"), process(pid+3, "/x/a", "u")), func(l *annotate.Listener) { l.Inode = uint64(pid) + 1 }),
			with(listener("0.0.0.0", 443, process(pid+4, "/x/c", "u")), func(l *annotate.Listener) { l.Namespace = "pid 77" }),
			listener("0.0.0.0", 443, process(pid+5, "/x/c", "u")),
		}
	}
	var rules, ids []string
	for _, f := range p.Judge(seen(make(100))).Findings {
		rules, ids = append(rules, f.Rule), append(ids, f.Fingerprint)
	}
	if got, want := fmt.Sprint(rules), "[WL101 WL101 WL103 WL106 WL105]"; got != want {
		t.Errorf("the findings are %s, want %s", got, want)
	}
	later := make(500)
	slices.Reverse(later)
	later[0].Holders[0].PID = 9
	for i := range later {
		if later[i].Namespace == "pid 77" {
			later[i].Namespace = "pid 78"
		}
	}
	// An entry moves in its file, and stays what it is.
	q := register(t, "port: 443, exposure: all, program: none", `port: 443, exposure: loopback, reason: "?"`, "port: 1, exposure: all")
	q.Entries = q.Entries[1:]
	var again []string
	for _, f := range q.Judge(seen(later)).Findings {
		again = append(again, f.Fingerprint)
	}
	if !slices.Equal(ids, again) {
		t.Errorf("the fingerprints changed:\n%v\n%v", ids, again)
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] || len(id) != 32 {
			t.Errorf("the fingerprint %q is there twice, or too short", id)
		}
		seen[id] = true
	}
}

// A fingerprint changes with everything that it is made of.
func TestFingerprint(t *testing.T) {
	s := Subject{Namespace: "host", Protocol: scanner.TCP, Family: 4, Addr: netip.MustParseAddr("127.0.0.1"), Device: "d", Port: 1, Path: "p", Programs: []string{"a", "b"}, User: "u"}
	base := Fingerprint("WL101", &s)
	if len(base) != 32 || strings.Trim(base, "0123456789abcdef") != "" {
		t.Errorf("Fingerprint = %q", base)
	}
	changes := []func(*Subject){
		func(s *Subject) { s.Namespace = "blue" }, func(s *Subject) { s.Protocol = scanner.UDP },
		func(s *Subject) { s.Family = 6 }, func(s *Subject) { s.Addr = netip.MustParseAddr("127.0.0.2") },
		func(s *Subject) { s.Device = "" }, func(s *Subject) { s.Port = 2 }, func(s *Subject) { s.Path = "" },
		func(s *Subject) { s.Programs = []string{"a"} }, func(s *Subject) { s.Programs = []string{"ab"} },
		func(s *Subject) { s.User, s.Path = "", "pu" }, func(s *Subject) { s.User = "" },
	}
	for i, change := range changes {
		c := s
		change(&c)
		if Fingerprint("WL101", &c) == base {
			t.Errorf("change %d leaves the fingerprint as it is", i)
		}
	}
	if Fingerprint("WL102", &s) == base || Fingerprint("WL101", &s, "x") == base {
		t.Error("the rule, or what else tells a finding, is not in the fingerprint")
	}
	s.Programs = []string{"b", "a"}
	if Fingerprint("WL101", &s) != base {
		t.Error("the order of the holders is in the fingerprint")
	}
	// A namespace without a name goes by a pid or an inode, which are others
	// after a restart.
	for i, ns := range []string{"pid 7", "pid 8", "held by pid 7", "held by pid 8", "net:[4026532000]"} {
		if s.Namespace = ns; i == 0 {
			base = Fingerprint("WL101", &s)
		}
		if Fingerprint("WL101", &s) != base {
			t.Errorf("the namespace %q is in the fingerprint", ns)
		}
	}
}

func TestExcept(t *testing.T) {
	p := parse(t, `version: 1
rules:
  WL101: {disable: true, reason: x}
  WL102: {severity: note, reason: x}
  WL103: {severity: note, reason: x, expires: 2026-11-22}
  WL104: {disable: true, reason: x, expires: 2026-11-23}
`)
	var findings []Finding
	for _, id := range []string{"WL101", "WL102", "WL103", "WL104", "WL105"} {
		findings = append(findings, Finding{Rule: id, Severity: Error})
	}
	var got []string
	kept, _ := p.Except(findings, today)
	for _, f := range kept {
		got = append(got, f.Rule+" "+f.Severity.String())
	}
	if want := "WL102 note, WL103 error, WL105 error"; strings.Join(got, ", ") != want {
		t.Errorf("Except leaves %v, want %s", got, want)
	}
}

// Every verdict and every rule of the register has its words.
func TestWords(t *testing.T) {
	for v := NotJudged; v <= Client; v++ {
		if strings.Contains(v.String(), "(") {
			t.Errorf("verdict %d has no word", uint8(v))
		}
	}
	if got := Verdict(99).String(); got != "Verdict(99)" {
		t.Errorf("Verdict(99) is %q", got)
	}
	ids := map[string]bool{}
	for _, r := range registerRules {
		if got, ok := RuleByID(r.ID); !ok || got.Title != r.Title {
			t.Errorf("RuleByID(%q) = %+v, %v", r.ID, got, ok)
		}
		if ids[r.ID] || r.Title == "" || r.Help == "" || r.Next == "" || len(r.Controls) == 0 || strings.Contains(r.Help+r.Title, "complian") {
			t.Errorf("rule %+v", r)
		}
		ids[r.ID] = true
	}
	if _, ok := RuleByID("WL000"); ok {
		t.Error("RuleByID finds a rule that does not exist")
	}
	if got, want := approvedOnly[0].String(), "CIS Debian 12 v1.1.0 2.1.22"; got != want {
		t.Errorf("a control is cited as %q, want %q", got, want)
	}
}
