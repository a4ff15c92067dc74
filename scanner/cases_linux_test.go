package scanner

import (
	"context"
	"slices"
	"testing"
)

// scan is Scan, which must not fail.
// It looks into its own network namespace unless o says otherwise: those of
// other tests come and go beside it.
func scan(t testing.TB, o *Options) *Snapshot {
	t.Helper()
	own := Options{}
	if o != nil {
		own = *o
	}
	if own.NetNS == "" {
		own.NetNS = NetNSOwn
	}
	o = &own
	s, err := Scan(context.Background(), o)
	if err != nil {
		t.Fatalf("Scan(%+v): %v", o, err)
	}
	return s
}

// agree holds a scan against ss(8): the same protocols, addresses, devices,
// ports and pids, no more and no fewer.
func agree(t *testing.T, s *Snapshot) {
	t.Helper()
	got, want := rowsOf(s.Sockets), ssRows(t)
	if !slices.Equal(got, want) {
		t.Errorf("scan and ss differ\nscan: %+v\nss:   %+v", got, want)
	}
}

// only returns the sockets of a port.
func only(s *Snapshot, port uint16) []Socket {
	var list []Socket
	for _, one := range s.Sockets {
		if one.Port == port {
			list = append(list, one)
		}
	}
	return list
}

// one returns the only socket of a port.
func one(t *testing.T, s *Snapshot, port uint16) Socket {
	t.Helper()
	list := only(s, port)
	if len(list) != 1 {
		t.Fatalf("port %d has %d sockets, want 1: %+v", port, len(list), list)
	}
	return list[0]
}

// pidsOf returns the pids of a socket's holders.
func pidsOf(s Socket) []int {
	var pids []int
	for _, p := range s.Holders {
		pids = append(pids, p.PID)
	}
	return pids
}

// Case 1: two processes on one port with SO_REUSEPORT are two sockets.
func TestCase1ReusePort(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a := spawn(t, "listen", "tcp,0.0.0.0:7001,reuseport", "udp,[::]:7001,reuseport")
		b := spawn(t, "listen", "tcp,0.0.0.0:7001,reuseport", "udp,[::]:7001,reuseport")
		s := scan(t, nil)
		agree(t, s)
		for _, p := range []Protocol{TCP, UDP} {
			var pids []int
			for _, one := range s.Sockets {
				if one.Protocol == p {
					pids = append(pids, pidsOf(one)...)
				}
			}
			slices.Sort(pids)
			if want := []int{a.PID, b.PID}; !slices.Equal(pids, want) {
				t.Errorf("%v: holders %v, want %v", p, pids, want)
			}
		}
	})
}

// Case 2: the children of a pre-fork server all hold its one socket.
func TestCase2Prefork(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		fd := listen(t, "tcp,127.0.0.1:7002")
		want := []int{1}
		for range 3 {
			want = append(want, spawnHolding(t, fd).PID)
		}
		s := scan(t, nil)
		agree(t, s)
		if got := pidsOf(one(t, s, 7002)); !slices.Equal(got, want) {
			t.Errorf("holders %v, want %v", got, want)
		}
	})
}

// Case 3: one port on two devices, and one link-local address in two zones.
func TestCase3DevicesAndZones(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		pair(t, "wl0", "wl1")
		for _, dev := range []string{"wl0", "wl1"} {
			addAddr(t, dev, "fe80::77/64")
		}
		listen(t, "tcp,0.0.0.0:7003,device=wl0")
		listen(t, "tcp,0.0.0.0:7003,device=wl1")
		listen(t, "udp,[fe80::77%wl0]:7033")
		listen(t, "udp,[fe80::77%wl1]:7033")
		s := scan(t, nil)
		agree(t, s)
		var devices, zones []string
		for _, one := range only(s, 7003) {
			devices = append(devices, one.Device)
		}
		for _, one := range only(s, 7033) {
			zones = append(zones, one.Addr.String())
			if one.Device != "" {
				t.Errorf("the zone of %v is also its device %q", one.Addr, one.Device)
			}
		}
		slices.Sort(devices)
		slices.Sort(zones)
		if want := []string{"wl0", "wl1"}; !slices.Equal(devices, want) {
			t.Errorf("devices %q, want %q", devices, want)
		}
		if want := []string{"fe80::77%wl0", "fe80::77%wl1"}; !slices.Equal(zones, want) {
			t.Errorf("addresses %q, want %q", zones, want)
		}
	})
}

// Case 4: Multipath TCP listeners are listed once and marked, also for a user
// without privileges; UDP-Lite is there; SCTP where the kernel has it.
func TestCase4OtherTransports(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "mptcp,0.0.0.0:7004")
		listen(t, "mptcp,[::]:7014")
		listen(t, "tcp,127.0.0.1:7024")
		listen(t, "udplite,127.0.0.1:7034")
		listen(t, "udplite,[::1]:7044")
		s := scan(t, nil)
		for port, want := range map[uint16]bool{7004: true, 7014: true, 7024: false} {
			got := one(t, s, port)
			if got.MPTCP != want || got.Protocol != TCP {
				t.Errorf("port %d: %v, MPTCP %v, want tcp, %v", port, got.Protocol, got.MPTCP, want)
			}
			if pids := pidsOf(got); !slices.Equal(pids, []int{1}) {
				t.Errorf("port %d: holders %v, want [1]", port, pids)
			}
		}
		for _, port := range []uint16{7034, 7044} {
			if got := one(t, s, port); got.Protocol != UDPLite || len(got.Holders) != 1 {
				t.Errorf("port %d: %v with %d holders, want udplite with 1", port, got.Protocol, len(got.Holders))
			}
		}
		if len(s.Sockets) != 5 {
			t.Errorf("%d sockets, want 5", len(s.Sockets))
		}
		for _, o := range s.Coverage.Limitations {
			t.Errorf("a protocol that the kernel lacks is no limitation: %+v", o)
		}
		if fd, err := openSocket("sctp,127.0.0.1:7054"); err == nil {
			defer closeFD(fd)
			if got := one(t, scan(t, nil), 7054); got.Protocol != SCTP {
				t.Errorf("port 7054: %v, want sctp", got.Protocol)
			}
		}
	})
}

// Case 8: a UDP socket with a peer is a client, although its peer's port is 0.
func TestCase8Unconnected(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "udp,127.0.0.1:7008")
		listen(t, "udp,127.0.0.1:7018,connect=127.0.0.1:9")
		listen(t, "udp,127.0.0.1:7028,connect=127.0.0.1:0")
		listen(t, "udp,[::1]:7038,connect=[::1]:0")
		for _, src := range []Source{Netlink, Gopsutil} {
			s := scan(t, &Options{Source: src})
			if len(s.Sockets) != 1 || s.Sockets[0].Port != 7008 {
				t.Errorf("%v: %+v, want port 7008 alone", src, s.Sockets)
			}
		}
		agree(t, scan(t, nil))
	})
}

// Cases 9 and 14: what a socket of "::" answers is the kernel's to say.
func TestCase14DualStack(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,[::]:7009,v6only")
		listen(t, "tcp,0.0.0.0:7009")
		listen(t, "tcp,[::]:7019,dual,backlog=7")
		listen(t, "tcp,[::ffff:127.0.0.1]:7029")
		listen(t, "udp,[::]:7039,v6only")
		s := scan(t, nil)
		agree(t, s)
		for _, got := range only(s, 7009) {
			if got.V6Only != (got.Family == IPv6) {
				t.Errorf("%v: V6Only %v", got.Addr, got.V6Only)
			}
		}
		dual := one(t, s, 7019)
		if dual.V6Only || dual.Family != IPv6 || dual.Addr.String() != "::" {
			t.Errorf("dual stack: %+v", dual)
		}
		if dual.Queue != (Queue{Length: 0, Limit: 7}) {
			t.Errorf("queue %+v, want {0 7}", dual.Queue)
		}
		mapped := one(t, s, 7029)
		if mapped.Family != IPv6 || mapped.Addr.String() != "127.0.0.1" {
			t.Errorf("mapped: %v of family %d, want 127.0.0.1 of 6", mapped.Addr, mapped.Family)
		}
		if !one(t, s, 7039).V6Only {
			t.Error("udp [::]:7039 is v6-only and is not so marked")
		}
	})
}

// The accept queue counts the connections that nobody has accepted.
func TestQueue(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7040,backlog=3")
		for range 2 {
			listen(t, "tcp,127.0.0.1:0,bound,connect=127.0.0.1:7040")
		}
		if got := one(t, scan(t, nil), 7040).Queue; got != (Queue{Length: 2, Limit: 3}) {
			t.Errorf("queue %+v, want {2 3}", got)
		}
	})
}

// Case 15: SO_BINDTODEVICE is not every interface.
func TestCase15Device(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,0.0.0.0:7015,device=lo")
		listen(t, "udp,[::]:7015,device=lo")
		s := scan(t, nil)
		agree(t, s)
		for _, got := range s.Sockets {
			if got.Device != "lo" || got.Addr.Zone() != "" {
				t.Errorf("%v %v: device %q, zone %q", got.Protocol, got.Addr, got.Device, got.Addr.Zone())
			}
		}
	})
}

// Case 16: what a wildcard stands for are the addresses of the host.
func TestCase16Interfaces(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		pair(t, "wl0", "wl1")
		addAddr(t, "wl0", "192.0.2.7/24")
		addAddr(t, "wl0", "2001:db8::7/64")
		down := "wl2"
		pair(t, down, "wl3")
		addAddr(t, down, "198.51.100.1/24")
		linkDown(t, down)
		got := map[string]string{}
		for _, ifi := range scan(t, nil).Host.Interfaces {
			for _, p := range ifi.Addrs {
				if !p.Addr().IsLinkLocalUnicast() {
					got[p.String()] = ifi.Name
				}
			}
		}
		want := map[string]string{"127.0.0.1/8": "lo", "::1/128": "lo", "192.0.2.7/24": "wl0", "2001:db8::7/64": "wl0"}
		if len(got) != len(want) {
			t.Errorf("addresses %v, want %v", got, want)
		}
		for p, name := range want {
			if got[p] != name {
				t.Errorf("%s is on %q, want %q", p, got[p], name)
			}
		}
	})
}

// Case 19: a TCP socket that is bound and does not listen is no listener.
func TestCase19BoundOnly(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7019,bound")
		listen(t, "tcp,127.0.0.1:7020")
		for _, src := range []Source{Netlink, Gopsutil} {
			if s := scan(t, &Options{Source: src}); len(s.Sockets) != 1 || s.Sockets[0].Port != 7020 {
				t.Errorf("%v: %+v, want port 7020 alone", src, s.Sockets)
			}
		}
	})
}

// Case 20: nothing listens, and that is no error.
func TestCase20Nothing(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for _, src := range []Source{Auto, Netlink, Gopsutil} {
			if s := scan(t, &Options{Source: src}); len(s.Sockets) != 0 {
				t.Errorf("%v: %+v, want none", src, s.Sockets)
			}
		}
		s := scan(t, nil)
		if !s.Coverage.Complete || len(s.Coverage.Limitations) != 0 || s.Coverage.Privileges != "root" {
			t.Errorf("coverage %+v, want complete and root", s.Coverage)
		}
		if !slices.Equal(s.Coverage.Sources, []string{"netlink"}) {
			t.Errorf("sources %q, want netlink", s.Coverage.Sources)
		}
	})
}
