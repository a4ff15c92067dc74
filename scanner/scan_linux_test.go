package scanner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// The sources agree on everything that both can know.
func TestSourcesAgree(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		pair(t, "wl0", "wl1")
		addAddr(t, "wl0", "192.0.2.7/24")
		addAddr(t, "wl0", "2001:db8::7/64")
		specs := []string{
			"tcp,0.0.0.0:7001", "tcp,[::]:7002,v6only", "tcp,[::]:7003,dual", "tcp,[::1]:7004",
			"tcp,[::ffff:127.0.0.1]:7005", "mptcp,127.0.0.1:7006", "tcp,192.0.2.7:7007", "tcp,[2001:db8::7]:7008",
			"udp,0.0.0.0:7001", "udp,[::]:7002", "udp,127.0.0.2:7003", "udp,127.0.0.1:7009,connect=127.0.0.1:7003",
			"udp,[2001:db8::7]:7008", "tcp,127.0.0.1:7010,bound", "tcp,0.0.0.0:7011,device=lo",
		}
		for i, spec := range specs {
			if i%2 == 0 {
				listen(t, spec)
			} else {
				spawn(t, "listen", spec)
			}
		}
		// What gopsutil does not know is taken out: device, V6ONLY.
		plain := func(s *Snapshot) []string {
			var list []string
			for _, one := range s.Sockets {
				list = append(list, fmt.Sprintln(one.Protocol, one.Family, one.Addr, one.Port, pidsOf(one)))
			}
			slices.Sort(list)
			return list
		}
		a, b := scan(t, &Options{Source: Netlink}), scan(t, &Options{Source: Gopsutil})
		agree(t, a)
		if x, y := plain(a), plain(b); !slices.Equal(x, y) || len(x) != len(specs)-2 {
			t.Errorf("the sources differ\nnetlink:  %q\ngopsutil: %q", x, y)
		}
		if b.Coverage.Complete || len(b.Coverage.Limitations) != 1 || b.Coverage.Limitations[0].Code != LimitGopsutil {
			t.Errorf("gopsutil's coverage %+v, want incomplete and %s", b.Coverage, LimitGopsutil)
		}
	})
}

// Case 12: the facts of a process are read once, and its one record is shared by
// its sockets.
func TestCase12OnceAPID(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		p := spawn(t, "listen", "tcp,127.0.0.1:7012", "udp,127.0.0.1:7013")
		for _, src := range []Source{Netlink, Gopsutil} {
			s := scan(t, &Options{Source: src})
			a, b := one(t, s, 7012).Holders, one(t, s, 7013).Holders
			if len(a) != 1 || len(b) != 1 || a[0] != b[0] || a[0].PID != p.PID || a[0].Name == "" {
				t.Errorf("%v: holders %+v and %+v, want the one record of pid %d", src, a, b, p.PID)
			}
		}
	})
}

// Case 18: the range from which the kernel picks ports, and what is kept out of
// it, are those of the namespace.
func TestCase18Ephemeral(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for name, text := range map[string]string{"ip_local_port_range": "40000 41000", "ip_local_reserved_ports": "40010,40020-40030"} {
			if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		h := scan(t, nil).Host
		if h.Ephemeral != (PortRange{40000, 41000}) || !slices.Equal(h.Reserved, []PortRange{{40010, 40010}, {40020, 40030}}) {
			t.Errorf("ephemeral %v but %v", h.Ephemeral, h.Reserved)
		}
	})
}

// Case 23: sockets that come and go under the scan have their holder, or are not
// listed: the walk and the table are not of one moment.
func TestCase23Churn(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		stays := spawn(t, "listen", "tcp,127.0.0.1:7023")
		for range 2 {
			spawn(t, "churn")
		}
		came := 0
		for range 30 {
			socks, err := listNetlink(t.Context(), new(Options), new(Coverage))
			if err != nil {
				t.Fatal(err)
			}
			came += len(socks) - 1
			s := scan(t, nil)
			for _, one := range s.Sockets {
				if len(one.Holders) == 0 {
					t.Fatalf("%v %v:%d has no holder: %v", one.Protocol, one.Addr, one.Port, one.Why)
				}
			}
			if got := pidsOf(one(t, s, 7023)); !slices.Equal(got, []int{stays.PID}) {
				t.Fatalf("what stays has holders %v, want %d", got, stays.PID)
			}
		}
		if came == 0 {
			t.Error("no socket ever came")
		}
	})
}

// Case 33: a process without descriptors to spare is told so.
func TestCase33EMFILE(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		var r unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
			t.Fatal(err)
		}
		none := unix.Rlimit{Cur: 3, Max: r.Max}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
			t.Fatal(err)
		}
		s, err := Scan(t.Context(), nil)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(err, unix.EMFILE) {
			t.Errorf("Scan without descriptors = %+v, %v, want %v", s, err, unix.EMFILE)
		}
	})
}

// A scan whose context has ended has the sockets and says what is missing.
func TestInterrupted(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7050")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s, err := Scan(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		one(t, s, 7050)
		if limitation(t, s, LimitInterrupted).Text == "" || s.Coverage.Complete {
			t.Errorf("coverage %+v, want incomplete", s.Coverage)
		}
	})
}
