package scanner

import (
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func init() { roles["scan"] = roleScan }

// roleScan scans and prints the snapshot, or the error as {"Error": …}.
func roleScan(r *role, args []string) error {
	o := new(Options)
	if len(args) > 0 {
		src, err := ParseSource(args[0])
		if err != nil {
			return err
		}
		o.Source = src
		o.Verify, o.Probe = slices.Contains(args, "verify"), slices.Contains(args, "probe")
	}
	for _, a := range args {
		if netns, ok := strings.CutPrefix(a, "netns="); ok {
			o.NetNS = netns
		}
		if way, ok := strings.CutPrefix(a, "holders="); ok {
			var err error
			if o.Holders, err = ParseHolderSource(way); err != nil {
				return err
			}
		}
	}
	r.Say("ready")
	var out struct {
		*Snapshot
		Error string
	}
	s, err := Scan(context.Background(), o)
	if out.Snapshot = s; err != nil {
		out.Error = err.Error()
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	r.Say("%s", b)
	return nil
}

// scanAs scans in another process, which attr makes another user or gives other
// namespaces.
func scanAs(t *testing.T, attr *syscall.SysProcAttr, args ...string) (*Snapshot, string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.SysProcAttr = attr
	p := spawnCmd(t, cmd, "scan")
	var out struct {
		*Snapshot
		Error string
	}
	line := p.Hear(t)
	if err := json.Unmarshal([]byte(line), &out); err != nil {
		t.Fatalf("the scan said %q: %v", line, err)
	}
	return out.Snapshot, out.Error
}

func nobody() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

// limitation returns the limitation with a code.
func limitation(t *testing.T, s *Snapshot, code string) Limitation {
	t.Helper()
	for _, l := range s.Coverage.Limitations {
		if l.Code == code {
			return l
		}
	}
	t.Errorf("no limitation %q among %+v", code, s.Coverage.Limitations)
	return Limitation{}
}

// Cases 6, 21 and 32: for nobody every socket is there, with its user and the
// reason that its holder is not, also where /proc hides other users' processes.
func TestCase21Nobody(t *testing.T) {
	for _, tt := range []struct{ name, mount, code, text string }{
		{"plain", "", LimitUnreadable, "did not show"},
		{"hidepid=1", "hidepid=1", LimitUnreadable, "did not show"},
		{"hidepid=2", "hidepid=2", LimitHidden, "hidepid=invisible"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				if tt.mount != "" {
					if err := unix.Mount("proc", "/proc", "proc", unix.MS_REMOUNT, tt.mount); err != nil {
						t.Fatal(err)
					}
				}
				listen(t, "tcp,127.0.0.1:7021")
				listen(t, "mptcp,[::]:7022")
				listen(t, "udp,0.0.0.0:7023")
				cmd := exec.Command("/proc/self/exe", "tcp,127.0.0.1:7024")
				cmd.SysProcAttr = nobody()
				own := spawnCmd(t, cmd, "listen")

				s, _ := scanAs(t, nobody())
				for _, port := range []uint16{7021, 7022, 7023} {
					got := one(t, s, port)
					if got.UID != 0 || got.User != "root" || got.Why != NotPermitted || len(got.Holders) != 0 {
						t.Errorf("port %d: uid %d %q, why %v, %d holders, want 0 root not-permitted 0", port, got.UID, got.User, got.Why, len(got.Holders))
					}
				}
				got := one(t, s, 7024)
				if pids := pidsOf(got); !slices.Equal(pids, []int{own.PID}) || got.UID != 65534 || got.Why != Held {
					t.Errorf("port 7024: uid %d, holders %v, why %v, want 65534 and %d", got.UID, pids, got.Why, own.PID)
				}
				if s.Coverage.Complete || s.Coverage.Privileges != "user" || !slices.Equal(s.Coverage.Sources, []string{"netlink"}) {
					t.Errorf("coverage %+v, want incomplete, user, netlink", s.Coverage)
				}
				if l := limitation(t, s, tt.code); !strings.Contains(l.Text, tt.text) || !strings.Contains(l.Remedy, "sudo") {
					t.Errorf("limitation %+v, want %q and sudo", l, tt.text)
				}

				s, _ = scanAs(t, nobody(), "gopsutil")
				if got := one(t, s, 7021); got.UID != -1 || got.Why != NotPermitted || s.Coverage.Complete {
					t.Errorf("gopsutil: %+v, complete %v", got, s.Coverage.Complete)
				}
			})
		})
	}
}

// Case 21: root that may not look into processes is told what it lacks, and
// never to use sudo.
func TestCase21Root(t *testing.T) {
	tests := []struct {
		name   string
		attr   *syscall.SysProcAttr
		drop   string
		remedy string
	}{
		{
			"of a user namespace", &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
				Credential:  &syscall.Credential{},
			}, "", "user namespace",
		},
		{"without CAP_SYS_PTRACE", nil, "ptrace", "CAP_SYS_PTRACE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				listen(t, "tcp,127.0.0.1:7021")
				var s *Snapshot
				if tt.drop == "" {
					s, _ = scanAs(t, tt.attr)
				} else {
					s = scanWithoutPtrace(t)
				}
				got := one(t, s, 7021)
				if len(got.Holders) != 0 || got.Why != NotPermitted || s.Coverage.Complete || s.Coverage.Privileges != "root" {
					t.Errorf("%+v, coverage %+v, want not-permitted, incomplete, root", got, s.Coverage)
				}
				// The folders of descriptors can be opened here, and their links
				// not be read.
				if s.Coverage.Unreadable == 0 {
					t.Errorf("coverage %+v, want processes that could not be looked into", s.Coverage)
				}
				l := limitation(t, s, LimitUnreadable)
				if !strings.Contains(l.Remedy, tt.remedy) || strings.Contains(l.Remedy, "sudo") {
					t.Errorf("remedy %q, want %q and no sudo", l.Remedy, tt.remedy)
				}
			})
		})
	}
}

// scanWithoutPtrace scans as a root whose bounding set lacks CAP_SYS_PTRACE, as
// in a container.
func scanWithoutPtrace(t *testing.T) *Snapshot {
	t.Helper()
	// The bounding set belongs to a thread; exec passes it on.
	if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_PTRACE, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	s, _ := scanAs(t, nil)
	return s
}

// Case 5 and the fallback: where seccomp forbids netlink, gopsutil is asked, and
// the coverage says so; to insist on netlink is an error.
func TestFallback(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7031")
		forbidNetlink(t)
		s := scan(t, nil)
		if got := one(t, s, 7031); !slices.Equal(pidsOf(got), []int{1}) {
			t.Errorf("holders %v, want [1]", pidsOf(got))
		}
		if s.Coverage.Complete || !slices.Equal(s.Coverage.Sources, []string{"gopsutil"}) {
			t.Errorf("coverage %+v, want incomplete and gopsutil", s.Coverage)
		}
		if l := limitation(t, s, LimitNetlinkUnavailable); !strings.Contains(l.Text, "operation not permitted") || l.Remedy == "" {
			t.Errorf("limitation %+v, want the error and a remedy", l)
		}
		limitation(t, s, LimitInterfaces)
		if _, err := Scan(t.Context(), &Options{Source: Netlink}); err == nil || !strings.Contains(err.Error(), "operation not permitted") {
			t.Errorf("netlink by name: %v, want an error", err)
		}
		// And without /proc/net there is no table at all.
		if err := unix.Mount("tmpfs", "/proc/1/net", "tmpfs", 0, ""); err != nil {
			t.Skipf("hiding /proc/net: %v", err)
		}
		if s, err := Scan(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "netlink") || !strings.Contains(err.Error(), "gopsutil") {
			t.Errorf("without any table: %+v, %v, want an error that names both sources", s, err)
		}
	})
}

// Case 5: with a /proc that shows processes alone sock_diag still lists, and
// owners are found.
func TestCase5SubsetPID(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7005")
		if err := unix.Mount("proc", "/proc", "proc", 0, "subset=pid"); err != nil {
			t.Skipf("a /proc with subset=pid: %v", err)
		}
		s := scan(t, nil)
		if got := one(t, s, 7005); !slices.Equal(pidsOf(got), []int{1}) {
			t.Errorf("holders %v, want [1]", pidsOf(got))
		}
		if l := limitation(t, s, LimitSubset); !s.Coverage.Complete || s.Host.Ephemeral != (PortRange{}) || !strings.Contains(l.Text, "subset=pid") {
			t.Errorf("complete %v, ephemeral %v, %+v", s.Coverage.Complete, s.Host.Ephemeral, l)
		}
		// gopsutil finds the sockets by way of this process, and nobody else's.
		s = scan(t, &Options{Source: Gopsutil})
		if got := one(t, s, 7005); got.Why != NotTold || s.Coverage.Complete {
			t.Errorf("gopsutil: why %v, complete %v, want not-told and incomplete", got.Why, s.Coverage.Complete)
		}
	})
}

// Case 32: without a /proc the sockets are there, and nothing else is blamed.
func TestCase32NoProc(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7006")
		if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		s := scan(t, nil)
		if got := one(t, s, 7006); got.Why != NotPermitted || s.Coverage.Complete {
			t.Errorf("why %v, complete %v, want not-permitted and incomplete", got.Why, s.Coverage.Complete)
		}
		if l := s.Coverage.Limitations; len(l) != 1 || l[0].Code != LimitNoProc {
			t.Errorf("limitations %+v, want %s alone", l, LimitNoProc)
		}
	})
}

// Case 10: a unix socket with a newline in its name breaks nothing.
func TestCase10UnixName(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@evil\n0000 1 2\n"}); err != nil {
			t.Fatal(err)
		}
		if err := unix.Listen(fd, 1); err != nil {
			t.Fatal(err)
		}
		listen(t, "tcp,127.0.0.1:7010")
		for _, src := range []Source{Auto, Gopsutil} {
			one(t, scan(t, &Options{Source: src}), 7010)
		}
	})
}

// Case 11: HOST_PROC and its kin are not obeyed.
func TestCase11HostProc(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		empty := t.TempDir()
		for _, name := range []string{"HOST_PROC", "HOST_SYS", "HOST_ETC", "HOST_VAR", "HOST_RUN", "HOST_DEV", "HOST_ROOT"} {
			t.Setenv(name, empty)
		}
		listen(t, "tcp,127.0.0.1:7011")
		for _, src := range []Source{Auto, Gopsutil} {
			s := scan(t, &Options{Source: src})
			if got := one(t, s, 7011); !slices.Equal(pidsOf(got), []int{1}) {
				t.Errorf("%v: holders %v, want [1]", src, pidsOf(got))
			}
			if s.Host.BootID == "" || s.Host.Kernel == "" || s.Host.Name == "" || s.Host.Ephemeral == (PortRange{}) {
				t.Errorf("%v: host %+v", src, s.Host)
			}
		}
		s := scan(t, &Options{ProcFS: empty})
		if limitation(t, s, LimitProcFS).Text == "" || one(t, s, 7011).Why == Held {
			t.Errorf("another procfs is not marked: %+v", s.Coverage)
		}
	})
}
