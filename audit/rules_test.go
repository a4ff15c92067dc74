package audit

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// socket returns a socket of root at "tcp 0.0.0.0:23", "udp [::]:53".
func socket(where string, holders ...*scanner.Process) scanner.Socket {
	network, addr, _ := strings.Cut(where, " ")
	protocol, err := scanner.ParseProtocol(network)
	if err != nil {
		panic(err)
	}
	s := scanner.Socket{Protocol: protocol, Namespace: "host", User: "root", Holders: holders}
	if len(holders) == 0 {
		s.Why = scanner.NotPermitted
	}
	if addr == "" {
		return s
	}
	ap := netip.MustParseAddrPort(addr)
	s.Family, s.Addr, s.Port = scanner.IPv4, ap.Addr(), ap.Port()
	if s.Addr.Is6() {
		s.Family, s.V6Only = scanner.IPv6, true
	}
	return s
}

// but changes a socket.
func but(s scanner.Socket, change func(*scanner.Socket)) scanner.Socket {
	change(&s)
	return s
}

// runs is a process of a user with a uid; the exe may be followed by a script.
func runs(pid int, program string, uid int64) *scanner.Process {
	exe, script, _ := strings.Cut(program, " ")
	p := process(pid, exe, "u")
	p.UID, p.Script, p.PPID = uid, script, 1
	return p
}

// sceneOf returns the scene of a server with these sockets: eth0 is 192.0.2.7
// and 2001:db8::7, docker0 172.17.0.1, and the kernel gives 32768 to 60999 to
// clients.
func sceneOf(sockets ...scanner.Socket) *Scene {
	host := scanner.Host{
		OS: "linux", Ephemeral: scanner.PortRange{First: 32768, Last: 60999},
		Interfaces: []scanner.Interface{
			{Name: "lo", Addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}},
			{Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24"), netip.MustParsePrefix("2001:db8::7/64"), netip.MustParsePrefix("10.1.2.3/8")}},
			{Name: "docker0", Addrs: []netip.Prefix{netip.MustParsePrefix("172.17.0.1/16")}},
		},
	}
	snap := &scanner.Snapshot{Host: host, Sockets: sockets, Namespaces: []scanner.Namespace{
		{Name: "host", Interfaces: host.Interfaces, Ephemeral: host.Ephemeral},
		{Name: "shop", Interfaces: []scanner.Interface{{Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("172.17.0.2/16")}}}},
	}}
	return &Scene{Listeners: annotate.Snapshot(snap, portdb.Default(), nil)}
}

// Each rule has one situation in which it finds something and one close to it
// in which it does not.
func TestListenerRules(t *testing.T) {
	python, java, node := "/usr/bin/python3.12", "/usr/lib/jvm/bin/java", "/usr/bin/node"
	unnamed := func(p *scanner.Process, change func(*scanner.Process)) *scanner.Process { change(p); return p }
	session := func(p *scanner.Process) { p.Unit = "session-3.scope" }
	deleted := func(p *scanner.Process) { p.Deleted = true }
	replaced := func(p *scanner.Process) { p.Deleted, p.Replaced = true, true }
	why := func(w scanner.Why, uid int64) func(*scanner.Socket) {
		return func(s *scanner.Socket) { s.Why, s.UID = w, uid }
	}
	queue := func(n uint32) func(*scanner.Socket) {
		return func(s *scanner.Socket) { s.Queue = scanner.Queue{Length: n, Limit: 128} }
	}
	owner := func(uid int64, user string) func(*scanner.Socket) {
		return func(s *scanner.Socket) { s.UID, s.User = uid, user }
	}
	unix := func(path string, mode uint32) func(*scanner.Socket) {
		return func(s *scanner.Socket) { s.Unix = &scanner.UnixAddr{Type: "stream", Path: path, Mode: mode} }
	}
	proxy := unnamed(runs(70, "/usr/bin/docker-proxy", 0), func(p *scanner.Process) {
		p.Forwards = []scanner.Forward{{From: netip.MustParseAddrPort("0.0.0.0:7001"), To: netip.MustParseAddrPort("172.17.0.2:6379"), Namespace: "shop"}}
	})
	inside := func(s *scanner.Socket) { s.Namespace = "shop" }
	type scene = []scanner.Socket
	tests := []struct {
		rule, name string
		hit, miss  scene
		says       string
	}{
		{"WL001", "telnetd", scene{socket("tcp 0.0.0.0:23", runs(2, "/usr/sbin/in.telnetd", 0))}, scene{socket("tcp 127.0.0.1:23", runs(2, "/usr/sbin/in.telnetd", 0))}, "serves telnet at every address of the host"},
		{"WL001", "at another port", scene{socket("tcp 0.0.0.0:2323", runs(2, "/usr/sbin/in.telnetd", 0))}, scene{socket("tcp 0.0.0.0:23", runs(2, "/usr/sbin/sshd", 0))}, "serves telnet"},
		{"WL001", "held for a service", scene{socket("tcp [::]:23", runs(1, "/usr/lib/systemd/systemd", 0))}, scene{socket("tcp 0.0.0.0:514", runs(2, "/usr/sbin/rsyslogd", 0))}, "has the port of telnet"},
		{"WL001", "rsh, unseen", scene{socket("tcp 0.0.0.0:514")}, scene{socket("udp 0.0.0.0:514")}, "has the port of shell"},
		{"WL002", "vsftpd", scene{socket("tcp 192.0.2.7:21", runs(2, "/usr/sbin/vsftpd", 0))}, scene{socket("tcp 192.0.2.7:990", runs(2, "/usr/sbin/vsftpd", 0))}, "serves ftp at a public address"},
		{"WL002", "tftp of dnsmasq", scene{socket("udp 10.1.2.3:69", runs(2, "/usr/sbin/dnsmasq", 0))}, scene{socket("udp 10.1.2.3:53", runs(2, "/usr/sbin/dnsmasq", 0))}, "serves tftp at a private address"},
		{"WL003", "chargen", scene{socket("udp 0.0.0.0:19", runs(2, "/usr/sbin/xinetd", 0))}, scene{socket("udp 127.0.0.1:19", runs(2, "/usr/sbin/xinetd", 0))}, "chargen"},
		{"WL004", "snmpd", scene{socket("udp 0.0.0.0:161", runs(2, "/usr/sbin/snmpd", 0))}, scene{socket("udp 0.0.0.0:162", runs(2, "/usr/sbin/snmptrapd", 0))}, "serves snmp"},
		{"WL005", "Xtigervnc", scene{socket("tcp 0.0.0.0:5901", runs(2, "/usr/bin/Xtigervnc", 1000))}, scene{socket("tcp 127.0.0.1:5901", runs(2, "/usr/bin/Xtigervnc", 1000))}, "serves vnc"},
		{"WL005", "the screen of a guest", scene{socket("tcp 0.0.0.0:5900", runs(2, "/usr/bin/qemu-system-x86_64", 64055))}, scene{socket("tcp 0.0.0.0:2222", runs(2, "/usr/bin/qemu-system-x86_64", 64055))}, "serves rfb"},
		{"WL006", "Xorg", scene{socket("tcp 0.0.0.0:6000", runs(2, "/usr/lib/xorg/Xorg", 0))}, scene{socket("tcp 127.0.0.1:6010", runs(2, "/usr/sbin/sshd", 0))}, "serves x11"},
		{"WL007", "redis", scene{socket("tcp 0.0.0.0:6379", runs(2, "/usr/bin/redis-server", 110))}, scene{socket("tcp 127.0.0.1:6379", runs(2, "/usr/bin/redis-server", 110))}, "serves redis"},
		{"WL007", "redis, moved", scene{socket("tcp 10.1.2.3:7777", runs(2, "/usr/bin/redis-server", 110))}, scene{socket("tcp 0.0.0.0:6379", runs(2, "/usr/sbin/nginx", 0))}, "serves redis at a private address"},
		{"WL007", "elasticsearch", scene{socket("tcp 0.0.0.0:9201", runs(2, java+" org.elasticsearch.bootstrap.Elasticsearch", 111))}, scene{socket("tcp 0.0.0.0:9201", runs(2, java+" app.jar", 111))}, "Elasticsearch"},
		{"WL007", "published from a container", scene{socket("tcp 0.0.0.0:7001", proxy), but(socket("tcp 0.0.0.0:6379", runs(71, "/usr/bin/redis-server", 999)), inside)}, scene{but(socket("tcp 0.0.0.0:6379", runs(71, "/usr/bin/redis-server", 999)), inside)}, "tcp 0.0.0.0:7001 (docker-proxy of root): serves redis"},
		{"WL008", "postgres", scene{socket("tcp [::]:5432", runs(2, "/usr/lib/postgresql/16/bin/postgres", 112))}, scene{socket("tcp 10.1.2.3:5432", runs(2, "/usr/lib/postgresql/16/bin/postgres", 112))}, "serves postgresql at every address"},
		{"WL009", "dockerd", scene{socket("tcp 127.0.0.1:2375", runs(2, "/usr/bin/dockerd", 0))}, scene{socket("tcp 0.0.0.0:2376", runs(2, "/usr/bin/dockerd", 0))}, "serves docker for this host alone"},
		{"WL010", "kubelet", scene{socket("tcp 0.0.0.0:10255", runs(2, "/usr/bin/kubelet", 0))}, scene{socket("tcp 0.0.0.0:10250", runs(2, "/usr/bin/kubelet", 0))}, "serves kubelet-readonly"},
		{"WL011", "rpcbind", scene{socket("tcp 0.0.0.0:111", runs(1, "/usr/lib/systemd/systemd", 0), runs(2, "/usr/sbin/rpcbind", 113))}, scene{socket("tcp 127.0.0.1:111", runs(2, "/usr/sbin/rpcbind", 113))}, "serves"},
		{"WL011", "the kernel's NFS", scene{but(socket("tcp 0.0.0.0:2049"), func(s *scanner.Socket) { s.Why, s.KernelUse = scanner.Kernel, "nfs" })}, scene{but(socket("udp 0.0.0.0:4789"), func(s *scanner.Socket) { s.Why, s.KernelUse = scanner.Kernel, "vxlan vx0" })}, "serves nfs"},
		{"WL012", "postfix", scene{socket("tcp 0.0.0.0:25", runs(2, "/usr/lib/postfix/sbin/master", 0))}, scene{socket("tcp 127.0.0.1:25", runs(2, "/usr/lib/postfix/sbin/master", 0)), socket("tcp 0.0.0.0:587", runs(2, "/usr/lib/postfix/sbin/master", 0))}, "serves smtp"},
		{"WL013", "slapd", scene{socket("tcp 0.0.0.0:389", runs(2, "/usr/sbin/slapd", 114))}, scene{socket("tcp 0.0.0.0:636", runs(2, "/usr/sbin/slapd", 114))}, "serves ldap"},
		{"WL014", "avahi", scene{socket("udp 0.0.0.0:5353", runs(2, "/usr/sbin/avahi-daemon", 115))}, scene{socket("tcp 127.0.0.1:631", runs(2, "/usr/sbin/cupsd", 0))}, "serves mdns"},
		{"WL015", "epmd", scene{socket("tcp 0.0.0.0:4369", runs(2, "/usr/bin/epmd", 116))}, scene{socket("tcp 127.0.0.1:4369", runs(2, "/usr/bin/epmd", 116))}, "serves epmd"},
		{"WL016", "modbus", scene{socket("tcp 0.0.0.0:502", runs(2, "/opt/plc/gateway", 0))}, scene{socket("tcp 127.0.0.1:502", runs(2, "/opt/plc/gateway", 0))}, "has the port of mbap"},
		{"WL017", "squid", scene{socket("tcp [::]:3128", runs(2, "/usr/sbin/squid", 13))}, scene{socket("tcp [::1]:3128", runs(2, "/usr/sbin/squid", 13))}, "serves squid"},
		{"WL018", "http.server", scene{socket("tcp 0.0.0.0:8000", runs(2, python+" http.server", 1000))}, scene{socket("tcp 0.0.0.0:8000", runs(2, python+" /usr/bin/gunicorn", 1000))}, "is http.server"},
		{"WL019", "java", scene{socket("tcp 0.0.0.0:5005", runs(2, java+" app.jar", 120))}, scene{socket("tcp 0.0.0.0:5005", runs(2, "/opt/app/server", 120))}, "waits for a debugger (JDWP)"},
		{"WL019", "java, by its arguments", scene{socket("tcp 0.0.0.0:8787", unnamed(runs(2, java+" app.jar", 120), func(p *scanner.Process) {
			p.Args = []string{"java", "-agentlib:jdwp=transport=dt_socket,server=y,address=*:8787", "-jar", "app.jar"}
		}))}, scene{socket("tcp 0.0.0.0:5005", unnamed(runs(2, java+" app.jar", 120), func(p *scanner.Process) { p.Args = []string{"java", "-jar", "app.jar"} }))}, "JDWP"},
		{"WL019", "java, at another port that ends in the same digits", scene{socket("tcp 0.0.0.0:18787", unnamed(runs(2, java+" app.jar", 120), func(p *scanner.Process) {
			p.Args = []string{"java", "-agentlib:jdwp=transport=dt_socket,address=18787"}
		}))}, scene{socket("tcp 0.0.0.0:8787", unnamed(runs(2, java+" app.jar", 120), func(p *scanner.Process) {
			p.Args = []string{"java", "-agentlib:jdwp=transport=dt_socket,address=18787"}
		}))}, "JDWP"},
		{"WL019", "delve", scene{socket("tcp 0.0.0.0:40000", runs(2, "/root/go/bin/dlv", 0))}, scene{socket("tcp 0.0.0.0:2345", runs(2, "/usr/sbin/nginx", 0))}, "serves delve"},
		{"WL020", "node", scene{socket("tcp 127.0.0.1:9229", runs(2, node+" app.js", 1000))}, scene{socket("tcp 127.0.0.1:3000", runs(2, node+" app.js", 1000))}, "inspector of node"},
		{"WL021", "sshd at 443", scene{socket("tcp 0.0.0.0:443", runs(2, "/usr/sbin/sshd", 0))}, scene{socket("tcp 0.0.0.0:8443", runs(2, "/usr/sbin/sshd", 0)), socket("tcp 0.0.0.0:22", runs(3, "/usr/sbin/sshd", 0))}, "registered for https; process is sshd"},
		{"WL022", "alice", scene{but(socket("tcp 0.0.0.0:80", unnamed(runs(2, "/home/alice/web", 1000), session)), owner(1000, "alice"))}, scene{but(socket("tcp 0.0.0.0:80", runs(2, "/srv/web", 1000)), owner(1000, "alice")), but(socket("tcp 0.0.0.0:81", unnamed(runs(3, "/srv/web", 33), session)), owner(33, "www-data"))}, "is held by the user alice"},
		{"WL022", "no name", scene{but(socket("udp 0.0.0.0:81", unnamed(runs(2, "/home/alice/web", 1000), session)), owner(1000, ""))}, scene{but(socket("tcp 0.0.0.0:8080", unnamed(runs(2, "/home/alice/web", 1000), session)), owner(1000, "alice"))}, "is held by uid 1000"},
		{"WL023", "deleted", scene{socket("tcp 0.0.0.0:4444", unnamed(runs(2, "/usr/bin/x", 0), deleted))}, scene{socket("tcp 0.0.0.0:4444", unnamed(runs(2, "/usr/bin/x", 0), replaced))}, "/usr/bin/x was deleted while it ran"},
		{"WL024", "replaced", scene{socket("tcp 0.0.0.0:443", unnamed(runs(2, "/usr/sbin/nginx", 0), replaced))}, scene{socket("tcp 0.0.0.0:443", unnamed(runs(2, "/usr/sbin/nginx", 0), deleted))}, "replaced since the process began"},
		{"WL025", "/tmp", scene{socket("tcp 0.0.0.0:4444", runs(2, "/tmp/.x/x", 33))}, scene{socket("tcp 0.0.0.0:4444", runs(2, "/tmpfs/x", 33))}, "its program is /tmp/.x/x"},
		{"WL025", "memfd", scene{socket("tcp 127.0.0.1:4444", unnamed(runs(2, "/memfd:x", 33), deleted))}, scene{socket("tcp 127.0.0.1:4444", runs(2, "/usr/bin/memfd:x", 33))}, "in memory alone"},
		{"WL026", "/dev/shm", scene{socket("tcp 0.0.0.0:4444", runs(2, python+" /dev/shm/x.py", 33))}, scene{socket("tcp 0.0.0.0:4444", runs(2, python+" /srv/tmp/x.py", 33))}, "runs /dev/shm/x.py"},
		{"WL027", "nobody", scene{but(socket("tcp 0.0.0.0:4444"), why(scanner.NotFound, 1000))}, scene{but(socket("tcp 0.0.0.0:4444"), why(scanner.NotPermitted, 1000))}, "no process holds it"},
		{"WL027", "the kernel, nobody knows what for", scene{but(socket("tcp 0.0.0.0:4444"), why(scanner.Kernel, 0))}, scene{but(socket("tcp 0.0.0.0:3260"), why(scanner.Kernel, 0))}, "the kernel is not known to use it"},
		{"WL029", "full", scene{but(socket("tcp 127.0.0.1:8080", runs(2, "/srv/app", 0)), queue(129))}, scene{but(socket("tcp 127.0.0.1:8080", runs(2, "/srv/app", 0)), queue(128))}, "129 connections wait, and 128 may"},
		{"WL030", "a name", scene{socket("tcp 127.0.0.1:50000", runs(2, "/usr/bin/x", 0))}, scene{socket("tcp 127.0.0.1:50123", runs(2, "/usr/bin/x", 0)), socket("tcp 127.0.0.1:9090", runs(3, "/usr/bin/x", 0))}, "port 50000"},
		{"WL031", "alice beside root", scene{socket("udp 0.0.0.0:514", runs(2, "/usr/sbin/rsyslogd", 0)), but(socket("udp 0.0.0.0:514", runs(3, "/home/alice/x", 1000)), owner(1000, "alice"))}, scene{
			socket("tcp 0.0.0.0:80", runs(2, "/usr/sbin/nginx", 0), runs(3, "/usr/sbin/nginx", 33)), socket("tcp 0.0.0.0:80", runs(2, "/usr/sbin/nginx", 0), runs(4, "/usr/sbin/nginx", 33)),
			socket("udp 0.0.0.0:5353", runs(5, "/usr/sbin/avahi-daemon", 115)), but(socket("udp 0.0.0.0:5353", runs(6, "/opt/google/chrome/chrome", 1000)), owner(1000, "alice")),
		}, "uid 1000 has a socket at the address and port of uid 0 (rsyslogd)"},
		{"WL032", "an address before all", scene{socket("tcp 0.0.0.0:8080", runs(2, "/srv/app", 0)), socket("tcp 192.0.2.7:8080", runs(3, "/srv/other", 0))}, scene{socket("tcp 10.1.2.3:8080", runs(2, "/srv/app", 0)), socket("tcp 192.0.2.7:8080", runs(3, "/srv/other", 0))}, "tcp 192.0.2.7:8080 (other of root): another program is there too: tcp 0.0.0.0:8080 (app of root)"},
		{"WL032", "IPv6 by another", scene{socket("tcp 0.0.0.0:80", runs(2, "/usr/sbin/nginx", 0)), socket("tcp [::]:80", runs(3, "/usr/sbin/apache2", 0))}, scene{socket("tcp 0.0.0.0:80", runs(2, "/usr/sbin/nginx", 0)), socket("tcp [::]:80", runs(3, "/usr/sbin/nginx", 0))}, "tcp [::]:80 (apache2 of root): another"},
		{"WL032", "one address", scene{socket("tcp 127.0.0.1:80", runs(2, "/usr/sbin/nginx", 0)), socket("tcp 127.0.0.1:80", runs(3, "/usr/sbin/apache2", 0))}, scene{
			socket("tcp 127.0.0.1:143", unnamed(runs(2, "/usr/sbin/dovecot", 0), func(p *scanner.Process) { p.Unit = "dovecot.service" })),
			socket("tcp 127.0.0.1:143", unnamed(runs(3, "/usr/lib/dovecot/imap-login", 0), func(p *scanner.Process) { p.Unit = "dovecot.service" })),
		}, "another program"},
		{"WL033", "loopback over IPv4", scene{socket("tcp 127.0.0.1:8080", runs(2, "/srv/app", 0)), socket("tcp [::]:8080", runs(2, "/srv/app", 0))}, scene{socket("tcp 127.0.0.1:8080", runs(2, "/srv/app", 0)), socket("tcp [::1]:8080", runs(2, "/srv/app", 0))}, "over IPv4 it is at 127.0.0.1"},
		{"WL033", "also open over IPv4", scene{socket("udp 127.0.0.1:8080", runs(2, "/srv/app", 0)), socket("udp [2001:db8::7]:8080", runs(2, "/srv/app", 0))}, scene{socket("tcp 127.0.0.1:8080", runs(2, "/srv/app", 0)), socket("tcp 10.1.2.3:8080", runs(2, "/srv/app", 0)), socket("tcp [::]:8080", runs(2, "/srv/app", 0))}, "over IPv4"},
		{"WL034", "a sniffer", scene{socket("packet", runs(2, "/usr/bin/tcpdump", 0))}, scene{socket("packet", runs(2, "/usr/sbin/dhclient", 0))}, "tcpdump is not known to need such a socket"},
		{"WL034", "under another's name", scene{socket("packet", unnamed(runs(2, "/usr/bin/x", 0), func(p *scanner.Process) { p.Name = "dhclient" }))}, scene{but(socket("packet"), why(scanner.NotPermitted, 0))}, "x is not known"},
		{"WL035", "raw", scene{but(socket("raw 0.0.0.0:1", runs(2, "/usr/bin/x", 0)), func(*scanner.Socket) {})}, scene{socket("raw 0.0.0.0:89", runs(2, "/usr/sbin/bird", 0))}, "x is not known to need"},
		{"WL036", "by hand", scene{socket("tcp 0.0.0.0:8080", unnamed(runs(2, "/home/alice/app", 1000), session))}, scene{socket("tcp 127.0.0.1:8080", unnamed(runs(2, "/home/alice/app", 1000), session)), socket("tcp 0.0.0.0:8081", runs(3, "/srv/app", 1000))}, "session-3.scope"},
		{"WL037", "docker.sock", scene{but(socket("unix", runs(2, "/usr/bin/dockerd", 0)), unix("/run/docker.sock", 0o666))}, scene{but(socket("unix", runs(2, "/usr/bin/dockerd", 0)), unix("/run/docker.sock", 0o660)), but(socket("unix", runs(2, "/usr/bin/x", 0)), unix("/run/x.sock", 0o666))}, "its mode is 0666"},
	}
	asked := map[string]bool{hiddenRule.ID: true} // by TestHidden
	for _, tt := range tests {
		asked[tt.rule] = true
		t.Run(tt.rule+" "+tt.name, func(t *testing.T) {
			of := func(sockets scene) (found []Finding, all string) {
				for _, f := range Check(sceneOf(sockets...)) {
					all += f.Rule + " " + f.Message + "\n"
					if f.Rule == tt.rule {
						found = append(found, f)
					}
				}
				return found, all
			}
			found, all := of(tt.hit)
			if len(found) != 1 || !strings.Contains(found[0].Message, tt.says) {
				t.Fatalf("the hit has\n%s, want one %s with %q", all, tt.rule, tt.says)
			}
			r, _ := RuleByID(tt.rule)
			if f := found[0]; f.Title != r.Title || f.Severity != r.Severity || f.Next != r.Next || len(f.Controls) != len(r.Controls) || len(f.Fingerprint) != 32 {
				t.Errorf("the finding is %+v", f)
			}
			if found, all := of(tt.miss); len(found) != 0 {
				t.Errorf("the near miss has\n%s", all)
			}
		})
	}
	for _, r := range Rules() {
		if !asked[r.ID] && r.ID < "WL100" {
			t.Errorf("%s has no hit and no near miss", r.ID)
		}
	}
}

// What a witness hides is found, by the listener where that was listed; what has
// an explanation is not.
func TestHidden(t *testing.T) {
	s := sceneOf(but(socket("tcp 0.0.0.0:4444", runs(2, "/usr/bin/x", 0)), func(s *scanner.Socket) { s.Inode = 7 }))
	at := scanner.Discrepancy{Namespace: "host", Protocol: scanner.TCP, Family: scanner.IPv4, Addr: netip.MustParseAddr("0.0.0.0"), Port: 4444, Inode: 7, Seen: []string{"netlink"}, Missing: []string{"procfs"}}
	for k := scanner.HiddenFromProc; k <= scanner.HiddenFromAll; k++ {
		d := at
		d.Kind = k
		s.Discrepancies = append(s.Discrepancies, d)
		d.Inode, d.Port = 0, 4445+uint16(k)
		s.Discrepancies = append(s.Discrepancies, d)
	}
	var got []string
	for _, f := range Check(s) {
		if f.Rule != hiddenRule.ID || f.Severity != Error {
			t.Errorf("there is %s: %s", f.Rule, f.Message)
		}
		got = append(got, strings.Join(f.Subject.Programs, " ")+":"+f.Message)
	}
	// Of the three kinds one is there for the listener (they are one place), and three elsewhere.
	if len(got) != 4 || !strings.HasPrefix(got[0], "x:hidden from /proc/net: tcp 0.0.0.0:4444") {
		t.Errorf("there are %q", got)
	}
}

// A server that is looked after has no findings.
func TestWellKept(t *testing.T) {
	systemd := func(pid int, exe, unit string, uid int64) *scanner.Process {
		p := runs(pid, exe, uid)
		p.Unit, p.Slice = unit, "system.slice"
		return p
	}
	sshd := systemd(812, "/usr/sbin/sshd", "ssh.service", 0)
	init := systemd(1, "/usr/lib/systemd/systemd", "ssh.socket", 0)
	master, worker := systemd(900, "/usr/sbin/nginx", "nginx.service", 0), systemd(901, "/usr/sbin/nginx", "nginx.service", 33)
	worker.PPID = 900
	pg := systemd(950, "/usr/lib/postgresql/17/bin/postgres", "postgresql@17-main.service", 112)
	resolved := systemd(400, "/usr/lib/systemd/systemd-resolved", "systemd-resolved.service", 991)
	chrony := systemd(500, "/usr/sbin/chronyd", "chrony.service", 102)
	exporter := systemd(600, "/usr/bin/prometheus-node-exporter", "prometheus-node-exporter.service", 113)
	findings := Check(sceneOf(
		socket("tcp 0.0.0.0:22", init, sshd), socket("tcp [::]:22", init, sshd),
		socket("tcp 0.0.0.0:80", master, worker), socket("tcp [::]:80", master, worker),
		socket("tcp 0.0.0.0:443", master, worker), socket("tcp [::]:443", master, worker), socket("udp 0.0.0.0:443", master, worker),
		socket("tcp 127.0.0.1:5432", pg), socket("tcp [::1]:5432", pg),
		socket("tcp 127.0.0.53:53", resolved), socket("udp 127.0.0.53:53", resolved), socket("udp 127.0.0.54:53", resolved),
		socket("udp 127.0.0.1:323", chrony), socket("udp [::1]:323", chrony), socket("udp 0.0.0.0:123", chrony),
		socket("tcp 10.1.2.3:9100", exporter), socket("udp 0.0.0.0:68", systemd(300, "/usr/sbin/dhclient", "ifup@eth0.service", 0)),
		socket("packet", systemd(300, "/usr/sbin/dhclient", "ifup@eth0.service", 0)),
		socket("raw [::]:58", systemd(301, "/usr/lib/systemd/systemd-networkd", "systemd-networkd.service", 998)),
		socket("udp 0.0.0.0:40123", systemd(302, "/usr/sbin/named", "named.service", 110)),
		socket("tcp 127.0.0.1:25", systemd(303, "/usr/sbin/exim4", "exim4.service", 105)),
		but(socket("udp 0.0.0.0:51820"), func(s *scanner.Socket) { s.Why, s.KernelUse = scanner.Kernel, "wireguard wg0" }),
	))
	for _, f := range findings {
		if f.Rule != "WL030" { // 51820 is in the range of clients
			t.Errorf("%v %s: %s", f.Severity, f.Rule, f.Message)
		}
	}
}

// Programs at ports that they have by their nature are no findings: not of the
// rule on well-known ports, and not of a rule on what they serve elsewhere.
func TestAtHome(t *testing.T) {
	why := func(w scanner.Why, uid int64) func(*scanner.Socket) {
		return func(s *scanner.Socket) { s.Why, s.UID = w, uid }
	}
	unit := func(exe string, uid int64) *scanner.Process {
		p := runs(2, exe, uid)
		p.Unit = base(exe) + ".service"
		return p
	}
	for where, exe := range map[string]string{
		"tcp 0.0.0.0:199":    "/usr/sbin/snmpd",                // SMUX, for its subagents
		"tcp 0.0.0.0:705":    "/usr/sbin/snmpd",                // AgentX, likewise
		"tcp 0.0.0.0:8081":   "/usr/bin/dockerd",               // a published port without docker-proxy
		"tcp 0.0.0.0:80":     "/usr/bin/dockerd",               // likewise
		"tcp 0.0.0.0:443":    "/usr/share/grafana/bin/grafana", // without a proxy before it
		"udp 0.0.0.0:623":    "/usr/sbin/rpcbind",              // bindresvport(3)
		"tcp 0.0.0.0:514":    "/usr/sbin/syslog-ng",
		"tcp 0.0.0.0:601":    "/usr/sbin/rsyslogd", // RFC 3195
		"udp 10.1.2.3:137":   "/usr/sbin/samba",
		"tcp 10.1.2.3:465":   "/usr/sbin/couriertcpd",
		"tcp 10.1.2.3:443":   "/usr/bin/kube-apiserver",
		"tcp 10.1.2.3:4460":  "/usr/sbin/chronyd",
		"tcp 10.1.2.3:24":    "/usr/sbin/dovecot", // LMTP
		"raw 0.0.0.0:1":      "/usr/lib/squid/pinger",
		"tcp 192.0.2.7:9001": "/usr/bin/tor",
		"tcp 192.0.2.7:9443": "/usr/bin/tor",
	} {
		for _, f := range Check(sceneOf(socket(where, unit(exe, 0)))) {
			if f.Rule != "WL011" { // rpcbind is rpcbind at any port
				t.Errorf("%s at %s: %s: %s", exe, where, f.Rule, f.Message)
			}
		}
	}
	// To an ordinary user a receiver of syslog looks like rsh, but for its UDP.
	unseen := why(scanner.NotPermitted, 0)
	if got := Check(sceneOf(but(socket("tcp 0.0.0.0:514"), unseen), but(socket("udp 0.0.0.0:514"), unseen))); len(got) != 0 {
		t.Errorf("syslog, unseen: %+v", got)
	}
	if got := Check(sceneOf(but(socket("tcp 0.0.0.0:514"), unseen), but(socket("udp 0.0.0.0:514"), why(scanner.NotPermitted, 104)))); len(got) != 1 || got[0].Rule != "WL001" {
		t.Errorf("rsh, unseen, beside the syslog of another user: %+v", got)
	}
	// What stands behind a port that dockerd keeps is not known: the port says it.
	if got := Check(sceneOf(socket("tcp 0.0.0.0:6379", unit("/usr/bin/dockerd", 0)))); len(got) != 1 || got[0].Rule != "WL007" {
		t.Errorf("dockerd at the port of redis: %+v", got)
	}
	if got := Check(sceneOf(socket("tcp 0.0.0.0:443", unit("/usr/bin/tor", 0)))); len(got) != 1 || got[0].Rule != "WL021" {
		t.Errorf("tor at 443: %+v", got)
	}
}

// The names in the rules are those of the registry, and the programs are not.
func TestRuleNames(t *testing.T) {
	db := portdb.Default()
	for _, rules := range [...][]listenerRule{serviceRules[:], processRules[:], socketRules[:]} {
		for _, r := range rules {
			for _, name := range r.services {
				if len(db.Search(name)) == 0 {
					t.Errorf("%s: no service is called %q", r.ID, name)
				}
			}
			if (r.check == nil) != (len(r.services)+len(r.programs) > 0) {
				t.Errorf("%s has both a check and services, or neither", r.ID)
			}
		}
	}
	for _, name := range inKernel {
		if len(db.Search(name)) == 0 {
			t.Errorf("no service is called %q", name)
		}
	}
}

// The order of the sockets and what changes from one scan to the next make no
// difference: pids, inodes, queues.
func TestCheckIsStable(t *testing.T) {
	at := func(pid int) []scanner.Socket {
		p := runs(pid, "/tmp/x", 1000)
		return []scanner.Socket{
			but(socket("tcp 0.0.0.0:23", p), func(s *scanner.Socket) { s.Inode = uint64(pid) }),
			socket("tcp [::]:6379", runs(pid+1, "/usr/bin/redis-server", 0)),
			socket("tcp 0.0.0.0:8080", runs(pid+2, "/srv/a", 0)), socket("tcp 10.1.2.3:8080", runs(pid+3, "/srv/b", 0)),
		}
	}
	ids := func(findings []Finding) (list []string) {
		for _, f := range findings {
			list = append(list, f.Rule+f.Fingerprint)
		}
		return list
	}
	one, again := at(10), at(5000)
	slices.Reverse(again)
	a, b := ids(Check(sceneOf(one...))), ids(Check(sceneOf(again...)))
	if len(a) < 4 || !slices.Equal(a, b) {
		t.Errorf("the findings are\n%q, then\n%q", a, b)
	}
	// Workers with a socket each are one finding.
	if twice := ids(Check(sceneOf(append(one, one...)...))); !slices.Equal(a, twice) {
		t.Errorf("of each two sockets the findings are\n%q, want\n%q", twice, a)
	}
	if !slices.IsSortedFunc(Check(sceneOf(one...)), func(a, b Finding) int { return int(b.Severity) - int(a.Severity) }) {
		t.Error("the worst is not first")
	}
}
