package netnstest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// EnvRole is the variable that tells a process of the test binary which role it
// plays.
const EnvRole = "WHATSLISTENING_TEST_ROLE"

// Start is what TestMain does first. In a process with a role it plays that and
// ends; in one that a test's body runs in it makes the namespaces ready. more are
// the roles of one package beside those that all have.
func Start(more map[string]func(r *Role, args []string) error) {
	if name := os.Getenv(EnvRole); name != "" {
		os.Unsetenv(EnvRole)
		all := maps.Clone(roles)
		maps.Copy(all, more)
		r := &Role{in: bufio.NewReader(os.Stdin)}
		f := all[name]
		if f == nil {
			r.Say("error: no role %q", name)
			os.Exit(2)
		}
		if err := f(r, os.Args[1:]); err != nil {
			r.Say("error: %v", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(envInside) != "" {
		if err := enter(); err != nil {
			fmt.Fprintln(os.Stderr, "entering the namespaces:", err)
			os.Exit(2)
		}
	}
}

// A Role is a spawned process's end of the conversation with its test.
type Role struct{ in *bufio.Reader }

// Say sends a line to the test.
func (r *Role) Say(format string, a ...any) { fmt.Printf(format+"\n", a...) }

// Hear waits for a line of the test.
func (r *Role) Hear() (string, error) { return r.in.ReadString('\n') }

// Wait waits until the test is done with the process.
func (r *Role) Wait() { io.Copy(io.Discard, r.in) }

// Hold says that the role is played as asked, and waits.
func (r *Role) Hold() error {
	r.Say("ready")
	r.Wait()
	return nil
}

// A Proc is a spawned process, seen from the test.
type Proc struct {
	*exec.Cmd
	PID int
	in  io.WriteCloser
	out *bufio.Reader
}

// Spawn starts the test binary in a role and returns once it has said its
// first line, which must be "ready". The process ends with the test.
func Spawn(t testing.TB, role string, args ...string) *Proc {
	t.Helper()
	return SpawnCmd(t, exec.Command(Self(t), args...), role)
}

// SpawnCmd is [Spawn] for a command that the test has prepared (another user,
// files to inherit). A user who cannot reach the test binary can still start
// "/proc/self/exe".
func SpawnCmd(t testing.TB, cmd *exec.Cmd, role string) *Proc {
	t.Helper()
	p := &Proc{Cmd: cmd}
	cmd.Env = append(cmd.Environ(), EnvRole+"="+role)
	cmd.Stderr = os.Stderr
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	// The signal comes when the thread ends that starts the process, which a thread
	// that has been in another network namespace does.
	runtime.LockOSThread()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatalf("role %s: %v", role, err)
	}
	p.PID = cmd.Process.Pid
	t.Cleanup(p.Stop)
	if got := p.Hear(t); got != "ready" {
		t.Fatalf("role %s %q said %q, want \"ready\"", role, cmd.Args[1:], got)
	}
	return p
}

// Say sends a line to the process.
func (p *Proc) Say(t testing.TB, format string, a ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", a...); err != nil {
		t.Fatalf("to pid %d: %v", p.PID, err)
	}
}

// Hear waits for a line of the process.
func (p *Proc) Hear(t testing.TB) string {
	t.Helper()
	s, err := p.out.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("from pid %d: %v", p.PID, err)
	}
	return strings.TrimSuffix(s, "\n")
}

// Stop ends the process and waits for its end.
func (p *Proc) Stop() {
	if p.ProcessState != nil {
		return
	}
	p.in.Close()
	p.Process.Kill()
	p.Wait()
}
