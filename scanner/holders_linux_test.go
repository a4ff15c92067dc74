package scanner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

func init() {
	roles["leaderless"] = roleLeaderless
	roles["many"] = roleMany
	roles["relay"] = roleRelay
	roles["look"] = roleLook
	switch os.Getenv(envRole) {
	case "leaderless", "both":
		runtime.LockOSThread() // keeps the main goroutine on the main thread
	}
}

// Case 2: every holder of a socket, by pid.
func TestHoldersCase2Prefork(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		p := spawn(t, "prefork", "5", "tcp,0.0.0.0:80")
		want := []int{p.PID}
		for range 5 {
			want = append(want, pidSaid(t, p))
		}
		slices.Sort(want)
		s := one(t, scan(t, nil), 80)
		if got := pidsOf(s); !slices.Equal(got, want) || len(got) != 6 {
			t.Errorf("holders = %v, want %v", got, want)
		}
		for _, h := range s.Holders {
			if h.Name == "" || h.Started.IsZero() || h.UID != 0 {
				t.Errorf("holder %+v has no facts", h)
			}
		}
	})
}

// Case 22: the descriptor is in /proc/PID/task/TID/fd alone.
func TestHoldersCase22ThreadWithItsOwnTable(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		p := spawn(t, "thread", "tcp,127.0.0.1:81")
		spawn(t, "listen", "tcp,127.0.0.1:82") // one with an ordinary holder beside it
		if got := pidsOf(one(t, scan(t, nil), 81)); !slices.Equal(got, []int{p.PID}) {
			t.Errorf("holders = %v, want %v", got, p.PID)
		}
	})
}

// roleLeaderless opens a socket and ends its main thread, while others live on.
func roleLeaderless(r *role, args []string) error {
	fd, err := openSocket(args[0])
	if err != nil {
		return err
	}
	if len(args) > 1 {
		if _, err := netnstest.Child(fd); err != nil {
			return err
		}
	}
	if unix.Gettid() != unix.Getpid() {
		return fmt.Errorf("the main goroutine is not on the main thread")
	}
	go func() {
		runtime.LockOSThread() // so that a thread is there
		// The main thread is a zombie once its own exit is through.
		for {
			b, err := os.ReadFile("/proc/self/stat")
			if err == nil && strings.Contains(string(b), ") Z ") {
				break
			}
			runtime.Gosched()
		}
		r.Say("ready")
		r.Wait()
		os.Exit(0)
	}()
	// Not exit_group: this thread alone.
	unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
	return nil
}

// Case 22: the main thread has ended; /proc/PID/fd is empty.
func TestHoldersCase22MainThreadEnded(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		p := spawn(t, "leaderless", "tcp,127.0.0.1:83")
		s := one(t, scan(t, nil), 83)
		if got := pidsOf(s); !slices.Equal(got, []int{p.PID}) {
			t.Fatalf("holders = %v, want %v", got, p.PID)
		}
		if s.Holders[0].Name == "" || s.Holders[0].Started.IsZero() {
			t.Errorf("holder %+v has no name or start", s.Holders[0])
		}
		// Also beside a holder that is seen at once.
		p = spawn(t, "leaderless", "tcp,127.0.0.1:88", "shared")
		if got := pidsOf(one(t, scan(t, nil), 88)); len(got) != 2 || got[0] != p.PID {
			t.Errorf("holders = %v, want %v and its child", got, p.PID)
		}
	})
}

// roleMany opens descriptors and then a socket behind them.
func roleMany(r *role, args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return err
	}
	lim.Cur = lim.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return err
	}
	n = min(n, int(lim.Max)-100)
	var fds []int
	for range n {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		fds = append(fds, fd)
	}
	if _, err := openSocket(args[0]); err != nil {
		return err
	}
	for i, fd := range fds {
		if args[2] == "holes" && i%3 != 0 {
			unix.Close(fd)
		}
	}
	return r.Hold()
}

// Case 24, case 31: a long table is read to its end, with holes and without.
func TestHoldersCase24TwentyThousandDescriptors(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		full := spawn(t, "many", "tcp,127.0.0.1:84", "20000", "full")
		holes := spawn(t, "many", "tcp,127.0.0.1:85", "20000", "holes")
		if got := pidsOf(one(t, scan(t, nil), 84)); !slices.Equal(got, []int{full.PID}) {
			t.Errorf("holders = %v, want %v", got, full.PID)
		}
		if got := pidsOf(one(t, scan(t, nil), 85)); !slices.Equal(got, []int{holes.PID}) {
			t.Errorf("holders in a table with holes = %v, want %v", got, holes.PID)
		}
		equalPaths(t)
	})
}

// equalPaths walks with the guess and without it, and wants the same holders.
func equalPaths(t *testing.T) {
	t.Helper()
	walk := func(counts bool) [][]int {
		root, err := openProc("/proc")
		if err != nil {
			t.Fatal(err)
		}
		defer root.close()
		if !root.counts {
			t.Skip("needs Linux 6.2, for the number of descriptors of a process")
		}
		root.counts = counts
		c := Coverage{}
		socks, err := listNetlink(t.Context(), &Options{}, &c)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(socks, func(a, b Socket) int { return int(a.Port) - int(b.Port) })
		pids, err := root.pids()
		if err != nil {
			t.Fatal(err)
		}
		h := newHolders(&Options{})
		if err := h.look(t.Context(), root, pids, socks, func(*Socket) bool { return true }, nil); err != nil {
			t.Fatal(err)
		}
		var all [][]int
		for i := range socks {
			all = append(all, pidsOf(socks[i]))
		}
		return all
	}
	fast, plain := walk(true), walk(false)
	if len(plain) == 0 || !slices.EqualFunc(fast, plain, slices.Equal) {
		t.Errorf("with the guess %v, reading the folders %v", fast, plain)
	}
}

// roleRelay passes a socket from process to process: each holds it for a
// moment, starts the next and ends. The first of them is started by a process
// that adopts the others, and has the kernel clear them away.
func roleRelay(r *role, args []string) error {
	if args[0] == "go on" {
		return relay(3)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	signal.Ignore(unix.SIGCHLD)
	fd, err := openSocket(args[0])
	if err != nil {
		return err
	}
	if err := relay(fd); err != nil {
		return err
	}
	unix.Close(fd)
	return r.Hold()
}

func relay(fd int) error {
	_, err := syscall.ForkExec("/proc/self/exe", []string{"relay", "go on"}, &syscall.ProcAttr{
		Env: []string{envRole + "=relay"}, Files: []uintptr{0, 1, 2, uintptr(fd)},
	})
	return err
}

// Case 23: a socket that passes from process to process while the walk is under
// way is never without a holder in the answer.
func TestHoldersCase23Relay(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		spawn(t, "relay", "tcp,127.0.0.1:86")
		// Plenty of others to walk over, so that the walk takes its time.
		for range 20 {
			spawn(t, "many", "tcp,127.0.0.1:0", "500", "full")
		}
		const n = 60
		without := 0
		for range n {
			if len(one(t, scan(t, nil), 86).Holders) == 0 {
				without++
			}
		}
		if without > 0 {
			t.Errorf("%d scans of %d found the socket without a holder", without, n)
		}
	})
}

// roleLook looks for a holder that there is none of, and says what it saw.
func roleLook(r *role, _ []string) error {
	h := newHolders(&Options{})
	if err := h.attach(context.Background(), []Socket{{Inode: 1}}); err != nil {
		return err
	}
	r.Say("ready")
	r.Say("%d of %d", h.stats().Unreadable, h.stats().Processes)
	r.Wait()
	return nil
}

// Case 21: what could not be looked into is counted, and processes without
// descriptors (zombies here, kernel threads elsewhere) are none of that.
func TestHoldersCase21Unreadable(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		if root, err := openProc("/proc"); err != nil || !root.counts {
			t.Skip("needs Linux 6.2, for the number of descriptors of a process")
		}
		spawn(t, "wait")
		zombie := spawn(t, "wait")
		if err := zombie.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		// Until it is one, not until it is cleared away.
		if err := unix.Waitid(unix.P_PID, zombie.PID, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		p := spawnCmd(t, cmd, "look")
		if got, want := p.Hear(t), "2 of 4"; got != want {
			t.Errorf("unreadable: %s processes, want %s: this one and the first", got, want)
		}
	})
}
