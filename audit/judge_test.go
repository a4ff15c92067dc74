package audit

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// register makes a register of entries in YAML's flow style; what has no reason
// gets one.
func register(t testing.TB, entries ...string) *Policy {
	t.Helper()
	var b strings.Builder
	b.WriteString("version: 1\napprovals:\n")
	for _, e := range entries {
		if !strings.Contains(e, "reason:") {
			e += ", reason: because"
		}
		fmt.Fprintf(&b, "- {%s}\n", e)
	}
	return parse(t, b.String())
}

// Each verdict, and beside it what misses it by little.
func TestJudge(t *testing.T) {
	nginx := process(10, "/usr/sbin/nginx", "root")
	worker := process(11, "/usr/sbin/nginx", "www-data")
	apache := process(20, "/usr/sbin/apache2", "root")
	systemd := process(1, "/usr/lib/systemd/systemd", "root")
	systemd.Unit = "web.socket"
	script := &scanner.Process{PID: 30, Name: "python3.11", Exe: "/usr/bin/python3.11", Script: "/opt/app/manage.py", UID: -1}
	boxed := process(40, "/app/web", "root")
	boxed.Runtime, boxed.Container = "docker", strings.Repeat("3f2a91c04b7d", 5)+"0000"
	named := process(41, "/app/web", "root")
	named.Runtime, named.Container, named.ContainerName = "docker", boxed.Container, "web"
	users := process(50, "/usr/bin/syncthing", "alice")
	users.Unit, users.UserUnit = "user@1000.service", "syncthing.service"
	veiled := &scanner.Process{PID: 60, Name: "nginx", UID: -1} // its exe could not be read

	web := listener("0.0.0.0", 443, nginx)
	in := func(l annotate.Listener, namespace string) annotate.Listener {
		return with(l, func(l *annotate.Listener) { l.Namespace = namespace })
	}
	why := func(l annotate.Listener, w scanner.Why) annotate.Listener {
		return with(l, func(l *annotate.Listener) { l.Why, l.Holders = w, nil })
	}
	of := func(l annotate.Listener, user string, uid int64) annotate.Listener {
		return with(l, func(l *annotate.Listener) { l.User, l.UID = user, uid })
	}
	udp := func(l annotate.Listener) annotate.Listener {
		return with(l, func(l *annotate.Listener) { l.Protocol = scanner.UDP })
	}
	client := func(l annotate.Listener) annotate.Listener {
		return with(l, func(l *annotate.Listener) { l.Protocol, l.MaybeClient = scanner.UDP, true })
	}
	const ok = "port: 443, exposure: all"
	tests := []struct {
		name     string
		listener annotate.Listener
		entries  []string
		want     Verdict
		decided  int    // the line of the entry, less 2; 0 for none
		rule     string // of the finding; empty for none
		says     string // a part of its message
	}{
		// The port, the protocol, the namespace.
		{"one port", web, []string{ok}, Approved, 1, "", ""},
		{"a run of ports", web, []string{"ports: 440-443, exposure: all"}, Approved, 1, "", ""},
		{"a run too short", web, []string{"ports: 440-442, exposure: all"}, Unapproved, 0, "WL101", "tcp 0.0.0.0:443 (nginx of root): no entry approves it"},
		{"a run too late", web, []string{"ports: 444-445, exposure: all"}, Unapproved, 0, "WL101", ""},
		{"a list of ports", web, []string{"ports: [80, 443], exposure: all"}, Approved, 1, "", ""},
		{"any port", web, []string{"port: any, exposure: all"}, Approved, 1, "", ""},
		{"an empty register", web, nil, Unapproved, 0, "WL101", ""},
		{"another protocol", udp(web), []string{ok}, Unapproved, 0, "WL101", "udp 0.0.0.0:443"},
		{"either protocol", udp(web), []string{ok + ", protocol: [tcp, udp]"}, Approved, 1, "", ""},
		{"any protocol", udp(web), []string{ok + ", protocol: any"}, Approved, 1, "", ""},
		{"another namespace", in(web, "blue"), []string{ok}, Unapproved, 0, "WL101", "in namespace blue"},
		{"its namespace", in(web, "blue"), []string{ok + ", namespace: blue"}, Approved, 1, "", ""},
		{"any namespace", in(web, "blue"), []string{ok + ", namespace: any"}, Approved, 1, "", ""},
		{"a namespace, and it is the host's", web, []string{ok + ", namespace: blue"}, Unapproved, 0, "WL101", ""},
		{"a namespace without a name", in(web, ""), []string{ok}, Approved, 1, "", ""},
		{"the second entry", web, []string{"port: 80, exposure: all", ok, ok}, Approved, 2, "", ""},

		// The program.
		{"by name", web, []string{ok + ", program: nginx"}, Approved, 1, "", ""},
		{"by path", web, []string{ok + ", program: /usr/sbin/nginx"}, Approved, 1, "", ""},
		{"by another path", web, []string{ok + ", program: /usr/bin/nginx"}, OtherProgram, 1, "WL102", "tcp 0.0.0.0:443 (nginx of root): approved for program /usr/bin/nginx"},
		{"by a part of the name", web, []string{ok + ", program: ngin"}, OtherProgram, 1, "WL102", ""},
		{"one of a list", web, []string{ok + ", program: [apache2, nginx]"}, Approved, 1, "", ""},
		{"another program", listener("0.0.0.0", 443, apache), []string{ok + ", program: nginx"}, OtherProgram, 1, "WL102", "approved for program nginx"},
		{"a second program on the socket", listener("0.0.0.0", 443, nginx, apache), []string{ok + ", program: nginx"}, OtherProgram, 1, "WL102", "(nginx, apache2 of root)"},
		{"both programs on the socket", listener("0.0.0.0", 443, nginx, apache), []string{ok + ", program: [nginx, apache2]"}, Approved, 1, "", ""},
		{"workers", listener("0.0.0.0", 443, nginx, worker), []string{ok + ", program: nginx"}, Approved, 1, "", ""},
		{"pid 1 beside the service", listener("0.0.0.0", 443, systemd, nginx), []string{ok + ", program: nginx"}, Approved, 1, "", ""},
		{"pid 1 beside another", listener("0.0.0.0", 443, systemd, apache), []string{ok + ", program: nginx"}, OtherProgram, 1, "WL102", ""},
		{"pid 1 alone", listener("0.0.0.0", 443, systemd), []string{ok + ", program: nginx"}, OtherProgram, 1, "WL102", ""},
		{"another in front of the service", listener("0.0.0.0", 443, process(2, "/usr/sbin/inetd", "root"), nginx), []string{ok + ", program: nginx"}, OtherProgram, 1, "WL102", ""},
		{"a program called systemd beside", listener("0.0.0.0", 443, nginx, process(99, "/tmp/systemd", "x")), []string{ok + ", program: nginx"}, OtherProgram, 1, "WL102", ""},
		{"a script", listener("0.0.0.0", 443, script), []string{ok + ", program: /opt/app/manage.py"}, Approved, 1, "", ""},
		{"the interpreter", listener("0.0.0.0", 443, script), []string{ok + ", program: python3.11"}, Approved, 1, "", ""},
		{"another script", listener("0.0.0.0", 443, script), []string{ok + ", program: /opt/app/other.py"}, OtherProgram, 1, "WL102", ""},
		{"any port of another program", web, []string{"port: any, exposure: all, program: chronyd"}, Unapproved, 0, "WL101", ""},

		// The kernel.
		{"the kernel", why(web, scanner.Kernel), []string{ok + ", program: kernel"}, Approved, 1, "", ""},
		{"the kernel, and a program was approved", why(web, scanner.Kernel), []string{ok + ", program: nginx"}, OtherProgram, 1, "WL102", "(the kernel of root)"},
		{"a program called kernel", listener("0.0.0.0", 443, process(9, "/tmp/kernel", "root")), []string{ok + ", program: kernel"}, OtherProgram, 1, "WL102", ""},
		{"nobody said to be the kernel", why(web, scanner.NotFound), []string{ok + ", program: kernel"}, OtherProgram, 1, "WL102", ""},
		{"nobody seen said to be the kernel", why(web, scanner.NotPermitted), []string{ok + ", program: kernel"}, Unconfirmed, 1, "WL107", ""},

		// What could not be seen.
		{"not permitted", why(web, scanner.NotPermitted), []string{ok + ", program: nginx"}, Unconfirmed, 1, "WL107", "tcp 0.0.0.0:443 (an unseen process of root): approved for what cannot be told: tcp/443 up to all, program nginx"},
		{"not told", why(web, scanner.NotTold), []string{ok + ", program: nginx"}, Unconfirmed, 1, "WL107", ""},
		{"not found", why(web, scanner.NotFound), []string{ok + ", program: nginx"}, OtherProgram, 1, "WL102", "(no process of root)"},
		{"not permitted, nor needed", why(web, scanner.NotPermitted), []string{ok + ", user: root"}, Approved, 1, "", ""},
		{"not permitted, and of another user", why(web, scanner.NotPermitted), []string{ok + ", program: nginx, user: www"}, OtherUser, 1, "WL102", ""},
		{"not permitted, and wider", why(web, scanner.NotPermitted), []string{"port: 443, exposure: public, program: nginx"}, Wider, 1, "WL103", ""},
		{"not permitted, and no entry", why(web, scanner.NotPermitted), []string{"port: 80, exposure: all"}, Unapproved, 0, "WL101", ""},
		{"not permitted, and one that does not ask", why(web, scanner.NotPermitted), []string{ok + ", program: nginx", ok}, Approved, 2, "", ""},
		{"its path is not to be seen", listener("0.0.0.0", 443, veiled), []string{ok + ", program: /usr/sbin/nginx"}, Unconfirmed, 1, "WL107", ""},
		{"its path is not to be seen, and its name is another", listener("0.0.0.0", 443, veiled), []string{ok + ", program: /usr/sbin/apache2"}, OtherProgram, 1, "WL102", ""},
		{"its name is enough", listener("0.0.0.0", 443, veiled), []string{ok + ", program: nginx"}, Approved, 1, "", ""},
		{"nothing known of it", listener("0.0.0.0", 443, &scanner.Process{PID: 7, UID: -1}), []string{ok + ", program: nginx"}, Unconfirmed, 1, "WL107", ""},

		// The user.
		{"user", web, []string{ok + ", user: root"}, Approved, 1, "", ""},
		{"uid", of(web, "root", 0), []string{ok + ", user: 0"}, Approved, 1, "", ""},
		{"another user", of(web, "alice", 1000), []string{ok + ", user: root"}, OtherUser, 1, "WL102", "(nginx of alice): approved for user root"},
		{"another uid", of(web, "", 1000), []string{ok + ", user: 100"}, OtherUser, 1, "WL102", "of 1000"},
		{"the holder's user", of(web, "", -1), []string{ok + ", user: root"}, Approved, 1, "", ""},
		{"a holder of another user", of(listener("0.0.0.0", 443, nginx, worker), "", -1), []string{ok + ", user: root"}, OtherUser, 1, "WL102", ""},
		{"nobody's user", of(why(web, scanner.NotTold), "", -1), []string{ok + ", user: root"}, Unconfirmed, 1, "WL107", ""},

		// Unit and container.
		{"unit", web, []string{ok + ", unit: nginx.service"}, Approved, 1, "", ""},
		{"another unit", web, []string{ok + ", unit: web.service"}, OtherUnit, 1, "WL102", "approved for unit web.service"},
		{"a user's unit", listener("0.0.0.0", 443, users), []string{ok + ", unit: syncthing.service"}, Approved, 1, "", ""},
		{"the unit of the user's systemd", listener("0.0.0.0", 443, users), []string{ok + ", unit: user@1000.service"}, Approved, 1, "", ""},
		{"unit of the kernel", why(web, scanner.Kernel), []string{ok + ", unit: nginx.service"}, OtherUnit, 1, "WL102", ""},
		{"unit not permitted", why(web, scanner.NotPermitted), []string{ok + ", unit: nginx.service"}, Unconfirmed, 1, "WL107", ""},
		{"the socket's unit", listener("0.0.0.0", 443, systemd), []string{ok + ", unit: web.socket"}, Approved, 1, "", ""},
		{"container by id", in(listener("0.0.0.0", 443, boxed), "3f2a91c04b7d"), []string{ok + ", container: " + boxed.Container}, Approved, 1, "", ""},
		{"container by short id", listener("0.0.0.0", 443, boxed), []string{ok + ", container: 3f2a91c04b7d"}, Approved, 1, "", ""},
		{"container by too short an id", listener("0.0.0.0", 443, named), []string{ok + ", container: 3f2a91c04b7"}, OtherContainer, 1, "WL102", ""},
		{"another id", listener("0.0.0.0", 443, boxed), []string{ok + ", container: 3f2a91c04b7e"}, OtherContainer, 1, "WL102", "approved for container 3f2a91c04b7e"},
		{"container by name", listener("0.0.0.0", 443, named), []string{ok + ", container: web"}, Approved, 1, "", ""},
		{"another name", listener("0.0.0.0", 443, named), []string{ok + ", container: db"}, OtherContainer, 1, "WL102", ""},
		{"names that nobody asked for", listener("0.0.0.0", 443, boxed), []string{ok + ", container: web"}, Unconfirmed, 1, "WL107", ""},
		{"no container", web, []string{ok + ", container: web"}, OtherContainer, 1, "WL102", ""},

		// Who may reach it.
		{"as wide as approved", web, []string{ok}, Approved, 1, "", ""},
		{"narrower", listener("127.0.0.1", 443, nginx), []string{"port: 443, exposure: private"}, Approved, 1, "", ""},
		{"every address, approved on loopback", web, []string{"port: 443, exposure: loopback"}, Wider, 1, "WL103", "exposure all, approved up to loopback"},
		{"every address, approved for a public one", web, []string{"port: 443, exposure: public"}, Wider, 1, "WL103", ""},
		{"a public address", listener("192.0.2.7", 443, nginx), []string{"port: 443, exposure: public"}, Approved, 1, "", ""},
		{"a private address, approved on the link", listener("10.0.0.5", 443, nginx), []string{"port: 443, exposure: link-local"}, Wider, 1, "WL103", "exposure private, approved up to link-local"},
		{"one address", listener("127.0.0.1", 443, nginx), []string{"port: 443, address: 127.0.0.1"}, Approved, 1, "", ""},
		{"its neighbour", listener("127.0.0.2", 443, nginx), []string{"port: 443, address: 127.0.0.1"}, Wider, 1, "WL103", "approved on 127.0.0.1"},
		{"every address, approved on one", web, []string{"port: 443, address: 127.0.0.1"}, Wider, 1, "WL103", ""},
		{"a network", listener("10.9.8.7", 443, nginx), []string{"port: 443, address: 10.0.0.0/8"}, Approved, 1, "", ""},
		{"beside the network", listener("11.9.8.7", 443, nginx), []string{"port: 443, address: 10.0.0.0/8"}, Wider, 1, "WL103", ""},
		{"every address is in no network", web, []string{"port: 443, address: 0.0.0.0/8"}, Wider, 1, "WL103", ""},
		{"every address is in that of all", web, []string{"port: 443, address: 0.0.0.0/0"}, Approved, 1, "", ""},
		{"every address by name", web, []string{"port: 443, address: 0.0.0.0"}, Approved, 1, "", ""},
		{"every IPv6 address, approved on IPv4", listener("::", 443, nginx), []string{"port: 443, address: 0.0.0.0"}, Wider, 1, "WL103", ""},
		{"one of two", listener("::1", 443, nginx), []string{`port: 443, address: [127.0.0.1, "::1"]`}, Approved, 1, "", ""},
		{"a mapped address", listener("127.0.0.1", 443, nginx), []string{`port: 443, address: "::ffff:127.0.0.1"`}, Approved, 1, "", ""},
		{"link-local without a zone", listener("fe80::1%eth0", 443, nginx), []string{`port: 443, address: "fe80::1"`}, Approved, 1, "", ""},
		{"link-local in its zone", listener("fe80::1%eth0", 443, nginx), []string{`port: 443, address: "fe80::1%eth0"`}, Approved, 1, "", ""},
		{"link-local in another zone", listener("fe80::1%eth1", 443, nginx), []string{`port: 443, address: "fe80::1%eth0"`}, Wider, 1, "WL103", ""},
		{"an address that is not known", with(web, func(l *annotate.Listener) { l.Addr = netip.Addr{} }), []string{"port: 443, address: 0.0.0.0/0"}, Wider, 1, "WL103", ""},

		// The day.
		{"the last day", web, []string{ok + ", expires: 2026-11-23"}, Approved, 1, "", ""},
		{"the day after", web, []string{ok + ", expires: 2026-11-22"}, Expired, 1, "WL104", "approved until 2026-11-22"},
		{"expired, and another is good", web, []string{ok + ", expires: 2026-11-22", ok}, Approved, 2, "", ""},

		// Which entry explains best.
		{"the program before the user", web, []string{ok + ", program: apache2", ok + ", user: alice"}, OtherUser, 2, "WL102", ""},
		{"the address before the program", web, []string{ok + ", program: apache2", "port: 443, exposure: loopback, program: nginx"}, Wider, 2, "WL103", ""},
		{"the day before the address", web, []string{"port: 443, exposure: loopback", ok + ", expires: 2020-01-01"}, Expired, 2, "WL104", ""},
		{"the first of equals", web, []string{ok + ", program: a", ok + ", program: b"}, OtherProgram, 1, "WL102", "program a"},
		{"all that is wrong is said", web, []string{"port: 443, exposure: loopback, program: a, user: b, expires: 2020-01-01"}, OtherProgram, 1, "WL102", "approved for program a, user b; exposure all, approved up to loopback; approved until 2020-01-01"},
		{"what may be before what is wrong", why(web, scanner.NotPermitted), []string{ok + ", user: alice", ok + ", program: nginx"}, Unconfirmed, 2, "WL107", ""},

		// Clients.
		{"a client", client(listener("0.0.0.0", 45999, nginx)), nil, Client, 0, "", ""},
		{"a client in the ports of another", client(listener("0.0.0.0", 45999, nginx)), []string{"ports: 32768-60999, protocol: udp, exposure: all, program: rpc.statd"}, Client, 0, "", ""},
		{"an approved client", client(listener("0.0.0.0", 45999, nginx)), []string{"ports: 32768-60999, protocol: udp, exposure: all, program: nginx"}, Approved, 1, "", ""},

		// Sockets without a port or an address.
		{"unix", unixListener("/run/docker.sock", nginx), []string{"path: /run/docker.sock, protocol: unix"}, Approved, 1, "", ""},
		{"unix, another path", unixListener("/run/docker.sock2", nginx), []string{"path: /run/docker.sock, protocol: unix"}, Unapproved, 0, "WL101", "unix /run/docker.sock2 (nginx of root)"},
		{"unix, any path", unixListener("@x", nginx), []string{"path: any, protocol: unix, program: nginx"}, Approved, 1, "", ""},
		{"unix, another program", unixListener("/run/x", nginx), []string{"path: /run/x, protocol: unix, program: b"}, OtherProgram, 1, "WL102", ""},
		{"packet", with(web, func(l *annotate.Listener) { l.Protocol, l.Addr, l.Port = scanner.Packet, netip.Addr{}, 0 }), []string{"protocol: packet, program: nginx"}, Approved, 1, "", ""},
		{"vsock", with(web, func(l *annotate.Listener) {
			l.Protocol, l.VSock = scanner.VSock, &scanner.VSockAddr{CID: scanner.VSockAny, Port: 70000}
		}), []string{"port: 70000, protocol: vsock"}, Approved, 1, "", ""},
		{"vsock, another port", with(web, func(l *annotate.Listener) {
			l.Protocol, l.VSock = scanner.VSock, &scanner.VSockAddr{CID: scanner.VSockAny, Port: 70001}
		}), []string{"port: 70000, protocol: vsock"}, Unapproved, 0, "WL101", "vsock"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := register(t, tt.entries...)
			j := p.Judge(seen([]annotate.Listener{tt.listener}))
			a := j.Approvals[0]
			line := tt.decided
			if line > 0 {
				line += 2
			}
			if a.Verdict != tt.want || a.Decided.Line != line {
				t.Errorf("%v at line %d, want %v at %d", a.Verdict, a.Decided.Line, tt.want, line)
			}
			if (tt.decided > 0) != (a.Reason == "because") {
				t.Errorf("the reason is %q", a.Reason)
			}
			var found []Finding
			for _, f := range j.Findings {
				if f.Rule != ruleAbsent {
					found = append(found, f)
				}
			}
			if tt.rule == "" {
				if len(found) > 0 {
					t.Errorf("there is a finding: %+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Rule != tt.rule || !strings.Contains(found[0].Message, tt.says) {
				t.Fatalf("the findings are %+v, want %s with %q", found, tt.rule, tt.says)
			}
			f := found[0]
			if f.Decided.Line != line || f.Title == "" || f.Next == "" || len(f.Controls) != 5 || len(f.Fingerprint) != 32 || f.Subject.Port != portOf(&tt.listener) {
				t.Errorf("the finding is %+v", f)
			}
		})
	}
}

func unixListener(path string, p *scanner.Process) annotate.Listener {
	return with(listener("0.0.0.0", 0, p), func(l *annotate.Listener) {
		l.Protocol, l.Family, l.Addr, l.Unix = scanner.Unix, 0, netip.Addr{}, &scanner.UnixAddr{Type: "stream", Path: path, UID: -1}
	})
}

// The port of vsock(7) tells one listener from another, too.
func TestJudgeVSock(t *testing.T) {
	at := func(port uint32) annotate.Listener {
		return with(listener("0.0.0.0", 0, process(10, "/usr/bin/agent", "root")), func(l *annotate.Listener) {
			l.Protocol, l.Family, l.Addr, l.VSock = scanner.VSock, 0, netip.Addr{}, &scanner.VSockAddr{CID: scanner.VSockAny, Port: port}
		})
	}
	j := register(t, "port: 1024, protocol: vsock").Judge(seen([]annotate.Listener{at(70000), at(70001), at(70001)}))
	var ports []uint32
	for _, f := range j.Findings {
		if f.Rule == ruleUnapproved {
			ports = append(ports, f.Subject.Port)
		}
	}
	if !slices.Equal(ports, []uint32{70000, 70001}) {
		t.Errorf("the ports %v are not approved, want 70000 and 70001", ports)
	}
}

// What is approved and does not listen, and what nobody gave a reason for, is
// said of the entry.
func TestJudgeEntries(t *testing.T) {
	nginx, apache := process(10, "/usr/sbin/nginx", "root"), process(11, "/usr/sbin/apache2", "root")
	listeners := []annotate.Listener{
		listener("0.0.0.0", 443, nginx), listener("0.0.0.0", 80, nginx), listener("0.0.0.0", 22), listener("0.0.0.0", 8080, apache),
	}
	tests := []struct {
		name   string
		entry  []string
		absent []int // lines
		unread []int
	}{
		{"there", []string{"port: 443, exposure: all"}, nil, nil},
		{"absent", []string{"port: 444, exposure: all"}, []int{3}, nil},
		{"one of a run is there", []string{"ports: [444, 80-90], exposure: all"}, nil, nil},
		{"another program is there", []string{"port: 8080, exposure: all, program: nginx"}, nil, nil},
		{"both are approved, one is there", []string{"port: 443, exposure: all, program: nginx", "port: 443, exposure: all, program: apache2"}, []int{4}, nil},
		{"there, and an earlier one decides", []string{"port: 443, exposure: all", "port: 443, exposure: all, program: nginx"}, nil, nil},
		{"expired, and there", []string{"port: 443, exposure: all, expires: 2020-01-01"}, nil, nil},
		{"expired, and not there", []string{"port: 444, exposure: all, expires: 2020-01-01"}, []int{3}, nil},
		{"two that may be there", []string{"port: 22, exposure: all, program: sshd", "port: 22, exposure: all, program: dropbear"}, nil, nil},
		{"no reason", []string{`port: 443, exposure: all, reason: "?"`, `port: 80, exposure: all, reason: " ??"`, `port: 22, exposure: all, reason: "why?"`}, nil, []int{3, 4}},
		{"no reason, and not there", []string{`port: 444, exposure: all, reason: "?"`}, []int{3}, []int{3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := register(t, tt.entry...).Judge(seen(listeners))
			var absent, unread []int
			for _, f := range j.Findings {
				switch f.Rule {
				case ruleAbsent:
					absent = append(absent, f.Decided.Line)
				case ruleNoReason:
					unread = append(unread, f.Decided.Line)
				}
			}
			slices.Sort(unread)
			if !slices.Equal(absent, tt.absent) || !slices.Equal(unread, tt.unread) {
				t.Errorf("absent %v, without a reason %v; want %v, %v", absent, unread, tt.absent, tt.unread)
			}
		})
	}
}

// The register in the report says what each entry approved.
func TestJudgeRegister(t *testing.T) {
	nginx := process(10, "/usr/sbin/nginx", "root")
	p := register(t, "port: 443, exposure: all, program: nginx, owner: web team, ticket: OPS-1, expires: 2027-01-01", "port: 22, exposure: all")
	j := p.Judge(seen([]annotate.Listener{listener("0.0.0.0", 443, nginx), listener("::", 443, nginx)}))
	if len(j.Register.Files) != 1 || len(j.Register.Approvals) != 2 {
		t.Fatalf("the register is %+v", j.Register)
	}
	want := RegisterEntry{Position{"policy.yaml", 3}, "tcp/443 up to all, program nginx", "because", "web team", "OPS-1", "2027-01-01", 2, nil}
	if got := j.Register.Approvals[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("the first entry is %+v, want %+v", got, want)
	}
	if got := (Approval{Approved, want.Position, want.Reason, want.Owner, want.Ticket, want.Expires}); j.Approvals[1] != got {
		t.Errorf("the approval is %+v, want %+v", j.Approvals[1], got)
	}
}

// The id of a container is said in the twelve digits that stand for it, and kept
// whole where programs read it.
func TestJudgeContainerID(t *testing.T) {
	id := strings.Repeat("3f2a91c04b7d", 5) + "0000"
	l := with(listener("0.0.0.0", 443, process(10, "/usr/sbin/nginx", "root")), func(l *annotate.Listener) { l.Namespace = id })
	f := register(t).Judge(seen([]annotate.Listener{l})).Findings[0]
	if want := "tcp 0.0.0.0:443 in namespace 3f2a91c04b7d (nginx of root): no entry approves it"; f.Message != want || f.Subject.Namespace != id {
		t.Errorf("the finding is %q in %q, want %q", f.Message, f.Subject.Namespace, want)
	}
}
