package scanner

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// A netSearch finds the network namespaces that processes are in and that are
// mounted somewhere.
type netSearch struct {
	privileges privileges
	own        uint64            // the namespace of the scan; 0 where unknown
	found      map[uint64]*netNS // by inode, the scan's own among them
	named      map[string]*netNS // those looked into, by name
	// deep looks wherever a namespace can be, and trail at what the walk for holders
	// comes across.
	deep, trail bool
	cookies     map[uint64]struct{} // of those looked into, where the search is deep
	exhausted   int                 // how often a descriptor could not be opened in the search

	// pids are the processes that there were, by number, and bare those among
	// them without descriptors and without threads: the kernel's own, and zombies.
	pids, bare []int32
	// series is of the series that the scan is one of, and notes are what the search
	// saw of the processes; nil for a scan by itself.
	series *series
	notes  *memory

	// lister is the kernel itself, where it is to be asked for the processes, and tasks
	// are what it told; nil otherwise. Whether it is asked is known when decided is
	// closed.
	lister  *taskLister
	tasks   tasks
	decided chan struct{}

	early bool           // whether it began before the sockets were listed
	group sync.WaitGroup // the search, while it is under way
}

// beginNetSearch begins to search while the scan lists sockets, where there is a
// second processor for it. It is [netSearch.listed] that makes it whole.
func beginNetSearch(o *Options) *netSearch {
	s := &netSearch{privileges: readPrivileges(), named: map[string]*netNS{OwnNamespace: nil}, series: newSeries(o)}
	s.deep = o.NetNS == NetNSAll
	s.trail = s.deep || o.NetNS == "" && s.privileges.everywhere()
	// The processes of a series are stamped after the sockets were listed.
	if o.Source != Gopsutil && s.series == nil && runtime.GOMAXPROCS(0) > 1 {
		s.early = s.begin(o)
	}
	return s
}

// begin has the search run while the scan does other things. It reports false where
// no namespace but the scan's own is asked for.
func (s *netSearch) begin(o *Options) bool {
	s.own = parseNetLink([]byte(readlink("/proc/thread-self/ns/net")))
	if o.NetNS == NetNSOwn {
		return false
	}
	s.decided = make(chan struct{})
	s.group.Go(func() { s.search(o.procfs(), o.Holders) })
	return true
}

// listed is called when the sockets have been listed, or not, by a source. Those
// that are not netlink show no other namespace.
func (s *netSearch) listed(o *Options, source Source, err error) {
	switch {
	case err != nil || source != Netlink:
		s.group.Wait()
		s.lister.close()
		s.own, s.found, s.pids, s.bare, s.lister, s.tasks = 0, nil, nil, nil, nil, nil
	case !s.early:
		s.begin(o)
	}
}

// wait waits for the search. Where it began before the sockets were listed, the
// processes that have begun since are added: one of them may hold a socket. The
// kernel is not asked before.
func (s *netSearch) wait(procfs string) {
	if s.decided == nil {
		return
	}
	defer s.group.Wait() // also where the folder cannot be read
	if <-s.decided; !s.early && s.lister == nil {
		return
	}
	root, err := openProc(procfs)
	if err != nil {
		return
	}
	defer root.close()
	if s.lister != nil {
		s.group.Wait()
		s.askKernel(root)
		return
	}
	pids, err := root.pids() // while the search may be under way
	if err != nil {
		return
	}
	s.group.Wait()
	before := s.pids
	s.pids = pids
	s.processes(root, slices.DeleteFunc(slices.Clone(pids), func(pid int32) bool {
		_, ok := slices.BinarySearch(before, pid)
		return ok
	}))
}

// search fills in what there is.
func (s *netSearch) search(procfs string, way HolderSource) {
	s.found = make(map[uint64]*netNS)
	root, err := openProc(procfs)
	if err != nil {
		close(s.decided)
		return
	}
	defer root.close()
	err = s.decide(root, way)
	close(s.decided)
	if err != nil {
		return
	}
	if s.lister == nil {
		if s.series.tells(root) {
			s.notes = newNotes(s.pids)
		}
		s.processes(root, s.pids)
	}
	if !root.real {
		return // the mounts of a copy are not this host's
	}
	s.mounts(procfs+"/self", "")
	// In a container that sees the processes of the host, the mounts are those of
	// the container.
	if mnt := readlink(procfs + "/1/ns/mnt"); mnt != "" && mnt != readlink(procfs+"/self/ns/mnt") {
		s.mounts(procfs+"/1", procfs+"/1/root")
	}
}

// at returns the namespace with an inode, which is noted when it is new.
func (s *netSearch) at(inode uint64) *netNS {
	n := s.found[inode]
	if n == nil {
		n = &netNS{Namespace: Namespace{Inode: inode}, fd: -1}
		s.found[inode] = n
	}
	return n
}

// others returns the namespaces that are not the scan's own.
func (s *netSearch) others() []*netNS {
	list := make([]*netNS, 0, len(s.found))
	for inode, n := range s.found {
		if inode != s.own {
			list = append(list, n)
		}
	}
	return list
}

// mounts notes the namespaces that are mounted where a process sees them. prefix
// leads to the root of that process.
func (s *netSearch) mounts(process, prefix string) {
	buf := make([]byte, 16<<10)
	for _, m := range parseNetMounts(readSmall(process+"/mountinfo", &buf)) {
		if n := s.at(m.inode); n.mount == "" || betterMount(m.path, n.mount) {
			n.mount, n.prefix = m.path, prefix
		}
	}
}

// reopened returns those of the namespaces into which no way led any more, and which
// processes are in that have begun since: a child, perhaps, with the sockets of the
// one that was known.
func (s *netSearch) reopened(procfs string, nets []*netNS) []*netNS {
	nets = slices.DeleteFunc(slices.Clone(nets), func(n *netNS) bool { return !errors.Is(n.err, errGone) })
	if len(nets) == 0 {
		return nil
	}
	root, err := openProc(procfs)
	if err != nil {
		return nil
	}
	defer root.close()
	pids, err := root.pids()
	if err != nil {
		return nil
	}
	now := netSearch{deep: s.deep, found: make(map[uint64]*netNS)}
	now.processes(root, pids)
	return slices.DeleteFunc(nets, func(n *netNS) bool {
		found := now.found[n.Inode]
		if found != nil {
			n.pids = found.pids
		}
		return found == nil
	})
}

// perSearcher is how many processes are worth a thread to ask for their
// namespaces, and maxInside how many processes of a namespace are remembered.
const (
	perSearcher = 256
	maxInside   = 16
)

// processes notes the namespaces that processes are in. In a series of scans they
// are all that there are.
func (s *netSearch) processes(root *procRoot, pids []int32) {
	n := min(runtime.GOMAXPROCS(0), maxWorkers, (len(pids)+perSearcher-1)/perSearcher)
	if n == 0 {
		return
	}
	parts := make([]*netSearcher, n)
	var group sync.WaitGroup
	for i := range parts {
		p := &netSearcher{w: walker{root: root}, deep: s.deep, tasks: s.tasks, found: make(map[uint64]*netNS)}
		parts[i] = p
		first, end := i*len(pids)/n, (i+1)*len(pids)/n
		part := pids[first:end]
		if s.notes != nil {
			p.before, p.notes = s.series.before, s.notes.records[first:end]
		}
		if i == n-1 {
			p.look(part)
			break
		}
		group.Go(func() { p.look(part) })
	}
	group.Wait()
	for _, p := range parts { // in the order of the pids
		s.bare = append(s.bare, p.bare...)
		for _, inode := range slices.Sorted(maps.Keys(p.found)) {
			from, to := p.found[inode], s.at(inode)
			if to.PID == 0 {
				to.PID = from.PID
			}
			to.Processes += from.Processes
			to.pids = append(to.pids, from.pids[:min(len(from.pids), maxInside-len(to.pids))]...)
		}
	}
}

// A netSearcher asks processes, one after the other, which network namespace they
// are in.
type netSearcher struct {
	w     walker // for its names and buffers
	found map[uint64]*netNS
	last  *netNS // of the last process: most are in one namespace
	deep  bool   // whether threads are asked too
	tasks tasks  // what is known of the processes already
	bare  []int32
	// Of a series of scans alone: what the last one left, and what is noted of each
	// process.
	before *memory
	notes  []record
	// kernel reports whether the last process was the kernel's own. Those began
	// one after the other, from pid 2 on.
	kernel bool
}

func (s *netSearcher) look(pids []int32) {
	for i, pid := range pids {
		var note *record
		if s.notes != nil {
			note = &s.notes[i]
		}
		s.process(int(pid), note)
	}
}

// process notes the namespace of a process.
func (s *netSearcher) process(pid int, note *record) {
	w := &s.w
	known := s.tasks.find(pid)
	switch {
	// What has no descriptors holds no socket. The walk need not ask again.
	case known != nil:
		if known.kernel {
			s.bare = append(s.bare, int32(pid))
			return
		}
	case (s.kernel || pid == 2) && w.root.counts:
		var st unix.Stat_t
		w.path.set(pid, "/fd")
		s.kernel = unix.Fstatat(w.root.fd, w.path.String(), &st, 0) == nil && st.Size == 0 && !w.hasThreads(pid)
		if s.kernel {
			s.bare = append(s.bare, int32(pid))
			return
		}
	}
	inode := uint64(0)
	if note != nil {
		note.stamp = w.root.stampOf(pid, &w.path)
		inode = s.before.netnsOf(note)
	}
	if known != nil {
		inode = known.netns
	}
	if inode == 0 {
		inode = s.namespace(pid)
	}
	if !s.at(inode, pid) {
		return
	}
	if note != nil {
		note.netns = inode
	}
	s.last.Processes++
	s.inside(pid)
	// A thread of this process may have been lost by an earlier scan, and not have
	// ended yet.
	if s.deep && w.hasThreads(pid) && !(w.root.own && pid == unix.Getpid()) {
		s.threads(pid)
	}
}

// namespace returns the network namespace of a process, 0 where that is not to be
// seen.
func (s *netSearcher) namespace(pid int) uint64 {
	w := &s.w
	n, e := readDescriptor(w.root.fd, w.path.set(pid, "/ns/net"), &w.link)
	if e == unix.ENOENT && w.hasThreads(pid) {
		// A main thread that has ended is in no namespace. Its threads are.
		n, e = s.thread(pid)
	}
	if e != 0 {
		return 0
	}
	return parseNetLink(w.link[:n])
}

// at makes the namespace with an inode, which a process is in, the last one.
func (s *netSearcher) at(inode uint64, pid int) bool {
	if inode == 0 {
		return false
	}
	if s.last == nil || s.last.Inode != inode {
		if s.last = s.found[inode]; s.last == nil {
			s.last = &netNS{Namespace: Namespace{Inode: inode, PID: pid}}
			s.found[inode] = s.last
		}
	}
	return true
}

// inside remembers a process, or a thread, that is in the last namespace.
func (s *netSearcher) inside(pid int) {
	if len(s.last.pids) < maxInside {
		s.last.pids = append(s.last.pids, int32(pid))
	}
}

// threads notes the namespaces of the threads of a process.
func (s *netSearcher) threads(pid int) {
	w := &s.w
	tasks, e := w.open(w.path.set(pid, "/task"))
	if e != 0 {
		return
	}
	defer closeFile(tasks)
	own := s.last.Inode
	readFolder(tasks, make([]byte, 4<<10), func(tid int) bool {
		n, e := readDescriptor(w.root.fd, w.path.task(pid, tid, "/ns/net"), &w.link)
		if inode := parseNetLink(w.link[:max(n, 0)]); e == 0 && inode != own && s.at(inode, pid) {
			s.inside(tid)
		}
		return true
	})
}

// thread reads the link of one of the threads that a process still has.
func (s *netSearcher) thread(pid int) (n int, e unix.Errno) {
	w := &s.w
	tasks, e := w.open(w.path.set(pid, "/task"))
	if e != 0 {
		return 0, e
	}
	defer closeFile(tasks)
	e = unix.ENOENT
	readFolder(tasks, make([]byte, 4<<10), func(tid int) bool {
		if tid != pid {
			n, e = readDescriptor(w.root.fd, w.path.task(pid, tid, "/ns/net"), &w.link)
		}
		return e != 0
	})
	return n, e
}
