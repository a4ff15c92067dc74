package report

import (
	"net/netip"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// The records of a listener, as in jsonrecord.go.

// listenerRecord is a socket that accepts traffic, and what it means.
type listenerRecord struct {
	Protocol scanner.Protocol `json:"protocol" enum:"tcp,udp,udplite,sctp,dccp,raw,ping,packet,vsock,unix"`
	// 4 or 6: the address family of the socket. One of family 6 may be bound to an IPv4 address, which stands here as IPv4. Null for a socket that is not of the internet protocols.
	Family scanner.Family `json:"family" null:"0"`
	// A Multipath TCP listener (RFC 8684).
	MPTCP bool `json:"mptcp"`
	// With the zone of a link-local address, as fe80::1%eth0. Null for a socket that is not of the internet protocols.
	Address netip.Addr `json:"address" null:"zero"`
	// For a raw socket the number of the IP protocol, for a ping socket its identifier; null for a socket that has none.
	Port uint16 `json:"port" null:"0"`
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
	// The IANA range of the port; null where the protocol has no ports.
	Range rangeOrNone `json:"range" enum:"well-known,registered,dynamic" null:"-1"`
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
	// What the kernel uses a socket of its own for: vxlan vx0, wireguard wg0.
	KernelUse string `json:"kernel_use,omitempty"`
	// The address of a unix socket.
	Unix unixRecord `json:"unix,omitempty"`
	// The address of a vsock socket.
	VSock vsockRecord `json:"vsock,omitempty"`
	// What a packet socket sees.
	Packet packetRecord `json:"packet,omitempty"`
	// How the accept queue is doing.
	Backlog annotate.Backlog `json:"backlog,omitempty" enum:"ok,was-full,full"`
	// A client may have the port when the server starts again.
	MayNotStart bool `json:"may_not_start,omitempty"`
	// The sockets in containers that this published port leads to.
	LeadsTo []endpointRecord `json:"leads_to,omitempty"`
	// The published ports that lead to this socket.
	PublishedAs []endpointRecord `json:"published_as,omitempty"`
	// What the approval register says of it, where it was held against one.
	Approval approvalRecord `json:"approval,omitempty"`
}

// unixRecord is the address of a unix socket.
type unixRecord struct {
	// stream or seqpacket.
	Type string `json:"type"`
	// With @ in front for an abstract name.
	Path string `json:"path"`
	// The permission bits of the path, as a number; null where not known.
	Mode uint32 `json:"mode" null:"0"`
	// The owner of the path; null where not known.
	UID  int64  `json:"uid" null:"-1"`
	User string `json:"user"`
	// The file that the socket was bound to: the low half of its inode number, and the kernel's number of its device.
	Inode  uint32 `json:"inode,omitempty"`
	Device uint32 `json:"device,omitempty"`
	// The path leads to the socket no more: the file was removed, or another took its place.
	Gone bool `json:"gone,omitempty"`
}

// vsockRecord is the address of a vsock socket.
type vsockRecord struct {
	// 4294967295 for any.
	CID  uint32 `json:"cid"`
	Port uint32 `json:"port"`
}

// packetRecord is what a packet socket sees.
type packetRecord struct {
	// raw or dgram.
	Type string `json:"type"`
	// 3 for every protocol.
	EtherType uint16 `json:"ethertype"`
}

// endpointRecord names a socket of the same report.
type endpointRecord struct {
	Namespace string           `json:"namespace"`
	Protocol  scanner.Protocol `json:"protocol" enum:"tcp,udp,udplite,sctp,dccp,raw,ping,packet,vsock,unix"`
	Address   netip.Addr       `json:"address"`
	Port      uint16           `json:"port"`
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
	// How many packets a TCP listener has dropped since it was made: for a full queue, and stray ones.
	Dropped uint32 `json:"dropped,omitempty"`
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
	// Another file is there now: an update, which the process has not had.
	Replaced bool `json:"replaced,omitempty"`
	// The real user; null where not known.
	UID  int64  `json:"uid" null:"-1"`
	User string `json:"user"`
	// The name of the parent process.
	Parent string `json:"parent"`
	// The parent, its parent and so on, where that was asked for.
	Ancestors []ancestorRecord `json:"ancestors,omitempty"`
	// The systemd unit.
	Unit string `json:"unit"`
	// The unit of the user's own systemd.
	UserUnit string `json:"user_unit,omitempty"`
	// The slice that the unit is in.
	Slice string `json:"slice,omitempty"`
	// The container runtime, and the id of the container; empty outside one.
	Runtime   string `json:"runtime"`
	Container string `json:"container"`
	// The name and image of the container, where the engine was asked and answered.
	ContainerName string `json:"container_name,omitempty"`
	Image         string `json:"image,omitempty"`
	// The uid of the Kubernetes pod and its class: guaranteed, burstable, besteffort.
	Pod string `json:"pod,omitempty"`
	QoS string `json:"qos,omitempty"`
	// Where a port forwarder sends what it accepts.
	Forwards []forwardRecord `json:"forwards,omitempty"`
	// What an interpreter runs: a script, module or jar.
	Script string `json:"script"`
	// The redacted arguments, where they were asked for.
	Args []string `json:"args,omitempty"`
}

// ancestorRecord is a process that a holder descends from.
type ancestorRecord struct {
	PID  int    `json:"pid"`
	Name string `json:"name"`
}

// forwardRecord is a published port of a container.
type forwardRecord struct {
	Protocol scanner.Protocol `json:"protocol" enum:"tcp,udp,udplite,sctp,dccp,raw,ping,packet,vsock,unix"`
	// The published address.
	From     netip.Addr `json:"from"`
	FromPort uint16     `json:"from_port"`
	// The address inside the container; null for any of its addresses.
	To        netip.Addr `json:"to" null:"zero"`
	ToPort    uint16     `json:"to_port"`
	Container string     `json:"container"`
	// What the engine calls the container, where it was asked and answered.
	ContainerName string `json:"container_name,omitempty"`
	// The network namespace of to, where it is known.
	Namespace string `json:"namespace,omitempty"`
}

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
