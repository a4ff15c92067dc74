package scanner

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fixture writes a folder that looks like /proc: a file for each path, or a link
// where the text starts with "-> ".
func fixture(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestNumericName(t *testing.T) {
	tests := []struct {
		in   string
		want int
		ok   bool
	}{
		{"0\x00", 0, true},
		{"1\x00\x00\x00", 1, true},
		{"2147483647\x00", 1<<31 - 1, true},
		{"2147483648\x00", 0, false},
		{"99999999999999999999\x00", 0, false},
		{"01\x00", 0, false},
		{"\x00", 0, false},
		{"1a\x00", 0, false},
		{"-1\x00", 0, false},
		{"self\x00", 0, false},
		{"12", 0, false},
		{"", 0, false},
	}
	for _, tt := range tests {
		if got, ok := numericName([]byte(tt.in)); ok != tt.ok || ok && got != tt.want {
			t.Errorf("numericName(%q) = %v, %v, want %v, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

// Case 24: a folder is read in many batches, to its end.
func TestReadFolderCase24Batches(t *testing.T) {
	files := make(map[string]string)
	const n = 2000
	for i := range n {
		files[fmt.Sprint(i)] = ""
	}
	files["self"], files["00"], files["1x"] = "", "", ""
	root, err := openProc(fixture(t, files))
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	seen := make(map[int]bool)
	if e := readFolder(root.fd, make([]byte, 300), func(i int) bool { seen[i] = true; return true }); e != 0 {
		t.Fatal(e)
	}
	if len(seen) != n {
		t.Errorf("%d names, want %d", len(seen), n)
	}
}

// Whatever the holes in a table are, the guess and the folder give the same.
func TestTableGuessEqualsFolder(t *testing.T) {
	root, err := openProc("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	if !root.counts {
		t.Skip("needs Linux 6.2, for the number of descriptors of a process")
	}
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(sock)
	var st unix.Stat_t
	if err := unix.Fstat(sock, &st); err != nil {
		t.Fatal(err)
	}
	set := newInodeSet([]Socket{{Inode: st.Ino}}, func(*Socket) bool { return true })
	dir, err := unix.Open("/proc/self/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 200 {
		fds, at := []int{sock}, sock+1
		for range rnd.IntN(40) {
			fd, err := unix.FcntlInt(uintptr(sock), unix.F_DUPFD_CLOEXEC, at+rnd.IntN(1+round%4))
			if err != nil {
				t.Fatal(err)
			}
			fds, at = append(fds, fd), fd+1
		}
		w := &walker{root: root, set: set}
		w.table(dir, w.count(dir))
		guessed := len(w.hits)
		if _, err := unix.Seek(dir, 0, 0); err != nil {
			t.Fatal(err)
		}
		w.hits = nil
		w.table(dir, 0)
		if guessed != len(fds) || len(w.hits) != len(fds) {
			t.Errorf("descriptors %v: %d by the guess, %d by the folder, want %d", fds, guessed, len(w.hits), len(fds))
		}
		if _, err := unix.Seek(dir, 0, 0); err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds[1:] {
			unix.Close(fd)
		}
	}
}

func TestDescriptorName(t *testing.T) {
	var d descriptorName
	d.reset()
	for i := range 100101 {
		if got, want := string(d.b[d.at:]), fmt.Sprint(i)+"\x00"; got != want {
			t.Fatalf("name %d = %q", i, got)
		}
		d.next()
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
	h := newHolders(&Options{ProcFS: fixture(t, files), Args: true})
	if err := h.attach(t.Context(), socks); err != nil {
		t.Fatal(err)
	}
	if err := h.describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"[40 41]", "[40]", "[42]", "[]", "[]"}
	for i := range socks {
		if got := fmt.Sprint(pidsOf(socks[i])); got != want[i] {
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
	h := newHolders(&Options{ProcFS: root, Args: true})
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
	h := newHolders(&Options{ProcFS: root})
	if err := h.attach(t.Context(), socks); err != nil {
		t.Fatal(err)
	}
	if err := h.describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(pidsOf(socks[0])); got != "[60 61 62 63]" {
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

// A process that holds a socket by two descriptors is one holder.
func TestHolderOnce(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		fd := listen(t, "tcp,127.0.0.1:87")
		for range 3 {
			d, err := unix.Dup(fd)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(d)
		}
		if got := pidsOf(one(t, scan(t, nil), 87)); !slices.Equal(got, []int{os.Getpid()}) {
			t.Errorf("holders = %v, want %v once", got, os.Getpid())
		}
	})
}
