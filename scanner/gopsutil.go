package scanner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/shirou/gopsutil/v3/common"
	gopsnet "github.com/shirou/gopsutil/v3/net"
)

// listGopsutil lists the TCP and UDP sockets that gopsutil tells of, each with
// the one holder that it names. It errs where gopsutil has no table at all.
func listGopsutil(ctx context.Context, o *Options, c *Coverage) ([]Socket, error) {
	kind, others := gopsutilKind(o.protocols())
	if kind == "" {
		return nil, errors.New("gopsutil lists tcp and udp alone")
	}
	if len(o.Protocols) > 0 && len(others) > 0 {
		c.limit(true, LimitProtocol, fmt.Sprintf("sockets of %s are not listed: gopsutil knows tcp and udp alone", join(others)), "")
	}
	root := gopsutilRoot(o.procfs())
	conns, err := gopsutilConns(pinned(ctx, root), kind)
	if err != nil {
		return nil, fmt.Errorf("gopsutil: %w", err)
	}
	if root != o.procfs() {
		c.limit(true, LimitSubset, "/proc shows processes alone (subset=pid): gopsutil does not tell which of them hold the sockets", wholeProc)
	}
	socks, pids := fromGopsutil(conns, embedsScope())
	slices.Sort(pids)
	processes := describePIDs(ctx, o, slices.Compact(pids))
	for i := range socks {
		for k, p := range socks[i].Holders {
			if q := processes[p.PID]; q != nil {
				socks[i].Holders[k] = q
			}
		}
	}
	gopsutilLimits(c)
	return socks, nil
}

// gopsutilKind returns the one call that gets the protocols, and the protocols
// that it does not get. Never "all" or "unix": a unix socket with a newline in
// its name makes gopsutil panic.
func gopsutilKind(protocols []Protocol) (kind string, others []Protocol) {
	tcp, udp := slices.Contains(protocols, TCP), slices.Contains(protocols, UDP)
	switch {
	case tcp && udp:
		kind = "inet"
	case tcp:
		kind = "tcp"
	case udp:
		kind = "udp"
	}
	for _, p := range protocols {
		if p != TCP && p != UDP {
			others = append(others, p)
		}
	}
	return kind, others
}

// pinned returns a context in which gopsutil reads procfs and the folders of
// this host, whatever HOST_PROC and its kin in the environment say.
func pinned(ctx context.Context, procfs string) context.Context {
	return context.WithValue(ctx, common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: procfs,
		common.HostSysEnvKey:  "/sys",
		common.HostEtcEnvKey:  "/etc",
		common.HostVarEnvKey:  "/var",
		common.HostRunEnvKey:  "/run",
		common.HostDevEnvKey:  "/dev",
		common.HostRootEnvKey: "/",
	})
}

// gopsutilConns asks gopsutil, which may panic on text that it did not expect.
func gopsutilConns(ctx context.Context, kind string) (conns []gopsnet.ConnectionStat, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %q", fmt.Sprint(r))
		}
	}()
	return gopsutilTable(ctx, kind)
}

// fromGopsutil returns the sockets of conns that accept traffic, and the pids of
// their holders. Where a row is a descriptor (lsof), the rows of one address are
// one socket. embedded says that link-local addresses may hold their scope.
func fromGopsutil(conns []gopsnet.ConnectionStat, embedded bool) (socks []Socket, pids []int) {
	type endpoint struct {
		protocol Protocol
		family   Family
		addr     netip.AddrPort
	}
	seen := make(map[endpoint]int)
	for i := range conns {
		c := &conns[i]
		s := Socket{Namespace: "host", UID: -1, Family: IPv4}
		if c.Family == syscall.AF_INET6 {
			s.Family = IPv6
		}
		switch c.Type {
		case syscall.SOCK_STREAM:
			if c.Status != "LISTEN" {
				continue
			}
		case syscall.SOCK_DGRAM:
			// gopsutil gives no state of UDP. A peer makes a socket a client, and
			// its port may be 0.
			if c.Raddr.Port != 0 || !unspecified(c.Raddr.IP) {
				continue
			}
			s.Protocol = UDP
		default:
			continue
		}
		addr, err := parseAddr(c.Laddr.IP, s.Family, embedded)
		if err != nil || c.Laddr.Port == 0 || c.Laddr.Port > 65535 {
			continue
		}
		s.Addr, s.Port = addr, uint16(c.Laddr.Port)
		key := endpoint{s.Protocol, s.Family, netip.AddrPortFrom(s.Addr, s.Port)}
		at, ok := seen[key]
		if !ok {
			at = len(socks)
			seen[key] = at
			socks = append(socks, s)
		}
		held := func(p *Process) bool { return p.PID == int(c.Pid) }
		if one := &socks[at]; c.Pid > 0 && !slices.ContainsFunc(one.Holders, held) {
			// Until its facts are read a holder is its pid.
			one.Holders = append(one.Holders, &Process{PID: int(c.Pid), UID: -1})
			pids = append(pids, int(c.Pid))
		}
	}
	for i := range socks {
		slices.SortFunc(socks[i].Holders, func(a, b *Process) int { return a.PID - b.PID })
	}
	return socks, pids
}

// unspecified reports whether a remote address stands for none.
func unspecified(ip string) bool {
	if ip == "" || ip == "*" {
		return true
	}
	a, err := netip.ParseAddr(ip)
	return err == nil && a.Unmap().IsUnspecified()
}

// parseAddr reads a local address as gopsutil gives it: "*" for a wildcard, an
// IPv4-mapped one as IPv4. The kernels of the KAME family keep the scope of a
// link-local address in its second word, and lsof prints it so: "fe80:4::1".
func parseAddr(ip string, f Family, embedded bool) (netip.Addr, error) {
	if ip == "*" || ip == "" {
		if f == IPv6 {
			return netip.IPv6Unspecified(), nil
		}
		return netip.IPv4Unspecified(), nil
	}
	a, err := netip.ParseAddr(strings.Trim(ip, "[]"))
	if err != nil {
		return a, err
	}
	a = a.Unmap()
	if embedded && a.Is6() && a.IsLinkLocalUnicast() {
		b := a.As16()
		if scope := int(b[2])<<8 | int(b[3]); scope != 0 {
			zone := a.Zone()
			b[2], b[3] = 0, 0
			if zone == "" {
				zone = interfaceName(scope)
			}
			a = netip.AddrFrom16(b).WithZone(zone)
		}
	}
	return a, nil
}

// interfaceName names a network interface by its index.
func interfaceName(index int) string {
	if ifi, err := net.InterfaceByIndex(index); err == nil {
		return ifi.Name
	}
	return fmt.Sprintf("if%d", index)
}

// embedsScope reports whether the system's tools print the scope inside a
// link-local address.
func embedsScope() bool {
	switch runtime.GOOS {
	case "darwin", "freebsd", "openbsd":
		return true
	}
	return false
}

// gopsutilLimits notes what gopsutil does not tell on this system.
func gopsutilLimits(c *Coverage) {
	switch runtime.GOOS {
	case "linux":
		// Whole sockets are lost here, so that the answer is not complete.
		c.limit(true, LimitGopsutil, "gopsutil shows sockets that share an address once, one holder of each socket, no udplite, sctp or dccp, "+
			"and neither the user, the device, the zone, the accept queue nor IPV6_V6ONLY of a socket", "allow netlink (sock_diag) and scan with --source netlink")
	case "openbsd":
		c.limit(true, LimitGopsutil, "gopsutil does not tell which processes hold the sockets on OpenBSD", "")
	default:
		c.limit(false, LimitGopsutil, "IPV6_V6ONLY and the device of a socket are not known on this system", "")
	}
}

// join writes protocols as a list.
func join(ps []Protocol) string {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}
