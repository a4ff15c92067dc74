package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/report"
)

// Of two stores that their network can reach the register accepts one: the audit
// fails for the other alone, and every report still has both.
func TestAcceptsLive(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		const bin = "/srv" // where root alone can write, whichever folder tests are built in
		if err := unix.Mount("tmpfs", bin, "tmpfs", 0, "mode=0755"); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(self(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(bin+"/redis-server", data, 0o755); err != nil {
			t.Fatal(err)
		}
		spawn(t, bin+"/redis-server", "listen", "tcp,0.0.0.0:6379")
		spawn(t, bin+"/redis-server", "listen", "tcp,0.0.0.0:7777")
		dir := t.TempDir()
		policy := filepath.Join(dir, "policy.yaml")
		const register = `version: 1
approvals:
  - {port: 6379, exposure: all, program: /srv/redis-server, reason: the cache of the shop, owner: web team, ticket: OPS-7%s}
  - {port: 7777, exposure: all, program: /srv/redis-server, reason: nobody asked%s}
`
		// audit runs an audit by a register in which the two entries have these keys.
		audit := func(first, second string, args ...string) result {
			t.Helper()
			if err := os.WriteFile(policy, fmt.Appendf(nil, register, first, second), 0o600); err != nil {
				t.Fatal(err)
			}
			return command(t, nil, append([]string{"audit", "--netns", "own", "--policy", policy}, args...)...)
		}
		const accepts, line = ", accepts: WL007", ":3"
		for _, tt := range []struct {
			first, second string
			code          int
			says          string
		}{
			{"", "", exitFindings, "\n2 findings: 2 errors, 0 warnings, 0 notes\n"},
			{accepts, "", exitFindings, "\n1 finding: 1 error, 0 warnings, 0 notes; 1 accepted by the register\n"},
			{accepts, accepts, exitClean, "\nno findings; 2 accepted by the register\n"},
			{accepts + ", expires: 2020-01-01", accepts, exitFindings, "\n2 findings: 2 errors, 0 warnings, 0 notes; 1 accepted by the register\n"},
			{", accepts: WL008", accepts, exitFindings, "\n1 finding: 1 error, 0 warnings, 0 notes; 1 accepted by the register\n"},
			{", accepts: WL108", "", exitUsage, `there is no rule "WL108"`},
		} {
			got := audit(tt.first, tt.second)
			if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.says) {
				t.Errorf("with %q and %q it does not say %q: %+v", tt.first, tt.second, tt.says, got)
			}
		}

		// One is accepted, the other is not.
		for format, wants := range map[string][]string{
			"table": {
				"\nrule WL007 is accepted for tcp 0.0.0.0:6379 (redis-server of root): the cache of the shop (" + policy + line + ")\n",
				"\n    tcp 0.0.0.0:7777 (redis-server of root): serves redis",
				"\nexit 1: findings at or above warning: 1 (--fail-on)\n",
			},
			"markdown": {
				": 1 error, 0 warnings, 0 notes; 1 accepted by the register\n",
				"\n- rule `WL007` is accepted for `tcp 0.0.0.0:6379 (redis-server of root)`: the cache of the shop (`" + policy + line + "`)\n",
			},
			"html": {
				"<caption>Accepted risks: found, and accepted by an approval</caption>",
				"<td>tcp 0.0.0.0:6379 (redis-server of root): serves redis at every address of the host</td><td>the cache of the shop</td><td>web team</td>",
				"<small>accepts WL007</small>",
			},
			"junit":      {`<failure type="WL007" message="tcp 0.0.0.0:7777 `, "\naccepted by the register: tcp 0.0.0.0:6379 (redis-server of root): serves redis at every address of the host: the cache of the shop<"},
			"prometheus": {`_findings{rule="WL007",severity="error"} 1` + "\n", "_findings_accepted 1\n"},
			"csv":        {",the cache of the shop\n", "," + policy + ",3,"},
			"jsonl":      {`"accepted":{"verdict":"approved","decided":{"file":"` + policy + `","line":3},"reason":"the cache of the shop","owner":"web team","ticket":"OPS-7","expires":""}`},
			"sarif":      {`"suppressions": []`, `"justification": "the cache of the shop"`, `"startLine": 3`},
			"json":       {`"accepts": [`},
		} {
			got := audit(accepts, "", "-o", format)
			if got.code != exitFindings {
				t.Errorf("-o %s: exit %d", format, got.code)
			}
			for _, want := range wants {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("-o %s does not say %q:\n%s", format, want, got.stdout)
				}
			}
		}
		if got := audit(accepts, accepts, "-o", "junit"); got.code != exitClean || !strings.Contains(got.stdout, `<skipped message="accepted by the register: tcp 0.0.0.0:6379 `) || strings.Contains(got.stdout, "<failure") {
			t.Errorf("with both accepted -o junit is %+v", got)
		}

		// Read back it is what it was. A fleet does not count what was accepted, and a
		// later audit of it by another register judges anew.
		saved := filepath.Join(dir, "saved.json")
		if got := audit(accepts, "", "--output-file", saved, "-o", "json"); got.code != exitFindings {
			t.Fatalf("%+v", got)
		}
		was, err := os.ReadFile(saved)
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.Read(bytes.NewReader(was))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) != 1 || r.Findings[0].Subject.Port != 7777 || len(r.Accepted) != 1 || r.Accepted[0].Subject.Port != 6379 {
			t.Errorf("read back there are %+v, accepted %+v", r.Findings, r.Accepted)
		}
		if got := command(t, nil, "--from", saved, "--json"); got.stdout != string(was) {
			t.Errorf("written again it differs:\n%s", got.stdout)
		}
		if got := command(t, nil, "diff", saved, saved, "--json"); got.code != exitClean || strings.Contains(got.stdout, "WL007") {
			t.Errorf("diff: %+v", got)
		}
		if got := command(t, nil, "report", "--merge", saved, "--json"); !strings.Contains(got.stdout, `"findings": 1,`) {
			t.Errorf("merged: %+v", got)
		}
		if got := audit(accepts, accepts, "--evidence", dir); got.code != exitClean {
			t.Errorf("--evidence: %+v", got)
		}
		if got := command(t, nil, "audit", "--policy", policy, "--from", saved, "--baseline", saved); got.code != exitClean || !strings.Contains(got.stdout, "\nno findings; 2 accepted by the register\n") {
			t.Errorf("--from: %+v", got)
		}
	})
}
