package scanner

import "net/netip"

// A Snapshot is what a scan saw.
type Snapshot struct {
	Host     Host
	Sockets  []Socket
	Coverage Coverage
}

// A Host is what the scan learned of the machine.
type Host struct {
	Name   string
	OS     string // runtime.GOOS
	Kernel string // release; empty where unknown
	BootID string // random, new at every boot; empty where unknown
	// Interfaces are the network interfaces that are up, with their addresses.
	Interfaces []Interface
	// Ephemeral is the range that the kernel picks local ports from
	// (net.ipv4.ip_local_port_range); the zero PortRange where unknown.
	Ephemeral PortRange
	// Reserved are the ports that it does not pick
	// (net.ipv4.ip_local_reserved_ports).
	Reserved []PortRange
}

// An Interface is a network interface and its addresses.
type Interface struct {
	Name  string
	Addrs []netip.Prefix
}

// A PortRange is a run of ports, both ends included.
type PortRange struct {
	First, Last uint16
}

// Coverage says what a scan could and could not see.
type Coverage struct {
	// Complete reports whether nothing that was asked for is missing.
	Complete bool
	// Sources are the sources that answered: "netlink", "gopsutil".
	Sources []string
	// Privileges is "root", or "user" with less.
	Privileges string
	// Processes is how many processes there were, Unreadable how many of them
	// did not let their descriptors be seen.
	Processes, Unreadable int
	// Limitations are the things not seen, each with its remedy.
	Limitations []Limitation
}

// A Limitation is one thing that a scan could not see.
type Limitation struct {
	// Code is a stable word for programs: "unreadable-processes".
	Code string
	// Text is the sentence for people; Remedy the next step, or empty.
	Text, Remedy string
}

// limit adds a limitation. A limitation that costs facts also makes the
// coverage incomplete.
func (c *Coverage) limit(incomplete bool, code, text, remedy string) {
	if incomplete {
		c.Complete = false
	}
	c.Limitations = append(c.Limitations, Limitation{code, text, remedy})
}
