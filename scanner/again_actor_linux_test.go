package scanner

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() { roles["actor"] = roleActor }

// roleActor does what the test tells it, line by line. Its descriptors go by the
// numbers that it says.
//
//	open SPEC        a socket, as openSocket has it
//	listen FD        a socket that is bound begins to listen
//	connect FD ADDR  a UDP socket gets a peer; disconnect FD takes it away
//	close FD
//	file             a descriptor of no interest
//	send FD PID      to another actor, which has it with recv
//	swap FD          closes FD and has what was sent: as many descriptors as before
//	inherit          starts sleep(1) with all sockets, and says its pid
//	exec NAME        becomes another program with the same descriptors
//	thread SPEC      a socket that a thread with a table of its own has alone
//	namespace SPEC   a socket in a network namespace of its own, and a descriptor of it
func roleActor(r *role, _ []string) error {
	mail, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(mail, mailbox(os.Getpid())); err != nil {
		return err
	}
	r.Say("ready")
	for {
		line, err := r.Hear()
		if err != nil {
			return nil
		}
		said, err := act(mail, strings.Fields(line))
		if err != nil {
			said = "error: " + err.Error()
		}
		r.Say("%s", said)
	}
}

// mailbox is where an actor is sent descriptors.
func mailbox(pid int) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: "@actor" + strconv.Itoa(pid)}
}

func act(mail int, words []string) (string, error) {
	number := func(i int) int { n, _ := strconv.Atoi(words[i]); return n }
	switch words[0] {
	case "open":
		fd, err := openSocket(words[1])
		return strconv.Itoa(fd), err
	case "listen":
		return "ok", unix.Listen(number(1), 5)
	case "connect":
		return "ok", unix.Connect(number(1), sockaddr(netip.MustParseAddrPort(words[2]), unix.AF_INET))
	case "disconnect":
		// connect(2): AF_UNSPEC takes the peer away. x/sys has no such address.
		var none [16]byte
		_, _, e := unix.Syscall(unix.SYS_CONNECT, uintptr(number(1)), uintptr(unsafe.Pointer(&none)), 16)
		if e != 0 {
			return "", e
		}
		return "ok", nil
	case "close":
		return "ok", unix.Close(number(1))
	case "file":
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return strconv.Itoa(fd), err
	case "send":
		return "ok", unix.Sendmsg(mail, []byte{1}, unix.UnixRights(number(1)), mailbox(number(2)), 0)
	case "recv", "swap":
		if words[0] == "swap" {
			if err := unix.Close(number(1)); err != nil {
				return "", err
			}
		}
		oob := make([]byte, 64)
		_, n, _, _, err := unix.Recvmsg(mail, make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
		if err != nil {
			return "", err
		}
		list, err := unix.ParseSocketControlMessage(oob[:n])
		if err != nil || len(list) != 1 {
			return "", fmt.Errorf("%v, %w", list, err)
		}
		fds, err := unix.ParseUnixRights(&list[0])
		if err != nil {
			return "", err
		}
		return strconv.Itoa(fds[0]), nil
	case "inherit":
		return inherit()
	case "exec":
		if err := sockets(func(fd int) error { _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); return err }); err != nil {
			return "", err
		}
		return "", unix.Exec(words[1], []string{words[1], "infinity"}, nil)
	case "thread":
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlocked
			err := unix.Unshare(unix.CLONE_FILES)
			if err == nil {
				_, err = openSocket(words[1])
			}
			done <- err
			select {}
		}()
		return "ok", <-done
	case "namespace":
		done := make(chan error)
		go func() { // on a thread that ends with it
			runtime.LockOSThread()
			err := unix.Unshare(unix.CLONE_NEWNET)
			if err == nil {
				_, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY, 0)
			}
			if err == nil {
				_, err = openSocket(words[1])
			}
			done <- err
		}()
		return "ok", <-done
	}
	return "", fmt.Errorf("no act %q", words[0])
}

// sockets calls f with the internet sockets of this process.
func sockets(f func(fd int) error) error {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range list {
		fd, _ := strconv.Atoi(e.Name())
		if d, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && (d == unix.AF_INET || d == unix.AF_INET6) {
			if err := f(fd); err != nil {
				return err
			}
		}
	}
	return nil
}

// inherit starts a process that runs no more once it has begun.
func inherit() (string, error) {
	cmd := exec.Command("sleep", "infinity")
	if err := sockets(func(fd int) error {
		dup, err := unix.Dup(fd)
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(uintptr(dup), "socket"))
		return err
	}); err != nil {
		return "", err
	}
	err := cmd.Start()
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
	if err != nil {
		return "", err
	}
	go cmd.Wait()
	return strconv.Itoa(cmd.Process.Pid), nil
}

// An actor is a process that the test directs.
type actor struct {
	*proc
	t *testing.T
}

func newActor(t *testing.T) actor { return actor{spawn(t, "actor"), t} }

// do has the actor act, and returns what it says.
func (a actor) do(format string, args ...any) string {
	a.t.Helper()
	line := fmt.Sprintf(format, args...)
	a.Say(a.t, "%s", line)
	said := a.Hear(a.t)
	if strings.HasPrefix(said, "error") {
		a.t.Fatalf("actor %d, %s: %s", a.PID, line, said)
	}
	return said
}

// sleep makes an actor sleep(1), by the path of that program.
func (a actor) sleep(path string) {
	a.t.Helper()
	path, err := exec.LookPath(path)
	if err != nil {
		a.t.Skip(err)
	}
	a.Say(a.t, "exec %s", path)
	until(a.t, func() error {
		words, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", a.PID))
		if string(words) != path+"\x00infinity\x00" {
			return fmt.Errorf("process %d is %q (%v), not yet %s", a.PID, words, err, path)
		}
		return nil
	})
	settled(a.t, a.PID)
}

// settled waits until no thread of a process runs: what it did is counted then.
func settled(t *testing.T, pid int) {
	t.Helper()
	until(t, func() error {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, task := range tasks {
			b, _ := os.ReadFile(task)
			if at := strings.LastIndexByte(string(b), ')'); at > 0 && strings.HasPrefix(string(b[at:]), ") R") {
				return fmt.Errorf("it does not come to rest: %s", b)
			}
		}
		return err
	})
}
