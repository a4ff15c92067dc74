package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/bench/load"
)

// In every scenario the kernel names the same processes, with the same facts, as
// a walk of /proc.
func TestHoldersAgree(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a load needs root")
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		t.Skip("the kernel cannot be asked: ", err)
	}
	bin, err := build(t.Context(), t.TempDir(), oursPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range load.Scenarios() {
		if s.Host {
			continue // what is there comes and goes
		}
		t.Run(s.Name, func(t *testing.T) {
			if testing.Short() && s.Name != "S1" {
				t.Skip("takes seconds to make")
			}
			l, err := load.Start(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Stop()
			list := func(way string) string {
				t.Helper()
				r, err := l.Run(t.Context(), load.Command{Kind: load.Output, Args: []string{bin, "--holders", way, "--json"}})
				if err != nil || r.ExitCode != 0 {
					t.Fatalf("--holders %s: %v, exit code %d: %s", way, err, r.ExitCode, r.Stderr)
				}
				if used := `"holders": "` + way + `"`; !strings.Contains(string(r.Output), used) {
					t.Fatalf("--holders %s: no %s in the report", way, used)
				}
				return regexp.MustCompile(`(?m)^ *"(time|holders)": .*$`).ReplaceAllString(string(r.Output), "")
			}
			walk, kernel := list("proc"), list("bpf")
			if n := strings.Count(walk, `"pid": `); n < s.Listeners {
				t.Errorf("a walk finds %d holders of %d listeners", n, s.Listeners)
			}
			a, b := strings.Split(walk, "\n"), strings.Split(kernel, "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("line %d: by a walk %q, by the kernel %q", i+1, a[i], b[i])
				}
			}
			if len(a) != len(b) {
				t.Errorf("%d lines by a walk, %d by the kernel", len(a), len(b))
			}
		})
	}
}
