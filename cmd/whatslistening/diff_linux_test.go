package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/report"
)

// What really started, stopped, moved and was replaced between two scans is
// found as that; a scan with less rights is refused, and forced it loses no
// owner.
func TestDiffLive(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		base := filepath.Join(t.TempDir(), "base.json")
		one, other := everyone(t, "one"), everyone(t, "other")
		spawn(t, one, "listen", "tcp,0.0.0.0:443")
		spawn(t, one, "prefork", "2", "tcp,0.0.0.0:444")
		t.Run("before", func(t *testing.T) {
			spawn(t, one, "listen", "tcp,127.0.0.1:1001")
			spawn(t, one, "listen", "tcp,127.0.0.1:1002")
			spawn(t, one, "listen", "tcp,0.0.0.0:1003")
			spawn(t, one, "listen", "tcp,127.0.0.1:1004")
			if got := command(t, nil, "--netns", "own", "--json", "--output-file", base); got.code != exitClean {
				t.Fatalf("baseline: %+v", got)
			}
			if got := command(t, nil, "diff", base, "--fail-on", "note"); got.code != exitClean {
				t.Errorf("nothing changed: %+v", got)
			}
		})
		spawn(t, one, "listen", "tcp,0.0.0.0:1002")     // moved
		spawn(t, other, "listen", "tcp,0.0.0.0:1003")   // replaced
		spawn(t, one, "listen", "tcp,127.0.0.1:1004")   // restarted
		spawn(t, other, "listen", "tcp,127.0.0.1:1005") // appeared
		want := map[uint32]audit.Change{
			1001: audit.Gone, 1002: audit.Moved, 1003: audit.Replaced, 1004: audit.Restarted, 1005: audit.Appeared,
		}
		got := command(t, nil, "diff", base, "--json")
		if got.code != exitFindings {
			t.Errorf("exit %d, want %d: %s", got.code, exitFindings, got.stderr)
		}
		r, err := report.Read(bytes.NewReader([]byte(got.stdout)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Findings {
			f := &r.Findings[i]
			if want[f.Subject.Port] != f.Change() {
				t.Errorf("port %d: %v, want %v", f.Subject.Port, f.Change(), want[f.Subject.Port])
			}
		}
		if len(r.Findings) != len(want) || r.Baseline == nil || r.Baseline.Unchanged != 2 {
			t.Errorf("%d findings, want %d; baseline %+v, want 2 unchanged", len(r.Findings), len(want), r.Baseline)
		}

		saved := filepath.Join(t.TempDir(), "user.json")
		user := resultOf(t, as(exec.Command(everyone(t, "whatslistening"), "--netns", "own", "--json"), 65534))
		if err := os.WriteFile(saved, []byte(user.stdout), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := command(t, nil, "diff", base, saved); got.code != exitUsage {
			t.Errorf("a scan without rights: %+v", got)
		}
		got = command(t, nil, "diff", base, saved, "--force", "--json")
		if r, err = report.Read(bytes.NewReader([]byte(got.stdout))); err != nil {
			t.Fatalf("%v\n%+v", err, got)
		}
		if slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Subject.Port == 443 || f.Change() == audit.Replaced }) {
			t.Errorf("it lost owners: %+v", r.Findings)
		}
	})
}
