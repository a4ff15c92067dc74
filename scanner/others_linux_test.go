package scanner

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

// The roles of this file open sockets that have no ports and hold them.
func init() { roles["open"] = roleOpen }

// roleOpen opens a socket for each argument, in quotes as Go has them, and holds
// them. Its folder is what it started in.
func roleOpen(r *role, args []string) error {
	for _, a := range args {
		spec, err := strconv.Unquote(a)
		if err != nil {
			return err
		}
		if _, err := openOther(spec); err != nil {
			return fmt.Errorf("%q: %w", spec, err)
		}
	}
	return r.Hold()
}

// openOther makes the socket that spec describes:
//
//	unix,stream,/run/x.sock     unix,seqpacket,@name     unix,dgram,PATH
//	packet,raw,0x88cc,lo        packet,dgram,3,          raw,89,::    ping,77,127.0.0.1
func openOther(spec string) (int, error) {
	f := strings.SplitN(spec, ",", 4)
	var fd int
	var err error
	switch f[0] {
	case "unix":
		typ := map[string]int{"stream": unix.SOCK_STREAM, "seqpacket": unix.SOCK_SEQPACKET, "dgram": unix.SOCK_DGRAM}[f[1]]
		if fd, err = unix.Socket(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0); err != nil {
			return -1, err
		}
		if err = unix.Bind(fd, &unix.SockaddrUnix{Name: strings.Join(f[2:], ",")}); err == nil && typ != unix.SOCK_DGRAM {
			err = unix.Listen(fd, 7)
		}
	case "packet":
		typ := map[string]int{"raw": unix.SOCK_RAW, "dgram": unix.SOCK_DGRAM}[f[1]]
		ethertype, err := strconv.ParseUint(f[2], 0, 16)
		if err != nil {
			return -1, err
		}
		wire := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, uint16(ethertype)))
		if fd, err = unix.Socket(unix.AF_PACKET, typ|unix.SOCK_CLOEXEC, int(wire)); err != nil {
			return -1, err
		}
		if f[3] != "" {
			err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: wire, Ifindex: int(netnstest.LinkIndex(f[3]))})
		}
		return fd, err
	case "raw", "ping":
		domain := unix.AF_INET
		n, err := strconv.Atoi(f[1])
		if strings.Contains(f[2], ":") {
			domain = unix.AF_INET6
		}
		ap := f[2]
		if err != nil {
			return -1, err
		}
		if f[0] == "raw" {
			fd, err = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, n)
			n = 0
		} else {
			fd, err = unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, map[int]int{unix.AF_INET: unix.IPPROTO_ICMP, unix.AF_INET6: unix.IPPROTO_ICMPV6}[domain])
		}
		if err != nil {
			return -1, err
		}
		return fd, unix.Bind(fd, sockaddr(mustAddrPort(ap, n), domain))
	default:
		return -1, fmt.Errorf("no protocol %q", f[0])
	}
	return fd, err
}

// spawnOther starts a process that holds sockets of these specs.
func spawnOther(t *testing.T, specs ...string) *proc {
	t.Helper()
	for i := range specs {
		specs[i] = strconv.Quote(specs[i])
	}
	return spawn(t, "open", specs...)
}

// others are the sockets without ports, in words: protocol, what it is bound to,
// queue, uid and pids.
func others(s *Snapshot) []string {
	var list []string
	for i := range s.Sockets {
		one := &s.Sockets[i]
		var what string
		switch {
		case one.Unix != nil:
			what = fmt.Sprintf("%s %q %d/%d", one.Unix.Type, one.Unix.Path, one.Queue.Length, one.Queue.Limit)
		case one.Packet != nil:
			what = fmt.Sprintf("%s %#x %q", one.Packet.Type, one.Packet.EtherType, one.Device)
		case one.Protocol == Raw || one.Protocol == Ping:
			what = fmt.Sprintf("%v %d", one.Addr, one.Port)
		default:
			continue
		}
		list = append(list, fmt.Sprintf("%v %s uid=%d %v", one.Protocol, what, one.UID, pidsOf(*one)))
	}
	slices.Sort(list)
	return list
}

// Packet, raw and ping sockets: those that can receive, each with its holder.
func TestPortless(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		pair(t, "wl0", "wl1")
		if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0o644); err != nil {
			t.Fatal(err)
		}
		p := spawnOther(t, "packet,raw,0x88cc,wl0", "packet,dgram,3,", "packet,raw,0,", "raw,1,127.0.0.1", "raw,89,::", "ping,77,127.0.0.1", "ping,78,::1")
		q := spawnOther(t, "packet,dgram,0x88b5,wl1")
		pids := fmt.Sprint([]int{p.PID})
		o := &Options{Protocols: []Protocol{Raw, Ping, Packet}}
		s := scan(t, o)
		want := []string{
			fmt.Sprintf("packet dgram 0x3 \"\" uid=0 %s", pids),
			fmt.Sprintf("packet dgram 0x88b5 \"wl1\" uid=0 %v", []int{q.PID}),
			fmt.Sprintf("packet raw 0x88cc \"wl0\" uid=0 %s", pids),
			fmt.Sprintf("ping 127.0.0.1 77 uid=0 %s", pids),
			fmt.Sprintf("ping ::1 78 uid=0 %s", pids),
			fmt.Sprintf("raw 127.0.0.1 1 uid=0 %s", pids),
			fmt.Sprintf("raw :: 89 uid=0 %s", pids),
		}
		if got := others(s); !slices.Equal(got, want) {
			t.Errorf("sockets:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		ssAgrees(t, "-0lnpH", "users:((", 4) // with the one that receives nothing
		ssAgrees(t, "-wlnpH", "users:((", 2)
		if got := others(scan(t, nil)); got != nil {
			t.Errorf("not asked for, there are %q", got)
		}
		// An interface that goes takes what its sockets see along.
		ip(t, "link del wl0")
		left := slices.DeleteFunc(want, func(s string) bool { return strings.Contains(s, "wl") })
		if got := others(scan(t, o)); !slices.Equal(got, left) {
			t.Errorf("without wl0:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(left, "\n"))
		}
	})
}

// ssAgrees holds against want how often something stands in what ss(8) says.
func ssAgrees(t *testing.T, args, what string, want int) {
	t.Helper()
	out, err := exec.Command("ss", args).Output()
	if err != nil {
		t.Skipf("ss %s, the oracle: %v", args, err)
	}
	if got := strings.Count(string(out), what); got != want {
		t.Errorf("ss %s has %d sockets, want %d:\n%s", args, got, want, out)
	}
}

// A raw socket has another table where there is no raw_diag, and the coverage says
// so; a ping socket has nothing else.
func TestPortlessTables(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		spawnOther(t, "raw,89,0.0.0.0", "packet,raw,0x806,lo")
		var list socketList
		parsePacketTable(&list, netTable(new(Options), "packet"), link7)
		if got := joinLists(&list); len(got) != 1 || got[0].Packet.EtherType != 0x806 || got[0].Device != "link1" {
			t.Errorf("/proc/net/packet: %+v", got)
		}
		s := scan(t, &Options{Protocols: []Protocol{Raw}})
		if got := others(s); len(got) != 1 {
			t.Errorf("raw sockets %q, want 1", got)
		}
		if s.Sockets[0].Cookie != 0 {
			t.Skip("this kernel has raw_diag")
		}
		if l := limitation(t, s, LimitProtocol); s.Coverage.Complete || l.Remedy != "modprobe raw_diag" {
			t.Errorf("coverage %+v, want incomplete", s.Coverage)
		}
	})
}

// Unix sockets that listen, by path and by abstract name, whatever is in it.
func TestUnix(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		dir := t.TempDir()
		hostile := dir + "/a b\n\x1b[31m\xff"
		p := spawnOther(t, "unix,stream,"+dir+"/s", "unix,seqpacket,"+dir+"/q", "unix,dgram,"+dir+"/d",
			"unix,stream,@abstract", "unix,stream,@a\x00b\nc ", "unix,stream,"+hostile)
		waiting := dial(t, dir+"/s")
		pids := fmt.Sprint([]int{p.PID})
		want := []string{
			fmt.Sprintf("unix seqpacket %q 0/7 uid=0 %s", dir+"/q", pids),
			fmt.Sprintf("unix stream %q 0/7 uid=0 %s", dir+"/a b\n\x1b[31m\xff", pids),
			fmt.Sprintf("unix stream %q 1/7 uid=0 %s", dir+"/s", pids),
			fmt.Sprintf("unix stream %q 0/7 uid=0 %s", "@a\x00b\nc ", pids),
			fmt.Sprintf("unix stream %q 0/7 uid=0 %s", "@abstract", pids),
		}
		slices.Sort(want)
		o := &Options{Protocols: []Protocol{Unix}}
		s := scan(t, o)
		if got := others(s); !slices.Equal(got, want) {
			t.Errorf("sockets:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if !s.Coverage.Complete && s.Coverage.Unreadable == 0 {
			t.Errorf("coverage %+v, want complete", s.Coverage)
		}
		ssAgrees(t, "-lxpH", " LISTEN ", len(want))
		unix.Close(waiting)

		var list socketList
		parseUnixTable(&list, netTable(o, "unix"))
		if got := joinLists(&list); len(got) != len(want) {
			t.Errorf("/proc/net/unix: %d listeners, want %d: %+v", len(got), len(want), got)
		}
	})
}

// dial connects to a unix socket that listens, and leaves it at that.
func dial(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// A kernel that has vsock and no vsock_diag makes the scan say what it misses.
func TestVSockUnseen(t *testing.T) {
	s := scan(t, &Options{Protocols: []Protocol{VSock}})
	table, err := os.ReadFile("/proc/net/protocols")
	if err != nil || !strings.Contains(string(table), "\nAF_VSOCK ") {
		t.Skip("this kernel has no vsock")
	}
	if _, err := os.Stat("/sys/module/vsock_diag"); err == nil {
		t.Skip("this kernel has vsock_diag")
	}
	if l := limitation(t, s, LimitProtocol); s.Coverage.Complete || l.Remedy != "modprobe vsock_diag" || len(s.Sockets) > 0 {
		t.Errorf("coverage %+v, sockets %+v, want incomplete and none", s.Coverage, s.Sockets)
	}
}

// mustAddrPort puts an address and a number in a port's place together.
func mustAddrPort(addr string, n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(addr), uint16(n))
}
