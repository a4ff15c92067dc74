package scanner

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// access fills in what the scan may see, when that was asked for. The processes
// are counted again only where the search for holders had nothing to look for.
func (s *Snapshot) access(ctx context.Context, o *Options, source Source) {
	c := &s.Coverage
	c.Access = readAccess(ctx, o, source)
	if c.Processes > 0 && slices.ContainsFunc(s.Sockets, func(s Socket) bool { return s.Inode != 0 }) {
		c.Access.Processes, c.Access.Unreadable = c.Processes, c.Unreadable
		return
	}
	c.Access.Processes, c.Access.Unreadable = countProcesses(ctx, o)
}

// The capabilities that a scan has a use for, capabilities(7).
const (
	capDACOverride   = "CAP_DAC_OVERRIDE"
	capDACReadSearch = "CAP_DAC_READ_SEARCH"
	capNetAdmin      = "CAP_NET_ADMIN"
	capNetBind       = "CAP_NET_BIND_SERVICE"
	capSysPtrace     = "CAP_SYS_PTRACE"
	capSysAdmin      = "CAP_SYS_ADMIN"
	capPerfmon       = "CAP_PERFMON"
	capBPF           = "CAP_BPF"
)

// A Right is what capabilities buy a scan.
type Right struct {
	// Capabilities are what it takes: all of them.
	Capabilities []string
	// Buys says what there is to see with them.
	Buys string
	// Have reports whether this process has them, or one that includes them.
	Have bool
}

// Rights returns what each capability buys a scan, the most needed first. There
// are none outside Linux.
func (a *Access) Rights() []Right {
	if runtime.GOOS != "linux" {
		return nil
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(a.Capabilities, name) })
	}
	return []Right{
		{[]string{capSysPtrace}, "which processes of other users hold a socket", has(capSysPtrace)},
		{[]string{capDACReadSearch}, "the folders of their descriptors (/proc/PID/fd)", has(capDACReadSearch, capDACOverride)},
		{[]string{capSysAdmin}, "other network namespaces: containers, ip netns", has(capSysAdmin)},
		{[]string{capNetBind}, "trying the ports below 1024, for --verify", has(capNetBind)},
		// wg_get_device_start (drivers/net/wireguard/netlink.c), tcp_diag_get_aux
		// (net/ipv4/tcp_diag.c).
		{[]string{capNetAdmin}, "WireGuard's ports; Multipath TCP before Linux 6.15", has(capNetAdmin)},
		{[]string{capBPF, capPerfmon}, "the fast way, where there are many descriptors", has(capBPF, capSysAdmin) && has(capPerfmon, capSysAdmin)},
	}
}

// A Remedy is a way to let a scan see more.
type Remedy struct {
	// Text says what to do; Lines are what to paste, and may be none.
	Text  string
	Lines []string
}

// String returns the remedy in one line, as a [Limitation] has it.
func (r Remedy) String() string {
	if len(r.Lines) != 1 {
		return r.Text
	}
	return r.Text + " (" + r.Lines[0] + ")"
}

// standing returns what decides about the remedies.
func (a *Access) standing() standing {
	s := standing{uid: a.UID, initial: a.InitialUser}
	for _, r := range a.Rights() {
		if !r.Have {
			s.lacks = append(s.lacks, r.Capabilities...)
		}
	}
	return s
}

// A standing is what decides how a process can be let see more.
type standing struct {
	uid     int64
	initial bool     // in the first user namespace
	lacks   []string // of the capabilities that a scan has a use for
}

// needs returns the capabilities that it takes to see all processes, and with
// nets the other network namespaces too.
func needs(nets bool) []string {
	if nets {
		return []string{capSysPtrace, capDACReadSearch, capSysAdmin}
	}
	return []string{capSysPtrace, capDACReadSearch}
}

// without returns those of needs that are lacking.
func (s standing) without(needs []string) []string {
	return slices.DeleteFunc(slices.Clone(needs), func(name string) bool { return !slices.Contains(s.lacks, name) })
}

var asRoot = Remedy{"run as root", []string{"sudo whatslistening"}}

// remedies returns what would let the program at path see all processes, and with
// nets the other network namespaces too, the simplest first. It is the one place
// that says so.
func (s standing) remedies(path string, nets bool) []Remedy {
	needs := needs(nets)
	lacks := s.without(needs)
	switch {
	case runtime.GOOS != "linux":
		return []Remedy{asRoot}
	case !s.initial && s.uid == 0:
		return []Remedy{{"this is root of a user namespace: run as root of the host", nil}}
	case !s.initial:
		return []Remedy{{"this is a user namespace: run as root of the host", nil}}
	case len(lacks) == 0:
		return []Remedy{{"a security module keeps it out: look at the audit log of SELinux or AppArmor", nil}}
	case s.uid == 0:
		return []Remedy{{
			fmt.Sprintf("root lacks %s here: add %s to the container or unit", list(lacks), plural(len(lacks), "it", "them")),
			[]string{capAdd(lacks)},
		}}
	}
	if !pasteable(path) {
		path = "/usr/local/bin/whatslistening"
	}
	give := "or give the program what it takes, and with it everyone who may run it"
	if nets {
		give += "; CAP_SYS_ADMIN, for other network namespaces, is nearly root"
	}
	return []Remedy{
		asRoot,
		{give, []string{
			"sudo setcap " + strings.ToLower(strings.Join(needs, ",")) + "+ep " + path,
		}},
		{"or a unit of systemd, which gives it to a user of its own", []string{
			"[Service]",
			"Type=oneshot",
			"User=whatslistening",
			"DynamicUser=yes",
			"AmbientCapabilities=" + strings.Join(needs, " "),
			"CapabilityBoundingSet=" + strings.Join(needs, " "),
			"ExecStart=" + path + " --json",
		}},
		{"or a container, with --security-opt apparmor=unconfined too where AppArmor guards it", []string{
			"docker run --rm --pid=host --net=host " + capAdd(needs) + " IMAGE",
		}},
	}
}

// outside says what would let a scan in a pid namespace see the processes of the
// host: to be there, and as root in it, the rights that it lacks.
func (s standing) outside() string {
	flags := "--pid=host"
	if lacks := s.without(needs(false)); s.uid == 0 && len(lacks) > 0 {
		flags += " " + capAdd(lacks)
	}
	return "run in the pid namespace of the host (docker run " + flags + ")"
}

// list writes names as a list in a sentence.
func list(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// unreadableLimit is the limitation that n of all processes did not let their
// descriptors be seen.
func unreadableLimit(n, all int, s standing) Limitation {
	return Limitation{
		LimitUnreadable, fmt.Sprintf("%d of %s did not show %s sockets", n, processes(all), plural(n, "its", "their")),
		s.remedies("", false)[0].String(),
	}
}

// processes writes a number of processes.
func processes(n int) string { return fmt.Sprintf("%d %s", n, plural(n, "process", "processes")) }

// capAdd writes capabilities as a container engine takes them.
func capAdd(names []string) string {
	flags := make([]string, len(names))
	for i, name := range names {
		flags[i] = "--cap-add " + strings.TrimPrefix(name, "CAP_")
	}
	return strings.Join(flags, " ")
}

// pasteable reports whether a path means itself to a shell and to systemd.
func pasteable(path string) bool {
	return strings.HasPrefix(path, "/") && strings.IndexFunc(path, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '-' || r > '9') && r != '_' && r != '+'
	}) < 0
}

// Blind returns what a scan with this coverage could not see, as things; none
// where it saw everything.
func (c *Coverage) Blind() []string {
	var list []string
	for _, l := range c.missing() {
		switch l.Code {
		case LimitUnreadable:
			l.Text = "processes of other users"
			if a := c.Access; a != nil && a.Unreadable > 0 {
				l.Text = fmt.Sprintf("%d of %s", a.Unreadable, processes(a.Processes))
			}
		case LimitHidden:
			l.Text = "the processes that /proc hides"
		case LimitNoProc:
			l.Text = "processes, without a /proc"
		case LimitPIDNamespace:
			l.Text = "the processes outside this pid namespace"
		case LimitNetNS:
			l.Text = "other network namespaces"
		case LimitNetNSGone:
			l.Text = "network namespaces that ended meanwhile"
		case LimitNetlinkUnavailable:
			l.Text = "what the kernel tells by netlink alone"
		case LimitNetlinkPartial:
			l.Text = "sockets that the kernel's answer lacked"
		case LimitProtocol:
			l.Text, _, _ = strings.Cut(l.Text, " are not listed")
		case LimitSubset:
			l.Text = "what /proc has beside processes (subset=pid)"
		case LimitInterfaces:
			l.Text = "the addresses of this host"
		case LimitOtherUsers:
			l.Text = "sockets of other users"
		case LimitExhausted:
			l.Text = "what takes more open files to see"
		case LimitSlow:
			l.Text = "processes that did not answer in time"
		case LimitInterrupted:
			l.Text = "what the scan did not come to"
		case LimitGopsutil:
			if slices.ContainsFunc(c.Limitations, func(l Limitation) bool { return l.Code == LimitNetlinkUnavailable }) {
				continue // that says it
			}
			l.Text = "what gopsutil does not tell of sockets and their holders"
		}
		if !slices.Contains(list, l.Text) {
			list = append(list, l.Text)
		}
	}
	return list
}

// missing returns the limitations for which something is missing. Where nothing
// listens a scan looks into no process, and misses none that it could not have
// looked into; these are among them all the same.
func (c *Coverage) missing() []Limitation {
	var list []Limitation
	if !c.Complete {
		list = c.Limitations
	}
	unreadable := func(l Limitation) bool { return l.Code == LimitUnreadable }
	if a := c.Access; a != nil && a.Unreadable > 0 && !slices.ContainsFunc(list, unreadable) {
		list = append(slices.Clone(list), unreadableLimit(a.Unreadable, a.Processes, a.standing()))
	}
	return list
}

// Remedies returns what would let the program at path see what this coverage
// lacks: the step that each limitation has, and where that is a matter of rights,
// every way to get them.
func (c *Coverage) Remedies(path string) []Remedy {
	var list, rights []Remedy
	missing := c.missing()
	if c.Access != nil {
		nets := slices.ContainsFunc(missing, func(l Limitation) bool { return l.Code == LimitNetNS })
		rights = c.Access.standing().remedies(path, nets)
	}
	for _, l := range missing {
		some := []Remedy{{Text: l.Remedy}}
		if rights != nil && l.Remedy == rights[0].String() {
			some = rights
		}
		if l.Remedy != "" && !slices.ContainsFunc(list, func(r Remedy) bool { return r.String() == l.Remedy }) {
			list = append(list, some...)
		}
	}
	return list
}
