package scanner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// What others change of a process that does not run shows too: where its program
// is, and in which control group it is.
func TestAgainFacts(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		dir := t.TempDir()
		sleep, err := exec.LookPath("sleep")
		if err != nil {
			t.Skip(err)
		}
		b, err := os.ReadFile(sleep)
		if err != nil {
			t.Fatal(err)
		}
		exe := filepath.Join(dir, "python3") // of which the script is asked
		if err := os.WriteFile(exe, b, 0o755); err != nil {
			t.Fatal(err)
		}
		a := newActor(t)
		a.do("open tcp,127.0.0.1:7000")
		a.sleep(exe)
		s := newScanSeries(t, Options{Ancestors: true})
		s.scan("at first")
		unit := fmt.Sprintf("again-%d.service", time.Now().UnixNano()) // the groups are the host's
		steps := []struct {
			name string
			f    func() error
			want func(*Process) bool
		}{
			{"nothing", func() error { return nil }, func(p *Process) bool { return p.Script == "infinity" }},
			{"renamed", func() error { return os.Rename(exe, exe+"x") }, func(p *Process) bool { return p.Name == "python3x" }},
			{"named back", func() error { return os.Rename(exe+"x", exe) }, func(p *Process) bool { return p.Script == "infinity" }},
			{"removed", func() error { return os.Remove(exe) }, func(p *Process) bool { return p.Deleted && !p.Replaced }},
			{"replaced", func() error { return os.WriteFile(exe, b, 0o755) }, func(p *Process) bool { return p.Deleted && p.Replaced }},
			{"moved to another control group", func() error { return moveToCgroup(t, a.PID, unit) }, func(p *Process) bool { return p.Unit == unit }},
			{"moved back", func() error { return moveToCgroup(t, a.PID, "") }, func(p *Process) bool { return p.Unit == "" }},
		}
		for _, tt := range steps {
			before := s.last
			if err := tt.f(); err != nil {
				t.Logf("%s: %v", tt.name, err)
				continue
			}
			got := s.scan(tt.name)
			if kept(before, got) == 0 {
				t.Errorf("%s: the process was looked into", tt.name)
			}
			if p := one(t, got, 7000).Holders[0]; tt.want != nil && !tt.want(p) {
				t.Errorf("%s: %+v", tt.name, p)
			}
		}
	})
}

// A network namespace that only a descriptor of a sleeping process keeps alive is
// found every time, and what listens in it.
func TestAgainNamespaces(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a, b := newActor(t), newActor(t)
		a.do("namespace tcp,0.0.0.0:7010")
		a.sleep("sleep")
		s := &scanSeries{t, Options{}, new(Snapshot)}
		s.scan("at first")
		for _, what := range []string{"nothing", "nothing again"} {
			before := s.last
			got := s.scan(what)
			if kept(before, got) == 0 || len(got.Namespaces) != 2 || one(t, got, 7010).Namespace == OwnNamespace {
				t.Errorf("%s: %d kept, namespaces %+v", what, kept(before, got), got.Namespaces)
			}
		}
		b.do("namespace tcp,0.0.0.0:7011")
		settled(t, b.PID)
		if got := s.scan("one more"); len(got.Namespaces) != 3 {
			t.Errorf("namespaces %+v, want 3", got.Namespaces)
		}
		a.Stop()
		if got := s.scan("one less"); len(got.Namespaces) != 2 {
			t.Errorf("namespaces %+v, want 2", got.Namespaces)
		}
	})
}

// moveToCgroup moves a process into a group of its own of systemd's hierarchy,
// empty for the one that it came from.
func moveToCgroup(t *testing.T, pid int, name string) error {
	t.Helper()
	root := "/sys/fs/cgroup/systemd"
	if !exists(root + "/cgroup.procs") {
		root = "/sys/fs/cgroup"
	}
	if !exists(root + "/cgroup.procs") {
		return fmt.Errorf("no control groups at %s", root)
	}
	group := filepath.Join(root, name)
	if name != "" {
		if err := os.Mkdir(group, 0o755); err != nil {
			return err
		}
		t.Cleanup(func() {
			os.WriteFile(filepath.Join(root, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
			os.Remove(group)
		})
	}
	return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// A pid that another process has got is another process, however alike they are.
func TestAgainReusedPID(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a := newActor(t)
		a.do("open tcp,127.0.0.1:7000")
		first, _ := strconv.Atoi(a.do("inherit"))
		settled(t, first)
		a.do("open tcp,127.0.0.1:7001")
		s := newScanSeries(t, Options{})
		s.scan("at first")
		kill(t, first)
		// ns_last_pid (pid_namespaces(7)): the next process has the pid after it.
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(first-1)), 0); err != nil {
			t.Skip(err)
		}
		if again := a.do("inherit"); again != strconv.Itoa(first) {
			t.Skipf("pid %s, want %d again", again, first)
		}
		settled(t, first)
		got := s.scan("another process")
		if holders := pidsOf(one(t, got, 7001)); !slices.Contains(holders, first) {
			t.Errorf("port 7001 is held by %v, want %d among them", holders, first)
		}
	})
}
