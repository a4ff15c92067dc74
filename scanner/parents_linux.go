package scanner

import (
	"slices"
	"strings"
)

// parents finds the processes that others descend from, each once.
type parents struct {
	root  *procRoot
	procs []*holder       // sorted by pid: known already
	known map[int]*parent // by pid; nil for one that is gone
	// chains are the ancestors from a process on: siblings share theirs.
	chains map[*parent][]Ancestor
	read   factReader
}

// A parent is what is read of one.
type parent struct {
	name      string
	pid, ppid int
	start     uint64 // as in holder
}

// maxAncestors bounds the ancestors of a process. No service has as many; who
// nests more of them is after the memory of those who look.
const maxAncestors = 64

// of returns the process pid where it is the parent of one that began at start;
// nil where it is gone. A parent is older than its child: otherwise the pid
// lives again.
func (ps *parents) of(pid int, start uint64) *parent {
	if pid <= 0 {
		return nil
	}
	p, ok := ps.known[pid]
	if !ok {
		if at, ok := slices.BinarySearchFunc(ps.procs, pid, func(q *holder, pid int) int { return q.PID - pid }); ok {
			q := ps.procs[at]
			p = &parent{q.Name, pid, q.PPID, q.start}
		} else {
			p = ps.look(pid)
		}
		if ps.known == nil {
			ps.known = make(map[int]*parent)
		}
		ps.known[pid] = p
	}
	if p == nil || p.start > start {
		return nil
	}
	return p
}

// look reads what a parent is that holds no socket itself; nil where it is gone.
func (ps *parents) look(pid int) *parent {
	r := &ps.read
	if r.buf == nil {
		r.buf = make([]byte, factBuf)
	}
	n, e := readName(ps.root.fd, r.path.set(pid, "/stat"), r.buf)
	if e != 0 {
		return nil
	}
	s, ok := parseStat(r.buf[:n])
	if !ok {
		return nil
	}
	p := &parent{name: string(s.comm), pid: pid, ppid: s.ppid, start: s.start}
	if n, e = readLink(ps.root.fd, r.path.set(pid, "/exe"), r.buf); e == 0 && n < len(r.buf) {
		p.name = programName(strings.TrimSuffix(string(r.buf[:n]), deletedMark), p.name)
	}
	return p
}

// ancestors returns the parent of p, its parent and so on, until one is gone.
func (ps *parents) ancestors(h *holder) []Ancestor {
	p := ps.of(h.PPID, h.start)
	if p == nil {
		return nil
	}
	if chain, ok := ps.chains[p]; ok {
		return chain
	}
	var chain []Ancestor
	for q := p; q != nil && len(chain) < maxAncestors; q = ps.of(q.ppid, q.start) {
		// Only a copy of a procfs has parents that descend from their children.
		if slices.ContainsFunc(chain, func(a Ancestor) bool { return a.PID == q.pid }) {
			break
		}
		chain = append(chain, Ancestor{q.pid, q.name})
	}
	if ps.chains == nil {
		ps.chains = make(map[*parent][]Ancestor)
	}
	ps.chains[p] = chain
	return chain
}
