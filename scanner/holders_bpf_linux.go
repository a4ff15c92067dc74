package scanner

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// attachBPF is look by what the kernel says of who holds the sockets that keep
// admits, by whatever thread. It walks only over the processes that the kernel did
// not show: they have no descriptors, or a security module keeps them from being
// seen. It fails where the kernel cannot be asked, and has changed nothing then.
func (h *holders) attachBPF(ctx context.Context, root *procRoot, pids []int32, socks []Socket, keep func(*Socket) bool) error {
	if !root.own {
		return errors.New("bpf: the folder of processes is not that of this pid namespace")
	}
	if h.search != nil && h.search.deep {
		return errors.New("bpf: every socket is to be asked for its network namespace")
	}
	layout, err := findTaskFileLayout(kernelBTF)
	if err != nil {
		return err
	}
	all := &walker{root: root, set: newInodeSet(socks, keep)}
	if h.search != nil {
		all.trail = h.search.newTrail(true)
	}
	shown := make([]bool, len(pids))
	at := 0
	err = readTaskFiles(ctx, layout, all.set, func(f taskFile) {
		all.take(f)
		if at == len(pids) || int(pids[at]) != f.pid {
			var ok bool
			if at, ok = slices.BinarySearch(pids, int32(f.pid)); !ok {
				return // younger than the list
			}
		}
		shown[at] = true
	})
	if err != nil {
		all.trail.drop()
		return err
	}
	if all.trail != nil {
		h.trails = append(h.trails, all.trail)
	}
	var rest []int32
	for i, pid := range pids {
		if !shown[i] {
			rest = append(rest, pid)
		}
	}
	describeFound(root, all)
	h.counts.Processes += len(pids) - len(rest)
	return h.look(ctx, root, rest, socks, keep, all)
}

func everySocket(*Socket) bool { return true }

// take notes what the kernel says that a process holds.
func (w *walker) take(f taskFile) {
	switch f.magic {
	case sockfsMagic:
		w.takeSocket(f)
	case nsfsMagic:
		if w.trail != nil {
			name := w.path.descriptor(f.pid, f.fd)
			if n, e := readDescriptor(w.root.fd, name, &w.link); e == 0 {
				w.trail.file(w.root.fd, f.pid, name, parseNetLink(w.link[:n]))
			}
		}
	}
}

func (w *walker) takeSocket(f taskFile) {
	s := w.set.find(f.inode) // the bits let others through
	if s < 0 {
		return
	}
	if n := len(w.found); n == 0 || w.found[n-1].p.PID != f.pid || w.found[n-1].p.start != f.start {
		p := &holder{Process: Process{PID: f.pid, UID: int64(f.uid)}, start: f.start, cgroups: f.cgroups}
		w.found = append(w.found, found{p, len(w.hits)})
	}
	for ; s >= 0; s = w.set.after(s) {
		w.hits = append(w.hits, s)
	}
}

// describeFound has a few workers read the facts of the processes that the kernel
// named, and drops those that have ended since.
func describeFound(root *procRoot, all *walker) {
	groups := newCgroupGroups(all.found)
	workers := make([]factWorker, min(runtime.GOMAXPROCS(0), maxWorkers, len(all.found)/perWorker+1))
	ended := make([]bool, len(all.found))
	var next atomic.Int64
	var group sync.WaitGroup
	for i := range workers {
		w := &workers[i]
		w.root = root
		work := func() {
			for at := int(next.Add(1)) - 1; at < len(ended); at = int(next.Add(1)) - 1 {
				p := all.found[at].p
				p.noCgroup = !groups.speaks(p, at)
				ended[at] = !w.describe(p)
			}
		}
		if i == len(workers)-1 {
			work()
			break
		}
		group.Go(work)
	}
	group.Wait()
	for i := range workers {
		all.exhausted += workers[i].exhausted
	}
	groups.share(all.found, ended, &workers[0])
	all.drop(ended)
}

// drop takes out the processes of which gone says so, with what they hold.
func (w *walker) drop(gone []bool) {
	hits, found := w.hits[:0], w.found[:0]
	for i, f := range w.found {
		end := len(w.hits)
		if i+1 < len(w.found) {
			end = w.found[i+1].from
		}
		if gone[i] {
			continue
		}
		from := f.from
		f.from = len(hits)
		found = append(found, f)
		hits = append(hits, w.hits[from:end]...)
	}
	w.hits, w.found = hits, found
}

// A factWorker reads the facts of processes, with buffers of its own.
type factWorker struct {
	root      *procRoot
	path      pathName
	read      factReader
	exhausted int
}

// describe reads the facts of a process of which the kernel has told the pid, the
// start and the user. It reports false when the process has ended, also where
// another has its pid now.
func (w *factWorker) describe(p *holder) bool {
	start := p.start
	dir, e := openName(w.root.fd, w.path.set(p.PID, ""), unix.O_PATH|unix.O_DIRECTORY)
	switch e {
	case 0:
		// By way of dir, which stays tied to one process.
		ok := w.read.read(dir, "", p)
		closeFile(dir)
		if ok {
			return p.start == start
		}
	case unix.EMFILE, unix.ENFILE:
		w.exhausted++
		return true
	}
	// It has ended, or /proc hides it (hidepid): then it is there all the same, and
	// no other process is to be seen in its place.
	w.path.set(p.PID, "/stat")
	return unix.Faccessat(w.root.fd, w.path.String(), unix.F_OK, 0) != nil && unix.Kill(p.PID, 0) != unix.ESRCH
}

// cgroupGroups are the processes that are in the same cgroups, by the number that
// the kernel gave. The file of the cgroups is the dearest to read of all facts, so
// the first and the last process of each group speak for it: one would not do,
// as it may just have been moved elsewhere.
type cgroupGroups map[uint64]*cgroupGroup

type cgroupGroup struct{ first, last int }

func newCgroupGroups(procs []found) cgroupGroups {
	groups := make(cgroupGroups)
	for at, f := range procs {
		if g := groups[f.p.cgroups]; g != nil {
			g.last = at
		} else if f.p.cgroups != 0 {
			groups[f.p.cgroups] = &cgroupGroup{at, at}
		}
	}
	return groups
}

// speaks reports whether the cgroups of a process are to be read.
func (groups cgroupGroups) speaks(p *holder, at int) bool {
	g := groups[p.cgroups]
	return g == nil || at == g.first || at == g.last
}

// share gives the facts of cgroups to the processes for which others speak.
func (groups cgroupGroups) share(procs []found, ended []bool, w *factWorker) {
	for at, f := range procs {
		if ended[at] || groups.speaks(f.p, at) {
			continue
		}
		g := groups[f.p.cgroups]
		if a, b := procs[g.first].p.cgroup, procs[g.last].p.cgroup; a != nil && b != nil && *a == *b {
			f.p.setCgroup(a)
			continue
		}
		f.p.noCgroup = false
		ended[at] = !w.describe(f.p)
	}
}
