package scanner

import (
	"strings"
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
		s := scan(t, nil)
		for _, got := range only(s, 4789) {
			if want := unlessUnreadable(s, Kernel); got.Why != want || got.UID != 0 || len(got.Holders) != 0 {
				t.Errorf("vxlan: %+v, want %v", got, want)
			}
		}
		if len(only(s, 4789)) == 0 {
			t.Error("the socket of vxlan is not listed")
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
		ip(t, "link add vx0 type vxlan id 5 dstport 4789")
		ip(t, "link set vx0 up")
		s := scan(t, nil)
		for _, got := range only(s, 4789) {
			if got.Why != NotPermitted {
				t.Errorf("vxlan: why %v, want not-permitted", got.Why)
			}
		}
		if l := limitation(t, s, LimitPIDNamespace); s.Coverage.Complete || strings.Contains(l.Remedy, "sudo") {
			t.Errorf("limitation %+v, complete %v", l, s.Coverage.Complete)
		}
	})
}

// Case 21: a descriptor in flight between two processes is nobody's.
func TestCase21InFlight(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := openSocket("tcp,127.0.0.1:7041")
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Fchown(fd, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if err := unix.Sendmsg(pair[0], []byte{1}, unix.UnixRights(fd), nil, 0); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		s := scan(t, nil)
		got, want := one(t, s, 7041), unlessUnreadable(s, NotFound)
		if got.Why != want || got.UID != 65534 {
			t.Errorf("in flight: why %v, uid %d, want %v, 65534", got.Why, got.UID, want)
		}
	})
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
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		t.Skipf("seccomp: %v", errno)
	}
}
