package scanner

import (
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The files and folders of engines.
const (
	cniResults    = "/var/lib/cni/results"
	netavarkPorts = "/run/containers/networks/firewall/ports"
)

// readForwarding finds out where a forwarder sends what it accepts, from its
// arguments and its open folder in procfs. It may be kept waiting. It returns
// nil where that cannot be told.
func readForwarding(kind forwarder, words []string, procfs, root string, pid, dir int) *forwarding {
	var f forwarding
	switch kind {
	case dockerProxy:
		f = parseDockerProxy(words)
	case conmon:
		if f = parseConmon(words); f.container == "" {
			return nil
		}
		f.readMappings(root)
	case pasta:
		f = parsePasta(words)
	case slirp:
		f = parseSlirp(words)
	case byChild:
	case noForwarder:
		return nil
	}
	if f.path != "" {
		f.netns = netnsAt(procfs, root, f.path)
	}
	if kind == byChild || kind == conmon {
		f.netns = netnsOfChildren(procfs, pid, dir)
	}
	if len(f.rules) == 0 && f.container == "" && f.netns == 0 {
		return nil
	}
	return &f
}

// readMappings adds the published ports of the container from the files in
// which the networks keep them.
func (f *forwarding) readMappings(root string) {
	for _, name := range namesIn(root + cniResults) {
		if strings.Contains(name, "-"+f.container+"-") {
			f.addCNI(readHostFile(root + cniResults + "/" + name))
		}
	}
	if len(f.rules) > 0 {
		return
	}
	for _, name := range namesIn(root + netavarkPorts) {
		if strings.HasSuffix(name, "_"+f.container) {
			f.addNetavark(readHostFile(root + netavarkPorts + "/" + name))
		}
	}
}

// maxNames bounds how much of a folder is read.
const maxNames = 10_000

// namesIn returns the names in a folder; none where it cannot be read.
func namesIn(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(maxNames)
	return names
}

// maxHostFile bounds what is read of a file.
const maxHostFile = 4 << 20

// readHostFile reads a file of the host, nil where it is none, or is larger than
// any of its kind. What stands there in place of a regular file is not opened:
// that alone may have consequences.
func readHostFile(name string) []byte {
	var st unix.Stat_t
	if unix.Lstat(name, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxHostFile {
		return nil
	}
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxHostFile))
	if err != nil {
		return nil
	}
	return b
}

// netnsInode returns the inode of a network namespace by a name relative to a
// folder; 0 where that is something else.
func netnsInode(dir int, name string) uint64 {
	var ns, own unix.Stat_t
	if unix.Fstatat(dir, name, &ns, 0) != nil || unix.Stat("/proc/self/ns/net", &own) != nil || ns.Dev != own.Dev {
		return 0
	}
	return ns.Ino
}

// netnsAt returns the inode of the network namespace that stands at a path. That
// of a rootless podman is mounted only for that user's processes: its first one
// holds the mounts.
func netnsAt(procfs, root, name string) uint64 {
	if name = path.Clean(name); !strings.HasPrefix(name, "/") {
		return 0
	}
	if inode := netnsInode(unix.AT_FDCWD, root+name); inode != 0 {
		return inode
	}
	dir, _, ok := strings.Cut(name, "/netns/")
	if !ok || !strings.HasPrefix(dir, "/run/user/") {
		return 0
	}
	pause := strings.TrimSpace(string(readHostFile(root + dir + "/libpod/tmp/pause.pid")))
	if !isPID(pause) {
		return 0
	}
	return netnsInode(unix.AT_FDCWD, procfs+"/"+pause+"/root"+name)
}

// netnsOfChildren returns the network namespace that the children of a process
// are in, where that is one and not its own; 0 otherwise.
func netnsOfChildren(procfs string, pid, dir int) uint64 {
	own, found := netnsInode(dir, "ns/net"), uint64(0)
	for _, tid := range namesIn(procfs + "/" + strconv.Itoa(pid) + "/task") {
		for child := range strings.FieldsSeq(string(readProcFile(dir, "task/"+tid+"/children"))) {
			inode := netnsInode(unix.AT_FDCWD, procfs+"/"+child+"/ns/net")
			if inode == 0 || inode == own {
				continue
			}
			if found != 0 && found != inode {
				return 0
			}
			found = inode
		}
	}
	return found
}

// readProcFile reads a file of a process.
func readProcFile(dir int, name string) []byte {
	n, buf := readWhole(dir, name, nil)
	return buf[:n]
}

// forwards returns the holders that are forwarders, with what is known of each.
func (h *holders) forwards() map[*Process]*forwarding {
	var found map[*Process]*forwarding
	for _, p := range h.procs {
		if p.forwards != nil {
			if found == nil {
				found = make(map[*Process]*forwarding)
			}
			found[&p.Process] = p.forwards
		}
	}
	return found
}
