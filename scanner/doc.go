// Package scanner finds the sockets on which this host accepts traffic, and the
// processes that hold them.
//
// [Scan] is the way in. The data goes one way:
//
//	source ──▶ sockets ──▶ walk of /proc ──▶ look again ──▶ Snapshot
//
// # Two sources
//
// Sockets come from one of two sources, behind one function. On Linux the first
// is sock_diag(7): one netlink request for each protocol and family, in which the
// kernel itself leaves out the sockets that accept nothing. What it tells of a
// socket is all that there is in [Socket]. Everywhere, and on Linux where netlink
// is not to be had, it is gopsutil, which reads /proc/net, runs lsof or netstat,
// or asks Windows for its tables; what it loses is said in the [Coverage].
//
// The codec (netlink.go, diag.go, host.go) is apart from the reading, has no
// build tag, and is fuzzed.
//
// With [Options.Verify] the sources, and two readings of /proc/net by this
// package, are held against each other: a [Discrepancy] is a socket that one of
// them shows and another never does.
//
// # Every network namespace
//
// As root a scan looks into every network namespace of the host that it finds
// ([Options].NetNS), each in a thread that enters it and ends thereafter. A caller
// that starts processes with a Pdeathsig (os/exec) must keep the thread that
// starts them, as the documentation of syscall.SysProcAttr says.
//
// # Sockets first, holders second
//
// Every socket is listed, also when nobody visible holds it: then [Socket.Why]
// is the reason. On Linux the holders are found by a walk of /proc/PID/fd. The
// table of sockets and the walk are not of one moment, so that a socket that the
// walk left without a holder is asked for again: it may be gone, or its holder
// newer than the walk.
//
// # What could not be seen
//
// A [Coverage] says it, each [Limitation] with its remedy. Scan errs only where
// it could list no sockets at all.
//
// # Text from the host
//
// Names, paths and arguments are chosen by whoever runs a process. The package
// hands them on as it read them, byte for byte: whoever prints them makes them
// printable.
package scanner
