package scanner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// endsAt is a context that ends when it is asked for the nth time whether it has.
type endsAt struct {
	context.Context
	mu   sync.Mutex
	left int
	done chan struct{}
}

func newEndsAt(t *testing.T, n int) *endsAt {
	return &endsAt{Context: t.Context(), left: n, done: make(chan struct{})}
}

func (c *endsAt) Done() <-chan struct{} { return c.done }

func (c *endsAt) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		close(c.done)
	}
	if c.left <= 0 {
		return context.Canceled
	}
	return nil
}

// ended reports whether anybody was told so.
func (c *endsAt) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left <= 0
}

// descriptors are what this process has open.
func descriptors(t *testing.T) []string {
	t.Helper()
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range dir {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			list = append(list, e.Name()+" "+target)
		}
	}
	return list
}

// A scan that is told to end at any moment ends, says so, and leaves nothing open.
func TestEndsAnywhere(t *testing.T) {
	tests := []struct {
		name string
		o    Options
	}{
		{"plain", Options{}},
		{"walk", Options{Holders: HoldersProc, Args: true, Ancestors: true, Protocols: []Protocol{TCP, UDP, Unix, Packet}}},
		{"all", Options{NetNS: NetNSAll, Verify: true, Access: true, Protocols: []Protocol{TCP}}},
		{"bpf", Options{Holders: HoldersBPF}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				addNetns(t, "red")
				spawnInside(t, "red", "listen", "tcp,127.0.0.1:7001")
				spawn(t, "keep", "tcp,127.0.0.1:7002")
				listen(t, "tcp,127.0.0.1:7003")
				ip(t, "link add vx0 type vxlan id 7 dstport 4789 dev lo")
				ip(t, "link set vx0 up")
				if _, err := Scan(t.Context(), &tt.o); err != nil { // the runtime opens what it needs
					t.Fatal(err)
				}
				before := descriptors(t)
				for n := 1; ; n++ {
					ctx := newEndsAt(t, n)
					s, err := Scan(ctx, &tt.o)
					if after := descriptors(t); !slices.Equal(after, before) {
						t.Fatalf("ended at %d: %q are open, and were %q before", n, after, before)
					}
					if !ctx.ended() {
						t.Logf("asked %d times", n)
						break
					}
					if err == nil && s.Coverage.Complete {
						t.Logf("ended at %d: complete all the same", n)
					}
				}
			})
		})
	}
}

// A scan that may open few files, or none, leaves nothing open and does not say that
// it saw all.
func TestFewDescriptors(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red")
		spawnInside(t, "red", "listen", "tcp,127.0.0.1:7001")
		p := spawn(t, "keep", "tcp,127.0.0.1:7002")
		listen(t, "tcp,127.0.0.1:7003")
		want, err := Scan(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		before := descriptors(t)
		var old unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
		defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
		for n := uint64(3); n < 40; n++ {
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: old.Max}); err != nil {
				t.Fatal(err)
			}
			s, err := Scan(t.Context(), nil)
			unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
			if after := descriptors(t); !slices.Equal(after, before) {
				t.Fatalf("with %d descriptors: %q are open, and were %q before", n, after, before)
			}
			if err != nil || !s.Coverage.Complete {
				continue
			}
			if len(s.Sockets) != len(want.Sockets) || !slices.Equal(namespaces(s), namespaces(want)) {
				t.Errorf("with %d descriptors: %d sockets in %q, want %d in %q, and the coverage says that it is complete",
					n, len(s.Sockets), namespaces(s), len(want.Sockets), namespaces(want))
			} else if got := one(t, s, 7002); !slices.Equal(pidsOf(got), []int{p.PID}) {
				t.Errorf("with %d descriptors: port 7002 held by %v, want %d", n, pidsOf(got), p.PID)
			}
		}
	})
}

// What a name leads to may have become a FIFO since it was read, which nobody writes
// to.
func TestNamespaceTurnedFIFO(t *testing.T) {
	fifo := t.TempDir() + "/fifo"
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	trail := (&netSearch{}).newTrail(true)
	n := &netNS{Namespace: Namespace{Inode: 1}, mount: fifo, fd: -1}
	done := make(chan error)
	go func() {
		trail.file(unix.AT_FDCWD, 1, &append([]byte(fifo), 0)[0], 1)
		done <- n.enter("/proc")
	}()
	select {
	case err := <-done:
		if err == nil || len(trail.found) != 0 {
			t.Errorf("a FIFO was entered (%v), noted as %v", err, trail.found)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the scan waits for somebody to write to a FIFO")
	}
}

// A namespace that nothing but a descriptor leads to is looked into to the end: what
// the kernel has there is named, and the witnesses are asked.
func TestNamespaceByDescriptorAlone(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		p := spawn(t, "keep", "tcp,127.0.0.1:7029")
		n := &netNS{fd: -1}
		for fd := 3; n.mount == ""; fd++ {
			name := fmt.Sprintf("/proc/%d/fd/%d", p.PID, fd)
			target, err := os.Readlink(name)
			if err != nil {
				t.Fatal(err)
			}
			if n.Inode = parseNetLink([]byte(target)); n.Inode != 0 {
				n.mount = name
			}
		}
		visit(t.Context(), "/proc", []*netNS{n}, func(n *netNS) {
			for _, args := range []string{"link add vx0 type vxlan id 7 dstport 4789 dev lo", "link set vx0 up"} {
				n.err = errors.Join(n.err, exec.Command("ip", strings.Fields(args)...).Run())
			}
		})
		if n.err != nil {
			t.Fatal(n.err)
		}
		s, err := Scan(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := one(t, s, 4789); got.KernelUse != "vxlan vx0" {
			t.Errorf("the kernel has port 4789 for %q (%v), want vxlan vx0", got.KernelUse, got.Why)
		}
		s, err = Scan(t.Context(), &Options{Verify: true, Protocols: []Protocol{TCP}, hide: func(s *Socket) bool { return s.Port == 7029 }})
		if err != nil {
			t.Fatal(err)
		}
		if d := told(t, s, 7029); d.Kind != HiddenFromNetlink || d.Namespace != fmt.Sprintf("held by pid %d", p.PID) {
			t.Errorf("%+v, want hidden-from-netlink", d)
		}
	})
}

// A socket without a holder stays in the list where every process that was known in
// its network namespace has ended, and a younger one is there.
func TestNamespacePassedOn(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		cmd := exec.Command(self(t), "tcp,127.0.0.1:7029")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		p := spawnCmd(t, cmd, "listen")
		s := scan(t, &Options{NetNS: NetNSAll})
		lost := one(t, s, 7029)
		lost.Holders = nil
		const ended = 1<<22 - 1 // a pid that is not given
		n := &netNS{Namespace: Namespace{Name: lost.Namespace}, pids: []int32{ended}, fd: -1}
		n.Inode = inodeOf(fmt.Sprintf("/proc/%d/ns/net", p.PID))
		s.Sockets = []Socket{lost}
		if left := s.dropGone(t.Context(), &Options{}, &netSearch{named: map[string]*netNS{n.Name: n}}); left != 1 || len(s.Sockets) != 1 {
			t.Errorf("the socket of %d was dropped", p.PID)
		}
		p.Process.Kill()
		p.Wait()
		if left := s.dropGone(t.Context(), &Options{}, &netSearch{named: map[string]*netNS{n.Name: n}}); left != 0 || len(s.Sockets) != 0 {
			t.Error("the socket of a namespace that ended is still listed")
		}
	})
}

// The users of another host than this one are in its own file.
func TestUsersOfAnotherHost(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		root := t.TempDir()
		if err := os.MkdirAll(root+"/etc", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+passwd, []byte("theirs:x:0:0::/:/bin/sh\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		listen(t, "tcp,127.0.0.1:7001")
		for _, source := range []Source{Netlink, Gopsutil} {
			if got := one(t, scan(t, &Options{root: root, Source: source}), 7001); got.Holders[0].User != "theirs" {
				t.Errorf("%v: the holder is of %q, want theirs", source, got.Holders[0].User)
			}
		}
		if got := one(t, scan(t, &Options{root: t.TempDir()}), 7001); got.User != "root" {
			t.Errorf("without a file of theirs the socket is of %q, want root", got.User)
		}
	})
}
