package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/scanner"
)

// An entry accepts findings of the rules that it names on what it approves, and
// no others.
func TestAccepts(t *testing.T) {
	type scene = []scanner.Socket
	redis := runs(2, "/usr/bin/redis-server", 110)
	sentinel := runs(3, "/usr/bin/redis-server", 110)
	sentinel.Unit = "redis@2.service"
	mine := func(s scanner.Socket) scanner.Socket { s.UID, s.User = 1000, "alice"; return s }
	squatter := func(at string) scanner.Socket { return mine(socket(at, runs(9, "/home/alice/x", 1000))) }
	const entry = "port: 6379, exposure: all, accepts: WL007"
	at := func(where string) scanner.Socket { return socket("tcp "+where+":6379", redis) }
	two := scene{socket("tcp 0.0.0.0:8080", runs(4, "/srv/app", 0)), socket("tcp 192.0.2.7:8080", runs(5, "/srv/other", 0))}
	loggedIn := runs(5, "/srv/other", 0)
	loggedIn.Unit = "session-3.scope"
	tests := []struct {
		name    string
		sockets scene
		entries []string
		want    string // the rules that find something, a + behind those whose finding is accepted
	}{
		{"accepted", scene{at("10.1.2.3")}, []string{entry}, "WL007+"},
		{"beside another port", scene{at("10.1.2.3"), socket("tcp 10.1.2.3:7777", redis)}, []string{entry, "port: 7777, exposure: all"}, "WL007 WL007+"},
		{"by the first that approves", scene{at("10.1.2.3")}, []string{"port: 6379, exposure: all", entry}, "WL007"},
		{"by the one that approves", scene{at("10.1.2.3")}, []string{"port: 6379, exposure: loopback", entry}, "WL007+ WL105"},
		{"on its last day", scene{at("10.1.2.3")}, []string{entry + ", expires: 2026-11-23"}, "WL007+"},
		{"expired", scene{at("10.1.2.3")}, []string{entry + ", expires: 2026-11-22"}, "WL007 WL104"},
		{"wider", scene{at("0.0.0.0")}, []string{"port: 6379, exposure: private, accepts: WL007"}, "WL007 WL103"},
		{"another program", scene{at("10.1.2.3")}, []string{entry + ", program: valkey"}, "WL007 WL102"},
		{"another user", scene{at("10.1.2.3")}, []string{entry + ", user: redis"}, "WL007 WL102"},
		{"unconfirmed", scene{socket("tcp 10.1.2.3:6379")}, []string{entry + ", program: redis-server"}, "WL007 WL107"},
		{"not read", scene{at("10.1.2.3")}, []string{entry + ", reason: '?'"}, "WL007 WL106"},
		{"another rule", scene{at("10.1.2.3")}, []string{"port: 6379, exposure: all, accepts: [WL001, WL008]"}, "WL007"},
		{"one of two rules", scene{socket("tcp 10.1.2.3:6379", runs(2, "/tmp/redis-server", 110))}, []string{entry}, "WL007+ WL025"},
		{"two rules", scene{socket("tcp 10.1.2.3:6379", runs(2, "/tmp/redis-server", 110))}, []string{"port: 6379, exposure: all, accepts: [WL025, WL007]"}, "WL007+ WL025+"},

		{"equal sockets", scene{at("10.1.2.3"), at("10.1.2.3")}, []string{entry}, "WL007+"},
		{"one of equal sockets", scene{at("10.1.2.3"), socket("tcp 10.1.2.3:6379", sentinel)}, []string{entry + ", unit: redis-server.service"}, "WL007 WL102"},
		{"the other of equal sockets", scene{at("10.1.2.3"), socket("tcp 10.1.2.3:6379", sentinel)}, []string{entry + ", unit: redis@2.service"}, "WL007 WL102"},

		{"two programs", two, []string{"port: 8080, exposure: all, accepts: WL032"}, "WL032+"},
		{"two programs of two entries", two, []string{"port: 8080, exposure: all, program: app, accepts: WL032", "port: 8080, exposure: all, program: other, accepts: WL032"}, "WL032+"},
		{"two programs, one entry accepts", two, []string{"port: 8080, exposure: all, program: app", "port: 8080, exposure: all, program: other, accepts: WL032"}, "WL032"},
		{"two programs, the other entry accepts", two, []string{"port: 8080, exposure: all, program: app, accepts: WL032", "port: 8080, exposure: all, program: other"}, "WL032"},
		{"a third program", append(two[:2:2], but(socket("tcp [::]:8080", runs(6, "/srv/third", 0)), func(s *scanner.Socket) { s.V6Only = false })), []string{"port: 8080, exposure: all, program: [app, other], accepts: WL032", "port: 8080, exposure: all"}, "WL032 WL032"},
		{"two programs, and a rule on one", scene{two[0], socket("tcp 192.0.2.7:8080", loggedIn)}, []string{"port: 8080, exposure: all, program: app", "port: 8080, exposure: all, program: other, accepts: [WL032, WL036]"}, "WL032 WL036+"},
		{"two users", scene{socket("udp 0.0.0.0:8080", runs(4, "/srv/app", 0)), squatter("udp 0.0.0.0:8080")}, []string{"port: 8080, protocol: udp, exposure: all, accepts: [WL031, WL032]"}, "WL031+ WL032+"},
		{"two users, one approved", scene{socket("udp 0.0.0.0:8080", runs(4, "/srv/app", 0)), squatter("udp 0.0.0.0:8080")}, []string{"port: 8080, protocol: udp, exposure: all, program: x, accepts: [WL031, WL032]", "port: 8080, protocol: udp, exposure: all"}, "WL031 WL032"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := register(t, tt.entries...)
			s := sceneOf(tt.sockets...)
			s.Judged = p.Judge(seen(s.Listeners))
			kept, accepted := p.Except(append(Check(s), s.Judged.Findings...), today)
			var got []string
			for _, f := range accepted {
				got = append(got, f.Rule+"+")
				if a := f.Accepted; a.Verdict != Approved || a.Reason != "because" || a.Decided.Line == 0 || f.Decided != a.Decided {
					t.Errorf("%s is accepted by %+v, decided at %v", f.Rule, a, f.Decided)
				}
			}
			for _, f := range kept {
				got = append(got, f.Rule)
				if f.Accepted != (Approval{}) || f.Rule < "WL100" && f.Decided != (Position{}) {
					t.Errorf("%s is not accepted, and has %+v, decided at %v", f.Rule, f.Accepted, f.Decided)
				}
			}
			slices.Sort(got)
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("there are %s, want %s", got, tt.want)
			}
		})
	}
}

// Two entries on one line are two.
func TestAcceptsOnOneLine(t *testing.T) {
	p := parse(t, "version: 1\napprovals: [{port: 6379, exposure: all, reason: x}, {port: 7777, exposure: all, reason: x, accepts: WL007}]\n")
	redis := runs(2, "/usr/bin/redis-server", 110)
	s := sceneOf(socket("tcp 10.1.2.3:6379", redis), socket("tcp 10.1.2.3:7777", redis))
	s.Judged = p.Judge(seen(s.Listeners))
	for _, f := range Check(s) {
		if got, want := f.Accepted.Verdict == Approved, f.Subject.Port == 7777; got != want {
			t.Errorf("%s is accepted: %v, want %v", f.Message, got, want)
		}
	}
}

// A listener that a witness does not see is accepted as any other; a socket that
// nothing lists has no approval.
func TestAcceptsHidden(t *testing.T) {
	s := sceneOf(but(socket("tcp 0.0.0.0:4444", runs(2, "/usr/bin/x", 0)), func(s *scanner.Socket) { s.Inode = 7 }))
	for _, port := range []uint16{4444, 4445} {
		s.Discrepancies = append(s.Discrepancies, scanner.Discrepancy{Kind: scanner.HiddenFromProc, Namespace: "host", Protocol: scanner.TCP, Family: scanner.IPv4, Addr: s.Listeners[0].Addr, Port: port})
	}
	s.Judged = register(t, "port: any, exposure: all, accepts: WL028").Judge(seen(s.Listeners))
	for _, f := range Check(s) {
		if got, want := f.Accepted.Verdict == Approved, f.Subject.Port == 4444; got != want {
			t.Errorf("%s is accepted: %v, want %v", f.Message, got, want)
		}
	}

	// Of two at the place it may be either.
	at := "tcp 0.0.0.0:4444"
	for _, sockets := range [][]scanner.Socket{
		{socket(at, runs(2, "/usr/bin/x", 0)), socket(at, runs(3, "/usr/bin/y", 0))},
		{socket(at, runs(3, "/usr/bin/y", 0)), socket(at, runs(2, "/usr/bin/x", 0))},
	} {
		two := sceneOf(sockets...)
		two.Discrepancies = s.Discrepancies[:1]
		two.Judged = register(t, "port: any, exposure: all, program: x, accepts: WL028", "port: any, exposure: all").Judge(seen(two.Listeners))
		for _, f := range Check(two) {
			if f.Rule == hiddenRule.ID && f.Accepted != (Approval{}) {
				t.Errorf("%s is accepted", f.Message)
			}
		}
	}
}

// A rule that is disabled finds nothing to accept, and one that is re-graded is
// accepted all the same.
func TestExceptAccepted(t *testing.T) {
	p := parse(t, "version: 1\nrules:\n  WL001: {disable: true, reason: x}\n  WL002: {severity: note, reason: x}\n")
	by := Approval{Verdict: Approved, Reason: "x"}
	kept, accepted := p.Except([]Finding{
		{Rule: "WL001", Severity: Error, Accepted: by}, {Rule: "WL002", Severity: Error, Accepted: by}, {Rule: "WL003", Severity: Error},
	}, today)
	if got, want := fmt.Sprintf("%d %s, %d %s %v", len(kept), kept[0].Rule, len(accepted), accepted[0].Rule, accepted[0].Severity), "1 WL003, 1 WL002 note"; got != want {
		t.Errorf("Except = %s, want %s", got, want)
	}
}
