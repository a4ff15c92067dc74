package scanner

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// variety are sockets of all the kinds that the witnesses tell apart badly.
var variety = []string{
	"tcp,0.0.0.0:7100", "tcp,[::]:7101,v6only", "tcp,[::]:7102,dual", "tcp,[::ffff:127.0.0.1]:7103", "mptcp,127.0.0.1:7104",
	"mptcp,[::]:7105", "tcp,0.0.0.0:7106,device=lo", "tcp,127.0.0.1:7107,device=lo",
	"tcp,0.0.0.0:7108,reuseport", "tcp,0.0.0.0:7108,reuseport", "tcp,0.0.0.0:7108,reuseport",
	"tcp,127.0.0.1:7109,reuseport", "tcp,[::ffff:127.0.0.1]:7109,reuseport", "tcp,[::]:7109,reuseport,v6only",
	"udp,0.0.0.0:7100", "udp,[::]:7101,v6only", "udp,[::]:7102,dual", "udp,[::ffff:127.0.0.1]:7103", "udp,[::1]:7104",
	"udp,0.0.0.0:7108,reuseport", "udp,0.0.0.0:7108,reuseport", "udp,127.0.0.1:7110,connect=127.0.0.1:7108", "udp,0.0.0.0:7111,device=lo",
	"udplite,0.0.0.0:7100", "udplite,[::]:7101,dual", "tcp,127.0.0.1:7112,reuseaddr", "udp,224.0.0.1:7113",
}

// quiet fails where the witnesses do not agree.
func quiet(t *testing.T, s *Snapshot) {
	t.Helper()
	if s.Discrepancies == nil || len(s.Discrepancies) > 0 || !slices.Equal(s.Coverage.Sources[:3], []string{"netlink", "gopsutil", "procfs"}) {
		t.Fatalf("the witnesses %q say %+v, want nothing", s.Coverage.Sources, s.Discrepancies)
	}
}

// times is how often a test that must never see anything accounts: the number in
// VERIFY_RUNS, or n.
func times(n int) int {
	if k, err := strconv.Atoi(os.Getenv("VERIFY_RUNS")); err == nil {
		return k
	}
	return n
}

// A namespace at rest gives no finding, however odd its sockets, and however
// often it is asked for.
func TestVerifyAtRest(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for i, spec := range variety {
			if i%2 == 0 {
				listen(t, spec)
			} else {
				spawn(t, "listen", spec)
			}
		}
		for range times(20) {
			s := scan(t, &Options{Verify: true})
			quiet(t, s)
			if !s.Coverage.Complete {
				t.Fatalf("coverage %+v", s.Coverage)
			}
		}
	})
}

// Connections in all their states take ports and are no finding.
func TestVerifyProbeAtRest(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for _, spec := range variety {
			listen(t, spec)
		}
		server := listen(t, "tcp,127.0.0.1:7120,backlog=100")
		for i := range 20 {
			client := connectFrom(t, 0, 7120)
			switch fd, _, err := unix.Accept(server); {
			case err != nil:
				t.Fatal(err)
			case i%4 == 0: // established
				t.Cleanup(func() { unix.Close(fd) })
			case i%4 == 1: // TIME_WAIT on this side
				unix.Close(fd)
				unix.Close(client)
			case i%4 == 2: // TIME_WAIT on the other
				unix.Close(client)
				unix.Close(fd)
			default: // CLOSE_WAIT
				unix.Close(fd)
			}
		}
		connectFrom(t, 7121, 7120) // waits to be accepted
		for range times(3) {
			s := scan(t, &Options{Verify: true, Probe: true})
			quiet(t, s)
			if !s.Coverage.Complete || !slices.Contains(s.Coverage.Sources, "bind") {
				t.Fatalf("coverage %+v", s.Coverage)
			}
		}
	})
}

// connectFrom connects to a port of 127.0.0.1, from a port of its own.
func connectFrom(t *testing.T, from, to int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	home := [4]byte{127, 0, 0, 1}
	if from != 0 {
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: from, Addr: home}); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: to, Addr: home}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// roleStir opens and closes sockets as fast as it can, among those that stay.
func roleStir(r *role, _ []string) error {
	r.say("ready")
	for i := 0; ; i++ {
		var fds []int
		for k := range 8 {
			port := 20000 + (i*8+k)%5000
			for _, spec := range []string{
				fmt.Sprintf("tcp,0.0.0.0:%d,reuseaddr", port), fmt.Sprintf("udp,[::]:%d", port),
				"tcp,0.0.0.0:7108,reuseport", "udp,0.0.0.0:7108,reuseport", "udp,127.0.0.1:0", "tcp,127.0.0.1:0",
			} {
				if fd, err := openSocket(spec); err == nil {
					fds = append(fds, fd)
				}
			}
		}
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
}

func init() { roles["stir"] = roleStir }

// A busy namespace hides nothing: sockets that come and go, and stay while the
// tables change under the reading.
func TestVerifyBusy(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for _, spec := range variety {
			listen(t, spec)
		}
		for i := range 150 { // tables of many pieces
			listen(t, fmt.Sprintf("tcp,127.0.0.1:%d", 10000+i))
			listen(t, fmt.Sprintf("udp,127.0.0.1:%d", 10000+i))
		}
		spawn(t, "stir")
		doubts, kinds := 0, make(map[DiscrepancyKind]int)
		for range times(15) {
			q := newInquiry(&Options{Verify: true}, OwnNamespace)
			first, err := q.turn(t.Context(), account{}, false)
			if err != nil {
				t.Fatal(err)
			}
			doubts += len(newDoubts(first).list)
			s := scan(t, &Options{Verify: true})
			for _, d := range s.Discrepancies {
				kinds[d.Kind]++
				if d.Kind.Hidden() {
					t.Errorf("%+v", d)
				}
			}
		}
		t.Logf("%d doubts in the first turns; findings: %v", doubts, kinds)
		if doubts == 0 {
			t.Error("nothing was ever in doubt: the namespace is not busy")
		}
	})
}

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
					s := scan(t, &Options{Verify: true, Probe: probe, hide: hide})
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
				s := scan(t, &Options{Verify: true, Probe: true, hide: hide})
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
		p := spawn(t, "listen", "tcp,127.0.0.1:7130,bound")
		quiet(t, scan(t, &Options{Verify: true}))
		s := scan(t, &Options{Verify: true, Probe: true})
		d := told(t, s, 7130)
		if d.Kind != BoundNotListening || d.Addr.String() != "127.0.0.1" || len(s.Discrepancies) != 1 {
			t.Errorf("%+v, want bound-not-listening", s.Discrepancies)
		}
		if !strings.Contains(d.Benign[0], fmt.Sprintf("(pid %d)", p.PID)) {
			t.Errorf("harmless explanation %q, want pid %d", d.Benign, p.PID)
		}
		if len(only(s, 7130)) > 0 {
			t.Error("it is listed")
		}
	})
}

// A socket that ends while the witnesses are asked is told as gone.
func TestVerifyGone(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		fd, err := openSocket("tcp,127.0.0.1:7140")
		if err != nil {
			t.Fatal(err)
		}
		listen(t, "tcp,127.0.0.1:7141")
		s := scan(t, nil)
		unix.Close(fd)
		s.verify(t.Context(), &Options{Verify: true}, new(netSearch))
		d := told(t, s, 7140)
		if d.Kind != GoneMeanwhile || len(d.Seen) != 0 || len(s.Discrepancies) != 1 {
			t.Errorf("%+v, want gone-meanwhile", s.Discrepancies)
		}
	})
}

// Anyone may verify; what takes rights is said.
func TestVerifyNobody(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for _, spec := range variety {
			listen(t, spec)
		}
		s, _ := scanAs(t, nobody(), "auto", "verify", "probe")
		quiet(t, s)
		if l := limitation(t, s, LimitProbe); !strings.Contains(l.Text, "below 1024") || s.Coverage.Complete {
			t.Errorf("limitation %+v", l)
		}
	})
}

// Without netlink the others are held against each other, and the report says
// what is missing.
func TestVerifyWithoutNetlink(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7150")
		quietly := scan(t, &Options{Source: Gopsutil, Verify: true})
		if len(quietly.Discrepancies) > 0 || !slices.Equal(quietly.Coverage.Sources, []string{"gopsutil", "netlink", "procfs"}) {
			t.Errorf("%q say %+v", quietly.Coverage.Sources, quietly.Discrepancies)
		}
	})
}

// lockMain keeps the test on one thread.
func lockMain(t *testing.T) {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
}
