package report

import (
	"net/netip"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// The records are the shape of the report in JSON and YAML. Their tags are the
// one place that names a key: the writer, the reader and docs/schema.json are
// all made from them, and a comment on a field is its description there.
//
//	json:"port"          the key; it is always written, and always wanted
//	json:"args,omitempty" the key may be missing, and is where the slice is nil
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
	// What listens, by port, protocol and address.
	Listeners listenerSeq `json:"listeners"`
	// What an audit judged; a list has none.
	Findings []findingRecord `json:"findings"`
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
}

// limitationRecord is one thing that the scan could not see.
type limitationRecord struct {
	// A stable word for programs.
	Code string `json:"code"`
	Text string `json:"text"`
	// The next step, or empty.
	Remedy string `json:"remedy"`
}

// listenerRecord is a socket that accepts traffic, and what it means.
type listenerRecord struct {
	Protocol scanner.Protocol `json:"protocol" enum:"tcp,udp,udplite,sctp,dccp,raw"`
	// 4 or 6: the address family of the socket. One of family 6 may be bound to an IPv4 address, which stands here as IPv4.
	Family scanner.Family `json:"family"`
	// A Multipath TCP listener (RFC 8684).
	MPTCP bool `json:"mptcp"`
	// With the zone of a link-local address, as fe80::1%eth0.
	Address netip.Addr `json:"address"`
	Port    uint16     `json:"port"`
	// IPV6_V6ONLY: where false, a socket on :: answers IPv4 too.
	V6Only bool `json:"v6only"`
	// The interface of SO_BINDTODEVICE; empty for none.
	Device string `json:"device"`
	// The network namespace: host is that of the scan.
	Namespace string `json:"namespace"`
	// The owner of the socket as it was made; null where not known.
	UID int64 `json:"uid" null:"-1"`
	// The name of uid; empty where it has none.
	User string `json:"user"`
	// The socket's inode number; null where not known.
	Inode uint64 `json:"inode" null:"0"`
	// The socket's identity until the next boot, a decimal number of 64 bits; null where not known.
	Cookie uint64 `json:"cookie,string" null:"0"`
	// The cgroup v2 that the socket was made in, a decimal number of 64 bits; null where not known.
	CgroupID uint64 `json:"cgroup_id,string" null:"0"`
	// The label of the port.
	Service serviceRecord `json:"service"`
	// What every layer of the registry says of the port, where that was asked for.
	Opinions []entryRecord `json:"opinions"`
	// The IANA range of the port.
	Range portdb.Range `json:"range" enum:"well-known,registered,dynamic"`
	// Who can reach the socket: the widest class of peers.
	Exposure annotate.Exposure `json:"exposure" enum:"loopback,container,link-local,private,shared,public,all"`
	// The widest class among addresses: what an exposure of all comes to on this host.
	Widest annotate.Exposure `json:"widest" enum:"loopback,container,link-local,private,shared,public,all"`
	// The addresses behind a wildcard, or the one that the socket is bound to.
	Addresses []netip.Addr `json:"addresses"`
	// The port lies in the range that the kernel gives to clients, and is not reserved there.
	Ephemeral bool `json:"ephemeral"`
	// A UDP socket that is likely a client waiting for its answer.
	MaybeClient bool `json:"maybe_client"`
	// The program held against the registration of the port.
	Program annotate.Verdict `json:"program" enum:"unknown,matches,differs,unregistered"`
	// What the program is known to serve here, where that is not what the port is registered for.
	KnownAs string `json:"known_as"`
	// The accept queue; null where there is none or it is not known.
	Queue queueRecord `json:"queue" null:"zero"`
	// Who holds the socket: processes, or the reason that none is listed.
	Owner scanner.Why `json:"owner" enum:"processes,not-permitted,kernel,not-found,not-told"`
	// The processes with a descriptor of the socket, by pid.
	Processes []processRecord `json:"processes"`
}

// serviceRecord is the label of a port.
type serviceRecord struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// The layer of the registry that the label comes from; null without a label.
	Source source `json:"source" enum:"iana,appendix,common,local" null:"-1"`
}

// source is a [portdb.Source], or -1 for none.
type source int8

// entryRecord is what one layer of the registry says of a port, or of a run of
// ports.
type entryRecord struct {
	Source portdb.Source `json:"source" enum:"iana,appendix,common,local"`
	// One transport, or several as tcp,udp; empty where the layer does not state one.
	Transport portdb.Transport `json:"transport" set:"tcp,udp,sctp,dccp"`
	// The run of ports that the entry speaks of; null for a service that has a name and no port.
	First int32 `json:"first" null:"-1"`
	Last  int32 `json:"last" null:"-1"`
	// The name of the service; empty where the layer gives none.
	Name string `json:"name"`
	// Further names for the same port.
	Aliases []string `json:"aliases"`
	// In the layer's own words.
	Description string        `json:"description"`
	Status      portdb.Status `json:"status" enum:"assigned,unassigned,reserved,de-registered"`
	// RFCs and other documents.
	Reference string `json:"reference"`
	// Known unauthorized uses of the port.
	Unauthorized string `json:"unauthorized"`
	// The assignment note, the reason, or what is odd about the entry.
	Note string `json:"note"`
}

// queueRecord is the accept queue of a listener.
type queueRecord struct {
	// Connections that wait to be accepted.
	Length uint32 `json:"length"`
	// How many may wait.
	Limit uint32 `json:"limit"`
}

// processRecord is a process that holds a socket.
type processRecord struct {
	PID  int `json:"pid"`
	PPID int `json:"ppid"`
	// When it began; null where not known.
	Started time.Time `json:"started" null:"zero"`
	// The base name of the program.
	Name string `json:"name"`
	// The path of the program.
	Exe string `json:"exe"`
	// The file of the program was removed or replaced since the start.
	Deleted bool `json:"deleted"`
	// The real user; null where not known.
	UID  int64  `json:"uid" null:"-1"`
	User string `json:"user"`
	// The name of the parent process.
	Parent string `json:"parent"`
	// The systemd unit.
	Unit string `json:"unit"`
	// The container runtime, and the id of the container; empty outside one.
	Runtime   string `json:"runtime"`
	Container string `json:"container"`
	// What an interpreter runs: a script, module or jar.
	Script string `json:"script"`
	// The redacted arguments, where they were asked for.
	Args []string `json:"args,omitempty"`
}

// findingRecord is a judgement of an audit.
type findingRecord struct{}

// lineRecord is a line of JSONL: a listener, and what the report says of all.
type lineRecord struct {
	Schema string `json:"schema"`
	// The name of the host.
	Host string `json:"host"`
	// When the scan was made.
	Time time.Time `json:"time"`
	// Whether the scan saw all that was asked for.
	Complete bool `json:"complete"`
	listenerRecord
}
