package scanner

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// nameKernels says of the sockets without a holder which of them the kernel has
// and what for, and returns by namespace what may be said of the others once it is
// known that the kernel has them. Only where there are such sockets is the kernel
// asked, and in the network namespace that they are in.
func (s *Snapshot) nameKernels(ctx context.Context, o *Options, search *netSearch) (uses map[string][]kernelUse) {
	without := make(map[string][]*Socket)
	for i := range s.Sockets {
		if one := &s.Sockets[i]; unheld(one) && (one.Protocol == UDP || one.Protocol == TCP) {
			without[one.Namespace] = append(without[one.Namespace], one)
		}
	}
	uses = make(map[string][]kernelUse, len(without))
	if len(without) == 0 {
		return uses
	}
	admin := search.privileges.caps&(1<<unix.CAP_NET_ADMIN) != 0
	var others []*netNS
	for name, socks := range without {
		switch ns := search.named[name]; {
		case ns == nil:
			uses[name] = kernelTunnels(ctx, o, admin, kernelServices(o), socks)
		case !allNamed(nil, socks):
			others = append(others, ns)
		}
	}
	found := make([][]kernelUse, len(others))
	visit(ctx, o.procfs(), others, func(n *netNS) {
		found[slices.Index(others, n)] = kernelTunnels(ctx, o, admin, nil, without[n.Name])
	})
	for i, n := range others {
		uses[n.Name] = found[i]
	}
	for name, socks := range without {
		for _, one := range socks {
			if use := useOf(uses[name], one, true); use != "" {
				one.Why, one.KernelUse = Kernel, use
			}
		}
	}
	return uses
}

// allNamed reports whether the uses name every UDP socket among socks.
func allNamed(uses []kernelUse, socks []*Socket) bool {
	return !slices.ContainsFunc(socks, func(s *Socket) bool { return s.Protocol == UDP && useOf(uses, s, true) == "" })
}

// kernelTunnels adds to uses the UDP sockets of tunnels in the network namespace
// of the thread, until they name all of socks. What it is not told is not there:
// some of it is for CAP_NET_ADMIN alone, which admin says is there.
func kernelTunnels(ctx context.Context, o *Options, admin bool, uses []kernelUse, socks []*Socket) []kernelUse {
	if allNamed(uses, socks) {
		return uses
	}
	var guards []tunnelLink
	tunnelLinks(ctx, func(links []tunnelLink) (more bool) {
		for _, l := range links {
			uses = append(uses, l.uses...)
			if l.kind == "wireguard" {
				guards = append(guards, l)
			}
		}
		return !allNamed(uses, socks)
	})
	if admin && !allNamed(uses, socks) {
		uses = append(uses, genericTunnels(ctx, guards)...)
	}
	if !allNamed(uses, socks) {
		uses = append(uses, parseRxRPC(netTable(o, "rxrpc/locals"))...)
	}
	return uses
}

// A kernel that does not know a kind answers with every link, of which a host of
// containers has hundreds, a kilobyte each. So no more than maxUnasked links are
// read that were not asked for, and into a small buffer: the kernel makes as much
// of an answer ahead as the last one had room for.
const (
	maxUnasked = 8
	linkRoom   = 8 << 10
)

// tunnelLinks gives take the links that are of a kind with sockets, a kind at a
// time, as long as it wants more of them.
func tunnelLinks(ctx context.Context, take func([]tunnelLink) (more bool)) {
	var conn *netlinkConn
	defer func() {
		if conn != nil {
			conn.close()
		}
	}()
	for i, kind := range tunnels {
		if conn == nil {
			var err error
			if conn, err = dialNetlink(unix.NETLINK_ROUTE); err != nil {
				return
			}
			conn.buf = conn.buf[:linkRoom]
		}
		var links []tunnelLink
		unasked := 0
		err := conn.dump(ctx, func(b []byte, seq uint32) []byte { return appendLinkRequest(b, seq, kind) },
			func() { links, unasked = links[:0], 0 },
			func(m nlMessage) error {
				if m.typ != rtmNewLink {
					return nil
				}
				l, err := parseTunnel(m.data)
				if err != nil {
					return err
				}
				if l.kind != kind {
					if unasked++; unasked > maxUnasked {
						return errEnough
					}
				}
				// Those of a kind before were taken.
				if slices.Contains(tunnels[i:], l.kind) {
					links = append(links, l)
				}
				return nil
			})
		if errors.Is(err, errEnough) {
			// The rest of the answer is left.
			conn.close()
			conn = nil
			continue
		}
		if !take(links) || err == nil && unasked > 0 {
			return // this was every link that there is
		}
	}
}

// genericTunnels asks generic netlink for what links do not tell: the ports of
// WireGuard links and those of Foo-over-UDP. Both are told to CAP_NET_ADMIN alone.
func genericTunnels(ctx context.Context, guards []tunnelLink) []kernelUse {
	conn, err := dialNetlink(unix.NETLINK_GENERIC)
	if err != nil {
		return nil
	}
	defer conn.close()
	var wireguard, fou uint16
	err = conn.dump(ctx, func(b []byte, seq uint32) []byte { return appendGenlRequest(b, seq, genlCtrl, genlGetFamily, nil) },
		func() {}, func(m nlMessage) error {
			switch name, id, err := parseGenlFamily(m.data); {
			case err != nil:
				return err
			case name == "wireguard":
				wireguard = id
			case name == "fou":
				fou = id
			}
			return nil
		})
	if err != nil {
		return nil
	}
	var uses []kernelUse
	if fou != 0 {
		_ = conn.dump(ctx, func(b []byte, seq uint32) []byte { return appendGenlRequest(b, seq, fou, fouGet, nil) },
			func() { uses = uses[:0] }, func(m nlMessage) error {
				u, err := parseFOU(m.data)
				uses = append(uses, u)
				return err
			})
	}
	if wireguard == 0 {
		return uses
	}
	for _, l := range guards {
		uses = append(uses, wireGuardPort(ctx, wireguard, l)...)
	}
	return uses
}

// wireGuardPort asks for the port of one link. The answer goes on with the keys of
// all its peers: no more of it is read than the first message, and none is kept.
func wireGuardPort(ctx context.Context, family uint16, l tunnelLink) (uses []kernelUse) {
	conn, err := dialNetlink(unix.NETLINK_GENERIC)
	if err != nil {
		return nil
	}
	defer conn.close()
	defer func() { clear(conn.buf) }()
	index := appendAttr(nil, wireguardIfindex, binary.NativeEndian.AppendUint32(nil, l.index))
	_ = conn.dump(ctx, func(b []byte, seq uint32) []byte { return appendGenlRequest(b, seq, family, wireguardGet, index) },
		func() {}, func(m nlMessage) error {
			if uses, err = parseWireGuard(m.data, l.kind+" "+l.name); err != nil {
				return err
			}
			return errEnough
		})
	return uses
}

// kernelServices reads what the kernel's own servers say of themselves in procfs
// and sysfs, in the network namespace of the scan.
func kernelServices(o *Options) []kernelUse {
	buf := make([]byte, 4<<10)
	read := func(path string) []byte { return readSmall(path, &buf) }
	uses := parseNFSPorts(read(o.procfs() + "/fs/nfsd/portlist"))
	uses = append(uses, parseKSMBD(read("/sys/class/ksmbd-control/stats"))...)
	uses = append(uses, parsePortParameter(read(o.procfs()+"/sys/fs/nfs/nlm_tcpport"), TCP, "lockd")...)
	uses = append(uses, parsePortParameter(read(o.procfs()+"/sys/fs/nfs/nlm_udpport"), UDP, "lockd")...)
	return append(uses, parsePortParameter(read("/sys/module/nfs/parameters/callback_tcpport"), TCP, "nfs callback")...)
}
