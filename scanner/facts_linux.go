package scanner

import (
	"context"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A holder is a process on its way to be described.
type holder struct {
	Process
	start     uint64 // ticks since boot: with the pid the identity
	comm      string
	described bool // its facts are complete
	ended     bool // it is no more
	maybeGone bool // Exe ends in deletedMark, which has to be told from a name
	forwards  *forwarding
	answer    answer // what was asked of it, where it was
	kept      bool   // it has not run since the last scan of a series

	cgroup   *cgroupFacts // nil where the file was not read
	cgroups  uint64       // which it is in, as the kernel numbers them; 0 where it was not asked
	noCgroup bool         // the file is not to be read: another process speaks
}

// A factReader reads the facts of processes, one after the other, with buffers
// of its own. It reads no file that a process can make it wait for.
type factReader struct {
	path    pathName
	buf     []byte
	strings map[string]string       // one copy of each text: paths recur
	cgroups map[string]*cgroupFacts // by the contents of the file
	pidfds  bool                    // whether a pidfd may tell the user: the pids are ours
	info    unix.PidfdInfo
}

// factBuf holds a whole stat, status or cgroup file, and any path (PATH_MAX).
const factBuf = 8 << 10

// facts reads the facts of the process whose folder is the parent of the open
// folder dir, and reports whether it is still there.
func (r *factReader) facts(dir int, p *holder) bool {
	return r.read(dir, "../", p)
}

// read reads the facts below prefix in the folder dir that p does not have yet.
func (r *factReader) read(dir int, prefix string, p *holder) bool {
	r.begin()
	// Before the file stat: as long as that can be read by way of dir the pid has
	// not been given to another process.
	uid, haveUID := p.UID, p.UID >= 0
	if !haveUID {
		uid, haveUID = r.realUID(p.PID)
	}
	n, e := readName(dir, r.path.join(prefix, "stat"), r.buf)
	switch e {
	case 0:
	case unix.ENOENT, unix.ESRCH:
		return false
	}
	if s, ok := parseStat(r.buf[:n]); ok {
		p.comm = r.text(s.comm)
		p.PPID, p.start = s.ppid, s.start
	}
	r.program(dir, prefix, p)
	if !haveUID {
		if n, e = readName(dir, r.path.join(prefix, "status"), r.buf); e == 0 {
			uid, haveUID = parseRealUID(r.buf[:n])
		}
	}
	if haveUID {
		p.UID = uid
	}
	if !p.noCgroup {
		r.place(dir, prefix, p)
	}
	return true
}

// begin makes what the reader works with.
func (r *factReader) begin() {
	if r.buf == nil {
		r.buf = make([]byte, factBuf)
		r.strings = make(map[string]string)
		r.cgroups = make(map[string]*cgroupFacts)
	}
}

// program reads which program a process runs.
func (r *factReader) program(dir int, prefix string, p *holder) {
	n, e := readLink(dir, r.path.join(prefix, "exe"), r.buf)
	if e == 0 && n < len(r.buf) {
		path := r.buf[:n]
		if at := n - len(deletedMark); at > 0 && string(path[at:]) == deletedMark {
			p.Deleted, p.maybeGone = true, true
			path = path[:at]
		}
		p.Exe = r.text(path)
	}
	p.Name = programName(p.Exe, p.comm)
}

// place reads which unit and container a process is in.
func (r *factReader) place(dir int, prefix string, p *holder) {
	if n, e := readName(dir, r.path.join(prefix, "cgroup"), r.buf); e == 0 {
		p.setCgroup(r.cgroup(r.buf[:n]))
	}
}

// setCgroup takes over what the cgroups of a process tell.
func (p *holder) setCgroup(c *cgroupFacts) {
	p.cgroup = c
	p.Unit, p.UserUnit, p.Slice = c.unit, c.userUnit, c.slice
	p.Runtime, p.Container, p.Pod, p.QoS = c.runtime, c.container, c.pod, c.qos
}

// realUID asks for the real user by way of a pidfd: PIDFD_GET_INFO, Linux 6.13
// and newer, <linux/pidfd.h>. It takes a fifth of the time of the file status,
// for which the kernel writes sixty lines.
func (r *factReader) realUID(pid int) (int64, bool) {
	if !r.pidfds {
		return -1, false
	}
	fd, _, e := unix.RawSyscall(unix.SYS_PIDFD_OPEN, uintptr(pid), 0, 0)
	if e != 0 {
		r.pidfds = e == unix.ESRCH
		return -1, false
	}
	r.info = unix.PidfdInfo{Mask: unix.PIDFD_INFO_CREDS}
	_, _, e = unix.RawSyscall(unix.SYS_IOCTL, fd, unix.PIDFD_GET_INFO, uintptr(unsafe.Pointer(&r.info)))
	closeFile(int(fd))
	if e != 0 || r.info.Mask&unix.PIDFD_INFO_CREDS == 0 {
		r.pidfds = e == unix.ESRCH
		return -1, false
	}
	return int64(r.info.Ruid), true
}

// programName is the base name of the program, or comm where that is not to be
// seen. comm alone will not do: it is cut at 15 bytes and a process can set it.
// It is what counts of a program that is several: there the base name says
// nothing, and the kernel took comm from the name by which it was started.
func programName(exe, comm string) string {
	name := baseName(exe)
	if name == "" || comm != "" && multiCall(name) {
		return comm
	}
	return name
}

// multiCall reports whether a program does what the name says by which it is
// started. Debian's and Fedora's redis-server is a link to redis-check-rdb, and
// valkey's likewise.
func multiCall(name string) bool {
	switch name {
	case "busybox", "toybox", "dropbearmulti",
		"redis-check-rdb", "redis-check-aof", "valkey-check-rdb", "valkey-check-aof":
		return true
	}
	return false
}

// text returns b as a string, the same one for the same bytes.
func (r *factReader) text(b []byte) string {
	if s, ok := r.strings[string(b)]; ok {
		return s
	}
	s := string(b)
	r.strings[s] = s
	return s
}

// cgroup parses a cgroup file, once for each different one.
func (r *factReader) cgroup(b []byte) *cgroupFacts {
	if c, ok := r.cgroups[string(b)]; ok {
		return c
	}
	c := new(cgroupFacts)
	*c = parseCgroup(b)
	r.cgroups[string(b)] = c
	return c
}

// join makes the name prefix + tail.
func (p *pathName) join(prefix, tail string) *byte {
	p.n = copy(p.b[:], prefix)
	p.n += copy(p.b[p.n:len(p.b)-1], tail)
	p.b[p.n] = 0
	return &p.b[0]
}

// describe completes the facts of the holders that have been found, each once:
// the users' and parents' names, and what has to be read from the memory of a
// process and may keep the reader waiting (a script, the arguments). A process
// that does not answer in time keeps its row; it is counted in stats.
func (h *holders) describe(ctx context.Context) error {
	root, err := openProc(h.procfs)
	if err != nil {
		return err
	}
	defer root.close()
	var fresh []*holder
	for _, p := range h.procs {
		if !p.described {
			p.described = true
			fresh = append(fresh, p)
		}
	}
	silent := complete(ctx, root, h.options, fresh, h.users)
	h.counts.Slow += silent.slow
	if h.series != nil {
		h.series.after.stuck = append(h.series.after.stuck, silent.owed...)
	}
	return ctx.Err()
}

// complete fills in the facts of processes that need more than their own small
// files, and returns those that did not answer in time.
func complete(ctx context.Context, root *procRoot, o *Options, procs []*holder, users *users) silence {
	boot, haveBoot := root.bootTime()
	parents := parents{root: root, procs: procs}
	for _, p := range procs {
		if haveBoot && p.start > 0 {
			p.Started = startTime(boot, p.start)
		}
		if p.UID >= 0 {
			p.User = users.name(p.UID)
		}
		if parent := parents.of(p.PPID, p.start); parent != nil {
			p.Parent = parent.name
		}
		if o.Ancestors {
			p.Ancestors = parents.ancestors(p)
		}
	}
	return askAll(ctx, o, procs)
}

// bootTime returns when the system started, in seconds since the epoch: the
// value that the line "btime" of /proc/stat has.
func (p *procRoot) bootTime() (int64, bool) {
	if p.real {
		if boot, ok := clockBootTime(); ok {
			return boot, true
		}
	}
	n, buf := readWhole(p.fd, "stat", nil) // long on a machine with many processors
	return parseBootTime(buf[:n])
}

// clockBootTime asks the clocks, because /proc/stat sums the interrupts of
// every processor first, which takes milliseconds on a large machine. The
// kernel's btime is the whole seconds of the same difference (fs/proc/stat.c,
// getboottime64); too near a whole second to be sure it answers false.
func clockBootTime() (int64, bool) {
	var before, wall, after unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &before) != nil ||
		unix.ClockGettime(unix.CLOCK_REALTIME, &wall) != nil ||
		unix.ClockGettime(unix.CLOCK_BOOTTIME, &after) != nil {
		return 0, false
	}
	const second = int64(1e9)
	first, last := wall.Nano()-after.Nano(), wall.Nano()-before.Nano()
	if first <= 0 || first/second != last/second {
		return 0, false
	}
	return first / second, true
}

// describePIDs reads the facts of processes by their pids. A process that is
// gone is not in the answer.
func describePIDs(ctx context.Context, o *Options, pids []int) map[int]*Process {
	facts := make(map[int]*Process, len(pids))
	root, err := openProc(o.procfs())
	if err != nil {
		return facts
	}
	defer root.close()
	r := factReader{pidfds: root.own}
	var name pathName
	procs := make([]*holder, 0, len(pids))
	for _, pid := range slices.Compact(slices.Sorted(slices.Values(pids))) {
		if pid <= 0 || ctx.Err() != nil {
			continue
		}
		dir, e := openName(root.fd, name.set(pid, ""), unix.O_PATH|unix.O_DIRECTORY)
		if e != 0 {
			continue
		}
		p := &holder{Process: Process{PID: pid, UID: -1}}
		if r.read(dir, "", p) {
			procs = append(procs, p)
			facts[pid] = &p.Process
		}
		unix.Close(dir)
	}
	complete(ctx, root, o, procs, newUsers(o))
	return facts
}
