package annotate

import (
	"net/netip"
	"slices"

	"github.com/whatslistening/whatslistening/scanner"
)

// A families is a set of address families.
type families uint8

const (
	v4 families = 1 << iota
	v6
)

// A cover is what a wildcard stands for.
type cover struct {
	addresses []netip.Addr
	class     Exposure
	widest    Exposure
}

// A hostView answers what an address means in one network namespace. Each
// wildcard is worked out once: its addresses are shared by all the sockets bound
// to it.
type hostView struct {
	interfaces []scanner.Interface
	ephemeral  scanner.PortRange
	reserved   []scanner.PortRange
	overflows  uint64 // of its accept queues
	// outside marks a namespace other than the scan's: what is reached there is
	// reached by way of this host (osquery/osquery#8516).
	outside   bool
	wildcards [v4 | v6 + 1]*cover
	devices   map[deviceKey]*cover
	// The class of the last address: sockets come in runs of one address.
	lastAddr  netip.Addr
	lastClass Exposure
}

// A deviceKey is a wildcard on a device.
type deviceKey struct {
	name     string
	families families
}

// hostViews are the views of a snapshot.
type hostViews struct {
	s     *scanner.Snapshot
	views map[string]*hostView // by the namespace's name
	// The view of the last socket: they come in runs of one namespace.
	last     *hostView
	lastName string
	// bound are the addresses of the sockets without a wildcard, in one
	// allocation for all.
	bound []netip.Addr
}

// newHostViews returns the views for some of the sockets of s.
func newHostViews(s *scanner.Snapshot, socks []scanner.Socket) *hostViews {
	n := 0
	for i := range socks {
		if !isWildcard(&socks[i]) {
			n++
		}
	}
	return &hostViews{s: s, views: make(map[string]*hostView, len(s.Namespaces)+1), bound: make([]netip.Addr, 0, n)}
}

// of returns the view for a socket.
func (vs *hostViews) of(s *scanner.Socket) *hostView {
	name := s.Namespace
	if name == "" {
		name = scanner.OwnNamespace
	}
	if vs.last != nil && vs.lastName == name {
		return vs.last
	}
	v := vs.views[name]
	if v == nil {
		v = vs.view(name)
		vs.views[name] = v
	}
	vs.last, vs.lastName = v, name
	return v
}

// view makes the view of a namespace. One that the snapshot does not describe has
// no addresses and no range.
func (vs *hostViews) view(name string) *hostView {
	v := &hostView{outside: name != scanner.OwnNamespace}
	for i := range vs.s.Namespaces {
		if n := &vs.s.Namespaces[i]; n.Name == name {
			v.interfaces, v.ephemeral, v.reserved, v.overflows = n.Interfaces, n.Ephemeral, n.Reserved, n.Overflows
		}
	}
	if h := &vs.s.Host; !v.outside { // also where the source does not tell namespaces apart
		v.interfaces, v.ephemeral, v.reserved = h.Interfaces, h.Ephemeral, h.Reserved
	}
	return v
}

// reach fills in who can reach the listener.
func (vs *hostViews) reach(v *hostView, l *Listener) {
	s := l.Socket
	switch s.Protocol {
	case scanner.Unix, scanner.VSock, scanner.Packet:
		l.Exposure, l.Widest = v.withoutAddress(s)
		return
	case scanner.TCP, scanner.UDP, scanner.UDPLite, scanner.SCTP, scanner.DCCP, scanner.Raw, scanner.Ping:
	}
	if isWildcard(s) {
		c := v.wildcard(answers(s), s.Device)
		l.Addresses, l.Exposure, l.Widest = c.addresses, c.class, c.widest
		return
	}
	l.Exposure = v.bindClass(s)
	l.Widest = l.Exposure
	vs.bound = append(vs.bound, s.Addr)
	l.Addresses = vs.bound[len(vs.bound)-1 : len(vs.bound) : len(vs.bound)]
}

// isWildcard reports whether the socket is bound to every address. One of which
// the address is not known counts as such: it may be reached by any.
func isWildcard(s *scanner.Socket) bool {
	return !s.Addr.IsValid() || s.Addr.IsUnspecified()
}

// withoutAddress returns who can reach a socket that has no IP address, and the
// widest class of that.
//
//   - A unix socket is reached on this host alone.
//   - A vsock socket is reached by the hypervisor or its guests, which are as near
//     as containers are; one bound to VMADDR_CID_LOCAL on this host alone.
//   - A packet socket is no endpoint: it sees what the interface receives, and so
//     whatever can send to any address there can send to it.
func (v *hostView) withoutAddress(s *scanner.Socket) (class, widest Exposure) {
	switch {
	case s.Protocol == scanner.Unix,
		s.VSock != nil && s.VSock.CID == vsockLocal:
		return Loopback, Loopback
	case s.Protocol == scanner.VSock:
		return Container, Container
	case isLoopbackDevice(s.Device):
		return Loopback, Loopback
	}
	c := v.wildcard(v4|v6, s.Device)
	return c.class, c.widest
}

// vsockLocal is VMADDR_CID_LOCAL (vsock(7)).
const vsockLocal = 1

// bindClass returns the class of a socket that is bound to one address.
func (v *hostView) bindClass(s *scanner.Socket) Exposure {
	switch {
	case isLoopbackDevice(s.Device):
		return Loopback
	case v.outside:
		return min(scope(s.Addr.Unmap()), Container)
	case IsContainerInterface(s.Device):
		return min(scope(s.Addr.Unmap()), Container)
	}
	if s.Addr != v.lastAddr {
		v.lastAddr, v.lastClass = s.Addr, ClassOf(s.Addr, v.interfaces)
	}
	return v.lastClass
}

// answers returns the families that a wildcard socket answers: an IPv6 one
// answers IPv4 too unless it has IPV6_V6ONLY (ipv6(7)), one on ::ffff:0.0.0.0
// answers IPv4 alone.
func answers(s *scanner.Socket) families {
	switch {
	case s.Addr.Is4() || s.Addr.Is4In6():
		return v4
	case s.V6Only:
		return v6
	}
	return v4 | v6
}

// wildcard returns what a wildcard stands for, on a device or on all.
func (v *hostView) wildcard(f families, device string) *cover {
	if device == "" {
		if v.wildcards[f] == nil {
			c := v.gather(f, "")
			// A wildcard is All even on a host that has loopback alone: any
			// interface that comes up is covered at once.
			c.class = All
			if v.outside {
				c.class, c.widest = Container, Container
			}
			v.wildcards[f] = &c
		}
		return v.wildcards[f]
	}
	key := deviceKey{device, f}
	c, ok := v.devices[key]
	if !ok {
		d := v.onDevice(f, device)
		c = &d
		if v.devices == nil {
			v.devices = make(map[deviceKey]*cover)
		}
		v.devices[key] = c
	}
	return c
}

// onDevice returns what a wildcard bound to a device with SO_BINDTODEVICE stands
// for: only what arrives on that interface reaches it.
func (v *hostView) onDevice(f families, device string) cover {
	c := v.gather(f, device)
	switch {
	case isLoopbackDevice(device):
		c.class = Loopback
	case v.outside, IsContainerInterface(device):
		c.class = Container
	case c.widest > Loopback:
		c.class = c.widest
	case len(c.addresses) == 0 && v.isUp(device):
		// Without an address of the family only the link reaches it, as a
		// client of DHCP that waits for its address.
		c.class = LinkLocal
	default:
		// The interface is not known, or it is a VRF: that is bound to like a
		// device, has no address but loopback's, and stands for the addresses of
		// interfaces that it does not name.
		c.class = All
	}
	c.widest = c.class
	return c
}

// gather returns the addresses of the families, sorted, each once, of one device
// or of all where device is empty.
func (v *hostView) gather(f families, device string) cover {
	var c cover
	for i := range v.interfaces {
		in := &v.interfaces[i]
		if device != "" && in.Name != device {
			continue
		}
		for _, p := range in.Addrs {
			a := p.Addr().Unmap()
			if a.Is4() && f&v4 == 0 || a.Is6() && f&v6 == 0 {
				continue
			}
			if a.IsLinkLocalUnicast() && a.Is6() {
				a = a.WithZone(in.Name)
			}
			c.addresses = append(c.addresses, a)
			c.widest = max(c.widest, classOn(a, in.Name))
		}
	}
	slices.SortFunc(c.addresses, netip.Addr.Compare)
	c.addresses = slices.Clip(slices.Compact(c.addresses))
	return c
}

// classOn returns the class of an address of an interface.
func classOn(a netip.Addr, device string) Exposure {
	class := scope(a)
	if class > Container && class < Public && IsContainerInterface(device) {
		return Container
	}
	return class
}

// isUp reports whether an interface is among those that are up.
func (v *hostView) isUp(device string) bool {
	return slices.ContainsFunc(v.interfaces, func(in scanner.Interface) bool { return in.Name == device })
}

// isLoopbackDevice reports whether a device is the loopback interface: "lo" on
// Linux, which has one a namespace, "lo0" on the BSDs and macOS.
func isLoopbackDevice(name string) bool { return name == "lo" || name == "lo0" }
