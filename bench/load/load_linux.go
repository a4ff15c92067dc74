package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// initName is argv[0] of process 1 of a load, by which the program knows its part.
const initName = "whatslistening-bench-init"

// ErrRoot means that a load was asked for without the privilege to make one.
var ErrRoot = errors.New("a load needs root: it makes namespaces, and raises limits")

// A Load is a scenario that is running.
type Load struct {
	// Counts are what was counted in its namespaces: the scenario's numbers, or
	// those of the host.
	Counts Counts
	// PID is that of process 1 of the load, as the host has it.
	PID int

	cmd *exec.Cmd
	in  io.WriteCloser
	enc *json.Encoder
	dec *json.Decoder
}

// An order is the first thing that process 1 is told.
type order struct {
	Scenario Scenario
	// Host are the namespaces of the program that gives the order, in which no
	// scenario may be made.
	Host []string
}

// reply is what process 1 answers: first when the load stands, then to each
// Command.
type reply struct {
	Counts Counts
	Result Result
	Error  string
}

// IsInit reports whether this process is process 1 of a load. The program must
// ask before anything else, and call [Init] if it is.
func IsInit() bool { return len(os.Args) > 0 && os.Args[0] == initName }

// Start makes a scenario. It returns when the load stands and has been counted.
// The error is [ErrRoot] without root. When ctx ends, so does the load.
func Start(ctx context.Context, s Scenario) (*Load, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return nil, ErrRoot
	}
	host, err := ownNamespaces()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = []string{initName}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// The signal comes when the thread that started the process ends, not
		// the program (prctl(2)). Go ends a thread only with a goroutine that
		// is locked to it, and none of ours is.
		Pdeathsig: syscall.SIGKILL,
		// A group of its own: an interrupt at the keyboard is the parent's, who
		// ends the load in order.
		Setpgid: true,
	}
	if !s.Host {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("namespaces: %w", err)
	}
	l := &Load{PID: cmd.Process.Pid, cmd: cmd, in: in, enc: json.NewEncoder(in), dec: json.NewDecoder(out)}
	r, err := l.ask(ctx, order{s, host})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("scenario %s: %w", s.Name, err), l.Stop())
	}
	l.Counts = r.Counts
	return l, nil
}

// Run runs a program in the load's namespaces and waits for its end. That the
// program failed is in the result; the error says that it could not be run, or
// that the load is no longer what it was.
func (l *Load) Run(ctx context.Context, c Command) (Result, error) {
	r, err := l.ask(ctx, c)
	return r.Result, err
}

// ask sends process 1 a question and waits for the reply. If ctx ends first, the
// load does.
func (l *Load) ask(ctx context.Context, question any) (reply, error) {
	stop := context.AfterFunc(ctx, func() { l.cmd.Process.Kill() })
	defer stop()
	err := l.enc.Encode(question)
	var r reply
	if err == nil {
		err = l.dec.Decode(&r)
	}
	switch {
	case ctx.Err() != nil:
		return r, context.Cause(ctx)
	case err != nil:
		return r, fmt.Errorf("the load's process 1 is gone: %w", err)
	case r.Error != "":
		return r, errors.New(r.Error)
	}
	return r, nil
}

// Stop ends the load, and returns when its last process is gone.
func (l *Load) Stop() error {
	l.in.Close()
	if err := l.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	// How it ended is of no interest: it was killed.
	l.cmd.Wait()
	return nil
}
