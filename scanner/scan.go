package scanner

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

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
	// Protocols are the protocols wanted; none means [DefaultProtocols].
	Protocols []Protocol
	// Args asks for the arguments of the processes, redacted.
	Args bool
	// ProcFS is where /proc is; empty means /proc. HOST_PROC is never obeyed.
	ProcFS string
	// NetNS says which network namespaces are looked into: [NetNSOwn], [NetNSAll],
	// or one by the name that ip-netns(8) has for it, by a pid, or by its
	// Namespace.Name or container, with ContainerNames also by what the engine calls
	// that. Empty means all that are easy to find
	// with CAP_SYS_ADMIN, and own otherwise: what only a thread, a socket or a
	// descriptor of another user than root leads to is found with NetNSAll alone.
	NetNS string
	// Holders says how processes are found.
	Holders HolderSource
	// Ancestors asks for the processes that the holders descend from.
	Ancestors bool
	// ContainerNames asks the container engines of this host what they call the
	// containers, by a read of their unix sockets.
	ContainerNames bool
	// Access asks for what the scan may see ([Coverage].Access).
	Access bool
	// Verify asks for the other witnesses ([Snapshot].Discrepancies). Probe, which
	// means nothing without it, has them try every port that no witness shows a
	// socket at: each is bound for an instant, and where it turns out to be taken,
	// connected to on loopback.
	Verify, Probe bool
	// Previous makes the scan one of a series: it is an earlier snapshot by this
	// process, of the same options, or a new one to begin with. Processes that have
	// not run since are not looked into again (Linux, sock_diag; not with NetNSAll).
	// What the scan shows is what one by itself would show, but that a process which
	// has been running since the kernel's last tick (at most 10 ms, or a second on a
	// processor without ticks), and which in that time both closed a descriptor and
	// got one of a socket that others hold too, may be missing among its holders
	// until the next scan; and so may one that shares its table of descriptors with
	// another process which did that.
	//
	// Previous is not written to. A series walks /proc/PID/fd, whatever Holders says.
	Previous *Snapshot
	// root is where the host's files are; empty for those of this process.
	root string
	// hide has netlink keep sockets back, as a rootkit would: for tests.
	hide func(*Socket) bool
}

// A HolderSource is a way to find the processes that hold sockets.
type HolderSource uint8

// The ways.
const (
	HoldersAuto HolderSource = iota // the fastest that this host has
	HoldersProc                     // a walk of /proc/PID/fd
	HoldersBPF                      // the kernel's task_file iterator; Linux with BPF
)

// procfs returns the folder to read processes and sysctls in.
func (o *Options) procfs() string {
	if o.ProcFS == "" {
		return "/proc"
	}
	return o.ProcFS
}

// DefaultProtocols returns the protocols of a scan that is not told any: those
// with ports.
func DefaultProtocols() []Protocol { return []Protocol{TCP, UDP, UDPLite, SCTP, DCCP} }

// hostRoot returns the folder below which the files of the host are: where
// processes are read in another folder than /proc, those of its first process.
func (o *Options) hostRoot() string {
	if o.root == "" && o.ProcFS != "" {
		return o.ProcFS + "/1/root"
	}
	return o.root
}

// protocols returns the protocols wanted, each once.
func (o *Options) protocols() []Protocol {
	if len(o.Protocols) == 0 {
		return DefaultProtocols()
	}
	var list []Protocol
	for p := TCP; p <= Unix; p++ {
		for _, want := range o.Protocols {
			if p == want {
				list = append(list, p)
				break
			}
		}
	}
	return list
}

// Scan lists the sockets on which this host accepts traffic, with the processes
// that hold them, in no particular order. A nil o is the zero Options.
//
// What a scan cannot see is in the snapshot's Coverage and is no error. Scan
// errs only where no source could list any sockets at all, or where the one that
// o names could not. When ctx ends in the middle of the search for holders, the
// snapshot has the sockets, and the coverage says that it was interrupted.
func Scan(ctx context.Context, o *Options) (*Snapshot, error) {
	if o == nil {
		o = new(Options)
	}
	s := &Snapshot{Coverage: Coverage{Complete: true}}
	search := beginNetSearch(o)
	defer search.close()
	source, err := s.list(ctx, o)
	search.listed(o, source, err)
	if err != nil {
		return nil, err
	}
	s.Coverage.Sources = []string{source.String()}
	var own Namespace
	s.Host, own = readHost(ctx, o, &s.Coverage)
	if source == Netlink {
		s.Namespaces = []Namespace{own}
	}
	if err := s.elsewhere(ctx, o, source, search); err != nil {
		return nil, err
	}
	if o.ProcFS != "" {
		s.Coverage.limit(false, LimitProcFS, fmt.Sprintf("processes were read from %q", o.ProcFS), "")
	}
	s.own(ctx, o, source, search)
	if o.ContainerNames {
		s.nameContainers(ctx, o)
	}
	if o.Verify {
		s.verify(ctx, o, search)
	}
	if o.Access {
		s.access(ctx, o, source)
	}
	return s, nil
}

// list fills in the sockets and returns the source that answered.
func (s *Snapshot) list(ctx context.Context, o *Options) (Source, error) {
	var err error
	switch o.Source {
	case Netlink:
		s.Sockets, err = listNetlink(ctx, o, &s.Coverage)
		return Netlink, err
	case Gopsutil:
		s.Sockets, err = listGopsutil(ctx, o, &s.Coverage)
		return Gopsutil, err
	case Auto:
	default:
		return o.Source, fmt.Errorf("no source %v", o.Source)
	}
	if runtime.GOOS == "linux" {
		c := s.Coverage
		if s.Sockets, err = listNetlink(ctx, o, &c); err == nil {
			s.Coverage = c
			return Netlink, nil
		}
		if ctx.Err() != nil {
			return Netlink, err
		}
		s.Coverage.limit(true, LimitNetlinkUnavailable, fmt.Sprintf("the kernel could not be asked (%v); gopsutil was", err),
			"allow sockets of family AF_NETLINK (seccomp, container runtime)")
	}
	var err2 error
	if s.Sockets, err2 = listGopsutil(ctx, o, &s.Coverage); err2 != nil {
		return Gopsutil, errors.Join(err, err2)
	}
	return Gopsutil, nil
}
