package scanner

import (
	"context"
	"math"
	"os"
	"slices"
	"sort"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A series of scans ([Options.Previous]) remembers which sockets each process
// has. The sockets themselves are listed anew every time, and so are the
// processes, and the facts of those that hold something; what is saved is to read
// the descriptors, nearly all of the work, and to ask for scripts and arguments.
//
// Only a process itself changes its table of descriptors: to open, to close, to
// inherit, to receive (unix(7) SCM_RIGHTS), to take (pidfd_getfd(2)), to be given
// one by a seccomp supervisor, are all done by one of its threads as it runs. So a
// process of which no thread has run since has the table that it had, and is in
// the network namespace that it was in. The kernel counts for how long the threads
// of a process have run, those that ended too, in nanoseconds, and tells anybody
// (clock_getcpuclockid(3)). A process is looked into again unless three things are
// as they were:
//
//   - that time. It is counted when a thread stops running, and while it runs at
//     each tick of the kernel's clock: at most 10 ms, and one second on a
//     processor that runs without a tick (nohz_full);
//   - how many descriptors it has (Linux 6.2), which is exact at once, and tells
//     also of a table that is another process's too (clone(2) with CLONE_FILES and
//     without CLONE_THREAD);
//   - the inode of its descriptors' folder in /proc, which the next process with
//     its pid does not have.
//
// So a scan of a series shows what a scan by itself would show, but for this: a
// process that since its last tick both closed a descriptor and got one of a
// socket that others hold too, and still runs, may be missing among the holders
// until the next scan; and so may one whose table another process shares and
// changed in that way. A socket that is left without a holder is looked for
// everywhere, once.

// A memory is what a scan leaves to the next one. It is not written to any more.
type memory struct {
	procfs  string
	args    bool
	records []record  // by pid
	listed  *inodeSet // the sockets that were listed
	unheld  []uint32  // the inodes of those that no process held, sorted
	stuck   []stuck
}

// A record is what a scan saw of a process. Its pid is never written to once
// workers have it: they look for theirs by the pids of all.
type record struct {
	pid int32
	noted
}

// What is noted of a process is written by the one worker that looks into it.
type noted struct {
	stamp stamp
	netns uint64 // the inode of its network namespace; 0 where it was not asked
	// table reports whether it has a table of its own, threads whether those of its
	// threads were looked at, whole whether held is all that it holds, and trailed
	// whether files is all that there is.
	table, threads, whole, trailed bool
	// sockets are the inodes of all the sockets in its table, and inThreads of those
	// in the tables of its threads. held are those of sockets that were listed.
	sockets, inThreads, held []uint32
	// files are descriptors of network namespaces.
	files []nsFile

	holder *holder // nil for one that holds nothing
}

// A nsFile is a descriptor of a network namespace.
type nsFile struct {
	fd    int32
	inode uint64
}

// A stamp is what tells that a process is as it was. The zero stamp is no
// process's.
type stamp struct {
	inode uint64 // of its folder of descriptors
	size  uint64 // how many it has
	ran   int64  // for how long it has run, in nanoseconds
}

// stampOf returns the stamp of a process.
func (p *procRoot) stampOf(pid int, path *pathName) stamp {
	var st unix.Statx_t
	_, _, e := unix.RawSyscall6(unix.SYS_STATX, uintptr(p.fd), uintptr(unsafe.Pointer(path.set(pid, "/fd"))),
		0, unix.STATX_INO|unix.STATX_SIZE, uintptr(unsafe.Pointer(&st)), 0)
	if e != 0 {
		return stamp{}
	}
	ran, ok := ranFor(pid)
	if !ok {
		return stamp{}
	}
	return stamp{st.Ino, st.Size, ran}
}

// ranFor returns for how long the threads of a process have run.
func ranFor(pid int) (int64, bool) {
	const schedClock = 2 // CPUCLOCK_SCHED of <linux/posix-timers.h>
	var t unix.Timespec
	_, _, e := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, uintptr(int32(^pid<<3|schedClock)), uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano(), e == 0
}

// find returns what is remembered of a process; nil for nothing.
func (m *memory) find(pid int) *record {
	if m == nil {
		return nil
	}
	at, ok := sort.Find(len(m.records), func(i int) int { return pid - int(m.records[i].pid) })
	if !ok {
		return nil
	}
	return &m.records[at]
}

// netnsOf returns the network namespace of a process that is as it was, 0 where
// that is not known.
func (m *memory) netnsOf(now *record) uint64 {
	if old := m.find(int(now.pid)); old != nil && old.stamp == now.stamp && now.stamp != (stamp{}) {
		return old.netns
	}
	return 0
}

// newNotes returns a memory with an empty record of each process.
func newNotes(pids []int32) *memory {
	m := &memory{records: make([]record, len(pids))}
	for i, pid := range pids {
		m.records[i].pid = pid
	}
	return m
}

// note takes over the records of processes that were looked into.
func (m *memory) note(records []record) {
	if len(m.records) == 0 {
		m.records = records
		return
	}
	// What was looked into again is known better now.
	all := append(slices.Clone(records), m.records...)
	slices.SortStableFunc(all, func(a, b record) int { return int(a.pid) - int(b.pid) })
	m.records = slices.CompactFunc(all, func(a, b record) bool { return a.pid == b.pid })
}

// A series is what one scan of a series needs; nil for a scan by itself.
type series struct {
	before *memory // what the last scan left; nil for nothing
	after  *memory // what this one leaves
	began  int64   // for how long this process had run when the scan began
	deep   bool    // whether every network namespace is looked for
	// seen is what the search for network namespaces saw of the processes.
	seen *memory
	// anew reports whether nothing is to be taken from memory any more.
	anew bool
	// news reports whether a socket was listed that was not listed before.
	news bool
}

// newSeries returns the series that o asks for.
func newSeries(o *Options) *series {
	if o.Previous == nil {
		return nil
	}
	s := &series{after: &memory{procfs: o.procfs(), args: o.Args}, deep: o.NetNS == NetNSAll}
	s.began, _ = ranFor(os.Getpid())
	if m := o.Previous.memory; m != nil && m.procfs == s.after.procfs && m.args == s.after.args {
		s.before = m
	}
	return s
}

// tells reports whether processes can be told by their stamps: the pids have to be
// those of this process's own namespace. With NetNSAll every socket is asked for its
// namespace, every time.
func (s *series) tells(root *procRoot) bool { return s != nil && root.real && root.own && !s.deep }

// begin notes which sockets were listed.
func (s *series) begin(socks []Socket, set *inodeSet) {
	if s.after.listed != nil {
		return
	}
	s.after.listed = set
	s.news = s.before == nil || s.before.listed == nil
	for i := range socks {
		if s.news {
			return
		}
		inode := socks[i].Inode
		s.news = inode != 0 && s.before.listed.find(inode) < 0
	}
}

// known returns what is known of a process that is as it was: by this scan, which
// may look at processes more than once, or by the last one; nil for nothing.
func (s *series) known(pid int, now stamp) *record {
	if s.anew || now == (stamp{}) {
		return nil
	}
	for _, m := range [...]*memory{s.after, s.before} {
		if r := m.find(pid); r != nil && r.stamp == now {
			return r
		}
	}
	return nil
}

// lookEverywhere looks for the sockets that are without a holder, and that were
// not so before, in processes that are as they were too.
func (h *holders) lookEverywhere(ctx context.Context, socks []Socket) error {
	if h.series == nil || h.series.before == nil || h.series.deep {
		return nil
	}
	known := h.series.before.unheld
	lost := func(s *Socket) bool {
		if !unheld(s) || s.Inode > math.MaxUint32 {
			return false
		}
		_, ok := slices.BinarySearch(known, uint32(s.Inode))
		return !ok
	}
	if !slices.ContainsFunc(socks, func(s Socket) bool { return lost(&s) }) {
		return nil
	}
	root, err := openProc(h.procfs)
	if err != nil {
		return err
	}
	defer root.close()
	h.series.anew = true
	h.counts = holderStats{}
	return h.look(ctx, root, h.seen, socks, lost, nil)
}

// remember returns what the next scan is to know; nil where there is to be none.
func (h *holders) remember(socks []Socket) *memory {
	s := h.series
	if s == nil {
		return nil
	}
	m := s.after
	if len(m.records) == 0 && s.before != nil {
		m.records = s.before.records // nothing was looked for: they are as good as they were
	}
	if now, ok := ranFor(os.Getpid()); !ok || now == s.began {
		m.records = nil // a clock that is too coarse to tell
	}
	for _, p := range h.procs {
		if r := m.find(p.PID); r != nil {
			r.holder = p
		}
	}
	for i := range socks {
		if s := &socks[i]; unheld(s) && s.Inode <= math.MaxUint32 {
			m.unheld = append(m.unheld, uint32(s.Inode))
		}
	}
	slices.Sort(m.unheld)
	return m
}

// A stuck is a question that a process has not answered yet.
type stuck struct {
	pid   int
	start uint64
	*wait
}

// A wait is how far a question has come.
type wait struct{ begun, done atomic.Bool }

// owes reports whether somebody waits for the answer.
func (w *wait) owes() bool { return w.begun.Load() && !w.done.Load() }

// owed returns the questions of earlier scans of a series that were not answered.
func (o *Options) owed() []stuck {
	if o.Previous == nil || o.Previous.memory == nil {
		return nil
	}
	return o.Previous.memory.stuck
}

// isStuck reports whether a process still owes an answer to an earlier scan. It is
// not asked again: the thread that waits for the answer would get company.
func isStuck(list []stuck, p *holder) (stuck, bool) {
	for _, s := range list {
		if s.pid == p.PID && s.start == p.start && s.owes() {
			return s, true
		}
	}
	return stuck{}, false
}
