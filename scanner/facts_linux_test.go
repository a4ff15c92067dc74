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
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	roles["renamed"] = roleRenamed
	roles["dropped"] = roleDropped
}

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
			s := scanPort(t, &Options{}, port)
			if got := holderPIDs(s); !slices.Equal(got, []int{p.PID}) {
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
			if h := scanPort(t, &Options{}, port).Holders; len(h) != 1 || h[0].Name != tt.want {
				t.Errorf("%s by %s: holders = %+v, want the name %q", tt.program, tt.link, h, tt.want)
			}
		}
	})
}

// roleRenamed takes a name that is meant to break the parser, and listens.
func roleRenamed(r *role, args []string) error {
	if err := os.WriteFile("/proc/self/comm", []byte(args[1]), 0); err != nil {
		return err
	}
	return roleListen(r, args[:1])
}

// Case 27, case 30: a process cannot lie about its name, parent or user by its comm.
func TestFactsCommSpoofed(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for i, comm := range []string{"sshd", ") S 1 1 (", ")\nUid:\t7\t7", "a) Z 4 5 6", "\x1b[2J", "x\ny"} {
			port := uint16(200 + i)
			p := spawn(t, "renamed", fmt.Sprintf("tcp,127.0.0.1:%d", port), comm)
			h := scanPort(t, &Options{}, port).Holders
			if len(h) != 1 {
				t.Fatalf("comm %q: holders = %v", comm, h)
			}
			base := filepath.Base(self(t))
			if h[0].PID != p.PID || h[0].PPID != os.Getpid() || h[0].Name != base || h[0].UID != 0 || h[0].User != "root" || h[0].Parent != base {
				t.Errorf("comm %q: %+v, want pid %d, parent %d %s, name %s, root", comm, h[0], p.PID, os.Getpid(), base, base)
			}
			if age := time.Since(h[0].Started); age < -2*time.Second || age > time.Minute {
				t.Errorf("comm %q: started %v, which is %v ago", comm, h[0].Started, age)
			}
		}
	})
}

// roleDropped listens as root and then becomes another user.
func roleDropped(r *role, args []string) error {
	if _, err := openSocket(args[0]); err != nil {
		return err
	}
	if err := syscall.Setgid(65534); err != nil {
		return err
	}
	if err := syscall.Setuid(65534); err != nil {
		return err
	}
	r.say("ready")
	r.wait()
	return nil
}

// Case 7: the socket keeps the user that it was made by, the holder is who it is now.
func TestFactsCase7UserDropped(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		spawn(t, "dropped", "tcp,0.0.0.0:110")
		s := scanPort(t, &Options{}, 110)
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
	first := describePIDs(t.Context(), "/proc", []int{os.Getpid()}, false)[os.Getpid()]
	for range 50 {
		if p := describePIDs(t.Context(), "/proc", []int{os.Getpid()}, false)[os.Getpid()]; !p.Started.Equal(first.Started) {
			t.Fatalf("started %v, and then %v", first.Started, p.Started)
		}
	}
}

// holds is a process of a fixture that holds socket:[inode].
func holds(files map[string]string, pid int, inode uint64, comm string, start uint64, cmdline string) {
	dir := fmt.Sprintf("%d/", pid)
	files[dir+"fd/3"] = fmt.Sprintf("-> socket:[%d]", inode)
	files[dir+"stat"] = fmt.Sprintf("%d (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0\n", pid, comm, start)
	files[dir+"status"] = "Name:\t" + comm + "\nUid:\t33\t33\t33\t33\n"
	files[dir+"cgroup"] = "0::/system.slice/web.service\n"
	files[dir+"exe"] = "-> /usr/bin/" + comm
	files[dir+"cmdline"] = cmdline
	files["stat"] = "cpu 0\nbtime 1000\n"
}

// A copy of a /proc is read as the real one is.
func TestFactsFixture(t *testing.T) {
	files := make(map[string]string)
	holds(files, 40, 7, "python3", 250, "python3\x00-m\x00http.server\x00--password\x00hunter2\x00")
	holds(files, 41, 7, "nginx", 100, "nginx")
	files["40/fd/10"] = "-> socket:[8]"
	files["1/stat"] = "1 (systemd) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0\n"
	files["1/exe"] = "-> /usr/lib/systemd/systemd"
	files["42/task/43/fd/9"] = "-> socket:[9]"
	files["42/task/43/stat"] = ""
	files["42/stat"] = "42 (odd) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0\n"
	files["42/fd/0"] = "-> /dev/null"
	files["self/fd/3"] = "-> socket:[7]"
	socks := []Socket{{Inode: 7}, {Inode: 8}, {Inode: 9}, {Inode: 10}, {}}
	h := newHolders(fixture(t, files), true)
	if err := h.attach(t.Context(), socks); err != nil {
		t.Fatal(err)
	}
	if err := h.describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"[40 41]", "[40]", "[42]", "[]", "[]"}
	for i := range socks {
		if got := fmt.Sprint(holderPIDs(&socks[i])); got != want[i] {
			t.Errorf("inode %d: holders = %v, want %v", socks[i].Inode, got, want[i])
		}
	}
	p := socks[0].Holders[0]
	if p != socks[1].Holders[0] {
		t.Errorf("one process is two: %+v and %+v", p, socks[1].Holders[0])
	}
	if p.Name != "python3" || p.Exe != "/usr/bin/python3" || p.Script != "http.server" || p.Unit != "web.service" || p.PPID != 1 || p.UID != 33 || p.Parent != "systemd" ||
		!p.Started.Equal(time.Unix(1002, 500e6)) || !slices.Equal(p.Args, []string{"python3", "-m", "http.server", "--password", redacted}) {
		t.Errorf("process = %+v", p)
	}
	if st := h.stats(); st.Processes != 4 || st.Unreadable != 0 || st.Slow != 0 {
		t.Errorf("stats = %+v, want 4 processes", st)
	}
}

// Case 25: a pid that lives again as another process has nothing of that other.
func TestFactsCase25Reuse(t *testing.T) {
	files := make(map[string]string)
	holds(files, 50, 7, "python3", 100, "python3\x00mine.py\x00")
	root := fixture(t, files)
	socks := []Socket{{Inode: 7}}
	h := newHolders(root, true)
	if err := h.attach(t.Context(), socks); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"stat":    "50 (python3) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 200 0\n",
		"cmdline": "python3\x00theirs.py\x00",
	} {
		if err := os.WriteFile(filepath.Join(root, "50", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := socks[0].Holders[0]
	if p.Script != "" || p.Args != nil || !p.Started.Equal(time.Unix(1001, 0)) {
		t.Errorf("process = %+v, want the one that held the socket, without the script of the next", p)
	}
}

// Case 26: a read that never ends costs the script and not the scan.
func TestFactsCase26StuckRead(t *testing.T) {
	files := make(map[string]string)
	holds(files, 60, 7, "python3", 100, "")
	holds(files, 61, 7, "python3", 100, "")
	holds(files, 62, 7, "python3", 100, "python3\x00good.py\x00")
	holds(files, 63, 7, "python3", 100, "")
	root := fixture(t, files)
	for _, pid := range []string{"60", "61", "63"} {
		path := filepath.Join(root, pid, "cmdline")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		// Opening it waits for a writer, who does not come before the end.
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
				f.Close()
			}
		})
	}
	socks := []Socket{{Inode: 7}}
	h := newHolders(root, false)
	if err := h.attach(t.Context(), socks); err != nil {
		t.Fatal(err)
	}
	if err := h.describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(holderPIDs(&socks[0])); got != "[60 61 62 63]" {
		t.Fatalf("holders = %v", got)
	}
	for _, p := range socks[0].Holders {
		want := ""
		if p.PID == 62 {
			want = "good.py"
		}
		if p.Script != want || p.Name != "python3" || p.Unit != "web.service" {
			t.Errorf("process = %+v, want script %q", p, want)
		}
	}
	if got := h.stats().Slow; got != 3 {
		t.Errorf("stats().Slow = %d, want 3", got)
	}
}

// A scan that is called off ends, with the error of its context.
func TestHoldersCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := newHolders("/proc", false)
	if err := h.attach(ctx, []Socket{{Inode: 1}}); err != context.Canceled {
		t.Errorf("attach = %v, want %v", err, context.Canceled)
	}
}

func TestHoldersNoProc(t *testing.T) {
	h := newHolders(filepath.Join(t.TempDir(), "absent"), false)
	if err := h.attach(t.Context(), []Socket{{Inode: 1}}); err == nil {
		t.Error("attach without a folder of processes: no error")
	}
}

// Arguments are shown redacted, and only when asked for.
func TestFactsArgs(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		p := spawn(t, "renamed", "tcp,127.0.0.1:120", "x", "--password", "hunter2")
		if h := scanPort(t, &Options{}, 120).Holders[0]; h.Args != nil {
			t.Errorf("arguments not asked for: %q", h.Args)
		}
		want := []string{p.Args[0], "tcp,127.0.0.1:120", "x", "--password", redacted}
		if h := scanPort(t, &Options{Args: true}, 120).Holders[0]; !slices.Equal(h.Args, want) {
			t.Errorf("arguments = %q, want %q", h.Args, want)
		}
	})
}

// What is read of a process is the same by pid as by the walk.
func TestDescribePIDs(t *testing.T) {
	me := os.Getpid()
	got := describePIDs(t.Context(), "/proc", []int{me, me, 0, -1, 1 << 30}, true)
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
