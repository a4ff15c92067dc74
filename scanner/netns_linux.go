package scanner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
		n, err := search.pick(ctx, o)
		if err != nil || n.Inode == search.own {
			return search.privileges.refused(err)
		}
		s.Sockets, s.Namespaces = nil, nil
		s.lookInto(ctx, o, search, []*netNS{n})
		if n.err != nil {
			return search.privileges.refused(fmt.Errorf("network namespace %q: %w", o.NetNS, n.err))
		}
	}
	return nil
}

// refused adds to an error for lack of rights what to do about it.
func (p privileges) refused(err error) error {
	if !errors.Is(err, os.ErrPermission) {
		return err
	}
	return &NamespaceError{Err: err, Remedy: p.standing().remedies("", true)[0].String()}
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
