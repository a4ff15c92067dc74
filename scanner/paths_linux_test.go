package scanner

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// unixAt returns the only unix socket whose path ends so.
func unixAt(t *testing.T, s *Snapshot, end string) UnixAddr {
	t.Helper()
	var found *UnixAddr
	for i := range s.Sockets {
		if u := s.Sockets[i].Unix; u != nil && strings.HasSuffix(u.Path, end) {
			if found != nil {
				t.Fatalf("%q is there twice", end)
			}
			found = u
		}
	}
	if found == nil {
		t.Fatalf("no unix socket at %q in %q", end, others(s))
	}
	return *found
}

// The permissions and the owner of a path are those of the file that the socket
// was bound to, and of no other.
func TestUnixPaths(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(dir+"/real", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(dir+"/real", dir+"/link"); err != nil {
			t.Fatal(err)
		}
		spawnOther(t, "unix,stream,"+dir+"/kept", "unix,stream,"+dir+"/removed", "unix,stream,"+dir+"/replaced",
			"unix,stream,"+dir+"/other", "unix,stream,"+dir+"/link/linked", "unix,stream,@abstract")
		in := exec.Command(self(t), strconv.Quote("unix,stream,relative"), strconv.Quote("unix,stream,@@"), strconv.Quote("unix,stream,./@odd"))
		in.Dir = dir
		spawnCmd(t, in, "open")
		chown := func(name string, mode os.FileMode) {
			t.Helper()
			if err := os.Chown(dir+"/"+name, 65534, 65534); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir+"/"+name, mode); err != nil {
				t.Fatal(err)
			}
		}
		chown("kept", 0o660)
		chown("relative", 0o600)
		chown("link/linked", 0o711)
		for _, name := range []string{"removed", "replaced", "other"} {
			if err := os.Remove(dir + "/" + name); err != nil {
				t.Fatal(err)
			}
		}
		// Another socket and another file take the places.
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: dir + "/replaced"}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/other", nil, 0o777); err != nil {
			t.Fatal(err)
		}
		s := scan(t, &Options{Protocols: []Protocol{Unix}})
		tests := []struct {
			end  string
			mode uint32
			uid  int64
			gone bool
		}{
			{"/kept", 0o660, 65534, false},
			{"/linked", 0o711, 65534, false},
			{"/removed", 0, -1, true},
			{"/replaced", 0, -1, true},
			{"/other", 0, -1, true},
			{"relative", 0o600, 65534, false},
			{"@abstract", 0, -1, false},
			{"@@", 0, -1, false},
			{"./@odd", 0o755, 0, false},
		}
		for _, tt := range tests {
			got := unixAt(t, s, tt.end)
			if got.Mode != tt.mode || got.UID != tt.uid || got.Gone != tt.gone {
				t.Errorf("%s: mode %#o, uid %d, gone %v, want %#o, %d, %v", tt.end, got.Mode, got.UID, got.Gone, tt.mode, tt.uid, tt.gone)
			}
			if want := map[int64]string{0: "root", 65534: "nobody", -1: ""}[tt.uid]; got.User != want {
				t.Errorf("%s: user %q, want %q", tt.end, got.User, want)
			}
		}
	})
}

// roleMounted opens a socket in a mount namespace of its own, where another
// filesystem lies over the folder that is its first argument.
func roleMounted(r *role, args []string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", args[0], "tmpfs", 0, ""); err != nil {
		return err
	}
	fd, err := openOther("unix,stream," + args[0] + "/s")
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := os.Chmod(args[0]+"/s", 0o622); err != nil {
		return err
	}
	return r.Hold()
}

// roleJailed opens a socket below the folder that is its root.
func roleJailed(r *role, args []string) error {
	if err := unix.Chroot(args[0]); err != nil {
		return err
	}
	fd, err := openOther("unix,stream,/jump/s")
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return r.Hold()
}

func init() { roles["mounted"], roles["jailed"] = roleMounted, roleJailed }

// A path is looked for from the root of the process: in a mount namespace of its
// own, or below a root of its own with a link to an absolute path.
func TestUnixPathsElsewhere(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		dir, jail := t.TempDir(), t.TempDir()
		decoy, err := openOther("unix,stream," + dir + "/s")
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(decoy)
		cmd := exec.Command(self(t), dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		spawnCmd(t, cmd, "mounted")
		if err := os.Mkdir(jail+"/in", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/in", jail+"/jump"); err != nil {
			t.Fatal(err)
		}
		spawn(t, "jailed", jail)
		if err := os.Chmod(jail+"/in/s", 0o640); err != nil {
			t.Fatal(err)
		}
		s := scan(t, &Options{Protocols: []Protocol{Unix}})
		if got := unixAt(t, s, dir+"/s"); got.Mode != 0o622 || got.Gone {
			t.Errorf("in a mount namespace: %+v, want mode 0622", got)
		}
		if got := unixAt(t, s, "/jump/s"); got.Mode != 0o640 || got.Gone {
			t.Errorf("below another root: %+v, want mode 0640", got)
		}
	})
}

// What cannot be looked at is not said to be gone: without a holder to ask, a path
// may mean another file there.
func TestUnixPathsUnknown(t *testing.T) {
	dir := t.TempDir()
	for _, q := range []pathQuestion{
		{path: dir + "/none", inode: 1},
		{path: "none", inode: 1, pids: []int{os.Getpid()}},
		{path: "/proc/self/fd/99", inode: 1, pids: []int{os.Getpid()}},
		{path: dir + "/none", inode: 1, pids: []int{1 << 30}}, // no such process
	} {
		if got := q.answer("/proc", "/"); got != (pathAnswer{}) {
			t.Errorf("%+v: %+v, want nothing", q, got)
		}
	}
	q := pathQuestion{path: dir + "/none", inode: 1, pids: []int{os.Getpid()}}
	if got := q.answer("/proc", "/"); !got.gone {
		t.Errorf("%+v: %+v, want gone", q, got)
	}
}

// A question that is never answered holds nothing up: the others are answered, by
// others, and it is counted.
func TestAskEach(t *testing.T) {
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	const n = 20
	got := make(map[int]int)
	left := askEach(t.Context(), n, func() func(int) int {
		return func(i int) int {
			if i%7 == 0 {
				<-never
			}
			return i * i
		}
	}, func(i, a int) { got[i] = a })
	if left != 3 || len(got) != n-3 || got[19] != 361 {
		t.Errorf("left %d, answers %v", left, got)
	}
}

// A file server that does not answer holds no scan up: the row stays, and the
// coverage says what is missing.
func TestUnixPathsHung(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		dir := t.TempDir()
		spawnOther(t, "unix,stream,"+dir+"/s")
		server, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Skipf("needs FUSE: %v", err)
		}
		options := "rootmode=40000,user_id=0,group_id=0,fd=" + strconv.Itoa(server)
		if err := unix.Mount("none", dir, "fuse", 0, options); err != nil {
			t.Skipf("needs FUSE: %v", err)
		}
		t.Cleanup(func() {
			unix.Close(server) // ends the waiting
			unix.Unmount(dir, unix.MNT_DETACH)
		})
		s := scan(t, &Options{Protocols: []Protocol{Unix}})
		if got := unixAt(t, s, dir+"/s"); got.Mode != 0 || got.UID != -1 || got.Gone {
			t.Errorf("%+v, want nothing known of the path", got)
		}
		if l := limitation(t, s, LimitSlowPaths); s.Coverage.Complete || !strings.Contains(l.Text, "1 unix path ") {
			t.Errorf("limitation %+v, complete %v", l, s.Coverage.Complete)
		}
	})
}
