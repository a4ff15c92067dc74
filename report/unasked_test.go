package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// What was not looked for is not said to be in order: no test of JUnit passes
// for it, and every form of the findings names it.
func TestUnasked(t *testing.T) {
	r := audited()
	r.Findings, r.Accepted = nil, nil
	r.Register.Exceptions = []audit.Exception{
		{Rule: "WL101", Disabled: true, Reason: "the <register> is being | written"},
		{Rule: "WL007", Disabled: true, Reason: "a test host"},
		{Rule: "WL008", Severity: audit.Note, Reason: "ours", Owner: "dba"},
		{Rule: "WL009", Disabled: true, Reason: "over", Expires: "2026-11-22"},
	}
	// states returns the tests of a suite by what became of them.
	states := func(name string, r *Report, suites []junitSuite) map[string][]string {
		t.Helper()
		of := map[string][]string{}
		for _, s := range suites {
			if s.Name != name {
				continue
			}
			for _, c := range s.Cases {
				state := "passed"
				if c.Skipped != nil {
					state = c.Skipped.Message
				}
				id, _, _ := strings.Cut(c.Name, " (")
				if name == "rules" {
					id, _, _ = strings.Cut(c.Name, " ")
				}
				of[state] = append(of[state], id)
			}
		}
		return of
	}
	rules := states("rules", r, junitOf(t, r, Options{}))
	for state, want := range map[string][]string{
		"no other witness was asked":            {"WL028"},
		"packet sockets were not looked for":    {"WL034"},
		"raw sockets were not looked for":       {"WL035"},
		"unix sockets were not looked for":      {"WL037"},
		"the register disables it: a test host": {"WL007"},
	} {
		if !slices.Equal(rules[state], want) {
			t.Errorf("%q is said of %v, want %v", state, rules[state], want)
		}
	}
	if got := rules["passed"]; len(got) != 32 || !slices.Contains(got, "WL009") {
		t.Errorf("%d rules pass: %v", len(got), got)
	}
	listeners := states("register", r, junitOf(t, r, Options{}))
	if got := listeners["unapproved: the register disables the rule"]; len(got) == 0 || got[0] != "tcp 0.0.0.0:23" {
		t.Errorf("unapproved are %v, among %v", got, listeners)
	}
	if got := listeners["it looks like a client, and no entry approves it"]; len(got) != 2 {
		t.Errorf("clients are %v, among %v", got, listeners)
	}
	for format, want := range map[Format]string{
		Table:    "rule WL007 is disabled: a test host\n",
		Markdown: "- rule `WL101` is disabled: the `<register>` is being `\\x7c` written\n",
		HTML:     "unix sockets were not looked for",
	} {
		var b strings.Builder
		if err := WriteFindings(&b, r, format, &Options{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("%v does not say %q:\n%s", format, want, b.String())
		}
	}
	overrides := sarifOf(t, r).Runs[0].Invocations[0].Overrides
	var got []string
	for _, o := range overrides {
		if id := sarifOf(t, r).Runs[0].Tool.Driver.Rules[o.Descriptor.Index].ID; id != o.Descriptor.ID {
			t.Errorf("the rule %s is at the place of %s", o.Descriptor.ID, id)
		}
		state := "enabled " + o.Configuration.Level
		if !o.Configuration.Enabled {
			state = "disabled"
		}
		got = append(got, o.Descriptor.ID+" "+state+": "+o.Properties.Reason)
	}
	want := []string{"WL101 disabled: the <register> is being | written", "WL007 disabled: a test host", "WL008 enabled note: ours"}
	if !slices.Equal(got, want) {
		t.Errorf("SARIF overrides %q, want %q", got, want)
	}

	// What was looked for leaves nothing to say.
	r.Discrepancies = []scanner.Discrepancy{}
	r.Scope.Protocols = []scanner.Protocol{scanner.TCP, scanner.Raw, scanner.Packet, scanner.Unix}
	if got := r.unasked(); got != nil {
		t.Errorf("unasked() = %v", got)
	}
}

// A comparison asks no rule of an audit, and so none passes.
func TestDriftAsksNoRules(t *testing.T) {
	if got := drift(t, drifted(), JUnit, Options{}); !strings.Contains(got, `name="drift"`) || strings.Contains(got, "WL001") {
		t.Errorf("the tests of a comparison are\n%s", got)
	}
}

// An audit says what it was compared with, and what could not be, also where
// nothing changed: in every form for people.
func TestAuditSaysBaseline(t *testing.T) {
	r := audited()
	r.Baseline = &audit.Baseline{
		Host: r.Host.Name, Time: r.Time, Unchanged: 7,
		Caveats: []audit.Caveat{{Text: "the baseline does not have the protocols raw, packet: <they> are not compared"}},
	}
	says := func(format Format) string {
		var b strings.Builder
		if err := WriteFindings(&b, r, format, &Options{}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for format, wants := range map[Format][]string{
		Table:    {"\nnothing changed since 2026-11-23T08:00:00Z; 7 listeners are as they were\n", "\nnote: the baseline does not have the protocols raw, packet"},
		Markdown: {"\n- nothing changed since `2026-11-23T08:00:00Z`; 7 listeners are as they were\n", "\n- note: the baseline does not have"},
		HTML:     {"nothing changed since 2026-11-23T08:00:00Z; 7 listeners are as they were<", "packet: &lt;they&gt; are not compared"},
	} {
		for _, want := range wants {
			if got := says(format); !strings.Contains(got, want) {
				t.Errorf("%v does not say %q:\n%s", format, want, got)
			}
		}
	}
	r.Register.Exceptions = []audit.Exception{{Rule: "WL205", Disabled: true, Reason: "restarts are wanted"}}
	if got := says(Table); !strings.Contains(got, "\nnothing changed but for what the register disables since 2026-11-23T08:00:00Z; 7") {
		t.Errorf("with a rule of drift disabled it says\n%s", got)
	}
}
