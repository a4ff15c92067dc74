package scanner

// The codes of the limitations that a scan can have. They are stable words for
// programs; the text beside them is for people and may change.
const (
	// LimitUnreadable: processes did not let their descriptors be seen, so that
	// sockets may lack holders.
	LimitUnreadable = "unreadable-processes"
	// LimitHidden: /proc does not show the processes of other users (hidepid).
	LimitHidden = "hidden-processes"
	// LimitNoProc: the folder of the processes is empty, or not procfs.
	LimitNoProc = "no-proc"
	// LimitPIDNamespace: a socket has no holder among the processes of this pid
	// namespace, and those outside it cannot be seen.
	LimitPIDNamespace = "pid-namespace"
	// LimitSubset: /proc shows processes alone (subset=pid), and what was wanted of
	// the rest is missing.
	LimitSubset = "proc-subset"
	// LimitSlow: processes did not answer in time, so that their facts are missing.
	LimitSlow = "slow-processes"
	// LimitSlowPaths: the paths of unix sockets did not answer in time, so that
	// their permissions are missing.
	LimitSlowPaths = "slow-paths"
	// LimitExhausted: processes, or network namespaces that they have open, could not
	// be looked into for want of descriptors.
	LimitExhausted = "too-many-open-files"
	// LimitNoBPF: the kernel's iterator was to find the holders, and /proc was
	// walked.
	LimitNoBPF = "bpf-unavailable"
	// LimitInterrupted: the search for holders ended early.
	LimitInterrupted = "interrupted"
	// LimitNetlinkUnavailable: sock_diag could not be asked and gopsutil was.
	LimitNetlinkUnavailable = "netlink-unavailable"
	// LimitNetlinkPartial: sock_diag's answer was incomplete, time and again.
	LimitNetlinkPartial = "netlink-partial"
	// LimitProtocol: a protocol's sockets could not be listed.
	LimitProtocol = "protocol-unavailable"
	// LimitGopsutil: what gopsutil does not tell of the sockets.
	LimitGopsutil = "gopsutil-facts"
	// LimitOtherUsers: the sockets of other users are absent.
	LimitOtherUsers = "other-users"
	// LimitInterfaces: the addresses of the host are not known.
	LimitInterfaces = "no-interfaces"
	// LimitNetNS: other network namespaces were not looked into.
	LimitNetNS = "network-namespaces"
	// LimitNetNSGone: network namespaces ended before they could be looked into.
	LimitNetNSGone = "network-namespaces-gone"
	// LimitWitness: a witness did not answer, so that what it alone would show is
	// not known.
	LimitWitness = "witness-missing"
	// LimitProbe: ports could not be tried.
	LimitProbe = "ports-not-probed"
	// LimitContainerNames: the names of containers were asked for and are not known.
	LimitContainerNames = "container-names"
	// LimitProcFS: another folder than /proc was read on request.
	LimitProcFS = "other-procfs"
)

// wholeProc is the remedy of LimitSubset.
const wholeProc = "mount /proc without subset=pid (ProcSubset=all in a unit)"

// plural returns one or many, as n asks.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
