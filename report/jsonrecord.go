package report

import (
	"net/netip"
	"time"

	"github.com/whatslistening/whatslistening/scanner"
)

// The records are the shape of the report in JSON and YAML. Their tags, and
// those of jsonlistener.go and jsonaudit.go, are the one place that names a key: the writer, the reader and docs/schema.json are
// all made from them, and a comment on a field is its description there.
//
//	json:"port"          the key; it is always written, and always wanted
//	json:"args,omitempty" the key may be missing, and is where the slice is nil,
//	                     or anything else is zero
//	json:"cookie,string" the number stands in quotes: an identifier of 64 bits,
//	                     which jq and JavaScript would round above 2^53
//	enum:"tcp,udp"       the words for 0, 1, …
//	set:"tcp,udp"        the words for the bits 1, 2, …, with a comma between them
//	null:"-1"            this number stands for "not known" and is null
//	null:"zero"          the zero value stands for "not known" or "none": null
//
// A text that is not known, or of something that there is not, is "". No number
// is ever negative.

// reportRecord is a report: what one scan of one host saw, and what it means.
type reportRecord struct {
	// The shape of this document. A new number means that a program which reads the old shape would misread the new one; new keys do not change it.
	Schema   string         `json:"schema"`
	Tool     toolRecord     `json:"tool"`
	Registry registryRecord `json:"registry"`
	Host     hostRecord     `json:"host"`
	// When the scan was made.
	Time     time.Time      `json:"time"`
	Coverage coverageRecord `json:"coverage"`
	// The network namespaces that were looked into, that of the scan first.
	Namespaces []namespaceRecord `json:"namespaces,omitempty"`
	// What listens, by port, protocol and address.
	Listeners listenerSeq `json:"listeners"`
	// The sockets on which the witnesses do not agree, where they were asked.
	Discrepancies []discrepancyRecord `json:"discrepancies,omitempty"`
	// What an audit judged; a list has none.
	Findings []findingRecord `json:"findings"`
	// The approval register that the listeners were held against.
	Policy policyRecord `json:"policy,omitempty"`
	// What the report was to show, where a scan was told.
	Scope scopeRecord `json:"scope,omitempty"`
	// The earlier report that this one was compared with: the findings are what changed.
	Baseline baselineRecord `json:"baseline,omitempty"`
}

// toolRecord is the program that made the report.
type toolRecord struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// registryRecord is the embedded registry of ports.
type registryRecord struct {
	// The day of IANA's registry.
	Date string `json:"date"`
}

// hostRecord is the host that was scanned.
type hostRecord struct {
	Name string `json:"name"`
	// The operating system as Go calls it.
	OS string `json:"os"`
	// The release of the kernel.
	Kernel string `json:"kernel"`
	// New at every boot. With pid and started it identifies a process.
	BootID string `json:"boot_id"`
	// The interfaces that are up.
	Interfaces []interfaceRecord `json:"interfaces"`
	// The range that the kernel picks local ports from.
	Ephemeral portsRecord `json:"ephemeral" null:"zero"`
	// The ports that it leaves out.
	Reserved []portsRecord `json:"reserved"`
}

// interfaceRecord is a network interface.
type interfaceRecord struct {
	Name string `json:"name"`
	// With the length of the prefix, as 192.0.2.7/24.
	Addresses []netip.Prefix `json:"addresses"`
}

// namespaceRecord is a network namespace.
type namespaceRecord struct {
	// host for that of the scan, the name of ip-netns(8), the id of a container, or pid 1234.
	Name string `json:"name"`
	// The inode number of /proc/PID/ns/net; null where not known.
	Inode uint64 `json:"inode" null:"0"`
	// A process in it; null where there is none.
	PID int `json:"pid" null:"0"`
	// How many processes are in it.
	Processes     int    `json:"processes"`
	Runtime       string `json:"runtime,omitempty"`
	Container     string `json:"container,omitempty"`
	ContainerName string `json:"container_name,omitempty"`
	// As those of the host.
	Interfaces []interfaceRecord `json:"interfaces"`
	Ephemeral  portsRecord       `json:"ephemeral" null:"zero"`
	Reserved   []portsRecord     `json:"reserved"`
	// How often a connection found the accept queue of a listener full (ListenOverflows); 0 too where no listener there now has dropped anything.
	Overflows uint64 `json:"listen_overflows"`
	// How often a connection to a listener was dropped for any reason (ListenDrops).
	Drops uint64 `json:"listen_drops"`
}

// discrepancyRecord is a socket on which the witnesses do not agree.
type discrepancyRecord struct {
	Kind      scanner.DiscrepancyKind `json:"kind" enum:"hidden-from-proc,hidden-from-netlink,bound-not-listening,gone-meanwhile,reserved,hidden-from-all"`
	Namespace string                  `json:"namespace"`
	Protocol  scanner.Protocol        `json:"protocol" enum:"tcp,udp,udplite,sctp,dccp,raw,ping,packet,vsock,unix"`
	Family    scanner.Family          `json:"family" null:"0"`
	Address   netip.Addr              `json:"address"`
	Port      uint16                  `json:"port"`
	// Tells the socket from others at the same place; missing where not known.
	Inode uint64 `json:"inode,omitempty"`
	// The witnesses that see it: netlink, gopsutil, procfs, bind, connect.
	Seen []string `json:"seen"`
	// The witnesses that do not.
	Missing []string `json:"missing"`
	// The harmless explanations, the likeliest first.
	Benign []string `json:"benign"`
}

// portsRecord is a run of ports, both ends included.
type portsRecord struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
}

// coverageRecord says what the scan could and could not see.
type coverageRecord struct {
	// False where something that was asked for is missing: the limitations say what.
	Complete    bool               `json:"complete"`
	Limitations []limitationRecord `json:"limitations"`
	// The sources of sockets that answered.
	Sources []string `json:"sources"`
	// root, or user with less.
	Privileges string `json:"privileges"`
	// How many processes there were.
	Processes int `json:"processes"`
	// How many of them did not let their descriptors be seen.
	Unreadable int `json:"unreadable"`
	// How the processes were found: proc, bpf.
	Holders string `json:"holders,omitempty"`
	// What the scan may see, and what stands in its way.
	Access accessRecord `json:"access,omitempty"`
}

// accessRecord is what a scan may see, and what stands in its way.
type accessRecord struct {
	// The effective user; null where there are none (Windows).
	UID int64 `json:"uid" null:"-1"`
	// The effective capabilities by name, as in capabilities(7).
	Capabilities []string `json:"capabilities"`
	// Whether this is the first user namespace of the machine, and the first pid namespace.
	InitialUser bool `json:"initial_user_namespace"`
	InitialPID  bool `json:"initial_pid_namespace"`
	// The options of the mount of /proc; empty for none.
	HidePID string `json:"hidepid"`
	Subset  string `json:"subset"`
	// disabled, strict or filter; empty where not known.
	Seccomp string `json:"seccomp"`
	// kernel.yama.ptrace_scope; null without Yama.
	Yama int `json:"yama" null:"-1"`
	// none, integrity or confidentiality; empty where not known.
	Lockdown string `json:"lockdown"`
	// How many processes there are.
	Processes int `json:"processes,omitempty"`
	// How many of them do not let their descriptors be seen.
	Unreadable int `json:"unreadable,omitempty"`
	// The ways to see sockets and processes.
	Sources []sourceRecord `json:"sources"`
}

// sourceRecord says whether a source answers.
type sourceRecord struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Why not; empty where it answers.
	Why string `json:"why"`
}

// limitationRecord is one thing that the scan could not see.
type limitationRecord struct {
	// A stable word for programs.
	Code string `json:"code"`
	Text string `json:"text"`
	// The next step, or empty.
	Remedy string `json:"remedy"`
}
