package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

// Init is process 1 of a load: it makes the scenario that it reads from standard
// input, says on standard output that it stands, and then runs what it is told
// until standard input ends. It returns the program's exit code.
func Init() int {
	// ptrace(2) and a CPU are a thread's own.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	dec, enc := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var o order
	if err := dec.Decode(&o); err != nil {
		return 1
	}
	if err := ownDescriptors(); err != nil {
		enc.Encode(reply{Error: err.Error()})
		return 1
	}
	m, err := newMeasurer()
	if err != nil {
		enc.Encode(reply{Error: err.Error()})
		return 1
	}
	counts, err := build(o, m)
	if err != nil {
		enc.Encode(reply{Error: err.Error()})
		return 1
	}
	// What it took to build is not needed again; nothing of ours shall stir
	// while a program is measured.
	debug.FreeOSMemory()
	debug.SetGCPercent(-1)
	enc.Encode(reply{Counts: counts})
	for {
		var c Command
		err := dec.Decode(&c)
		if errors.Is(err, io.EOF) {
			return 0
		}
		if err != nil {
			return 1
		}
		var r reply
		if r.Result, err = m.run(c); err != nil {
			r.Error = err.Error()
		}
		if err := enc.Encode(r); err != nil {
			return 1
		}
		r = reply{}
		if c.Kind == Output {
			debug.FreeOSMemory()
		}
	}
}

// build makes the scenario in this process's namespaces and counts it. The
// holders' pids go to m, which watches over them.
func build(o order, m *measurer) (Counts, error) {
	s := o.Scenario
	if s.Host {
		return count(0)
	}
	if err := apart(o.Host); err != nil {
		return Counts{}, err
	}
	if err := furnish(); err != nil {
		return Counts{}, err
	}
	if err := raiseLimit(s); err != nil {
		return Counts{}, err
	}
	pids, err := populate(s)
	if err != nil {
		return Counts{}, err
	}
	m.watch(pids)
	if err := lowerLimit(); err != nil {
		return Counts{}, err
	}
	return settle(s)
}

// settle counts until the load is what was asked for: a holder that has only
// just begun has its libraries open for a moment. It gives up after a while.
func settle(s Scenario) (Counts, error) {
	want := s.Counts()
	for end := time.Now().Add(10 * time.Second); ; {
		got, err := count(os.Getpid())
		if err != nil || got == want {
			return got, err
		}
		if time.Now().After(end) {
			return got, fmt.Errorf("the load is not what was asked for: it has %v; wanted %v", got, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ownNamespaces returns the names of the namespaces that a load must not share.
func ownNamespaces() ([]string, error) {
	var names []string
	for _, kind := range []string{"mnt", "net", "pid"} {
		name, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// apart makes sure that this process has none of the host's namespaces: what is
// about to be mounted there would hide the host's /proc from everyone.
func apart(host []string) error {
	own, err := ownNamespaces()
	if err != nil {
		return err
	}
	for _, name := range own {
		if slices.Contains(host, name) {
			return fmt.Errorf("%s is the host's: no load is made there", name)
		}
	}
	return nil
}

// furnish gives the new namespaces what a host has: a /proc of its own that
// shows this PID namespace, a /run for the names of network namespaces, and a
// loopback device that is up.
func furnish() error {
	if err := netnstest.Furnish(); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	return os.Mkdir("/run/netns", 0o755)
}

// raiseLimit lets this process have the sockets of a team open, and a holder its
// share; both are far below what all have together.
func raiseLimit(s Scenario) error {
	need := uint64(1024)
	for _, t := range teams(s) {
		// The largest holder has less than its team has sockets, and its files.
		need = max(need, uint64(1024+t.listeners.len()+2*t.conns.len()+t.shares[0].files))
	}
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("limit of open descriptors: %w", err)
	}
	lim.Cur = need
	// Only what is needed: to raise the hard limit takes CAP_SYS_RESOURCE.
	lim.Max = max(lim.Max, need)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("raise the limit of open descriptors to %d: %w", need, err)
	}
	return nil
}

// ownDescriptors makes sure that what this process has inherited, it does not
// hand on: a holder has what it is given.
func ownDescriptors() error {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, f := range fds {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// lowerLimit gives this process, and the programs it is going to run, the soft
// limit that a login has. Some programs (lsof) begin by closing every
// descriptor that they might have.
func lowerLimit() error {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("limit of open descriptors: %w", err)
	}
	lim.Cur = min(lim.Max, 1024)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("limit of open descriptors: %w", err)
	}
	return nil
}
