package scanner

import "fmt"

// String returns the name of the protocol in lower case: "tcp", "udplite".
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case UDPLite:
		return "udplite"
	case SCTP:
		return "sctp"
	case DCCP:
		return "dccp"
	case Raw:
		return "raw"
	}
	return fmt.Sprintf("protocol(%d)", uint8(p))
}

// ParseProtocol returns the protocol of a name as String writes it. It errs on
// any other text.
func ParseProtocol(s string) (Protocol, error) {
	for p := TCP; p <= Raw; p++ {
		if s == p.String() {
			return p, nil
		}
	}
	return 0, fmt.Errorf("no protocol %q: want tcp, udp, udplite, sctp, dccp or raw", s)
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
