package audit

import "github.com/whatslistening/whatslistening/annotate"

// processRules are those about the programs and users behind a listener.
var processRules = [...]listenerRule{
	{
		Rule: Rule{
			ID: "WL019", Title: "Debugger reachable", Severity: Error,
			Help: "Who connects to a debug port (Java's JDWP, Node's inspector, Delve, gdbserver, debugpy) runs any code as that process. " +
				"None of them asks for a password.",
			Next:     "start it without the debugger, or bind that to 127.0.0.1 and come through SSH",
			Controls: []Control{{nist, "", "CM-7"}, {nist, "", "AC-17"}, {pci, pciVersion, "2.2.4"}, {pci, pciVersion, "2.2.5"}},
		},
		check: func(c *checker, l *annotate.Listener) string { return c.debugger(l, true) },
	},
	{
		Rule: Rule{
			ID: "WL020", Title: "Debugger on this host", Severity: Note,
			Help: "Who connects to a debug port runs any code as that process; on loopback that is every user and every program of this host, " +
				"and a web page in a browser here may get there too.",
			Next:     "start it without the debugger where nobody debugs",
			Controls: []Control{{nist, "", "CM-7"}, {pci, pciVersion, "2.2.4"}},
		},
		check: func(c *checker, l *annotate.Listener) string { return c.debugger(l, false) },
	},
	{
		Rule: Rule{
			ID: "WL021", Title: "Another program than the well-known port is registered for", Severity: Warning,
			Help: "The port is registered for one service, and the program is known to serve another. Packet filters, monitoring and people take the " +
				"number for what it says: a tunnel at 443 or a shell at 53 is a common way to hide.",
			Next:     "move the service to its own port, or except the rule in the register, with the reason",
			Controls: []Control{{nist, "", "CM-7(1)"}, {nist, "", "SI-4"}, {pci, pciVersion, "1.2.5"}, {stig, "", "CCI-000382"}},
		},
		check: (*checker).differs,
	},
	{
		Rule: Rule{
			ID: "WL022", Title: "Well-known port held by an ordinary user", Severity: Warning,
			Help: "Ports below 1024 are kept for services that root starts, so that a peer can trust what answers. This one belongs to a person's " +
				"account, and no unit of the system started it: by a capability on a file, by net.ipv4.ip_unprivileged_port_start, or by a stolen right.",
			Next:     "find out who started it; run it as a unit with a user of its own",
			Controls: []Control{{nist, "", "AC-6"}, {nist, "", "CM-7"}, {pci, pciVersion, "1.2.5"}, {stig, "", "CCI-000382"}},
		},
		check: (*checker).ordinaryUser,
	},
	{
		Rule: Rule{
			ID: "WL023", Title: "Listener whose program was deleted", Severity: Error,
			Help: "The file that the process runs is there no more. Its package was removed while it ran, or somebody cleaned up behind a program " +
				"that nobody was to find.",
			Next:     "look at /proc/PID/exe, keep a copy, and find out where it came from; then restart or end it",
			Controls: []Control{{nist, "", "SI-4"}, {nist, "", "SI-7"}, {nist, "", "CM-7"}},
		},
		check: (*checker).deleted,
	},
	{
		Rule: Rule{
			ID: "WL024", Title: "Listener that runs an older program than is installed", Severity: Warning,
			Help: "The program was replaced on disk since the process began, most often by an update. Until it is restarted the host serves the old " +
				"one, with the holes that the update was to close.",
			Next:     "restart the service (needrestart says which)",
			Controls: []Control{{nist, "", "SI-2"}, {pci, pciVersion, "6.3.3"}},
		},
		check: (*checker).outdated,
	},
	{
		Rule: Rule{
			ID: "WL025", Title: "Listener from a folder that everyone can write to", Severity: Error,
			Help: "The program lies in /tmp, /var/tmp, /dev/shm or a folder like them, or in memory alone. No package puts programs there; those who " +
				"got in by a hole in a service do, for they can write nowhere else.",
			Next:     "find out who put it there and started it; install what belongs here, and mount these folders noexec",
			Controls: []Control{{nist, "", "CM-7(2)"}, {nist, "", "CM-11"}, {nist, "", "SI-4"}, {stig, "", "CCI-001764"}},
		},
		check: (*checker).writableProgram,
	},
	{
		Rule: Rule{
			ID: "WL026", Title: "Interpreter with a script in a folder that everyone can write to", Severity: Error,
			Help: "The program is an interpreter and what it runs lies in /tmp, /var/tmp, /dev/shm or a folder like them: noexec does not keep it from " +
				"there. Others may also be able to put another file in its place.",
			Next:     "find out who started it; put the script into a folder that root alone can write to",
			Controls: []Control{{nist, "", "CM-7(2)"}, {nist, "", "CM-11"}, {nist, "", "SI-4"}, {stig, "", "CCI-001764"}},
		},
		check: (*checker).writableScript,
	},
	{
		Rule: Rule{
			ID: "WL027", Title: "Listener without an owner", Severity: Warning,
			Help: "Every process was looked into and none has the socket, and the kernel is not known to use it for anything. It may be on its way from " +
				"one process to another, or a part of the kernel that is not told apart; or a process is hidden.",
			Next:     "look again in a minute; then whatslistening --verify, and the kernel's modules (lsmod)",
			Controls: []Control{{nist, "", "SI-4"}, {nist, "", "CM-7"}, {stig, "", "CCI-000382"}},
		},
		check: (*checker).ownerless,
	},
}

// hiddenRule finds what is hidden from a witness.
var hiddenRule = Rule{
	ID: "WL028", Title: "Listener hidden from a witness", Severity: Error,
	Help: "One way to list the sockets of the kernel shows it and another does not, time after time. Programs that hide a back door change what one of " +
		"the two says. A mount over /proc or a fault of the kernel can do it as well.",
	Next: "look at the mounts over /proc (findmnt), the kernel's modules (lsmod) and BPF programs (bpftool prog), and ask the port " +
		"from another machine; trust this host with nothing until it is explained",
	Controls: []Control{{nist, "", "SI-4"}, {nist, "", "SI-7"}, {nist, "", "CM-8(3)"}},
}
