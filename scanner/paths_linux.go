package scanner

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A path of a unix socket is what its process called it, at that time: from its
// own root and its own folder, and the file may have been replaced since. Nothing
// said of a path is believed unless the file there is the one that the kernel
// says the socket was bound to.

// A pathQuestion asks for the file of a unix socket.
type pathQuestion struct {
	path          string
	inode, device uint32
	pids          []int
}

// A pathAnswer is what became of it.
type pathAnswer struct {
	found bool
	gone  bool
	mode  uint32
	uid   int64
}

// maxRoots is how many holders of a socket are asked for their root or folder.
const maxRoots = 8

// findPaths fills in the permissions and owners of the paths of unix sockets. A
// path may lie on a file server that does not answer.
func findPaths(ctx context.Context, o *Options, socks []Socket, c *Coverage) {
	var questions []pathQuestion
	var asked []*UnixAddr
	for i := range socks {
		u := socks[i].Unix
		if u == nil || u.Inode == 0 || u.Path == "" || u.Path[0] == '@' {
			continue
		}
		q := pathQuestion{path: u.Path, inode: u.Inode, device: u.Device}
		for _, p := range socks[i].Holders[:min(len(socks[i].Holders), maxRoots)] {
			q.pids = append(q.pids, p.PID)
		}
		questions, asked = append(questions, q), append(asked, u)
	}
	procfs, root := o.procfs(), o.hostRoot()+"/"
	answerer := func() func(int) pathAnswer {
		return func(i int) pathAnswer { return questions[i].answer(procfs, root) }
	}
	left := askEach(ctx, len(questions), answerer, func(i int, a pathAnswer) {
		asked[i].Gone = a.gone
		if a.found {
			asked[i].Mode, asked[i].UID = a.mode, a.uid
		}
	})
	if left > 0 {
		c.limit(true, LimitSlowPaths, fmt.Sprintf("the permissions of %d unix %s could not be read in time", left, plural(left, "path", "paths")),
			"look for a file server that does not answer (grep -E 'nfs|cifs|fuse' /proc/mounts)")
	}
}

// answer looks for the file from the root of the host and from those of the
// holders; for a relative path from their folders.
func (q *pathQuestion) answer(procfs, root string) pathAnswer {
	if q.path[0] != '/' {
		for _, pid := range q.pids {
			if a, _ := q.below(procfs+"/"+strconv.Itoa(pid)+"/cwd", 0); a.found {
				return a
			}
		}
		return pathAnswer{} // their folders may be others by now
	}
	// Below these a path means another file to every process.
	if strings.HasPrefix(q.path, "/proc/") || strings.HasPrefix(q.path, "/dev/fd/") {
		return pathAnswer{}
	}
	a, _ := q.below(root, unix.RESOLVE_IN_ROOT)
	sure := len(q.pids) > 0
	for _, pid := range q.pids {
		if a.found {
			return a
		}
		var told bool
		a, told = q.below(procfs+"/"+strconv.Itoa(pid)+"/root", unix.RESOLVE_IN_ROOT)
		sure = sure && told
	}
	a.gone = sure && !a.found
	return a
}

// below looks for the file below a folder. Told reports whether that the file is
// not there can be believed.
func (q *pathQuestion) below(folder string, resolve uint64) (a pathAnswer, told bool) {
	dir, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return a, false
	}
	defer unix.Close(dir)
	// A link to an absolute path means the root of the holder (openat2(2), Linux
	// 5.6); without that it means ours, and leads to the file or to none.
	const flags = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat2(dir, q.path, &unix.OpenHow{Flags: flags, Resolve: resolve})
	if err == unix.ENOSYS || err == unix.EPERM {
		fd, err = unix.Openat(dir, strings.TrimLeft(q.path, "/"), flags, 0)
	} else {
		told = err == nil || err == unix.ENOENT || err == unix.ENOTDIR
	}
	if err != nil {
		return a, told
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return a, false
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || uint32(st.Ino) != q.inode ||
		kernelDevice(uint64(st.Dev)) != q.device && !ownNumbers(fd) {
		return a, told
	}
	return pathAnswer{found: true, mode: st.Mode & 0o7777, uid: int64(st.Uid)}, told
}

// kernelDevice returns a device number of stat(2) as the kernel keeps it
// (MKDEV in <linux/kdev_t.h>).
func kernelDevice(dev uint64) uint32 { return unix.Major(dev)<<20 | unix.Minor(dev) }

// ownNumbers reports whether a file lies on a filesystem of which stat(2) tells
// other device numbers than the kernel keeps: one for each subvolume or layer.
func ownNumbers(fd int) bool {
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil {
		return false
	}
	switch uint32(fs.Type) { // it is signed on some machines
	case unix.BTRFS_SUPER_MAGIC, unix.BCACHEFS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
		return true
	}
	return false
}
