//go:build !linux

package scanner

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/process"
)

// factsBudget is how long all processes together may take to tell their facts:
// some systems start a program for each answer.
const factsBudget = 5 * time.Second

// describePIDs reads the facts of processes by their pids. A process that is
// gone, or that has not answered when the time is over, is not in the answer.
// Options.ProcFS has no meaning on these systems.
func describePIDs(ctx context.Context, o *Options, pids []int) map[int]*Process {
	ctx, cancel := context.WithTimeout(ctx, factsBudget)
	defer cancel()
	// Each pid once, and no more answers than the channel holds: an abandoned
	// goroutine never blocks.
	wanted := make(map[int]bool, len(pids))
	for _, pid := range pids {
		if pid > 0 {
			wanted[pid] = true
		}
	}
	order := make([]int, 0, len(wanted))
	for pid := range wanted {
		order = append(order, pid)
	}
	answers := make(chan *Process, len(order))
	go func() {
		defer close(answers)
		parents := make(parents)
		for _, pid := range order {
			if ctx.Err() != nil {
				return
			}
			if p := describePID(ctx, pid, o, parents); p != nil {
				answers <- p
			}
		}
	}()
	facts := make(map[int]*Process, len(order))
	for {
		select {
		case p, ok := <-answers:
			if !ok {
				return facts
			}
			facts[p.PID] = p
		case <-ctx.Done():
			return facts
		}
	}
}

// describePID asks gopsutil about one process; nil when that is not to be seen.
// gopsutil panics on some answers of the systems it asks, hence the recover.
func describePID(ctx context.Context, pid int, o *Options, parents parents) (described *Process) {
	p := &Process{PID: pid, UID: -1}
	defer func() {
		if recover() != nil {
			described = nil
			if p.Name != "" {
				described = p // what was learned before
			}
		}
	}()
	// Not NewProcess, which asks for the whole list of processes.
	q := &process.Process{Pid: int32(pid)}
	name, err := q.NameWithContext(ctx)
	if err != nil {
		return nil
	}
	p.Name = name
	if exe, err := q.ExeWithContext(ctx); err == nil && exe != "" {
		p.Exe = exe
		if base := exe[strings.LastIndexAny(exe, `/\`)+1:]; base != "" {
			p.Name = base
		}
	}
	if user, err := q.UsernameWithContext(ctx); err == nil {
		p.User = user
	}
	if uids, err := q.UidsWithContext(ctx); err == nil && len(uids) > 0 && uids[0] >= 0 {
		p.UID = int64(uids[0])
	}
	if ms, err := q.CreateTimeWithContext(ctx); err == nil && ms > 0 {
		p.Started = time.UnixMilli(ms).UTC()
	}
	if ppid, err := q.PpidWithContext(ctx); err == nil && ppid > 0 {
		p.PPID = int(ppid)
		p.Parent = parents.of(ctx, p.PPID).name
		if o.Ancestors {
			p.Ancestors = parents.ancestors(ctx, p.PPID)
		}
	}
	if kind := interpreterOf(p.Name); o.Args || kind != notInterpreter {
		if words, err := q.CmdlineSliceWithContext(ctx); err == nil {
			p.Script = scriptOf(kind, words)
			if o.Args {
				p.Args = redactArgs(words)
			}
		}
	}
	return p
}

// parents are the processes that others descend from, by pid, each asked for
// once.
type parents map[int]parent

// A parent is what is known of one; zero for one that is gone.
type parent struct {
	name string
	ppid int
}

// maxAncestors bounds the ancestors of a process.
const maxAncestors = 64

// of returns what is known of the process pid.
func (ps parents) of(ctx context.Context, pid int) parent {
	p, ok := ps[pid]
	if !ok {
		q := &process.Process{Pid: int32(pid)}
		p.name, _ = q.NameWithContext(ctx)
		if ppid, err := q.PpidWithContext(ctx); err == nil {
			p.ppid = int(ppid)
		}
		ps[pid] = p
	}
	return p
}

// ancestors returns the process pid, its parent and so on, until one is gone or
// comes a second time: on Windows the pid of a parent may be another's by now.
func (ps parents) ancestors(ctx context.Context, pid int) []Ancestor {
	var chain []Ancestor
	for pid > 0 && len(chain) < maxAncestors && ctx.Err() == nil {
		p := ps.of(ctx, pid)
		if p.name == "" || slices.ContainsFunc(chain, func(a Ancestor) bool { return a.PID == pid }) {
			break
		}
		chain = append(chain, Ancestor{pid, p.name})
		pid = p.ppid
	}
	return chain
}
