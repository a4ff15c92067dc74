package scanner

import (
	"math"
	"slices"

	"golang.org/x/sys/unix"
)

// remembering is what a walker needs in a series of scans, beside what it needs
// in any.
type remembering struct {
	*series
	notes *memory // of this walk: each of its processes has a record
	whole bool    // whether all the sockets that were listed are looked for
	// The sockets of the process at hand, where they are being noted.
	noting        bool
	sockets, held []uint32
	files         []nsFile
}

// file notes a descriptor of a network namespace.
func (r *remembering) file(fd int, inode uint64) {
	if r.noting && inode != 0 {
		r.files = append(r.files, nsFile{int32(fd), inode})
	}
}

// processAgain is process in a series.
func (w *walker) processAgain(pid int) {
	if w.isBare(pid) {
		return
	}
	note := w.again.notes.find(pid)
	// Before the table is read: what comes later shows the next time.
	if note.stamp == (stamp{}) {
		note.stamp = w.root.stampOf(pid, &w.path)
		if seen := w.again.seen.find(pid); seen != nil && seen.stamp == note.stamp {
			note.netns = seen.netns
		}
	}
	now := note.stamp
	if old := w.again.known(pid, now); old != nil && (w.trail == nil || old.trailed) && w.recall(note, old) {
		return
	}
	failed, withTable := w.unreadable+w.exhausted, len(w.withTable)
	w.empty = now.inode != 0 && now.size == 0
	w.begin()
	w.process(pid)
	w.again.noting = false
	if w.unreadable+w.exhausted > failed {
		note.stamp = stamp{} // not seen, and looked into the next time
		return
	}
	note.table, note.whole, note.trailed = len(w.withTable) > withTable, w.again.whole, w.trail != nil
	note.sockets, note.held = slices.Clone(w.again.sockets), slices.Clone(w.again.held)
	note.files = slices.Clone(w.again.files)
}

// threadsAgain is threads in a series.
func (w *walker) threadsAgain(pid int) {
	note := w.again.notes.find(pid)
	if !note.threads {
		w.begin()
		w.threads(pid)
		w.again.noting = false
		note.threads, note.inThreads = true, slices.Clone(w.again.sockets)
		return
	}
	from := len(w.hits)
	for _, inode := range note.inThreads {
		w.hit(uint64(inode))
	}
	if len(w.hits) == from {
		return
	}
	p := &holder{Process: Process{PID: pid, UID: -1}}
	dir, e := w.folder(pid)
	if e != 0 {
		w.hits = w.hits[:from] // it ended
		return
	}
	defer closeFile(dir)
	if !w.read.read(dir, "", p) {
		w.hits = w.hits[:from]
		return
	}
	w.found = append(w.found, found{p, from})
}

// begin begins to note the sockets of a process.
func (w *walker) begin() {
	w.again.noting = true
	w.again.sockets, w.again.held, w.again.files = w.again.sockets[:0], w.again.held[:0], w.again.files[:0]
}

// hit notes the sockets that an inode stands for, and reports whether there are
// any.
func (w *walker) hit(inode uint64) bool {
	first := w.set.find(inode)
	if w.again.noting && inode <= math.MaxUint32 { // all that sock_diag can tell
		w.again.sockets = append(w.again.sockets, uint32(inode))
		if first >= 0 {
			w.again.held = append(w.again.held, uint32(inode))
		}
	}
	for s := first; s >= 0; s = w.set.after(s) {
		w.hits = append(w.hits, s)
	}
	return first >= 0
}

// recall notes that a process which has not run since holds the sockets that it
// had, and reads its facts. It reports whether it is still there.
func (w *walker) recall(note, old *record) bool {
	netns := note.netns // asked since, where it was not known
	note.noted = old.noted
	note.netns = max(netns, old.netns)
	from := len(w.hits)
	if w.again.news || !old.whole || !w.again.whole {
		// Any of its sockets may have begun to accept. Of those that had done so, any
		// may have ceased; that costs nothing.
		w.again.held = w.again.held[:0]
		for _, inode := range old.sockets {
			if w.set.find(uint64(inode)) >= 0 {
				w.again.held = append(w.again.held, inode)
			}
		}
		note.held, note.whole = slices.Clone(w.again.held), w.again.whole
	}
	for _, inode := range note.held {
		w.hit(uint64(inode))
	}
	if len(w.hits) > from {
		p := &holder{Process: Process{PID: int(old.pid), UID: -1}}
		if !w.keep(p, old) {
			w.hits = w.hits[:from]
			note.noted = noted{} // it has run, or ended
			return false
		}
		w.found = append(w.found, found{p, from})
	}
	if w.trail != nil {
		for _, f := range note.files {
			w.trail.file(w.root.fd, int(note.pid), w.path.descriptor(int(note.pid), int(f.fd)), f.inode)
		}
	}
	if note.table {
		w.withTable = append(w.withTable, note.pid)
	}
	return true
}

// folder opens the folder of a process. It stays tied to that process, whoever
// has the pid later.
func (w *walker) folder(pid int) (int, unix.Errno) {
	return openName(w.root.fd, w.path.set(pid, ""), unix.O_PATH|unix.O_DIRECTORY)
}

// keep takes over the facts of a process that only it changes, and reads those
// that others change too: its program may be renamed or removed, and it may be
// moved to another control group. Its parent is seen to later. It reports whether
// the process is still there.
func (w *walker) keep(p *holder, old *record) bool {
	dir, e := w.folder(p.PID)
	if e != 0 {
		return false
	}
	defer closeFile(dir)
	// Now that the folder is open it is seen that it is the same process's.
	if ran, ok := ranFor(p.PID); !ok || ran != old.stamp.ran {
		return false
	}
	h := old.holder
	if h == nil {
		return w.read.read(dir, "", p)
	}
	r := &w.read
	r.begin()
	p.kept = true
	p.PPID, p.UID, p.start, p.comm = h.PPID, h.UID, h.start, h.comm
	r.program(dir, "", p)
	r.place(dir, "", p)
	if h.answer.ok && h.Exe == p.Exe && !p.maybeGone && !h.maybeGone && forwarderOf(p.Name) == noForwarder {
		p.answer = h.answer
	}
	return true
}

// seeToParents reads who the parent of a process is now, where the one that it
// had has ended.
func (h *holders) seeToParents(root *procRoot, notes *memory) {
	var r factReader
	for _, p := range h.procs {
		if !p.kept {
			continue
		}
		p.kept = false
		if p.PPID == 0 {
			continue // the first process, or one from outside of the pid namespace
		}
		old, now := h.series.before.find(p.PPID), notes.find(p.PPID)
		if old != nil && now != nil && now.stamp.inode != 0 && old.stamp.inode == now.stamp.inode {
			continue
		}
		r.begin()
		if n, e := readName(root.fd, r.path.set(p.PID, "/stat"), r.buf); e == 0 {
			if s, ok := parseStat(r.buf[:n]); ok && s.start == p.start {
				p.PPID = s.ppid
			}
		}
	}
}
