package scanner

// A Source is a way to enumerate the sockets.
type Source uint8

// The sources.
const (
	Auto     Source = iota // the best that this host has
	Netlink                // sock_diag(7); Linux
	Gopsutil               // gopsutil v3; every platform
)

// Options are what a scan can be told. The zero Options scan everything that
// accepts TCP or UDP traffic (and SCTP, DCCP and UDP-Lite where there are any).
type Options struct {
	Source Source
	// Protocols are the protocols wanted; none means the default set.
	Protocols []Protocol
	// Args asks for the arguments of the processes, redacted.
	Args bool
	// ProcFS is where /proc is; empty means /proc. HOST_PROC is never obeyed.
	ProcFS string
}
