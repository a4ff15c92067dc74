package annotate

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/whatslistening/whatslistening/scanner"
)

// An Exposure is the widest class of peers that can reach a socket, as far as
// addresses and interfaces tell. Packet filters are not looked at.
type Exposure uint8

// The classes, from the narrowest.
const (
	Loopback  Exposure = iota // this host only, as a unix socket
	Container                 // a container bridge of this host, another network namespace, or the other end of a vsock
	LinkLocal                 // the same link
	Private                   // RFC 1918 or ULA
	Shared                    // 100.64.0.0/10 (RFC 6598): carrier NAT, tailnets
	Public                    // a global address
	All                       // a wildcard: every address of the host
)

// exposures are the words of the classes in reports.
var exposures = [...]string{"loopback", "container", "link-local", "private", "shared", "public", "all"}

// String returns the class's word: "loopback", "container", "link-local",
// "private", "shared", "public" or "all".
func (e Exposure) String() string {
	if int(e) < len(exposures) {
		return exposures[e]
	}
	return fmt.Sprintf("Exposure(%d)", uint8(e))
}

// ParseExposure is the inverse of [Exposure.String].
func ParseExposure(s string) (Exposure, error) {
	for i, word := range exposures {
		if s == word {
			return Exposure(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no exposure: want %s", s, strings.Join(exposures[:], ", "))
}

// Reachable reports whether the class can be reached from outside the host. It
// is the one predicate for that: everything but loopback and container.
func (e Exposure) Reachable() bool { return e > Container }

// ClassOf returns the class of an address that a socket is bound to, on a host
// with these interfaces. Every address has one class.
//
//   - The unspecified address is All, and so is the zero netip.Addr, of which
//     nothing is known.
//   - An address of a container bridge (see [IsContainerInterface]), its
//     broadcast address, and an address whose zone is such a bridge, are
//     Container; but a global address stays Public there, for it is routed.
//   - A multicast address is as wide as its scope (RFC 4291, RFC 7346, RFC 2365),
//     the limited broadcast 255.255.255.255 is LinkLocal (RFC 919).
//   - What is left over is Public: also the documentation, benchmarking and
//     reserved ranges, which no rule of routing keeps on this host.
//
// An address that is on no interface (IP_FREEBIND, a floating address of another
// node) is judged by itself.
func ClassOf(a netip.Addr, interfaces []scanner.Interface) Exposure {
	a = a.Unmap()
	class := scope(a)
	if class == Loopback || class >= Public {
		return class
	}
	if IsContainerInterface(a.Zone()) {
		return Container
	}
	bare := a.WithZone("")
	for i := range interfaces {
		in := &interfaces[i]
		if a.Zone() != "" && a.Zone() != in.Name || !IsContainerInterface(in.Name) {
			continue
		}
		for _, p := range in.Addrs {
			if p.Addr().Unmap() == bare || broadcast(p) == bare {
				return Container
			}
		}
	}
	return class
}

// scope returns the class of an address by its value alone.
func scope(a netip.Addr) Exposure {
	switch {
	case !a.IsValid() || a.IsUnspecified():
		return All
	case a.IsMulticast():
		return multicastScope(a)
	case a.IsLoopback():
		return Loopback
	case a.IsLinkLocalUnicast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return LinkLocal
	case a.IsPrivate():
		return Private
	}
	if a.Is4() {
		if b := a.As4(); b[0] == 100 && b[1]&0xc0 == 64 {
			return Shared
		}
		return Public
	}
	// fec0::/10, the site-local addresses of RFC 3513, deprecated by RFC 3879.
	if b := a.As16(); b[0] == 0xfe && b[1]&0xc0 == 0xc0 {
		return Private
	}
	return Public
}

// multicastScope returns how far packets to a group travel.
func multicastScope(a netip.Addr) Exposure {
	if a.Is4() {
		switch b := a.As4(); {
		case b[0] == 224 && b[1] == 0 && b[2] == 0: // local network control block, RFC 5771
			return LinkLocal
		case b[0] == 239: // administratively scoped, RFC 2365
			return Private
		}
		return Public
	}
	switch a.As16()[1] & 0x0f { // the scop field, RFC 4291, section 2.7
	case 0x0, 0x1: // reserved, interface-local
		return Loopback
	case 0x2:
		return LinkLocal
	case 0x3, 0x4, 0x5, 0x8: // realm, admin, site, organization
		return Private
	}
	return Public
}

// broadcast returns the directed broadcast address of an IPv4 network, and the
// zero Addr where there is none.
func broadcast(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return netip.Addr{}
	}
	b := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

// Widest returns the widest class among addresses; Loopback where there are
// none.
func Widest(addresses []netip.Addr, interfaces []scanner.Interface) Exposure {
	widest := Loopback
	for _, a := range addresses {
		widest = max(widest, ClassOf(a, interfaces))
	}
	return widest
}

// IsContainerInterface reports whether an interface of that name joins
// containers or virtual machines of this host to it: the bridges and the host's
// ends of links that Docker, Podman, CNI plugins, LXC, LXD, Incus, libvirt,
// systemd-nspawn, Flannel, Calico and Cilium make.
func IsContainerInterface(name string) bool {
	switch name {
	case "docker0", "docker_gwbridge", "cni0", "cbr0", "cni-podman0", "nerdctl0", "lxcbr0", "lxdbr0",
		"incusbr0", "flannel.1", "cilium_host", "cilium_net", "kube-bridge", "nodelocaldns":
		return true
	}
	if id, ok := strings.CutPrefix(name, "br-"); ok { // a user-defined network of Docker
		return len(id) == 12 && strings.Trim(id, "0123456789abcdef") == ""
	}
	for _, prefix := range [...]string{"podman", "virbr"} { // numbered bridges
		if n, ok := strings.CutPrefix(name, prefix); ok {
			return n != "" && strings.Trim(n, "0123456789") == ""
		}
	}
	for _, prefix := range [...]string{"veth", "cali", "ve-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
