//go:build !linux

package scanner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	gopsnet "github.com/shirou/gopsutil/v3/net"
)

// listNetlink errs: netlink is Linux's.
func listNetlink(context.Context, *Options, *Coverage) ([]Socket, error) {
	return nil, errors.New("netlink is not to be had on " + runtime.GOOS)
}

// gopsutilTable asks gopsutil for its rows. ConnectionsWithoutUids is not
// implemented outside Linux, and openbsd does not have it at all.
func gopsutilTable(ctx context.Context, kind string) ([]gopsnet.ConnectionStat, error) {
	return gopsnet.ConnectionsWithContext(ctx, kind)
}

// A netSearch finds network namespaces, which are Linux's.
type netSearch struct{}

func beginNetSearch(*Options) *netSearch { return nil }

func (*netSearch) listed(*Options, Source, error) {}

func (*netSearch) close() {}

// elsewhere errs where another network namespace is asked for.
func (s *Snapshot) elsewhere(_ context.Context, o *Options, _ Source, _ *netSearch) error {
	switch o.NetNS {
	case "", NetNSOwn, NetNSAll:
		return nil
	}
	return fmt.Errorf("%w: %q: %s has none", ErrNoNamespace, o.NetNS, runtime.GOOS)
}

// NetNSNames returns nothing: network namespaces are Linux's.
func NetNSNames() []string { return nil }

// readHost reads what a scan tells of the machine. There are no namespaces.
func readHost(_ context.Context, _ *Options, c *Coverage) (Host, Namespace) {
	h := Host{OS: runtime.GOOS}
	h.Name, _ = os.Hostname()
	ifs, err := net.Interfaces()
	if err != nil {
		c.limit(false, LimitInterfaces, "the addresses of this host are not known: "+err.Error(), "")
	}
	for _, ifi := range ifs {
		addrs, err := ifi.Addrs()
		if err != nil || len(addrs) == 0 || ifi.Flags&net.FlagUp == 0 {
			continue
		}
		one := Interface{Name: ifi.Name}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				one.Addrs = append(one.Addrs, p)
			}
		}
		h.Interfaces = append(h.Interfaces, one)
	}
	return h, Namespace{}
}

// A memory is what a scan leaves to the next one; nothing but on Linux.
type memory struct{}

// own says why sockets are without holders. The source has named the rest.
func (s *Snapshot) own(_ context.Context, _ *Options, _ Source, _ *netSearch) {
	c := &s.Coverage
	c.Privileges = "user"
	why := NotPermitted
	switch os.Geteuid() {
	case 0:
		c.Privileges, why = "root", NotFound
	case -1: // Windows, whose table has every process's sockets
	default:
		switch runtime.GOOS {
		case "darwin", "freebsd":
			c.limit(true, LimitOtherUsers, "sockets of other users are not listed", asRoot.String())
		}
	}
	if runtime.GOOS == "openbsd" {
		why = NotTold
	}
	for i := range s.Sockets {
		if len(s.Sockets[i].Holders) == 0 {
			s.Sockets[i].Why = why
		}
	}
}

// nameContainers does nothing: containers are told from control groups, which are
// Linux's.
func (s *Snapshot) nameContainers(context.Context, *Options) {}

// gopsutilRoot is where gopsutil is told to look, which has no meaning here.
func gopsutilRoot(procfs string) string { return procfs }

// verify says that there is but one witness.
func (s *Snapshot) verify(context.Context, *Options, *netSearch) {
	s.Discrepancies = []Discrepancy{}
	s.Coverage.limit(true, LimitWitness, "there is one source of sockets on "+runtime.GOOS+", and no witness beside it", "")
}
