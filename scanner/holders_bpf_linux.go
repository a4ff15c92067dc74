package scanner

import (
	"context"
	"errors"
	"slices"
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
	layout, err := h.layout()
	if err != nil {
		return err
	}
	all := &walker{root: root, set: newInodeSet(socks, keep)}
	if h.search != nil {
		all.trail = h.search.newTrail(true)
	}
	shown := make([]bool, len(pids))
	at := 0
	facts := describing{root: root, lister: h.lister, groups: make(map[uint64]*cgroupGroup)}
	err = readTaskFiles(ctx, layout, all.set, func(f taskFile) {
		if p := all.take(f); p != nil {
			facts.give(p)
		}
		if at == len(pids) || int(pids[at]) != f.pid {
			var ok bool
			if at, ok = slices.BinarySearch(pids, int32(f.pid)); !ok {
				return // younger than the list
			}
		}
		shown[at] = true
	})
	if e := facts.finish(all); err == nil {
		err = e
	}
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
	h.counts.Processes += len(pids) - len(rest)
	return h.look(ctx, root, rest, socks, keep, all)
}

// layout returns what the program has to know, which a lister knows already.
func (h *holders) layout() (*taskFileLayout, error) {
	if h.lister != nil {
		return h.lister.files, nil
	}
	return findTaskFileLayout(kernelBTF)
}

func everySocket(*Socket) bool { return true }

// take notes what the kernel says that a process has, and returns the process if it
// is one to describe that has not been named yet.
func (w *walker) take(f taskFile) *holder {
	switch f.magic {
	case sockfsMagic:
		return w.takeSocket(f)
	case nsfsMagic:
		if w.trail != nil {
			name := w.path.descriptor(f.pid, f.fd)
			if n, e := readDescriptor(w.root.fd, name, &w.link); e == 0 {
				w.trail.file(w.root.fd, f.pid, name, parseNetLink(w.link[:n]))
			}
		}
	}
	return nil
}

func (w *walker) takeSocket(f taskFile) (p *holder) {
	s := w.set.find(f.inode) // the bits let others through
	if s < 0 {
		return nil
	}
	if id := (processID{f.pid, f.start}); w.last != id {
		w.last = id
		p = &holder{Process: Process{PID: f.pid, UID: int64(f.uid)}, start: f.start, cgroups: f.cgroups}
		w.found = append(w.found, found{p, len(w.hits)})
	}
	for ; s >= 0; s = w.set.after(s) {
		w.hits = append(w.hits, s)
	}
	return p
}

// dropEnded takes out the processes that have ended, with what they hold.
func (w *walker) dropEnded() {
	hits, found := w.hits[:0], w.found[:0]
	for i, f := range w.found {
		end := len(w.hits)
		if i+1 < len(w.found) {
			end = w.found[i+1].from
		}
		if f.p.ended {
			continue
		}
		from := f.from
		f.from = len(hits)
		found = append(found, f)
		hits = append(hits, w.hits[from:end]...)
	}
	w.hits, w.found = hits, found
}
