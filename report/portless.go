package report

import (
	"cmp"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// This file writes the sockets that have no port, each in the two cells that an
// address and a port have.
//
//	raw     0.0.0.0          ospf        ping    0.0.0.0   1234
//	packet  *%eth0           lldp        vsock   host      1024
//	unix    /run/x.sock                  unix    @name

// cellPort writes the port, or what the protocol has in its place: the IP protocol
// of a raw socket, the identifier of a ping socket, the protocol of the frames that
// a packet socket sees. For a program it is a number in every case.
func cellPort(p *page, g *group) {
	l := g.l
	var name word
	n := uint64(l.Port)
	switch l.Protocol {
	case scanner.Raw:
		name = ipProtocol(l.Port)
	case scanner.Packet:
		if l.Packet == nil {
			return
		}
		name, n = etherType(l.Packet.EtherType), uint64(l.Packet.EtherType)
		if name == "" && !g.v.raw {
			p.hex(l.Packet.EtherType)
			return
		}
	case scanner.VSock:
		if l.VSock == nil {
			return
		}
		n = uint64(l.VSock.Port)
	case scanner.Unix:
		return
	case scanner.TCP, scanner.UDP, scanner.UDPLite, scanner.SCTP, scanner.DCCP, scanner.Ping:
	}
	if name != "" && !g.v.raw {
		p.word(name)
		return
	}
	p.uint(n)
}

// number returns what stands in the column of ports, to sort by.
func number(l *annotate.Listener) uint32 {
	switch {
	case l.Packet != nil:
		return uint32(l.Packet.EtherType)
	case l.VSock != nil:
		return l.VSock.Port
	}
	return uint32(l.Port)
}

// addressless writes the address of a socket that has no IP address.
func (g *group) addressless(p *page) {
	switch l := g.l; {
	case l.Unix != nil:
		p.text(l.Unix.Path)
		if l.Unix.Gone && !g.v.raw {
			p.word(" (gone)")
		}
	case l.VSock != nil:
		cellCID(p, g, l.VSock.CID)
	case l.Packet != nil:
		if !g.v.raw {
			p.word("*")
		}
	}
}

// cellCID writes the context identifier of a vsock socket by its name (vsock(7)).
func cellCID(p *page, g *group, cid uint32) {
	switch {
	case g.v.raw:
		p.uint(uint64(cid))
	case cid == scanner.VSockAny:
		p.word("*")
	case cid == 0:
		p.word("hypervisor")
	case cid == 1:
		p.word("local")
	case cid == 2:
		p.word("host")
	default:
		p.uint(uint64(cid))
	}
}

// comparePortless orders two sockets without an IP address by what they have in
// its place; 0 for any others.
func comparePortless(a, b *scanner.Socket) int {
	switch {
	case a.Unix != nil && b.Unix != nil:
		return cmp.Or(
			cmp.Compare(a.Unix.Path, b.Unix.Path),
			cmp.Compare(a.Unix.Type, b.Unix.Type),
			compareBool(a.Unix.Gone, b.Unix.Gone),
			cmp.Compare(a.Unix.Mode, b.Unix.Mode),
			cmp.Compare(a.Unix.UID, b.Unix.UID),
		)
	case a.VSock != nil && b.VSock != nil:
		return cmp.Or(cmp.Compare(a.VSock.CID, b.VSock.CID), cmp.Compare(a.VSock.Port, b.VSock.Port))
	case a.Packet != nil && b.Packet != nil:
		return cmp.Or(cmp.Compare(a.Packet.EtherType, b.Packet.EtherType), cmp.Compare(a.Packet.Type, b.Packet.Type))
	}
	return 0
}

func cellPath(p *page, g *group) {
	if g.l.Unix != nil {
		p.text(g.l.Unix.Path)
	}
}

// cellMode writes the permission bits of a path in octal digits.
func cellMode(p *page, g *group) {
	if g.l.Unix != nil && g.l.Unix.Mode != 0 {
		p.octal(g.l.Unix.Mode)
	}
}

// cellPathUser writes the owner of a path.
func cellPathUser(p *page, g *group) {
	switch u := g.l.Unix; {
	case u == nil:
	case u.User != "":
		p.text(u.User)
	case u.UID >= 0:
		p.int(u.UID)
	}
}

// cellType writes the type of a unix or packet socket.
func cellType(p *page, g *group) {
	switch l := g.l; {
	case l.Unix != nil:
		p.text(l.Unix.Type)
	case l.Packet != nil:
		p.text(l.Packet.Type)
	}
}

func cellKernelUse(p *page, g *group) { p.text(g.l.KernelUse) }

// ipProtocol returns the name of an IP protocol that raw sockets are used for, as
// IANA's registry of protocol numbers has it; empty for any other.
func ipProtocol(n uint16) word {
	switch n {
	case 1:
		return "icmp"
	case 2:
		return "igmp"
	case 4:
		return "ipip"
	case 6:
		return "tcp"
	case 17:
		return "udp"
	case 33:
		return "dccp"
	case 41:
		return "ipv6"
	case 46:
		return "rsvp"
	case 47:
		return "gre"
	case 50:
		return "esp"
	case 51:
		return "ah"
	case 58:
		return "icmpv6"
	case 88:
		return "eigrp"
	case 89:
		return "ospf"
	case 94:
		return "ipip-mobile"
	case 97:
		return "etherip"
	case 103:
		return "pim"
	case 108:
		return "ipcomp"
	case 112:
		return "vrrp"
	case 115:
		return "l2tp"
	case 124:
		return "isis"
	case 132:
		return "sctp"
	case 136:
		return "udplite"
	case 137:
		return "mpls"
	case 255:
		return "raw"
	}
	return ""
}

// etherType returns the name of what a packet socket sees, as in
// <linux/if_ether.h>; empty for any other.
func etherType(n uint16) word {
	switch n {
	case 0x0003:
		return "all"
	case 0x0004:
		return "802.2" // with LLC: spanning tree, IS-IS
	case 0x0800:
		return "ip"
	case 0x0806:
		return "arp"
	case 0x22f0:
		return "tsn"
	case 0x8035:
		return "rarp"
	case 0x8100:
		return "vlan"
	case 0x86dd:
		return "ipv6"
	case 0x8809:
		return "slow" // LACP
	case 0x8847:
		return "mpls"
	case 0x8863:
		return "pppoe-discovery"
	case 0x8864:
		return "pppoe"
	case 0x888e:
		return "eapol"
	case 0x8892:
		return "profinet"
	case 0x88a4:
		return "ethercat"
	case 0x88a8:
		return "qinq"
	case 0x88b8:
		return "goose"
	case 0x88c7:
		return "preauth"
	case 0x88cc:
		return "lldp"
	case 0x88f7:
		return "ptp"
	case 0x8902:
		return "cfm"
	case 0x8906:
		return "fcoe"
	case 0x9000:
		return "loop"
	}
	return ""
}
