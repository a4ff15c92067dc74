package scanner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// mask lays copies of the tables over a folder of them; one of the copies lacks
// the lines with a text. (The kernel takes mounts on the files themselves away:
// proc_net_d_revalidate.)
func mask(t *testing.T, folder, table, without string) {
	t.Helper()
	copies := t.TempDir()
	for _, p := range comparable {
		for _, f := range [...]Family{IPv4, IPv6} {
			name := filepath.Base(tableName(folder, p, f))
			b, err := os.ReadFile(folder + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			var kept strings.Builder
			for line := range strings.Lines(string(b)) {
				if name != table || !strings.Contains(line, without) {
					kept.WriteString(line)
				}
			}
			if name == table && kept.Len() == len(b) {
				t.Fatalf("%s/%s has no %q:\n%s", folder, table, without, b)
			}
			if err := os.WriteFile(copies+"/"+name, []byte(kept.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := unix.Mount(copies, folder, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(folder, unix.MNT_DETACH) })
}

// told returns the one discrepancy about a port, whose witnesses are without the
// number of a process.
func told(t *testing.T, s *Snapshot, port uint16) Discrepancy {
	t.Helper()
	var list []Discrepancy
	for _, d := range s.Discrepancies {
		if d.Port == port {
			list = append(list, d)
		}
	}
	if len(list) != 1 {
		t.Fatalf("port %d has discrepancies %+v, want one", port, s.Discrepancies)
	}
	for _, names := range [...][]string{list[0].Seen, list[0].Missing} {
		for i, name := range names {
			if strings.HasPrefix(name, "procfs/") {
				names[i] = "procfs/PID"
			}
		}
	}
	if len(list[0].Benign) == 0 {
		t.Errorf("%+v has no harmless explanation", list[0])
	}
	return list[0]
}

// A socket that a table of /proc/net lacks is found, whichever reader is
// deceived.
func TestVerifyHiddenFromProc(t *testing.T) {
	const row = ":7A69 " // port 31337
	tests := []struct {
		name, spec    string
		path          string
		seen, missing string
	}{
		{"everybody's path", "tcp,0.0.0.0:31337", "/proc/self/net tcp", "netlink procfs procfs/PID bind", "gopsutil"},
		{"this thread's path", "tcp,[::]:31337", "/proc/thread-self/net tcp6", "netlink gopsutil procfs/PID bind", "procfs"},
		{"another's path", "udp,127.0.0.1:31337", "/proc/PID/net udp", "netlink gopsutil procfs bind", "procfs/PID"},
		{"udplite", "udplite,127.0.0.1:31337", "/proc/PID/net udplite", "netlink procfs bind", "procfs/PID"},
		{"multipath", "mptcp,127.0.0.1:31337", "/proc/PID/net tcp", "netlink gopsutil procfs bind", "procfs/PID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				for _, spec := range variety {
					listen(t, spec)
				}
				p := spawn(t, "listen", tt.spec)
				path := strings.Replace(tt.path, "PID", strconv.Itoa(p.PID), 1)
				if strings.Contains(path, "thread-self") {
					// The thread that verifies is the one that is deceived.
					lockMain(t)
				}
				folder, table, _ := strings.Cut(path, " ")
				mask(t, folder, table, row)
				for range 5 {
					s := scan(t, &Options{Verify: true})
					d := told(t, s, 31337)
					if d.Kind != HiddenFromProc || strings.Join(d.Seen, " ") != tt.seen || strings.Join(d.Missing, " ") != tt.missing || len(s.Discrepancies) != 1 {
						t.Fatalf("%+v, want hidden-from-proc, seen by %s, not by %s", s.Discrepancies, tt.seen, tt.missing)
					}
					if !strings.Contains(d.Benign[0], "not the kernel's own table") {
						t.Errorf("harmless explanations %q", d.Benign)
					}
					if got := pidsOf(one(t, s, 31337)); !slices.Equal(got, []int{p.PID}) {
						t.Errorf("holders %v", got)
					}
				}
			})
		})
	}
}

// Three sockets share an address and one of them is hidden: no address is
// missing anywhere.
func TestVerifyHiddenAmongEquals(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for range 3 {
			listen(t, "tcp,0.0.0.0:31337,reuseport")
		}
		socks := only(scan(t, nil), 31337)
		spawn(t, "wait")
		mask(t, "/proc/self/net", "tcp", fmt.Sprintf(" %d ", socks[1].Inode))
		lockMain(t)
		mask(t, "/proc/thread-self/net", "tcp", fmt.Sprintf(" %d ", socks[1].Inode))
		s := scan(t, &Options{Verify: true})
		d := told(t, s, 31337)
		if d.Kind != HiddenFromProc || !slices.Equal(d.Seen, []string{"netlink", "procfs/PID"}) || !slices.Equal(d.Missing, []string{"procfs"}) {
			t.Errorf("%+v, want hidden-from-proc, seen by netlink and the other process", d)
		}
	})
}

// A socket that netlink does not show is found, and listed with its process.
func TestVerifyHiddenFromNetlink(t *testing.T) {
	for _, spec := range []string{"tcp,0.0.0.0:31337", "tcp,[::1]:31337", "udp,127.0.0.1:31337", "udplite,[::]:31337", "mptcp,[::]:31337"} {
		t.Run(spec, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				for _, spec := range variety {
					listen(t, spec)
				}
				p := spawn(t, "listen", spec)
				hide := func(s *Socket) bool { return s.Port == 31337 }
				for _, probe := range []bool{false, true} {
					s := scan(t, &Options{Verify: true, Probe: probe, Protocols: protocolOf(spec), hide: hide})
					d := told(t, s, 31337)
					seen := "gopsutil procfs procfs/PID bind"
					if strings.HasPrefix(spec, "udplite") {
						seen = "procfs procfs/PID bind"
					}
					if probe && strings.Contains(spec, "tcp") {
						seen += " connect"
					}
					if d.Kind != HiddenFromNetlink || strings.Join(d.Seen, " ") != seen || strings.Join(d.Missing, " ") != "netlink" || len(s.Discrepancies) != 1 {
						t.Errorf("%+v, want hidden-from-netlink, seen by %s", s.Discrepancies, seen)
					}
					got := one(t, s, 31337)
					if !slices.Equal(pidsOf(got), []int{p.PID}) || got.User != "root" || got.Namespace != "host" || got.Inode == 0 {
						t.Errorf("listed as %+v, want held by %d of root", got, p.PID)
					}
				}
			})
		})
	}
}

// A socket that no table shows is found by trying its port.
func TestVerifyHiddenFromAll(t *testing.T) {
	for _, spec := range []string{"tcp,0.0.0.0:31337", "tcp,[::1]:31337", "udp,127.0.0.1:31337", "udp,[::]:31337,v6only"} {
		t.Run(spec, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				p := spawn(t, "listen", spec)
				listen(t, "tcp,127.0.0.1:7100")
				table := strings.Split(spec, ",")[0]
				family := IPv4
				if strings.Contains(spec, "[") {
					table += "6"
					family = IPv6
				}
				lockMain(t)
				for _, dir := range []string{"self", "thread-self", strconv.Itoa(p.PID)} {
					mask(t, "/proc/"+dir+"/net", table, ":7A69 ")
				}
				hide := func(s *Socket) bool { return s.Port == 31337 }
				if s := scan(t, &Options{Verify: true, hide: hide}); len(s.Discrepancies) > 0 {
					t.Errorf("without a trial there is %+v", s.Discrepancies)
				}
				s := scan(t, &Options{Verify: true, Probe: true, Protocols: protocolOf(spec), hide: hide})
				d := told(t, s, 31337)
				seen := []string{"bind"}
				if strings.HasPrefix(spec, "tcp") {
					seen = append(seen, "connect")
				}
				if d.Kind != HiddenFromAll || d.Family != family || !slices.Equal(d.Seen, seen) || len(d.Missing) != 4 || len(s.Discrepancies) != 1 {
					t.Errorf("%+v, want hidden-from-all, seen by %q", s.Discrepancies, seen)
				}
			})
		})
	}
}

// A TCP socket that is bound and does not listen is no listener: it is told
// where ports are tried, with its process, and never called hidden.
func TestVerifyBoundNotListening(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		specs := map[uint16]string{7130: "tcp,127.0.0.1:7130,bound", 7131: "tcp,[::]:7131,bound", 7132: "mptcp,127.0.0.1:7132,bound"}
		pids := make(map[uint16]int)
		for port, spec := range specs {
			pids[port] = spawn(t, "listen", spec).PID
		}
		// A port with a listener is one, whatever else is bound there.
		listen(t, "tcp,127.0.0.1:7133,reuseport")
		listen(t, "tcp,127.0.0.1:7133,reuseport,bound")
		quiet(t, scan(t, &Options{Verify: true}))
		s := scan(t, &Options{Verify: true, Probe: true, Protocols: []Protocol{TCP}})
		for port, spec := range specs {
			d := told(t, s, port)
			if d.Kind != BoundNotListening || !strings.Contains(spec, d.Addr.String()) || !slices.Equal(d.Seen, []string{"netlink"}) {
				t.Errorf("%s: %+v, want bound-not-listening", spec, d)
			}
			if !strings.Contains(d.Benign[0], fmt.Sprintf("(pid %d)", pids[port])) {
				t.Errorf("%s: harmless explanation %q, want pid %d", spec, d.Benign, pids[port])
			}
			if len(only(s, port)) > 0 {
				t.Errorf("%s is listed", spec)
			}
		}
		if len(s.Discrepancies) != len(specs) {
			t.Errorf("%+v, want %d", s.Discrepancies, len(specs))
		}
	})
}

// lockMain keeps the test on one thread.
func lockMain(t *testing.T) {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
}

// protocolOf is the protocol of a socket that openSocket makes.
func protocolOf(spec string) []Protocol {
	name, _, _ := strings.Cut(spec, ",")
	p, err := ParseProtocol(strings.TrimPrefix(name, "mp"))
	if err != nil {
		panic(err)
	}
	return []Protocol{p}
}

// Every namespace that is looked into has its witnesses. A socket that is hidden
// in one of them is found there, and tried there.
func TestVerifyElsewhere(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:31337")
		in := func(specs ...string) *proc {
			cmd := exec.Command(self(t), specs...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
			return spawnCmd(t, cmd, "listen")
		}
		a := in("tcp,0.0.0.0:31337", "udp,[::]:7100")
		b := in("tcp,0.0.0.0:31337", "udp,[::]:7100", "udplite,0.0.0.0:7101")
		for _, p := range []*proc{a, b} {
			quiet(t, scan(t, &Options{Verify: true, Probe: true, NetNS: strconv.Itoa(p.PID), Protocols: []Protocol{TCP}}))
		}

		mask(t, fmt.Sprintf("/proc/%d/net", b.PID), "tcp", ":7A69 ")
		s := scan(t, &Options{Verify: true, NetNS: NetNSAll, Protocols: []Protocol{TCP}})
		d := told(t, s, 31337)
		if want := fmt.Sprintf("pid %d", b.PID); d.Kind != HiddenFromProc || d.Namespace != want ||
			!slices.Equal(d.Seen, []string{"netlink", "gopsutil", "procfs", "bind"}) || !slices.Equal(d.Missing, []string{"procfs/PID"}) {
			t.Errorf("%+v, want hidden-from-proc in %q", s.Discrepancies, want)
		}

		inA := one(t, scan(t, &Options{NetNS: strconv.Itoa(a.PID)}), 31337)
		s = scan(t, &Options{Verify: true, NetNS: strconv.Itoa(a.PID), hide: func(s *Socket) bool { return s.Inode == inA.Inode }})
		d = told(t, s, 31337)
		if want := fmt.Sprintf("pid %d", a.PID); d.Kind != HiddenFromNetlink || d.Namespace != want || len(s.Discrepancies) != 1 {
			t.Errorf("%+v, want hidden-from-netlink in %q", s.Discrepancies, want)
		}
		if got := one(t, s, 31337); got.Namespace != d.Namespace || !slices.Equal(pidsOf(got), []int{a.PID}) {
			t.Errorf("listed as %+v", got)
		}
	})
}

// A folder given for /proc is held against netlink as /proc is: a row that it
// lacks is found, and so is one that it has too many.
func TestVerifyOtherProcFS(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:31337")
		listen(t, "udp,127.0.0.1:7100")
		dir := t.TempDir()
		if err := os.Mkdir(dir+"/net", 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tcp", "tcp6", "udp", "udp6", "udplite", "udplite6"} {
			b, err := os.ReadFile("/proc/net/" + name)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(b), ":7A69 ", ":7A6A ", 1)
			if err := os.WriteFile(dir+"/net/"+name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s := scan(t, &Options{Verify: true, ProcFS: dir})
		lacks, more := told(t, s, 31337), told(t, s, 31338)
		if lacks.Kind != HiddenFromProc || !slices.Equal(lacks.Seen, []string{"netlink", "bind"}) || !slices.Equal(lacks.Missing, []string{"gopsutil", "procfs"}) {
			t.Errorf("%+v, want hidden-from-proc", lacks)
		}
		if more.Kind != HiddenFromNetlink || !slices.Equal(more.Seen, []string{"gopsutil", "procfs"}) || !slices.Equal(more.Missing, []string{"netlink", "bind"}) {
			t.Errorf("%+v, want hidden-from-netlink", more)
		}
		if !strings.Contains(more.Benign[0], "a copy") {
			t.Errorf("harmless explanations %q", more.Benign)
		}
	})
}
