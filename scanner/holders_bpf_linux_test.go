package scanner

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

func init() {
	roles["inherit"] = roleInherit
	roles["pause"] = func(*role, []string) error { select {} }
	roles["both"] = roleBoth
}

// roleInherit starts a child that has a socket as its descriptor 0, as a super
// server does, and another one opened with O_PATH alone, and says its pid.
func roleInherit(r *role, args []string) error {
	fd, err := openSocket(args[0])
	if err != nil {
		return err
	}
	other, err := openSocket(args[1])
	if err != nil {
		return err
	}
	path, err := unix.Open("/proc/self/fd/"+strconv.Itoa(other), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"pause"}, &syscall.ProcAttr{
		Env: []string{envRole + "=pause"}, Files: []uintptr{uintptr(fd), 1, 2, uintptr(path)},
		Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return err
	}
	r.Say("ready")
	r.Say("%d", pid)
	select {} // the thread lives on that the child's end is tied to
}

// roleBoth holds a socket in the process's own table, has a child hold it, and
// closes it but for the table of a thread.
func roleBoth(r *role, args []string) error {
	fd, err := openSocket(args[0])
	if err != nil {
		return err
	}
	if _, err := netnstest.Child(fd); err != nil {
		return err
	}
	unshared := make(chan error)
	go func() {
		runtime.LockOSThread()
		unshared <- unix.Unshare(unix.CLONE_FILES)
		select {}
	}()
	if err := <-unshared; err != nil {
		return err
	}
	unix.Close(fd)
	return r.Hold()
}

// needBPF skips the test where the kernel is not to be asked.
func needBPF(t testing.TB) {
	t.Helper()
	if err := bpfRefused(readPrivileges()); err != nil {
		t.Skipf("no BPF: %v", err)
	}
}

// scanBy scans in one way of finding processes, and wants it to have been that way.
func scanBy(t testing.TB, way HolderSource, o Options) *Snapshot {
	t.Helper()
	o.Holders = way
	s := scan(t, &o)
	if s.Coverage.Holders != way.String() {
		t.Fatalf("processes were found by %q, want %v: %+v", s.Coverage.Holders, way, s.Coverage.Limitations)
	}
	return s
}

// rows are the sockets of a snapshot, each with all that was found out.
func rows(t testing.TB, s *Snapshot) []string {
	t.Helper()
	list := make([]string, len(s.Sockets))
	for i, one := range s.Sockets {
		one.Queue = Queue{} // what waits there comes and goes
		b, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		list[i] = string(b)
	}
	slices.Sort(list)
	return list
}

// waysAgree wants the same sockets, processes and facts by a walk and from the
// kernel. It returns what the kernel said.
func waysAgree(t testing.TB, o Options) *Snapshot {
	t.Helper()
	walk, bpf := scanBy(t, HoldersProc, o), scanBy(t, HoldersBPF, o)
	a, b := rows(t, walk), rows(t, bpf)
	for _, row := range a {
		if _, ok := slices.BinarySearch(b, row); !ok {
			t.Errorf("a walk alone finds %s", row)
		}
	}
	for _, row := range b {
		if _, ok := slices.BinarySearch(a, row); !ok {
			t.Errorf("the kernel alone says %s", row)
		}
	}
	if len(a) == 0 {
		t.Error("there are no sockets to agree on")
	}
	c, d := walk.Coverage, bpf.Coverage
	same := func(a, b Limitation) bool { return a.Code == b.Code } // processes come and go
	if c.Complete != d.Complete || !slices.EqualFunc(c.Limitations, d.Limitations, same) {
		t.Errorf("coverage by a walk %+v, from the kernel %+v", c, d)
	}
	return bpf
}

// pidSaid is the pid that a process says after it was ready.
func pidSaid(t *testing.T, p *proc) int {
	t.Helper()
	pid, err := strconv.Atoi(p.Hear(t))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// Both ways find the same processes, with the same facts.
func TestHoldersBPFAgrees(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		listen(t, "tcp,0.0.0.0:80") // of the first process of a pid namespace
		listen(t, "udp,[::]:53")
		pidSaid(t, spawn(t, "prefork", "5", "tcp,0.0.0.0:81"))
		spawn(t, "listen", "tcp,0.0.0.0:82,reuseport")
		spawn(t, "listen", "tcp,0.0.0.0:82,reuseport")
		thread := spawn(t, "thread", "tcp,127.0.0.1:83")
		leaderless := spawn(t, "leaderless", "tcp,127.0.0.1:84")
		spawn(t, "leaderless", "tcp,127.0.0.1:85", "shared")
		spawn(t, "many", "tcp,127.0.0.1:86", "20000", "full")
		spawn(t, "many", "tcp,127.0.0.1:87", "20000", "holes")
		child := pidSaid(t, spawn(t, "inherit", "tcp,127.0.0.1:88", "tcp,127.0.0.1:89"))
		cmd := exec.Command("/proc/self/exe", "tcp,0.0.0.0:8080")
		cmd.SysProcAttr = nobody()
		user := spawnCmd(t, cmd, "listen")

		s := waysAgree(t, Options{})
		for port, want := range map[uint16]int{83: thread.PID, 84: leaderless.PID, 8080: user.PID} {
			if got := pidsOf(one(t, s, port)); !slices.Equal(got, []int{want}) {
				t.Errorf("port %d is held by %v, want %d", port, got, want)
			}
		}
		for port, want := range map[uint16]int{80: 1, 81: 6, 85: 2, 86: 1, 87: 1, 88: 2, 89: 2} {
			if got := pidsOf(one(t, s, port)); len(got) != want {
				t.Errorf("port %d is held by %v, want %d processes", port, got, want)
			}
		}
		for _, port := range []uint16{88, 89} {
			if got := pidsOf(one(t, s, port)); !slices.Contains(got, child) {
				t.Errorf("port %d is held by %v, want %d among them", port, got, child)
			}
		}
		if p := one(t, s, 80).Holders[0]; p.PID != os.Getpid() || p.Started.IsZero() || p.UID != 0 || p.Exe == "" {
			t.Errorf("this process is described as %+v", p)
		}
		if p := one(t, s, 8080).Holders[0]; p.UID != 65534 {
			t.Errorf("the holder of port 8080 has uid %d, want 65534", p.UID)
		}
	})
}

// Processes have the unit of their own cgroup, though the cgroups of few are read.
func TestHoldersBPFAgreesOnCgroups(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		units := make(map[uint16]string)
		folders := []string{"", cgroupFolder(t, "wl-test-a.service"), cgroupFolder(t, "wl-test-b.service")}
		for i := range 12 {
			port := uint16(8000 + i)
			p := spawn(t, "listen", "tcp,0.0.0.0:"+strconv.Itoa(int(port)))
			folder := folders[i%3]
			if folder == "" {
				continue
			}
			units[port] = filepath.Base(folder)
			if err := os.WriteFile(folder+"/cgroup.procs", strconv.AppendInt(nil, int64(p.PID), 10), 0); err != nil {
				t.Skipf("no process may be moved to another cgroup: %v", err)
			}
			t.Cleanup(p.Stop) // before the folder is removed
		}
		for _, one := range waysAgree(t, Options{}).Sockets {
			if got := one.Holders[0].Unit; got != units[one.Port] && units[one.Port] != "" {
				t.Errorf("port %d is of unit %q, want %q", one.Port, got, units[one.Port])
			}
		}
	})
}

// cgroupFolder makes a cgroup in a hierarchy of this host.
func cgroupFolder(t *testing.T, name string) string {
	t.Helper()
	mounts, err := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(mounts, "/sys/fs/cgroup/cgroup.procs") {
		folder := filepath.Join(filepath.Dir(m), name)
		if filepath.Base(filepath.Dir(m)) == "cpuset" || os.Mkdir(folder, 0o755) != nil {
			continue // cpuset takes no process before it is told of processors
		}
		t.Cleanup(func() {
			if err := os.Remove(folder); err != nil {
				t.Error(err)
			}
		})
		return folder
	}
	t.Skip("no cgroup can be made here")
	return ""
}

// Sockets of every kind are found by their inode.
func TestHoldersBPFAgreesOnEveryProtocol(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		for _, kind := range []struct{ domain, typ, proto int }{
			{unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP},
			{unix.AF_PACKET, unix.SOCK_DGRAM, 0x0300}, // ETH_P_ALL, in network order
			{unix.AF_UNIX, unix.SOCK_SEQPACKET, 0},
		} {
			fd, err := unix.Socket(kind.domain, kind.typ|unix.SOCK_CLOEXEC, kind.proto)
			if err != nil {
				t.Fatalf("%+v: %v", kind, err)
			}
			if kind.domain == unix.AF_UNIX {
				if err := unix.Bind(fd, &unix.SockaddrUnix{}); err != nil {
					t.Fatal(err)
				}
				if err := unix.Listen(fd, 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		listen(t, "udplite,127.0.0.1:80")
		s := waysAgree(t, Options{Protocols: []Protocol{TCP, UDP, UDPLite, Raw, Packet, Unix}})
		for _, p := range []Protocol{UDPLite, Raw, Packet, Unix} {
			i := slices.IndexFunc(s.Sockets, func(s Socket) bool { return s.Protocol == p })
			if i < 0 || !slices.Equal(pidsOf(s.Sockets[i]), []int{os.Getpid()}) {
				t.Errorf("%v: this process is not the holder: %+v", p, s.Sockets)
			}
		}
	})
}

// Among the processes of the host, in the first pid namespace: kernel threads,
// other users, many programs.
func TestHoldersBPFAgreesOnTheHost(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		needBPF(t)
		p := spawn(t, "listen", "tcp,0.0.0.0:80", "udp,0.0.0.0:81")
		thread := spawn(t, "thread", "tcp,127.0.0.1:83")
		s := waysAgree(t, Options{NetNS: NetNSOwn})
		for port, want := range map[uint16]int{80: p.PID, 81: p.PID, 83: thread.PID} {
			if got := pidsOf(one(t, s, port)); !slices.Equal(got, []int{want}) {
				t.Errorf("port %d is held by %v, want %d", port, got, want)
			}
		}
	})
}

// The kernel also tells of the table of a thread beside another holder, for which
// a walk does not look: it would have to look at every thread there is.
func TestHoldersBPFThreadBesideAnother(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		p := spawn(t, "both", "tcp,127.0.0.1:80")
		if got := pidsOf(one(t, scanBy(t, HoldersProc, Options{}), 80)); len(got) != 1 || got[0] == p.PID {
			t.Fatalf("a walk finds %v, want the child of %d alone: this tests nothing", got, p.PID)
		}
		if got := pidsOf(one(t, scanBy(t, HoldersBPF, Options{}), 80)); len(got) != 2 || got[0] != p.PID {
			t.Errorf("the kernel says %v, want %d and its child", got, p.PID)
		}
	})
}

// Case 23, from the kernel: a socket that passes from process to process.
func TestHoldersBPFCase23Relay(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		spawn(t, "relay", "tcp,127.0.0.1:86")
		spawn(t, "many", "tcp,127.0.0.1:87", "20000", "full")
		const n = 60
		without := 0
		for range n {
			if len(one(t, scanBy(t, HoldersBPF, Options{}), 86).Holders) == 0 {
				without++
			}
		}
		if without > 0 {
			t.Errorf("%d scans of %d found the socket without a holder", without, n)
		}
	})
}
