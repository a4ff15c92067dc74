package scanner

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// A describing reads the facts of processes that the kernel names, by a few
// workers, while the kernel goes on to name others.
type describing struct {
	root    *procRoot
	groups  map[uint64]*cgroupGroup
	todo    chan *holder
	workers []*factWorker // those at work
	group   sync.WaitGroup
	given   int // to them

	exhausted int
}

// A cgroupGroup is of processes that are in the same cgroups, by the number that
// the kernel gave. The file of the cgroups is the dearest to read of all facts, so
// the first and the last of a group speak for it: one would not do, as it may just
// have been moved elsewhere.
type cgroupGroup struct{ first, last *holder }

// give has a process described, whose pid, start, user and number of cgroups are
// known.
func (d *describing) give(p *holder) {
	if g := d.groups[p.cgroups]; g != nil {
		g.last, p.noCgroup = p, true
	} else if p.cgroups != 0 {
		d.groups[p.cgroups] = &cgroupGroup{first: p}
	}
	d.work(p)
}

// work leaves a process to a worker.
func (d *describing) work(p *holder) {
	if d.todo == nil {
		d.todo = make(chan *holder, 1<<10)
	}
	if n := len(d.workers); d.given >= n*perWorker && n < min(runtime.GOMAXPROCS(0), maxWorkers) {
		w := &factWorker{root: d.root}
		d.workers = append(d.workers, w)
		todo := d.todo
		d.group.Go(func() {
			for p := range todo {
				p.ended = !w.describe(p)
			}
		})
	}
	d.given++
	d.todo <- p
}

// wait waits until the workers are done, and lets them go.
func (d *describing) wait() {
	if d.todo != nil {
		close(d.todo)
	}
	d.group.Wait()
	for _, w := range d.workers {
		d.exhausted += w.exhausted
	}
	d.todo, d.workers, d.given = nil, nil, 0
}

// finish waits until all that were given are described, and takes those out of all
// that have ended.
func (d *describing) finish(all *walker) {
	d.wait()
	for _, g := range d.groups {
		if g.last != nil {
			g.last.noCgroup = false
			d.work(g.last)
		}
	}
	d.wait()
	d.share(all)
	all.exhausted = d.exhausted
	all.dropEnded()
}

// share gives the facts of cgroups to the processes for which others speak.
func (d *describing) share(all *walker) {
	for _, f := range all.found {
		if !f.p.noCgroup || f.p.ended {
			continue
		}
		g := d.groups[f.p.cgroups]
		if a, b := g.first.cgroup, g.last.cgroup; a != nil && b != nil && *a == *b {
			f.p.setCgroup(a)
			continue
		}
		f.p.noCgroup = false
		d.work(f.p)
	}
	d.wait()
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
