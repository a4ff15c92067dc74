package scanner

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
)

// parsePortRange reads net.ipv4.ip_local_port_range: two ports. Anything else is
// the zero PortRange.
func parsePortRange(b []byte) PortRange {
	f := bytes.Fields(b)
	if len(f) != 2 {
		return PortRange{}
	}
	first, ok1 := parsePort(f[0])
	last, ok2 := parsePort(f[1])
	if !ok1 || !ok2 || first > last {
		return PortRange{}
	}
	return PortRange{first, last}
}

// parsePortList reads net.ipv4.ip_local_reserved_ports: ports and ranges with
// commas between them, "22,8000-8100", empty for none. What is no port is left
// out.
func parsePortList(b []byte) []PortRange {
	var list []PortRange
	for part := range bytes.SplitSeq(bytes.TrimSpace(b), []byte(",")) {
		a, z, isRange := bytes.Cut(part, []byte("-"))
		first, ok := parsePort(a)
		last := first
		if ok && isRange {
			last, ok = parsePort(z)
		}
		if ok && first <= last {
			list = append(list, PortRange{first, last})
		}
	}
	return list
}

func parsePort(b []byte) (uint16, bool) {
	n, err := strconv.ParseUint(string(b), 10, 16)
	return uint16(n), err == nil
}

// The address messages of rtnetlink(7), as in <linux/if_addr.h>.
const (
	rtmNewAddr = 20 // RTM_NEWADDR
	rtmGetAddr = 22 // RTM_GETADDR
	ifAddrLen  = 8  // struct ifaddrmsg

	ifaAddress = 1 // IFA_ADDRESS
	ifaLocal   = 2 // IFA_LOCAL
	ifaFlags   = 8 // IFA_FLAGS

	// ifaDADFailed is IFA_F_DADFAILED: another host has the address.
	ifaDADFailed = 0x08
)

// An ifAddr is an address of a network interface, which it knows by its index.
type ifAddr struct {
	index  uint32
	prefix netip.Prefix
}

// parseOpenFiles returns the first number of /proc/sys/fs/file-nr, how many files
// are open in the system (proc_sys_fs(5)); 0 where that is not told.
func parseOpenFiles(b []byte) uint64 {
	first, _, _ := bytes.Cut(b, []byte("\t"))
	n, _ := parseDecimal(first)
	return n
}

// appendAddrRequest asks for the addresses of both families.
func appendAddrRequest(b []byte, seq uint32) []byte {
	b = appendRequest(b, rtmGetAddr, seq, ifAddrLen)
	return append(b, make([]byte, ifAddrLen)...)
}

// parseIfAddr reads one RTM_NEWADDR message. An address that duplicate address
// detection found to be another host's (RFC 4862) is not usable.
func parseIfAddr(b []byte) (a ifAddr, usable bool, err error) {
	if len(b) < ifAddrLen {
		return a, false, errTruncated
	}
	family, bits, flags := b[0], int(b[1]), uint32(b[2])
	a.index = binary.NativeEndian.Uint32(b[4:])
	var address, local []byte
	if err := eachAttr(b[ifAddrLen:], func(typ uint16, v []byte) {
		switch {
		case typ == ifaAddress:
			address = v
		case typ == ifaLocal:
			local = v
		case typ == ifaFlags && len(v) >= 4:
			flags = binary.NativeEndian.Uint32(v)
		}
	}); err != nil {
		return a, false, err
	}
	if local == nil { // without a peer IPv6 has the address alone
		local = address
	}
	addr, ok := netip.AddrFromSlice(local)
	if !ok || addr.Is4() != (family == afInet) || addr.Is6() != (family == afInet6) {
		return a, false, nil
	}
	// An IPv4-mapped address on an interface is its own oddity: kept as it is.
	a.prefix = netip.PrefixFrom(addr, bits)
	return a, a.prefix.IsValid() && flags&ifaDADFailed == 0, nil
}

// groupAddrs makes interfaces of addresses, in the order of their indexes. link
// returns the name of an interface and whether it is up.
func groupAddrs(addrs []ifAddr, link func(index uint32) (name string, up bool)) []Interface {
	slices.SortStableFunc(addrs, func(a, b ifAddr) int { return int(a.index) - int(b.index) })
	var list []Interface
	for len(addrs) > 0 {
		n := 1
		for n < len(addrs) && addrs[n].index == addrs[0].index {
			n++
		}
		if name, up := link(addrs[0].index); up {
			ifi := Interface{Name: name, Addrs: make([]netip.Prefix, n)}
			for i := range n {
				ifi.Addrs[i] = addrs[i].prefix
			}
			list = append(list, ifi)
		}
		addrs = addrs[n:]
	}
	return list
}
