package report

import (
	"cmp"

	"github.com/whatslistening/whatslistening/annotate"
)

// columns are all the columns there are, in the order in which help lists them.
var columns = [...]column{
	{
		key: "protocol", title: "PROTO", help: "transport protocol: tcp, udp, sctp …",
		need: 85, cost: 9, least: 5, ours: true, cell: cellProtocol,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.Protocol, b.Protocol) },
	},
	{
		key: "address", title: "ADDRESS", help: `local address, or path; "*" is every one, IPv4 and IPv6; "%" a device`,
		need: 82, cost: 15, least: 10, cell: cellAddress, style: styleAddress, compare: byAddress,
	},
	{
		key: "port", title: "PORT", help: "local port; for raw the IP protocol, for ping the id, for packet the ethertype",
		need: 100, cost: 20, least: 5, right: true, ours: true, cell: cellPort,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(number(a), number(b)) },
	},
	{
		key: "service", title: "SERVICE", help: `what the port is registered for; "≠" where another program holds it`,
		need: 60, cost: 6, least: 9, cell: cellService, style: styleService,
	},
	{
		key: "range", title: "RANGE", help: "IANA range of the port: well-known, registered or dynamic",
		need: 30, cost: 1, least: 5, ours: true, cell: cellRange, style: styleRange,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.Range, b.Range) },
	},
	{
		key: "process", title: "PROCESS", help: "programs that hold the socket, with their pids",
		need: 90, cost: 6, least: 14, keep: keepBoth, cell: cellProcess, style: styleProcess, compare: byProcess,
	},
	{
		key: "pid", title: "PID", help: "pids of all the holders",
		need: 40, cost: 3, least: 7, right: true, ours: true, cell: cellPID, compare: byPID,
	},
	{
		key: "user", title: "USER", help: "owner of the socket",
		need: 50, cost: 3, least: 6, cell: cellUser,
	},
	{
		key: "exposure", title: "EXPOSURE", help: "who can reach it: loopback, container, link-local, private, shared, public, all",
		need: 80, cost: 7, least: 9, ours: true, cell: cellExposure, style: styleExposure,
		compare: func(a, b *annotate.Listener) int {
			return cmp.Or(cmp.Compare(a.Exposure, b.Exposure), cmp.Compare(a.Widest, b.Widest))
		},
	},
	{
		key: "program", title: "PROGRAM", help: "program against registration: matches, differs, unregistered, unknown",
		need: 29, cost: 1, least: 7, ours: true, cell: cellProgram, style: styleProgram,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.Program, b.Program) },
	},
	{
		key: "known-as", title: "KNOWN AS", help: "what the program is known to serve there, where the registry has another name",
		need: 28, cost: 1, least: 8, cell: cellKnownAs,
	},
	{
		key: "description", title: "DESCRIPTION", help: "what the registry says of the service",
		need: 10, cost: 1, least: 8, cell: cellDescription,
	},
	{
		key: "source", title: "SOURCE", help: "layer of the registry that names the service",
		need: 20, cost: 1, least: 6, ours: true, cell: cellSource,
	},
	{
		key: "addresses", title: "ADDRESSES", help: "addresses of this host that a wildcard stands for",
		need: 11, cost: 1, least: 9, cell: cellAddresses,
	},
	{
		key: "ephemeral", title: "EPHEMERAL", help: "the port is one that the kernel gives to clients",
		need: 19, cost: 1, least: 4, ours: true, cell: cellEphemeral,
		compare: func(a, b *annotate.Listener) int { return compareBool(a.Ephemeral, b.Ephemeral) },
	},
	{
		key: "client", title: "CLIENT", help: "a UDP socket that looks like a client waiting for its answer",
		need: 19, cost: 1, least: 4, ours: true, cell: cellClient,
		compare: func(a, b *annotate.Listener) int { return compareBool(a.MaybeClient, b.MaybeClient) },
	},
	{
		key: "queue", title: "QUEUE", help: "accept queue: connections waiting / how many may wait",
		need: 27, cost: 1, least: 6, right: true, ours: true, cell: cellQueue, style: styleQueue, compare: byQueue,
	},
	{
		key: "queue-length", title: "WAITING", help: "connections waiting to be accepted",
		need: 18, cost: 1, least: 5, right: true, ours: true, cell: cellQueueLength, compare: byQueue,
	},
	{
		key: "queue-limit", title: "ROOM", help: "how many connections may wait",
		need: 18, cost: 1, least: 5, right: true, ours: true, cell: cellQueueLimit,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.Queue.Limit, b.Queue.Limit) },
	},
	{
		key: "backlog", title: "BACKLOG", help: "accept queue: full now, was-full before, or nothing",
		need: 28, cost: 1, least: 5, ours: true, cell: cellBacklog, style: styleBacklog,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.Backlog, b.Backlog) },
	},
	{
		key: "dropped", title: "DROPPED", help: "packets that the listener has dropped: for a full queue, and stray ones",
		need: 18, cost: 1, least: 5, right: true, ours: true, cell: cellDropped,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.Queue.Dropped, b.Queue.Dropped) },
	},
	{
		key: "may-not-start", title: "MAY NOT START", help: "a client may have the port when the server starts again",
		need: 19, cost: 1, least: 4, ours: true, cell: cellMayNotStart,
		compare: func(a, b *annotate.Listener) int { return compareBool(a.MayNotStart, b.MayNotStart) },
	},
	{
		key: "sockets", title: "SOCKETS", help: "how many sockets the row stands for",
		need: 17, cost: 1, least: 4, right: true, ours: true, cell: cellSockets,
	},
	{
		key: "owner", title: "OWNER", help: "process, or why none is seen: kernel, not-permitted, not-found, not-told",
		need: 17, cost: 1, least: 7, ours: true, cell: cellOwner,
	},
	{
		key: "uid", title: "UID", help: "uid of the owner of the socket",
		need: 17, cost: 1, least: 5, right: true, ours: true, cell: cellUID,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.UID, b.UID) },
	},
	{
		key: "inode", title: "INODE", help: "inode of the socket",
		need: 12, cost: 1, least: 6, right: true, ours: true, cell: cellInode,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.Inode, b.Inode) },
	},
	{
		key: "family", title: "IP", help: "IP version of the socket; in CSV 4 or 6",
		need: 17, cost: 1, least: 4, ours: true, cell: cellFamily,
		compare: func(a, b *annotate.Listener) int { return cmp.Compare(a.Family, b.Family) },
	},
	{
		key: "v6only", title: "V6ONLY", help: "an IPv6 socket that IPv4 cannot reach",
		need: 12, cost: 1, least: 4, ours: true, cell: cellV6Only,
		compare: func(a, b *annotate.Listener) int { return compareBool(a.V6Only, b.V6Only) },
	},
	{
		key: "mptcp", title: "MPTCP", help: "a TCP listener that is a Multipath TCP one",
		need: 12, cost: 1, least: 4, ours: true, cell: cellMPTCP,
		compare: func(a, b *annotate.Listener) int { return compareBool(a.MPTCP, b.MPTCP) },
	},
	{
		key: "path", title: "PATH", help: `path of a unix socket; "@" and its name for an abstract one`,
		need: 13, cost: 1, least: 10, keep: keepTail, cell: cellPath,
	},
	{
		key: "mode", title: "MODE", help: "permissions of the path of a unix socket: who may connect",
		need: 24, cost: 1, least: 4, ours: true, cell: cellMode,
	},
	{
		key: "path-user", title: "PATH USER", help: "owner of the path of a unix socket",
		need: 23, cost: 1, least: 6, cell: cellPathUser,
	},
	{
		key: "type", title: "TYPE", help: "type of a unix or packet socket: stream, seqpacket; raw, dgram",
		need: 12, cost: 1, least: 5, ours: true, cell: cellType,
	},
	{
		key: "kernel-use", title: "KERNEL USE", help: "what the kernel uses a socket of its own for",
		need: 11, cost: 1, least: 8, cell: cellKernelUse,
	},
	{
		key: "device", title: "DEVICE", help: "interface that the socket is bound to",
		need: 18, cost: 1, least: 6, cell: cellDevice,
	},
	{
		key: "namespace", title: "NAMESPACE", help: "network namespace of the socket",
		need: 65, cost: 8, least: 12, cell: cellNamespace, compare: byNamespace,
	},
	{
		key: "witnesses", title: "WITNESSES", help: "what the witnesses of --verify do not agree on",
		need: 88, cost: 6, least: 8, ours: true, cell: cellWitnesses, style: styleWitnesses,
	},
	{
		key: "unit", title: "UNIT", help: "systemd unit of the holders",
		need: 26, cost: 2, least: 8, cell: cellUnit,
	},
	{
		key: "user-unit", title: "USER UNIT", help: "unit of the user's own systemd",
		need: 17, cost: 1, least: 8, cell: cellUserUnit,
	},
	{
		key: "slice", title: "SLICE", help: "slice that the unit is in",
		need: 13, cost: 1, least: 7, cell: cellSlice,
	},
	{
		key: "runtime", title: "RUNTIME", help: "container runtime: docker, podman …",
		need: 18, cost: 1, least: 6, cell: cellRuntime,
	},
	{
		key: "container", title: "CONTAINER", help: "id of the container of the holders",
		need: 25, cost: 1, least: 8, cell: cellContainer,
	},
	{
		key: "container-name", title: "CONTAINER NAME", help: "name of the container; only with --container-names",
		need: 25, cost: 1, least: 8, cell: cellContainerName,
	},
	{
		key: "image", title: "IMAGE", help: "image of the container; only with --container-names",
		need: 13, cost: 1, least: 10, keep: keepTail, cell: cellImage,
	},
	{
		key: "pod", title: "POD", help: "uid of the Kubernetes pod",
		need: 17, cost: 1, least: 8, cell: cellPod,
	},
	{
		key: "qos", title: "QOS", help: "class of the pod: guaranteed, burstable, besteffort",
		need: 12, cost: 1, least: 6, cell: cellQoS,
	},
	{
		key: "leads-to", title: "LEADS TO", help: "container and port that a published port leads to",
		need: 24, cost: 1, least: 8, cell: cellLeadsTo,
	},
	{
		key: "published-as", title: "PUBLISHED AS", help: "published ports of the host that lead to it",
		need: 24, cost: 1, least: 8, cell: cellPublishedAs,
	},
	{
		key: "exe", title: "EXE", help: "path of the program",
		need: 16, cost: 1, least: 10, keep: keepTail, cell: cellExe,
	},
	{
		key: "deleted", title: "DELETED", help: "the program was removed or replaced since it started",
		need: 16, cost: 1, least: 4, ours: true, cell: cellDeleted,
	},
	{
		key: "replaced", title: "REPLACED", help: "another program stands in its place: restart due",
		need: 16, cost: 1, least: 4, ours: true, cell: cellReplaced,
	},
	{
		key: "script", title: "SCRIPT", help: "script, module or jar that an interpreter runs",
		need: 15, cost: 1, least: 8, keep: keepTail, cell: cellScript,
	},
	{
		key: "args", title: "ARGS", help: "arguments of the holder, redacted; only with --args",
		need: 9, cost: 1, least: 8, cell: cellArgs,
	},
	{
		key: "parent", title: "PARENT", help: "name of the parent process",
		need: 15, cost: 1, least: 7, cell: cellParent,
	},
	{
		key: "parents", title: "PARENTS", help: "processes that the holder descends from, the nearest last",
		need: 14, cost: 1, least: 12, keep: keepTail, cell: cellParents,
	},
	{
		key: "started", title: "STARTED", help: "when the first holder began, in UTC",
		need: 14, cost: 1, least: 10, ours: true, cell: cellStarted, compare: byStart,
	},
	{
		key: "age", title: "AGE", help: "for how long the first holder had run",
		need: 15, cost: 1, least: 6, right: true, ours: true, cell: cellAge, compare: byAge,
	},
}
