package scanner

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

func init() {
	roles["strand"] = roleStrand
	roles["keep"] = roleKeep
	roles["stray"] = roleStray
	roles["pass"] = rolePass
}

// inNew runs f in a new network namespace, whose loopback is up. No thread is left
// there.
func inNew(f func() error) error {
	err, tid := errGone, 0
	onLostThread(func() {
		tid = unix.Gettid()
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			if err = netnstest.LinkUp("lo"); err == nil {
				err = f()
			}
		}
	})
	waitThread(tid)
	return err
}

// waitThread waits for the end of a thread of this process that is about to end.
func waitThread(tid int) {
	for unix.Tgkill(unix.Getpid(), tid, 0) == nil {
		runtime.Gosched()
	}
}

// inNamed runs f in a network namespace of ip-netns(8).
func inNamed(t *testing.T, name string, f func() error) {
	t.Helper()
	n := &netNS{Namespace: Namespace{Inode: netInode("/run/netns/" + name)}, mount: "/run/netns/" + name, fd: -1}
	visit(t.Context(), "/proc", []*netNS{n}, func(n *netNS) { n.err = f() })
	if n.err != nil {
		t.Fatalf("in the network namespace %s: %v", name, n.err)
	}
}

// roleStrand listens in a network namespace that nothing else keeps alive.
func roleStrand(r *role, args []string) error {
	if err := inNew(func() error { return openAll(args...) }); err != nil {
		return err
	}
	return r.Hold()
}

// roleKeep is roleStrand with a descriptor of the namespace, behind many of files
// that are open for reading as that is.
func roleKeep(r *role, args []string) error {
	for range 100 {
		if _, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
	}
	if err := inNew(func() error {
		if _, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
		return openAll(args...)
	}); err != nil {
		return err
	}
	return r.Hold()
}

// roleStray listens in a network namespace that one of its threads stays in.
func roleStray(r *role, args []string) error {
	return inNew(func() error {
		if err := openAll(args...); err != nil {
			return err
		}
		r.Say("ready")
		r.Wait()
		return nil
	})
}

// rolePass makes network namespaces and leaves them, until the test ends it.
func rolePass(r *role, args []string) error {
	r.Say("ready")
	for {
		cmd := exec.Command("/proc/self/exe", args...)
		cmd.Env = append(os.Environ(), envRole+"=listen")
		cmd.Stdin = strings.NewReader("") // the end of it at once
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		if err := cmd.Run(); err != nil {
			return err
		}
	}
}

// openAll opens sockets that live as long as the process.
func openAll(specs ...string) error {
	_, err := netnstest.OpenAll(specs)
	return err
}

// addNetns makes network namespaces that ip-netns(8) knows, in a /run that is the
// test's own.
func addNetns(t *testing.T, names ...string) {
	t.Helper()
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		ip(t, "netns add "+name)
		ip(t, "-n "+name+" link set lo up")
	}
}

// spawnInside is spawn in a network namespace of ip-netns(8).
func spawnInside(t *testing.T, netns, role string, args ...string) *proc {
	t.Helper()
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		t.Skip("needs nsenter(1) of util-linux")
	}
	return spawnCmd(t, exec.Command(nsenter, append([]string{"--net=/run/netns/" + netns, self(t)}, args...)...), role)
}

// spawnUnshared is spawn in a new network namespace.
func spawnUnshared(t *testing.T, role string, args ...string) *proc {
	t.Helper()
	cmd := exec.Command(self(t), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	return spawnCmd(t, cmd, role)
}

// in returns what a snapshot has of a namespace.
func in(s *Snapshot, namespace string) []Socket {
	var list []Socket
	for _, one := range s.Sockets {
		if one.Namespace == namespace {
			list = append(list, one)
		}
	}
	return list
}

func namespaces(s *Snapshot) []string {
	var names []string
	for _, n := range s.Namespaces {
		names = append(names, n.Name)
	}
	return names
}

// namespace returns the namespace with a name.
func namespace(t *testing.T, s *Snapshot, name string) Namespace {
	t.Helper()
	for _, n := range s.Namespaces {
		if n.Name == name {
			return n
		}
	}
	t.Fatalf("no namespace %q among %q", name, namespaces(s))
	return Namespace{}
}
