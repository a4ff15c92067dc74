package scanner

import (
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// A describing reads the facts of processes that the kernel names, by a few
// workers, while the kernel goes on to name others.
type describing struct {
	root *procRoot
	// lister, where it is not nil, tells in the end what is in the file stat.
	lister  *taskLister
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
	most := min(runtime.GOMAXPROCS(0), maxWorkers)
	if d.lister != nil {
		most = max(1, most-1) // there is less to do than for who names the processes
	}
	if n := len(d.workers); d.given >= n*perWorker && n < most {
		w := &factWorker{root: d.root, listed: d.lister != nil}
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
// that have ended. It errs where the lister does.
func (d *describing) finish(all *walker) error {
	d.wait()
	for _, g := range d.groups {
		if g.last != nil {
			g.last.noCgroup = false
			d.work(g.last)
		}
	}
	d.wait()
	d.share(all)
	if d.lister != nil {
		if err := d.list(all); err != nil {
			return err
		}
	}
	all.exhausted = d.exhausted
	all.dropEnded()
	return nil
}

// list completes the facts of all with what the kernel tells. It comes last: who
// is there now, and began when the holder did, was there whenever a file was read
// of the process with that pid.
func (d *describing) list(all *walker) error {
	list, err := d.lister.list(len(all.found))
	if err != nil {
		return err
	}
	w := &factWorker{root: d.root}
	w.read.begin()
	for _, f := range all.found {
		t := list.find(f.p.PID)
		if t == nil { // it has ended, or is kept from the list
			f.p.ended = !w.describe(f.p)
			continue
		}
		if f.p.ended = t.start != f.p.start; f.p.ended {
			continue
		}
		f.p.comm, f.p.PPID = w.read.text(t.name()), int(t.ppid)
		f.p.Name = programName(f.p.Exe, f.p.comm)
	}
	d.exhausted += w.exhausted
	return nil
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
	listed    bool // whether the file stat is not to be read
	exhausted int
}

// describe reads the facts of a process of which the kernel has told the pid, the
// start and the user. It reports false when the process has ended, also where
// another has its pid now.
func (w *factWorker) describe(p *holder) bool {
	if w.listed {
		w.read.begin()
		prefix := strconv.Itoa(p.PID) + "/"
		w.read.program(w.root.fd, prefix, p)
		if !p.noCgroup {
			w.read.place(w.root.fd, prefix, p)
		}
		return true
	}
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
