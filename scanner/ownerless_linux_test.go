package scanner

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Case 21: what the kernel itself listens on is said to be the kernel's, and a
// descriptor on its way between processes is said to be not found.
func TestCase21Kernel(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		ip(t, "link add vx0 type vxlan id 5 dstport 4789")
		ip(t, "link set vx0 up")
		// Two links share a port; one without a peer of its own has a socket of each
		// family; one that is down has none.
		ip(t, "link add vx1 type vxlan id 6 dstport 4789")
		ip(t, "link set vx1 up")
		ip(t, "link add vx2 type vxlan dstport 4790 external")
		ip(t, "link set vx2 up")
		ip(t, "link add vx3 type vxlan id 7 dstport 4791 local ::1")
		ip(t, "link set vx3 up")
		ip(t, "link add vx4 type vxlan id 8 dstport 4792")
		// A process at the port of a link that is down is no link.
		p := spawn(t, "listen", "udp,0.0.0.0:4792")
		for i := range 20 {
			pair(t, fmt.Sprintf("wl%d", i), fmt.Sprintf("wr%d", i))
		}
		nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		asNobody, msg := scanAs(t, nobody)
		if msg != "" {
			t.Fatal(msg)
		}
		for name, s := range map[string]*Snapshot{"root": scan(t, nil), "nobody": asNobody} {
			for port, want := range map[uint16]struct {
				use     string
				sockets int
			}{4789: {"vxlan vx0 +1", 1}, 4790: {"vxlan vx2", 2}, 4791: {"vxlan vx3", 1}} {
				list := only(s, port)
				if len(list) != want.sockets {
					t.Errorf("%s: %d has %d sockets, want %d", name, port, len(list), want.sockets)
				}
				for _, got := range list {
					if got.Why != Kernel || got.KernelUse != want.use || got.UID != 0 || len(got.Holders) != 0 {
						t.Errorf("%s: %d: %+v, want the kernel's, %s", name, port, got, want.use)
					}
				}
			}
			if got := one(t, s, 4792); got.KernelUse != "" || got.Why == Kernel || name == "root" && got.Holders[0].PID != p.PID {
				t.Errorf("%s: %+v, want that of a process", name, got)
			}
		}
	})
}

// unlessUnreadable returns why, or NotPermitted where a process of this machine
// keeps even root out: that one might hold the socket.
func unlessUnreadable(s *Snapshot, why Why) Why {
	if s.Coverage.Unreadable > 0 {
		return NotPermitted
	}
	return why
}

// Case 21: the reason that a socket is without a holder is the kernel only where
// nothing was out of sight.
func TestCase21Why(t *testing.T) {
	root := privileges{ptrace: true, search: true, initial: true}
	all := holderStats{Processes: 9}
	tests := []struct {
		name string
		v    view
		s    Socket
		want Why
	}{
		{"root's, all seen", view{privileges: root, stats: all}, Socket{Inode: 7}, Kernel},
		{"a user's, all seen", view{privileges: root, stats: all}, Socket{Inode: 7, UID: 33}, NotFound},
		{"a process unreadable", view{privileges: root, stats: holderStats{Processes: 9, Unreadable: 1}}, Socket{Inode: 7}, NotPermitted},
		{"a process not opened", view{privileges: root, stats: holderStats{Processes: 9, Exhausted: 1}}, Socket{Inode: 7}, NotFound},
		{"hidepid", view{privileges: root, stats: all, hidepid: "hidepid=2"}, Socket{Inode: 7}, NotPermitted},
		{"another pid namespace", view{privileges: root, stats: all, nested: true}, Socket{Inode: 7}, NotPermitted},
		{"a user looks", view{stats: all}, Socket{Inode: 7, UID: 33}, NotPermitted},
		{"no inode", view{stats: all}, Socket{}, Kernel},
		{"gopsutil, root looks", view{privileges: root}, Socket{UID: -1}, NotFound},
		{"gopsutil, a user looks", view{}, Socket{UID: -1}, NotPermitted},
	}
	for _, tt := range tests {
		if got := tt.v.why(&tt.s); got != tt.want {
			t.Errorf("%s: why = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Case 21: in another pid namespace the kernel is not blamed for what a process
// outside may hold.
func TestCase21PIDNamespace(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		inFlight(t, "tcp,127.0.0.1:7042", 0)
		s := scan(t, nil)
		if got := one(t, s, 7042); got.Why != NotPermitted {
			t.Errorf("root's: why %v, want not-permitted", got.Why)
		}
		if l := limitation(t, s, LimitPIDNamespace); s.Coverage.Complete || strings.Contains(l.Remedy, "sudo") {
			t.Errorf("limitation %+v, complete %v", l, s.Coverage.Complete)
		}
	})
}

// Case 21: a descriptor in flight between two processes is nobody's.
func TestCase21InFlight(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		inFlight(t, "tcp,127.0.0.1:7041", 65534)
		s := scan(t, nil)
		got, want := one(t, s, 7041), unlessUnreadable(s, NotFound)
		if got.Why != want || got.UID != 65534 {
			t.Errorf("in flight: why %v, uid %d, want %v, 65534", got.Why, got.UID, want)
		}
	})
}

// inFlight makes a socket of a user that is in a message which nobody has read.
func inFlight(t *testing.T, spec string, uid int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := openSocket(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Fchown(fd, uid, uid); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendmsg(pair[0], []byte{1}, unix.UnixRights(fd), nil, 0); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}

// forbidNetlink makes socket(AF_NETLINK, …) fail with EPERM from here on, as the
// seccomp profiles of container runtimes can.
func forbidNetlink(t *testing.T) {
	t.Helper()
	const load, ret, jeq = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_RET | unix.BPF_K, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	low := uint32(16) // of args[0] in struct seccomp_data
	if b := [2]byte{1}; *(*uint16)(unsafe.Pointer(&b)) != 1 {
		low += 4
	}
	filter := []unix.SockFilter{
		{Code: load, K: 0}, // the number of the call
		{Code: jeq, K: unix.SYS_SOCKET, Jf: 3},
		{Code: load, K: low},
		{Code: jeq, K: unix.AF_NETLINK, Jf: 1},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	filterCalls(t, filter)
}

// filterCalls installs a seccomp filter in every thread.
func filterCalls(t *testing.T, filter []unix.SockFilter) {
	t.Helper()
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		t.Skipf("seccomp: %v", errno)
	}
}
