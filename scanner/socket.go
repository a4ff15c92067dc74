package scanner

import (
	"net/netip"
	"time"
)

// A Protocol is a transport whose sockets can accept traffic.
type Protocol uint8

// The protocols, as in <linux/in.h>.
const (
	TCP Protocol = iota
	UDP
	UDPLite
	SCTP
	DCCP
	Raw    // raw(7): Port is the number of the IP protocol
	Ping   // ICMP echo sockets (icmp(7)): Port is the identifier
	Packet // packet(7): the socket sees frames; see Socket.Packet
	VSock  // vsock(7), streams between a machine and its guests; see Socket.VSock
	Unix   // unix(7) sockets that accept; see Socket.Unix
)

// A Family is the address family of a socket: 4 for AF_INET, 6 for AF_INET6, 0
// for one that is not of the internet protocols (Packet, VSock, Unix).
type Family uint8

// The families. A socket of family IPv6 whose address is IPv4-mapped keeps the
// family IPv6 while its Addr is the IPv4 address.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// A Socket is a kernel fact: an endpoint on which this host accepts traffic.
type Socket struct {
	Protocol Protocol
	Family   Family
	// MPTCP marks a TCP listener that is a Multipath TCP one (RFC 8684).
	MPTCP bool
	// V6Only is IPV6_V6ONLY (ipv6(7)) of an IPv6 socket: false on "::" means
	// that the socket answers IPv4 too. Only sock_diag knows it; the other
	// source leaves it false and says so in the coverage. It is true of IPv6
	// sockets of Raw and Ping, which never see IPv4.
	V6Only bool
	// Why says why Holders is empty.
	Why Why
	// Port is the local port, in host byte order; for Raw and Ping what the
	// protocol has in its place, and 0 for Packet, VSock and Unix.
	Port uint16
	// Addr is the local address; the zone is set for a link-local one. An
	// IPv4-mapped address is given as IPv4. Packet, VSock and Unix have none.
	Addr netip.Addr
	// Device is the interface of SO_BINDTODEVICE; empty for none.
	Device string
	// Namespace names the network namespace; "host" for that of the scan. It is
	// the Name of one of Snapshot.Namespaces.
	Namespace string
	// UID owns the socket (as it was made, not what its process is now); -1
	// where the source does not tell.
	UID int64
	// User is the name of UID; empty where there is none.
	User string
	// Inode and Cookie identify the socket in the kernel; 0 where unknown.
	Inode, Cookie uint64
	// CgroupID is the cgroup v2 that the socket was made in; 0 where unknown.
	CgroupID uint64
	// Queue is the accept queue; the zero Queue for a protocol without one.
	Queue Queue
	// Holders are the processes with a descriptor of the socket, by pid.
	Holders []*Process
	// KernelUse is what the kernel uses the socket for, where it holds it itself:
	// "vxlan vx0", "wireguard wg0", "nfs"; empty where that is not known.
	KernelUse string
	// Unix, VSock and Packet are the addresses of sockets of those protocols;
	// nil for every other.
	Unix   *UnixAddr
	VSock  *VSockAddr
	Packet *PacketAddr
}

// A UnixAddr is the address of a unix(7) socket.
type UnixAddr struct {
	// Type is "stream" or "seqpacket".
	Type string
	// Path is where the socket is bound; "@" and the name for one in the abstract
	// namespace, whose NULs stand as they are; empty for a socket without a name.
	// A relative path stands as it is; one that begins with "@" as "./@".
	Path string
	// Mode are the permission bits of the path, and UID and User its owner: who
	// may connect. Mode is 0 and UID -1 where they are not known, as for an
	// abstract name, which everyone may connect to.
	Mode uint32
	UID  int64
	User string
	// Inode and Device are those of the file that bind(2) made, as unix_diag has
	// them: the low half of the number, and the kernel's own device number. Both
	// are 0 for an abstract name and where they are not known.
	Inode, Device uint32
	// Gone reports whether the path leads to the socket no more: the file was
	// removed, or another took its place. False too where that cannot be told.
	Gone bool
}

// VSockAny is the CID of a vsock(7) socket that any peer can reach
// (VMADDR_CID_ANY).
const VSockAny = 1<<32 - 1

// A VSockAddr is the address of a vsock(7) socket.
type VSockAddr struct {
	CID, Port uint32
}

// A PacketAddr is what a packet(7) socket sees.
type PacketAddr struct {
	// Type is "raw" for whole frames, "dgram" for those without the link's header.
	Type string
	// EtherType is the protocol of the frames, in host byte order: 3 (ETH_P_ALL)
	// for every one. The interface is the socket's Device; empty for all.
	EtherType uint16
}

// A Queue is the accept queue of a listener: connections waiting now, and how
// many may wait (the smaller of listen(2)'s backlog and net.core.somaxconn).
type Queue struct {
	Length, Limit uint32
	// Dropped is how many packets a TCP listener has dropped since it was made
	// (SK_MEMINFO_DROPS, sock_diag(7)): every attempt to connect to a full queue,
	// the repeated ones too, but also stray ones, as a port scan leaves behind. It
	// is 0 too where the source does not tell.
	Dropped uint32
}

// Full reports whether no further connection is taken. The kernel lets in one
// more than the limit (sk_acceptq_is_full in include/net/sock.h), so that a full
// queue reads 129/128, and a limit of 0 leaves room for one.
func (q Queue) Full() bool { return q.Length > q.Limit }

// A Why is the reason that a socket is without a visible holder.
type Why uint8

// The reasons.
const (
	Held         Why = iota // it has holders
	NotPermitted            // processes could not be looked into
	Kernel                  // the kernel itself holds it
	NotFound                // every process was looked into and none holds it
	NotTold                 // the source does not tell who holds sockets
)

// A Process is one holder of a socket.
type Process struct {
	PID, PPID int
	// Started is when the process began; zero where unknown. The PID together
	// with it is the identity of the process.
	Started time.Time
	// Name is the base name of the program, or the kernel's comm where the
	// program is not to be seen.
	Name string
	// Exe is the path of the program without the kernel's " (deleted)"; empty
	// where unknown.
	Exe string
	// Deleted reports whether Exe was removed or replaced since the start, and
	// Replaced whether another file is there now: an update, which the process
	// has not had.
	Deleted, Replaced bool
	// UID and User are the real user; UID is -1 where unknown.
	UID  int64
	User string
	// Parent is the name of the parent process; empty where unknown.
	Parent string
	// Ancestors are the parent, its parent and so on to the first process; nil
	// unless asked for.
	Ancestors []Ancestor
	// Unit is the systemd unit ("nginx.service"); empty for none. For pid 1 that
	// holds the socket of a service not yet started it is the socket unit
	// ("ssh.socket"), where that can be told.
	Unit string
	// UserUnit is the unit of the user's own systemd ("syncthing.service"), and
	// Slice the slice that the unit is in ("system.slice"); empty for none.
	UserUnit, Slice string
	// Runtime and Container are the container runtime ("docker") and the
	// container's id; empty outside a container.
	Runtime, Container string
	// ContainerName and Image are what the container engine calls the container
	// and what it was made from; empty unless asked for and answered.
	ContainerName, Image string
	// Pod is the uid of the Kubernetes pod, and QoS its class ("guaranteed",
	// "burstable", "besteffort"); empty outside one.
	Pod, QoS string
	// Forwards is where a port forwarder of a container engine sends what it
	// accepts (docker-proxy, rootlessport, conmon); nil for every other process.
	Forwards []Forward
	// Script is the script, module or jar that an interpreter runs.
	Script string
	// Args are the redacted arguments; nil unless asked for.
	Args []string
}

// An Ancestor is a process that a holder descends from.
type Ancestor struct {
	PID  int
	Name string
}

// A Forward is a published port of a container.
type Forward struct {
	Protocol Protocol
	// From is the published address; To is the address inside the container. A
	// zero address is any of the container's.
	From, To netip.AddrPort
	// Namespace is the network namespace that To is in, one of
	// Snapshot.Namespaces; empty where it is not known.
	Namespace string
	// Container is the id of the container and ContainerName its name; empty where
	// they are not known.
	Container, ContainerName string
}
