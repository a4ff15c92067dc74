package scanner

import (
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
		if c.container == "" || slices.Contains(n.containers, c.container) {
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
		n.containers, began = append(n.containers, c.container), append(began, stat.start)
	}
}

// hasContainer reports whether processes of a container are in the namespace, by as
// much of its id as people type.
func (n *netNS) hasContainer(id string) bool {
	return len(id) >= shortID && slices.ContainsFunc(n.containers, func(c string) bool { return strings.HasPrefix(c, id) })
}

// shortID is how much of the id of a container people type.
const shortID = 12

// pick returns the namespace that o.NetNS names: as ip-netns(8) does, by a
// process, or as reports do.
func (search *netSearch) pick(o *Options) (*netNS, error) {
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
	var found *netNS
	for _, n := range nets {
		if n.Name == name || n.hasContainer(name) {
			if found != nil {
				return nil, fmt.Errorf("%w: %q is more than one", ErrNoNamespace, name)
			}
			found = n
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoNamespace, name)
	}
	return found, nil
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
