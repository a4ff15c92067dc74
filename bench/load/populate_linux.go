package load

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

// backlog is how many connections a listener of ours may have waiting: none ever
// does, for each is accepted as soon as it is made.
const backlog = 128

// A form is a kind of listener.
type form struct {
	typ int
	at  func(port int) unix.Sockaddr
}

func any4(port int) unix.Sockaddr { return &unix.SockaddrInet4{Port: port} }

func loop4(port int) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
}

func any6(port int) unix.Sockaddr { return &unix.SockaddrInet6{Port: port} }

func loop6(port int) unix.Sockaddr {
	return &unix.SockaddrInet6{Port: port, Addr: [16]byte{15: 1}}
}

// forms returns the kinds of listener, which take turns. Where the kernel has no
// IPv6, IPv4 takes its place.
func forms() []form {
	f := []form{
		{unix.SOCK_STREAM, any4},
		{unix.SOCK_STREAM, loop4},
		{unix.SOCK_STREAM, any6},
		{unix.SOCK_STREAM, loop6},
		{unix.SOCK_DGRAM, any4},
	}
	fd, err := listen(form{unix.SOCK_DGRAM, loop6}, 0)
	if err != nil {
		f[2].at, f[3].at = any4, loop4
		return f
	}
	unix.Close(fd)
	return f
}

// populate opens the sockets of a scenario and starts the holders that get them.
// It returns the holders' pids; this process has none of the sockets then.
func populate(s Scenario) (pids []int, err error) {
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/null: %w", err)
	}
	defer unix.Close(null)
	kinds := forms()
	add := func(t *team) error {
		got, err := t.start(kinds, null)
		pids = append(pids, got...)
		return err
	}
	for i, t := range teams(s) {
		if s.Namespaces > 0 {
			err = inNamespace(fmt.Sprintf("n%d", i), func() error { return add(&t) })
		} else {
			err = add(&t)
		}
		if err != nil {
			return nil, err
		}
	}
	return pids, nil
}

// inNamespace makes a network namespace that ip-netns(8) knows by a name, and
// calls f in it. The caller keeps its thread.
func inNamespace(name string, f func() error) error {
	own, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(own)
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	path := "/run/netns/" + name
	err = os.WriteFile(path, nil, 0o600)
	if err == nil {
		err = unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}
	if err == nil {
		err = netnstest.LinkUp("lo")
	}
	if err == nil {
		err = f()
	}
	return errors.Join(err, unix.Setns(own, unix.CLONE_NEWNET))
}

// start opens a team's sockets, starts its holders, and closes them again.
func (t *team) start(kinds []form, null int) (pids []int, err error) {
	listeners, tcp, err := t.openListeners(kinds)
	defer func() { closeAll(listeners) }()
	if err != nil {
		return nil, err
	}
	servers, clients, err := t.openConns(listeners, tcp)
	defer func() { closeAll(servers); closeAll(clients) }()
	if err != nil {
		return nil, err
	}
	t.deal(tcp)
	return startHolders(t.shares, listeners, servers, clients, null, t.listeners.first)
}

// openListeners opens the team's listeners, and says which are TCP.
func (t *team) openListeners(kinds []form) (fds, tcp []int, err error) {
	for i := range t.listeners.len() {
		n := t.listeners.first + i
		f := kinds[n%len(kinds)]
		fd, err := listen(f, firstPort+n)
		if err != nil {
			return fds, tcp, fmt.Errorf("listener %d: %w", n, err)
		}
		fds = append(fds, fd)
		if f.typ == unix.SOCK_STREAM {
			tcp = append(tcp, i)
		}
	}
	return fds, tcp, nil
}

// openConns opens the team's connections, to its TCP listeners in turn.
func (t *team) openConns(listeners, tcp []int) (servers, clients []int, err error) {
	for i := range t.conns.len() {
		at := serverOf(i, tcp)
		server, client, err := connect(listeners[at], firstPort+t.listeners.first+at)
		if err != nil {
			return servers, clients, fmt.Errorf("connection %d: %w", t.conns.first+i, err)
		}
		servers, clients = append(servers, server), append(clients, client)
	}
	return servers, clients, nil
}

// listen opens one listener.
func listen(f form, port int) (int, error) {
	addr := f.at(port)
	family := unix.AF_INET
	if _, ok := addr.(*unix.SockaddrInet6); ok {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, f.typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := unix.Bind(fd, addr); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind to port %d: %w", port, err)
	}
	if f.typ != unix.SOCK_STREAM {
		return fd, nil
	}
	if err := unix.Listen(fd, backlog); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("listen: %w", err)
	}
	return fd, nil
}

// connect opens one connection to the listener of that port, by IPv6 if it is
// bound to ::1.
func connect(listener, port int) (server, client int, err error) {
	own, err := unix.Getsockname(listener)
	if err != nil {
		return -1, -1, fmt.Errorf("getsockname: %w", err)
	}
	family, to := unix.AF_INET, loop4(port)
	if a, ok := own.(*unix.SockaddrInet6); ok && a.Addr != [16]byte{} {
		family, to = unix.AF_INET6, loop6(port)
	}
	client, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("socket: %w", err)
	}
	if err := ignoringEINTR(func() error { return unix.Connect(client, to) }); err != nil {
		unix.Close(client)
		return -1, -1, fmt.Errorf("connect: %w", err)
	}
	err = ignoringEINTR(func() (err error) {
		server, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
		return err
	})
	if err != nil {
		unix.Close(client)
		return -1, -1, fmt.Errorf("accept: %w", err)
	}
	return server, client, nil
}

// ignoringEINTR calls f until a signal does not cut it short: Go interrupts
// its own threads.
func ignoringEINTR(f func() error) error {
	for {
		err := f()
		// A connect(2) that was cut short goes on by itself.
		if errors.Is(err, unix.EISCONN) {
			return nil
		}
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EALREADY) {
			return err
		}
	}
}

// startHolders starts a process for each share, which inherits its descriptors.
// Those of no interest stand in an order that layout says: processes of one
// program are alike, and those of another are not.
func startHolders(shares []share, listeners, servers, clients []int, null, layout int) ([]int, error) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, sh := range shares {
		fds := []uintptr{uintptr(null), uintptr(null), uintptr(null)}
		for _, i := range sh.listeners {
			fds = append(fds, uintptr(listeners[i]))
		}
		for _, i := range sh.servers {
			fds = append(fds, uintptr(servers[i]))
		}
		for _, i := range sh.clients {
			fds = append(fds, uintptr(clients[i]))
		}
		files, err := openFiles()
		if err != nil {
			closeAll(files)
			return pids, err
		}
		for i := range sh.files {
			fds = append(fds, uintptr(files[(i+layout)%len(files)]))
		}
		pid, err := syscall.ForkExec(sleep, []string{"sleep", "infinity"}, &syscall.ProcAttr{Dir: "/", Files: fds})
		closeAll(files)
		if err != nil {
			return pids, fmt.Errorf("start holder %d: %w", len(pids), err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// openFiles opens one of each kind of descriptor of no interest: a file to read,
// a pipe's two ends, an eventfd and an epoll. Each holder has its own, as real
// programs do: readers on two CPUs would wait for each other at what all share.
func openFiles() (fds []int, err error) {
	add := func(fd int, err error) error {
		if err == nil {
			fds = append(fds, fd)
		}
		return err
	}
	file, err := unix.MemfdCreate("file", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd: %w", err)
	}
	defer unix.Close(file)
	if err := add(unix.Open(fmt.Sprintf("/proc/self/fd/%d", file), unix.O_RDONLY|unix.O_CLOEXEC, 0)); err != nil {
		return fds, fmt.Errorf("open a file: %w", err)
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return fds, fmt.Errorf("pipe: %w", err)
	}
	fds = append(fds, pipe[:]...)
	if err := add(unix.Eventfd(0, unix.EFD_CLOEXEC)); err != nil {
		return fds, fmt.Errorf("eventfd: %w", err)
	}
	if err := add(unix.EpollCreate1(unix.EPOLL_CLOEXEC)); err != nil {
		return fds, fmt.Errorf("epoll: %w", err)
	}
	return fds, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
