package scanner

import "golang.org/x/sys/unix"

// A taskLayout says where the kernel keeps what taskProgram reads, in bytes from
// the start of the structure.
type taskLayout struct {
	leader, start, pid, parent, comm, flags, proxy int16 // of a task
	proxyNet, netCommon, commonNumber              int16
	pidLevel, pidNumbers, numberSize, numberValue  int16
}

// taskSearch returns a search that fills in a layout.
func taskSearch(l *taskLayout) btfSearch {
	return btfSearch{function: "bpf_iter_task", structs: []btfStruct{
		{name: "task_struct", members: []btfMember{
			{"group_leader", &l.leader},
			{"start_boottime", &l.start},
			{"thread_pid", &l.pid},
			{"real_parent", &l.parent},
			{"comm", &l.comm},
			{"flags", &l.flags},
			{"nsproxy", &l.proxy},
		}},
		{name: "nsproxy", members: []btfMember{{"net_ns", &l.proxyNet}}},
		{name: "net", members: []btfMember{{"ns", &l.netCommon}}},
		{name: "ns_common", members: []btfMember{{"inum", &l.commonNumber}}},
		{name: "pid", members: []btfMember{{"level", &l.pidLevel}, {"numbers", &l.pidNumbers}}},
		{name: "upid", members: []btfMember{{"nr", &l.numberValue}}, size: &l.numberSize},
	}}
}

// A record of taskProgram is of a process:
//
//	u64 start; u32 netns; u32 pid; u32 parent; u32 flags; char comm[16]
//
// The start is in nanoseconds since the start of the system. The namespace is 0 for
// a process whose main thread has ended, and the parent where it is outside of the
// pid namespace.
const (
	taskRecordLen    = 40
	taskRecordNet    = 8
	taskRecordPID    = 12
	taskRecordParent = 16
	taskRecordFlags  = 20
	taskRecordComm   = 24
	taskCommLen      = 16 // TASK_COMM_LEN of <linux/sched.h>
)

// The context of the iterator, struct bpf_iter__task.
const (
	taskMeta = 0
	taskTask = 8
)

// taskProgram is called with each thread that there is in the pid namespace, and
// writes a record for each process. As in [taskFileProgram] the kernel's memory is
// read by address.
func taskProgram(l *taskLayout) []bpfInstruction {
	const (
		ctx, at, task, level = 6, 7, 8, 9 // R6 to R9 outlive calls
		record               = bpfScratch - taskRecordLen
	)
	var a bpfAssembler
	a.move(ctx, 1)
	a.load(unix.BPF_DW, task, ctx, taskTask)
	a.exitIf(unix.BPF_JEQ, task, 0) // the call that marks the end
	a.load(unix.BPF_DW, 1, task, l.leader)
	a.exits = append(a.exits, a.jumpUnlessSame(1, task))

	a.read(bpfStack, record, 8, task, l.start)
	a.read(bpfStack, record+taskRecordFlags, 4, task, l.flags)
	a.read(bpfStack, record+taskRecordComm, taskCommLen, task, l.comm)
	a.follow(at, task, l.proxy)
	a.follow(at, at, l.proxyNet)
	a.withNumber(unix.BPF_ADD, at, int32(l.netCommon))
	a.read(bpfStack, record+taskRecordNet, 4, at, l.commonNumber)

	// pid = task->thread_pid->numbers[current->thread_pid->level].nr
	a.call(bpfGetCurrentTaskBTF)
	a.follow(at, 0, l.pid)
	a.read(bpfStack, bpfScratch, 4, at, l.pidLevel)
	a.load(unix.BPF_W, level, bpfStack, bpfScratch)
	number := func(to int32) {
		a.move(1, level)
		a.withNumber(unix.BPF_MUL, 1, int32(l.numberSize))
		a.with(unix.BPF_ADD, at, 1)
		a.withNumber(unix.BPF_ADD, at, int32(l.pidNumbers))
		a.read(bpfStack, to, 4, at, l.numberValue)
	}
	a.follow(at, task, l.pid)
	number(record + taskRecordPID)

	// The parent is in the same namespace, in one below, or in one above: there it
	// has no number.
	a.withNumber(unix.BPF_MOV, 1, 0)
	a.store(unix.BPF_W, bpfStack, record+taskRecordParent, 1)
	a.follow(at, task, l.parent)
	a.follow(at, at, l.leader)
	a.follow(at, at, l.pid)
	a.read(bpfStack, bpfScratch, 4, at, l.pidLevel)
	a.load(unix.BPF_W, 1, bpfStack, bpfScratch)
	a.with(unix.BPF_SUB, 1, level)
	outside := a.jumpIf(unix.BPF_JSLT, 1, 0)
	number(record + taskRecordParent)
	a.land(outside)

	a.load(unix.BPF_DW, 1, ctx, taskMeta)
	a.load(unix.BPF_DW, 1, 1, metaSeq)
	a.move(2, bpfStack)
	a.withNumber(unix.BPF_ADD, 2, record)
	a.withNumber(unix.BPF_MOV, 3, taskRecordLen)
	a.call(bpfSeqWrite)
	return a.finish()
}
