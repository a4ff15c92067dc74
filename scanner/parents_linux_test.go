package scanner

import (
	"fmt"
	"os"
	"testing"
)

// ancestorsOf reads the ancestors of the holder of inode 7 of a fixture, and
// returns them as a person reads them, nearest last.
func ancestorsOf(t *testing.T, files map[string]string) string {
	t.Helper()
	socks := []Socket{{Inode: 7}}
	h := newHolders(&Options{ProcFS: fixture(t, files), Ancestors: true})
	if err := h.attach(t.Context(), socks); err != nil {
		t.Fatal(err)
	}
	if err := h.describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := socks[0].Holders[0]
	text := p.Name
	for _, a := range p.Ancestors {
		text = fmt.Sprintf("%s(%d) %s", a.Name, a.PID, text)
	}
	return text
}

// statOf is /proc/PID/stat.
func statOf(pid int, comm string, ppid int, start uint64) string {
	return fmt.Sprintf("%d (%s) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0\n", pid, comm, ppid, start)
}

func TestAncestors(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"to the first process", map[string]string{
			"1/stat": statOf(1, "systemd", 0, 1), "30/stat": statOf(30, "containerd-shim", 1, 50), "30/exe": "-> /usr/bin/containerd-shim-runc-v2 (deleted)",
			"40/stat": statOf(40, "nginx", 30, 100),
		}, "systemd(1) containerd-shim-runc-v2(30) nginx"},
		{"one that is gone", map[string]string{"40/stat": statOf(40, "nginx", 30, 100)}, "nginx"},
		{"one whose parent is gone", map[string]string{"30/stat": statOf(30, "sh", 29, 50), "40/stat": statOf(40, "nginx", 30, 100)}, "sh(30) nginx"},
		{"case 25: a pid that lives again", map[string]string{"30/stat": statOf(30, "sh", 1, 101), "40/stat": statOf(40, "nginx", 30, 100)}, "nginx"},
		{"a loop, which a copy may have", map[string]string{
			"30/stat": statOf(30, "a", 31, 50), "31/stat": statOf(31, "b", 30, 50), "40/stat": statOf(40, "nginx", 30, 100),
		}, "b(31) a(30) nginx"},
		{"its own parent", map[string]string{"40/stat": statOf(40, "nginx", 40, 100)}, "nginx(40) nginx"},
		{"another holder", map[string]string{
			"1/stat": statOf(1, "init", 0, 1), "39/stat": statOf(39, "nginx", 1, 60), "39/fd/3": "-> socket:[7]", "39/exe": "-> /usr/sbin/nginx",
			"40/stat": statOf(40, "nginx", 39, 100),
		}, "init(1) nginx"},
		{"text that is no stat", map[string]string{"30/stat": "30 (", "40/stat": statOf(40, "nginx", 30, 100)}, "nginx"},
	}
	for _, tt := range tests {
		files := make(map[string]string)
		holds(files, 40, 7, "nginx", 100, "")
		for name, text := range tt.files {
			files[name] = text
		}
		if got := ancestorsOf(t, files); got != tt.want {
			t.Errorf("%s: ancestors = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Who nests processes without an end does not fill the memory of those who look.
func TestAncestorsBounded(t *testing.T) {
	files := make(map[string]string)
	const n = 3 * maxAncestors
	for pid := 1; pid < n; pid++ {
		files[fmt.Sprintf("%d/stat", pid)] = statOf(pid, "sh", pid-1, uint64(pid))
	}
	holds(files, n, 7, "nginx", n, "")
	files[fmt.Sprintf("%d/stat", n)] = statOf(n, "nginx", n-1, n)
	socks := []Socket{{Inode: 7}}
	h := newHolders(&Options{ProcFS: fixture(t, files), Ancestors: true})
	if err := h.attach(t.Context(), socks); err != nil {
		t.Fatal(err)
	}
	if err := h.describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	as := socks[0].Holders[0].Ancestors
	if len(as) != maxAncestors || as[0].PID != n-1 {
		t.Errorf("%d ancestors, the first %+v; want the %d nearest", len(as), as[0], maxAncestors)
	}
}

// What is read of real processes is what they are.
func TestAncestorsReal(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		p := spawn(t, "listen", "tcp,127.0.0.1:80")
		s := one(t, scan(t, &Options{Ancestors: true}), 80)
		as := s.Holders[0].Ancestors
		if len(as) < 2 || as[0] != (Ancestor{os.Getpid(), s.Holders[0].Name}) || as[1].PID != os.Getppid() || as[len(as)-1].PID != 1 {
			t.Errorf("ancestors of %d = %+v, want %d, %d … 1", p.PID, as, os.Getpid(), os.Getppid())
		}
		if s := one(t, scan(t, nil), 80); s.Holders[0].Ancestors != nil {
			t.Errorf("ancestors that nobody asked for: %+v", s.Holders[0].Ancestors)
		}
	})
}
