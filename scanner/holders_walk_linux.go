package scanner

import (
	"slices"

	"golang.org/x/sys/unix"
)

// A walker looks into processes, one after the other, with buffers of its own.
type walker struct {
	root *procRoot
	set  *inodeSet
	bare []int32 // processes known to have nothing, sorted

	hits      []int32 // the sockets found, process after process
	found     []found
	last      processID // of found, where the kernel names the processes
	withTable []int32   // the processes whose table was read

	unreadable, exhausted int
	// empty reports whether the last process had no descriptors. Kernel threads
	// have none, and their pids lie side by side.
	empty bool

	trail *netTrail // looks for network namespaces too; nil as a rule
	pid   int       // the process at hand
	owner uint32    // its user

	modes   modes
	allowed bool // whether a link of the table at hand could be read

	path pathName
	name descriptorName
	link [linkLen]byte
	ents []byte // for getdents64; nil until a folder has to be read
	read factReader

	kcmpRefused bool

	again remembering // in a series of scans
}

// A processID tells processes apart: a pid is used again.
type processID struct {
	pid   int
	start uint64
}

// found is a holder: its sockets start at from in the hits of its walker.
type found struct {
	p    *holder
	from int
}

// direntBuf is the buffer for one getdents64: some 1,300 descriptors.
const direntBuf = 32 << 10

// missesAllowed is how many descriptor numbers of a table of n may be absent
// before the folder is read after all. A number that misses costs twice what
// reading one name of the folder does, so tables with a few holes are guessed
// and those with many cost little more than without the guess.
func missesAllowed(n int) int { return 4 + n/4 }

// process looks at the descriptors of a process.
func (w *walker) process(pid int) {
	if w.isBare(pid) {
		return
	}
	w.pid = pid
	if w.empty && w.root.counts {
		// To ask for the size is half the work of opening.
		var st unix.Stat_t
		w.path.set(pid, "/fd")
		w.empty = unix.Fstatat(w.root.fd, w.path.String(), &st, 0) == nil && st.Size == 0
		if w.empty {
			w.private(pid)
			return
		}
	}
	from := len(w.hits)
	dir, e := w.open(w.path.set(pid, "/fd"))
	switch e {
	case 0:
	case unix.ENOENT, unix.ESRCH:
		return // it ended
	case unix.EMFILE, unix.ENFILE:
		w.exhausted++
		return
	default:
		// A main thread that has ended leaves a folder that only root may open,
		// while its threads' are as before.
		if !w.private(pid) && w.mayHold(pid) {
			w.unreadable++
		}
		return
	}
	defer closeFile(dir)
	n := w.count(dir)
	if n == 0 && w.root.counts {
		// A kernel thread, or a process whose main thread has ended: only the
		// second has other threads.
		w.empty = true
		w.private(pid)
		return
	}
	if w.table(dir, n) {
		w.withTable = append(w.withTable, int32(pid))
	} else {
		w.unreadable++
	}
	if len(w.hits) > from {
		w.holder(dir, pid, from)
	}
}

// isBare reports whether a process is known to have nothing.
func (w *walker) isBare(pid int) bool {
	_, ok := slices.BinarySearch(w.bare, int32(pid))
	return ok
}

// mayHold reports whether a process that may not be looked into has descriptors
// at all, which anybody may know. Kernel threads and zombies have none: what
// cannot be seen of them is no loss.
func (w *walker) mayHold(pid int) bool {
	if !w.root.counts {
		return true
	}
	var st unix.Stat_t
	w.path.set(pid, "/fd")
	err := unix.Fstatat(w.root.fd, w.path.String(), &st, 0)
	return err == nil && st.Size > 0 || err == unix.EACCES || err == unix.EPERM
}

// open opens a folder of descriptors.
func (w *walker) open(name *byte) (int, unix.Errno) {
	return openName(w.root.fd, name, unix.O_RDONLY|unix.O_DIRECTORY)
}

// table looks at every descriptor in an open folder of n of them; 0 stands for
// a number not known. It reports whether it was let: the folder may be root's to
// open while its links are not to be read, which takes CAP_SYS_PTRACE over the
// process (proc_pid_fd(5)).
func (w *walker) table(dir, n int) bool {
	guessed := 0
	w.allowed = false
	if n > 0 {
		w.name.reset()
		for left := missesAllowed(n); left > 0; guessed++ {
			e := w.descriptor(dir, guessed, w.name.ptr())
			switch e {
			case 0:
				if n--; n == 0 {
					return true
				}
			case unix.ENOENT:
				left--
			case unix.EACCES, unix.EPERM:
				return false
			default:
				return true // the process ended
			}
			w.name.next()
		}
	}
	if w.ents == nil {
		w.ents = make([]byte, direntBuf)
	}
	permitted := true
	readFolder(dir, w.ents, func(fd int) bool {
		if fd < guessed {
			return true
		}
		e := w.descriptor(dir, fd, w.path.set(fd, ""))
		permitted = e != unix.EACCES && e != unix.EPERM
		return e == 0 || e == unix.ENOENT
	})
	return permitted
}

// descriptor looks at one descriptor and notes the sockets that it stands for.
func (w *walker) descriptor(dir, fd int, name *byte) unix.Errno {
	// A mode may be asked for where a link may not be read. So the first link of
	// a table is always read.
	asked := w.allowed && w.modes.oneWay(fd) && !w.trail.reads(w.owner)
	if asked {
		if no, e := w.modes.rulesOut(dir, fd, name); no || e != 0 {
			return e
		}
	}
	n, e := readDescriptor(dir, name, &w.link)
	if e != 0 {
		return e
	}
	w.allowed = true
	if !asked {
		w.modes.learn(fd, w.link[:n])
	}
	if inode := parseSocketLink(w.link[:n]); inode != 0 {
		if !w.hit(inode) && w.trail != nil {
			w.trail.socket(w.pid, fd, inode)
		}
	} else if w.trail != nil && w.link[0] == 'n' {
		inode := parseNetLink(w.link[:n])
		w.trail.file(dir, w.pid, name, inode)
		w.again.file(fd, inode)
	}
	return 0
}

// holder notes that the process whose descriptors are open as dir holds the
// sockets from that hit on, and reads its facts. They are read by way of dir,
// which stays tied to this very process: once it has ended nothing is found
// there, even when its pid lives again.
func (w *walker) holder(dir, pid, from int) {
	p := &holder{Process: Process{PID: pid, UID: -1}}
	if !w.read.facts(dir, p) {
		w.hits = w.hits[:from] // it ended, and holds nothing any more
		return
	}
	w.found = append(w.found, found{p, from})
}

// A descriptorName is the name of a descriptor, counted up in place.
type descriptorName struct {
	b  [12]byte // digits at the end, then NUL
	at int
}

func (d *descriptorName) reset() {
	d.at = len(d.b) - 2
	d.b[d.at] = '0'
	d.b[len(d.b)-1] = 0
}

func (d *descriptorName) ptr() *byte { return &d.b[d.at] }

func (d *descriptorName) next() {
	i := len(d.b) - 2
	for ; i >= d.at && d.b[i] == '9'; i-- {
		d.b[i] = '0'
	}
	if i >= d.at {
		d.b[i]++
		return
	}
	d.at = i
	d.b[i] = '1'
}
