package scanner

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
)

// A kernelUse is an endpoint that the kernel itself has a socket at.
type kernelUse struct {
	protocol Protocol
	// family is 0 for either.
	family Family
	// addr is the address; zero for the wildcard.
	addr netip.Addr
	port uint16
	// name says what for: "vxlan vx0".
	name string
	// certain says that no process could have a socket there at the same time;
	// else the use is a name for a socket of which it is known otherwise that the
	// kernel holds it.
	certain bool
}

// at reports whether a socket is at the endpoint.
func (u *kernelUse) at(s *Socket) bool {
	return s.Protocol == u.protocol && s.Port == u.port && (u.family == 0 || s.Family == u.family) &&
		(s.Addr.IsUnspecified() || s.Addr.WithZone("") == u.addr)
}

// The link messages of rtnetlink(7), as in <linux/rtnetlink.h> and
// <linux/if_link.h>.
const (
	rtmNewLink = 16 // RTM_NEWLINK
	rtmGetLink = 18 // RTM_GETLINK
	ifInfoLen  = 16 // struct ifinfomsg
	ifUp       = 1  // IFF_UP

	linkIfName    = 3  // IFLA_IFNAME
	linkInfo      = 18 // IFLA_LINKINFO
	linkExtMask   = 29 // IFLA_EXT_MASK
	linkNetNSID   = 37 // IFLA_LINK_NETNSID
	linkSkipStats = 8  // RTEXT_FILTER_SKIP_STATS

	infoKind = 1 // IFLA_INFO_KIND
	infoData = 2 // IFLA_INFO_DATA

	vxlanLocal, vxlanPort, vxlanGroup6         = 4, 15, 16 // IFLA_VXLAN_LOCAL, _PORT, _GROUP6
	vxlanLocal6, vxlanMetadata                 = 17, 25    // IFLA_VXLAN_LOCAL6, _COLLECT_METADATA
	genevePort, geneveMetadata, geneve6        = 5, 6, 7   // IFLA_GENEVE_PORT, _COLLECT_METADATA, _REMOTE6
	bareudpPort                                = 1         // IFLA_BAREUDP_PORT
	amtRelayPort                               = 2         // IFLA_AMT_RELAY_PORT
	gtp0Port                            uint16 = 3386      // GTP0_PORT, <net/gtp.h>
	gtp1Port                            uint16 = 2152      // GTP1U_PORT
)

// tunnels are the kinds of links that have UDP sockets of their own. Of WireGuard
// the link does not tell the port (see [parseWireGuard]). Those of l2tp are
// connected, and those of ovpn a process holds.
var tunnels = [...]string{"vxlan", "geneve", "wireguard", "bareudp", "gtp", "amt"}

// appendLinkRequest asks for the links of a kind. A kernel that does not know the
// kind answers with all links.
func appendLinkRequest(b []byte, seq uint32, kind string) []byte {
	info := appendAttr(nil, infoKind, append([]byte(kind), 0))
	n := len(b)
	b = appendRequest(b, rtmGetLink, seq, 0)
	b = append(b, make([]byte, ifInfoLen)...)
	b = appendAttr(b, linkExtMask, binary.NativeEndian.AppendUint32(nil, linkSkipStats))
	b = appendAttr(b, linkInfo, info)
	binary.NativeEndian.PutUint32(b[n:], uint32(len(b)-n))
	return b
}

// appendAttr appends an attribute, padded.
func appendAttr(b []byte, typ uint16, v []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(nlAttrLen+len(v)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, v...)
	return append(b, make([]byte, nlAlign(len(v))-len(v))...)
}

// A tunnelLink is a link that may have sockets.
type tunnelLink struct {
	index      uint32
	name, kind string
	uses       []kernelUse
}

// parseTunnel reads one RTM_NEWLINK message. Its uses are none where the link is
// of another kind, is down, and so has no socket, or where its sockets are in
// another network namespace than itself.
func parseTunnel(b []byte) (l tunnelLink, err error) {
	if len(b) < ifInfoLen {
		return l, errTruncated
	}
	l.index = binary.NativeEndian.Uint32(b[4:])
	here := binary.NativeEndian.Uint32(b[8:])&ifUp != 0
	var data []byte
	err = eachAttr(b[ifInfoLen:], func(typ uint16, v []byte) {
		switch typ {
		case linkIfName:
			l.name = cString(v)
		case linkNetNSID:
			here = false
		case linkInfo:
			err1 := eachAttr(v, func(typ uint16, v []byte) {
				switch typ {
				case infoKind:
					l.kind = cString(v)
				case infoData:
					data = v
				}
			})
			if err1 != nil {
				l.kind = ""
			}
		}
	})
	if err != nil || !here {
		return l, err
	}
	l.uses, err = tunnelUses(l.kind, l.kind+" "+l.name, data)
	return l, err
}

// cString returns a text without its NUL.
func cString(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }

// tunnelUses reads the data of a link of some kind: where its sockets are.
func tunnelUses(kind, name string, data []byte) ([]kernelUse, error) {
	var port uint16
	var addr netip.Addr
	v6, both := false, false
	take := func(typ, portAttr, metadataAttr uint16, v []byte) {
		switch {
		case typ == portAttr && len(v) >= 2:
			port = binary.BigEndian.Uint16(v)
		case typ == metadataAttr && (len(v) == 0 || v[0] != 0): // a flag, or a byte
			both = true
		}
	}
	use := func(f Family) kernelUse {
		return kernelUse{protocol: UDP, family: f, addr: addr, port: port, name: name, certain: true}
	}
	var err error
	switch kind {
	case "vxlan":
		err = eachAttr(data, func(typ uint16, v []byte) {
			take(typ, vxlanPort, vxlanMetadata, v)
			switch typ {
			case vxlanLocal, vxlanLocal6:
				addr, _ = netip.AddrFromSlice(v)
				v6 = v6 || typ == vxlanLocal6
			case vxlanGroup6:
				v6 = true
			}
		})
	case "geneve":
		err = eachAttr(data, func(typ uint16, v []byte) {
			take(typ, genevePort, geneveMetadata, v)
			v6 = v6 || typ == geneve6
		})
	case "bareudp":
		both = true
		err = eachAttr(data, func(typ uint16, v []byte) { take(typ, bareudpPort, 0, v) })
	case "amt":
		err = eachAttr(data, func(typ uint16, v []byte) { take(typ, amtRelayPort, 0, v) })
	case "gtp":
		// Its sockets may also be those of the process that made the link.
		return []kernelUse{{protocol: UDP, port: gtp0Port, name: name}, {protocol: UDP, port: gtp1Port, name: name}}, nil
	default:
		return nil, nil
	}
	switch {
	case err != nil || port == 0:
		return nil, err
	case both:
		return []kernelUse{use(0)}, nil
	case v6:
		return []kernelUse{use(IPv6)}, nil
	}
	return []kernelUse{use(IPv4)}, nil
}

// Generic netlink, as in <linux/genetlink.h>, <linux/wireguard.h> and
// <linux/fou.h>.
const (
	genlLen         = 4  // struct genlmsghdr
	genlCtrl        = 16 // GENL_ID_CTRL
	genlGetFamily   = 3  // CTRL_CMD_GETFAMILY
	genlFamilyID    = 1  // CTRL_ATTR_FAMILY_ID
	genlFamilyName  = 2  // CTRL_ATTR_FAMILY_NAME
	genlCtrlVersion = 1

	wireguardGet     = 0 // WG_CMD_GET_DEVICE
	wireguardIfindex = 1 // WGDEVICE_A_IFINDEX
	wireguardPort    = 6 // WGDEVICE_A_LISTEN_PORT

	fouGet                       = 3       // FOU_CMD_GET
	fouPort, fouAF, fouType      = 1, 2, 4 // FOU_ATTR_PORT, FOU_ATTR_AF, FOU_ATTR_TYPE
	fouLocal4, fouLocal6         = 6, 7    // FOU_ATTR_LOCAL_V4, FOU_ATTR_LOCAL_V6
	fouGUE                  byte = 2       // FOU_ENCAP_GUE
)

// appendGenlRequest asks a family of generic netlink for a dump.
func appendGenlRequest(b []byte, seq uint32, family uint16, cmd byte, attributes []byte) []byte {
	b = appendRequest(b, family, seq, genlLen+len(attributes))
	b = append(b, cmd, genlCtrlVersion, 0, 0)
	return append(b, attributes...)
}

// parseGenlFamily reads one message of the controller: the name and number of a
// family. The families are asked for all at once: asked by name, the kernel loads
// the module.
func parseGenlFamily(b []byte) (name string, id uint16, err error) {
	if len(b) < genlLen {
		return "", 0, errTruncated
	}
	err = eachAttr(b[genlLen:], func(typ uint16, v []byte) {
		switch {
		case typ == genlFamilyName:
			name = cString(v)
		case typ == genlFamilyID && len(v) >= 2:
			id = binary.NativeEndian.Uint16(v)
		}
	})
	return name, id, err
}

// parseWireGuard reads the first message of an answer on one WireGuard link: its
// port, 0 for none. It reads nothing else there, keys least of all.
func parseWireGuard(b []byte, name string) (uses []kernelUse, err error) {
	if len(b) < genlLen {
		return nil, errTruncated
	}
	err = eachAttr(b[genlLen:], func(typ uint16, v []byte) {
		if typ == wireguardPort && len(v) >= 2 {
			if port := binary.NativeEndian.Uint16(v); port != 0 {
				uses = []kernelUse{{protocol: UDP, port: port, name: name, certain: true}}
			}
		}
	})
	return uses, err
}

// parseFOU reads one port of Foo-over-UDP (ip-fou(8)).
func parseFOU(b []byte) (kernelUse, error) {
	u := kernelUse{protocol: UDP, family: IPv4, name: "fou", certain: true}
	if len(b) < genlLen {
		return u, errTruncated
	}
	err := eachAttr(b[genlLen:], func(typ uint16, v []byte) {
		switch {
		case typ == fouPort && len(v) >= 2:
			u.port = binary.BigEndian.Uint16(v)
		case typ == fouAF && len(v) >= 1 && v[0] == afInet6:
			u.family = IPv6
		case typ == fouType && len(v) >= 1 && v[0] == fouGUE:
			u.name = "gue"
		case typ == fouLocal4 || typ == fouLocal6:
			if a, ok := netip.AddrFromSlice(v); ok && !a.IsUnspecified() {
				u.addr = a
			}
		}
	})
	return u, err
}

// parseNFSPorts reads /proc/fs/nfsd/portlist: "tcp 2049", a line each.
func parseNFSPorts(b []byte) []kernelUse {
	var uses []kernelUse
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) != 2 {
			continue
		}
		protocol, err := ParseProtocol(string(f[0]))
		port, ok := parsePort(f[1])
		if err == nil && ok && port != 0 { // not "rdma"
			uses = append(uses, kernelUse{protocol: protocol, port: port, name: "nfs", certain: true})
		}
	}
	return uses
}

// parseRxRPC reads /proc/net/rxrpc/locals: "UDP", the endpoint, and counts.
func parseRxRPC(b []byte) []kernelUse {
	var uses []kernelUse
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 2 || string(f[0]) != "UDP" {
			continue
		}
		ap, err := netip.ParseAddrPort(string(f[1]))
		if err != nil || ap.Port() == 0 {
			continue
		}
		family := IPv6
		if ap.Addr().Is4() {
			family = IPv4
		}
		uses = append(uses, kernelUse{protocol: UDP, family: family, addr: ap.Addr().Unmap(), port: ap.Port(), name: "rxrpc", certain: true})
	}
	return uses
}

// parseKSMBD reads /sys/class/ksmbd-control/stats: version, state, port, time.
func parseKSMBD(b []byte) []kernelUse {
	f := bytes.Fields(b)
	if len(f) < 3 || string(f[1]) != "running" {
		return nil
	}
	port, ok := parsePort(f[2])
	if !ok || port == 0 {
		return nil
	}
	return []kernelUse{{protocol: TCP, port: port, name: "ksmbd", certain: true}}
}

// parsePortParameter reads a sysctl or the parameter of a module: the port that a
// service of the kernel has if it runs; 0 for whichever.
func parsePortParameter(b []byte, protocol Protocol, name string) []kernelUse {
	port, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 16)
	if err != nil || port == 0 {
		return nil
	}
	return []kernelUse{{protocol: protocol, port: uint16(port), name: name}}
}

// useOf names what the kernel uses a socket for: the first use, and how many more
// there are, as of the links that share a port.
func useOf(uses []kernelUse, s *Socket, certain bool) string {
	name, more := "", 0
	for i := range uses {
		switch u := &uses[i]; {
		case u.certain != certain || !u.at(s) || u.name == name:
		case name == "":
			name = u.name
		default:
			more++
		}
	}
	if more > 0 {
		name += " +" + strconv.Itoa(more)
	}
	return name
}
