package scanner

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// ErrNoNamespace is the error of a scan that was asked to look into a network
// namespace which does not exist ([Options.NetNS]).
var ErrNoNamespace = errors.New("no such network namespace")

// A NamespaceError is the error of a scan that may not look into the network
// namespace that it was asked to ([Options.NetNS]); it is an [os.ErrPermission].
type NamespaceError struct {
	Err error
	// Remedy is what would let it.
	Remedy string
}

func (e *NamespaceError) Error() string { return e.Err.Error() }

func (e *NamespaceError) Unwrap() error { return e.Err }

// The words that Options.NetNS knows.
const (
	NetNSOwn = "own" // that of the scan alone
	NetNSAll = "all" // every one, however hard it is to find
)

// OwnNamespace is the name of the network namespace of the scan.
const OwnNamespace = "host"

// A netNS is a network namespace on its way into a snapshot.
type netNS struct {
	Namespace
	mount  string  // where it is mounted, empty for nowhere
	prefix string  // leads to the root below which that is
	pids   []int32 // processes in it: the first few
	fd     int     // an open descriptor of it where there is no other way in, or -1
	keeper int     // the process that keeps it alive by a descriptor
	// containers are those that its processes are in: a process of each.
	containers []*Process
	cookie     uint64 // by which sockets know it; 0 where unknown

	sockets  []Socket
	coverage Coverage
	err      error // why it was not looked into
}

// netnsFolders are where ip-netns(8) has the namespaces that it names; the
// second is where /var/run is a folder of its own.
var netnsFolders = [...]string{"/run/netns/", "/var/run/netns/"}

// ipName returns the name by which ip-netns(8) knows a namespace that is mounted
// there, empty for none.
func ipName(mount string) string {
	for _, folder := range netnsFolders {
		if name, ok := strings.CutPrefix(mount, folder); ok && !strings.Contains(name, "/") {
			return name
		}
	}
	return ""
}

// isMadeUp reports whether a program made up a name of ip-netns(8), as Podman
// and the CNI plugins do: "netns-" or "cni-" and a UUID.
func isMadeUp(name string) bool {
	kind, rest, _ := strings.Cut(name, "-")
	return (kind == "netns" || kind == "cni") && len(rest) == 36 && strings.Trim(rest, "0123456789abcdef-") == ""
}

// names returns what the namespace could be called, the best first. The last one
// is no other's.
func (n *netNS) names() []string {
	ip := ipName(n.mount)
	list := make([]string, 0, 6)
	if !isMadeUp(ip) {
		list = append(list, ip)
	}
	list = append(list, n.Container, ip, n.mount)
	if n.PID != 0 {
		list = append(list, "pid "+strconv.Itoa(n.PID))
	}
	if n.keeper != 0 {
		list = append(list, "held by pid "+strconv.Itoa(n.keeper))
	}
	return append(list, "net:["+strconv.FormatUint(n.Inode, 10)+"]")
}

// nameAll gives namespaces names, each once and none of those taken, and sorts
// them by name.
func nameAll(nets []*netNS, taken map[string]*netNS) {
	slices.SortFunc(nets, func(a, b *netNS) int { return cmp.Compare(a.Inode, b.Inode) })
	for _, n := range nets {
		for _, name := range n.names() {
			if _, ok := taken[name]; !ok && name != "" {
				n.Name, taken[name] = name, n
				break
			}
		}
	}
	slices.SortFunc(nets, func(a, b *netNS) int { return cmp.Compare(a.Name, b.Name) })
}

// A nsMount is a place where a network namespace is mounted.
type nsMount struct {
	inode uint64
	path  string
}

// parseNetMounts reads the mounts of network namespaces from a mountinfo:
// proc_pid_mountinfo(5). The root of such a mount is "net:[INODE]".
func parseNetMounts(b []byte) []nsMount {
	var list []nsMount
	for line := range bytes.Lines(b) {
		mount, super, ok := bytes.Cut(line, []byte(" - "))
		if !ok || !bytes.HasPrefix(super, []byte("nsfs ")) {
			continue
		}
		f := bytes.Fields(mount)
		if len(f) < 5 {
			continue
		}
		if inode := parseNetLink(f[3]); inode != 0 {
			list = append(list, nsMount{inode, unescapeMount(f[4])})
		}
	}
	return list
}

// unescapeMount undoes the octal escapes of a mountinfo: "\040" is a space.
func unescapeMount(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) {
			if c, err := strconv.ParseUint(string(b[i+1:i+4]), 8, 8); err == nil {
				out.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		out.WriteByte(b[i])
	}
	return out.String()
}

// parseNetLink returns the inode of a link such as "net:[4026531840]", and 0 for
// every other text.
func parseNetLink(link []byte) uint64 { return parseInodeLink(link, "net:[") }

// betterMount reports whether a namespace is better known by the place a than by
// b: where ip-netns(8) looks, then where the path is short.
func betterMount(a, b string) bool {
	if known := ipName(a) != ""; known != (ipName(b) != "") {
		return known
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) < 0
}
