package report_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// sshd is a report with one listener.
func sshd() *report.Report {
	snap := &scanner.Snapshot{
		Host: scanner.Host{
			Name: "web1", OS: "linux",
			Interfaces: []scanner.Interface{{Name: "lo", Addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}}},
		},
		Coverage: scanner.Coverage{Complete: true, Sources: []string{"netlink"}, Privileges: "root"},
		Sockets: []scanner.Socket{{
			Family: scanner.IPv4, Port: 22, Addr: netip.MustParseAddr("127.0.0.1"), Namespace: "host", User: "root",
			Holders: []*scanner.Process{{PID: 812, Name: "sshd", Exe: "/usr/sbin/sshd", User: "root"}},
		}},
	}
	db := portdb.Default()
	return &report.Report{
		Tool: "1.0.0", Registry: db.Date(), Time: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC),
		Host: snap.Host, Coverage: snap.Coverage, Listeners: annotate.Snapshot(snap, db, nil),
	}
}

func ExampleWrite() {
	if err := report.Write(os.Stdout, sshd(), report.Table, nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// PROTO  ADDRESS    PORT  SERVICE  RANGE       PROCESS     USER  EXPOSURE
	// tcp    127.0.0.1    22  ssh      well-known  sshd (812)  root  loopback
	//
	// 1 listener of 1 program, none reachable from outside; registry of 2026-09-17
}

func ExampleRead() {
	var saved strings.Builder
	if err := report.Write(&saved, sshd(), report.JSON, nil); err != nil {
		fmt.Println(err)
	}
	r, err := report.Read(strings.NewReader(saved.String()))
	if err != nil {
		fmt.Println(err)
		return
	}
	l := r.Listeners[0]
	fmt.Println(r.Host.Name, l.Port, l.Service.Name, l.Holders[0].Name)
	// Output:
	// web1 22 ssh sshd
}

func ExampleRead_error() {
	_, err := report.Read(strings.NewReader(`{"schema":"whatslistening/2"}`))
	var e *report.ReadError
	if errors.As(err, &e) {
		fmt.Println(e)
		fmt.Println("hint:", e.Hint)
	}
	// Output:
	// line 1, column 11: schema: "whatslistening/2" is not "whatslistening/1", the shape that this version reads
	// hint: read it with the version of whatslistening that wrote it, or make a new one
}

func ExampleWriteExplain() {
	db := portdb.Default()
	list := []report.Explanation{{Port: 5432, HasPort: true, Entries: db.Entries(nil, 0, 5432), Unseen: true}}
	if err := report.WriteExplain(os.Stdout, list, report.Table, nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 5432  Registered 1024–49151 (RFC 6335: User Ports)
	//
	//   iana      postgresql  tcp, udp
	//             PostgreSQL Database
	//   appendix  PostgreSQL Database
}
