package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

const nobody = 65534

// Without the right to look into other users' processes every socket is listed
// all the same, with its uid, and the output says what is missing and how to see
// it: as nobody, and where /proc hides the processes themselves.
func TestWithoutRights(t *testing.T) {
	for _, hidepid := range []string{"", "hidepid=2"} {
		name := hidepid
		if name == "" {
			name = "nobody"
		}
		t.Run(name, func(t *testing.T) {
			inNamespaces(t, func(t *testing.T) {
				spawn(t, self(t), "listen", "tcp,0.0.0.0:22", "udp,127.0.0.1:53")
				spawn(t, self(t), "drop", "7777", "tcp,127.0.0.1:5432")
				exe := everyone(t, "whatslistening")
				if hidepid != "" {
					if err := unix.Mount("proc", "/proc", "proc", 0, hidepid); err != nil {
						t.Skipf("%s: %v", hidepid, err)
					}
				}
				got := resultOf(t, as(exec.Command(exe, "--json", "--strict"), nobody))
				if got.code != exitIncomplete {
					t.Errorf("--strict: exit %d, want %d\n%s", got.code, exitIncomplete, got.stderr)
				}
				if !strings.HasPrefix(got.stderr, "whatslistening: the report is incomplete: ") || !strings.Contains(got.stderr, "\nhint: ") {
					t.Errorf("--strict says %q", got.stderr)
				}
				r, err := report.Read(bytes.NewReader([]byte(got.stdout)))
				if err != nil {
					t.Fatalf("%v\n%s", err, got.stdout)
				}
				if r.Coverage.Complete || len(r.Listeners) != 3 {
					t.Errorf("complete %v with %d listeners, want an incomplete report of 3", r.Coverage.Complete, len(r.Listeners))
				}
				for _, l := range r.Listeners {
					if l.UID != 0 || len(l.Holders) > 0 || l.Why != scanner.NotPermitted {
						t.Errorf("port %d: uid %d, holders %d, why %v: want uid 0, nobody visible, not permitted", l.Port, l.UID, len(l.Holders), l.Why)
					}
				}

				// The table tells a person, and how to see more.
				table := resultOf(t, as(exec.Command(exe), nobody))
				if table.code != exitClean || strings.Count(table.stdout, "root") < 3 || !strings.Contains(table.stdout, "sudo") {
					t.Errorf("as nobody, exit %d:\n%s%s", table.code, table.stdout, table.stderr)
				}
				// CSV and bare rows have no place for it.
				for _, args := range [][]string{{"-o", "csv"}, {"--no-header"}} {
					if got := resultOf(t, as(exec.Command(exe, args...), nobody)); !strings.Contains(got.stderr, "sudo") || strings.Contains(got.stdout, "sudo") {
						t.Errorf("%v as nobody: %+v", args, got)
					}
				}
				// So does a search that may have missed what it looked for.
				none := resultOf(t, as(exec.Command(exe, "nginx"), nobody))
				if !strings.Contains(none.stderr, "nothing that listens matches nginx") || !strings.Contains(none.stderr, "hint: ") {
					t.Errorf("nginx as nobody: %q", none.stderr)
				}
				// root is told of nothing of the kind.
				if root := command(t, nil, "--strict"); root.code != exitClean || strings.Contains(root.stdout+root.stderr, "sudo") {
					t.Errorf("as root, exit %d:\n%s%s", root.code, root.stdout, root.stderr)
				}
			})
		})
	}
}

// Nothing listens: that is an answer, not an error.
func TestNothingListens(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		if got := command(t, nil); got.code != exitClean || !strings.Contains(got.stdout, "nothing is listening") || got.stderr != "" {
			t.Errorf("%+v", got)
		}
		got := command(t, nil, "--json")
		if got.code != exitClean || len(ourRows(t, got.stdout)) != 0 || !strings.Contains(got.stdout, `"listeners": []`) {
			t.Errorf("--json: %+v", got)
		}
		if got := command(t, nil, "--exit-code"); got.code != exitFindings {
			t.Errorf("--exit-code: %+v", got)
		}
	})
}

// A real scan by every way that the command can be told.
func TestLive(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		spawn(t, self(t), "drop", "7777", "tcp,0.0.0.0:5432")
		for _, args := range [][]string{
			{"5432"},
			{":5432"},
			{"tcp/5432"},
			{"5000-6000"},
			{"postgresql"},
			{"--user", "7777"},
			{"--exposed"},
			{"--proto", "tcp"},
			{"--range", "registered"},
			{"--source", "netlink"},
			{"--source", "gopsutil"},
			{"list"},
			{"list", "5432"},
		} {
			got := command(t, nil, append(args, "-o", "csv", "--columns", "port,service", "--exit-code")...)
			if got.code != exitClean || !strings.Contains(got.stdout, "5432,postgresql") {
				t.Errorf("%q: %+v", args, got)
			}
		}
		for _, args := range [][]string{{"udp/5432"}, {"nginx"}, {"--user", "nobody"}, {"--proto", "udp"}, {"--range", "dynamic"}} {
			if got := command(t, nil, append(args, "--exit-code")...); got.code != exitFindings || got.stdout != "" || got.stderr == "" {
				t.Errorf("%q: %+v", args, got)
			}
		}
		got := command(t, nil, "explain", "--json", "5432")
		if got.code != exitClean || !strings.Contains(got.stdout, `"pid": `) || !strings.Contains(got.stdout, `"ephemeral": false`) {
			t.Errorf("explain: %+v", got)
		}
		// Arguments are there where they were asked for, unless other columns were.
		for _, args := range [][]string{{}, {"-o", "wide"}, {"-o", "tree"}, {"-o", "csv"}, {"-o", "markdown"}, {"--columns", "+uid"}} {
			if got := command(t, nil, append(args, "--args", "5432")...); !strings.Contains(got.stdout, " 7777 tcp,0.0.0.0:5432") {
				t.Errorf("%q --args:\n%s%s", args, got.stdout, got.stderr)
			}
		}
		if got := command(t, nil, "--args", "--columns", "port", "5432"); strings.Contains(got.stdout, "7777") {
			t.Errorf("--args --columns port:\n%s", got.stdout)
		}
		// Another /proc is another witness, and the report says so.
		got = command(t, nil, "--json", "--procfs", "/proc")
		if got.code != exitClean || !strings.Contains(got.stdout, "processes were read from") {
			t.Errorf("--procfs: %+v", got)
		}
		if got := command(t, nil, "__complete", "54"); !strings.Contains(got.stdout, "5432\tpostgresql\n") {
			t.Errorf("completion: %+v", got)
		}
	})
}
