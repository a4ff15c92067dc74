package scanner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
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
	r.say("ready")
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return nil
		}
		said, err := act(mail, strings.Fields(line))
		if err != nil {
			said = "error: " + err.Error()
		}
		r.say("%s", said)
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
	if _, err := a.in.Write([]byte(line + "\n")); err != nil {
		a.t.Fatal(err)
	}
	said := a.hear(a.t)
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
	if _, err := fmt.Fprintf(a.in, "exec %s\n", path); err != nil {
		a.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		if words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", a.PID)); string(words) == path+"\x00infinity\x00" {
			break
		}
		if time.Now().After(deadline) {
			a.t.Fatal("no exec")
		}
	}
	settled(a.t, a.PID)
}

// settled waits until no thread of a process runs: what it did is counted then.
func settled(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		running := false
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, task := range tasks {
			b, _ := os.ReadFile(task)
			if at := strings.LastIndexByte(string(b), ')'); at > 0 && strings.HasPrefix(string(b[at:]), ") R") {
				running = true
			}
		}
		if !running {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d does not come to rest", pid)
		}
	}
}

// A scanSeries scans again and again, and holds each scan against one by itself.
type scanSeries struct {
	t    *testing.T
	o    Options
	last *Snapshot
}

func newScanSeries(t *testing.T, o Options) *scanSeries {
	o.NetNS = NetNSOwn
	return &scanSeries{t, o, new(Snapshot)}
}

// scan scans and fails the test where the series does not show what a scan by
// itself shows.
func (s *scanSeries) scan(what string) *Snapshot {
	s.t.Helper()
	o := s.o
	o.Previous = s.last
	got, err := Scan(context.Background(), &o)
	if err != nil {
		s.t.Fatal(err)
	}
	want, err := Scan(context.Background(), &s.o)
	if err != nil {
		s.t.Fatal(err)
	}
	if g, w := show(got), show(want); g != w {
		s.t.Fatalf("%s: the series shows\n%s\na scan by itself\n%s", what, g, w)
	}
	s.last = got
	return got
}

// show writes all that a snapshot says.
func show(s *Snapshot) string {
	socks := slices.Clone(s.Sockets)
	slices.SortFunc(socks, func(a, b Socket) int { return int(a.Inode) - int(b.Inode) })
	var b strings.Builder
	for _, one := range socks {
		holders := one.Holders
		one.Holders = nil
		fmt.Fprintf(&b, "%+v\n", one)
		for _, p := range holders {
			fmt.Fprintf(&b, "\t%+v\n", *p)
		}
	}
	fmt.Fprintf(&b, "%+v\n%+v", s.Namespaces, s.Coverage)
	return b.String()
}

// kept returns how many processes the last scan of the series did not look into
// because they were as they were.
func kept(before, after *Snapshot) int {
	n := 0
	for i := range after.memory.records {
		r := &after.memory.records[i]
		old := before.memory.find(int(r.pid))
		if old != nil && len(r.sockets) > 0 && len(old.sockets) > 0 && &r.sockets[0] == &old.sockets[0] {
			n++
		}
	}
	return n
}

// Whatever changes between two scans, the second shows it as a scan by itself
// does; and what does not change is not looked into again.
func TestAgain(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a, b := newActor(t), newActor(t)
		first := a.do("open tcp,127.0.0.1:7000")
		asleep, err := strconv.Atoi(a.do("inherit"))
		if err != nil {
			t.Fatal(err)
		}
		settled(t, asleep)
		s := newScanSeries(t, Options{Args: true})
		s.scan("at first")
		before := s.last
		if got := s.scan("nothing"); kept(before, got) == 0 {
			t.Fatal("nothing was kept")
		}
		step := func(what string, f func()) {
			t.Helper()
			f()
			settled(t, a.PID)
			settled(t, b.PID)
			s.scan(what)
		}
		var fd, other, spare string
		step("a new socket", func() { fd = a.do("open udp,127.0.0.1:7001") })
		step("sent to another", func() { a.do("send %s %d", fd, b.PID); other = b.do("recv") })
		step("closed by the first", func() { a.do("close %s", fd) })
		step("closed by the last", func() { b.do("close %s", other) })
		step("a descriptor of no interest", func() { spare = b.do("file") })
		step("as many as before: one closed, an old socket received", func() {
			a.do("send %s %d", first, b.PID)
			other = b.do("swap %s", spare)
		})
		step("in flight", func() {
			fd = a.do("open tcp,127.0.0.1:7002")
			a.do("send %s %d", fd, b.PID)
			a.do("close %s", fd)
		})
		step("arrived", func() { fd = b.do("recv") })
		step("bound only", func() { b.do("close %s", fd); fd = b.do("open tcp,127.0.0.1:7003,bound") })
		var heir int
		step("inherited before it listens", func() { heir, _ = strconv.Atoi(b.do("inherit")); settled(t, heir) })
		step("listens, and the heir has not run", func() { b.do("listen %s", fd) })
		if got := one(t, s.last, 7003); len(got.Holders) != 2 {
			t.Errorf("port 7003 is held by %v, want %d and %d", pidsOf(got), b.PID, heir)
		}
		step("with a peer", func() {
			fd = a.do("open udp,127.0.0.1:7004")
			asleep, _ = strconv.Atoi(a.do("inherit"))
			settled(t, asleep)
			a.do("connect %s 127.0.0.1:9", fd)
		})
		step("without the peer, and the heir has not run", func() { a.do("disconnect %s", fd) })
		if got := one(t, s.last, 7004); len(got.Holders) != 2 {
			t.Errorf("port 7004 is held by %v, want %d and %d", pidsOf(got), a.PID, asleep)
		}
		step("the heir's end", func() { kill(t, heir) })
		step("another program", func() { b.do("inherit") })
		step("a thread's own table", func() { a.do("thread tcp,127.0.0.1:7005") })
		step("no change to a thread's table", func() {})
		step("the end of a parent", func() { a.stop() })
		if got := one(t, s.last, 7000); !slices.ContainsFunc(got.Holders, func(p *Process) bool { return p.PID == asleep && p.PPID == 1 }) {
			t.Errorf("%+v", got.Holders)
		}
	})
}

// kill ends a process that the test has made somebody start, and waits until it
// is seen no more.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); exists(fmt.Sprintf("/proc/%d/fd", pid)); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("process %d does not end", pid)
		}
	}
}

// What others change of a process that does not run shows too: where its program
// is, and in which control group it is.
func TestAgainFacts(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		dir := t.TempDir()
		sleep, err := exec.LookPath("sleep")
		if err != nil {
			t.Skip(err)
		}
		b, err := os.ReadFile(sleep)
		if err != nil {
			t.Fatal(err)
		}
		exe := filepath.Join(dir, "python3") // of which the script is asked
		if err := os.WriteFile(exe, b, 0o755); err != nil {
			t.Fatal(err)
		}
		a := newActor(t)
		a.do("open tcp,127.0.0.1:7000")
		a.sleep(exe)
		s := newScanSeries(t, Options{Ancestors: true})
		s.scan("at first")
		unit := fmt.Sprintf("again-%d.service", time.Now().UnixNano()) // the groups are the host's
		steps := []struct {
			name string
			f    func() error
			want func(*Process) bool
		}{
			{"nothing", func() error { return nil }, func(p *Process) bool { return p.Script == "infinity" }},
			{"renamed", func() error { return os.Rename(exe, exe+"x") }, func(p *Process) bool { return p.Name == "python3x" }},
			{"named back", func() error { return os.Rename(exe+"x", exe) }, func(p *Process) bool { return p.Script == "infinity" }},
			{"removed", func() error { return os.Remove(exe) }, func(p *Process) bool { return p.Deleted && !p.Replaced }},
			{"replaced", func() error { return os.WriteFile(exe, b, 0o755) }, func(p *Process) bool { return p.Deleted && p.Replaced }},
			{"moved to another control group", func() error { return moveToCgroup(t, a.PID, unit) }, func(p *Process) bool { return p.Unit == unit }},
			{"moved back", func() error { return moveToCgroup(t, a.PID, "") }, func(p *Process) bool { return p.Unit == "" }},
		}
		for _, tt := range steps {
			before := s.last
			if err := tt.f(); err != nil {
				t.Logf("%s: %v", tt.name, err)
				continue
			}
			got := s.scan(tt.name)
			if kept(before, got) == 0 {
				t.Errorf("%s: the process was looked into", tt.name)
			}
			if p := one(t, got, 7000).Holders[0]; tt.want != nil && !tt.want(p) {
				t.Errorf("%s: %+v", tt.name, p)
			}
		}
	})
}

// A network namespace that only a descriptor of a sleeping process keeps alive is
// found every time, and what listens in it.
func TestAgainNamespaces(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a, b := newActor(t), newActor(t)
		a.do("namespace tcp,0.0.0.0:7010")
		a.sleep("sleep")
		s := &scanSeries{t, Options{}, new(Snapshot)}
		s.scan("at first")
		for _, what := range []string{"nothing", "nothing again"} {
			before := s.last
			got := s.scan(what)
			if kept(before, got) == 0 || len(got.Namespaces) != 2 || one(t, got, 7010).Namespace == OwnNamespace {
				t.Errorf("%s: %d kept, namespaces %+v", what, kept(before, got), got.Namespaces)
			}
		}
		b.do("namespace tcp,0.0.0.0:7011")
		settled(t, b.PID)
		if got := s.scan("one more"); len(got.Namespaces) != 3 {
			t.Errorf("namespaces %+v, want 3", got.Namespaces)
		}
		a.stop()
		if got := s.scan("one less"); len(got.Namespaces) != 2 {
			t.Errorf("namespaces %+v, want 2", got.Namespaces)
		}
	})
}

// moveToCgroup moves a process into a group of its own of systemd's hierarchy,
// empty for the one that it came from.
func moveToCgroup(t *testing.T, pid int, name string) error {
	t.Helper()
	root := "/sys/fs/cgroup/systemd"
	if !exists(root + "/cgroup.procs") {
		root = "/sys/fs/cgroup"
	}
	if !exists(root + "/cgroup.procs") {
		return fmt.Errorf("no control groups at %s", root)
	}
	group := filepath.Join(root, name)
	if name != "" {
		if err := os.Mkdir(group, 0o755); err != nil {
			return err
		}
		t.Cleanup(func() {
			os.WriteFile(filepath.Join(root, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
			os.Remove(group)
		})
	}
	return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// A pid that another process has got is another process, however alike they are.
func TestAgainReusedPID(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a := newActor(t)
		a.do("open tcp,127.0.0.1:7000")
		first, _ := strconv.Atoi(a.do("inherit"))
		settled(t, first)
		a.do("open tcp,127.0.0.1:7001")
		s := newScanSeries(t, Options{})
		s.scan("at first")
		kill(t, first)
		// ns_last_pid (pid_namespaces(7)): the next process has the pid after it.
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(first-1)), 0); err != nil {
			t.Skip(err)
		}
		if again := a.do("inherit"); again != strconv.Itoa(first) {
			t.Skipf("pid %s, want %d again", again, first)
		}
		settled(t, first)
		got := s.scan("another process")
		if holders := pidsOf(one(t, got, 7001)); !slices.Contains(holders, first) {
			t.Errorf("port 7001 is held by %v, want %d among them", holders, first)
		}
	})
}

// Many changes, one after the other and several at once, in an order drawn anew.
func TestAgainRandom(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		seed := uint64(time.Now().UnixNano())
		if os.Getenv("AGAIN_SEED") != "" {
			seed, _ = strconv.ParseUint(os.Getenv("AGAIN_SEED"), 10, 64)
		}
		t.Logf("AGAIN_SEED=%d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		type has struct {
			by int
			fd string
		}
		var actors []actor
		var open []has
		var heirs []int
		port, keptSome := 7000, 0
		for range 3 {
			actors = append(actors, newActor(t))
		}
		s := newScanSeries(t, Options{})
		s.scan("at first")
		for step := range 80 {
			var acts []string
			for range 1 + random.IntN(3) {
				by := random.IntN(len(actors))
				a := actors[by]
				pick := -1
				if len(open) > 0 {
					pick = random.IntN(len(open))
				}
				switch act := random.IntN(9); {
				case act < 2 || pick < 0:
					port++
					spec := []string{"tcp,127.0.0.1:%d", "udp,127.0.0.1:%d", "tcp,[::]:%d", "udp,127.0.0.1:%d,connect=127.0.0.1:9"}[random.IntN(4)]
					open = append(open, has{by, a.do("open "+spec, port)})
					acts = append(acts, "open "+spec)
				case act < 4:
					h := open[pick]
					actors[h.by].do("close %s", h.fd)
					open = slices.Delete(open, pick, pick+1)
					acts = append(acts, "close")
				case act < 6:
					h := open[pick]
					actors[h.by].do("send %s %d", h.fd, a.PID)
					open = append(open, has{by, a.do("recv")})
					acts = append(acts, "send")
				case act == 6:
					h, spare := open[pick], a.do("file")
					s.scan("a spare descriptor")
					actors[h.by].do("send %s %d", h.fd, a.PID)
					open = append(open, has{by, a.do("swap %s", spare)})
					acts = append(acts, "swap")
				case act == 7:
					pid, err := strconv.Atoi(a.do("inherit"))
					if err != nil {
						t.Fatal(err)
					}
					heirs = append(heirs, pid)
					settled(t, pid)
					acts = append(acts, "inherit")
				case len(heirs) > 0:
					i := random.IntN(len(heirs))
					kill(t, heirs[i])
					heirs = slices.Delete(heirs, i, i+1)
					acts = append(acts, "kill")
				}
			}
			for _, a := range actors {
				settled(t, a.PID)
			}
			before := s.last
			keptSome += kept(before, s.scan(fmt.Sprintf("step %d, %v, seed %d", step, acts, seed)))
		}
		if keptSome == 0 {
			t.Error("nothing was ever kept")
		}
	})
}

// A process that is stuck is asked once, each scan says so, and when it has
// answered at last it is asked again.
func TestAgainStuck(t *testing.T) {
	files := make(map[string]string)
	holds(files, 60, 7, "python3", 100, "")
	holds(files, 62, 7, "python3", 100, "python3\x00good.py\x00")
	root := fixture(t, files)
	path := filepath.Join(root, "60", "cmdline")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil { // to open it waits for a writer
		t.Fatal(err)
	}
	previous := new(Snapshot)
	look := func() (slow int, scripts string) {
		t.Helper()
		socks := []Socket{{Inode: 7}}
		o := &Options{ProcFS: root, Previous: previous}
		h := newHolders(o)
		h.series = newSeries(o)
		if err := h.attach(t.Context(), socks); err != nil {
			t.Fatal(err)
		}
		if err := h.describe(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, p := range socks[0].Holders {
			scripts += fmt.Sprintf("%d %s,", p.PID, p.Script)
		}
		previous = &Snapshot{memory: h.remember(socks)}
		return h.stats().Slow, scripts
	}
	if slow, scripts := look(); slow != 1 || scripts != "60 ,62 good.py," {
		t.Fatalf("at first: %d slow, %q", slow, scripts)
	}
	waiting := runtime.NumGoroutine()
	for range 3 {
		if slow, scripts := look(); slow != 1 || scripts != "60 ,62 good.py," {
			t.Fatalf("again: %d slow, %q", slow, scripts)
		}
	}
	if n := runtime.NumGoroutine(); n > waiting {
		t.Errorf("%d goroutines, %d after the first scan", n, waiting)
	}
	stuck := previous.memory.stuck
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader, which is there
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for deadline := time.Now().Add(20 * time.Second); stuck[0].owes(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the reader does not come back")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("python3\x00late.py\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if slow, scripts := look(); slow != 0 || scripts != "60 late.py,62 good.py," {
		t.Errorf("at last: %d slow, %q", slow, scripts)
	}
}

// A snapshot is the same to whoever compares it, remembered or not.
func TestAgainLeavesPreviousAlone(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a := newActor(t)
		a.do("open tcp,127.0.0.1:7000")
		s := newScanSeries(t, Options{})
		first := s.scan("at first")
		said, records := show(first), slices.Clone(first.memory.records)
		a.do("open tcp,127.0.0.1:7001")
		s.scan("one more")
		if show(first) != said || !reflect.DeepEqual(first.memory.records, records) {
			t.Error("the earlier snapshot was changed")
		}
		// Two scans may go on from one snapshot.
		s.last = first
		s.scan("from the first again")
	})
}
