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
	Raw
)

// A Family is the address family of a socket: 4 for AF_INET, 6 for AF_INET6.
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
	// source leaves it false and says so in the coverage.
	V6Only bool
	// Why says why Holders is empty.
	Why Why
	// Port is the local port, in host byte order.
	Port uint16
	// Addr is the local address; the zone is set for a link-local one. An
	// IPv4-mapped address is given as IPv4.
	Addr netip.Addr
	// Device is the interface of SO_BINDTODEVICE; empty for none.
	Device string
	// Namespace names the network namespace; "host" for that of the scan.
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
}

// A Queue is the accept queue of a listener: connections waiting now, and how
// many may wait (the smaller of listen(2)'s backlog and net.core.somaxconn).
type Queue struct {
	Length, Limit uint32
}

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
	// Deleted reports whether Exe was removed or replaced since the start.
	Deleted bool
	// UID and User are the real user; UID is -1 where unknown.
	UID  int64
	User string
	// Parent is the name of the parent process; empty where unknown.
	Parent string
	// Unit is the systemd unit ("nginx.service"); empty for none.
	Unit string
	// Runtime and Container are the container runtime ("docker") and the
	// container's id; empty outside a container.
	Runtime, Container string
	// Script is the script, module or jar that an interpreter runs.
	Script string
	// Args are the redacted arguments; nil unless asked for.
	Args []string
}
