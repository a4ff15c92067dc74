package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// sarifOf writes r as SARIF and reads it back.
func sarifOf(t tester, r *Report) sarifLog {
	t.Helper()
	data := written(t, r, SARIF)
	checkShown(t, SARIF, data)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var log sarifLog
	if err := d.Decode(&log); err != nil {
		t.Fatalf("SARIF cannot be read: %v\n%s", err, data)
	}
	return log
}

func TestSARIF(t *testing.T) {
	r := hostileAudit()
	log := sarifOf(t, r)
	run := log.Runs[0]
	// Of the rules one is enough to look at.
	log.Runs[0].Tool.Driver.Rules = slices.DeleteFunc(slices.Clone(run.Tool.Driver.Rules), func(d sarifDescriptor) bool { return d.ID != "WL101" })
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(log); err != nil {
		t.Fatal(err)
	}
	screen(t, "audit.sarif", b.String())
	findings := r.judged()
	if len(run.Results) != len(findings) {
		t.Fatalf("%d results of %d findings", len(run.Results), len(findings))
	}
	for i, res := range run.Results {
		f := &findings[i]
		// All have suppressions where one has: an empty list says that there is none.
		if res.Suppressions == nil || len(res.Suppressions) > 0 != (f.Accepted != audit.Approval{}) {
			t.Errorf("result %d has the suppressions %+v", i, res.Suppressions)
		}
		if got := run.Tool.Driver.Rules[res.Index].ID; res.Rule != f.Rule || got != f.Rule {
			t.Errorf("result %d is of the rules %s and %s, want %s", i, res.Rule, got, f.Rule)
		}
		if res.Level != f.Severity.String() || res.Fingerprints.V1 != f.Fingerprint {
			t.Errorf("result %d is a %s with the fingerprint %s", i, res.Level, res.Fingerprints.V1)
		}
	}
	if n := run.Invocations[0].Notifications; len(n) != 1 || n[0].Descriptor.ID != scanner.LimitUnreadable || run.Properties.Complete {
		t.Errorf("what could not be seen is %+v", n)
	}
	if want := "whatslistening/web1/2026-11-23T08:00:00Z"; run.Automation.ID != want {
		t.Errorf("the run is %q, want %q", run.Automation.ID, want)
	}
}

// A result stands where its entry does; or in the register, where one may be
// written; or at the host.
func TestSARIFPlace(t *testing.T) {
	at := func(file string, line int) audit.Position { return audit.Position{File: file, Line: line} }
	register := &audit.Register{Files: []audit.PolicyFile{{Path: "/etc/whatslistening/policy.d/a.yaml"}}}
	tests := []struct {
		host     string
		register *audit.Register
		decided  audit.Position
		want     string
	}{
		{"web1", register, at("/etc/whatslistening/policy.d/b c.yaml", 12), "ROOT etc/whatslistening/policy.d/b%20c.yaml 12"},
		{"web1", register, audit.Position{}, "ROOT etc/whatslistening/policy.d/a.yaml 1"},
		{"web1", register, at("policy.yaml", 0), " policy.yaml 1"},
		{"web1", register, at("./ops/../policy.yaml", 3), " policy.yaml 3"},
		{"web1", register, at(`C:\policy.yaml`, 3), " C%3A/policy.yaml 3"},
		{"web1", nil, audit.Position{}, " hosts/web1 1"},
		{"", nil, audit.Position{}, " hosts/host 1"},
		{"..", nil, audit.Position{}, " hosts/host 1"},
		{"javascript:alert(1)//\u202e", nil, audit.Position{}, " hosts/javascript%3Aalert%281%29%2F%2F%E2%80%AE 1"},
		{"../../etc/passwd", nil, audit.Position{}, " hosts/..%2F..%2Fetc%2Fpasswd 1"},
	}
	for _, tt := range tests {
		r := &Report{Host: scanner.Host{Name: tt.host}, Register: tt.register, Findings: []audit.Finding{{Rule: "WL101", Decided: tt.decided}}}
		run := sarifOf(t, r).Runs[0]
		p := run.Results[0].Locations[0].Physical
		got := p.Artifact.Base + " " + p.Artifact.URI + " " + itoa(p.Region.Line)
		if got != tt.want {
			t.Errorf("a finding of %v at host %q stands at %q, want %q", tt.decided, tt.host, got, tt.want)
		}
		if (p.Artifact.Base == "") != (run.Bases == nil) {
			t.Errorf("%q: the bases are %v", tt.want, run.Bases)
		}
	}
}

// Whatever a host calls its things, the log can be read, and nothing of it is
// markup, a control character or a scheme.
func TestSARIFHostile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := anyReport().Draw(rt, "report")
		run := sarifOf(rt, r).Runs[0]
		for _, res := range run.Results {
			if res.Index < 0 || res.Index >= len(run.Tool.Driver.Rules) || run.Tool.Driver.Rules[res.Index].ID != res.Rule {
				rt.Errorf("the rule %q has the index %d", res.Rule, res.Index)
			}
			u, err := url.Parse(res.Locations[0].Physical.Artifact.URI)
			if err != nil || u.Scheme != "" || u.Host != "" || strings.HasPrefix(u.Path, "/") {
				rt.Errorf("the place %q is not relative (%v)", res.Locations[0].Physical.Artifact.URI, err)
			}
		}
	})
}

// A run has no more results than GitHub takes, and says what it leaves out.
func TestSARIFMost(t *testing.T) {
	r := &Report{Findings: make([]audit.Finding, maxSARIF+3)}
	for i := range r.Findings {
		r.Findings[i].Rule = "WL101"
	}
	run := sarifOf(t, r).Runs[0]
	n := run.Invocations[0].Notifications
	if len(run.Results) != maxSARIF || len(n) != 1 || !strings.HasPrefix(n[0].Message.Text, "3 findings") {
		t.Errorf("%d results, and %+v", len(run.Results), n)
	}
}

// The validator of the standard's editors has nothing to say, with GitHub's
// rules too. SARIF_MULTITOOL is the native program of the npm package
// @microsoft/sarif-multitool; .ci/run installs it.
func TestSARIFMultitool(t *testing.T) {
	tool := os.Getenv("SARIF_MULTITOOL")
	if tool == "" {
		t.Skip("SARIF_MULTITOOL names no validator")
	}
	t.Parallel()
	without := hostileAudit()
	without.Register, without.Approvals = nil, nil
	for i := range without.Findings {
		without.Findings[i].Decided = audit.Position{}
	}
	for name, r := range map[string]*Report{"audit": hostileAudit(), "every rule": everyRule(), "rules": without, "none": {Host: scanner.Host{Name: "web1"}, Time: scanned}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log, out := filepath.Join(dir, "audit.sarif"), filepath.Join(dir, "out.sarif")
			if err := os.WriteFile(log, written(t, r, SARIF), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(tool, "validate", log, "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "--output", out)
			cmd.Env = append(os.Environ(), "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1")
			said, err := cmd.CombinedOutput()
			if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			var found struct {
				Runs []struct {
					Results []struct {
						RuleID    string          `json:"ruleId"`
						Level     string          `json:"level"`
						Message   json.RawMessage `json:"message"`
						Locations json.RawMessage `json:"locations"`
					} `json:"results"`
				} `json:"runs"`
			}
			data, rerr := os.ReadFile(out)
			if rerr != nil {
				t.Fatalf("%v (%v)\n%s", rerr, err, said)
			}
			if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &found); err != nil || len(found.Runs) != 1 {
				t.Fatalf("%v\n%s", err, data)
			}
			for _, res := range found.Runs[0].Results {
				t.Errorf("%s %s: %s\n%s", res.Level, res.RuleID, res.Message, res.Locations)
			}
			if err != nil {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}
