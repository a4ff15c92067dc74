package scanner

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

func init() { roles["access"] = roleAccess }

// roleAccess prints what it may see, in the network namespaces that the first
// argument says. With a second it gives up all that a program which it starts
// could gain.
func roleAccess(r *role, args []string) error {
	if len(args) > 1 {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	r.Say("ready")
	s, err := Scan(context.Background(), &Options{Access: true, NetNS: args[0]})
	if err != nil {
		return err
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	r.Say("%s", b)
	return nil
}

// lookAs looks in a process of its own.
func lookAs(t *testing.T, exe string, attr *syscall.SysProcAttr, args ...string) *Snapshot {
	t.Helper()
	cmd := exec.Command(exe, args...)
	cmd.SysProcAttr = attr
	var s Snapshot
	line := spawnCmd(t, cmd, "access").Hear(t)
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		t.Fatalf("it said %q: %v", line, err)
	}
	return &s
}

// without starts what follows in this test without capabilities, which no process
// can get back, as in a container.
func without(t *testing.T, caps ...uintptr) {
	t.Helper()
	// The bounding set belongs to a thread, and what it starts has it too.
	runtime.LockOSThread()
	for _, c := range caps {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// mountProc mounts a /proc with options over the one there is.
func mountProc(t *testing.T, options string) {
	t.Helper()
	if err := unix.Mount("proc", "/proc", "proc", 0, options); err != nil {
		t.Skipf("a /proc with %s: %v", options, err)
	}
}

// source returns the state of a source.
func (a *Access) source(t *testing.T, name string) SourceState {
	t.Helper()
	for _, s := range a.Sources {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no source %q among %+v", name, a.Sources)
	return SourceState{}
}

// Who may see what: each of these is a process of its own beside one listener of
// root and one of another user.
func TestAccess(t *testing.T) {
	const search = unix.CAP_DAC_READ_SEARCH
	userNamespace := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
		Credential:  &syscall.Credential{},
	}
	ambient := nobody()
	ambient.AmbientCaps = []uintptr{unix.CAP_SYS_PTRACE, search}
	tests := []struct {
		name    string
		prepare func(t *testing.T)
		attr    *syscall.SysProcAttr
		args    []string

		has, lacks string // capabilities, with spaces
		uid        int64
		blind      string // part of what it is blind to; empty for complete
		remedy     string // part of the first remedy
		check      func(t *testing.T, a *Access)
	}{
		{
			name: "root", has: "CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_SYS_ADMIN CAP_NET_ADMIN",
			check: func(t *testing.T, a *Access) {
				for _, name := range []string{"sock_diag tcp", "sock_diag udp", "procfs", "gopsutil", "network namespaces"} {
					if s := a.source(t, name); !s.OK || s.Why != "" {
						t.Errorf("source %+v, want one that answers", s)
					}
				}
				for _, s := range a.Sources {
					if s.OK != (s.Why == "") || strings.HasPrefix(s.Name, "sock_diag") && !s.OK && !strings.HasPrefix(s.Why, "the kernel ") {
						t.Errorf("source %+v, want a reason where it does not answer", s)
					}
				}
				if a.Processes < 3 || a.Unreadable != 0 || !a.InitialUser || a.InitialPID || a.HidePID+a.Subset != "" || a.Seccomp != "disabled" {
					t.Errorf("%+v", a)
				}
			},
		},
		{
			name: "nobody", attr: nobody(), uid: 65534,
			lacks: "CAP_SYS_PTRACE CAP_DAC_READ_SEARCH", blind: "processes", remedy: "sudo whatslistening",
			check: func(t *testing.T, a *Access) {
				if a.Unreadable != a.Processes-1 {
					t.Errorf("%d of %d processes are unreadable, want all but one", a.Unreadable, a.Processes)
				}
				if s := a.source(t, "network namespaces"); s.OK || !strings.Contains(s.Why, "CAP_SYS_ADMIN") {
					t.Errorf("source %+v, want what it takes", s)
				}
				if s := a.source(t, "bpf"); s.OK || !strings.Contains(s.Why, "CAP_BPF") {
					t.Errorf("source %+v, want what it takes", s)
				}
			},
		},
		{
			name: "hidepid=1", prepare: func(t *testing.T) { mountProc(t, "hidepid=1") }, attr: nobody(), uid: 65534,
			blind: "processes that /proc hides", remedy: "sudo whatslistening",
			check: func(t *testing.T, a *Access) {
				if a.HidePID != "noaccess" || a.Unreadable == 0 {
					t.Errorf("%+v", a)
				}
			},
		},
		{
			name: "hidepid=2", prepare: func(t *testing.T) { mountProc(t, "hidepid=2") }, attr: nobody(), uid: 65534,
			blind: "processes that /proc hides", remedy: "sudo whatslistening",
			check: func(t *testing.T, a *Access) {
				if a.HidePID != "invisible" || a.Processes != 1 {
					t.Errorf("%+v, want one process, its own", a)
				}
			},
		},
		{
			name: "hidepid=2 as root", prepare: func(t *testing.T) { mountProc(t, "hidepid=2") },
			check: func(t *testing.T, a *Access) {
				if a.HidePID != "invisible" || a.Processes < 3 || a.Unreadable != 0 {
					t.Errorf("%+v", a)
				}
			},
		},
		{
			name: "subset=pid", prepare: func(t *testing.T) { mountProc(t, "subset=pid") },
			check: func(t *testing.T, a *Access) {
				if a.Subset != "pid" || a.Processes < 3 || a.Unreadable != 0 || !a.source(t, "gopsutil").OK {
					t.Errorf("%+v", a)
				}
			},
		},
		{
			name: "root of a user namespace", attr: userNamespace, has: "CAP_SYS_PTRACE CAP_SYS_ADMIN",
			blind: "processes", remedy: "user namespace",
			check: func(t *testing.T, a *Access) {
				if a.InitialUser || a.Unreadable < 2 || a.source(t, "bpf").OK || a.source(t, "network namespaces").OK {
					t.Errorf("%+v", a)
				}
			},
		},
		{
			name: "without CAP_SYS_PTRACE", prepare: func(t *testing.T) { without(t, unix.CAP_SYS_PTRACE) },
			has: "CAP_DAC_READ_SEARCH", lacks: "CAP_SYS_PTRACE", blind: "processes", remedy: "--cap-add SYS_PTRACE",
		},
		{
			name: "without CAP_DAC_READ_SEARCH", prepare: func(t *testing.T) { without(t, search, unix.CAP_DAC_OVERRIDE) },
			has: "CAP_SYS_PTRACE", lacks: "CAP_DAC_READ_SEARCH", blind: "1 of ", remedy: "--cap-add DAC_READ_SEARCH",
		},
		{
			name: "CAP_DAC_OVERRIDE in its place", prepare: func(t *testing.T) { without(t, search) },
			lacks: "CAP_DAC_READ_SEARCH",
			check: func(t *testing.T, a *Access) {
				if r := a.Rights()[1]; r.Capabilities[0] != capDACReadSearch || !r.Have {
					t.Errorf("%+v, want one that it has", r)
				}
			},
		},
		{
			name: "without CAP_SYS_ADMIN", prepare: func(t *testing.T) { without(t, unix.CAP_SYS_ADMIN) },
			lacks: "CAP_SYS_ADMIN",
			check: func(t *testing.T, a *Access) {
				if s := a.source(t, "network namespaces"); s.OK {
					t.Errorf("source %+v, want not permitted", s)
				}
			},
		},
		{
			// As a unit gives it: AmbientCapabilities=, and NoNewPrivileges= with it.
			name: "ambient capabilities", attr: ambient, args: []string{"no new privileges"}, uid: 65534,
			has: "CAP_SYS_PTRACE CAP_DAC_READ_SEARCH", lacks: "CAP_SYS_ADMIN CAP_NET_ADMIN",
		},
		{
			name: "no /proc", prepare: func(t *testing.T) {
				if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
					t.Fatal(err)
				}
			},
			blind: "processes, without a /proc", remedy: "mount -t proc proc /proc",
			check: func(t *testing.T, a *Access) {
				if s := a.source(t, "procfs"); s.OK || a.Processes != 0 || a.Yama != -1 || a.Seccomp != "" {
					t.Errorf("%+v, %+v", s, a)
				}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				listen(t, "mptcp,127.0.0.1:7021")
				cmd := exec.Command("/proc/self/exe", "tcp,127.0.0.1:7022")
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 7777, Gid: 7777}}
				other := spawnCmd(t, cmd, "listen")
				exe := netnstest.Everyone(t, "exe")
				if tt.prepare != nil {
					tt.prepare(t)
				}
				s := lookAs(t, exe, tt.attr, append([]string{NetNSOwn}, tt.args...)...)
				c := &s.Coverage
				a := c.Access
				if a.UID != tt.uid {
					t.Errorf("uid %d, want %d", a.UID, tt.uid)
				}
				for _, name := range strings.Fields(tt.has) {
					if !slices.Contains(a.Capabilities, name) {
						t.Errorf("%s is not among %v", name, a.Capabilities)
					}
				}
				for _, name := range strings.Fields(tt.lacks) {
					if slices.Contains(a.Capabilities, name) {
						t.Errorf("%s is among %v", name, a.Capabilities)
					}
				}
				if tt.check != nil {
					tt.check(t, a)
				}
				// What the scan found is what it says.
				blind := strings.Join(c.Blind(), "; ")
				if c.Complete != (tt.blind == "") || !strings.Contains(blind, tt.blind) || (blind == "") != c.Complete {
					t.Errorf("complete %v, blind to %q, want %q", c.Complete, blind, tt.blind)
				}
				if r := c.Remedies("/w"); len(r) > 0 && tt.remedy == "" || tt.remedy != "" && !strings.Contains(r[0].String(), tt.remedy) {
					t.Errorf("remedies %q, want %q", r, tt.remedy)
				}
				if slices.Contains(a.Capabilities, capNetAdmin) && !one(t, s, 7021).MPTCP {
					t.Error("CAP_NET_ADMIN does not show what is Multipath TCP")
				}
				got := one(t, s, 7022)
				if held := slices.Equal(pidsOf(got), []int{other.PID}); held != c.Complete {
					t.Errorf("port 7022: holders %v, why %v, but complete is %v", pidsOf(got), got.Why, c.Complete)
				}
			})
		})
	}
}

// The two capabilities that the remedy names are enough for everybody's holders,
// where /proc hides them too; neither is by itself; and a third enters other
// network namespaces.
func TestFileCapabilities(t *testing.T) {
	tests := []struct {
		name            string
		caps            []int
		complete, netns bool
	}{
		{"both", []int{unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH}, true, false},
		{"CAP_SYS_PTRACE alone", []int{unix.CAP_SYS_PTRACE}, false, false},
		{"CAP_DAC_READ_SEARCH alone", []int{unix.CAP_DAC_READ_SEARCH}, false, false},
		{"and CAP_SYS_ADMIN", []int{unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_SYS_ADMIN}, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				root := spawn(t, "listen", "tcp,127.0.0.1:7031")
				cmd := exec.Command("/proc/self/exe", "udp,127.0.0.1:7032")
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 7777, Gid: 7777}}
				other := spawnCmd(t, cmd, "listen")
				cmd = exec.Command("/proc/self/exe", "tcp,0.0.0.0:7033")
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
				away := spawnCmd(t, cmd, "listen")
				exe := netnstest.Everyone(t, "exe", tt.caps...)
				mountProc(t, "hidepid=2")
				nets := NetNSOwn
				if tt.netns {
					nets = NetNSAll
				}
				s := lookAs(t, exe, nobody(), nets)
				if len(s.Coverage.Access.Capabilities) != len(tt.caps) {
					t.Skipf("the capabilities of a file do not count in %s: %v", filepath.Dir(exe), s.Coverage.Access.Capabilities)
				}
				c := s.Coverage
				if c.Complete != tt.complete || c.Privileges != "user" {
					t.Errorf("complete %v as %s, want %v as user: %+v", c.Complete, c.Privileges, tt.complete, c.Limitations)
				}
				want := map[uint16]int{7031: root.PID, 7032: other.PID}
				if tt.netns {
					want[7033] = away.PID
				}
				for port, pid := range want {
					got := one(t, s, port)
					if held := slices.Equal(pidsOf(got), []int{pid}); held != tt.complete {
						t.Errorf("port %d: holders %v, why %v, want pid %d: %v", port, pidsOf(got), got.Why, pid, tt.complete)
					}
				}
				if got := s.Coverage.Access.source(t, "network namespaces"); got.OK != tt.netns {
					t.Errorf("%+v, want %v", got, tt.netns)
				}
			})
		})
	}
}

// Among the processes of the host this one is in the first pid namespace, unless
// the host itself is in another: that has no threads of the kernel.
func TestAccessInitialPID(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		comm, _ := os.ReadFile("/proc/2/comm")
		want := string(comm) == "kthreadd\n"
		if a := scan(t, &Options{Access: true}).Coverage.Access; a.InitialPID != want || a.Processes < 2 {
			t.Errorf("first pid namespace %v with %d processes, want %v", a.InitialPID, a.Processes, want)
		}
	})
}

// A scan that is not asked does not look.
func TestAccessUnasked(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		if a := scan(t, nil).Coverage.Access; a != nil {
			t.Errorf("access %+v, want none", a)
		}
		// Where nothing listens no process has to be looked into, and yet they are
		// counted.
		if a := scan(t, &Options{Access: true}).Coverage.Access; a == nil || a.Processes < 1 {
			t.Errorf("access %+v, want its processes", a)
		}
	})
}
