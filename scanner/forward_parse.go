package scanner

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
)

// parseDockerProxy reads the arguments of docker-proxy:
//
//	docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80
func parseDockerProxy(words []string) forwarding {
	var f forwarding
	flags := goFlags(words)
	protocol, err := ParseProtocol(flags["proto"])
	if err != nil || !publishes(protocol) {
		return f
	}
	addr, _ := netip.ParseAddr(flags["host-ip"])
	to, err := netip.ParseAddr(flags["container-ip"])
	port, toPort := portOf(flags["host-port"]), portOf(flags["container-port"])
	if err == nil {
		f.add(forwardRule{protocol: protocol, addr: addr, first: port, last: port, to4: to, toFirst: toPort})
	}
	return f
}

// goFlags reads arguments as Go's package flag does, every flag taken for one
// with a value.
func goFlags(words []string) map[string]string {
	flags := make(map[string]string)
	for i := 1; i < len(words); i++ {
		name, ok := strings.CutPrefix(words[i], "-")
		if !ok {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if !ok && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") {
			i++
			value = words[i]
		}
		flags[name] = value
	}
	return flags
}

// parseConmon reads the arguments of conmon: the id and the name of its
// container.
//
//	conmon --api-version 1 -c ID -u ID -r /usr/bin/crun -b DIR -p FILE -n NAME …
func parseConmon(words []string) forwarding {
	var f forwarding
	for i := 1; i < len(words); i++ {
		word, value, ok := strings.Cut(words[i], "=")
		if !ok && i+1 < len(words) {
			value = words[i+1]
		}
		switch word {
		case "-c", "--cid":
			if isContainerID(value) {
				f.container = value
			}
		case "-n", "--name":
			f.name = value
		case "--exit-command-arg", "--runtime-arg":
			if !ok {
				i++ // an argument for another program, which may look like ours
			}
		}
	}
	if f.container == "" {
		return forwarding{}
	}
	return f
}

// parsePasta reads the ports in the arguments of pasta(1):
//
//	pasta --config-net -t 8080-8080:80-80 -u none … --netns /run/user/1000/netns/netns-…
func parsePasta(words []string) forwarding {
	var f forwarding
	for i := 1; i < len(words); i++ {
		word, value, ok := strings.Cut(words[i], "=")
		if !ok && i+1 < len(words) {
			value = words[i+1]
		}
		var protocol Protocol
		switch word {
		case "-t", "--tcp-ports":
			protocol = TCP
		case "-u", "--udp-ports":
			protocol = UDP
		case "--netns":
			f.path = value
			continue
		default:
			continue
		}
		if !ok {
			i++
		}
		f.addPasta(protocol, value)
	}
	return f
}

// parseSlirp reads the namespace in the arguments of slirp4netns(1), a path or a
// pid before the name of the interface. Its ports come by a socket of its own.
//
//	slirp4netns --disable-host-loopback … -r 3 --netns-type=path /run/user/1000/netns/netns-… tap0
func parseSlirp(words []string) forwarding {
	var f forwarding
	if len(words) < 3 {
		return f
	}
	if f.path = words[len(words)-2]; isPID(f.path) {
		f.path = "/proc/" + f.path + "/ns/net"
	}
	if !strings.HasPrefix(f.path, "/") {
		f.path = ""
	}
	return f
}

// isPID reports whether a word is a pid.
func isPID(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil
}

// maxRules is how many runs of ports are taken from the arguments of a program, which
// may be anybody's.
const maxRules = 1 << 12

// addPasta adds a specification of ports: "none", "all", "auto", or
// "[ADDRESS[%INTERFACE]/]PORTS[:PORTS],…" with "~" before those left out.
func (f *forwarding) addPasta(protocol Protocol, spec string) {
	addr, ports := netip.Addr{}, spec
	if before, after, ok := strings.Cut(spec, "/"); ok {
		before, _, _ = strings.Cut(before, "%")
		if before != "" {
			a, err := netip.ParseAddr(before)
			if err != nil {
				return
			}
			addr = a
		}
		ports = after
	}
	listed := false
	for part := range strings.SplitSeq(ports, ",") {
		if len(f.rules) >= maxRules {
			return
		}
		if part == "none" || strings.HasPrefix(part, "~") {
			continue
		}
		if part == "all" || part == "auto" {
			break
		}
		from, to, mapped := strings.Cut(part, ":")
		first, last := portsOf(from)
		toFirst := first
		if mapped {
			toFirst, _ = portsOf(to)
		}
		f.add(forwardRule{protocol: protocol, addr: addr, first: first, last: last, toFirst: toFirst})
		listed = true
	}
	if !listed && ports != "none" && ports != "" {
		// Every port, perhaps but for some, to the same one.
		f.add(forwardRule{protocol: protocol, addr: addr, first: 1, last: 65535, toFirst: 1})
	}
}

// portsOf reads "80" or "80-90"; 0 for what is neither.
func portsOf(s string) (first, last uint16) {
	a, b, ok := strings.Cut(s, "-")
	if first = portOf(a); !ok {
		return first, first
	}
	return first, portOf(b)
}

// portOf reads a port; 0 for what is none.
func portOf(s string) uint16 {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// A portMapping is a published port in the files of the networks: CNI's in
// mixed letters, netavark's with "_". encoding/json takes either case.
type portMapping struct {
	HostIP        string `json:"hostIP"`
	HostPort      uint16 `json:"hostPort"`
	ContainerPort uint16 `json:"containerPort"`
	Protocol      string `json:"protocol"` // or several: "tcp,udp"
	Range         uint16 `json:"range"`    // how many; 0 is 1
}

// add adds the rules of a mapping that leads to the addresses.
func (m *portMapping) add(f *forwarding, to4, to6 netip.Addr) {
	addr, _ := netip.ParseAddr(m.HostIP)
	for name := range strings.SplitSeq(m.Protocol, ",") {
		protocol, err := ParseProtocol(strings.ToLower(name))
		if name == "" {
			protocol, err = TCP, nil
		}
		if err != nil || !publishes(protocol) {
			continue
		}
		last := int(m.HostPort) + max(int(m.Range), 1) - 1
		if last <= 65535 {
			f.add(forwardRule{protocol, addr, m.HostPort, uint16(last), to4, to6, m.ContainerPort})
		}
	}
}

// addCNI adds the ports in a result of CNI, as libcni keeps it for each network
// of a container in /var/lib/cni/results ("cniCacheV1").
func (f *forwarding) addCNI(b []byte) {
	var cached struct {
		ContainerID    string `json:"containerId"`
		CapabilityArgs struct {
			PortMappings []portMapping `json:"portMappings"`
		} `json:"capabilityArgs"`
		Result struct {
			IPs []struct {
				Address netip.Prefix `json:"address"`
			} `json:"ips"`
		} `json:"result"`
	}
	if json.Unmarshal(b, &cached) != nil || cached.ContainerID != f.container {
		return
	}
	var to4, to6 netip.Addr
	for _, ip := range cached.Result.IPs {
		switch addr := ip.Address.Addr(); {
		case addr.Is4() && !to4.IsValid():
			to4 = addr
		case addr.Is6() && !to6.IsValid():
			to6 = addr
		}
	}
	for i := range cached.CapabilityArgs.PortMappings {
		cached.CapabilityArgs.PortMappings[i].add(f, to4, to6)
	}
}

// addNetavark adds the ports in a file of netavark 1.9 and later, which keeps one
// for each network of a container in /run/containers/networks/firewall/ports
// (src/firewall/state.rs).
func (f *forwarding) addNetavark(b []byte) {
	var conf struct {
		ContainerID string `json:"container_id"`
		Mappings    []struct {
			HostIP        string `json:"host_ip"`
			HostPort      uint16 `json:"host_port"`
			ContainerPort uint16 `json:"container_port"`
			Protocol      string `json:"protocol"`
			Range         uint16 `json:"range"`
		} `json:"port_mappings"`
		To4 netip.Addr `json:"container_ip_v4"`
		To6 netip.Addr `json:"container_ip_v6"`
	}
	if json.Unmarshal(b, &conf) != nil || conf.ContainerID != f.container {
		return
	}
	for _, m := range conf.Mappings {
		mapping := portMapping(m)
		mapping.add(f, conf.To4, conf.To6)
	}
}
