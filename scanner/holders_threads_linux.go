package scanner

import (
	"golang.org/x/sys/unix"
)

// A thread may have a table of descriptors of its own (unshare(2) CLONE_FILES),
// and the threads of a process whose main thread has ended have theirs as
// before, while /proc/PID/fd is empty. Such sockets are to be seen in
// /proc/PID/task/TID/fd alone.

// threads looks at the tables of a process's threads that are not the table of
// the process itself. It is asked only where a socket has no holder otherwise.
func (w *walker) threads(pid int) {
	if w.hasThreads(pid) {
		w.each(pid, true)
	}
}

// private looks at the threads of a process whose own table is empty or cannot
// be opened, and reports whether the table of one could be. A kernel thread has
// no other threads, and costs one call here.
func (w *walker) private(pid int) bool {
	return w.hasThreads(pid) && w.each(pid, false)
}

// hasThreads reports whether there is more than the main thread: the links of
// /proc/PID/task are the threads and two (fs/proc/base.c: proc_task_getattr).
func (w *walker) hasThreads(pid int) bool {
	if !w.root.real {
		return true // a copy of a procfs: the folder has to be read
	}
	var st unix.Stat_t
	w.path.set(pid, "/task")
	return unix.Fstatat(w.root.fd, w.path.String(), &st, 0) == nil && st.Nlink > 3
}

// each looks at the tables of all threads but the main one, and reports whether
// one could be opened. With others only, those that are the process's own table
// are passed over.
func (w *walker) each(pid int, othersOnly bool) bool {
	tasks, e := w.open(w.path.set(pid, "/task"))
	if e != 0 {
		return false
	}
	defer unix.Close(tasks)
	from, opened := len(w.hits), false
	// A buffer of its own: that of the walker is in use for the tables.
	readFolder(tasks, make([]byte, 4<<10), func(tid int) bool {
		if tid == pid || othersOnly && w.sameTable(pid, tid) {
			return true
		}
		table, e := w.open(w.path.task(pid, tid, "/fd"))
		if e != 0 {
			return true
		}
		defer unix.Close(table)
		opened = true
		w.table(table, w.count(table))
		return true
	})
	if len(w.hits) > from {
		w.holder(tasks, pid, from)
	}
	return opened
}

// count returns how many descriptors there are in an open table, 0 where that
// is not known or there are none.
func (w *walker) count(table int) int {
	var st unix.Stat_t
	if !w.root.counts || unix.Fstat(table, &st) != nil {
		return 0
	}
	w.owner = st.Uid
	return int(st.Size)
}

// sameTable reports whether a thread uses the table of descriptors of its
// process. Reading it again for each of hundreds of threads would cost far more
// than the whole walk, so the kernel is asked: kcmp(2).
func (w *walker) sameTable(pid, tid int) bool {
	if !w.root.real {
		return false
	}
	if w.root.own && !w.kcmpRefused {
		const kcmpFiles = 2 // <linux/kcmp.h>: KCMP_FILES
		order, _, e := unix.Syscall6(unix.SYS_KCMP, uintptr(pid), uintptr(tid), kcmpFiles, 0, 0, 0)
		switch e {
		case 0:
			return order == 0
		case unix.ENOSYS, unix.EPERM: // not built in, or a seccomp profile
			w.kcmpRefused = e == unix.ENOSYS
		case unix.ESRCH:
			return true // it ended
		}
	}
	return w.alike(pid, tid)
}

// alike compares two tables where the kernel does not: as many descriptors, the
// lowest of them and one near the end with the same targets.
func (w *walker) alike(pid, tid int) bool {
	a, e := w.open(w.path.set(pid, "/fd"))
	if e != 0 {
		return false
	}
	defer unix.Close(a)
	b, e := w.open(w.path.task(pid, tid, "/fd"))
	if e != 0 {
		return true // not to be seen in any case
	}
	defer unix.Close(b)
	n := w.count(a)
	if n == 0 || n != w.count(b) {
		return false
	}
	for fd := range min(n, 16) {
		same, permitted := w.sameLink(a, b, fd)
		if !permitted {
			return true // not to be seen either
		}
		if !same {
			return false
		}
	}
	same, _ := w.sameLink(a, b, n-1)
	return same
}

// sameLink compares a descriptor in two tables, and reports whether that was
// permitted.
func (w *walker) sameLink(a, b, fd int) (same, permitted bool) {
	name := w.path.set(fd, "")
	n, e := readDescriptor(a, name, &w.link)
	first := w.link
	m, e2 := readDescriptor(b, name, &w.link)
	return e == e2 && (e != 0 || n == m && first == w.link), e != unix.EACCES
}
