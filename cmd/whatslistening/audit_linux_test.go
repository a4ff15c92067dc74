package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/report"
)

// A register drafted from a real host and then edited, line by line, gives each
// verdict; and as an ordinary user neither an approval nor an accusation.
func TestAuditLive(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		spawn(t, self(t), "listen", "tcp,0.0.0.0:443", "tcp,127.0.0.1:5432", "udp,127.0.0.1:53")
		spawn(t, self(t), "drop", "7777", "tcp,127.0.0.1:8080")
		dir := filepath.Join(t.TempDir(), "policy.d")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "10-host.yaml")
		if got := command(t, nil, "audit", "--init", "--netns", "own", "--output-file", file); got.code != exitClean {
			t.Fatalf("--init: %+v", got)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		draft := strings.ReplaceAll(string(data), `reason: "?"`, "reason: needed")
		draft = strings.Replace(draft, "\napprovals:", "\nrules:\n  WL025: {disable: true, reason: tests are built in /tmp}\napprovals:", 1)
		yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)

		// judge returns the findings of an audit by a register, and what it says of
		// each port.
		judge := func(t *testing.T, register string) (findings string, verdicts map[uint16]audit.Verdict) {
			t.Helper()
			if err := os.WriteFile(file, []byte(register), 0o600); err != nil {
				t.Fatal(err)
			}
			got := command(t, nil, "audit", "--netns", "own", "--policy", dir, "-o", "json", "--fail-on", "note")
			r, err := report.Read(bytes.NewReader([]byte(got.stdout)))
			if err != nil {
				t.Fatalf("%v\n%+v", err, got)
			}
			if want := exitFindings; len(r.Findings) > 0 && got.code != want {
				t.Errorf("exit %d with findings, want %d", got.code, want)
			}
			verdicts = map[uint16]audit.Verdict{}
			for i, l := range r.Listeners {
				verdicts[l.Port] = r.Approvals[i].Verdict
			}
			var rules []string
			for _, f := range r.Findings {
				rules = append(rules, f.Rule)
				if f.Decided.Line > 0 && f.Decided.File != file {
					t.Errorf("the finding is decided by %v", f.Decided)
				}
			}
			return strings.Join(rules, " "), verdicts
		}
		edit := func(old, new string) string {
			if !strings.Contains(draft, old) {
				t.Fatalf("the draft has no %q:\n%s", old, draft)
			}
			return strings.Replace(draft, old, new, 1)
		}
		tests := []struct {
			name, register string
			port           uint16
			want           audit.Verdict
			rules          string
		}{
			{"as drafted", draft, 443, audit.Approved, ""},
			{"another port", edit("port: 443", "port: 444"), 443, audit.Unapproved, "WL101 WL105"},
			{"another protocol", edit("protocol: udp", "protocol: tcp"), 53, audit.Unapproved, "WL101 WL105"},
			{"another program", edit("port: 443\n    exposure: all\n    program: ", "port: 443\n    exposure: all\n    program: /not"), 443, audit.OtherProgram, "WL102"},
			{"another user", edit("user: root", "user: nobody"), 443, audit.OtherUser, "WL102"},
			{"narrower", edit("port: 443\n    exposure: all", "port: 443\n    exposure: public"), 443, audit.Wider, "WL103"},
			{"another address", edit("port: 5432\n    exposure: loopback", "port: 5432\n    address: 127.0.0.2"), 5432, audit.Wider, "WL103"},
			{"until yesterday", edit("reason: needed", "reason: needed\n    expires: "+yesterday), 443, audit.Expired, "WL104"},
			{"one more", draft + "  - {port: 9999, exposure: all, reason: x}\n", 443, audit.Approved, "WL105"},
			{"not read", edit("reason: needed", `reason: "?"`), 443, audit.Approved, "WL106"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				rules, verdicts := judge(t, tt.register)
				// The summary tells a person the same.
				text := command(t, nil, "audit", "--netns", "own", "--policy", dir)
				for rule := range strings.FieldsSeq(tt.rules) {
					if !strings.Contains(text.stdout, "  "+rule+"  ") {
						t.Errorf("the summary has no %s:\n%s", rule, text.stdout)
					}
				}
				if !strings.HasSuffix(text.stdout, "(--fail-on)\n") || !strings.Contains(text.stdout, fmt.Sprintf("\nexit %d: ", text.code)) || text.stderr != "" {
					t.Errorf("the summary does not end with what decided the exit code %d:\n%s%s", text.code, text.stdout, text.stderr)
				}
				if rules != tt.rules || verdicts[tt.port] != tt.want {
					t.Errorf("port %d is %v with the findings %q, want %v with %q\n%s", tt.port, verdicts[tt.port], rules, tt.want, tt.rules, tt.register)
				}
				for port, v := range verdicts {
					if port != tt.port && v != audit.Approved {
						t.Errorf("port %d is %v", port, v)
					}
				}
			})
		}

		// The holders of root are not to be seen by nobody.
		exe := everyone(t, "whatslistening")
		open := filepath.Join(filepath.Dir(exe), "policy.yaml")
		if err := os.WriteFile(open, []byte(draft), 0o644); err != nil {
			t.Fatal(err)
		}
		got := resultOf(t, as(exec.Command(exe, "audit", "--policy", open), nobody))
		if got.code != exitFindings || strings.Count(got.stdout, "! warning  WL107  ") != 1 || !strings.Contains(got.stdout, "4 findings: 0 errors, 4 warnings, 0 notes") {
			t.Errorf("as nobody: exit %d\n%s%s", got.code, got.stdout, got.stderr)
		}
		if !strings.Contains(got.stdout, "0 of 4 sockets approved; 4 unconfirmed") || !strings.Contains(got.stdout, "note: ") {
			t.Errorf("as nobody: %s", got.stdout)
		}
		if got := resultOf(t, as(exec.Command(exe, "audit", "--policy", open, "--strict", "--fail-on", "error"), nobody)); got.code != exitIncomplete {
			t.Errorf("--strict as nobody: exit %d, want %d", got.code, exitIncomplete)
		}
		// Without a register the rules are asked, and there is a way to one.
		if _, err := os.Stat(policyFolder); err != nil {
			got = command(t, nil, "audit")
			if got.code != exitFindings || strings.Contains(got.stdout, "WL1") || !strings.Contains(got.stdout, "\nno register of approvals: audit --init drafts one\n") {
				t.Errorf("without a register: %+v", got)
			}
			if got = command(t, nil, "audit", "--lint"); got.code != exitUsage || !strings.Contains(got.stderr, "hint: ") || !strings.Contains(got.stderr, fmt.Sprintf("%q does not exist", policyFolder)) {
				t.Errorf("--lint without a register: %+v", got)
			}
		}
	})
}

// A register that root reads is no link that someone else planted in a folder
// of it, and a FIFO is not waited for.
func TestPolicyPlanted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, whose register it is")
	}
	dir, err := os.MkdirTemp("/root", "whatslistening-test-")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	good := filepath.Join(dir, "good.yaml")
	if err := os.WriteFile(good, []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "policy.d")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(good, filepath.Join(folder, "10-link.yaml")); err != nil {
		t.Fatal(err)
	}
	if got := runHere(t, "audit", "--lint", "--policy", folder); got.code != exitClean {
		t.Fatalf("a link of root's own: %+v", got)
	}
	for _, mode := range []os.FileMode{0o777, 0o777 | os.ModeSticky, 0o757} {
		if err := os.Chmod(folder, mode); err != nil {
			t.Fatal(err)
		}
		if got := runHere(t, "audit", "--lint", "--policy", folder); got.code != exitUsage || !strings.Contains(got.stderr, `policy.d" can be written by everyone`) {
			t.Errorf("a folder of mode %v: %+v", mode, got)
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfifo", filepath.Join(folder, "20-fifo.yaml")).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v %s", err, out)
	}
	if got := runHere(t, "audit", "--lint", "--policy", folder); got.code != exitUsage || !strings.Contains(got.stderr, "20-fifo.yaml\" is not a regular file") {
		t.Errorf("a FIFO: %+v", got)
	}
}
