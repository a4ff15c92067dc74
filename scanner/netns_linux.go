package scanner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// errGone is a namespace that ended before it could be entered, and errCovered one
// that is there, in a place that another mount hides.
var (
	errGone    = errors.New("it ended")
	errCovered = errors.New("what is mounted above it hides it")
)

// maxVisitors bounds the threads that look into namespaces: the kernel does the
// work, on locks that all namespaces share.
const maxVisitors = 8

// visit has a few threads enter namespaces, one after the other, and calls look
// in the thread that has entered. What stood in the way is left in err.
func visit(ctx context.Context, procfs string, nets []*netNS, look func(*netNS)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), maxVisitors, len(nets)) {
		group.Go(func() {
			onLostThread(func() {
				for {
					at := int(next.Add(1)) - 1
					if at >= len(nets) {
						return
					}
					n := nets[at]
					if n.err = ctx.Err(); n.err != nil {
						continue
					}
					if n.err = n.enter(procfs); n.err == nil {
						look(n)
					}
				}
			})
		})
	}
	group.Wait()
}

// onLostThread runs f on a thread that ends when f returns, so that no other
// goroutine ever runs in the namespace that it is left in. It is not the main
// thread, which stands for the process in /proc/self.
func onLostThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onLostThread(f) // elsewhere, as long as this goroutine keeps the thread
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

// enter takes the calling thread into the namespace (setns(2)), by whichever of
// its ways in is still there.
func (n *netNS) enter(procfs string) error {
	err := errGone
	try := func(fd int) bool {
		var st unix.Stat_t
		// A pid may have been given to another process.
		if unix.Fstat(fd, &st) != nil || st.Ino != n.Inode {
			return false
		}
		err = unix.Setns(fd, unix.CLONE_NEWNET)
		return err == nil
	}
	if n.fd >= 0 && try(n.fd) {
		return nil
	}
	for _, path := range n.doors(procfs) {
		fd, e := openNamespace(unix.AT_FDCWD, &append([]byte(path), 0)[0])
		if e != 0 {
			// Of a process that has just ended the kernel says EACCES (proc_ns_get_link).
			if e != unix.ENOENT && e != unix.ESRCH && exists(strings.TrimSuffix(path, "/ns/net")) {
				err = e
			}
			continue
		}
		ok := try(fd)
		closeFile(fd)
		if ok {
			return nil
		}
	}
	return err
}

// doors returns the paths by which the namespace can be opened.
func (n *netNS) doors(procfs string) []string {
	list := make([]string, 0, len(n.pids)+1)
	for _, pid := range n.pids {
		list = append(list, procfs+"/"+strconv.Itoa(int(pid))+"/ns/net")
	}
	if n.mount != "" {
		list = append(list, n.prefix+n.mount)
	}
	return list
}

// elsewhere lists the sockets of the other network namespaces that o asks for,
// and describes those namespaces. It errs where o names one that is not there or
// cannot be looked into.
func (s *Snapshot) elsewhere(ctx context.Context, o *Options, source Source, search *netSearch) error {
	if source != Netlink {
		return onlyOwn(o, &s.Coverage)
	}
	if len(s.Namespaces) > 0 {
		s.Namespaces[0].readOverflows(o.procfs(), s.Sockets)
	}
	search.wait(o.procfs())
	if len(s.Namespaces) > 0 {
		s.Namespaces[0].Inode = search.own
	}
	if own := search.found[search.own]; own != nil && len(s.Namespaces) > 0 {
		s.Namespaces[0].PID, s.Namespaces[0].Processes = own.PID, own.Processes
	}
	switch o.NetNS {
	case NetNSOwn:
	case "":
		if p := search.privileges; p.everywhere() {
			s.lookInto(ctx, o, search, search.others())
		} else if n := len(search.others()); n > 0 {
			s.Coverage.limit(p.uid == 0, LimitNetNS,
				fmt.Sprintf("%d other network %s not looked into", n, plural(n, "namespace was", "namespaces were")), p.netRemedy())
		}
	case NetNSAll:
		if cookie := netCookie(); cookie != 0 {
			search.cookies = map[uint64]struct{}{cookie: {}}
		}
		s.lookInto(ctx, o, search, search.others())
	default:
		n, err := search.pick(o)
		if err != nil || n.Inode == search.own {
			return err
		}
		s.Sockets, s.Namespaces = nil, nil
		s.lookInto(ctx, o, search, []*netNS{n})
		if n.err != nil {
			return fmt.Errorf("network namespace %q: %w", o.NetNS, n.err)
		}
	}
	return nil
}

// onlyOwn says that gopsutil, which reads /proc/net, shows no other namespace.
func onlyOwn(o *Options, c *Coverage) error {
	switch o.NetNS {
	case "", NetNSOwn:
	case NetNSAll:
		c.limit(true, LimitNetNS, "other network namespaces were not looked into: gopsutil does not show them", "--source netlink")
	default:
		return fmt.Errorf("network namespace %q: gopsutil shows that of the scan alone", o.NetNS)
	}
	return nil
}

// lookInto lists the sockets of namespaces and describes them.
func (s *Snapshot) lookInto(ctx context.Context, o *Options, search *netSearch, nets []*netNS) {
	visit(ctx, o.procfs(), nets, func(n *netNS) {
		n.coverage = Coverage{Complete: true}
		if n.sockets, n.err = listNetlink(ctx, o, &n.coverage); n.err == nil {
			readNamespace(ctx, o.procfs(), &n.Namespace, &n.coverage)
			n.readOverflows(o.procfs(), n.sockets)
			n.contained(o.procfs())
			if search.deep {
				n.cookie = netCookie()
			}
		}
	})
	search.covered(o.procfs(), nets)
	search.notSeen(&s.Coverage, nets)
	nets = slices.DeleteFunc(nets, func(n *netNS) bool { return n.err != nil })
	nameAll(nets, search.named)
	total := len(s.Sockets)
	for _, n := range nets {
		total += len(n.sockets)
	}
	s.Sockets = slices.Grow(s.Sockets, total-len(s.Sockets))
	for _, n := range nets {
		if n.cookie != 0 {
			search.cookies[n.cookie] = struct{}{}
		}
		n.sockets = slices.DeleteFunc(n.sockets, s.hasVSock)
		for i := range n.sockets {
			n.sockets[i].Namespace = n.Name
		}
		s.Sockets = append(s.Sockets, n.sockets...)
		n.sockets = nil
		s.Namespaces = append(s.Namespaces, n.Namespace)
		s.Coverage.join(&n.coverage)
	}
	if len(s.Namespaces) > 1 && s.Namespaces[0].Name == OwnNamespace {
		slices.SortFunc(s.Namespaces[1:], func(a, b Namespace) int { return cmp.Compare(a.Name, b.Name) })
	}
}

// hasVSock reports whether a socket of vsock(7) is there already: a kernel whose
// vsock knows no network namespaces shows every such socket in each.
func (s *Snapshot) hasVSock(one Socket) bool {
	return one.Protocol == VSock && slices.ContainsFunc(s.Sockets, func(had Socket) bool {
		return had.Protocol == VSock && had.Inode == one.Inode && had.Cookie == one.Cookie
	})
}

// covered tells the namespaces that have ended from those that are still mounted
// where no path leads.
func (search *netSearch) covered(procfs string, nets []*netNS) {
	var still map[uint64]struct{}
	for _, n := range nets {
		if n.mount == "" || !errors.Is(n.err, errGone) {
			continue
		}
		if still == nil {
			still = make(map[uint64]struct{})
			buf := make([]byte, 16<<10)
			for _, process := range [...]string{"/self", "/1"} {
				for _, m := range parseNetMounts(readSmall(procfs+process+"/mountinfo", &buf)) {
					still[m.inode] = struct{}{}
				}
			}
		}
		if _, ok := still[n.Inode]; ok {
			n.err = errCovered
		}
	}
}

// notSeen notes the namespaces that could not be looked into.
func (search *netSearch) notSeen(c *Coverage, nets []*netNS) {
	gone, shut := 0, 0
	var why error
	for _, n := range nets {
		switch {
		case n.err == nil:
		case errors.Is(n.err, errGone):
			gone++
			delete(search.found, n.Inode) // for the walk to come across it after all
		default:
			shut++
			why = n.err
		}
	}
	if shut > 0 {
		c.limit(true, LimitNetNS, fmt.Sprintf("%d of %d other network %s could not be looked into: %v",
			shut, len(nets), plural(len(nets), "namespace", "namespaces"), why), search.privileges.netRemedy())
	}
	if gone > 0 {
		c.limit(false, LimitNetNSGone, fmt.Sprintf("%d network %s before %s could be looked into",
			gone, plural(gone, "namespace ended", "namespaces ended"), plural(gone, "it", "they")), "")
	}
}

// netRemedy says what would let a scan look into other network namespaces.
func (p privileges) netRemedy() string {
	if p.admin && p.initial {
		return ""
	}
	return p.standing().remedies("", true)[0].String()
}

// contained notes the containers that the processes of the namespace are in, as far
// as they were remembered, and which of them it goes by. The containers of a pod
// share one that was made with the first, which is there to keep it.
func (n *netNS) contained(procfs string) {
	buf := make([]byte, 1<<10)
	n.containers, n.Runtime, n.Container = nil, "", ""
	var began []uint64 // when, of a process of each container
	for _, pid := range n.pids {
		process := procfs + "/" + strconv.Itoa(int(pid))
		c := parseCgroup(readSmall(process+"/cgroup", &buf))
		if c.container == "" || slices.Contains(n.containers, c.container) {
			continue
		}
		// Pids begin anew at some time, so the least is not the oldest.
		stat, ok := parseStat(readSmall(process+"/stat", &buf))
		if !ok {
			stat.start = math.MaxUint64 // it has just ended
		}
		if len(began) == 0 || stat.start < slices.Min(began) {
			n.Runtime, n.Container = c.runtime, c.container
		}
		n.containers, began = append(n.containers, c.container), append(began, stat.start)
	}
}

// hasContainer reports whether processes of a container are in the namespace, by as
// much of its id as people type.
func (n *netNS) hasContainer(id string) bool {
	return len(id) >= shortID && slices.ContainsFunc(n.containers, func(c string) bool { return strings.HasPrefix(c, id) })
}

// shortID is how much of the id of a container people type.
const shortID = 12

// pick returns the namespace that o.NetNS names: as ip-netns(8) does, by a
// process, or as reports do.
func (search *netSearch) pick(o *Options) (*netNS, error) {
	name := o.NetNS
	if own := search.found[search.own]; own != nil && name == OwnNamespace {
		return own, nil
	}
	for _, folder := range netnsFolders {
		if inode := netInode(folder + name); inode != 0 && ipName(folder+name) != "" {
			n := search.at(inode)
			n.mount, n.prefix = folder+name, ""
			return n, nil
		}
	}
	if pid, err := strconv.ParseInt(strings.TrimPrefix(name, "pid "), 10, 32); err == nil && pid > 0 {
		inode, err := netOf(o.procfs(), int(pid))
		if inode != 0 {
			n := search.at(inode)
			n.pids = append([]int32{int32(pid)}, n.pids...)
			return n, nil
		}
		if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("network namespace of pid %d: %w", pid, err)
		}
	}
	nets := search.others()
	for _, n := range nets {
		n.contained(o.procfs())
	}
	nameAll(nets, map[string]*netNS{OwnNamespace: nil})
	var found *netNS
	for _, n := range nets {
		if n.Name == name || n.hasContainer(name) {
			if found != nil {
				return nil, fmt.Errorf("%w: %q is more than one", ErrNoNamespace, name)
			}
			found = n
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoNamespace, name)
	}
	return found, nil
}

// netOf returns the inode of the namespace that a process is in. It fails with
// os.ErrPermission where there is such a process that may not be asked.
func netOf(procfs string, pid int) (uint64, error) {
	link, err := os.Readlink(procfs + "/" + strconv.Itoa(pid) + "/ns/net")
	if errors.Is(err, os.ErrNotExist) && unix.Kill(pid, 0) == unix.EPERM {
		err = unix.EPERM // /proc hides it (hidepid)
	}
	return parseNetLink([]byte(link)), err
}

// netInode returns the inode of the namespace that is mounted at a path, 0 where
// none is.
func netInode(path string) uint64 {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if unix.Statfs(path, &fs) != nil || fs.Type != unix.NSFS_MAGIC || unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

// NetNSNames returns the network namespaces that have a name of ip-netns(8),
// sorted.
func NetNSNames() []string {
	var names []string
	for _, folder := range netnsFolders {
		list, _ := os.ReadDir(folder) // in most cases there is none
		for _, e := range list {
			if netInode(folder+e.Name()) != 0 {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
