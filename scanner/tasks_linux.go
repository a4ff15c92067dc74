package scanner

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// A task is what the kernel tells of a process at once, of all of them: reading
// files of /proc takes it fifty times as long.
type task struct {
	start     uint64 // in clock ticks since the start of the system
	netns     uint64 // the inode of its network namespace; 0 where its main thread has ended
	pid, ppid int32
	kernel    bool // one of the kernel's own
	comm      [taskCommLen]byte
}

// A taskLister has the kernel list the processes of this pid namespace.
type taskLister struct {
	program *os.File
	files   *taskFileLayout // of the iterator over their descriptors
}

func newTaskLister() (*taskLister, error) {
	files, err := findTaskFileLayout(kernelBTF)
	if err != nil {
		return nil, err
	}
	var l taskLayout
	s := taskSearch(&l)
	if err := s.find(kernelBTF); err != nil {
		return nil, err
	}
	fd, err := loadBPFIterator(taskProgram(&l), s.id)
	if err != nil {
		return nil, err
	}
	return &taskLister{os.NewFile(uintptr(fd), "bpf program"), files}, nil
}

func (l *taskLister) close() {
	if l != nil {
		l.program.Close()
	}
}

// list returns the processes that there are, some n, by pid. It errs where what the kernel
// tells of this process is not what /proc does.
func (l *taskLister) list(n int) (tasks, error) {
	fd, err := openBPFIterator(int(l.program.Fd()))
	if err != nil {
		return nil, err
	}
	defer closeFile(fd)
	list := make(tasks, 0, n)
	r := newBPFReader(fd, taskRecordLen)
	for more := true; more; {
		var b []byte
		if b, more, err = r.next(); err != nil {
			return nil, err
		}
		for ; len(b) > 0; b = b[taskRecordLen:] {
			list = append(list, parseTask(b))
		}
	}
	byPID := func(a, b task) int { return cmp.Compare(a.pid, b.pid) }
	if !slices.IsSortedFunc(list, byPID) {
		slices.SortFunc(list, byPID)
	}
	return list, list.check()
}

// parseTask parses what taskProgram writes.
func parseTask(b []byte) task {
	const kernelThread = 0x00200000 // PF_KTHREAD of <linux/sched.h>
	le := binary.LittleEndian
	return task{
		start: le.Uint64(b) / tick, netns: uint64(le.Uint32(b[taskRecordNet:])),
		pid: int32(le.Uint32(b[taskRecordPID:])), ppid: int32(le.Uint32(b[taskRecordParent:])),
		kernel: le.Uint32(b[taskRecordFlags:])&kernelThread != 0,
		comm:   [taskCommLen]byte(b[taskRecordComm:]),
	}
}

// tasks are processes, by pid.
type tasks []task

// find returns a process; nil where it is not there.
func (ts tasks) find(pid int) *task {
	at, ok := slices.BinarySearchFunc(ts, pid, func(t task, pid int) int { return cmp.Compare(int(t.pid), pid) })
	if !ok {
		return nil
	}
	return &ts[at]
}

// check reports whether what the kernel tells of this process is right: then the
// layout of its structures is, the namespace of the pids and the clock.
func (ts tasks) check() error {
	buf := make([]byte, 1<<10)
	self, ok := parseStat(readSmall("/proc/self/stat", &buf))
	// That of the main thread, as for all others.
	netns := parseNetLink([]byte(readlink("/proc/self/ns/net")))
	t := ts.find(unix.Getpid())
	if !ok || netns == 0 || t == nil || t.kernel || t.netns != netns || t.start != self.start || int(t.ppid) != self.ppid ||
		string(t.name()) != string(self.comm) {
		return errors.New("bpf: the kernel's answer is wrong about this process itself")
	}
	return nil
}

// name is what comm holds.
func (t *task) name() []byte {
	name, _, _ := bytes.Cut(t.comm[:], []byte{0})
	return name
}
