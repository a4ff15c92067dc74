package scanner

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// By itself a scan asks the kernel where there are many descriptors, and never
// where a seccomp filter might end it for that.
func TestHoldersAuto(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		want := func(why string, way HolderSource) {
			t.Helper()
			s := scan(t, nil)
			if got := s.Coverage.Holders; got != way.String() || s.Coverage.has(LimitNoBPF) {
				t.Errorf("%s: processes were found by %q, want %v: %+v", why, got, way, s.Coverage.Limitations)
			}
			if got := pidsOf(one(t, s, 80)); !slices.Equal(got, []int{os.Getpid()}) {
				t.Errorf("%s: port 80 is held by %v, want this process", why, got)
			}
		}
		listen(t, "tcp,127.0.0.1:80")
		want("few descriptors", HoldersProc)
		many := spawn(t, "many", "tcp,127.0.0.1:81", "4000", "full")
		want("many descriptors", HoldersBPF)
		diedOfBPF(t)
		want("a filter", HoldersProc)
		many.Stop()
	})
}

// diedOfBPF has seccomp end this process when it calls bpf(2) from here on.
func diedOfBPF(t *testing.T) {
	t.Helper()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_BPF, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		t.Skipf("seccomp: %v", e)
	}
}

// Where the kernel cannot be asked a walk finds the processes, and the coverage
// says why if the kernel was asked for.
func TestHoldersFallBack(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		listen(t, "tcp,127.0.0.1:80")
		check := func(why, want string, s *Snapshot) {
			t.Helper()
			if s.Coverage.Holders != "proc" {
				t.Errorf("%s: processes were found by %q, want \"proc\"", why, s.Coverage.Holders)
			}
			if l := limitation(t, s, LimitNoBPF); !strings.Contains(l.Text, want) || l.Remedy == "" {
				t.Errorf("%s: %+v, want %q in the text", why, l, want)
			}
		}
		t.Run("without rights", func(t *testing.T) {
			s, _ := scanAs(t, nobody(), "auto", "holders=bpf")
			check("nobody", "permitted", s)
			one(t, s, 80)
		})
		t.Run("another /proc", func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("/proc", dir, "", unix.MS_BIND, ""); err != nil {
				t.Fatal(err)
			}
			defer unix.Unmount(dir, unix.MNT_DETACH)
			if got := scanBy(t, HoldersBPF, Options{ProcFS: dir}); len(one(t, got, 80).Holders) != 1 {
				t.Errorf("the same /proc elsewhere: %+v", got.Sockets)
			}
			other := t.TempDir()
			if err := os.Mkdir(other+"/1", 0o755); err != nil {
				t.Fatal(err)
			}
			check("a folder", "pid namespace", scan(t, &Options{ProcFS: other, Holders: HoldersBPF}))
		})
		t.Run("without types", func(t *testing.T) {
			if err := unix.Mount("tmpfs", "/sys/kernel", "tmpfs", 0, ""); err != nil {
				t.Skipf("/sys/kernel cannot be hidden: %v", err)
			}
			defer unix.Unmount("/sys/kernel", unix.MNT_DETACH)
			s := scan(t, &Options{Holders: HoldersBPF})
			check("no BTF", "no such file", s)
			if got := pidsOf(one(t, s, 80)); !slices.Equal(got, []int{os.Getpid()}) {
				t.Errorf("port 80 is held by %v, want this process", got)
			}
		})
	})
}

// A process that /proc hides is a holder by what the kernel says: its pid, user
// and start.
func TestHoldersBPFHidden(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		p := spawn(t, "listen", "tcp,127.0.0.1:80")
		if err := unix.Mount("proc", "/proc", "proc", 0, "hidepid=invisible"); err != nil {
			t.Skipf("a /proc with hidepid: %v", err)
		}
		attr := nobody()
		attr.AmbientCaps = []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}
		s, _ := scanAs(t, attr, "auto", "holders=bpf")
		if s.Coverage.Holders != "bpf" {
			t.Fatalf("processes were found by %q: %+v", s.Coverage.Holders, s.Coverage.Limitations)
		}
		got := one(t, s, 80)
		if !slices.Equal(pidsOf(got), []int{p.PID}) {
			t.Fatalf("holders %v, want %d", pidsOf(got), p.PID)
		}
		if h := got.Holders[0]; h.UID != 0 || h.User != "root" || h.Started.IsZero() || h.Exe != "" {
			t.Errorf("holder %+v, want root's, with a start and without a program", h)
		}
		// By itself the scan does not ask the kernel here: that would not be what a
		// walk shows.
		if s, _ := scanAs(t, attr, "auto", "holders=auto"); s.Coverage.Holders != "proc" {
			t.Errorf("processes were found by %q, want \"proc\"", s.Coverage.Holders)
		}
	})
}

// Without descriptors for the program the walk is left, which needs fewer.
func TestHoldersBPFWithoutDescriptors(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		needBPF(t)
		listen(t, "tcp,127.0.0.1:80")
		socks := scan(t, nil).Sockets
		var lim syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Dup(0) // the lowest that is free
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(next)
		// For /proc, the folder of a process and one file of it.
		low := lim
		low.Cur = uint64(next) + 3
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
			t.Fatal(err)
		}
		for i := range socks {
			socks[i].Holders = nil
		}
		c := Coverage{Complete: true}
		err = newHolders(&Options{}).find(t.Context(), HoldersBPF, readPrivileges(), socks, &c)
		if err2 := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err2 != nil {
			t.Fatal(err2)
		}
		if err != nil || c.Holders != "proc" || !c.has(LimitNoBPF) {
			t.Errorf("found by %q, %v, %+v; want a walk", c.Holders, err, c.Limitations)
		}
		if len(socks[0].Holders) != 1 {
			t.Errorf("holders %v, want this process", pidsOf(socks[0]))
		}
	})
}
