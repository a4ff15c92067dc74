package scanner

import (
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// rule writes a rule as "[ADDR]:FIRST[-LAST]" to "[ADDR]:FIRST".
func rule(protocol Protocol, from string, first, last uint16, to string, toFirst uint16) forwardRule {
	r := forwardRule{protocol: protocol, first: first, last: last, toFirst: toFirst}
	if from != "" {
		r.addr = netip.MustParseAddr(from)
	}
	if to != "" {
		r.to4 = netip.MustParseAddr(to)
	}
	return r
}

func rulesOf(rules ...forwardRule) forwarding { return forwarding{rules: rules} }

// The arguments are those that the engines give; where a form is told from a
// project's source, its file is named.
func TestParseForwarders(t *testing.T) {
	tests := []struct {
		name  string
		parse func([]string) forwarding
		words string
		want  forwarding
	}{
		{
			"docker", parseDockerProxy, "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80",
			rulesOf(rule(TCP, "0.0.0.0", 8080, 8080, "172.17.0.2", 80)),
		},
		{
			"docker 28", parseDockerProxy, "/usr/libexec/docker/docker-proxy -proto udp -host-ip :: -host-port 53 -container-ip 172.17.0.2 -container-port 5353 -use-listen-fd",
			rulesOf(rule(UDP, "::", 53, 53, "172.17.0.2", 5353)),
		},
		{"docker, other forms of a flag", parseDockerProxy, "docker-proxy --proto=sctp -host-ip=127.0.0.1 --host-port 1 -container-ip=fd00::2 -container-port=2", rulesOf(rule(SCTP, "127.0.0.1", 1, 1, "fd00::2", 2))},
		{"docker without a container", parseDockerProxy, "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-port 80", forwarding{}},
		{"docker, no port", parseDockerProxy, "docker-proxy -proto tcp -host-port 65536 -container-ip 172.17.0.2 -container-port 80", forwarding{}},
		{"docker, raw", parseDockerProxy, "docker-proxy -proto raw -host-port 8 -container-ip 172.17.0.2 -container-port 80", forwarding{}},
		{
			"conmon of podman 4.3", parseConmon, "/usr/bin/conmon --api-version 1 -c " + id1 + " -u " + id1 + " -r /usr/sbin/runc -b /var/lib/containers/storage/overlay-containers/" + id1 +
				"/userdata -p /run/containers/storage/pidfile -n webtest --exit-dir /run/libpod/exits --full-attach --runtime-arg --log-format=json --exit-command /usr/bin/podman --exit-command-arg -n --exit-command-arg other --exit-command-arg " + id2,
			forwarding{container: id1, name: "webtest"},
		},
		{"conmon, long flags", parseConmon, "conmon --cid=" + id1 + " --name=web", forwarding{container: id1, name: "web"}},
		{"conmon, an argument for another", parseConmon, "conmon --exit-command-arg -c " + id1, forwarding{}},
		{"conmon without an id", parseConmon, "conmon -c web -n web", forwarding{}},
		{
			"pasta of podman 5 (libnetwork/pasta)", parsePasta, "/usr/bin/pasta --config-net -t 8080-8081:80-81 -u 127.0.0.1/53-53:5353-5353 --dns-forward 169.254.1.1 -T none -U none --no-map-gw --quiet --netns /run/user/1000/netns/netns-1",
			forwarding{path: "/run/user/1000/netns/netns-1", rules: []forwardRule{rule(TCP, "", 8080, 8081, "", 80), rule(UDP, "127.0.0.1", 53, 53, "", 5353)}},
		},
		{"pasta, lists", parsePasta, "pasta --tcp-ports=22,8000-8002:9000-9002,~8001 --udp-ports none", rulesOf(rule(TCP, "", 22, 22, "", 22), rule(TCP, "", 8000, 8002, "", 9000))},
		{"pasta, an address and an interface", parsePasta, "pasta -t 192.0.2.1%eth0/80 -t ::1/81", rulesOf(rule(TCP, "192.0.2.1", 80, 80, "", 80), rule(TCP, "::1", 81, 81, "", 81))},
		{"pasta, every port", parsePasta, "pasta -t auto -u all", rulesOf(rule(TCP, "", 1, 65535, "", 1), rule(UDP, "", 1, 65535, "", 1))},
		{"pasta, every port but one", parsePasta, "pasta -t ~22", rulesOf(rule(TCP, "", 1, 65535, "", 1))},
		{"pasta, none", parsePasta, "pasta -t none -u none -T 80 -U 53", forwarding{}},
		{"pasta, no ports", parsePasta, "pasta -t 9-1 -t x/80 -t 65000-65010:65530 -t", forwarding{}},
		{
			"slirp4netns", parseSlirp, "/usr/bin/slirp4netns --disable-host-loopback --mtu=65520 --enable-sandbox --enable-seccomp --enable-ipv6 -c -r 3 -e 4 --netns-type=path /run/user/1000/netns/netns-1 tap0",
			forwarding{path: "/run/user/1000/netns/netns-1"},
		},
		{"slirp4netns of a pid", parseSlirp, "slirp4netns -c 4711 tap0", forwarding{path: "/proc/4711/ns/net"}},
		{"slirp4netns of nothing", parseSlirp, "slirp4netns --help", forwarding{}},
	}
	for _, tt := range tests {
		if got := tt.parse(strings.Fields(tt.words)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %q = %+v, want %+v", tt.name, tt.words, got, tt.want)
		}
	}
}

func FuzzParseForwarders(f *testing.F) {
	f.Add("docker-proxy\x00-proto\x00tcp\x00-host-ip\x00::\x00-host-port\x008080\x00-container-ip\x00172.17.0.2\x00-container-port\x0080")
	f.Add("conmon\x00-c\x00" + id1 + "\x00--name=web")
	f.Add("pasta\x00-t\x00127.0.0.1/8000-8002:9000,~8001\x00--netns\x00/x")
	f.Fuzz(func(t *testing.T, in string) {
		words := strings.Split(in, "\x00")
		for _, parse := range []func([]string) forwarding{parseDockerProxy, parseConmon, parsePasta, parseSlirp} {
			got := parse(words)
			for _, r := range got.rules {
				if r.first == 0 || r.first > r.last || r.toFirst == 0 || int(r.toFirst)+int(r.last-r.first) > 65535 || !publishes(r.protocol) {
					t.Errorf("%q: rule %+v", words, r)
				}
			}
		}
	})
}

// The first is what podman 4.3 had written by the plugins of CNI; the second is
// from netavark's own test (src/firewall/state.rs), with ports.
func TestMappings(t *testing.T) {
	cni := `{"kind":"cniCacheV1","containerId":"` + id1 + `","config":"e30K","ifName":"eth0","networkName":"podman","cniArgs":[["IgnoreUnknown","1"],["K8S_POD_NAME","webtest"]],
		"capabilityArgs":{"aliases":{"podman":["c7bed02ba17a"]},"portMappings":[{"hostPort":17070,"containerPort":7070,"protocol":"tcp"},{"hostPort":53,"containerPort":5353,"protocol":"udp","hostIP":"127.0.0.1"}]},
		"result":{"cniVersion":"0.4.0","dns":{},"interfaces":[{"name":"eth0","sandbox":"/run/netns/netns-1"}],"ips":[{"address":"10.88.0.2/16","gateway":"10.88.0.1","interface":2,"version":"4"},{"address":"fd00::2/64"},{"address":"10.88.0.3/16"}]}}`
	netavark := `{"container_id":"` + id1 + `","port_mappings":[{"container_port":80,"host_ip":"","host_port":8080,"protocol":"tcp,udp","range":3},{"container_port":81,"host_ip":"::1","host_port":8090,"protocol":"tcp","range":1}],"network_name":"name","network_hash_name":"hash",
		"container_ip_v4":"10.0.0.2","subnet_v4":"10.0.0.0/24","container_ip_v6":null,"subnet_v6":null,"dns_port":53,"dns_server_ips":[]}`
	with6 := func(r forwardRule) forwardRule { r.to6 = netip.MustParseAddr("fd00::2"); return r }
	tests := []struct {
		name string
		add  func(*forwarding, []byte)
		in   string
		want []forwardRule
	}{
		{"CNI", (*forwarding).addCNI, cni, []forwardRule{with6(rule(TCP, "", 17070, 17070, "10.88.0.2", 7070)), with6(rule(UDP, "127.0.0.1", 53, 53, "10.88.0.2", 5353))}},
		{"CNI, another container", (*forwarding).addCNI, strings.ReplaceAll(cni, id1, id2), nil},
		{"CNI, cut short", (*forwarding).addCNI, cni[:len(cni)-1], nil},
		{"CNI, no port", (*forwarding).addCNI, strings.ReplaceAll(cni, "17070", "70000"), nil},
		{"netavark", (*forwarding).addNetavark, netavark, []forwardRule{rule(TCP, "", 8080, 8082, "10.0.0.2", 80), rule(UDP, "", 8080, 8082, "10.0.0.2", 80), rule(TCP, "::1", 8090, 8090, "10.0.0.2", 81)}},
		{"netavark without ports", (*forwarding).addNetavark, `{"container_id":"` + id1 + `","port_mappings":null}`, nil},
		{"netavark, past the last port", (*forwarding).addNetavark, strings.ReplaceAll(netavark, `"range":3`, `"range":60000`), []forwardRule{rule(TCP, "::1", 8090, 8090, "10.0.0.2", 81)}},
		{"no JSON", (*forwarding).addNetavark, "x", nil},
	}
	for _, tt := range tests {
		f := forwarding{container: id1}
		if tt.add(&f, []byte(tt.in)); !reflect.DeepEqual(f.rules, tt.want) {
			t.Errorf("%s: rules = %+v, want %+v", tt.name, f.rules, tt.want)
		}
	}
}

func TestForwardOf(t *testing.T) {
	f := rulesOf(rule(TCP, "0.0.0.0", 8080, 8082, "10.0.0.2", 80), rule(TCP, "127.0.0.1", 90, 90, "10.0.0.3", 91))
	f.rules[0].to6 = netip.MustParseAddr("fd00::2")
	known := f
	known.container = id1
	tests := []struct {
		name string
		f    forwarding
		at   string
		p    Protocol
		want string // "" for no published port
	}{
		{"the first of a run", f, "0.0.0.0:8080", TCP, "10.0.0.2:80"},
		{"the last of a run", f, "0.0.0.0:8082", TCP, "10.0.0.2:82"},
		{"IPv6", f, "[::]:8081", TCP, "[fd00::2]:81"},
		{"past the run", f, "0.0.0.0:8083", TCP, ""},
		{"the address", f, "127.0.0.1:90", TCP, "10.0.0.3:91"},
		{"another address", f, "127.0.0.2:90", TCP, ""},
		{"another protocol", f, "0.0.0.0:8080", UDP, ""},
		{"no rule, and a container", known, "0.0.0.0:7", TCP, "invalid AddrPort"},
	}
	for _, tt := range tests {
		at := netip.MustParseAddrPort(tt.at)
		s := &Socket{Protocol: tt.p, Family: IPv4, Addr: at.Addr(), Port: at.Port()}
		if at.Addr().Is6() {
			s.Family = IPv6
		}
		got, ok := tt.f.of(s)
		if ok != (tt.want != "") || ok && (got.To.String() != tt.want || got.From != at || got.Container != tt.f.container) {
			t.Errorf("%s: %s leads to %+v, %v; want %q", tt.name, tt.at, got, ok, tt.want)
		}
	}
}

// A forward leads into the namespace that is known to be the container's: never
// where it could be either of two, and never where it comes from.
func TestPublish(t *testing.T) {
	at := func(addr string) []Interface {
		return []Interface{{Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix(addr)}}}
	}
	namespaces := []Namespace{
		{Name: "host", Inode: 1, Interfaces: at("10.0.0.9/24")},
		{Name: "web", Inode: 2, Interfaces: at("10.0.0.2/24"), Container: id1, Runtime: "docker"},
		{Name: "a", Inode: 3, Interfaces: at("10.0.0.3/24")},
		{Name: "b", Inode: 4, Interfaces: at("10.0.0.3/24")},
		{Name: "pod", Inode: 5},
	}
	to := func(addr string) forwarding { return rulesOf(rule(TCP, "", 80, 80, addr, 8080)) }
	inode, container := to(""), forwarding{container: id2}
	inode.netns = 3
	tests := []struct {
		name      string
		f         forwarding
		namespace string
		container string
	}{
		{"its address", to("10.0.0.2"), "web", id1},
		{"an address of two", to("10.0.0.3"), "", ""},
		{"an address of none", to("10.0.0.4"), "", ""},
		{"its own namespace", to("10.0.0.9"), "", ""},
		{"the inode", inode, "a", ""},
		{"a container among others of its pod", container, "pod", id2},
	}
	for _, tt := range tests {
		p := &Process{PID: 7}
		s := Snapshot{Namespaces: namespaces, Sockets: []Socket{
			{Protocol: TCP, Namespace: "host", Addr: netip.IPv4Unspecified(), Port: 80, Holders: []*Process{p, {PID: 8}}},
			{Protocol: TCP, Namespace: "host", Addr: netip.IPv4Unspecified(), Port: 80, Holders: []*Process{p}},
			{Protocol: Unix, Namespace: "host", Holders: []*Process{p}},
			{Protocol: TCP, Namespace: "pod", Addr: netip.IPv4Unspecified(), Port: 8080, Holders: []*Process{{PID: 9, Container: id2}}},
		}}
		s.publish(map[*Process]*forwarding{p: &tt.f})
		if len(p.Forwards) != 1 || p.Forwards[0].Namespace != tt.namespace || p.Forwards[0].Container != tt.container {
			t.Errorf("%s: forwards = %+v, want one into %q of %q", tt.name, p.Forwards, tt.namespace, tt.container)
		}
	}
}

// A process called like a forwarder, with as many sockets as there are ports, holds
// nobody up: it may be anybody's.
func TestPublishMany(t *testing.T) {
	p := &Process{PID: 7, Name: "conmon", Container: "other"}
	s := &Snapshot{Namespaces: []Namespace{{Name: OwnNamespace}}}
	for i := range 50 {
		s.Namespaces = append(s.Namespaces, Namespace{Name: strconv.Itoa(i)})
	}
	for port := 1; port < 30_000; port++ {
		one := Socket{Protocol: TCP, Family: IPv4, Namespace: OwnNamespace, Addr: netip.IPv4Unspecified(), Port: uint16(port), Holders: []*Process{p}}
		s.Sockets = append(s.Sockets, one, one)
	}
	inside := &Process{PID: 8, Container: strings.Repeat("c", 64)}
	s.Sockets = append(s.Sockets, Socket{Namespace: "49", Holders: []*Process{inside}})
	s.publish(map[*Process]*forwarding{p: {container: inside.Container}})
	if n := len(p.Forwards); n != 29_999 || p.Forwards[n-1].Namespace != "49" || p.Forwards[n-1].From.Port() != 29_999 {
		t.Errorf("%d forwards, at last %+v", n, p.Forwards[n-1])
	}
}

// What a program has for arguments is anybody's choice.
func TestPastaRulesBounded(t *testing.T) {
	f := parsePasta([]string{"pasta", "-t", strings.Repeat("1,", 1<<17), "-u", strings.Repeat("2,", 1<<17)})
	if len(f.rules) != maxRules {
		t.Errorf("%d rules, want %d", len(f.rules), maxRules)
	}
}
