package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/clipperhouse/displaywidth"
	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

// A diagnosis is what doctor writes in JSON.
type diagnosis struct {
	Complete bool
	BlindTo  []string `json:"blind_to"`
	Coverage struct {
		Access struct{ Capabilities []string }
	}
	Rights []struct {
		Capabilities []string
		Have         bool
	}
	Remedies []struct {
		Text  string
		Lines []string
	}
}

// What doctor says is what a scan does: as root, as nobody, and as nobody with
// each remedy that doctor itself has named.
func TestDoctor(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		hideMounts(t)
		spawn(t, self(t), "listen", "tcp,127.0.0.1:5432")
		spawn(t, self(t), "drop", "7777", "udp,127.0.0.1:53")
		plain := everyone(t, "whatslistening")

		got := command(t, nil, "doctor", "--strict")
		if got.code != exitClean || !strings.HasSuffix(got.stdout, "\ncomplete\n") || strings.Contains(got.stdout, "sudo") || got.stderr != "" {
			t.Errorf("as root: %+v", got)
		}

		got = resultOf(t, as(exec.Command(plain, "doctor", "--strict"), nobody))
		if got.code != exitIncomplete || !strings.Contains(got.stdout, "\nblind to: 3 of 4 processes\n") || got.stderr != "" {
			t.Errorf("as nobody: %+v", got)
		}
		setcap := "sudo setcap cap_sys_ptrace,cap_dac_read_search+ep " + plain
		for _, want := range []string{"sudo whatslistening", setcap, "ExecStart=" + plain + " --json", "--pid=host --net=host --cap-add SYS_PTRACE --cap-add DAC_READ_SEARCH"} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("as nobody: %q is not in\n%s", want, got.stdout)
			}
		}
		var d diagnosis
		got = resultOf(t, as(exec.Command(plain, "doctor", "--json"), nobody))
		if err := json.Unmarshal([]byte(got.stdout), &d); err != nil || got.code != exitClean {
			t.Fatalf("%v: %+v", err, got)
		}
		if d.Complete || len(d.BlindTo) != 1 || len(d.Rights) < 5 || d.Rights[0].Have || len(d.Remedies) != 4 || len(d.Coverage.Access.Capabilities) != 0 {
			t.Errorf("as nobody: %+v", d)
		}
		verifyUnit(t, d.Remedies[2].Lines)

		// The remedies: the file's capabilities, and a unit's.
		capped := everyone(t, "whatslistening", unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH)
		unit := as(exec.Command(plain, "doctor", "--strict"), nobody)
		unit.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH}
		for name, cmd := range map[string]*exec.Cmd{
			"setcap": as(exec.Command(capped, "doctor", "--strict"), nobody),
			"unit":   unit,
		} {
			if got := resultOf(t, cmd); got.code != exitClean || !strings.HasSuffix(got.stdout, "\ncomplete\n") {
				t.Errorf("with the remedy %s: %+v", name, got)
			}
		}
		list := resultOf(t, as(exec.Command(capped, "--strict", "--json"), nobody))
		if rows, want := ourRows(t, list.stdout), netnstest.SS(t); list.code != exitClean || !slices.Equal(rows, want) {
			t.Errorf("with the remedy setcap: %v, want what ss shows to root: %v\n%s", rows, want, list.stderr)
		}
	})
}

// A report has the same facts, where it has room for them.
func TestAccessInReport(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		for _, tt := range []struct {
			format string
			want   bool
		}{{"json", true}, {"yaml", true}, {"jsonl", false}, {"table", false}, {"csv", false}} {
			got := command(t, nil, "-o", tt.format)
			if strings.Contains(got.stdout, "CAP_SYS_PTRACE") != tt.want || got.code != exitClean {
				t.Errorf("-o %s: want access %v: %+v", tt.format, tt.want, got)
			}
		}
	})
}

// hideMounts takes away the network namespaces of the host that are mounted here.
func hideMounts(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"/run/netns", "/run/docker/netns"} {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		for unix.Unmount(dir, unix.MNT_DETACH) == nil {
		}
		if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// verifyUnit has systemd read the unit that doctor says to paste.
func verifyUnit(t *testing.T, lines []string) {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("the unit was not verified: no systemd-analyze")
		return
	}
	path := filepath.Join(t.TempDir(), "whatslistening.service")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", path).CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s\n%s", err, out, strings.Join(lines, "\n"))
	}
}

// Where nothing listens a list lacks nothing, and doctor says what it would lack.
// Root of a user namespace is not told to become root.
func TestDoctorElsewhere(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		hideMounts(t)
		plain := everyone(t, "whatslistening")
		got := resultOf(t, as(exec.Command(plain, "doctor", "--strict"), nobody))
		if got.code != exitIncomplete || !strings.Contains(got.stdout, "\nblind to: 1 of 2 processes\n") {
			t.Errorf("where nothing listens: %+v", got)
		}
		if list := resultOf(t, as(exec.Command(plain, "--strict"), nobody)); list.code != exitClean {
			t.Errorf("a list where nothing listens lacks nothing: %+v", list)
		}
		cmd := as(exec.Command(plain, "doctor"), 0)
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: nobody, Size: 1}}
		cmd.SysProcAttr.GidMappings = cmd.SysProcAttr.UidMappings
		got = resultOf(t, cmd)
		if !strings.Contains(got.stdout, "root of a user namespace") || strings.Contains(got.stdout, "sudo") || !strings.Contains(got.stdout, "run as root of the host") {
			t.Errorf("as root of a user namespace: %+v", got)
		}
	})
}

// On a terminal: in colour, which adds nothing to the words, and no line but
// those to paste is wider.
func TestDoctorOnTerminal(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		plain := onTerminal(t, 60, []string{"NO_COLOR=1"}, "doctor")
		for line := range strings.Lines(plain) {
			if w := displaywidth.String(strings.TrimSuffix(line, "\n")); w > 60 && !strings.HasPrefix(line, "      ") {
				t.Errorf("60 columns: a line of %d: %q", w, line)
			}
		}
		colour := onTerminal(t, 60, nil, "doctor")
		if !sgr.MatchString(colour) || sgr.ReplaceAllString(colour, "") != plain {
			t.Errorf("in colour:\n%q\nwithout:\n%q", colour, plain)
		}
		safe(t, "doctor", plain)
	})
}
