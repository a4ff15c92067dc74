package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/internal/netnstest"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

func init() { roles["moved"] = roleMoved }

// roleMoved plays "moved NETNS SPEC...": it opens the sockets, goes to another
// network namespace of ip-netns(8), and holds them there.
func roleMoved(_ *netnstest.Role, args []string) error {
	runtime.LockOSThread()
	fds, err := netnstest.OpenAll(args[1:])
	if err != nil {
		return err
	}
	for _, fd := range fds {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return err
		}
	}
	ns, err := unix.Open("/run/netns/"+args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return err
	}
	os.Setenv(envRole, "wait")
	// The thread that calls execve(2) becomes the process, in its namespace.
	return syscall.Exec("/proc/self/exe", []string{"moved"}, os.Environ())
}

// The host that the whole truth is told of: three network namespaces with
// names, one that only a process keeps, a socket whose process has moved on, a
// tunnel of the kernel, a full accept queue, protocols that ss does not list by
// itself, a thread with a descriptor table of its own, a program that is gone.
// Every row is there, beside ss and lsof in each namespace.
func TestWholeHost(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		must(t, "mount", "-t", "tmpfs", "none", "/run")
		for _, ns := range []string{"blue", "green", "red"} {
			must(t, "ip", "netns", "add", ns)
			must(t, "ip", "-n", ns, "link", "set", "lo", "up")
		}
		must(t, "ip", "link", "add", "vx0", "type", "vxlan", "id", "7", "dstport", "4789", "dev", "lo")
		must(t, "ip", "link", "set", "vx0", "up")

		exe := self(t)
		spawn(t, exe, "listen", "tcp,[::]:22", "udp,0.0.0.0:53,device=lo")
		spawnIn(t, "blue", exe, "prefork", "3", "tcp,0.0.0.0:80", "udp,0.0.0.0:443")
		spawnIn(t, "green", exe, "listen", "tcp,0.0.0.0:80", "tcp,127.0.0.1:5432")
		moved := spawnIn(t, "green", exe, "moved", "red", "tcp,0.0.0.0:7301")
		spawnIn(t, "red", exe, "orphan", "tcp,0.0.0.0:7302")
		alone := spawnBy(t, []string{"unshare", "-n", exe}, "listen", "tcp,0.0.0.0:7303")
		thread := spawn(t, exe, "thread", "tcp,127.0.0.1:7304")
		gone := filepath.Join(t.TempDir(), "gone")
		must(t, "cp", exe, gone)
		deleted := spawn(t, gone, "listen", "tcp,127.0.0.1:7305")
		if err := os.Remove(gone); err != nil {
			t.Fatal(err)
		}
		fillQueue(t, 7306)
		for _, s := range []struct{ typ, proto int }{{unix.SOCK_RAW, 89}, {unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE}} {
			fd, err := unix.Socket(unix.AF_INET, s.typ|unix.SOCK_CLOEXEC, s.proto)
			if err != nil {
				t.Fatal(err)
			}
			if s.proto == unix.IPPROTO_UDPLITE {
				if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 7307}); err != nil {
					t.Fatal(err)
				}
			}
		}

		got := command(t, nil, "--json", "--proto", "tcp,udp,udplite,raw", "--verify")
		if got.code != exitClean {
			t.Fatalf("exit %d\n%s", got.code, got.stderr)
		}
		r, err := report.Read(strings.NewReader(got.stdout))
		if err != nil {
			t.Fatal(err)
		}
		pidNamespace := fmt.Sprintf("pid %d", alone)
		var names []string
		for _, n := range r.Namespaces {
			names = append(names, n.Name)
		}
		if want := []string{"host", "blue", "green", pidNamespace, "red"}; !slices.Equal(names, want) {
			t.Errorf("namespaces %q, want %q", names, want)
		}
		if len(r.Discrepancies) > 0 {
			t.Errorf("the witnesses do not agree: %+v", r.Discrepancies)
		}

		enter := map[string][]string{
			"host": {}, "blue": {"ip", "netns", "exec", "blue"}, "green": {"ip", "netns", "exec", "green"},
			"red": {"ip", "netns", "exec", "red"}, pidNamespace: {"nsenter", "-n", "-t", strconv.Itoa(alone)},
		}
		for ns, by := range enter {
			ours := rowsOf(r, func(l *annotate.Listener) bool {
				return l.Namespace == ns && (l.Protocol == scanner.TCP || l.Protocol == scanner.UDP)
			})
			// ss -p finds no thread's own table; it shows the socket without a process.
			for i := range ours {
				if ours[i].Port == 7304 {
					ours[i].PIDs = ""
				}
			}
			if theirs := netnstest.SS(t, by...); !slices.Equal(ours, theirs) {
				t.Errorf("%s: whatslistening: %v\nss: %v", ns, ours, theirs)
			}
			var ourPIDs []int
			for i := range r.Listeners {
				if l := &r.Listeners[i]; l.Namespace == ns && l.Protocol == scanner.TCP && l.Port != 7304 {
					for _, p := range l.Holders {
						ourPIDs = append(ourPIDs, p.PID)
					}
				}
			}
			slices.Sort(ourPIDs)
			ourPIDs = slices.Compact(ourPIDs)
			if theirs := netnstest.LSOF(t, by...); !slices.Equal(ourPIDs, theirs) {
				t.Errorf("%s: holders of TCP listeners %v, lsof has %v", ns, ourPIDs, theirs)
			}
		}

		tests := []struct {
			namespace string
			protocol  scanner.Protocol
			port      uint16
			is        func(l *annotate.Listener) bool
		}{
			{"green", scanner.TCP, 7301, func(l *annotate.Listener) bool { return heldBy(l, moved) && l.Exposure == annotate.Container }},
			{"red", scanner.TCP, 7302, func(l *annotate.Listener) bool { return len(l.Holders) == 0 }},
			{pidNamespace, scanner.TCP, 7303, func(l *annotate.Listener) bool { return heldBy(l, alone) }},
			{"host", scanner.TCP, 7304, func(l *annotate.Listener) bool { return heldBy(l, thread) }},
			{"host", scanner.TCP, 7305, func(l *annotate.Listener) bool {
				return heldBy(l, deleted) && l.Holders[0].Deleted && l.Holders[0].Exe == gone
			}},
			{"host", scanner.TCP, 7306, func(l *annotate.Listener) bool { return l.Backlog == annotate.BacklogFull }},
			{"host", scanner.UDPLite, 7307, func(l *annotate.Listener) bool { return heldBy(l, os.Getpid()) }},
			{"host", scanner.Raw, 89, func(l *annotate.Listener) bool { return heldBy(l, os.Getpid()) }},
			{"host", scanner.UDP, 4789, func(l *annotate.Listener) bool {
				return l.Why == scanner.Kernel && l.KernelUse == "vxlan vx0"
			}},
		}
		for _, tt := range tests {
			i := slices.IndexFunc(r.Listeners, func(l annotate.Listener) bool {
				return l.Namespace == tt.namespace && l.Protocol == tt.protocol && l.Port == tt.port
			})
			if i < 0 {
				t.Errorf("no %v %d in %s", tt.protocol, tt.port, tt.namespace)
				continue
			}
			if l := &r.Listeners[i]; !tt.is(l) {
				t.Errorf("%v %d in %s is %+v, holders %+v", tt.protocol, tt.port, tt.namespace, *l.Socket, l.Holders)
			}
		}
	})
}

// heldBy reports whether pid alone holds l.
func heldBy(l *annotate.Listener, pid int) bool {
	return len(l.Holders) == 1 && l.Holders[0].PID == pid
}

// spawnIn starts exe in a role in a namespace of ip-netns(8).
func spawnIn(t *testing.T, ns, exe, role string, args ...string) int {
	t.Helper()
	return spawnBy(t, []string{"ip", "netns", "exec", ns, exe}, role, args...)
}

// fillQueue has the caller listen on a port of loopback whose accept queue is
// full.
func fillQueue(t *testing.T, port int) {
	t.Helper()
	at := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	fd := socket(t)
	if err := unix.Bind(fd, at); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := unix.Connect(socket(t), at); err != nil {
			t.Fatal(err)
		}
	}
	awaitQueue(t, port, 2)
}

// awaitQueue waits until so many connections wait at a TCP listener. A client is
// connected before the listener's side is.
func awaitQueue(t *testing.T, port, n int) {
	t.Helper()
	// sl, local address, remote address, state (0A: LISTEN), tx_queue:rx_queue
	want := fmt.Sprintf(":%04X 00000000:0000 0A 00000000:%08X ", port, n)
	netnstest.Until(t, func() error {
		b, err := os.ReadFile("/proc/thread-self/net/tcp")
		if err == nil && !bytes.Contains(b, []byte(want)) {
			err = fmt.Errorf("no %q in\n%s", want, b)
		}
		return err
	})
}

func socket(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// must runs a command that has to succeed.
func must(t *testing.T, args ...string) { output(t, args...) }

// output returns what a command that has to succeed writes.
func output(t *testing.T, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}
