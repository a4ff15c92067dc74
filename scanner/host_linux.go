package scanner

import (
	"context"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// readHost reads what a scan tells of the machine, and of the network namespace
// of the calling thread.
func readHost(ctx context.Context, o *Options, c *Coverage) (Host, Namespace) {
	h := Host{OS: runtime.GOOS}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		h.Name = unix.ByteSliceToString(u.Nodename[:])
		h.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	var buf [64]byte
	small := buf[:]
	if b := readSmall(o.procfs()+"/sys/kernel/random/boot_id", &small); len(b) > 0 {
		h.BootID = string(b[:len(b)-1]) // the line's end
	}
	own := Namespace{Name: OwnNamespace}
	readNamespace(ctx, o.procfs(), &own, c)
	if own.Ephemeral == (PortRange{}) && !exists(o.procfs()+"/sys") && exists(o.procfs()+"/self/stat") {
		c.limit(false, LimitSubset, "the ports that the kernel gives to clients are not known: /proc shows processes alone (subset=pid)", wholeProc)
	}
	h.Interfaces, h.Ephemeral, h.Reserved = own.Interfaces, own.Ephemeral, own.Reserved
	return h, own
}

// readNamespace reads what the network namespace of the calling thread tells of
// itself. /proc/sys/net is that of whoever reads it; /proc/net is that of the
// process, so that a thread has to look into /proc/thread-self/net.
func readNamespace(ctx context.Context, procfs string, n *Namespace, c *Coverage) {
	// Sysctls are small; 64 KiB of reserved ports would be a bitmap in full.
	buf := make([]byte, 4<<10)
	sysctl := func(name string) []byte { return readSmall(procfs+"/sys/net/ipv4/"+name, &buf) }
	n.Ephemeral = parsePortRange(sysctl("ip_local_port_range"))
	n.Reserved = parsePortList(sysctl("ip_local_reserved_ports"))
	var err error
	if n.Interfaces, err = readInterfaces(ctx); err != nil {
		c.limit(false, LimitInterfaces, "the addresses of this host are not known: "+err.Error(), "")
	}
}

// readSmall reads a file of procfs into buf, which it makes larger as needed.
// The result is empty where the file cannot be read, and lies in buf. It opens
// the file without Go's poller, which costs more than the reading.
func readSmall(path string, buf *[]byte) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n := 0
	for {
		if n == len(*buf) {
			*buf = append(*buf, make([]byte, len(*buf))...)
		}
		k, err := unix.Read(fd, (*buf)[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || k <= 0 {
			return (*buf)[:n]
		}
		n += k
	}
}

// readInterfaces lists the interfaces that are up and have addresses. It asks
// for addresses alone and then for the names of those interfaces: a dump of the
// links costs a kilobyte for each, and a host of containers has hundreds.
func readInterfaces(ctx context.Context) ([]Interface, error) {
	conn, err := dialNetlink(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer conn.close()
	var addrs []ifAddr
	err = conn.dump(ctx, appendAddrRequest, func() { addrs = addrs[:0] }, func(m nlMessage) error {
		if m.typ != rtmNewAddr {
			return nil
		}
		a, usable, err := parseIfAddr(m.data)
		if usable {
			addrs = append(addrs, a)
		}
		return err
	})
	return groupAddrs(addrs, func(index uint32) (string, bool) { return linkState(conn.fd, index) }), err
}

// linkState returns the name of the network interface with an index and whether
// it is up (netdevice(7)).
func linkState(fd int, index uint32) (name string, up bool) {
	ifr, err := linkByIndex(fd, index)
	if err != nil {
		return "", false
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return "", false
	}
	return ifr.Name(), ifr.Uint16()&unix.IFF_UP != 0
}

// linkByIndex returns a request that names the interface with an index.
func linkByIndex(fd int, index uint32) (*unix.Ifreq, error) {
	ifr, err := unix.NewIfreq("")
	if err != nil {
		return nil, err
	}
	ifr.SetUint32(index)
	return ifr, unix.IoctlIfreq(fd, unix.SIOCGIFNAME, ifr)
}

// linkNames returns a function that names network interfaces by index, asking
// the kernel once for each; any socket will do as fd. An interface that has gone
// is named as ss(8) names it: "if7".
func linkNames(fd int) func(uint32) string {
	names := make(map[uint32]string)
	return func(index uint32) string {
		name, ok := names[index]
		if !ok {
			name = linkName(fd, index)
			names[index] = name
		}
		return name
	}
}

func linkName(fd int, index uint32) string {
	ifr, err := linkByIndex(fd, index)
	if err != nil {
		return "if" + strconv.FormatUint(uint64(index), 10)
	}
	return ifr.Name()
}
