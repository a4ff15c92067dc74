package load

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxOutput is how much of a program's output is kept, in bytes.
const maxOutput = 64 << 20

// A measurer runs programs and measures them. All its calls are to be made from
// one thread: that is the one whose CPU is set, and the tracer.
type measurer struct {
	all, one unix.CPUSet
	holders  map[int]bool
	null     int
	env      []string
	buf      []byte
}

// newMeasurer returns a measurer for this thread.
func newMeasurer() (*measurer, error) {
	m := &measurer{buf: make([]byte, 1<<16)}
	if err := unix.SchedGetaffinity(0, &m.all); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	// The last CPU: the first has most of the interrupts.
	for cpu := range len(m.all) * strconv.IntSize {
		if m.all.IsSet(cpu) {
			m.one.Zero()
			m.one.Set(cpu)
		}
	}
	var err error
	if m.null, err = unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open %q: %w", os.DevNull, err)
	}
	// The same for all, and of no language.
	m.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/", "LC_ALL=C", "TERM=dumb"}
	return m, nil
}

// watch makes the measurer fail as soon as one of the processes ends.
func (m *measurer) watch(pids []int) {
	m.holders = make(map[int]bool, len(pids))
	for _, pid := range pids {
		m.holders[pid] = true
	}
}

// run runs a program to its end.
func (m *measurer) run(c Command) (Result, error) {
	if len(c.Args) == 0 {
		return Result{}, errors.New("no program to run")
	}
	var r Result
	var err error
	switch c.Kind {
	case Output:
		r, err = m.output(c)
	case Time:
		r, err = m.time(c)
	case Peak:
		r, err = m.peak(c)
	default:
		return Result{}, fmt.Errorf("unknown kind of run: %d", c.Kind)
	}
	if err != nil {
		return r, fmt.Errorf("run %q: %w", c.Args[0], err)
	}
	return r, m.reap()
}

// reap buries what the program left to process 1 (lsof forks), and looks that all
// holders live.
func (m *measurer) reap() error {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return nil
		}
		if m.holders[pid] {
			return fmt.Errorf("holder %d has ended: the load is no longer what it was", pid)
		}
	}
}

// start starts a program that writes to the two descriptors.
func (m *measurer) start(c Command, stdout, stderr int, traced bool) (int, error) {
	if c.Pin {
		// A child inherits its CPUs from the thread that makes it; ours is free
		// again as soon as the child is, so as not to be in its way.
		if err := unix.SchedSetaffinity(0, &m.one); err != nil {
			return 0, fmt.Errorf("pin: %w", err)
		}
		defer unix.SchedSetaffinity(0, &m.all)
	}
	return syscall.ForkExec(c.Args[0], c.Args, &syscall.ProcAttr{
		Dir:   "/",
		Env:   m.env,
		Files: []uintptr{uintptr(m.null), uintptr(stdout), uintptr(stderr)},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Ptrace: traced},
	})
}

// output runs a program and keeps what it writes.
func (m *measurer) output(c Command) (Result, error) {
	var r Result
	var out, diag [2]int
	if err := unix.Pipe2(out[:], unix.O_CLOEXEC); err != nil {
		return r, fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(out[0])
	if err := unix.Pipe2(diag[:], unix.O_CLOEXEC); err != nil {
		unix.Close(out[1])
		return r, fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(diag[0])
	pid, err := m.start(c, out[1], diag[1], false)
	unix.Close(out[1])
	unix.Close(diag[1])
	if err != nil {
		return r, err
	}
	done := make(chan []byte)
	go func() {
		var b bytes.Buffer
		drain(diag[0], make([]byte, 4096), func(p []byte) {
			b.Write(p[:min(len(p), maxOutput-b.Len())])
		})
		done <- b.Bytes()
	}()
	r.Bytes = drain(out[0], m.buf, func(p []byte) {
		r.Output = append(r.Output, p[:min(len(p), maxOutput-len(r.Output))]...)
	})
	r.Stderr = <-done
	r.ExitCode, err = wait(pid, nil)
	return r, err
}

// time runs a program and takes the time.
func (m *measurer) time(c Command) (Result, error) {
	var r Result
	var out [2]int
	if err := unix.Pipe2(out[:], unix.O_CLOEXEC); err != nil {
		return r, fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(out[0])
	begin := time.Now()
	pid, err := m.start(c, out[1], m.null, false)
	unix.Close(out[1])
	if err != nil {
		return r, err
	}
	r.Bytes = drain(out[0], m.buf, nil)
	var used unix.Rusage
	r.ExitCode, err = wait(pid, &used)
	r.Wall = time.Since(begin)
	r.CPU = time.Duration(used.Utime.Nano() + used.Stime.Nano())
	return r, err
}

// peak runs a program and reads its peak resident set when it is about to end.
//
// That is VmHWM of proc_pid_status(5) and not ru_maxrss of wait4(2), in which a
// child begins with the peak of the process that forked it (getrusage(2)):
// this one may well be bigger than the program.
func (m *measurer) peak(c Command) (Result, error) {
	var r Result
	var out [2]int
	if err := unix.Pipe2(out[:], unix.O_CLOEXEC); err != nil {
		return r, fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(out[0])
	pid, err := m.start(c, out[1], m.null, true)
	unix.Close(out[1])
	if err != nil {
		return r, err
	}
	done := make(chan int64)
	go func() { done <- drain(out[0], make([]byte, 1<<16), nil) }()
	r.ExitCode, err = trace(pid, func() (err error) {
		r.PeakRSS, err = peakRSS(pid)
		return err
	})
	r.Bytes = <-done
	return r, err
}

// trace waits for the end of a child that has asked to be traced, and calls
// atExit when its end is near and its memory is still there. ptrace(2).
func trace(pid int, atExit func() error) (code int, err error) {
	begun := false
	for {
		var ws unix.WaitStatus
		_, err := unix.Wait4(pid, &ws, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("wait4: %w", err)
		}
		if !ws.Stopped() {
			return exitCode(ws), nil
		}
		signal := 0
		switch {
		case !begun:
			// The stop after execve(2).
			begun = true
			err = unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACEEXIT|unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_EXITKILL)
		case ws.TrapCause() == unix.PTRACE_EVENT_EXIT:
			err = atExit()
		case ws.TrapCause() == unix.PTRACE_EVENT_EXEC:
			// A script's interpreter makes way for the program.
		default:
			signal = int(ws.StopSignal())
		}
		if err == nil {
			err = unix.PtraceCont(pid, signal)
		}
		if err != nil {
			unix.Kill(pid, unix.SIGKILL)
			wait(pid, nil)
			return 0, fmt.Errorf("trace: %w", err)
		}
	}
}

// peakRSS returns the peak resident set of a process, in bytes.
func peakRSS(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmHWM", pid)
}

// drain reads a pipe to its end, hands on what it reads unless keep is nil, and
// returns how much it was.
func drain(fd int, buf []byte, keep func([]byte)) (total int64) {
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n <= 0 {
			return total
		}
		total += int64(n)
		if keep != nil {
			keep(buf[:n])
		}
	}
}

// wait waits for a child's end and returns its exit code, and what it used if
// that is wanted.
func wait(pid int, used *unix.Rusage) (int, error) {
	var ws unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &ws, 0, used)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("wait4: %w", err)
		}
		return exitCode(ws), nil
	}
}

func exitCode(ws unix.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}
