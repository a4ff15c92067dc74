package netnstest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// roles are what a spawned process of every package can do. SPEC is what [Open]
// takes; arguments behind "--" are for others to look at.
//
//	wait               holds what it inherited
//	listen SPEC...     holds the sockets
//	named NAME SPEC... holds the sockets under another comm
//	drop UID SPEC...   opens the sockets, then becomes UID
//	user UID SPEC...   becomes UID, then opens the sockets
//	prefork N SPEC...  holds the sockets together with N children
//	thread SPEC...     holds the sockets in a thread with a table of its own
//	orphan SPEC...     sends the sockets into a unix socket of its own and closes them
var roles = map[string]func(r *Role, args []string) error{
	"wait":    func(r *Role, _ []string) error { return r.Hold() },
	"listen":  listen,
	"named":   named,
	"drop":    drop,
	"user":    user,
	"prefork": prefork,
	"thread":  thread,
	"orphan":  orphan,
}

func listen(r *Role, args []string) error {
	if _, err := OpenAll(args); err != nil {
		return err
	}
	return r.Hold()
}

func named(r *Role, args []string) error {
	if err := os.WriteFile("/proc/self/comm", []byte(args[0]), 0); err != nil {
		return err
	}
	return listen(r, args[1:])
}

func drop(r *Role, args []string) error {
	if _, err := OpenAll(args[1:]); err != nil {
		return err
	}
	if err := become(args[0]); err != nil {
		return err
	}
	return r.Hold()
}

func user(r *Role, args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	return listen(r, args[1:])
}

func become(user string) error {
	uid, err := strconv.Atoi(user)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Setgid(uid), syscall.Setuid(uid))
}

// prefork says the pids of the children after it is ready.
func prefork(r *Role, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	fds, err := OpenAll(args[1:])
	if err != nil {
		return err
	}
	pids := make([]string, n)
	for i := range pids {
		pid, err := Child(fds...)
		if err != nil {
			return err
		}
		pids[i] = strconv.Itoa(pid)
	}
	r.Say("ready")
	for _, pid := range pids {
		r.Say("%s", pid)
	}
	r.Wait()
	return nil
}

// Child has a process that plays a role start another one, which holds the
// descriptors too until standard input ends, and returns its pid.
func Child(fds ...int) (int, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 0, err
	}
	out := os.NewFile(uintptr(pipe[0]), "output of the child")
	defer out.Close()
	files := []uintptr{0, uintptr(pipe[1]), 2}
	for _, fd := range fds {
		files = append(files, uintptr(fd))
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"child"}, &syscall.ProcAttr{
		Env: []string{EnvRole + "=wait"}, Files: files,
	})
	unix.Close(pipe[1])
	if err != nil {
		return 0, err
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		return 0, fmt.Errorf("the child said %q: %w", line, err)
	}
	return pid, nil
}

func thread(r *Role, args []string) error {
	done := make(chan error)
	var hold func()
	hold = func() {
		runtime.LockOSThread() // and never unlocked: the thread is lost to others
		if unix.Gettid() == unix.Getpid() {
			go hold() // the process is this thread: another one
			select {}
		}
		err := unix.Unshare(unix.CLONE_FILES)
		if err == nil {
			_, err = OpenAll(args)
		}
		done <- err
		select {}
	}
	go hold()
	if err := <-done; err != nil {
		return err
	}
	return r.Hold()
}

func orphan(r *Role, args []string) error {
	fds, err := OpenAll(args)
	if err != nil {
		return err
	}
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
	return r.Hold()
}

// OpenAll opens sockets by their specs, up to one that is "--".
func OpenAll(specs []string) ([]int, error) {
	if i := slices.Index(specs, "--"); i >= 0 {
		specs = specs[:i]
	}
	var fds []int
	for _, spec := range specs {
		fd, err := Open(spec)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", spec, err)
		}
		fds = append(fds, fd)
	}
	return fds, nil
}
