package scanner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// contained notes the containers that the processes of the namespace are in, as far
// as they were remembered, and which of them it goes by. The containers of a pod
// share one that was made with the first, which is there to keep it.
func (n *netNS) contained(procfs string) {
	buf := make([]byte, 1<<10)
	n.containers, n.Runtime, n.Container = nil, "", ""
	var began []uint64 // when, of a process of each container
	for _, pid := range n.pids {
		process := procfs + "/" + strconv.Itoa(int(pid))
		c := parseCgroup(readSmall(process+"/cgroup", &buf))
		if c.container == "" || slices.ContainsFunc(n.containers, func(p *Process) bool { return p.Container == c.container }) {
			continue
		}
		// Pids begin anew at some time, so the least is not the oldest.
		stat, ok := parseStat(readSmall(process+"/stat", &buf))
		if !ok {
			stat.start = math.MaxUint64 // it has just ended
		}
		if len(began) == 0 || stat.start < slices.Min(began) {
			n.Runtime, n.Container = c.runtime, c.container
		}
		n.containers = append(n.containers, &Process{PID: int(pid), UID: -1, Runtime: c.runtime, Container: c.container, Slice: c.slice})
		began = append(began, stat.start)
	}
}

// hasContainer reports whether processes of a container are in the namespace, by as
// much of its id as people type.
func (n *netNS) hasContainer(id string) bool {
	return len(id) >= shortID && slices.ContainsFunc(n.containers, func(p *Process) bool { return strings.HasPrefix(p.Container, id) })
}

// shortID is how much of the id of a container people type.
const shortID = 12

// pick returns the namespace that o.NetNS names: as ip-netns(8) does, by a
// process, or as reports do; where the engines are asked for the names of
// containers, by one of these too.
func (search *netSearch) pick(ctx context.Context, o *Options) (*netNS, error) {
	name := o.NetNS
	if own := search.found[search.own]; own != nil && name == OwnNamespace {
		return own, nil
	}
	for _, folder := range netnsFolders {
		if inode := netInode(folder + name); inode != 0 && ipName(folder+name) != "" {
			n := search.at(inode)
			n.mount, n.prefix = folder+name, ""
			return n, nil
		}
	}
	if pid, err := strconv.ParseInt(strings.TrimPrefix(name, "pid "), 10, 32); err == nil && pid > 0 {
		inode, err := netOf(o.procfs(), int(pid))
		if inode != 0 {
			n := search.at(inode)
			n.pids = append([]int32{int32(pid)}, n.pids...)
			return n, nil
		}
		if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("network namespace of pid %d: %w", pid, err)
		}
	}
	nets := search.others()
	for _, n := range nets {
		n.contained(o.procfs())
	}
	nameAll(nets, map[string]*netNS{OwnNamespace: nil})
	found := slices.DeleteFunc(slices.Clone(nets), func(n *netNS) bool { return n.Name != name && !n.hasContainer(name) })
	untold := "" // names of containers, and why
	if len(found) == 0 && o.ContainerNames {
		found, untold = withContainer(ctx, o, nets)
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: %q%s", ErrNoNamespace, name, untold)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%w: %q is more than one", ErrNoNamespace, name)
}

// withContainer returns those of the namespaces in which processes of a container
// are that its engine calls by the name that o.NetNS is, and which names were not told.
func withContainer(ctx context.Context, o *Options, nets []*netNS) (found []*netNS, untold string) {
	var s Snapshot
	for _, n := range nets {
		s.Sockets = append(s.Sockets, Socket{Holders: n.containers})
	}
	s.nameContainers(ctx, o)
	for _, n := range nets {
		if slices.ContainsFunc(n.containers, func(p *Process) bool { return p.ContainerName == o.NetNS }) {
			found = append(found, n)
		}
	}
	for _, l := range s.Coverage.Limitations {
		untold += "; " + l.Text
	}
	return found, untold
}

// netOf returns the inode of the namespace that a process is in. It fails with
// os.ErrPermission where there is such a process that may not be asked.
func netOf(procfs string, pid int) (uint64, error) {
	link, err := os.Readlink(procfs + "/" + strconv.Itoa(pid) + "/ns/net")
	if errors.Is(err, os.ErrNotExist) && unix.Kill(pid, 0) == unix.EPERM {
		err = unix.EPERM // /proc hides it (hidepid)
	}
	return parseNetLink([]byte(link)), err
}

// netInode returns the inode of the namespace that is mounted at a path, 0 where
// none is.
func netInode(path string) uint64 {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if unix.Statfs(path, &fs) != nil || fs.Type != unix.NSFS_MAGIC || unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

// NetNSNames returns the network namespaces that have a name of ip-netns(8),
// sorted.
func NetNSNames() []string {
	var names []string
	for _, folder := range netnsFolders {
		list, _ := os.ReadDir(folder) // in most cases there is none
		for _, e := range list {
			if netInode(folder+e.Name()) != 0 {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
