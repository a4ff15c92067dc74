package scanner

import "golang.org/x/sys/unix"

// bpfLicense is the license of the program below, as MODULE_LICENSE has it. The
// kernel lends the helpers that it calls to programs under a license compatible
// with the GPL alone; this one is under the MIT license of the project too.
const bpfLicense = "Dual MIT/GPL"

// A bpfInstruction is one of a program: Documentation/bpf/standardization,
// struct bpf_insn of <linux/bpf.h>, of a little-endian machine.
type bpfInstruction uint64

// A bpfRegister is one of R0, what a call returns, to R10, the end of the stack.
type bpfRegister uint8

func bpfCode(op int, dst, src bpfRegister, off int16, imm int32) bpfInstruction {
	return bpfInstruction(op) | bpfInstruction(dst)<<8 | bpfInstruction(src)<<12 |
		bpfInstruction(uint16(off))<<16 | bpfInstruction(uint32(imm))<<32
}

// A bpfAssembler puts a program together. The operands are in the order of the
// kernel's own notation, the target first.
type bpfAssembler struct {
	program []bpfInstruction
	exits   []bpfJump // those to the end
}

// A bpfJump is the instruction that jumps.
type bpfJump int

func (a *bpfAssembler) add(op int, dst, src bpfRegister, off int16, imm int32) {
	a.program = append(a.program, bpfCode(op, dst, src, off, imm))
}

// load is dst = *(size *)(src + off); size is BPF_B, BPF_W or BPF_DW.
func (a *bpfAssembler) load(size int, dst, src bpfRegister, off int16) {
	a.add(unix.BPF_LDX|unix.BPF_MEM|size, dst, src, off, 0)
}

// store is *(size *)(dst + off) = src.
func (a *bpfAssembler) store(size int, dst bpfRegister, off int16, src bpfRegister) {
	a.add(unix.BPF_STX|unix.BPF_MEM|size, dst, src, off, 0)
}

// move is dst = src.
func (a *bpfAssembler) move(dst, src bpfRegister) {
	a.add(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_X, dst, src, 0, 0)
}

// with is dst op= src; withNumber is dst op= n.
func (a *bpfAssembler) with(op int, dst, src bpfRegister) {
	a.add(unix.BPF_ALU64|op|unix.BPF_X, dst, src, 0, 0)
}

func (a *bpfAssembler) withNumber(op int, dst bpfRegister, n int32) {
	a.add(unix.BPF_ALU64|op|unix.BPF_K, dst, 0, 0, n)
}

// number is dst = n, in the space of two instructions.
func (a *bpfAssembler) number(dst bpfRegister, n uint64) { a.wide(dst, 0, uint32(n), uint32(n>>32)) }

// memory is dst = the address of the one element of a map, and off.
func (a *bpfAssembler) memory(dst bpfRegister, fd, off int) {
	a.wide(dst, unix.BPF_PSEUDO_MAP_VALUE, uint32(fd), uint32(off))
}

func (a *bpfAssembler) wide(dst, kind bpfRegister, low, high uint32) {
	a.add(unix.BPF_LD|unix.BPF_IMM|unix.BPF_DW, dst, kind, 0, int32(low))
	a.add(0, 0, 0, 0, int32(high))
}

// jumpIf goes elsewhere where dst compares to n as op says: to what follows the
// land of the jump that it returns.
func (a *bpfAssembler) jumpIf(op int, dst bpfRegister, n int32) bpfJump {
	a.add(unix.BPF_JMP|op|unix.BPF_K, dst, 0, 0, n)
	return bpfJump(len(a.program) - 1)
}

// jumpIfSame and jumpUnlessSame are jumpIf for two registers.
func (a *bpfAssembler) jumpIfSame(dst, src bpfRegister) bpfJump {
	a.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_X, dst, src, 0, 0)
	return bpfJump(len(a.program) - 1)
}

func (a *bpfAssembler) jumpUnlessSame(dst, src bpfRegister) bpfJump {
	a.add(unix.BPF_JMP|unix.BPF_JNE|unix.BPF_X, dst, src, 0, 0)
	return bpfJump(len(a.program) - 1)
}

func (a *bpfAssembler) land(from bpfJump) {
	a.program[from] |= bpfInstruction(uint16(len(a.program)-int(from)-1)) << 16
}

// exitIf ends the program where dst compares to n as op says.
func (a *bpfAssembler) exitIf(op int, dst bpfRegister, n int32) {
	a.exits = append(a.exits, a.jumpIf(op, dst, n))
}

// call calls a helper with R1 to R5, which it leaves undefined. See
// bpf-helpers(7).
func (a *bpfAssembler) call(helper int32) {
	a.add(unix.BPF_JMP|unix.BPF_CALL, 0, 0, 0, helper)
}

// bpfStack is the end of the stack, and bpfScratch 8 bytes there.
const (
	bpfStack   = 10
	bpfScratch = -8
)

// read copies size bytes of the kernel's memory, from address + off; zeros, where
// there is none. follow takes a pointer there, by way of the scratch.
func (a *bpfAssembler) read(to bpfRegister, toOff, size int32, address bpfRegister, off int16) {
	a.move(3, address)
	a.withNumber(unix.BPF_ADD, 3, int32(off))
	a.move(1, to)
	a.withNumber(unix.BPF_ADD, 1, toOff)
	a.withNumber(unix.BPF_MOV, 2, size)
	a.call(bpfProbeReadKernel)
}

func (a *bpfAssembler) follow(to, address bpfRegister, off int16) {
	a.read(bpfStack, bpfScratch, 8, address, off)
	a.load(unix.BPF_DW, to, bpfStack, bpfScratch)
}

// finish ends the program with return 0, and returns it.
func (a *bpfAssembler) finish() []bpfInstruction {
	for _, from := range a.exits {
		a.land(from)
	}
	a.withNumber(unix.BPF_MOV, 0, 0)
	a.add(unix.BPF_JMP|unix.BPF_EXIT, 0, 0, 0, 0)
	return a.program
}

// The helpers: enum bpf_func_id of <linux/bpf.h>, with the Linux that has them
// for such programs.
const (
	bpfProbeReadKernel   = 113 // 5.5
	bpfSeqWrite          = 127 // 5.8
	bpfGetCurrentTaskBTF = 158 // 5.11
)

// A taskFileLayout says where the kernel keeps what the program reads, in bytes
// from the start of the structure.
type taskFileLayout struct {
	function uint32 // the type of the iterator's function

	fileInode, inodeNumber, inodeSuper, superMagic int16
	taskLeader, taskStart, taskPID, taskFlags      int16
	taskCred, credUser, taskCgroups                int16
	pidLevel, pidNumbers, numberSize, numberValue  int16
}

// The context of the iterator, struct bpf_iter__task_file, and the start of
// struct bpf_iter_meta. Every member is 8 bytes wide by decree (__bpf_md_ptr).
const (
	taskFileMeta = 0
	taskFileTask = 8
	taskFileFD   = 16
	taskFileFile = 24
	metaSeq      = 0
)

// A record is what the program writes of a descriptor:
//
//	u64 inode; u64 start; u64 cgroups; u32 pid; u32 user; u32 descriptor; u32 magic
//
// The start is that of the process, in nanoseconds since the start of the system.
// The cgroups are the same number for processes that are in the same cgroups of
// all hierarchies, and 0 for a process whose main thread has ended. The user is
// the real one, of the first user namespace. The magic is that of the filesystem.
const taskFileRecordLen = 40

// The filesystems of sockets and of namespaces: <linux/magic.h>.
const (
	sockfsMagic = 0x534f434b
	nsfsMagic   = 0x6e736673
)

// The program's map has one element: the bits of the inodes that are wanted, and
// behind them the record at hand, with the task that it was filled in for. There
// is one reader, and so one program at work.
const (
	recordInode   = 0
	recordStart   = 8
	recordCgroups = 16
	recordPID     = 24
	recordUser    = 28
	recordFD      = 32
	recordMagic   = 36
	lastTask      = taskFileRecordLen
	lastStart     = lastTask + 8
	memoryTail    = lastStart + 8
)

// taskFileProgram is called with each descriptor of each table of descriptors,
// and writes a record for those that stand for a namespace, or for a socket of
// which the bits have one set: see inodeBits. It writes one for descriptor 0 in
// any case, to show that it was there. memory is the descriptor of its map.
//
// Where a task is described the kernel's memory is read by address, and not by
// type: the types of some ten pointers would cost the kernel two milliseconds to
// check, and most descriptors are of the same task as the one before.
func taskFileProgram(l *taskFileLayout, bits inodeBits, memory int) []bpfInstruction {
	const (
		ctx, record, task, inode, leader = 6, 7, 8, 9, 9 // R6 to R9 outlive calls
		file, magic, fd                  = 7, 3, 4
		stack, scratch                   = bpfStack, bpfScratch
		exiting                          = 4 // PF_EXITING of <linux/sched.h>
	)
	var a bpfAssembler
	a.move(ctx, 1)
	a.load(unix.BPF_DW, file, ctx, taskFileFile)
	a.exitIf(unix.BPF_JEQ, file, 0) // the call that marks the end
	a.load(unix.BPF_DW, task, ctx, taskFileTask)
	a.exitIf(unix.BPF_JEQ, task, 0)

	// Inodes count within a filesystem. A descriptor opened with O_PATH is one of
	// the same filesystem too, as it is in /proc/PID/fd.
	a.load(unix.BPF_DW, file, file, l.fileInode)
	a.load(unix.BPF_DW, inode, file, l.inodeNumber)
	a.load(unix.BPF_DW, magic, file, l.inodeSuper)
	a.load(unix.BPF_DW, magic, magic, l.superMagic)
	a.load(unix.BPF_W, fd, ctx, taskFileFD)
	namespace := a.jumpIf(unix.BPF_JEQ, magic, nsfsMagic)
	first := a.jumpIf(unix.BPF_JEQ, fd, 0)
	a.exitIf(unix.BPF_JNE, magic, sockfsMagic)
	// Is the bit of the inode set?
	a.move(1, inode)
	a.number(2, inodeFactor)
	a.with(unix.BPF_MUL, 1, 2)
	a.withNumber(unix.BPF_RSH, 1, int32(bits.shift))
	a.move(2, 1)
	a.withNumber(unix.BPF_AND, 2, 7)
	a.withNumber(unix.BPF_RSH, 1, 3)
	a.memory(5, memory, 0)
	a.with(unix.BPF_ADD, 5, 1)
	a.load(unix.BPF_B, 1, 5, 0)
	a.with(unix.BPF_RSH, 1, 2)
	a.withNumber(unix.BPF_AND, 1, 1)
	a.exitIf(unix.BPF_JEQ, 1, 0)
	a.land(first)
	a.land(namespace)

	a.memory(record, memory, len(bits.bytes))
	a.store(unix.BPF_DW, record, recordInode, inode)
	a.store(unix.BPF_W, record, recordFD, fd)
	a.store(unix.BPF_W, record, recordMagic, magic)
	// Is it the task of the record? Its address alone may be another's by now.
	a.load(unix.BPF_DW, 1, task, l.taskStart)
	a.load(unix.BPF_DW, 2, record, lastStart)
	another := a.jumpUnlessSame(1, 2)
	a.load(unix.BPF_DW, 2, record, lastTask)
	same := a.jumpIfSame(2, task)
	a.land(another)
	a.store(unix.BPF_DW, record, lastStart, 1)
	a.store(unix.BPF_DW, record, lastTask, task)

	a.follow(leader, task, l.taskLeader)
	a.read(record, recordStart, 8, leader, l.taskStart)
	a.withNumber(unix.BPF_MOV, 1, 0)
	a.store(unix.BPF_DW, record, recordCgroups, 1)
	a.read(stack, scratch, 4, leader, l.taskFlags)
	a.load(unix.BPF_W, 1, stack, scratch)
	a.withNumber(unix.BPF_AND, 1, exiting)
	ended := a.jumpIf(unix.BPF_JNE, 1, 0)
	a.read(record, recordCgroups, 8, leader, l.taskCgroups)
	a.land(ended)
	a.follow(1, leader, l.taskCred)
	a.read(record, recordUser, 4, 1, l.credUser)

	// pid = leader->thread_pid->numbers[current->thread_pid->level].nr
	a.follow(leader, leader, l.taskPID)
	a.call(bpfGetCurrentTaskBTF)
	a.follow(1, 0, l.taskPID)
	a.read(stack, scratch, 4, 1, l.pidLevel)
	a.load(unix.BPF_W, 1, stack, scratch)
	a.withNumber(unix.BPF_MUL, 1, int32(l.numberSize))
	a.with(unix.BPF_ADD, leader, 1)
	a.withNumber(unix.BPF_ADD, leader, int32(l.pidNumbers))
	a.read(record, recordPID, 4, leader, l.numberValue)

	a.land(same)
	a.load(unix.BPF_DW, 1, ctx, taskFileMeta)
	a.load(unix.BPF_DW, 1, 1, metaSeq)
	a.move(2, record)
	a.withNumber(unix.BPF_MOV, 3, taskFileRecordLen)
	a.call(bpfSeqWrite)
	return a.finish()
}
