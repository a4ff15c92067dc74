package scanner

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// roleListen opens a socket for each argument and holds them.
func roleListen(r *role, args []string) error {
	for _, a := range args {
		if _, err := openSocket(a); err != nil {
			return fmt.Errorf("%s: %w", a, err)
		}
	}
	r.say("ready")
	r.wait()
	return nil
}

// roleChurn has children listen for an instant and end, one after the other,
// until the test ends it.
func roleChurn(r *role, _ []string) error {
	r.say("ready")
	for {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), envRole+"=flash")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Run(); err != nil {
			return err
		}
	}
}

// roleFlash opens listeners one after the other, each before the last is closed,
// and ends with one open.
func roleFlash(*role, []string) error {
	last := -1
	for range 100 {
		fd, err := openSocket("tcp,127.0.0.1:0")
		if err != nil {
			return err
		}
		unix.Close(last)
		last = fd
	}
	return nil
}

// listen opens a socket in the test's own process and closes it with the test.
func listen(t testing.TB, spec string) int {
	t.Helper()
	fd, err := openSocket(spec)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// openSocket makes the socket that spec describes: protocol, address, options.
//
//	tcp,127.0.0.1:80          udp,[::]:53,v6only        mptcp,0.0.0.0:443
//	tcp,0.0.0.0:80,device=lo  udp,[fe80::1%lo]:5353     tcp,0.0.0.0:22,bound
//
// The protocols are tcp, udp, udplite, mptcp, sctp, dccp and raw. Options:
// v6only, dual, reuseport, reuseaddr, device=NAME, backlog=N, bound (do not
// listen), connect=ADDR:PORT. An IPv4-mapped address makes an IPv6 socket.
func openSocket(spec string) (int, error) {
	f := strings.Split(spec, ",")
	if len(f) < 2 {
		return -1, fmt.Errorf("spec %q: want protocol,address", spec)
	}
	ap, err := netip.ParseAddrPort(f[1])
	if err != nil {
		return -1, err
	}
	typ, proto, ok := socketKind(f[0])
	if !ok {
		return -1, fmt.Errorf("no protocol %q", f[0])
	}
	domain := unix.AF_INET6
	if ap.Addr().Is4() {
		domain = unix.AF_INET
	}
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	backlog, willListen := 128, typ == unix.SOCK_STREAM
	var connect netip.AddrPort
	for _, o := range f[2:] {
		k, v, _ := strings.Cut(o, "=")
		switch k {
		case "v6only":
			err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
		case "dual":
			err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
		case "reuseport":
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		case "reuseaddr":
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		case "device":
			err = unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, v)
		case "backlog":
			backlog, err = strconv.Atoi(v)
		case "bound":
			willListen = false
		case "connect":
			connect, err = netip.ParseAddrPort(v)
		default:
			err = fmt.Errorf("no such option")
		}
		if err != nil {
			unix.Close(fd)
			return -1, fmt.Errorf("%s: %w", o, err)
		}
	}
	err = unix.Bind(fd, sockaddr(ap, domain))
	if err == nil && connect.IsValid() {
		err = unix.Connect(fd, sockaddr(connect, domain))
	}
	if err == nil && willListen {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func socketKind(name string) (typ, proto int, ok bool) {
	switch name {
	case "tcp":
		return unix.SOCK_STREAM, unix.IPPROTO_TCP, true
	case "mptcp":
		return unix.SOCK_STREAM, unix.IPPROTO_MPTCP, true
	case "sctp":
		return unix.SOCK_STREAM, unix.IPPROTO_SCTP, true
	case "dccp":
		return unix.SOCK_DCCP, unix.IPPROTO_DCCP, true
	case "udp":
		return unix.SOCK_DGRAM, unix.IPPROTO_UDP, true
	case "udplite":
		return unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, true
	case "raw":
		return unix.SOCK_RAW, unix.IPPROTO_ICMP, true
	}
	return 0, 0, false
}

func sockaddr(ap netip.AddrPort, domain int) unix.Sockaddr {
	if domain == unix.AF_INET {
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	if z := ap.Addr().Zone(); z != "" {
		sa.ZoneId = linkIndex(z)
	}
	return sa
}

// linkIndex returns the index of a network interface, 0 where there is none.
func linkIndex(name string) uint32 {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil || unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr) != nil {
		return 0
	}
	return ifr.Uint32()
}
