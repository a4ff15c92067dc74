package scanner

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Privileges are what a process needs to look into others.
type privileges struct {
	uid int
	// caps are the effective capabilities, a bit for each.
	caps uint64
	// ptrace and search are CAP_SYS_PTRACE, which reading the links of
	// /proc/PID/fd needs (PTRACE_MODE_READ_FSCREDS, ptrace(2)), and
	// CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE, which listing them needs.
	ptrace, search bool
	// admin is CAP_SYS_ADMIN, which entering a network namespace needs (setns(2)).
	admin bool
	// initial reports whether they count on the whole host: the user namespace
	// is the first one.
	initial bool
}

// The inode numbers of the first namespaces, as in <linux/nsfs.h>.
const (
	firstUserNamespace = "user:[4026531837]"
	firstPIDNamespace  = "pid:[4026531836]"
)

// readPrivileges asks the kernel what this process may do.
func readPrivileges() privileges {
	p := privileges{uid: unix.Geteuid()}
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err == nil {
		p.caps = uint64(d[0].Effective) | uint64(d[1].Effective)<<32
		has := func(n uint) bool { return p.caps&(1<<n) != 0 }
		p.ptrace = has(unix.CAP_SYS_PTRACE)
		p.admin = has(unix.CAP_SYS_ADMIN)
		p.search = has(unix.CAP_DAC_READ_SEARCH) || has(unix.CAP_DAC_OVERRIDE)
	}
	p.initial = readlink("/proc/self/ns/user") == firstUserNamespace
	return p
}

// name is Coverage.Privileges.
func (p privileges) name() string {
	if p.uid == 0 {
		return "root"
	}
	return "user"
}

// seeAll reports whether every process can be looked into, unless a security
// module says otherwise.
func (p privileges) seeAll() bool { return p.ptrace && p.search && p.initial }

// everywhere reports whether a scan looks into every network namespace unasked: as
// root, and as whoever has the right to enter those of the host.
func (p privileges) everywhere() bool { return p.admin && (p.uid == 0 || p.initial) }

// standing is what decides how a scan can be let see more.
func (p privileges) standing() standing {
	s := standing{uid: int64(p.uid), initial: p.initial}
	for _, c := range [...]struct {
		name string
		has  bool
	}{{capSysPtrace, p.ptrace}, {capDACReadSearch, p.search}, {capSysAdmin, p.admin}} {
		if !c.has {
			s.lacks = append(s.lacks, c.name)
		}
	}
	return s
}

// mayBPF reports whether this process may have the kernel run a program that
// reads its memory: CAP_BPF and CAP_PERFMON, for both of which CAP_SYS_ADMIN
// stands too (bpf_capable, perfmon_capable: <linux/capability.h>).
func (p privileges) mayBPF() bool {
	may := func(n uint) bool { return p.caps&(1<<n|1<<unix.CAP_SYS_ADMIN) != 0 }
	return may(unix.CAP_BPF) && may(unix.CAP_PERFMON) && p.initial
}

// remedy says what would let the scan see all processes.
func (p privileges) remedy() string { return p.standing().remedies("", false)[0].String() }

// A view says how much of the processes a scan could see.
type view struct {
	privileges privileges
	stats      holderStats
	without    int    // sockets without a holder that could have one
	hidepid    string // the option of the proc mount that hides processes, empty for none
	unmounted  bool   // no process is to be seen at all
	nested     bool   // there are processes outside, in another pid namespace
	untold     bool   // the source found no processes to name
}

// readView looks at what stands between the scan and the processes. Of a scan
// that sees all there is nothing to ask.
func readView(procfs string, p privileges, st holderStats, socks []Socket) view {
	v := view{privileges: p, stats: st}
	for i := range socks {
		if unheld(&socks[i]) && socks[i].KernelUse == "" {
			v.without++
		}
	}
	if v.unmounted = st.Processes == 0 && !exists(procfs+"/self/stat"); v.unmounted {
		return v
	}
	if !p.ptrace || !p.initial {
		// CAP_SYS_PTRACE sees through hidepid; without it pid 1, which every pid
		// namespace has, is the one to look for.
		if !exists(procfs + "/1/stat") {
			v.hidepid = readHidepid(procfs)
		}
	}
	if v.without > 0 && (p.seeAll() || st.Unreadable == 0) {
		ns := readlink(procfs + "/1/ns/pid")
		if ns == "" {
			ns = readlink(procfs + "/self/ns/pid")
		}
		v.nested = ns != "" && ns != firstPIDNamespace
	}
	return v
}

// readHidepid returns the hidepid option of the proc mount, such as
// "hidepid=invisible".
func readHidepid(procfs string) string {
	buf := make([]byte, 16<<10)
	if mode, _ := parseProcMount(readSmall(procfs+"/self/mountinfo", &buf), procfs); mode != "" {
		return "hidepid=" + mode
	}
	return "hidepid"
}

// limits notes what could not be seen.
func (v view) limits(c *Coverage, source Source) {
	st := v.stats
	if v.unmounted {
		c.limit(true, LimitNoProc, "no process is to be seen in /proc, not even this one", "mount -t proc proc /proc")
		return
	}
	if source == Gopsutil && !v.privileges.seeAll() {
		c.limit(true, LimitUnreadable, "the processes of other users could not be looked into", v.privileges.remedy())
	}
	if n := st.Unreadable; n > 0 {
		l := unreadableLimit(n, st.Processes, v.privileges.standing())
		c.limit(true, l.Code, l.Text, l.Remedy)
	} else if v.without > 0 && !v.nested && v.hidepid == "" && !v.privileges.seeAll() && source == Netlink {
		c.limit(true, LimitUnreadable, fmt.Sprintf("%d %s no holder among the processes that could be looked into",
			v.without, plural(v.without, "socket has", "sockets have")), v.privileges.remedy())
	}
	if v.hidepid != "" {
		c.limit(true, LimitHidden, "/proc hides the processes of other users ("+v.hidepid+")", v.privileges.remedy())
	}
	if v.nested {
		c.limit(true, LimitPIDNamespace, fmt.Sprintf("%d %s no holder among the processes of this pid namespace, and those outside it cannot be seen",
			v.without, plural(v.without, "socket has", "sockets have")), v.privileges.standing().outside())
	}
	if n := st.Exhausted; n > 0 {
		c.limit(true, LimitExhausted, fmt.Sprintf("%d of %s could not be looked into: too many open files", n, processes(st.Processes)), moreFiles)
	}
	if n := st.Slow; n > 0 {
		c.limit(true, LimitSlow, processes(n)+" did not answer in time", "look for processes in uninterruptible sleep (ps -eo pid,stat,wchan,comm)")
	}
}

// moreFiles is the remedy of LimitExhausted.
const moreFiles = "raise the limit of open files (ulimit -n)"

// why is the reason that a socket is without a holder. The kernel's own sockets
// (VXLAN, WireGuard, NFS) are root's and have an inode like any other: they are
// told by no process having them, once all have been looked into.
func (v view) why(s *Socket) Why {
	switch {
	case v.untold:
		return NotTold
	case s.UID < 0 && v.privileges.seeAll() && !v.unmounted: // gopsutil's
		return NotFound
	case s.UID < 0:
		return NotPermitted
	case s.Inode == 0:
		return Kernel
	case v.stats.Unreadable > 0 || v.hidepid != "" || v.nested || v.unmounted || !v.privileges.seeAll():
		return NotPermitted
	case s.UID == 0 && v.stats.Exhausted == 0:
		return Kernel
	}
	return NotFound
}

// readlink returns the target of a link, empty where it cannot be read.
func readlink(path string) string {
	var b [64]byte
	n, err := unix.Readlink(path, b[:])
	if err != nil {
		return ""
	}
	return string(b[:n])
}
