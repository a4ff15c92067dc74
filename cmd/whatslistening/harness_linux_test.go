package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The harness makes real situations: a test's body runs in a process of its own
// (the test binary again) with network, pid and mount namespaces of its own, so
// that nothing of the host is in the way and nothing is left behind. There it
// starts listeners, which are the test binary too, in a role.

const (
	envInside = "WHATSLISTENING_TEST_INSIDE" // the test whose body runs here
	envRole   = "WHATSLISTENING_TEST_ROLE"   // the role that this process plays
)

// roles are further roles, by name.
var roles = map[string]func(args []string) error{}

func init() {
	atStart = func() {
		switch role := os.Getenv(envRole); role {
		case "":
		case "main":
			os.Unsetenv(envRole)
			main()
		default:
			if err := play(role, os.Args[1:]); err != nil {
				fmt.Println("error:", err)
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
}

// enter finishes what clone(2) began: a private mount tree with a /proc of its
// own, and a loopback interface that is up.
func enter() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := leaveNetns(); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("proc: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// leaveNetns takes the network namespaces that others have mounted on the host
// out of the mount tree of the caller: proc_pid_mountinfo(5).
func leaveNetns() error {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); strings.Contains(line, " - nsfs ") && len(f) > 4 {
			if err := unix.Unmount(f[4], unix.MNT_DETACH); err != nil {
				return fmt.Errorf("unmount %s: %w", f[4], err)
			}
		}
	}
	return nil
}

// inNamespaces runs body in namespaces of its own, as the last act of a test.
// Without root the test is skipped.
func inNamespaces(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(envInside) == t.Name() {
		body(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make namespaces of its own")
	}
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	cmd := exec.Command(self(t), "-test.run="+strings.Join(parts, "/"), "-test.v", "-test.count=1", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), envInside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	out = bytes.TrimSpace(out)
	switch {
	case err != nil:
		t.Fatalf("in namespaces of its own: %v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP: "+t.Name()+" ")):
		t.Skipf("%s", out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")):
		t.Fatalf("the test did not run inside:\n%s", out)
	case testing.Verbose():
		t.Logf("%s", out)
	}
}

// self is the path of the test binary.
func self(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// everyone returns a path of the test binary that every user can reach.
func everyone(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "whatslistening-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.Link(self(t), path); err == nil {
		return path
	}
	data, err := os.ReadFile(self(t))
	if err == nil {
		err = os.WriteFile(path, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// as makes cmd the command of this project, run by uid.
func as(cmd *exec.Cmd, uid uint32) *exec.Cmd {
	cmd.Env = append(cmd.Environ(), envRole+"=main")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

// command runs the command in a process of its own, with more environment.
func command(t *testing.T, env []string, args ...string) result {
	t.Helper()
	cmd := exec.Command(self(t), args...)
	cmd.Env = append(append(os.Environ(), envRole+"=main"), env...)
	return resultOf(t, cmd)
}

func resultOf(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// spawn starts exe in a role and returns its pid once it is ready. It ends with
// the test.
func spawn(t *testing.T, exe, role string, args ...string) int {
	t.Helper()
	return spawnBy(t, []string{exe}, role, args...)
}

// spawnBy starts a role by a command that ends in the execve(2) of an
// executable: "ip netns exec NAME EXE".
func spawnBy(t *testing.T, by []string, role string, args ...string) int {
	t.Helper()
	cmd := exec.Command(by[0], append(slices.Clone(by[1:]), args...)...)
	cmd.Env = append(os.Environ(), envRole+"="+role)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("role %s %q said %q (%v), want ready", role, args, line, err)
	}
	return cmd.Process.Pid
}

// play plays a role until its standard input ends.
//
//	listen SPEC...     holds the sockets
//	named NAME SPEC... holds the sockets under another comm
//	drop UID SPEC...   opens the sockets, then becomes UID
//	user UID SPEC...   becomes UID, then opens the sockets
//	prefork N SPEC...  holds the sockets together with N children
//	inherit            holds what it inherited
//	orphan SPEC...     sends the sockets into a unix socket of its own and closes them
//
// and those of roles, which a file with tests adds.
func play(role string, args []string) error {
	if f := roles[role]; f != nil {
		return f(args)
	}
	var before, after func() error
	switch role {
	case "named":
		name := args[0]
		args = args[1:]
		after = func() error { return os.WriteFile("/proc/self/comm", []byte(name), 0) }
	case "drop", "user":
		uid, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		args = args[1:]
		become := func() error { return errors.Join(syscall.Setgid(uid), syscall.Setuid(uid)) }
		if role == "user" {
			before = become
		} else {
			after = become
		}
	}
	children := 0
	if role == "prefork" {
		children, _ = strconv.Atoi(args[0])
		args = args[1:]
	}
	if before != nil {
		if err := before(); err != nil {
			return err
		}
	}
	var fds []int
	for _, spec := range args {
		fd, err := open(spec)
		if err != nil {
			return fmt.Errorf("%s: %w", spec, err)
		}
		fds = append(fds, fd)
	}
	if role == "orphan" {
		if err := orphan(fds); err != nil {
			return err
		}
	}
	for range children {
		if err := fork(fds); err != nil {
			return err
		}
	}
	if after != nil {
		if err := after(); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// fork starts a child that inherits fds.
func fork(fds []int) error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envRole+"=inherit")
	for _, fd := range fds {
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(uintptr(fd), "socket"))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if _, err := cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	return err
}

// orphan leaves the sockets in flight: no process has a descriptor of them.
func orphan(fds []int) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(fds...), nil, 0); err != nil {
		return err
	}
	for _, fd := range fds {
		unix.Close(fd)
	}
	return nil
}

// open opens the socket that spec describes: network, address, options
// (reuseport, v6only, device=NAME), as "tcp4,127.0.0.1:80,reuseport".
func open(spec string) (int, error) {
	f := strings.Split(spec, ",")
	typ, proto, listens := unix.SOCK_STREAM, unix.IPPROTO_TCP, true
	switch strings.TrimRight(f[0], "46") {
	case "udp":
		typ, proto, listens = unix.SOCK_DGRAM, unix.IPPROTO_UDP, false
	case "mptcp":
		proto = unix.IPPROTO_MPTCP
	}
	addr, err := net.ResolveTCPAddr("tcp", f[1])
	if err != nil {
		return -1, err
	}
	domain, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: addr.Port, Addr: [16]byte(addr.IP.To16())})
	if ip := addr.IP.To4(); ip != nil {
		domain, sa = unix.AF_INET, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(ip)}
	}
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, err
	}
	for _, o := range f[2:] {
		switch k, v, _ := strings.Cut(o, "="); k {
		case "reuseport":
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		case "v6only":
			err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
		case "device":
			err = unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, v)
		default:
			err = fmt.Errorf("no option %q", o)
		}
		if err != nil {
			return -1, err
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return -1, err
	}
	if listens {
		return fd, unix.Listen(fd, 16)
	}
	return fd, nil
}
