package scanner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// An outcome is what an inquiry has come to.
type outcome struct {
	discrepancies []Discrepancy
	// missed are sockets that the list is without, because the witness that the
	// list is of does not show them.
	missed   []Socket
	coverage Coverage
}

// verify asks the other witnesses of every network namespace that was looked
// into, several at once: to try every port (o.Probe) is a second's work. The
// sockets that the list is without are added to it.
func (s *Snapshot) verify(ctx context.Context, o *Options, search *netSearch) {
	rows := make(map[string][]*Socket)
	for i := range s.Sockets {
		one := &s.Sockets[i]
		rows[one.Namespace] = append(rows[one.Namespace], one)
	}
	var others []*netNS
	for _, n := range s.Namespaces {
		if n := search.named[n.Name]; n != nil {
			others = append(others, n)
		}
	}
	outcomes := make(map[*netNS]*outcome, len(others))
	var mu sync.Mutex
	var group sync.WaitGroup
	group.Go(func() {
		visit(ctx, o.procfs(), others, func(n *netNS) {
			out := newInquiry(o, n.Name).examine(ctx, rows[n.Name])
			mu.Lock()
			outcomes[n] = out
			mu.Unlock()
		})
	})
	var all []*outcome
	if len(s.Namespaces) == 0 || s.Namespaces[0].Name == OwnNamespace {
		// Where the thread is, is what the tables are of.
		runtime.LockOSThread()
		all = append(all, newInquiry(o, OwnNamespace).examine(ctx, rows[OwnNamespace]))
		runtime.UnlockOSThread()
	}
	group.Wait()
	for _, n := range others {
		if out := outcomes[n]; out != nil {
			all = append(all, out)
		} else if !errors.Is(n.err, errGone) {
			s.Coverage.limit(true, LimitInterrupted, fmt.Sprintf("the witnesses of the network namespace %q were not asked: %v", n.Name, n.err), "")
		}
	}

	s.Discrepancies = []Discrepancy{}
	var missed []Socket
	for _, out := range all {
		s.Discrepancies = append(s.Discrepancies, out.discrepancies...)
		missed = append(missed, out.missed...)
		s.Coverage.join(&out.coverage)
		for _, name := range out.coverage.Sources {
			s.Coverage.addSource(name)
		}
	}
	slices.SortStableFunc(s.Discrepancies, func(a, b Discrepancy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port),
			a.Addr.Compare(b.Addr), cmp.Compare(a.Family, b.Family))
	})
	s.Sockets = append(s.Sockets, holdersOf(ctx, o, missed)...)
}

// examine makes the inquiry. rows are the sockets of the namespace that the scan
// has listed.
func (q *inquiry) examine(ctx context.Context, rows []*Socket) *outcome {
	out := &outcome{coverage: Coverage{Complete: true}}
	if len(q.o.Protocols) == 0 {
		return out
	}
	rows = slices.DeleteFunc(rows, func(one *Socket) bool { return !slices.Contains(q.o.Protocols, one.Protocol) })
	list, gone, err := q.look(ctx, rows)
	if err == nil {
		q.tell(&out.coverage)
		err = q.judge(ctx, out, rows, list)
	}
	for _, r := range gone {
		out.discrepancies = append(out.discrepancies, Discrepancy{
			Kind: GoneMeanwhile, Namespace: r.Namespace, Protocol: r.Protocol, Family: r.Family, Addr: r.Addr, Port: r.Port, Inode: r.Inode,
			Seen: []string{}, Missing: q.names(),
			Benign: []string{"its program has closed it, has ended, or has connected it to one peer"},
		})
	}
	if err == nil && q.o.Probe {
		var ds []Discrepancy
		ds, err = q.sweep(ctx, &out.coverage)
		out.discrepancies = append(out.discrepancies, ds...)
		if err == nil {
			out.coverage.addSource("bind")
		}
	}
	if err != nil {
		out.coverage.limit(true, LimitInterrupted, fmt.Sprintf("the witnesses were not asked to the end%s: %v", q.where(), err), "")
	}
	return out
}

// tell notes who answered, and who did not.
func (q *inquiry) tell(c *Coverage) {
	for w, name := range [witnesses]string{"netlink", "gopsutil", "procfs", "procfs"} {
		if q.answered[w] {
			c.addSource(name)
		}
	}
	for w, what := range [...]string{"netlink", "gopsutil", q.net} {
		err := q.silent[w]
		if err == nil || q.answered[w] {
			continue
		}
		remedy := ""
		if witness(w) == byNetlink {
			remedy = "allow sockets of family AF_NETLINK (seccomp, container runtime)"
		}
		c.limit(true, LimitWitness, fmt.Sprintf("%s is no witness%s: %v", what, q.where(), err), remedy)
	}
}

// addSource notes a source that answered.
func (c *Coverage) addSource(name string) {
	if !slices.Contains(c.Sources, name) {
		c.Sources = append(c.Sources, name)
	}
}

// names are the witnesses that show tables and answered.
func (q *inquiry) names() []string {
	list := []string{}
	for w := byNetlink; w < witnesses; w++ {
		if q.answered[w] {
			list = append(list, q.name(w))
		}
	}
	return list
}

func (q *inquiry) name(w witness) string {
	if w == byOther {
		return fmt.Sprintf("procfs/%d", q.pid)
	}
	return [...]string{"netlink", "gopsutil", "procfs"}[w]
}

// judge makes discrepancies of what is in doubt.
func (q *inquiry) judge(ctx context.Context, out *outcome, rows []*Socket, list []*doubt) error {
	if len(list) == 0 {
		return nil
	}
	listed := make(map[sight]*Socket, len(rows))
	for _, r := range rows {
		listed[sightOf(r)] = r
	}
	maps := make(map[Protocol]*portMap)
	for _, d := range list {
		m := maps[d.protocol]
		if m == nil {
			var err error
			if m, err = q.ports(ctx, d.protocol); err != nil {
				return err
			}
			maps[d.protocol] = m
		}
		one := q.discrepancy(d, m)
		r := listed[d.sight]
		switch {
		case r != nil:
			one.Addr = r.Addr // with its zone
		case d.socket != nil:
			out.missed = append(out.missed, *d.socket)
		default:
			out.missed = append(out.missed, Socket{Protocol: d.protocol, Family: one.Family, Addr: d.addr, Port: d.port, UID: -1, Namespace: q.namespace})
		}
		out.discrepancies = append(out.discrepancies, one)
	}
	return nil
}

// holdersOf finds the processes that hold sockets which the scan itself has not
// listed, and returns socks.
func holdersOf(ctx context.Context, o *Options, socks []Socket) []Socket {
	if len(socks) == 0 {
		return nil
	}
	h := newHolders(o)
	if h.attach(ctx, socks) == nil {
		_ = h.describe(ctx)
	}
	v := readView(o.procfs(), readPrivileges(), h.stats(), socks)
	for i := range socks {
		if len(socks[i].Holders) == 0 {
			socks[i].Why = v.why(&socks[i])
		}
	}
	nameUsers(socks, h.users)
	return socks
}

// discrepancy says who sees what is in doubt, and tries the port where that can
// tell anything.
func (q *inquiry) discrepancy(d *doubt, m *portMap) Discrepancy {
	out := Discrepancy{
		Kind: HiddenFromProc, Namespace: q.namespace,
		Protocol: d.protocol, Family: d.family, Addr: d.addr, Port: d.port, Inode: d.inode,
		Seen: []string{}, Missing: []string{},
	}
	if out.Family == 0 {
		if out.Family = IPv6; d.addr.Is4() {
			out.Family = IPv4
		}
	}
	for w := byNetlink; w < witnesses; w++ {
		switch {
		case !q.answered[w] || w == byGopsutil && d.protocol != TCP && d.protocol != UDP:
		case !d.seen[w]:
			out.Missing = append(out.Missing, q.name(w))
		case w == byGopsutil && d.shared: // it may be one of the others that it saw
		default:
			out.Seen = append(out.Seen, q.name(w))
		}
	}
	if q.answered[byNetlink] && !d.seen[byNetlink] {
		out.Kind = HiddenFromNetlink
	}
	q.try(&out, m)
	out.Benign = q.benign(&out)
	return out
}

// try asks bind(2), and with [Options.Probe] connect(2), unless another socket at
// the port would answer for the one in doubt.
func (q *inquiry) try(d *Discrepancy, m *portMap) {
	others := m.sockets[d.Port]
	if d.Kind == HiddenFromProc {
		others--
	}
	if others != 0 {
		return
	}
	b, err := newBinder(d.Protocol)
	if err != nil {
		return
	}
	defer b.close()
	switch what, err := b.try(d.Port); {
	case err != nil || what == portKept:
	case what == portTaken:
		d.Seen = append(d.Seen, "bind")
	default:
		d.Missing = append(d.Missing, "bind")
	}
	if !q.o.Probe || !q.own || d.Protocol != TCP || !d.Addr.IsUnspecified() && d.Addr != loopbackOf(d.Family) {
		return
	}
	switch answer, ok := connects(d.Family, d.Port); {
	case answer:
		d.Seen = append(d.Seen, "connect")
	case ok:
		d.Missing = append(d.Missing, "connect")
	}
}

// anyAddr and loopbackOf are addresses of a family.
func anyAddr(f Family) netip.Addr {
	if f == IPv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

func loopbackOf(f Family) netip.Addr {
	if f == IPv6 {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// benign are the harmless explanations of a socket that is hidden from some.
func (q *inquiry) benign(d *Discrepancy) []string {
	var list []string
	folders := []string{q.net, q.common + "/net"}
	if q.pid != 0 {
		folders = append(folders, q.folderOf(q.pid))
	}
	for _, folder := range folders {
		path := tableName(folder, d.Protocol, d.Family)
		var fs unix.Statfs_t
		if unix.Statfs(path, &fs) == nil && fs.Type != unix.PROC_SUPER_MAGIC {
			list = append(list, path+" is not the kernel's own table: a file lies over it, or it is a copy")
		}
	}
	if d.Kind == HiddenFromNetlink {
		return append(list, "a sandbox (gVisor) or a patched kernel answers sock_diag in part")
	}
	return append(list, "a sandbox or a patched kernel shows a part of /proc/net")
}
