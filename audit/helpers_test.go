package audit

import (
	"net/netip"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// today is when the registers of these tests are looked at.
var today = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// addresses returns networks, each as "10.0.0.0/8" or "fe80::1/128 zone".
func addresses(list ...string) []Address {
	var out []Address
	for _, s := range list {
		p, zone, _ := strings.Cut(s, " ")
		out = append(out, Address{netip.MustParsePrefix(p), zone})
	}
	return out
}

// process is a holder.
func process(pid int, exe, user string) *scanner.Process {
	return &scanner.Process{PID: pid, Name: base(exe), Exe: exe, User: user, UID: -1, Unit: base(exe) + ".service"}
}

// listener is a TCP listener of root at an address of the host.
func listener(addr string, port uint16, holders ...*scanner.Process) annotate.Listener {
	a := netip.MustParseAddr(addr)
	s := &scanner.Socket{Family: scanner.IPv4, Addr: a, Port: port, Namespace: "host", User: "root", Holders: holders}
	if a.Is6() {
		s.Family = scanner.IPv6
	}
	if len(holders) == 0 {
		s.Why = scanner.NotPermitted
	}
	return annotate.Listener{Socket: s, Exposure: annotate.ClassOf(a, nil)}
}

// seen is a scan of today that looked everywhere for everything.
func seen(listeners []annotate.Listener) *Scan {
	s := &Scan{Time: today, Listeners: listeners, Scope: Scope{NetNS: scanner.NetNSAll}}
	for p := scanner.TCP; p <= scanner.Unix; p++ {
		s.Scope.Protocols = append(s.Scope.Protocols, p)
	}
	return s
}

// with changes a listener.
func with(l annotate.Listener, change func(*annotate.Listener)) annotate.Listener {
	s := *l.Socket
	l.Socket = &s
	change(&l)
	return l
}
