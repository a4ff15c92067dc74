package scanner

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// readAccess says what a scan may see. Linux is asked for every source, whichever
// has answered already.
func readAccess(ctx context.Context, o *Options, _ Source) *Access {
	p := readPrivileges()
	a := &Access{
		UID:          int64(p.uid),
		Capabilities: capabilityNames(p.caps),
		InitialUser:  p.initial,
		InitialPID:   readlink("/proc/self/ns/pid") == firstPIDNamespace,
	}
	buf := make([]byte, 16<<10)
	a.HidePID, a.Subset = parseProcMount(readSmall(o.procfs()+"/self/mountinfo", &buf), o.procfs())
	a.Seccomp = seccompMode()
	a.Yama = parseYama(readSmall("/proc/sys/kernel/yama/ptrace_scope", &buf))
	a.Lockdown = parseLockdown(readSmall("/sys/kernel/security/lockdown", &buf))
	a.Sources = append(diagStates(ctx, o),
		state("procfs", notThere(o.procfs()+"/self/stat")),
		state("gopsutil", notThere(gopsutilRoot(o.procfs())+"/net/tcp")),
		state("network namespaces", enterOwn(p)),
		state("bpf", bpfRefused(p)))
	return a
}

// countProcesses looks into every process, and returns how many there were and
// how many did not let their descriptors be seen.
func countProcesses(ctx context.Context, o *Options) (processes, unreadable int) {
	// It is the walk of a scan, in search of a socket that there is not.
	h := newHolders(o)
	_ = h.attach(ctx, []Socket{{Inode: 1<<64 - 1}})
	return h.counts.Processes, h.counts.Unreadable
}

func state(name string, err error) SourceState {
	s := SourceState{Name: name, OK: err == nil}
	if err != nil {
		s.Why = err.Error()
	}
	return s
}

// notThere is the reason that a file cannot be read, if any.
func notThere(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	return unix.Close(fd)
}

// A diagTable is a table that sock_diag(7) can tell of.
type diagTable struct {
	protocol Protocol
	family   uint8  // the address family that it is asked for by
	listed   string // the protocol in /proc/net/protocols
	module   string // that tells of it
}

// diagStates asks sock_diag for every table.
func diagStates(ctx context.Context, o *Options) []SourceState {
	tables := [...]diagTable{
		{TCP, afInet, "TCP", "tcp_diag"},
		{UDP, afInet, "UDP", "udp_diag"},
		{UDPLite, afInet, "UDP-Lite", "udp_diag"},
		{SCTP, afInet, "SCTP", "sctp_diag"},
		{DCCP, afInet, "DCCP", "dccp_diag"},
		{Raw, afInet, "RAW", "raw_diag"},
		{Unix, unix.AF_UNIX, "UNIX", "unix_diag"},
		{Packet, unix.AF_PACKET, "PACKET", "af_packet_diag"},
		{VSock, unix.AF_VSOCK, "AF_VSOCK", "vsock_diag"},
	}
	conn, dialed := dialNetlink(unix.NETLINK_SOCK_DIAG)
	if dialed == nil {
		defer conn.close()
	}
	listed := netTable(o, "protocols")
	var states []SourceState
	for _, t := range tables {
		err := dialed
		if err == nil {
			err = conn.dump(ctx, t.appendTo, func() {}, func(nlMessage) error { return nil })
		}
		if incomplete(err) {
			err = nil
		}
		if unsupported(err) {
			switch {
			case len(listed) == 0:
				err = errors.New("the kernel is without " + t.module + ", or has no such sockets")
			case bytes.Contains(listed, []byte("\n"+t.listed+" ")):
				err = errors.New("the kernel is without " + t.module)
			default:
				err = errors.New("the kernel has no such sockets")
			}
		}
		states = append(states, state("sock_diag "+t.protocol.String(), err))
	}
	return states
}

// appendTo appends a request for sockets in no state at all, which the kernel
// answers at once. A packet socket has no state: all are told of.
func (t diagTable) appendTo(b []byte, seq uint32) []byte {
	b = appendRequest(b, diagByFamily, seq, diagReqLen)
	// The other families' requests are shorter, and begin alike.
	var req [diagReqLen]byte
	req[0] = t.family
	if t.family == afInet {
		req[1] = byte(t.protocol.number())
	}
	return append(b, req[:]...)
}

// seccompMode is the mode of this thread; empty where unknown.
func seccompMode() string {
	buf := make([]byte, 4<<10)
	return parseSeccomp(readSmall("/proc/thread-self/status", &buf))
}

// enterOwn is the reason that this process may not enter network namespaces, if
// any. It enters that in which it is, which takes the same right (setns(2)) and
// changes nothing.
func enterOwn(p privileges) error {
	if !p.admin {
		return errors.New("it takes CAP_SYS_ADMIN")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("open /proc/thread-self/ns/net", err)
	}
	defer unix.Close(fd)
	return os.NewSyscallError("setns", unix.Setns(fd, unix.CLONE_NEWNET))
}

// bpfRefused is the reason that the kernel would run no BPF program to look for
// holders, if any.
func bpfRefused(p privileges) error {
	switch {
	case !p.initial:
		return errors.New("it takes the first user namespace")
	case !p.mayBPF():
		return errors.New("it takes CAP_BPF and CAP_PERFMON")
	case seccompMode() != "disabled":
		// It would be how to end here: SystemCallFilter= of systemd.exec(5) kills.
		return errors.New("it was not tried: seccomp may end whoever does")
	}
	if err := notThere(kernelBTF); err != nil {
		return err
	}
	// A command that there is not: EINVAL of a kernel that listens.
	const none = 1<<31 - 1
	if _, _, e := unix.Syscall(unix.SYS_BPF, none, 0, 0); e != unix.EINVAL {
		return os.NewSyscallError("bpf", e)
	}
	return nil
}
