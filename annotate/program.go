package annotate

import (
	"strings"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// A judge holds programs against registrations.
type judge struct {
	db      *portdb.DB
	windows bool
	// programs remembers what each program serves, by its name as read.
	programs map[string][]string
	// entries is room for the entries of one port.
	entries []portdb.Entry
}

// judge returns the verdict on the programs that hold a socket, and what the
// program is known as where it is the common layer that knows it there. label is
// the entry that labels the port, and named whether there is one.
//
// A program that starts others and hands them their sockets (systemd, inetd)
// counts only where it is alone. Of several programs one that differs decides,
// and then one that is not known: a port is not right because one of those that
// share its socket is.
func (j *judge) judge(s *scanner.Socket, label *portdb.Entry, named bool) (v Verdict, knownAs string) {
	fallback := Unknown
	if !named {
		fallback = Unregistered
	}
	judged, matched, unknown := 0, 0, 0
	var last []string
	for _, p := range s.Holders {
		if isStarter(p.Name) && len(s.Holders) > 1 {
			continue
		}
		services := j.serves(p)
		if len(services) == 0 {
			unknown++
			continue
		}
		// The holders of a socket are most often one program, many times.
		if judged > 0 && &services[0] == &last[0] {
			continue
		}
		last = services
		judged++
		one, as := j.judgeOne(s, services, label, named)
		switch {
		case one == Differs && atHomeAnywhere(base(p.Exe, p.Name, j.windows)):
			unknown++
		case one == Differs || one == Unregistered:
			return one, ""
		case one == Matches:
			matched++
			if knownAs == "" {
				knownAs = as
			}
		}
	}
	if matched > 0 && unknown == 0 {
		return Matches, knownAs
	}
	return fallback, ""
}

// judgeOne returns the verdict on one program that is known.
func (j *judge) judgeOne(s *scanner.Socket, services []string, label *portdb.Entry, named bool) (Verdict, string) {
	if !named {
		return Unregistered, ""
	}
	if label.Source != portdb.Common && servesOneOf(services, label) != "" {
		return Matches, ""
	}
	registered, listed := false, false
	usual := ""
	j.entries = j.db.Entries(j.entries[:0], transport(s.Protocol), s.Port)
	for i := range j.entries {
		e := &j.entries[i]
		if e.Name == "" || e.Status != portdb.Assigned {
			continue
		}
		service := servesOneOf(services, e)
		switch {
		case e.Source == portdb.Common:
			if usual == "" {
				usual = service
			}
		case service != "":
			return Matches, ""
		case e.Source == portdb.Appendix:
			listed = true
		default:
			registered = true
		}
	}
	switch {
	case usual != "":
		if label.Source == portdb.Common && strings.EqualFold(usual, label.Name) {
			usual = ""
		}
		return Matches, usual
	case registered:
		return Differs, ""
	case listed:
		// The appendix alone speaks of the port, in words that are not the
		// names of services: nothing can be held against them.
		return Unknown, ""
	}
	return Unregistered, ""
}

// servesOneOf returns the service that is one of the entry's names, or "".
func servesOneOf(services []string, e *portdb.Entry) string {
	for _, service := range services {
		if same(service, e.Name) {
			return service
		}
		for _, alias := range e.Aliases {
			if same(service, alias) {
				return service
			}
		}
	}
	return ""
}

// serves returns what the program of a process serves; nothing where that is not
// known. An interpreter is known by its script.
func (j *judge) serves(p *scanner.Process) []string {
	name := base(p.Exe, p.Name, j.windows)
	services := j.lookup(name)
	if len(services) == 0 && p.Name != name {
		services = j.lookup(p.Name) // a program that is several
	}
	if len(services) > 0 || p.Script == "" {
		return services
	}
	return j.lookup(base(p.Script, "", j.windows))
}

// Serves returns the services that db knows the program of p to serve, the main
// one first; nothing where it does not know it. An interpreter is known by its
// script. The slice is the table's: do not change it.
func Serves(db *portdb.DB, p *scanner.Process) []string {
	j := judge{db: db}
	return j.serves(p)
}

// lookup returns what a program serves. A name that is not known is tried
// without the ending of a script ("synapse.py") and without a version
// ("php-fpm8.2").
func (j *judge) lookup(name string) []string {
	if name == "" {
		return nil
	}
	services, ok := j.programs[name]
	if ok {
		return services
	}
	services = j.db.Serves(name)
	if services == nil {
		if stem := trimEnding(name); stem != name {
			services = j.db.Serves(stem)
		}
	}
	if services == nil {
		if stem := trimVersion(name); stem != name && stem != "" {
			services = j.db.Serves(stem)
		}
	}
	if j.programs == nil {
		j.programs = make(map[string][]string)
	}
	j.programs[name] = services
	return services
}

// base returns the last element of a path, or name where there is no path.
func base(path, name string, windows bool) string {
	if path == "" {
		path = name
	}
	separators := "/"
	if windows {
		separators = `/\`
	}
	path = path[strings.LastIndexAny(path, separators)+1:]
	if windows && len(path) > 4 && strings.EqualFold(path[len(path)-4:], ".exe") {
		path = path[:len(path)-4]
	}
	return path
}

// trimEnding returns the name of a script without what tells its language.
func trimEnding(name string) string {
	for _, ending := range [...]string{".py", ".rb", ".pl", ".js", ".mjs", ".cjs", ".php", ".sh", ".jar", ".war"} {
		if stem, ok := strings.CutSuffix(name, ending); ok {
			return stem
		}
	}
	return name
}

// trimVersion returns a name without the version at its end.
func trimVersion(name string) string {
	stem := strings.TrimRight(name, "0123456789.")
	if stem == name {
		return name
	}
	return strings.TrimSuffix(stem, "-")
}

// isStarter reports whether a program opens sockets for others.
func isStarter(name string) bool {
	switch name {
	case "systemd", "systemd-socket-activate", "systemd-socket-", "init", "inetd", "xinetd", "launchd", "s6-ipcserver":
		return true
	}
	return false
}

// atHomeAnywhere reports whether a program is as right at one port as at another.
// Some pass on what they take to others, whatever that is: haproxy on 5432 is as
// right as what stands behind it, and dockerd without docker-proxy keeps the
// published ports of containers itself. Programs of ONC RPC take any port below
// 1024 that is free (bindresvport(3)), and have rpcbind tell their clients.
func atHomeAnywhere(name string) bool {
	switch name {
	case "haproxy", "envoy", "traefik", "linkerd2-proxy", "ztunnel", "dockerd":
		return true
	case "rpcbind", "portmap", "rpc.mountd", "mountd":
		return true
	}
	return false
}

// transport returns the transport whose ports a protocol uses. UDP-Lite has
// UDP's (RFC 3828, section 6).
func transport(p scanner.Protocol) portdb.Transport {
	switch p {
	case scanner.TCP:
		return portdb.TCP
	case scanner.UDP, scanner.UDPLite:
		return portdb.UDP
	case scanner.SCTP:
		return portdb.SCTP
	case scanner.DCCP:
		return portdb.DCCP
	}
	return 0
}
