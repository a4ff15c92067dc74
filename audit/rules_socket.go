package audit

// The rules that look at sockets which not every scan looks for.
const (
	ruleSniffer     = "WL034"
	ruleRawSocket   = "WL035"
	ruleOpenControl = "WL037"
)

// The rules whose findings are about two listeners.
const (
	ruleShared    = "WL031"
	ruleUnrelated = "WL032"
)

// socketRules are those about the sockets themselves and what they are to each
// other.
var socketRules = [...]listenerRule{
	{
		Rule: Rule{
			ID: "WL029", Title: "Full accept queue", Severity: Warning,
			Help: "The program does not take the connections that wait for it, and no more are let in: it hangs, is overloaded, or is being flooded. " +
				"Whether it is up cannot be told from its port any more.",
			Next:     "look at what the process does; where it is only busy, raise its backlog and net.core.somaxconn",
			Controls: []Control{{nist, "", "SC-5"}, {nist, "", "SI-4"}},
		},
		check: (*checker).fullQueue,
	},
	{
		Rule: Rule{
			ID: "WL030", Title: "Fixed port among those that clients get", Severity: Note,
			Help: "The kernel gives ports of this range to clients. After a restart of the service one of them may have this port, and the service does " +
				"not start.",
			Next:     "add the port to net.ipv4.ip_local_reserved_ports",
			Controls: []Control{{nist, "", "SC-5"}},
		},
		check: (*checker).mayNotStart,
	},
	{
		Rule: Rule{
			ID: ruleShared, Title: "Address and port shared between users", Severity: Error,
			Help: "Two sockets are bound to one address and port, and belong to processes of different users: by SO_REUSEPORT, or for UDP by SO_REUSEADDR " +
				"alone, the kernel gives a part of the traffic to each. What is meant for one user's service ends up with another's.",
			Next:     "find out which of the two belongs here, and end the other",
			Controls: []Control{{nist, "", "SC-4"}, {nist, "", "AC-6"}, {nist, "", "SI-4"}},
		},
		check: (*checker).sharedByUsers,
	},
	{
		Rule: Rule{
			ID: ruleUnrelated, Title: "Unrelated programs on one port", Severity: Warning,
			Help: "Two programs that have nothing to do with each other answer at one port: at the same address, one at an address and the other at all of " +
				"them, or one over IPv4 and the other over IPv6. The more specific one takes what the other is thought to serve.",
			Next:     "give one of the two another port",
			Controls: []Control{{nist, "", "CM-7"}, {nist, "", "SI-4"}, {pci, pciVersion, "1.2.5"}},
		},
		check: (*checker).unrelated,
	},
	{
		Rule: Rule{
			ID: "WL033", Title: "Open over IPv6, and over IPv4 for this host alone", Severity: Warning,
			Help: "Over IPv4 the service was bound to loopback, so it was meant for this host; over IPv6 everybody reaches it. Packet filters are often " +
				"written for IPv4 alone.",
			Next:     "bind it to [::1], or to no IPv6 address",
			Controls: []Control{{nist, "", "SC-7"}, {nist, "", "CM-7"}},
		},
		check: (*checker).openOverIPv6,
	},
	{
		Rule: Rule{
			ID: ruleSniffer, Title: "Program that reads the frames of a network", Severity: Warning,
			Help: "A packet socket sees traffic before the packet filter does, that of other programs too. DHCP clients, routing and link daemons need one; " +
				"this program is none of those that are known to. It may be a sniffer, or a back door that needs no port.",
			Next:     "find out who started it and what for",
			Controls: []Control{{nist, "", "SI-4"}, {nist, "", "CM-7"}},
		},
		check: (*checker).sniffer,
	},
	{
		Rule: Rule{
			ID: ruleRawSocket, Title: "Raw socket of an unexpected program", Severity: Warning,
			Help: "A raw socket gets every packet of an IP protocol and can send forged ones. Routing and VPN daemons need one; this program is none of those " +
				"that are known to. Back doors that wait for a certain ICMP packet have one.",
			Next:     "find out who started it and what for",
			Controls: []Control{{nist, "", "SI-4"}, {nist, "", "CM-7"}},
		},
		check: (*checker).rawSocket,
	},
	{
		Rule: Rule{
			ID: "WL036", Title: "Reachable service of a login session", Severity: Note,
			Help: "It was started by hand from a login session and no unit looks after it: it ends with the session or the next boot, has none of the limits of " +
				"a service, and nobody may remember it.",
			Next:     "end it, or make it a systemd unit",
			Controls: []Control{{nist, "", "CM-3"}, {nist, "", "CM-7"}},
		},
		check: (*checker).fromSession,
	},
	{
		Rule: Rule{
			ID: ruleOpenControl, Title: "Control socket that everyone may write to", Severity: Error,
			Help: "Who may write to the unix socket of a container engine is root on the host. This one is open to every user and every program.",
			Next: "chmod 0660 it, and give it to a group of those who may be root",
			Controls: []Control{
				{nist, "", "AC-3"}, {nist, "", "AC-6"},
			},
		},
		check: (*checker).openControl,
	},
}
