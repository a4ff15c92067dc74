package scanner

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// copySelf copies the test binary to a path.
func copySelf(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(self(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
}

// Case 27: the path of the program is as it is, and " (deleted)" is a flag,
// unless the program is called so.
func TestFactsCase27Exe(t *testing.T) {
	tests := []struct {
		name   string
		remove bool
	}{
		{"plain", false},
		{"with a space", false},
		{"with\na line break", false},
		{"esc\x1b[31m", false},
		{"bytes\xff\xfe", false},
		{"gone", true},
		{"gone with a space", true},
		{"called so (deleted)", false},
		{"called so and gone (deleted)", true},
	}
	inNetns(t, func(t *testing.T) {
		for i, tt := range tests {
			port := uint16(100 + i)
			path := filepath.Join(t.TempDir(), "a b", tt.name)
			copySelf(t, path)
			p := spawnCmd(t, exec.Command(path, fmt.Sprintf("tcp,127.0.0.1:%d", port)), "listen")
			if tt.remove {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			s := one(t, scan(t, nil), port)
			if got := pidsOf(s); !slices.Equal(got, []int{p.PID}) {
				t.Errorf("%q: holders = %v, want %v", tt.name, got, p.PID)
				continue
			}
			if h := s.Holders[0]; h.Exe != path || h.Deleted != tt.remove || h.Name != tt.name {
				t.Errorf("%q: exe %q, deleted %v, name %q, want %q, %v, %q", tt.name, h.Exe, h.Deleted, h.Name, path, tt.remove, tt.name)
			}
		}
	})
}

// Case 27: a program that is several is named by the link that started it;
// any other is not.
func TestFactsCase27MultiCall(t *testing.T) {
	tests := []struct{ program, link, want string }{
		{"redis-check-rdb", "redis-server", "redis-server"},
		{"busybox", "telnetd", "telnetd"},
		{"python3.11", "sshd", "python3.11"},
	}
	inNetns(t, func(t *testing.T) {
		for i, tt := range tests {
			dir, port := t.TempDir(), uint16(230+i)
			copySelf(t, filepath.Join(dir, tt.program))
			link := filepath.Join(dir, tt.link)
			if err := os.Symlink(tt.program, link); err != nil {
				t.Fatal(err)
			}
			spawnCmd(t, exec.Command(link, fmt.Sprintf("tcp,127.0.0.1:%d", port)), "listen")
			if h := one(t, scan(t, nil), port).Holders; len(h) != 1 || h[0].Name != tt.want {
				t.Errorf("%s by %s: holders = %+v, want the name %q", tt.program, tt.link, h, tt.want)
			}
		}
	})
}

// Case 27, case 30: a process cannot lie about its name, parent or user by its comm.
func TestFactsCommSpoofed(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for i, comm := range []string{"sshd", ") S 1 1 (", ")\nUid:\t7\t7", "a) Z 4 5 6", "\x1b[2J", "x\ny"} {
			port := uint16(200 + i)
			before := time.Now()
			p := spawn(t, "named", comm, fmt.Sprintf("tcp,127.0.0.1:%d", port))
			h := one(t, scan(t, nil), port).Holders
			if len(h) != 1 {
				t.Fatalf("comm %q: holders = %v", comm, h)
			}
			base := filepath.Base(self(t))
			if h[0].PID != p.PID || h[0].PPID != os.Getpid() || h[0].Name != base || h[0].UID != 0 || h[0].User != "root" || h[0].Parent != base {
				t.Errorf("comm %q: %+v, want pid %d, parent %d %s, name %s, root", comm, h[0], p.PID, os.Getpid(), base, base)
			}
			// The kernel counts starts in ticks since a boot that it tells in seconds.
			if s := h[0].Started; s.Before(before.Add(-2*time.Second)) || s.After(time.Now().Add(2*time.Second)) {
				t.Errorf("comm %q: started %v, after %v", comm, s, before)
			}
		}
	})
}

// Case 7: the socket keeps the user that it was made by, the holder is who it is now.
func TestFactsCase7UserDropped(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		spawn(t, "drop", "65534", "tcp,0.0.0.0:110")
		s := one(t, scan(t, nil), 110)
		if len(s.Holders) != 1 {
			t.Fatalf("holders = %v", s.Holders)
		}
		if h := s.Holders[0]; h.UID != 65534 || h.User != "nobody" || s.UID != 0 {
			t.Errorf("holder is %d %q, socket is of %d, want 65534 nobody and 0", h.UID, h.User, s.UID)
		}
	})
}

// The two ways to learn the user agree; the second is for kernels before 6.13.
func TestFactsUserBothWays(t *testing.T) {
	root, err := openProc("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	var name pathName
	dir, e := openName(root.fd, name.set(os.Getpid(), ""), unix.O_PATH|unix.O_DIRECTORY)
	if e != 0 {
		t.Fatal(e)
	}
	defer unix.Close(dir)
	for _, pidfds := range []bool{false, true} {
		p := &holder{Process: Process{PID: os.Getpid(), UID: -1}}
		r := factReader{pidfds: pidfds}
		if !r.read(dir, "", p) || p.UID != int64(os.Getuid()) {
			t.Errorf("by pidfd %v: user %d, want %d", pidfds, p.UID, os.Getuid())
		}
	}
}

// The boot time of the clocks is that of /proc/stat, and so the start of a
// process is the same in every scan.
func TestFactsStartStable(t *testing.T) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	want, ok := parseBootTime(b)
	if !ok {
		t.Fatalf("no boot time in %q", b)
	}
	for range 1000 {
		if got, ok := clockBootTime(); ok && got != want {
			t.Fatalf("clockBootTime() = %v, /proc/stat has %v", got, want)
		}
	}
	first := describePIDs(t.Context(), &Options{}, []int{os.Getpid()})[os.Getpid()]
	for range 50 {
		if p := describePIDs(t.Context(), &Options{}, []int{os.Getpid()})[os.Getpid()]; !p.Started.Equal(first.Started) {
			t.Fatalf("started %v, and then %v", first.Started, p.Started)
		}
	}
}

// A scan that is called off ends, with the error of its context.
func TestHoldersCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := newHolders(&Options{})
	if err := h.attach(ctx, []Socket{{Inode: 1}}); err != context.Canceled {
		t.Errorf("attach = %v, want %v", err, context.Canceled)
	}
}

func TestHoldersNoProc(t *testing.T) {
	h := newHolders(&Options{ProcFS: filepath.Join(t.TempDir(), "absent")})
	if err := h.attach(t.Context(), []Socket{{Inode: 1}}); err == nil {
		t.Error("attach without a folder of processes: no error")
	}
}

// Arguments are shown redacted, and only when asked for.
func TestFactsArgs(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		p := spawn(t, "listen", "tcp,127.0.0.1:120", "--", "--password", "hunter2")
		if h := one(t, scan(t, nil), 120).Holders[0]; h.Args != nil {
			t.Errorf("arguments not asked for: %q", h.Args)
		}
		want := []string{p.Args[0], "tcp,127.0.0.1:120", "--", "--password", redacted}
		if h := one(t, scan(t, &Options{Args: true}), 120).Holders[0]; !slices.Equal(h.Args, want) {
			t.Errorf("arguments = %q, want %q", h.Args, want)
		}
	})
}

// What is read of a process is the same by pid as by the walk.
func TestDescribePIDs(t *testing.T) {
	me := os.Getpid()
	got := describePIDs(t.Context(), &Options{Args: true}, []int{me, me, 0, -1, 1 << 30})
	if len(got) != 1 || got[me] == nil {
		t.Fatalf("describePIDs = %v, want this process alone", got)
	}
	p := got[me]
	if p.Exe != self(t) || p.PPID != os.Getppid() || p.UID != int64(os.Getuid()) || len(p.Args) != len(os.Args) {
		t.Errorf("process = %+v", p)
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	if p.Unit != "" && !bytes.Contains(b, []byte(strings.TrimSuffix(p.Unit, "\n"))) {
		t.Errorf("unit %q is not in %q", p.Unit, b)
	}
}

func BenchmarkWalk(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var fds []int
			for range n {
				fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					b.Skip(err)
				}
				fds = append(fds, fd)
			}
			defer func() {
				for _, fd := range fds {
					unix.Close(fd)
				}
			}()
			root, err := openProc("/proc")
			if err != nil {
				b.Fatal(err)
			}
			defer root.close()
			w := &walker{root: root, set: newInodeSet([]Socket{{Inode: 1}}, func(*Socket) bool { return true })}
			pid := os.Getpid()
			b.ReportAllocs()
			for b.Loop() {
				w.process(pid)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/descriptor")
		})
	}
}
