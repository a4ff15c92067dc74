package scanner

import (
	"context"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sys/unix"
)

// find finds the holders of the sockets in the way that is asked for, and notes
// in c which it was. Where the kernel cannot be asked, the walk finds them too.
// It fails as attach does.
func (h *holders) find(ctx context.Context, way HolderSource, p privileges, socks []Socket, c *Coverage) error {
	root, pids, err := h.open()
	if err != nil {
		return err
	}
	defer root.close()
	c.Holders = HoldersProc.String()
	if h.series != nil || !slices.ContainsFunc(socks, func(s Socket) bool { return unheld(&s) }) {
		way = HoldersProc // which remembers, and is to count the processes
	}
	if way == HoldersBPF || way == HoldersAuto && p.mayBPF() && p.seeAll() && h.bpfPays(root, pids) {
		err := h.attachBPF(ctx, root, pids, socks, everySocket)
		if err == nil {
			c.Holders, h.kernel = HoldersBPF.String(), true
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if way == HoldersBPF {
			c.limit(false, LimitNoBPF, fmt.Sprintf("the kernel could not be asked which processes hold sockets (%v); /proc was", err),
				"--holders bpf takes root, Linux 5.11 and "+kernelBTF)
		}
	}
	return h.look(ctx, root, pids, socks, everySocket, nil)
}

// bpfPaysFrom is from how many descriptors on it is cheaper to ask the kernel. It
// takes 1.5 ms to begin, and 3 before Linux 6.16; the walk takes a good microsecond
// for each descriptor and several for each process. They are even at some 800.
const bpfPaysFrom = 2000

// bpfPays reports whether to ask the kernel is cheaper than to walk, and safe. A
// seccomp filter may end a process that calls bpf(2).
func (h *holders) bpfPays(root *procRoot, pids []int32) bool {
	buf := make([]byte, 4<<10)
	if !root.own || parseOpenFiles(readSmall(h.procfs+"/sys/fs/file-nr", &buf)) < bpfPaysFrom {
		return false
	}
	// These were the files of the whole system, those that are only mapped among
	// them.
	left := bpfPaysFrom
	for _, pid := range pids {
		var st unix.Stat_t
		var name pathName
		name.set(int(pid), "/fd")
		if root.counts && unix.Fstatat(root.fd, name.String(), &st, 0) == nil {
			left -= int(st.Size)
		}
		if left <= 0 {
			break
		}
	}
	return (left <= 0 || !root.counts) && seccompMode() == "disabled"
}

// tasksPayFrom is from how many processes on it is cheaper to have the kernel list
// them. It takes 0.8 ms to begin, and then 0.2 µs a process in place of 4.
const tasksPayFrom = 500

// decide has a lister made, where the kernel may be asked for the processes and that
// is cheaper than to read a file of each. Otherwise it reads which there are.
func (s *netSearch) decide(root *procRoot, way HolderSource) (err error) {
	most := math.MaxInt
	if p := s.privileges; s.series == nil && !s.deep && root.own {
		switch {
		case way == HoldersBPF:
			most = 0
		case way == HoldersAuto && p.mayBPF() && p.seeAll():
			most = tasksPayFrom
		}
	}
	if s.pids, err = root.firstPIDs(most); err != nil || len(s.pids) < most {
		return err
	}
	if way == HoldersBPF || seccompMode() == "disabled" {
		if s.lister, err = newTaskLister(); err == nil {
			return nil
		}
	}
	s.pids, err = root.pids()
	return err
}

// askKernel has the kernel list the processes, and notes the namespaces that they
// are in. Which there are the folder says: a security module may keep one from the
// list. Of such a one files are read, and of all where there is no list.
func (s *netSearch) askKernel(root *procRoot) {
	var failed error
	s.group.Go(func() { s.tasks, failed = s.lister.list(len(s.pids)) })
	pids, err := root.pids()
	s.group.Wait()
	if failed != nil {
		s.lister.close()
		s.lister, s.tasks = nil, nil
	}
	if err == nil {
		s.pids = pids
		s.processes(root, s.pids)
	}
}
