package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary plays other parts, by its first argument.
const (
	asParent  = "play-parent"  // make a load, run something in it, wait to be killed
	asGlutton = "play-glutton" // take 64 MiB, give it back, end
)

func TestMain(m *testing.M) {
	switch {
	case IsInit():
		os.Exit(Init())
	case len(os.Args) == 3 && os.Args[1] == asParent:
		parent(os.Args[2])
	case len(os.Args) == 2 && os.Args[1] == asGlutton:
		glutton()
	default:
		os.Exit(m.Run())
	}
}

// parent makes a load and runs a program in it that does not end; that program
// writes the pid of the load's process 1 to a FIFO.
func parent(fifo string) {
	l, err := Start(context.Background(), small)
	if err == nil {
		_, err = l.Run(context.Background(), Command{
			Kind: Time,
			Args: []string{"/bin/sh", "-c", fmt.Sprintf("echo %d >%q; exec sleep 3600", l.PID, fifo)},
		})
	}
	os.WriteFile(fifo, fmt.Appendln(nil, err), 0)
}

// glutton needs much memory for a while.
func glutton() {
	mem, err := unix.Mmap(-1, 0, 64<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		os.Exit(1)
	}
	for i := 0; i < len(mem); i += 4096 {
		mem[i] = 1
	}
	unix.Munmap(mem)
}

// small is a tenth of S1, with more listeners so that each kind is there twice.
var small = Scenario{Name: "small", Procs: 15, Listeners: 10, Conns: 30, FDs: 500}

func start(t *testing.T, s Scenario) *Load {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a load needs root")
	}
	l, err := Start(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Stop() })
	return l
}

// sh runs a shell command in the load and returns what it wrote.
func sh(t *testing.T, l *Load, command string) string {
	t.Helper()
	r, err := l.Run(context.Background(), Command{Args: []string{"/bin/sh", "-c", command}})
	if err != nil {
		t.Fatal(err)
	}
	if r.ExitCode != 0 {
		t.Fatalf("%s: exit code %d: %s", command, r.ExitCode, r.Stderr)
	}
	return string(r.Output)
}

// In the load ss sees what the scenario promises, each listener with its holder,
// and /proc has the scenario's processes. Afterwards there is nothing.
func TestLoad(t *testing.T) {
	if _, err := exec.LookPath("ss"); err != nil {
		t.Skip("no ss to look with")
	}
	l := start(t, small)
	if l.Counts != small.Counts() {
		t.Errorf("counted %v, want %v", l.Counts, small.Counts())
	}
	listeners := strings.Split(strings.TrimSpace(sh(t, l, "ss -Htulnp")), "\n")
	if len(listeners) != small.Listeners {
		t.Errorf("ss sees %d listeners, want %d:\n%s", len(listeners), small.Listeners, strings.Join(listeners, "\n"))
	}
	for _, line := range listeners {
		if strings.Count(line, "pid=") != 1 || !strings.Contains(line, `("sleep",`) {
			t.Errorf("ss sees a listener without its holder: %s", line)
		}
	}
	for _, want := range []string{" 0.0.0.0:2000 ", " 127.0.0.1:2001 ", " *:2002 ", " [::1]:2003 ", " 0.0.0.0:2004 "} {
		if !strings.Contains(strings.Join(listeners, "\n"), want) {
			t.Errorf("ss sees no listener at %s", want)
		}
	}
	ends := strings.Count(sh(t, l, "ss -Htnp state established"), "pid=")
	if ends != 2*small.Conns {
		t.Errorf("ss sees %d ends of connections with a holder, want %d", ends, 2*small.Conns)
	}
	// The shell is one more.
	if got := strings.TrimSpace(sh(t, l, "set -- /proc/[0-9]*; echo $#")); got != strconv.Itoa(small.Procs+1) {
		t.Errorf("/proc has %s processes, want %d", got, small.Procs+1)
	}

	spaces := namespaces(t, l.PID)
	if len(users(spaces)) < small.Procs {
		t.Fatalf("the namespaces %v have %v: the test sees nothing", spaces, users(spaces))
	}
	if err := l.Stop(); err != nil {
		t.Error(err)
	}
	if left := users(spaces); len(left) > 0 {
		t.Errorf("after the end the namespaces still have %v", left)
	}
}

// namespaces returns the namespaces that are the load's own.
func namespaces(t *testing.T, pid int) map[string]bool {
	t.Helper()
	spaces := make(map[string]bool)
	for _, kind := range []string{"net", "pid", "mnt"} {
		own, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
		if err != nil {
			t.Fatal(err)
		}
		if own == its {
			t.Errorf("the load has the host's %s namespace", kind)
		}
		// The kernel gives the number of a namespace to another as soon as it
		// is gone; an open descriptor keeps it.
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns.Close() })
		spaces[its] = true
	}
	return spaces
}

// users returns the processes of this host that are in one of the namespaces.
func users(spaces map[string]bool) []string {
	var in []string
	links, _ := filepath.Glob("/proc/[0-9]*/ns/*")
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && spaces[to] {
			in = append(in, l)
		}
	}
	return in
}

// The load does not outlive the program that made it, even if that is killed
// while something runs in the load.
func TestKilledParent(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a load needs root")
	}
	fifo := filepath.Join(t.TempDir(), "up")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// Both ends: to open one alone would wait for the other.
	up, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	parent := exec.Command("/proc/self/exe", asParent, fifo)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { parent.Process.Kill(); parent.Wait() }()
	line, err := bufio.NewReader(up).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(line)
	}
	spaces := namespaces(t, pid)
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	parent.Process.Kill()
	// Process 1 of a PID namespace has ended when all the others have.
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000)
		if n == 1 {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			t.Fatalf("the load is still there half a minute after its parent was killed (%v)", err)
		}
	}
	for _, u := range users(spaces) {
		// Process 1 itself may be waiting for its burial.
		if !strings.HasPrefix(u, fmt.Sprintf("/proc/%d/", pid)) {
			t.Errorf("left behind: %s", u)
		}
	}
}

// The end of the context is the end of the load, in the middle of a run.
func TestCancel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a load needs root")
	}
	ctx, cancel := context.WithCancel(context.Background())
	l, err := Start(ctx, small)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	spaces := namespaces(t, l.PID)
	why := errors.New("that will do")
	runCtx, end := context.WithTimeoutCause(ctx, 50*time.Millisecond, why)
	defer end()
	if _, err := l.Run(runCtx, Command{Kind: Time, Args: []string{"/bin/sleep", "3600"}}); !errors.Is(err, why) {
		t.Errorf("Run = %v, want %v", err, why)
	}
	cancel()
	if err := l.Stop(); err != nil {
		t.Error(err)
	}
	if left := users(spaces); len(left) > 0 {
		t.Errorf("after the end the namespaces still have %v", left)
	}
}

// A run tells what the program did, and it is run as any login would run it.
func TestRun(t *testing.T) {
	l := start(t, small)
	ctx := context.Background()
	r, err := l.Run(ctx, Command{Args: []string{"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}})
	if err != nil || string(r.Output) != "out\n" || string(r.Stderr) != "err\n" || r.ExitCode != 3 || r.Bytes != 4 {
		t.Errorf("Run = %+v, %v", r, err)
	}
	for _, kind := range []Kind{Output, Time, Peak} {
		r, err := l.Run(ctx, Command{Kind: kind, Args: []string{"/bin/sh", "-c", "echo x; kill -9 $$"}})
		if err != nil || r.ExitCode != 137 || r.Bytes != 2 {
			t.Errorf("kind %d: Run = %+v, %v; want exit code 137 and 2 bytes", kind, r, err)
		}
		// More than the pipe holds: it has to be read while the program runs.
		r, err = l.Run(ctx, Command{Kind: kind, Args: []string{"/bin/sh", "-c", "head -c 300000 /dev/zero"}})
		if err != nil || r.ExitCode != 0 || r.Bytes != 300_000 {
			t.Errorf("kind %d: %d bytes, exit code %d, %v; want 300000 bytes", kind, r.Bytes, r.ExitCode, err)
		}
	}
	if r, err := l.Run(ctx, Command{Kind: Time, Args: []string{"/bin/true"}}); err != nil || r.Wall <= 0 || r.CPU <= 0 {
		t.Errorf("Run = %+v, %v; want two times", r, err)
	}
	if got := sh(t, l, "ulimit -Sn"); got != "1024\n" {
		t.Errorf("the limit of descriptors is %q, want 1024", got)
	}
	if got := sh(t, l, "set -- /proc/self/fd/*; echo $#"); got != "4\n" {
		// The fourth is the shell's, on the folder.
		t.Errorf("a program begins with %q descriptors", got)
	}
	if _, err := l.Run(ctx, Command{Args: []string{"/no/such/program"}}); err == nil || !strings.Contains(err.Error(), `"/no/such/program"`) {
		t.Errorf("Run of a program that is not there = %v", err)
	}
	if _, err := l.Run(ctx, Command{}); err == nil {
		t.Error("Run of nothing succeeds")
	}
}

// The peak is the program's own: not that of the Go program which starts it,
// nor of the shell which it replaces.
func TestPeak(t *testing.T) {
	l := start(t, small)
	ctx := context.Background()
	for _, args := range [][]string{{"/bin/true"}, {"/bin/sh", "-c", "exec true"}} {
		r, err := l.Run(ctx, Command{Kind: Peak, Args: args})
		if err != nil || r.ExitCode != 0 {
			t.Fatalf("Run(%q) = %+v, %v", args, r, err)
		}
		if r.PeakRSS < 100_000 || r.PeakRSS > 3_000_000 {
			t.Errorf("%q has a peak of %d bytes, want some hundred thousand", args, r.PeakRSS)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Run(ctx, Command{Kind: Peak, Args: []string{self, asGlutton}})
	if err != nil || r.ExitCode != 0 || r.PeakRSS < 64<<20 || r.PeakRSS > 150<<20 {
		t.Errorf("a program that needed 64 MiB for a while: %+v, %v", r, err)
	}
}

// No load is made in the host's namespaces: its /proc would be hidden.
func TestApart(t *testing.T) {
	own, err := ownNamespaces()
	if err != nil {
		t.Fatal(err)
	}
	if len(own) != 3 {
		t.Errorf("the namespaces are %q, want three", own)
	}
	for _, name := range own {
		if err := apart([]string{"mnt:[1]", name}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("apart(%q) = %v, want an error that names it", name, err)
		}
	}
	if err := apart([]string{"mnt:[1]", "net:[1]", "pid:[1]"}); err != nil {
		t.Error(err)
	}
}

func TestPin(t *testing.T) {
	l := start(t, small)
	for _, kind := range []Kind{Output, Time, Peak} {
		// One line for each CPU that it may run on.
		const cpus = `i=$(nproc); while [ $i -gt 0 ]; do echo; i=$((i-1)); done`
		r, err := l.Run(context.Background(), Command{Kind: kind, Args: []string{"/bin/sh", "-c", cpus}, Pin: true})
		if err != nil || r.Bytes != 1 {
			t.Errorf("kind %d: a pinned program has %d CPUs, %v; want 1", kind, r.Bytes, err)
		}
		r, err = l.Run(context.Background(), Command{Kind: kind, Args: []string{"/bin/sh", "-c", cpus}})
		var all unix.CPUSet
		if err := unix.SchedGetaffinity(0, &all); err != nil {
			t.Fatal(err)
		}
		if err != nil || r.Bytes != int64(all.Count()) {
			t.Errorf("kind %d: a free program has %d CPUs, %v; want %d", kind, r.Bytes, err, all.Count())
		}
	}
}

// A load that has lost a holder is not measured any more.
func TestLostHolder(t *testing.T) {
	l := start(t, small)
	const kill = `for p in /proc/[0-9]*; do
	read -r name <$p/comm
	if [ "$name" = sleep ]; then
		kill -9 ${p#/proc/}
		until grep -q '^State:.Z' $p/status; do :; done
		exit
	fi
done`
	_, err := l.Run(context.Background(), Command{Args: []string{"/bin/sh", "-c", kill}})
	if err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("Run = %v, want an error that says so", err)
	}
}

// The host as it is: its own namespaces, and nothing added.
func TestHost(t *testing.T) {
	l := start(t, Scenario{Name: "S0", Host: true})
	want, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(sh(t, l, "readlink /proc/self/ns/net")); got != want {
		t.Errorf("it runs in %s, want %s", got, want)
	}
	if l.Counts.Procs < 2 || l.Counts.FDs < 3 {
		t.Errorf("the host has %v", l.Counts)
	}
}

func TestStartErrors(t *testing.T) {
	_, err := Start(context.Background(), Scenario{Name: "none", Procs: 1})
	if err == nil || !strings.Contains(err.Error(), "scenario none") {
		t.Errorf("Start of an impossible scenario = %v", err)
	}
	if os.Geteuid() != 0 {
		if _, err := Start(context.Background(), small); !errors.Is(err, ErrRoot) {
			t.Errorf("Start without root = %v, want %v", err, ErrRoot)
		}
	}
}
