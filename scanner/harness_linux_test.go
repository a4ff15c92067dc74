package scanner

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The harness makes real situations. A test body runs in a process of its own
// (the test binary again) with a fresh network namespace, a fresh pid namespace
// and a /proc of its own, so that nothing of the host is in the way and nothing
// is left behind: when the body ends, the kernel ends everything in it.
//
//	func TestCase1(t *testing.T) {
//		inNetns(t, func(t *testing.T) {
//			p := spawn(t, "listen", "tcp,0.0.0.0:80,reuseport")
//			…Scan…
//		})
//	}

const (
	envInside = "SCANNER_TEST_INSIDE" // name of the test whose body runs here
	envRole   = "SCANNER_TEST_ROLE"   // role that this process plays

	envHostPIDs = "SCANNER_TEST_HOST_PIDS" // set: the processes are the host's
)

// roles are what a spawned process can do. Other test files add theirs.
var roles = map[string]func(r *role, args []string) error{
	"listen": roleListen,
	"churn":  roleChurn,
	"flash":  roleFlash,
	"wait":   func(r *role, _ []string) error { r.say("ready"); r.wait(); return nil },
}

func TestMain(m *testing.M) {
	if name := os.Getenv(envRole); name != "" {
		os.Unsetenv(envRole)
		r := &role{in: bufio.NewReader(os.Stdin)}
		f := roles[name]
		if f == nil {
			r.say("error: no role %q", name)
			os.Exit(2)
		}
		if err := f(r, os.Args[1:]); err != nil {
			r.say("error: %v", err)
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
	os.Exit(m.Run())
}

// enter finishes what clone(2) began: a private mount tree, its own /proc and a
// loopback interface that is up.
func enter() error {
	if os.Getenv(envHostPIDs) != "" {
		return linkUp("lo")
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := leaveNetns(); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("proc: %w", err)
	}
	return linkUp("lo")
}

// leaveNetns takes the network namespaces that others have mounted on the host
// out of the mount tree of the caller.
func leaveNetns() error {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(parseNetMounts(b)) {
		if err := unix.Unmount(m.path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", m.path, err)
		}
	}
	return nil
}

// linkUp sets a network interface up.
func linkUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// inNetns runs body in namespaces of its own. Without root the test is skipped.
// A test (or subtest) calls it once, as its last act.
func inNetns(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	inside(t, syscall.CLONE_NEWNET|syscall.CLONE_NEWNS|syscall.CLONE_NEWPID, "", body)
}

// inHostPIDs is inNetns among the host's processes, which are all there are.
func inHostPIDs(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	inside(t, syscall.CLONE_NEWNET, envHostPIDs+"=1", body)
}

func inside(t *testing.T, flags uintptr, env string, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(envInside) == t.Name() {
		body(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a network namespace of its own")
	}
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	cmd := exec.Command(self(t), "-test.run="+strings.Join(parts, "/"), "-test.v", "-test.count=1", "-test.timeout=2m")
	// Without the second that the race detector waits at the end of a process.
	cmd.Env = append(os.Environ(), envInside+"="+t.Name(), "GORACE=atexit_sleep_ms=0", env)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: flags,
		Pdeathsig:  syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	out = bytes.TrimSpace(out)
	switch {
	case err != nil:
		t.Fatalf("in a network namespace of its own: %v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP: "+t.Name()+" ")):
		t.Skipf("%s", out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")):
		t.Fatalf("the test did not run inside:\n%s", out)
	case testing.Verbose():
		t.Logf("%s", out)
	}
}

// A role is a spawned process's end of the conversation with its test.
type role struct{ in *bufio.Reader }

// say sends a line to the test.
func (r *role) say(format string, a ...any) { fmt.Printf(format+"\n", a...) }

// wait waits until the test is done with the process.
func (r *role) wait() { io.Copy(io.Discard, r.in) }

// A proc is a spawned process, seen from the test.
type proc struct {
	*exec.Cmd
	PID int
	in  io.WriteCloser
	out *bufio.Reader
}

// spawn starts the test binary in a role and returns once it has said its
// first line, which must be "ready". The process ends with the test.
func spawn(t *testing.T, name string, args ...string) *proc {
	t.Helper()
	return spawnCmd(t, exec.Command(self(t), args...), name)
}

// self is the path of the test binary.
func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// spawnCmd is spawn for a command that the test has prepared (another user,
// files to inherit). A user who cannot reach the test binary can still start
// "/proc/self/exe".
func spawnCmd(t *testing.T, cmd *exec.Cmd, name string) *proc {
	t.Helper()
	p := &proc{Cmd: cmd}
	cmd.Env = append(cmd.Environ(), envRole+"="+name)
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
		t.Fatalf("role %s: %v", name, err)
	}
	p.PID = cmd.Process.Pid
	t.Cleanup(p.stop)
	if got := p.hear(t); got != "ready" {
		t.Fatalf("role %s %q said %q, want \"ready\"", name, cmd.Args[1:], got)
	}
	return p
}

// hear waits for a line of the process.
func (p *proc) hear(t *testing.T) string {
	t.Helper()
	s, err := p.out.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("from pid %d: %v", p.PID, err)
	}
	return strings.TrimSuffix(s, "\n")
}

// stop ends the process and waits for its end.
func (p *proc) stop() {
	if p.ProcessState != nil {
		return
	}
	p.in.Close()
	p.Process.Kill()
	p.Wait()
}
