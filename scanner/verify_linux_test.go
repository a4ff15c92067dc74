package scanner

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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
	r.Say("ready")
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
		for range times(4) {
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

// Where gopsutil is the source netlink is a witness. Where it cannot be, the
// tables are held against each other, and the report says what is missing.
func TestVerifyWithoutNetlink(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7150")
		p := spawn(t, "wait")
		s := scan(t, &Options{Source: Gopsutil, Verify: true})
		if len(s.Discrepancies) > 0 || !slices.Equal(s.Coverage.Sources, []string{"gopsutil", "netlink", "procfs"}) {
			t.Errorf("%q say %+v", s.Coverage.Sources, s.Discrepancies)
		}
		forbidNetlink(t)
		s = scan(t, &Options{Verify: true, Probe: true, Protocols: []Protocol{TCP}})
		if len(s.Discrepancies) > 0 || !slices.Equal(s.Coverage.Sources, []string{"gopsutil", "procfs", "bind"}) {
			t.Errorf("%q say %+v", s.Coverage.Sources, s.Discrepancies)
		}
		if l := limitation(t, s, LimitWitness); !strings.Contains(l.Text, "netlink is no witness") || l.Remedy == "" {
			t.Errorf("limitation %+v", l)
		}
		mask(t, fmt.Sprintf("/proc/%d/net", p.PID), "tcp", ":1BEE ")
		if d := told(t, scan(t, &Options{Verify: true}), 7150); d.Kind != HiddenFromProc || !slices.Equal(d.Missing, []string{"procfs/PID"}) {
			t.Errorf("%+v, want hidden-from-proc", d)
		}
	})
}

// With a /proc that shows processes alone, and with one that hides those of
// others, there are witnesses enough.
func TestVerifyMountsOfProc(t *testing.T) {
	for _, tt := range []struct{ name, options string }{{"subset=pid", "subset=pid"}, {"hidepid=2", "hidepid=2"}} {
		t.Run(tt.name, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				for _, spec := range variety {
					listen(t, spec)
				}
				spawn(t, "wait")
				if err := unix.Mount("proc", "/proc", "proc", 0, tt.options); err != nil {
					t.Skipf("a /proc with %s: %v", tt.options, err)
				}
				quiet(t, scan(t, &Options{Verify: true}))
				s, _ := scanAs(t, nobody(), "auto", "verify")
				quiet(t, s)
			})
		})
	}
}

// Many listeners are no more trouble than few.
func TestVerifyManyListeners(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 20,000 sockets")
	}
	inNetns(t, func(t *testing.T) {
		for n := range 25 { // more than one process may have open
			var specs []string
			for i := range 800 {
				specs = append(specs, fmt.Sprintf("tcp,127.0.%d.1:%d", i%4, 10000+n*200+i/4))
			}
			spawn(t, "listen", specs...)
		}
		began := time.Now()
		s := scan(t, &Options{Verify: true})
		t.Logf("%v", time.Since(began))
		quiet(t, s)
		if len(s.Sockets) != 20000 {
			t.Errorf("%d sockets", len(s.Sockets))
		}
		hide := only(s, 10100)[0].Cookie
		s = scan(t, &Options{Verify: true, hide: func(s *Socket) bool { return s.Cookie == hide }})
		if d := told(t, s, 10100); d.Kind != HiddenFromNetlink || len(s.Discrepancies) != 1 {
			t.Errorf("%+v, want hidden-from-netlink", s.Discrepancies)
		}
	})
}
