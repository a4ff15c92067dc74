package report_test

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// small is a report of a web server and its database.
func small() *report.Report {
	nginx := &scanner.Process{PID: 812, Name: "nginx", User: "root"}
	postgres := &scanner.Process{PID: 990, Name: "postgres", User: "postgres"}
	everywhere := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("203.0.113.20")}
	loopback := netip.MustParseAddr("127.0.0.1")
	return &report.Report{
		Registry: "2026-09-17",
		Listeners: []annotate.Listener{{
			Socket: &scanner.Socket{
				Port: 443, Family: scanner.IPv4, Addr: netip.IPv4Unspecified(), User: "root",
				Holders: []*scanner.Process{nginx},
			},
			Service: annotate.Service{Name: "https"}, Range: portdb.WellKnown,
			Exposure: annotate.All, Widest: annotate.Public, Addresses: everywhere,
		}, {
			Socket: &scanner.Socket{
				Port: 5432, Family: scanner.IPv4, Addr: loopback, User: "postgres",
				Holders: []*scanner.Process{postgres},
			},
			Service: annotate.Service{Name: "postgresql"}, Range: portdb.Registered,
			Exposure: annotate.Loopback, Addresses: []netip.Addr{loopback},
		}},
	}
}

func ExampleWrite_table() {
	if err := report.Write(os.Stdout, small(), report.Table, nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// PROTO  ADDRESS    PORT  SERVICE     RANGE       PROCESS         USER      EXPOSURE
	// tcp    0.0.0.0     443  https       well-known  nginx (812)     root      all (public)
	// tcp    127.0.0.1  5432  postgresql  registered  postgres (990)  postgres  loopback
	//
	// 2 listeners of 2 programs, 1 reachable from outside; registry of 2026-09-17
}

func ExampleWrite_tree() {
	if err := report.Write(os.Stdout, small(), report.Tree, nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// nginx (812)  root
	// └─ tcp  0.0.0.0     443  https       well-known  all (public)
	//
	// postgres (990)  postgres
	// └─ tcp  127.0.0.1  5432  postgresql  registered  loopback
	//
	// 2 listeners of 2 programs, 1 reachable from outside; registry of 2026-09-17
}

func ExampleEscape() {
	fmt.Println(report.Escape("sshd\x1b[2K\rnginx"))
	// Output:
	// sshd\x1b[2K\x0dnginx
}
