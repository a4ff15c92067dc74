package scanner

import (
	"fmt"
	"net/netip"
	"strings"
)

// Phrase returns the kind in the words of people: "hidden from /proc/net".
func (k DiscrepancyKind) Phrase() string {
	switch k {
	case HiddenFromProc:
		return "hidden from /proc/net"
	case HiddenFromNetlink:
		return "hidden from netlink"
	case BoundNotListening:
		return "bound but not listening"
	case GoneMeanwhile:
		return "gone meanwhile"
	case ReservedPort:
		return "reserved"
	case HiddenFromAll:
		return "hidden from every table"
	}
	return k.String()
}

// Rank orders the kinds: the higher the worse.
func (k DiscrepancyKind) Rank() int {
	switch k {
	case HiddenFromAll:
		return 5
	case HiddenFromNetlink:
		return 4
	case HiddenFromProc:
		return 3
	case BoundNotListening:
		return 2
	case ReservedPort:
		return 1
	case GoneMeanwhile:
	}
	return 0
}

// Hidden reports whether something hides a socket. The other kinds tell of
// sockets that have an explanation.
func (k DiscrepancyKind) Hidden() bool { return k.Rank() >= HiddenFromProc.Rank() }

// Next returns the next step for one who meets such a discrepancy; empty where
// there is none to take.
func (k DiscrepancyKind) Next() string {
	switch k {
	case HiddenFromAll, HiddenFromNetlink, HiddenFromProc:
		return "look at the mounts over /proc (findmnt), the kernel's modules (lsmod) and BPF programs (bpftool prog), and ask the port " +
			"from another machine; trust this host with nothing until it is explained"
	case BoundNotListening:
		return "nothing can be reached there; a server that should listen there has not begun to"
	case ReservedPort, GoneMeanwhile:
	}
	return ""
}

// Sentence says what the witnesses do not agree on and what may be harmless
// about it. The words in it are raw.
func (d *Discrepancy) Sentence() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v %v", d.Kind.Phrase(), d.Protocol, netip.AddrPortFrom(d.Addr, d.Port))
	if d.Namespace != OwnNamespace {
		fmt.Fprintf(&b, " in the network namespace %s", d.Namespace)
	}
	join := func(before string, names []string) {
		if len(names) > 0 {
			b.WriteString(before)
			b.WriteString(strings.Join(names, ", "))
		}
	}
	join(", seen by ", d.Seen)
	if d.Kind.Hidden() {
		join(", not by ", d.Missing)
	}
	join("; may be harmless: ", d.Benign)
	return b.String()
}
