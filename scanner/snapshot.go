package scanner

import (
	"net/netip"
	"slices"
)

// A Snapshot is what a scan saw.
type Snapshot struct {
	Host    Host
	Sockets []Socket
	// Namespaces are the network namespaces that were looked into, that of the
	// scan first; none where the source does not tell them apart.
	Namespaces []Namespace
	// Discrepancies are what the witnesses do not agree on; nil unless they were
	// asked for ([Options.Verify]).
	Discrepancies []Discrepancy
	Coverage      Coverage

	memory *memory // for the next scan of a series; nil where there is to be none
}

// A Namespace is a network namespace: network_namespaces(7).
type Namespace struct {
	// Name is what a person would call it, each once in a snapshot: "host" for
	// that of the scan, the name of ip-netns(8), the id of the container, where it
	// is mounted, "pid 1234", or "held by pid 1234" by a descriptor.
	Name string
	// Inode identifies it until it ends (/proc/PID/ns/net); 0 where unknown.
	Inode uint64
	// PID is a process in it, the lowest; 0 where none was found.
	PID int
	// Processes is how many processes are in it.
	Processes int
	// Runtime, Container and ContainerName are those of its processes. Where several
	// containers share it (a pod), they are those of the one that began first.
	Runtime, Container, ContainerName string
	// Interfaces, Ephemeral and Reserved are as in Host, of this namespace.
	Interfaces []Interface
	Ephemeral  PortRange
	Reserved   []PortRange
	// Overflows and Drops are how often a connection found the accept queue of a
	// listener full, and how often one was dropped for any reason, since the
	// namespace was made (ListenOverflows and ListenDrops of /proc/net/netstat).
	// They are asked only where a listener has dropped anything or has a full
	// queue, and are 0 otherwise.
	Overflows, Drops uint64
}

// A Discrepancy is a socket on which two witnesses do not agree, or one without
// an explanation of its own.
type Discrepancy struct {
	Kind DiscrepancyKind
	// Namespace, Protocol, Family, Addr and Port name the socket, as in Socket.
	Namespace string
	Protocol  Protocol
	Family    Family
	Addr      netip.Addr
	Port      uint16
	// Inode tells the socket from others at the same place; 0 where unknown.
	Inode uint64
	// Seen and Missing are the witnesses that see it and those that do not:
	// "netlink", "gopsutil", "procfs" (the tables of this process), "procfs/812"
	// (those of another in the namespace), "bind", "connect". One that cannot tell
	// is in neither.
	Seen, Missing []string
	// Benign are the harmless explanations, the likeliest first.
	Benign []string
}

// A DiscrepancyKind says what the witnesses do not agree on.
type DiscrepancyKind uint8

// The kinds.
const (
	HiddenFromProc    DiscrepancyKind = iota // netlink shows it, /proc/net does not
	HiddenFromNetlink                        // /proc/net shows it, netlink does not
	BoundNotListening                        // the port is taken, and no witness shows a listener
	GoneMeanwhile                            // it ended while the witnesses were asked
	ReservedPort                             // the kernel keeps the port back
	HiddenFromAll                            // the port is taken, and no witness shows a socket there
)

// A Host is what the scan learned of the machine.
type Host struct {
	Name   string
	OS     string // runtime.GOOS
	Kernel string // release; empty where unknown
	BootID string // random, new at every boot; empty where unknown
	// Interfaces are the network interfaces that are up, with their addresses.
	Interfaces []Interface
	// Ephemeral is the range that the kernel picks local ports from
	// (net.ipv4.ip_local_port_range); the zero PortRange where unknown.
	Ephemeral PortRange
	// Reserved are the ports that it does not pick
	// (net.ipv4.ip_local_reserved_ports).
	Reserved []PortRange
}

// An Interface is a network interface and its addresses.
type Interface struct {
	Name  string
	Addrs []netip.Prefix
}

// A PortRange is a run of ports, both ends included.
type PortRange struct {
	First, Last uint16
}

// Coverage says what a scan could and could not see.
type Coverage struct {
	// Complete reports whether nothing that was asked for is missing.
	Complete bool
	// Sources are the sources that answered, that of the sockets first: "netlink",
	// "gopsutil"; with [Options.Verify] all witnesses: "procfs", "bind", "connect".
	Sources []string
	// Privileges is "root", or "user" with less.
	Privileges string
	// Processes is how many processes there were, Unreadable how many of them
	// did not let their descriptors be seen.
	Processes, Unreadable int
	// Holders is how the processes were found: "proc", "bpf"; empty where the
	// source of the sockets names them.
	Holders string
	// Access is what this process may do and what stands in its way; nil unless
	// asked for ([Options.Access]).
	Access *Access
	// Limitations are the things not seen, each with its remedy.
	Limitations []Limitation
}

// An Access is what a scan may see, and what stands in its way.
type Access struct {
	// UID is the effective user; -1 where there are none (Windows).
	UID int64
	// Capabilities are the effective ones by name, as in capabilities(7):
	// "CAP_SYS_PTRACE".
	Capabilities []string
	// InitialUser and InitialPID report whether this process is in the first user
	// namespace and the first pid namespace: root of another counts only there.
	// They are true outside Linux.
	InitialUser, InitialPID bool
	// HidePID and Subset are the options of the mount of /proc (proc(5)); empty
	// for none.
	HidePID, Subset string
	// Seccomp is the mode: "disabled", "strict", "filter"; empty where unknown.
	Seccomp string
	// Yama is kernel.yama.ptrace_scope; -1 without Yama.
	Yama int
	// Lockdown is the mode of kernel_lockdown(7): "none", "integrity",
	// "confidentiality"; empty where unknown.
	Lockdown string
	// Processes is how many processes there are, Unreadable how many of them do
	// not let their descriptors be seen.
	Processes, Unreadable int
	// Sources are the ways to see sockets and processes, and whether each
	// answers.
	Sources []SourceState
}

// A SourceState says whether a source answers.
type SourceState struct {
	// Name is "sock_diag tcp", "procfs", "gopsutil", "bpf" …
	Name string
	OK   bool
	// Why says why not; empty where it answers.
	Why string
}

// A Limitation is one thing that a scan could not see.
type Limitation struct {
	// Code is a stable word for programs: "unreadable-processes".
	Code string
	// Text is the sentence for people; Remedy the next step, or empty.
	Text, Remedy string
}

// limit adds a limitation. A limitation that costs facts also makes the
// coverage incomplete.
func (c *Coverage) limit(incomplete bool, code, text, remedy string) {
	if incomplete {
		c.Complete = false
	}
	c.Limitations = append(c.Limitations, Limitation{code, text, remedy})
}

// join takes over the limitations of another network namespace, each once: what
// holds for the kernel was said of the scan's own.
func (c *Coverage) join(other *Coverage) {
	c.Complete = c.Complete && other.Complete
	for _, l := range other.Limitations {
		if !slices.Contains(c.Limitations, l) {
			c.Limitations = append(c.Limitations, l)
		}
	}
}

// has reports whether there is a limitation of that code.
func (c *Coverage) has(code string) bool {
	return slices.ContainsFunc(c.Limitations, func(l Limitation) bool { return l.Code == code })
}
