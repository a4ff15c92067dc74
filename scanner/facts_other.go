//go:build !linux

package scanner

import (
	"context"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/process"
)

// factsBudget is how long all processes together may take to tell their facts:
// some systems start a program for each answer.
const factsBudget = 5 * time.Second

// describePIDs reads the facts of processes by their pids. A process that is
// gone, or that has not answered when the time is over, is not in the answer.
// procfs has no meaning on these systems.
func describePIDs(ctx context.Context, _ string, pids []int, args bool) map[int]*Process {
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
		parents := make(map[int]string)
		for _, pid := range order {
			if ctx.Err() != nil {
				return
			}
			if p := describePID(ctx, pid, args, parents); p != nil {
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
func describePID(ctx context.Context, pid int, args bool, parents map[int]string) (described *Process) {
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
		parent, ok := parents[p.PPID]
		if !ok {
			parent, _ = (&process.Process{Pid: ppid}).NameWithContext(ctx)
			parents[p.PPID] = parent
		}
		p.Parent = parent
	}
	if kind := interpreterOf(p.Name); args || kind != notInterpreter {
		if words, err := q.CmdlineSliceWithContext(ctx); err == nil {
			p.Script = scriptOf(kind, words)
			if args {
				p.Args = redactArgs(words)
			}
		}
	}
	return p
}
