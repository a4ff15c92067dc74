package annotate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/scanner"
)

// The kernel does not tell whether a program asked for its port or took the one
// that it was given (bind(2) with port 0). A port in the ephemeral range counts
// as asked for where there is evidence that it stays the same:
//
//   - some layer of the registry has a name for it, or the program is known to
//     serve there. Of the 28,232 ports of Linux's range 150 have a name, so that
//     one in two hundred that the kernel picks has one too;
//   - systemd holds the socket: a socket unit names its port;
//   - the same program has several sockets at it, of which the kernel would have
//     picked each a port of its own: TCP and UDP, IPv4 and IPv6, two addresses,
//     or several with SO_REUSEPORT.
//
// A published port of a container engine is not counted by the last rule: the
// engine picks it from the same range, and another the next time.

// markMayNotStart fills in MayNotStart of the listeners, of which all else is
// there.
func markMayNotStart(ls []Listener) {
	var several []*Listener
	for i := range ls {
		l := &ls[i]
		if !l.Ephemeral || l.MaybeClient || l.Protocol != scanner.TCP && l.Protocol != scanner.UDP {
			continue
		}
		l.MayNotStart = l.Service.Name != "" || l.KnownAs != "" || bySocketUnit(l.Socket)
		if len(l.Holders) > 0 && !publishes(l.Holders[0]) {
			several = append(several, l)
		}
	}
	at := func(a, b *Listener) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), strings.Compare(a.Namespace, b.Namespace),
			strings.Compare(a.Holders[0].Name, b.Holders[0].Name))
	}
	slices.SortFunc(several, at)
	for i, l := range several {
		if i > 0 && at(several[i-1], l) == 0 {
			several[i-1].MayNotStart, l.MayNotStart = true, true
		}
	}
}

// bySocketUnit reports whether systemd holds a socket for a service.
func bySocketUnit(s *scanner.Socket) bool {
	for _, p := range s.Holders {
		if p.PID == 1 && p.Name == "systemd" || strings.HasSuffix(p.Unit, ".socket") {
			return true
		}
	}
	return false
}

// publishes reports whether a process is a container engine's port forwarder.
func publishes(p *scanner.Process) bool {
	switch p.Name {
	case "docker-proxy", "rootlessport", "conmon", "slirp4netns", "pasta":
		return true
	}
	return len(p.Forwards) > 0
}
