package annotate

import (
	"runtime"
	"sync"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// Options are what [Snapshot] can be told.
type Options struct {
	// Opinions asks for what every layer says of each port.
	Opinions bool
}

// Snapshot returns what each socket of s means, in the order of s.Sockets. The
// listeners point into s. A nil o is the zero Options.
func Snapshot(s *scanner.Snapshot, db *portdb.DB, o *Options) []Listener {
	if o == nil {
		o = &Options{}
	}
	listeners := make([]Listener, len(s.Sockets))
	parts := max(1, min(runtime.GOMAXPROCS(0), len(listeners)/perPart))
	var group sync.WaitGroup
	for i := range parts {
		first, end := i*len(listeners)/parts, (i+1)*len(listeners)/parts
		part := func() { annotate(listeners[first:end], s.Sockets[first:end], s, db, o) }
		if i == parts-1 {
			part()
			break
		}
		group.Go(part)
	}
	group.Wait()
	markMayNotStart(listeners)
	tie(listeners)
	return listeners
}

// perPart is how many sockets are worth a thread.
const perPart = 4096

// annotate fills in what each of socks, a part of the sockets of s, means by itself.
func annotate(listeners []Listener, socks []scanner.Socket, s *scanner.Snapshot, db *portdb.DB, o *Options) {
	views := newHostViews(s, socks)
	labels := labels{db: db, opinions: o.Opinions}
	judge := judge{db: db, windows: s.Host.OS == "windows"}
	for i := range listeners {
		l := &listeners[i]
		l.Socket = &socks[i]
		view := views.of(l.Socket)
		views.reach(view, l)
		l.Backlog = backlogOf(l.Queue, view.overflows)
		if !l.Protocol.HasPorts() {
			continue // the registry knows ports
		}
		label := labels.of(transport(l.Protocol), l.Port)
		if label.named {
			l.Service = Service{label.entry.Name, label.entry.Description, label.entry.Source}
		}
		l.Opinions = label.opinions
		l.Range = portdb.RangeOf(l.Port)
		l.Ephemeral = view.isEphemeral(l.Port)
		l.MaybeClient = view.isMaybeClient(l.Socket, l.Ephemeral, label.named)
		l.Program, l.KnownAs = judge.judge(l.Socket, &label.entry, label.named)
	}
}

// isEphemeral reports whether the kernel gives the port to clients.
func (v *hostView) isEphemeral(port uint16) bool {
	if v.ephemeral == (scanner.PortRange{}) || port < v.ephemeral.First || port > v.ephemeral.Last {
		return false
	}
	for _, r := range v.reserved {
		if r.First <= port && port <= r.Last {
			return false
		}
	}
	return true
}

// isMaybeClient reports whether a socket is likely a client's. A UDP client that
// does not connect(2) looks like a server to the kernel; what tells it apart is
// a port that the kernel picked. A port that some layer has a name for is not
// counted as picked, nor is a socket that the kernel holds (a tunnel), nor one
// bound to a multicast group, which no client does.
//
// A known server with a socket on such a port (named, avahi-daemon) asks its
// questions from there, and counts as a client like any other.
func (v *hostView) isMaybeClient(s *scanner.Socket, ephemeral, named bool) bool {
	if s.Protocol != scanner.UDP && s.Protocol != scanner.UDPLite {
		return false
	}
	if named || s.Why == scanner.Kernel || s.Addr.IsMulticast() {
		return false
	}
	if v.ephemeral == (scanner.PortRange{}) {
		return portdb.RangeOf(s.Port) == portdb.Dynamic
	}
	return ephemeral
}

// A label is what the registry says of a port.
type label struct {
	transport portdb.Transport
	port      uint16
	named     bool
	entry     portdb.Entry
	opinions  []portdb.Entry
}

// labels looks ports up. The last answers are kept, a few for each place where a
// port can fall: a listener's sockets (IPv4 and IPv6, one a worker, one an
// address) have one port, and come close to each other.
type labels struct {
	db       *portdb.DB
	opinions bool
	kept     [64]label
}

// of returns what the registry says of a port. It is good until the next call.
func (ls *labels) of(t portdb.Transport, port uint16) *label {
	l := &ls.kept[(int(port)^int(t)<<3)%len(ls.kept)]
	if l.transport == t && l.port == port {
		return l
	}
	*l = label{transport: t, port: port}
	l.entry, l.named = ls.db.Lookup(t, port)
	if ls.opinions {
		l.opinions = ls.db.Entries(nil, t, port)
	}
	return l
}
