package scanner

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below take NUL-terminated names in buffers of the caller, so that
// nothing is allocated for a descriptor or a process. They repeat on EINTR:
// Go's own preemption signal interrupts them (correctness: short getdents64
// batches come from there too).
//
// Those that a walk makes by the ten thousand do not tell the scheduler (raw):
// told, it watches each of them every 20 µs and hands its processor on, which
// costs a walk two thousand switches of threads. None of them waits for the
// process that it asks about or for a filesystem other than procfs. What may
// wait is told: [readSome].

// A pathName is a NUL-terminated path under /proc, built in place.
type pathName struct {
	b [64]byte
	n int
}

// set makes the name "pid" + tail; the tail holds no NUL and fits.
func (p *pathName) set(pid int, tail string) *byte {
	p.n = 0
	p.number(pid)
	p.n += copy(p.b[p.n:len(p.b)-1], tail)
	p.b[p.n] = 0
	return &p.b[0]
}

// task makes the name "pid/task/tid" + tail.
func (p *pathName) task(pid, tid int, tail string) *byte {
	p.n = 0
	p.number(pid)
	p.n += copy(p.b[p.n:], "/task/")
	p.number(tid)
	p.n += copy(p.b[p.n:len(p.b)-1], tail)
	p.b[p.n] = 0
	return &p.b[0]
}

// descriptor makes the name "pid/fd/n".
func (p *pathName) descriptor(pid, n int) *byte {
	p.set(pid, "/fd/")
	p.number(n)
	p.b[p.n] = 0
	return &p.b[0]
}

func (p *pathName) number(n int) {
	var digits [20]byte
	at := len(digits)
	for {
		at--
		digits[at] = byte('0' + n%10)
		n /= 10
		if n == 0 {
			break
		}
	}
	p.n += copy(p.b[p.n:], digits[at:])
}

// String returns the name without its NUL.
func (p *pathName) String() string { return string(p.b[:p.n]) }

// openName opens a name of a procfs relative to a folder.
func openName(dir int, name *byte, flags int) (int, unix.Errno) {
	for {
		fd, _, e := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(name)),
			uintptr(flags|unix.O_CLOEXEC), 0, 0, 0)
		if e != unix.EINTR {
			return int(fd), e
		}
	}
}

// readLink reads a symbolic link. It may cut the target short: a buffer that
// came back full holds perhaps a part of it.
func readLink(dir int, name *byte, buf []byte) (int, unix.Errno) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(name)),
			uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
		if e != unix.EINTR {
			return int(n), e
		}
	}
}

// readDescriptor reads the link of a descriptor below /proc/PID/fd. It is made for
// every descriptor of the host, and does not wait for the filesystem of the
// target (fs/proc/base.c: proc_pid_readlink takes spin locks and d_path only).
func readDescriptor(dir int, name *byte, buf *[linkLen]byte) (int, unix.Errno) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(name)),
			uintptr(unsafe.Pointer(buf)), linkLen, 0, 0)
		if e != unix.EINTR {
			return int(n), e
		}
	}
}

// linkLen holds "socket:[18446744073709551615]"; a longer target is no socket.
const linkLen = 32

// readSome reads once, what may have to be waited for too.
func readSome(fd int, buf []byte) (int, unix.Errno) {
	for {
		n, _, e := unix.Syscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
		if e != unix.EINTR {
			return int(n), e
		}
	}
}

// readName reads a small file relative to a folder into buf, as much as fits.
// It reads once: the files of a process that tell its state are made whole at
// the first read (seq_file, single_open), and the second would only say so.
func readName(dir int, name *byte, buf []byte) (int, unix.Errno) {
	fd, e := openName(dir, name, unix.O_RDONLY)
	if e != 0 {
		return 0, e
	}
	defer closeFile(fd)
	for {
		n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
		if e == 0 {
			return int(n), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

// closeFile closes a descriptor. It is not repeated on EINTR: the descriptor is
// free in any case, close(2).
func closeFile(fd int) {
	unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
}

// direntName offsets: struct linux_dirent64 of getdents64(2).
const (
	direntReclen = 16 // unsigned short d_reclen
	direntName   = 19 // char d_name[]
)

// readFolder calls f with every name of an open folder that is a decimal
// number, until f returns false. It reads until getdents64 returns 0: a short
// batch is not the end.
func readFolder(fd int, buf []byte, f func(n int) bool) unix.Errno {
	for {
		n, err := unix.Getdents(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return asErrno(err)
		}
		if n == 0 {
			return 0
		}
		for b := buf[:n]; len(b) > direntName; {
			size := int(b[direntReclen]) | int(b[direntReclen+1])<<8
			if size <= direntName || size > len(b) {
				return unix.EIO
			}
			if num, ok := numericName(b[direntName:size]); ok && !f(num) {
				return 0
			}
			b = b[size:]
		}
	}
}

// numericName parses a NUL-terminated name that is a decimal number as the
// kernel writes it: no sign, no leading zero, at most 2^31-1.
func numericName(b []byte) (int, bool) {
	n := 0
	for i, c := range b {
		if c == 0 {
			return n, i > 0
		}
		d := int(c - '0')
		if d < 0 || d > 9 || i > 0 && n == 0 || n > (1<<31-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return 0, false
}

func asErrno(err error) unix.Errno {
	if e, ok := err.(unix.Errno); ok {
		return e
	}
	return unix.EIO
}

// A procRoot is an open /proc, or a folder that looks like one.
type procRoot struct {
	fd int
	// counts reports whether the size of /proc/PID/fd is the number of
	// descriptors: Linux 6.2 and newer (f1f1f2569901).
	counts bool
	// real reports whether it is a procfs, and not a copy of one.
	real bool
	// own reports whether its pids are those of this process's own namespace.
	own bool
}

// openProc opens the folder of the processes.
func openProc(path string) (*procRoot, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	p := &procRoot{fd: fd}
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) == nil && fs.Type == unix.PROC_SUPER_MAGIC {
		p.real = true
		// This process has at least the one descriptor just opened.
		var st unix.Stat_t
		p.counts = unix.Fstatat(fd, "self/fd", &st, 0) == nil && st.Size > 0
		var buf [16]byte
		n, err := unix.Readlinkat(fd, "self", buf[:])
		self, ok := parseDecimal(buf[:max(n, 0)])
		p.own = err == nil && ok && int(self) == unix.Getpid()
	}
	return p, nil
}

func (p *procRoot) close() { unix.Close(p.fd) }
