package annotate_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// run makes a process: "/usr/sbin/nginx", "comm" alone where the executable is
// not to be seen, "/usr/bin/python3.12 gunicorn" for an interpreter.
func run(pid int, program string) *scanner.Process {
	p := &scanner.Process{PID: pid}
	exe, script, _ := strings.Cut(program, " ")
	p.Script = script
	p.Name = exe[strings.LastIndex(exe, "/")+1:]
	if strings.HasPrefix(exe, "/") {
		p.Exe = exe
	}
	return p
}

// parse returns the one spec that s is.
func parse(t *testing.T, s string) portdb.Spec {
	t.Helper()
	spec, err := portdb.ParseSpec(s)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// at makes a socket on "tcp/443" on every address.
func at(t *testing.T, port string, programs ...string) scanner.Socket {
	t.Helper()
	spec := parse(t, port)
	s := bound("0.0.0.0")
	s.Port = spec.First
	s.Protocol = map[portdb.Transport]scanner.Protocol{
		portdb.TCP: scanner.TCP, portdb.UDP: scanner.UDP, portdb.SCTP: scanner.SCTP, portdb.DCCP: scanner.DCCP,
	}[spec.Transport]
	for i, program := range programs {
		s.Holders = append(s.Holders, run(100+i, program))
	}
	return s
}

func TestVerdict(t *testing.T) {
	const (
		unknown      = annotate.Unknown
		matches      = annotate.Matches
		differs      = annotate.Differs
		unregistered = annotate.Unregistered
	)
	tests := []struct {
		name     string
		port     string
		programs []string
		want     annotate.Verdict
		known    string
	}{
		{"registered and served", "tcp/22", []string{"/usr/sbin/sshd"}, matches, ""},
		{"first of several services", "tcp/443", []string{"/usr/sbin/nginx"}, matches, ""},
		{"QUIC", "udp/443", []string{"/usr/bin/caddy"}, matches, ""},
		{"by an alias", "tcp/465", []string{"/usr/sbin/exim4"}, matches, ""},
		{"by another alias", "udp/1701", []string{"/usr/sbin/xl2tpd"}, matches, ""},
		{"many processes of one program", "tcp/80", []string{"/usr/sbin/nginx", "/usr/sbin/nginx", "/usr/sbin/nginx"}, matches, ""},
		{"postgres", "tcp/5432", []string{"/usr/lib/postgresql/15/bin/postgres"}, matches, ""},
		{"the path may hold spaces", "tcp/32400", []string{"/usr/lib/plexmediaserver/Plex"}, unknown, ""},

		{"family: http on http-alt", "tcp/8080", []string{"/usr/sbin/nginx"}, matches, ""},
		{"family: https on pcsync-https", "tcp/8443", []string{"/usr/sbin/apache2"}, matches, ""},
		{"family: http where people put it", "tcp/8000", []string{"/usr/sbin/nginx"}, matches, "http"},
		{"family: ssh where people put it", "tcp/2222", []string{"/usr/sbin/sshd"}, matches, "ssh"},

		{"known beside IANA's name", "tcp/9090", []string{"/usr/bin/prometheus"}, matches, "prometheus"},
		{"the other one there", "tcp/9090", []string{"/usr/lib/cockpit/cockpit-tls"}, matches, "cockpit"},
		{"the label itself needs no second name", "tcp/9187", []string{"/usr/bin/postgres_exporter"}, matches, ""},
		{"the second one of a common port", "tcp/8123", []string{"/usr/bin/python3.12 hass"}, matches, "home-assistant"},
		{"kubelet", "tcp/10250", []string{"/usr/bin/kubelet"}, matches, ""},

		{"something else", "tcp/443", []string{"/usr/sbin/sshd"}, differs, ""},
		{"something else than IANA and the common layer say", "tcp/9090", []string{"/usr/sbin/sshd"}, differs, ""},
		{"a registration is for its transport", "tcp/53", []string{"/usr/sbin/ntpd"}, differs, ""},
		{"one of several differs", "tcp/80", []string{"/usr/sbin/nginx", "/usr/sbin/sshd"}, differs, ""},

		{"registered for nothing", "tcp/22022", []string{"/usr/sbin/sshd"}, unregistered, ""},
		{"registered for nothing, program not known", "tcp/34999", []string{"/opt/app"}, unregistered, ""},
		{"registered for nothing, nobody there", "tcp/34999", nil, unregistered, ""},
		{"not what is usual there, which is no registration", "tcp/10250", []string{"/usr/sbin/sshd"}, unregistered, ""},

		{"nobody is there", "tcp/22", nil, unknown, ""},
		{"a program that nobody listed", "tcp/22", []string{"/opt/app"}, unknown, ""},
		{"usual there, program not known", "tcp/10250", []string{"/opt/app"}, unknown, ""},
		{"one of several is not known", "tcp/80", []string{"/usr/sbin/nginx", "/opt/app"}, unknown, ""},
		{"docker-proxy", "tcp/443", []string{"/usr/bin/docker-proxy"}, unknown, ""},
		{"conmon", "tcp/443", []string{"/usr/bin/conmon"}, unknown, ""},
		{"a proxy of anything", "tcp/5432", []string{"/usr/sbin/haproxy"}, unknown, ""},
		{"a proxy where it belongs", "tcp/443", []string{"/usr/sbin/haproxy"}, matches, ""},
		{"interpreter", "tcp/80", []string{"/usr/bin/python3.12"}, unknown, ""},
		{"interpreter of a script that nobody listed", "tcp/80", []string{"/usr/bin/node server.js"}, unknown, ""},
		{"interpreter of a known app", "tcp/80", []string{"/usr/bin/python3.12 gunicorn"}, matches, ""},
		{"by the script's path", "tcp/80", []string{"/usr/bin/python3.12 /srv/venv/bin/gunicorn"}, matches, ""},
		{"by the script without its ending", "tcp/8069", []string{"/usr/bin/python3.12 odoo.py"}, matches, ""},
		{"by the jar", "tcp/8080", []string{"/usr/bin/java /opt/jenkins.war"}, matches, ""},
		{"interpreter of a known app elsewhere", "tcp/22", []string{"/usr/bin/python3.12 gunicorn"}, differs, ""},
		{"with a version", "tcp/9000", []string{"/usr/sbin/php-fpm8.2"}, matches, "php-fpm"},
		{"a digit of its own", "tcp/5201", []string{"/usr/bin/iperf3"}, matches, "iperf3"},
		{"only the kernel's name is known", "tcp/22", []string{"sshd"}, matches, ""},

		{"systemd alone holds it for a service", "tcp/22", []string{"/usr/lib/systemd/systemd"}, unknown, ""},
		{"systemd and the service", "tcp/22", []string{"/usr/lib/systemd/systemd", "/usr/sbin/sshd"}, matches, ""},
		{"systemd and a program that nobody listed", "tcp/22", []string{"/usr/lib/systemd/systemd", "/opt/app"}, unknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := one(t, at(t, tt.port, tt.programs...), scanner.Host{OS: "linux"})
			if l.Program != tt.want || l.KnownAs != tt.known {
				t.Errorf("%s held by %q (%s): %v, known as %q, want %v, %q",
					tt.port, tt.programs, l.Service.Name, l.Program, l.KnownAs, tt.want, tt.known)
			}
		})
	}
}

// TestVerdictOnWindows: paths have backslashes there, and programs an ending.
// A program that is several is what it was started as, which the scanner says.
func TestVerdictOfMultiCall(t *testing.T) {
	for port, want := range map[string]annotate.Verdict{"tcp/6379": annotate.Matches, "tcp/3306": annotate.Differs} {
		s := at(t, port, "/usr/bin/redis-check-rdb")
		s.Holders[0].Name = "redis-server"
		snap := &scanner.Snapshot{Sockets: []scanner.Socket{s}}
		if got := annotate.Snapshot(snap, portdb.Default(), nil)[0].Program; got != want {
			t.Errorf("redis-server on %s: %v, want %v", port, got, want)
		}
	}
}

func TestVerdictOnWindows(t *testing.T) {
	s := at(t, "tcp/443")
	s.Holders = []*scanner.Process{{PID: 4, Name: "nginx.exe", Exe: `C:\tools\nginx\nginx.EXE`}}
	if l := one(t, s, scanner.Host{OS: "windows"}); l.Program != annotate.Matches {
		t.Errorf("nginx.EXE on 443 on Windows: %v, want matches", l.Program)
	}
	if l := one(t, s, scanner.Host{OS: "linux"}); l.Program != annotate.Unknown {
		t.Errorf("nginx.EXE on 443 on Linux: %v, want unknown", l.Program)
	}
}

// TestLocalLayer: what the operator says counts as a registration.
func TestLocalLayer(t *testing.T) {
	local, err := portdb.ParseServices(strings.NewReader("ssh 22022/tcp admin-ssh\nbilling 443/tcp\n"), "services")
	if err != nil {
		t.Fatal(err)
	}
	db := portdb.Default().WithLocal(local)
	tests := []struct {
		port, program, label string
		want                 annotate.Verdict
	}{
		{"tcp/22022", "/usr/sbin/sshd", "ssh", annotate.Matches},
		{"tcp/22022", "/usr/sbin/nginx", "ssh", annotate.Differs},
		{"tcp/443", "/usr/sbin/nginx", "billing", annotate.Matches}, // IANA still says https
	}
	for _, tt := range tests {
		snap := &scanner.Snapshot{Sockets: []scanner.Socket{at(t, tt.port, tt.program)}}
		l := annotate.Snapshot(snap, db, nil)[0]
		if l.Service.Name != tt.label || l.Service.Source != portdb.Local || l.Program != tt.want {
			t.Errorf("%s on %s: %v from %v, %v, want %s, %v", tt.program, tt.port, l.Service, l.Service.Source, l.Program, tt.label, tt.want)
		}
	}
}

// TestEveryProgramMatchesItsServices: whatever programs.tsv says that a program
// serves, the program matches at each port of that service.
func TestEveryProgramMatchesItsServices(t *testing.T) {
	db := portdb.Default()
	f, err := os.Open("../portdb/programs.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	protocols := map[portdb.Transport]scanner.Protocol{portdb.TCP: scanner.TCP, portdb.UDP: scanner.UDP}
	programs, ports := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		programs++
		cells := strings.Split(line, "\t")
		for _, service := range strings.Fields(cells[1]) {
			for _, e := range db.Search(service) {
				for transport, protocol := range protocols {
					if !e.HasPort || e.Status != portdb.Assigned || e.Transport&transport == 0 {
						continue
					}
					s := scanner.Socket{Protocol: protocol, Port: e.First, Addr: bound("127.0.0.1").Addr}
					s.Holders = []*scanner.Process{{Name: cells[0], Exe: "/x/" + cells[0]}}
					ports++
					snap := &scanner.Snapshot{Sockets: []scanner.Socket{s}}
					if l := annotate.Snapshot(snap, db, nil)[0]; l.Program != annotate.Matches {
						t.Errorf("%s on %v/%d (%s): %v, want matches", cells[0], transport, e.First, service, l.Program)
					}
				}
			}
		}
	}
	if programs < 150 || ports < 2*programs {
		t.Errorf("only %d programs on %d ports", programs, ports)
	}
}

// TestSentence fixes the wording, and that text from outside goes through the
// door it is given.
func TestSentence(t *testing.T) {
	tests := []struct {
		port     string
		programs []string
		want     string
	}{
		{"tcp/443", []string{"/usr/sbin/sshd"}, "registered for <https>; process is <sshd>"},
		{"tcp/80", []string{"/usr/sbin/nginx", "/usr/sbin/nginx", "/opt/a\x1bb"}, "registered for <http>; process is <nginx>, <a\x1bb>"},
		{"tcp/9090", []string{"/usr/bin/prometheus"}, "registered for <websm>; process is <prometheus>, known as <prometheus>"},
		{"tcp/10250", []string{"/usr/bin/kubelet"}, "registered for nothing, usually <kubelet>; process is <kubelet>"},
		{"tcp/80", []string{"/usr/bin/python3 gunicorn"}, "registered for <http>; process is <gunicorn>"},
		{"tcp/34999", nil, "registered for nothing; process is not known"},
	}
	for _, tt := range tests {
		l := one(t, at(t, tt.port, tt.programs...), scanner.Host{})
		if got := l.Sentence(func(s string) string { return "<" + s + ">" }); got != tt.want {
			t.Errorf("%s held by %q: %q, want %q", tt.port, tt.programs, got, tt.want)
		}
	}
	s := at(t, "udp/51820")
	s.Why = scanner.Kernel
	l := one(t, s, scanner.Host{})
	if got, want := l.Sentence(nil), "registered for nothing, usually wireguard; held by the kernel"; got != want {
		t.Errorf("Sentence() = %q, want %q", got, want)
	}
}
