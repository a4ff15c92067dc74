package scanner

import (
	"fmt"
	"strings"
)

// protocols are the names of the protocols.
var protocols = [...]string{"tcp", "udp", "udplite", "sctp", "dccp", "raw", "ping", "packet", "vsock", "unix"}

// String returns the name of the protocol in lower case: "tcp", "udplite".
func (p Protocol) String() string {
	if int(p) < len(protocols) {
		return protocols[p]
	}
	return fmt.Sprintf("protocol(%d)", uint8(p))
}

// ParseProtocol returns the protocol of a name as String writes it. It errs on
// any other text.
func ParseProtocol(s string) (Protocol, error) {
	for p, name := range protocols {
		if s == name {
			return Protocol(p), nil
		}
	}
	return 0, fmt.Errorf("no protocol %q: want one of %s", s, strings.Join(protocols[:], ", "))
}

// HasPorts reports whether the sockets of the protocol are at ports, as the
// registry numbers them.
func (p Protocol) HasPorts() bool { return p <= DCCP }

// discrepancies are the words of the kinds.
var discrepancies = [...]string{"hidden-from-proc", "hidden-from-netlink", "bound-not-listening", "gone-meanwhile", "reserved", "hidden-from-all"}

// String returns the kind as a word for programs: "hidden-from-proc".
func (k DiscrepancyKind) String() string {
	if int(k) < len(discrepancies) {
		return discrepancies[k]
	}
	return fmt.Sprintf("discrepancy(%d)", uint8(k))
}

// holderSources are the names of the ways to find holders.
var holderSources = [...]string{"auto", "proc", "bpf"}

// String returns the name of the way as the command line has it.
func (h HolderSource) String() string {
	if int(h) < len(holderSources) {
		return holderSources[h]
	}
	return fmt.Sprintf("holders(%d)", uint8(h))
}

// ParseHolderSource returns the way of a name as String writes it. It errs on
// any other text.
func ParseHolderSource(s string) (HolderSource, error) {
	for h, name := range holderSources {
		if s == name {
			return HolderSource(h), nil
		}
	}
	return 0, fmt.Errorf("no way %q to find processes: want one of %s", s, strings.Join(holderSources[:], ", "))
}

// String returns the name of the source as the command line has it.
func (s Source) String() string {
	switch s {
	case Auto:
		return "auto"
	case Netlink:
		return "netlink"
	case Gopsutil:
		return "gopsutil"
	}
	return fmt.Sprintf("source(%d)", uint8(s))
}

// ParseSource returns the source of a name as String writes it. It errs on any
// other text.
func ParseSource(s string) (Source, error) {
	for src := Auto; src <= Gopsutil; src++ {
		if s == src.String() {
			return src, nil
		}
	}
	return 0, fmt.Errorf("no source %q: want auto, netlink or gopsutil", s)
}

// String returns the reason as a word for programs: "not-permitted"; empty for
// Held.
func (w Why) String() string {
	switch w {
	case Held:
		return ""
	case NotPermitted:
		return "not-permitted"
	case Kernel:
		return "kernel"
	case NotFound:
		return "not-found"
	case NotTold:
		return "not-told"
	}
	return fmt.Sprintf("why(%d)", uint8(w))
}
