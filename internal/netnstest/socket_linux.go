package netnstest

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Listen opens a socket in the test's own process and closes it with the test.
func Listen(t testing.TB, spec string) int {
	t.Helper()
	fd, err := Open(spec)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// Open makes the socket that spec describes: protocol, address, options.
//
//	tcp,127.0.0.1:80          udp,[::]:53,v6only        mptcp,0.0.0.0:443
//	tcp,0.0.0.0:80,device=lo  udp,[fe80::1%lo]:5353     tcp,0.0.0.0:22,bound
//
// The protocols are tcp, udp, udplite, mptcp, sctp, dccp and raw. Options:
// v6only, dual, reuseport, reuseaddr, device=NAME, backlog=N, bound (do not
// listen), connect=ADDR:PORT. An IPv4-mapped address makes an IPv6 socket.
func Open(spec string) (int, error) {
	f := strings.Split(spec, ",")
	if len(f) < 2 {
		return -1, fmt.Errorf("spec %q: want protocol,address", spec)
	}
	ap, err := netip.ParseAddrPort(f[1])
	if err != nil {
		return -1, err
	}
	typ, proto, ok := kindOf(f[0])
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
	err = unix.Bind(fd, Sockaddr(ap, domain))
	if err == nil && connect.IsValid() {
		err = unix.Connect(fd, Sockaddr(connect, domain))
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

func kindOf(name string) (typ, proto int, ok bool) {
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

// Sockaddr is an address for a socket of a domain (unix.AF_INET or AF_INET6).
func Sockaddr(ap netip.AddrPort, domain int) unix.Sockaddr {
	if domain == unix.AF_INET {
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	if z := ap.Addr().Zone(); z != "" {
		sa.ZoneId = LinkIndex(z)
	}
	return sa
}

// LinkIndex returns the index of a network interface, 0 where there is none.
func LinkIndex(name string) uint32 {
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
