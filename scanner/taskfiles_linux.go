package scanner

import (
	"context"
	"encoding/binary"
	"errors"
	"math/bits"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A taskFile is a descriptor of a process.
type taskFile struct {
	inode   uint64
	start   uint64 // of the process, in clock ticks since the start of the system
	cgroups uint64 // which it is in: equal where all are; 0 where that is not known
	pid, fd int
	uid     uint32 // the real user of the process
	magic   uint32 // of the filesystem
}

// readTaskFiles has the kernel go through the descriptors of every process in
// the pid namespace of this one, with the tables that threads have to themselves.
// It calls take with those of the sockets in set and with those of namespaces, in
// the order of pids, more or less; and with others, to show the processes that the
// kernel has been to. An error means that the kernel could not be asked, or that
// its answer is not to be relied on.
func readTaskFiles(ctx context.Context, layout *taskFileLayout, set *inodeSet, take func(taskFile)) error {
	known, err := newCanary()
	if err != nil {
		return err
	}
	defer known.close()
	fd, err := openTaskFiles(layout, set, known.inode)
	if err != nil {
		return err
	}
	defer closeFile(fd)
	r := newBPFReader(fd, taskFileRecordLen)
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var b []byte
		if b, more, err = r.next(); err != nil {
			return err
		}
		for ; len(b) > 0; b = b[taskFileRecordLen:] {
			f := parseTaskFile(b)
			if f.pid == 0 {
				return errors.New("bpf: a process without a pid")
			}
			known.look(f)
			take(f)
		}
	}
	if !known.seen {
		return errors.New("bpf: the kernel's answer lacks this process itself")
	}
	return nil
}

// tick is a clock tick in nanoseconds, see startTime.
const tick = 1e9 / 100

// parseTaskFile parses what taskFileProgram writes.
func parseTaskFile(b []byte) taskFile {
	le := binary.LittleEndian
	return taskFile{
		inode: le.Uint64(b), start: le.Uint64(b[8:]) / tick, cgroups: le.Uint64(b[16:]),
		pid: int(le.Uint32(b[24:])), uid: le.Uint32(b[28:]), fd: int(le.Uint32(b[32:])), magic: le.Uint32(b[36:]),
	}
}

// openTaskFiles returns a descriptor to read the records from, of the sockets in
// set and one more.
func openTaskFiles(layout *taskFileLayout, set *inodeSet, one uint64) (int, error) {
	wanted := newInodeBits(set.n + 1)
	wanted.add(one)
	for _, inode := range set.keys {
		if inode != 0 {
			wanted.add(inode)
		}
	}
	memory, err := newBPFArray(append(wanted.bytes, make([]byte, memoryTail)...))
	if err != nil {
		return -1, err
	}
	defer closeFile(memory)
	program, err := loadBPFIterator(taskFileProgram(layout, wanted, memory), layout.function)
	if err != nil {
		return -1, err
	}
	defer closeFile(program)
	return openBPFIterator(program)
}

// findTaskFileLayout looks in the kernel's description of itself for what the
// program has to know.
func findTaskFileLayout(path string) (*taskFileLayout, error) {
	if unsafe.Sizeof(uintptr(0)) != 8 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, errors.New("bpf: made for 64-bit little-endian machines alone")
	}
	var l taskFileLayout
	s := taskFileSearch(&l)
	if err := s.find(path); err != nil {
		return nil, err
	}
	l.function = s.id
	return &l, nil
}

// taskFileSearch returns a search that fills in a layout, but for the function.
func taskFileSearch(l *taskFileLayout) btfSearch {
	return btfSearch{function: "bpf_iter_task_file", structs: []btfStruct{
		{name: "file", members: []btfMember{{"f_inode", &l.fileInode}}},
		{name: "inode", members: []btfMember{{"i_ino", &l.inodeNumber}, {"i_sb", &l.inodeSuper}}},
		{name: "super_block", members: []btfMember{{"s_magic", &l.superMagic}}},
		{name: "task_struct", members: []btfMember{
			{"group_leader", &l.taskLeader},
			{"start_boottime", &l.taskStart},
			{"thread_pid", &l.taskPID},
			{"flags", &l.taskFlags},
			{"cgroups", &l.taskCgroups},
			{"real_cred", &l.taskCred},
		}},
		{name: "cred", members: []btfMember{{"uid", &l.credUser}}},
		{name: "pid", members: []btfMember{{"level", &l.pidLevel}, {"numbers", &l.pidNumbers}}},
		{name: "upid", members: []btfMember{{"nr", &l.numberValue}}, size: &l.numberSize},
	}}
}

// An inodeBits has the bit of every inode of a set, and few others. The kernel
// looks there, so that what no one asked for is not handed over: a look costs it
// less than one in a hash table of its own, and the bits are filled in one call.
type inodeBits struct {
	bytes []byte
	shift uint8 // from the hash to the number of the bit
}

// newInodeBits makes room for n inodes: 16 bits for each, a page to begin with.
func newInodeBits(n int) inodeBits {
	log := min(max(15, bits.Len(uint(n))+4), 30)
	return inodeBits{make([]byte, 1<<(log-3)), uint8(64 - log)}
}

func (b inodeBits) add(inode uint64) {
	bit := inode * inodeFactor >> b.shift
	b.bytes[bit/8] |= 1 << (bit % 8)
}

// A canary is a socket of this process. An answer that has it, with the pid and
// the start by which /proc knows this process, was right about the layout of the
// kernel, the namespace of the pids and the clock.
type canary struct {
	fd    int
	inode uint64
	start uint64
	seen  bool
}

func newCanary() (*canary, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	c := &canary{fd: fd}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		c.close()
		return nil, os.NewSyscallError("fstat", err)
	}
	c.inode = st.Ino
	buf := make([]byte, 1<<10)
	self, ok := parseStat(readSmall("/proc/self/stat", &buf))
	if !ok {
		c.close()
		return nil, errors.New("bpf: /proc does not tell of this process")
	}
	c.start = self.start
	return c, nil
}

func (c *canary) close() { unix.Close(c.fd) }

func (c *canary) look(f taskFile) {
	c.seen = c.seen || f.magic == sockfsMagic && f.inode == c.inode && f.start == c.start && f.pid == unix.Getpid()
}
