package scanner

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Case 29: the sockets of every network namespace are there, beside ss(8).
func TestCase29EveryNamespace(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red", "green", "blue")
		listen(t, "tcp,127.0.0.1:7001")
		for i, name := range []string{"red", "green"} { // nobody is in blue
			port := strconv.Itoa(7002 + i)
			ip(t, "-n "+name+" addr add 10.9.0.1/24 dev lo")
			spawnInside(t, name, "listen", "tcp,0.0.0.0:"+port, "tcp,[::]:"+port+",v6only", "udp,10.9.0.1:"+port, "tcp,127.0.0.1:7001")
		}
		lone := spawnUnshared(t, "listen", "tcp,0.0.0.0:7009")
		pid := "pid " + strconv.Itoa(lone.PID)

		s := scan(t, &Options{NetNS: NetNSAll})
		if got, want := namespaces(s), []string{OwnNamespace, "blue", "green", pid, "red"}; !slices.Equal(got, want) {
			t.Fatalf("namespaces %q, want %q", got, want)
		}
		if !s.Coverage.Complete {
			t.Errorf("coverage %+v, want complete", s.Coverage)
		}
		agree(t, &Snapshot{Sockets: in(s, OwnNamespace)})
		for _, name := range []string{"red", "green", "blue"} {
			if got, want := rowsOf(in(s, name)), ssRows(t, "ip", "netns", "exec", name); !slices.Equal(got, want) {
				t.Errorf("%s: scan and ss differ\nscan: %+v\nss:   %+v", name, got, want)
			}
		}
		if got := in(s, pid); len(got) != 1 || got[0].Port != 7009 || !slices.Equal(pidsOf(got[0]), []int{lone.PID}) {
			t.Errorf("%s: %+v, want the listener of port 7009", pid, got)
		}

		n := namespace(t, s, pid)
		if n.PID != lone.PID || n.Processes != 1 || n.Inode == 0 {
			t.Errorf("namespace %+v, want the one process %d", n, lone.PID)
		}
		if n := namespace(t, s, "blue"); n.PID != 0 || n.Processes != 0 {
			t.Errorf("namespace %+v, want no process", n)
		}
		own := s.Namespaces[0]
		if own.PID != os.Getpid() || own.Processes != 1 || own.Inode != parseNetLink([]byte(readlink("/proc/self/ns/net"))) {
			t.Errorf("namespace %+v, want that of the test", own)
		}
		// As root this is what is done unless something else is asked for.
		s, err := Scan(t.Context(), nil)
		if err != nil || len(s.Namespaces) != 5 {
			t.Errorf("Scan(nil) looked into %q, %v", namespaces(s), err)
		}
		if s := scan(t, &Options{NetNS: NetNSOwn}); len(s.Sockets) != 1 || !slices.Equal(namespaces(s), []string{OwnNamespace}) {
			t.Errorf("own: %q, %+v", namespaces(s), s.Sockets)
		}
	})
}

// A namespace says of itself what a host does: its addresses, its range of ports.
func TestNamespaceFacts(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red")
		ip(t, "-n red addr add 10.9.0.1/24 dev lo")
		inNamed(t, "red", func() error {
			if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("40000 41000"), 0o644); err != nil {
				return err
			}
			return os.WriteFile("/proc/sys/net/ipv4/ip_local_reserved_ports", []byte("40010"), 0o644)
		})
		s := scan(t, &Options{NetNS: NetNSAll})
		n := namespace(t, s, "red")
		if n.Ephemeral != (PortRange{40000, 41000}) || !slices.Equal(n.Reserved, []PortRange{{40010, 40010}}) {
			t.Errorf("ephemeral %v but %v", n.Ephemeral, n.Reserved)
		}
		if want := netip.MustParsePrefix("10.9.0.1/24"); len(n.Interfaces) != 1 || n.Interfaces[0].Name != "lo" || !slices.Contains(n.Interfaces[0].Addrs, want) {
			t.Errorf("interfaces %+v, want lo with %v", n.Interfaces, want)
		}
		if s.Host.Ephemeral == n.Ephemeral || s.Namespaces[0].Ephemeral != s.Host.Ephemeral {
			t.Errorf("the host's range is %v, in its namespace %v", s.Host.Ephemeral, s.Namespaces[0].Ephemeral)
		}
		// Whoever looked there is not there any more.
		if got := parseNetLink([]byte(readlink("/proc/self/ns/net"))); got != s.Namespaces[0].Inode {
			t.Errorf("the main thread is in %d, want %d", got, s.Namespaces[0].Inode)
		}
	})
}

// Case 29: the namespace is the socket's, where its process has moved on.
func TestCase29HolderMovedOn(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red")
		inNamed(t, "red", func() error { return openAll("tcp,127.0.0.1:7029") })
		spawnInside(t, "red", "wait") // another process, which does not have the socket
		got := one(t, scan(t, &Options{NetNS: NetNSAll}), 7029)
		if got.Namespace != "red" || !slices.Equal(pidsOf(got), []int{os.Getpid()}) {
			t.Errorf("in %q, held by %v, want red and %d", got.Namespace, pidsOf(got), os.Getpid())
		}
	})
}

// Where nothing but a descriptor, a socket or a thread leads to a namespace.
func TestHiddenNamespaces(t *testing.T) {
	tests := []struct {
		role   string
		always bool // found unless told otherwise
		name   string
	}{
		{"keep", true, "held by pid %d"},
		{"strand", false, "held by pid %d"},
		{"stray", false, "pid %d"},
	}
	for _, tt := range tests {
		t.Run(tt.role, func(t *testing.T) {
			inNetns(t, func(t *testing.T) {
				listen(t, "tcp,127.0.0.1:7001")
				p := spawn(t, tt.role, "tcp,127.0.0.1:7029", "udp,0.0.0.0:7030")
				name := fmt.Sprintf(tt.name, p.PID)
				for range 2 { // what one scan does is not in the way of the next
					s := scan(t, &Options{NetNS: NetNSAll})
					if got := namespaces(s); !slices.Equal(got, []string{OwnNamespace, name}) {
						t.Fatalf("namespaces %q, want %q", got, name)
					}
					for _, port := range []uint16{7029, 7030} {
						if got := one(t, s, port); got.Namespace != name || !slices.Equal(pidsOf(got), []int{p.PID}) {
							t.Errorf("port %d in %q, held by %v, want %q and %d", port, got.Namespace, pidsOf(got), name, p.PID)
						}
					}
					if got := pidsOf(one(t, s, 7001)); !slices.Equal(got, []int{os.Getpid()}) || s.Coverage.Processes != 2 {
						t.Errorf("port 7001 held by %v among %d processes", got, s.Coverage.Processes)
					}
				}
				s, err := Scan(t.Context(), nil)
				if err != nil || (len(s.Namespaces) == 2) != tt.always {
					t.Errorf("without --netns the namespaces are %q, %v", namespaces(s), err)
				}
				fds, err := os.ReadDir("/proc/self/fd")
				if err != nil || len(fds) > 20 {
					t.Errorf("%d descriptors are left open, %v", len(fds), err)
				}
			})
		})
	}
}

// A socket without a holder is asked for again where it is: one that the kernel
// holds stays.
func TestNamespaceOwnerless(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red")
		ip(t, "-n red link add vx0 type vxlan id 7 dstport 4789 dev lo")
		ip(t, "-n red link set vx0 up")
		s := scan(t, &Options{NetNS: NetNSAll})
		if len(in(s, "red")) == 0 || len(in(s, "red")) != len(s.Sockets) {
			t.Fatalf("sockets %+v, want that of vx0 in red", s.Sockets)
		}
		for _, one := range s.Sockets {
			if one.Port != 4789 || len(one.Holders) != 0 {
				t.Errorf("socket %+v, want that of vx0", one)
			}
		}
	})
}

// The pid of a process that has ended may be another's, elsewhere.
func TestNamespacePIDReused(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		lone := spawnUnshared(t, "wait")
		n := &netNS{Namespace: Namespace{Inode: 1}, pids: []int32{int32(lone.PID)}, fd: -1}
		visit(t.Context(), "/proc", []*netNS{n}, func(*netNS) { t.Error("another namespace was entered") })
		if !errors.Is(n.err, errGone) {
			t.Errorf("error %v, want %v", n.err, errGone)
		}
	})
}

// A namespace that ends before it is entered is a line of coverage, and no more.
func TestNamespaceGone(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red", "blue")
		spawnInside(t, "blue", "listen", "tcp,127.0.0.1:7001")
		s := &Snapshot{Coverage: Coverage{Complete: true}, Namespaces: []Namespace{{Name: OwnNamespace}}}
		o := &Options{NetNS: NetNSAll}
		search := beginNetSearch(o)
		search.listed(o, Netlink, nil)
		search.group.Wait()
		ip(t, "netns del red")
		if err := s.elsewhere(t.Context(), o, Netlink, search); err != nil {
			t.Fatal(err)
		}
		if got := namespaces(s); !slices.Equal(got, []string{OwnNamespace, "blue"}) || len(s.Sockets) != 1 {
			t.Errorf("namespaces %q, sockets %+v", got, s.Sockets)
		}
		if l := limitation(t, s, LimitNetNSGone); !strings.HasPrefix(l.Text, "1 network namespace ended") || !s.Coverage.Complete {
			t.Errorf("coverage %+v", s.Coverage)
		}
	})
}

// Whoever may not enter other namespaces has those of its own, and is told.
func TestNamespaceNotPermitted(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red", "blue")
		spawnInside(t, "red", "listen", "tcp,127.0.0.1:7001")
		listen(t, "tcp,127.0.0.1:7002")
		own := func(name string, s *Snapshot, said, remedy string) {
			t.Helper()
			if len(in(s, OwnNamespace)) != 1 || len(s.Sockets) != 1 || s.Sockets[0].Port != 7002 || len(s.Namespaces) > 1 {
				t.Errorf("%s: namespaces %q, sockets %+v", name, namespaces(s), s.Sockets)
			}
			l := limitation(t, s, LimitNetNS)
			if !strings.Contains(l.Text, said) || !strings.Contains(l.Remedy, remedy) || s.Coverage.Complete {
				t.Errorf("%s: coverage %+v, want %q and %q", name, s.Coverage, said, remedy)
			}
		}
		s, _ := scanAs(t, nobody())
		own("nobody", s, "2 other network namespaces were not looked into", "sudo")
		s, _ = scanAs(t, nobody(), "netlink", "netns=all")
		own("nobody, all", s, "2 of 2 other network namespaces could not be looked into: operation not permitted", "sudo")
		s, _ = scanAs(t, nobody(), "netlink", "netns=own")
		if slices.ContainsFunc(s.Coverage.Limitations, func(l Limitation) bool { return l.Code == LimitNetNS }) {
			t.Errorf("nobody, own: %+v", s.Coverage)
		}
		if _, err := scanAs(t, nobody(), "netlink", "netns=red"); !strings.Contains(err, `network namespace "red": operation not permitted`) {
			t.Errorf("nobody, red: error %q", err)
		}
		// Of a process that there is nobody says that there is none, also where /proc
		// hides it.
		pid := strconv.Itoa(os.Getpid())
		asked := func() {
			t.Helper()
			if _, err := scanAs(t, nobody(), "netlink", "netns="+pid); !strings.Contains(err, "network namespace of pid "+pid+": ") || !strings.Contains(err, "permitted") && !strings.Contains(err, "permission denied") {
				t.Errorf("nobody, pid %s: error %q", pid, err)
			}
		}
		asked()
		if err := unix.Mount("proc", "/proc", "proc", 0, "hidepid=2"); err == nil {
			asked()
			if err := unix.Unmount("/proc", 0); err != nil {
				t.Fatal(err)
			}
		}
		// The right to enter them is enough, whoever has it.
		entitled := nobody()
		entitled.AmbientCaps = []uintptr{unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_SYS_ADMIN}
		if s, _ = scanAs(t, entitled); len(in(s, "red")) != 1 || !slices.Equal(namespaces(s), []string{OwnNamespace, "blue", "red"}) || len(s.Coverage.Limitations) > 1 {
			t.Errorf("nobody with CAP_SYS_ADMIN: namespaces %q, coverage %+v", namespaces(s), s.Coverage)
		}
		s, _ = scanAs(t, nil, "gopsutil", "netns=all")
		own("gopsutil", s, "gopsutil does not show them", "netlink")

		// Last, for it cannot be undone: what is spawned from here lacks it too.
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		s, _ = scanAs(t, nil)
		own("root without CAP_SYS_ADMIN", s, "2 other network namespaces were not looked into", "CAP_SYS_ADMIN")
	})
}

// A namespace can be picked as ip-netns(8) names it, by a process, and as a
// report names it.
func TestPickNamespace(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red", "blue", "host", "7")
		spawnInside(t, "red", "listen", "tcp,127.0.0.1:7001")
		listen(t, "tcp,127.0.0.1:7002")
		lone := spawnUnshared(t, "listen", "tcp,127.0.0.1:7003")
		ip(t, "netns attach mine "+strconv.Itoa(os.Getpid()))
		pid := strconv.Itoa(lone.PID)
		tests := []struct {
			netns string
			name  string
			ports []uint16
		}{
			{"red", "red", []uint16{7001}},
			{"blue", "blue", nil},
			{pid, "pid " + pid, []uint16{7003}},
			{"pid " + pid, "pid " + pid, []uint16{7003}},
			{strconv.Itoa(os.Getpid()), OwnNamespace, []uint16{7002}},
			{"mine", OwnNamespace, []uint16{7002}},
			{"7", "7", nil}, // a name before a pid, as for ip(8)
			// One that is called like the scan's own is told apart by its place.
			{"host", OwnNamespace, []uint16{7002}},
			{"/run/netns/host", "/run/netns/host", nil},
		}
		for _, tt := range tests {
			s := scan(t, &Options{NetNS: tt.netns})
			var ports []uint16
			for _, one := range s.Sockets {
				ports = append(ports, one.Port)
				if one.Namespace != tt.name || len(one.Holders) != 1 {
					t.Errorf("%q: port %d is in %q, held by %v", tt.netns, one.Port, one.Namespace, pidsOf(one))
				}
			}
			if got := namespaces(s); !slices.Equal(got, []string{tt.name}) || !slices.Equal(ports, tt.ports) {
				t.Errorf("%q: namespaces %q, ports %v, want %q, %v", tt.netns, got, ports, tt.name, tt.ports)
			}
		}
		for _, name := range []string{"green", "../netns/red", "999999999", "-1", "pid", "."} {
			if s, err := Scan(t.Context(), &Options{NetNS: name}); !errors.Is(err, ErrNoNamespace) || !strings.Contains(err.Error(), strconv.Quote(name)) {
				t.Errorf("%q: %+v, %v, want %v", name, s, err, ErrNoNamespace)
			}
		}
		if got := NetNSNames(); !slices.Equal(got, []string{"7", "blue", "host", "mine", "red"}) {
			t.Errorf("NetNSNames() = %q", got)
		}
	})
}

// A namespace that is mounted below another mount has not ended.
func TestNamespaceCovered(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red", "blue")
		if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		s := scan(t, &Options{NetNS: NetNSAll})
		l := limitation(t, s, LimitNetNS)
		if want := "2 of 2 other network namespaces could not be looked into: what is mounted above it hides it"; l.Text != want || s.Coverage.Complete {
			t.Errorf("coverage %+v, want %q", s.Coverage, want)
		}
	})
}

// The thread that went elsewhere ends, and it is never the main one.
func TestLostThread(t *testing.T) {
	for range 100 {
		var tid int
		onLostThread(func() { tid = unix.Gettid() })
		if tid == unix.Getpid() {
			t.Fatal("the main thread was lost")
		}
		waitThread(tid)
	}
}
