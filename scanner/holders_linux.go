package scanner

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A holders finds the processes that hold sockets, by the links in
// /proc/PID/fd, and reads the facts of those processes.
type holders struct {
	options *Options
	procfs  string
	users   *users
	procs   []*holder // the holders found, by pid
	seen    []int32   // the processes looked into, sorted
	// pids are the processes to look into and bare those of them that are known to
	// hold nothing, both sorted; nil where they are not known yet.
	pids, bare []int32
	// search, where it is not nil, has the walk look for network namespaces too;
	// trails are what it came across.
	search *netSearch
	trails []*netTrail
	counts holderStats
	kernel bool // whether the kernel has said who holds what
	// lister is the kernel, asked for all processes at once; nil where it is not.
	lister *taskLister
	// series is nil for a scan by itself; notes are what is known of pids in a series
	// already, if anything.
	series *series
	notes  *memory
}

// holderStats are what the walk saw and could not see.
type holderStats struct {
	// Processes is how many processes there were. Unreadable is how many of
	// them did not let their descriptors be seen: not permitted.
	Processes, Unreadable int
	// Exhausted is how many were not looked into for want of descriptors in
	// this process or in the system (EMFILE, ENFILE).
	Exhausted int
	// Slow is how many holders did not answer in time, so that a script, the
	// arguments or other facts of theirs are missing.
	Slow int
}

// newHolders returns a finder that reads of the holders what o asks for.
func newHolders(o *Options) *holders {
	return &holders{options: o, procfs: o.procfs(), users: newUsers(o)}
}

// stats returns the counts of everything that has been looked at so far.
func (h *holders) stats() holderStats { return h.counts }

// attach walks every process and fills the Holders of the sockets: all holders
// of each, by pid. For a socket that no process holds it looks at the descriptor
// tables of the threads. It fails only where the folder of processes cannot be
// read, and with the error of ctx when that ends first.
func (h *holders) attach(ctx context.Context, socks []Socket) error {
	root, pids, err := h.open()
	if err != nil {
		return err
	}
	defer root.close()
	return h.look(ctx, root, pids, socks, everySocket, nil)
}

// open opens the folder of processes, and returns those to look into, sorted.
func (h *holders) open() (*procRoot, []int32, error) {
	root, err := openProc(h.procfs)
	if err != nil {
		return nil, nil, fmt.Errorf("open the folder of processes: %w", err)
	}
	if h.pids == nil {
		if h.pids, err = root.pids(); err != nil {
			root.close()
			return nil, nil, fmt.Errorf("read the folder of processes %q: %w", h.procfs, err)
		}
	}
	h.seen = h.pids
	return root, h.pids, nil
}

// more looks into every process once more, for sockets that were listed since.
func (h *holders) more(ctx context.Context, socks []Socket) error {
	root, err := openProc(h.procfs)
	if err != nil {
		return fmt.Errorf("open the folder of processes: %w", err)
	}
	defer root.close()
	h.counts = holderStats{}
	if h.kernel && h.attachBPF(ctx, root, h.seen, socks, unheld) == nil {
		return nil
	}
	return h.look(ctx, root, h.seen, socks, unheld, nil)
}

// again looks for the sockets that are still without a holder, in the processes
// that are new since the last look: a socket passes from a process that ends to
// its child while the walk is under way. The child may do the same, so it looks
// again as long as there are new processes, within bounds.
func (h *holders) again(ctx context.Context, socks []Socket) error {
	root, err := openProc(h.procfs)
	if err != nil {
		return fmt.Errorf("open the folder of processes: %w", err)
	}
	defer root.close()
	for range agains {
		if !slices.ContainsFunc(socks, func(s Socket) bool { return unheld(&s) }) {
			return nil
		}
		pids, err := root.pids()
		if err != nil {
			return fmt.Errorf("read the folder of processes %q: %w", h.procfs, err)
		}
		fresh := make([]int32, 0, 16)
		for _, pid := range pids {
			if _, ok := slices.BinarySearch(h.seen, pid); !ok {
				fresh = append(fresh, pid)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		// What has ended is forgotten: its pid may come back.
		h.seen, h.bare = pids, nil
		if err := h.look(ctx, root, fresh, socks, unheld, nil); err != nil {
			return err
		}
	}
	return nil
}

// agains bounds the looks at new processes: on a host that starts them all the
// time there are always some.
const agains = 16

// unheld reports whether a socket is without a holder and could have one.
func unheld(s *Socket) bool { return len(s.Holders) == 0 && s.Inode != 0 }

// look searches some processes, and then their threads for what is still
// without a holder. What has been found already, if anything, is joined.
func (h *holders) look(ctx context.Context, root *procRoot, pids []int32, socks []Socket, keep func(*Socket) bool, already *walker) error {
	h.counts.Processes += len(pids)
	process, threads := (*walker).process, (*walker).threads
	var notes *memory
	if h.series.tells(root) {
		process, threads, notes = (*walker).processAgain, (*walker).threadsAgain, h.notes
		if h.notes = nil; notes == nil {
			notes = newNotes(pids)
		}
	}
	withTable, err := h.pass(ctx, root, pids, socks, keep, process, notes, already)
	if err != nil {
		return err
	}
	// Where the process itself has no table, its threads' were looked at.
	if _, err = h.pass(ctx, root, withTable, socks, unheld, threads, notes, nil); err == nil && notes != nil {
		h.seeToParents(root, notes)
		h.series.after.note(notes.records)
	}
	return err
}

// pass has a few workers look into the processes for the sockets that keep
// admits, and joins what they found. It returns the processes that have a table
// of descriptors which could be read.
func (h *holders) pass(ctx context.Context, root *procRoot, pids []int32, socks []Socket, keep func(*Socket) bool, look func(*walker, int), notes *memory, already *walker) ([]int32, error) {
	var set *inodeSet
	if already != nil {
		set = already.set // of the same sockets
	} else {
		set = newInodeSet(socks, keep)
	}
	search := h.search
	h.search = nil // one walk is enough for that
	if set.n == 0 && search == nil || len(pids) == 0 && already == nil {
		return nil, ctx.Err()
	}
	again := remembering{series: h.series, notes: notes}
	if notes != nil {
		h.series.begin(socks, set)
		again.whole = set == h.series.after.listed
	}
	workers := make([]*walker, min(runtime.GOMAXPROCS(0), maxWorkers, (len(pids)+perWorker-1)/perWorker))
	var next atomic.Int64
	var group sync.WaitGroup
	for i := range workers {
		w := &walker{root: root, set: set, bare: h.bare, read: factReader{pidfds: root.own}, modes: modes{asks: root.counts}, again: again}
		workers[i] = w
		if search != nil {
			w.trail = search.newTrail(root.own)
			h.trails = append(h.trails, w.trail)
		}
		work := func() {
			for ctx.Err() == nil {
				at := int(next.Add(1)) - 1
				if at >= len(pids) {
					return
				}
				look(w, int(pids[at]))
			}
		}
		if i == len(workers)-1 {
			work()
			break
		}
		group.Go(work)
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if already != nil {
		workers = append(workers, already)
	}
	h.join(workers, socks)
	var withTable []int32
	for _, w := range workers {
		withTable = append(withTable, w.withTable...)
	}
	return withTable, nil
}

// A walk is bound by the kernel's work, which stops scaling on shared locks
// long before the largest machines run out of processors; and a worker is not
// worth its thread for a handful of processes.
const (
	maxWorkers = 16
	perWorker  = 16
)

// join gives the sockets the holders that the workers found.
func (h *holders) join(workers []*walker, socks []Socket) {
	type find struct {
		p    *holder
		hits []int32
	}
	var finds []find
	total := 0
	for _, w := range workers {
		h.counts.Unreadable += w.unreadable
		h.counts.Exhausted += w.exhausted
		total += len(w.hits)
		for i, f := range w.found {
			end := len(w.hits)
			if i+1 < len(w.found) {
				end = w.found[i+1].from
			}
			finds = append(finds, find{f.p, w.hits[f.from:end]})
		}
	}
	if len(finds) == 0 {
		return
	}
	slices.SortFunc(finds, func(a, b find) int { return cmp.Compare(a.p.PID, b.p.PID) })
	// All holders of all sockets lie in one array, in the order of the pids, so
	// that each socket's part of it comes out sorted.
	counts := make([]int32, len(socks))
	for _, f := range finds {
		for _, s := range f.hits {
			counts[s]++
		}
	}
	all := make([]*Process, total)
	for s, n := range counts {
		if n > 0 {
			socks[s].Holders, all = all[:0:n], all[n:]
		}
	}
	for _, f := range finds {
		p := h.known(f.p)
		for _, s := range f.hits {
			// A process may hold a socket by several descriptors.
			if held := socks[s].Holders; len(held) == 0 || held[len(held)-1] != &p.Process {
				socks[s].Holders = append(held, &p.Process)
			}
		}
	}
}

// known returns the one record of a process, so that a process found twice has
// its facts once.
func (h *holders) known(p *holder) *holder {
	at, ok := slices.BinarySearchFunc(h.procs, p, func(a, b *holder) int { return cmp.Compare(a.PID, b.PID) })
	if ok && h.procs[at].start == p.start {
		return h.procs[at]
	}
	h.procs = slices.Insert(h.procs, at, p)
	return p
}

// pids returns the processes of the folder, sorted.
func (p *procRoot) pids() ([]int32, error) { return p.firstPIDs(math.MaxInt) }

// firstPIDs is pids, but that it reads no further when there are some more than most.
func (p *procRoot) firstPIDs(most int) ([]int32, error) {
	if _, err := unix.Seek(p.fd, 0, 0); err != nil {
		return nil, err
	}
	pids := make([]int32, 0, 512)
	if e := readFolder(p.fd, make([]byte, direntBuf/2), func(n int) bool {
		pids = append(pids, int32(n))
		return len(pids) <= most
	}); e != 0 {
		return nil, e
	}
	// The kernel gives them in order; a fixture or another kernel may not.
	if !slices.IsSorted(pids) {
		slices.Sort(pids)
	}
	return pids, nil
}
