package scanner

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// openKinds open one descriptor each, of every way that a descriptor can be
// open. That of a socket may be shared with an earlier one.
var openKinds = []struct {
	name string
	open func(dir string, sockets []int) (int, error)
}{
	{"stream", func(string, []int) (int, error) {
		return unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	}},
	{"datagram", func(string, []int) (int, error) {
		return unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	}},
	{"duplicate", func(_ string, s []int) (int, error) { return unix.FcntlInt(uintptr(s[0]), unix.F_DUPFD_CLOEXEC, 0) }},
	{"accepted", func(string, []int) (int, error) { return acceptedSocket() }},
	{"shut", func(string, []int) (int, error) { return shutSocket() }},
	{"path of a socket", func(_ string, s []int) (int, error) {
		return unix.Open(fmt.Sprintf("/proc/self/fd/%d", s[len(s)-1]), unix.O_PATH|unix.O_CLOEXEC, 0)
	}},
	{"read", func(dir string, _ []int) (int, error) { return unix.Open(dir+"/f", unix.O_RDONLY|unix.O_CLOEXEC, 0) }},
	{"write", func(dir string, _ []int) (int, error) { return unix.Open(dir+"/f", unix.O_WRONLY|unix.O_CLOEXEC, 0) }},
	{"both", func(dir string, _ []int) (int, error) { return unix.Open(dir+"/f", unix.O_RDWR|unix.O_CLOEXEC, 0) }},
	{"path", func(dir string, _ []int) (int, error) { return unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0) }},
	{"pipe", func(string, []int) (int, error) {
		var p [2]int
		err := unix.Pipe2(p[:], unix.O_CLOEXEC)
		unix.Close(p[1])
		return p[0], err
	}},
	{"pipe both ways", func(dir string, _ []int) (int, error) { return unix.Open(dir+"/p", unix.O_RDWR|unix.O_CLOEXEC, 0) }},
	{"event", func(string, []int) (int, error) { return unix.Eventfd(0, unix.EFD_CLOEXEC) }},
	{"epoll", func(string, []int) (int, error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) }},
	{"memory", func(string, []int) (int, error) { return unix.MemfdCreate("socket:[1]", unix.MFD_CLOEXEC) }},
}

// acceptedSocket returns the server's end of a connection.
func acceptedSocket() (int, error) {
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(l)
	// An address of the kernel's choice, without a name in any folder: unix(7).
	if err := unix.Bind(l, &unix.SockaddrUnix{}); err != nil {
		return -1, err
	}
	if err := unix.Listen(l, 1); err != nil {
		return -1, err
	}
	c, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(c)
	at, err := unix.Getsockname(l)
	if err != nil {
		return -1, err
	}
	if err := unix.Connect(c, at); err != nil {
		return -1, err
	}
	s, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
	return s, err
}

// shutSocket returns a socket that can be read from alone.
func shutSocket() (int, error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	unix.Close(p[1])
	return p[0], unix.Shutdown(p[0], unix.SHUT_WR)
}

// TestModesFindWhatLinksTell looks at random tables twice: by the links alone,
// and with modes that have learned from all the tables before.
func TestModesFindWhatLinksTell(t *testing.T) {
	root, err := openProc("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	if !root.counts {
		t.Skip("before Linux 6.2 the links alone are read")
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/f", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(dir+"/p", 0o600); err != nil {
		t.Fatal(err)
	}
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	asking := &walker{root: root, modes: modes{asks: true}}
	ruledOut := 0
	for round := range 60 {
		var fds, sockets []int
		var socks []Socket
		favourites := r.Perm(len(openKinds))[:1+r.IntN(4)]
		for range 8 + r.IntN(120) {
			k := openKinds[favourites[r.IntN(len(favourites))]]
			if len(sockets) == 0 {
				k = openKinds[0]
			}
			fd, err := k.open(dir, sockets)
			if err != nil {
				t.Fatalf("seed %d, round %d: %s: %v", seed, round, k.name, err)
			}
			fds = append(fds, fd)
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil {
				t.Fatal(err)
			}
			if st.Mode&unix.S_IFMT == unix.S_IFSOCK {
				sockets = append(sockets, fd)
				socks = append(socks, Socket{Inode: st.Ino})
			}
			if r.IntN(5) == 0 && len(fds) > 4 { // a hole, but not where a socket was counted on
				if i := r.IntN(len(fds)); !slices.Contains(sockets, fds[i]) {
					unix.Close(fds[i])
					fds = slices.Delete(fds, i, i+1)
				}
			}
		}
		table, e := openName(root.fd, new(pathName).set(os.Getpid(), "/fd"), unix.O_RDONLY|unix.O_DIRECTORY)
		if e != 0 {
			t.Fatal(e)
		}
		set := newInodeSet(socks, func(*Socket) bool { return true })
		plain := &walker{root: root, set: set}
		asking.set, asking.hits = set, nil
		n := plain.count(table)
		for _, n := range []int{n, 0} { // by guessing numbers, and by the folder
			plain.hits, asking.hits = nil, nil
			for _, w := range []*walker{plain, asking} {
				if _, err := unix.Seek(table, 0, 0); err != nil {
					t.Fatal(err)
				}
				if !w.table(table, n) {
					t.Errorf("seed %d, round %d: this process may not be looked into", seed, round)
				}
			}
			if !slices.Equal(asking.hits, plain.hits) || len(plain.hits) < len(sockets) {
				t.Errorf("seed %d, round %d, of %d: by modes first %v, by links alone %v", seed, round, n, asking.hits, plain.hits)
			}
		}
		for _, fd := range fds {
			if no, e := asking.modes.rulesOut(table, fd, new(pathName).set(fd, "")); e != 0 {
				t.Errorf("mode of %d: %v", fd, e)
			} else if no {
				ruledOut++
			}
			unix.Close(fd)
		}
		unix.Close(table)
	}
	if ruledOut == 0 || !asking.modes.asks {
		t.Errorf("%d descriptors ruled out by their mode, want some", ruledOut)
	}
}

// TestModesLearn gives guesses after what has been seen at a number.
func TestModesLearn(t *testing.T) {
	tests := []struct {
		name  string
		links []string
		want  bool
	}{
		{"nothing", nil, false},
		{"pipe", []string{"pipe:[1]"}, true},
		{"one file", []string{"/var/log/a"}, false},
		{"files", []string{"/var/log/a", "/var/log/b"}, true},
		{"socket", []string{"/var/log/a", "/var/log/b", "/var/log/c", "socket:[3]"}, false},
		{"epoll", []string{"pipe:[1]", "anon_inode:[eventpoll]"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := modes{asks: true}
			for _, link := range tt.links {
				m.learn(5, []byte(link))
			}
			if got := m.oneWay(5); got != tt.want {
				t.Errorf("oneWay(5) after %q = %v, want %v", tt.links, got, tt.want)
			}
			if m.oneWay(6) {
				t.Error("oneWay(6) = true, want false: nothing was there yet")
			}
			m.asks = false
			if m.oneWay(5) {
				t.Error("oneWay(5) = true without modes to ask for")
			}
		})
	}
}

// TestModesTellNotWhatIsPermitted looks at a process whose folder may be opened
// and whose modes may be asked for, but not its links: that is no table without
// sockets.
func TestModesTellNotWhatIsPermitted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to do without CAP_SYS_PTRACE")
	}
	child := spawn(t, "wait")
	// The thread goes with its goroutine, and its lack of privileges with it.
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- func() error {
			root, err := openProc("/proc")
			if err != nil {
				return err
			}
			defer root.close()
			head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var caps [2]unix.CapUserData
			if err := unix.Capget(&head, &caps[0]); err != nil {
				return err
			}
			caps[0].Effective &^= 1 << unix.CAP_SYS_PTRACE
			if err := unix.Capset(&head, &caps[0]); err != nil {
				return err
			}
			w := &walker{root: root, set: newInodeSet([]Socket{{Inode: 1}}, unheld), modes: modes{asks: true}}
			for fd := range w.modes.score {
				w.modes.score[fd] = modeSure
			}
			table, e := w.open(w.path.set(child.PID, "/fd"))
			if e != 0 {
				return e
			}
			defer unix.Close(table)
			if _, e := w.modes.rulesOut(table, 0, w.path.set(0, "")); e != 0 || !w.modes.asks {
				return fmt.Errorf("the mode may not be asked for either (%v)", e)
			}
			if w.table(table, w.count(table)) {
				return errors.New("the table counts as looked into, want it unreadable")
			}
			return nil
		}()
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
