package annotate_test

import (
	"fmt"
	"net/netip"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// snapshot is what a scan of a small host could see.
func snapshot() *scanner.Snapshot {
	process := func(pid int, exe, name string) []*scanner.Process {
		return []*scanner.Process{{PID: pid, Name: name, Exe: exe}}
	}
	return &scanner.Snapshot{
		Host: scanner.Host{
			Interfaces: []scanner.Interface{
				{Name: "lo", Addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}},
				{Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}},
			},
			Ephemeral: scanner.PortRange{First: 32768, Last: 60999},
		},
		Sockets: []scanner.Socket{
			{Port: 443, Addr: netip.IPv4Unspecified(), Namespace: "host", Holders: process(812, "/usr/sbin/sshd", "sshd")},
			{Port: 9090, Addr: netip.MustParseAddr("127.0.0.1"), Namespace: "host", Holders: process(901, "/usr/bin/prometheus", "prometheus")},
		},
	}
}

func ExampleSnapshot() {
	for _, l := range annotate.Snapshot(snapshot(), portdb.Default(), nil) {
		fmt.Println(l.Port, l.Exposure, l.Addresses, l.Program)
		fmt.Println(l.Sentence(nil))
	}
	// Output:
	// 443 all [127.0.0.1 192.0.2.7] differs
	// registered for https; process is sshd
	// 9090 loopback [127.0.0.1] matches
	// registered for websm; process is prometheus, known as prometheus
}

func ExampleFilter() {
	db := portdb.Default()
	term, err := annotate.ParseTerm("prometheus", db)
	if err != nil {
		fmt.Println(err)
		return
	}
	wanted := annotate.Filter{Terms: []annotate.Term{term}}
	for _, l := range annotate.Snapshot(snapshot(), db, nil) {
		if wanted.Match(&l) {
			fmt.Println(l.Port)
		}
	}
	// Output: 9090
}

func ExampleClassOf() {
	for _, s := range []string{"127.0.0.53", "100.101.102.103", "fd00::1", "2001:db8::7", "0.0.0.0"} {
		class := annotate.ClassOf(netip.MustParseAddr(s), nil)
		fmt.Println(s, class, class.Reachable())
	}
	// Output:
	// 127.0.0.53 loopback false
	// 100.101.102.103 shared true
	// fd00::1 private true
	// 2001:db8::7 public true
	// 0.0.0.0 all true
}
