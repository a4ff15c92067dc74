package scanner

import (
	"maps"
	"strconv"

	"golang.org/x/sys/unix"
)

// A namespace may be kept alive by an open descriptor of it, or by a socket whose
// process has moved on. Neither is to be seen but in the tables of descriptors. So
// the walk for the holders of sockets keeps an eye open for them. How far it goes
// depends:
//
//   - As a rule it reads the descriptors of root's processes also where they can be
//     no sockets, up to maxTrail of them a worker: those who keep namespaces are
//     root's (container engines, CNI plugins).
//   - With NetNSAll it reads every descriptor of every process, and asks every
//     socket that is in no table so far for its namespace: some microseconds each.

// maxTrail is a millisecond's work.
const maxTrail = 1024

// A netTrail notes the namespaces that a worker's walk comes across.
type netTrail struct {
	deep    bool
	pidfds  bool                // whether sockets may be asked: the pids are this process's
	left    int                 // how many descriptors may still be read
	known   map[uint64]*netNS   // by inode; shared, not written to
	cookies map[uint64]struct{} // of the namespaces that are known
	found   map[uint64]*netNS

	pidfd, pidfdOf int // a descriptor of a process, -1 for none, and its pid
	exhausted      int // how often one could not be opened for want of descriptors in this process
}

// newTrail returns a trail for one worker. pidfds says that pids mean the same to
// this process as in the folder of processes.
func (s *netSearch) newTrail(pidfds bool) *netTrail {
	return &netTrail{
		deep: s.deep, pidfds: pidfds && s.cookies != nil, left: maxTrail, known: s.found, cookies: maps.Clone(s.cookies),
		found: make(map[uint64]*netNS), pidfd: -1,
	}
}

// reads reports whether the next descriptor is to be read although it is likely
// no socket. owner is the user of the process.
func (t *netTrail) reads(owner uint32) bool {
	if t == nil || !t.deep && (owner != 0 || t.left <= 0) {
		return false
	}
	t.left--
	return true
}

// file notes a descriptor of the network namespace with an inode, 0 for none.
func (t *netTrail) file(dir, pid int, name *byte, inode uint64) {
	if inode == 0 || t.known[inode] != nil || t.found[inode] != nil {
		return
	}
	fd, e := openNamespace(dir, name)
	if e == 0 {
		t.note(inode, pid, fd)
	}
	t.count(e)
}

// count counts an error that is for want of descriptors.
func (t *netTrail) count(err error) {
	if err == unix.EMFILE || err == unix.ENFILE {
		t.exhausted++
	}
}

// openNamespace opens the namespace that a name leads to. What it leads to is looked
// at before it is opened, and may be another thing by now: to open a FIFO or a file
// of a FUSE server can take for ever.
func openNamespace(dir int, name *byte) (int, unix.Errno) {
	at, e := openName(dir, name, unix.O_PATH)
	if e != 0 {
		return -1, e
	}
	defer closeFile(at)
	var fs unix.Statfs_t
	if err := unix.Fstatfs(at, &fs); err != nil {
		return -1, asErrno(err)
	}
	if fs.Type != unix.NSFS_MAGIC {
		return -1, unix.EINVAL
	}
	var self [len("/proc/self/fd/") + 11]byte
	strconv.AppendInt(append(self[:0], "/proc/self/fd/"...), int64(at), 10)
	return openName(unix.AT_FDCWD, &self[0], unix.O_RDONLY)
}

// socket asks a socket that is in no table for its namespace.
func (t *netTrail) socket(pid, fd int, inode uint64) {
	if !t.deep || !t.pidfds {
		return
	}
	if t.pidfdOf != pid {
		t.close()
		t.pidfdOf = pid
		fd, err := unix.PidfdOpen(pid, 0)
		if err == nil {
			t.pidfd = fd
		}
		t.count(err)
	}
	if t.pidfd < 0 {
		return
	}
	sock, err := unix.PidfdGetfd(t.pidfd, fd, 0)
	if t.count(err); err != nil {
		return
	}
	defer closeFile(sock)
	cookie, err := unix.GetsockoptUint64(sock, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return
	}
	if _, ok := t.cookies[cookie]; ok {
		return
	}
	var st unix.Stat_t
	if unix.Fstat(sock, &st) != nil || st.Ino != inode {
		return // a thread has a table of its own, and the process another socket there
	}
	ns, err := unix.IoctlRetInt(sock, unix.SIOCGSKNS)
	if t.count(err); err != nil {
		return
	}
	t.cookies[cookie] = struct{}{}
	if unix.Fstat(ns, &st) != nil || t.known[st.Ino] != nil || t.found[st.Ino] != nil {
		closeFile(ns)
		return
	}
	t.note(st.Ino, pid, ns)
}

// note notes a namespace with a descriptor of it, which is the search's then.
func (t *netTrail) note(inode uint64, pid, fd int) {
	t.found[inode] = &netNS{Namespace: Namespace{Inode: inode}, fd: fd, keeper: pid}
}

// close lets go of the process at hand.
func (t *netTrail) close() {
	if t != nil && t.pidfd >= 0 {
		closeFile(t.pidfd)
		t.pidfd = -1
	}
}

// drop lets go of what was found.
func (t *netTrail) drop() {
	if t == nil {
		return
	}
	for _, n := range t.found {
		closeFile(n.fd)
	}
}

// follow takes over what the trails of a walk have found and returns what is new.
func (s *netSearch) follow(trails []*netTrail) []*netNS {
	var fresh []*netNS
	for _, t := range trails {
		t.close()
		s.exhausted += t.exhausted
		for inode, n := range t.found {
			had := s.found[inode]
			if had == nil {
				s.found[inode] = n
				fresh = append(fresh, n)
				continue
			}
			// This process has the descriptor too by now.
			if self := unix.Getpid(); had.keeper == self || n.keeper < had.keeper && n.keeper != self {
				had.keeper = n.keeper
			}
			closeFile(n.fd)
		}
	}
	return fresh
}

// close closes the descriptors that the search has kept, by which some namespaces
// alone can be entered.
func (s *netSearch) close() {
	s.group.Wait()
	s.lister.close()
	for _, n := range s.found {
		if n.fd >= 0 {
			closeFile(n.fd)
			n.fd = -1
		}
	}
}

// netCookie returns the cookie of the network namespace of the calling thread, by
// a socket of it; 0 before Linux 5.14.
func netCookie() uint64 {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer closeFile(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return cookie
}
