package annotate

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/whatslistening/whatslistening/scanner"
)

// tie joins the two ends of each published port: the socket of the forwarder on
// the host, and the sockets in the container that it leads to.
func tie(ls []Listener) {
	// ends are the sockets in other namespaces by where they are; made only on a
	// host that publishes ports.
	type end struct {
		namespace string
		protocol  scanner.Protocol
		port      uint16
	}
	var ends map[end][]int
	for i := range ls {
		l := &ls[i]
		for f := range l.Forwards() {
			if f.Namespace == "" || f.To.Port() == 0 {
				continue
			}
			if ends == nil {
				ends = make(map[end][]int)
				for k := range ls {
					at := end{ls[k].Namespace, ls[k].Protocol, ls[k].Port}
					ends[at] = append(ends[at], k)
				}
			}
			for _, k := range ends[end{f.Namespace, f.Protocol, f.To.Port()}] {
				if to := &ls[k]; admits(to.Socket, f.To.Addr()) {
					l.LeadsTo = insert(l.LeadsTo, endpoint(to.Socket))
					to.PublishedAs = insert(to.PublishedAs, endpoint(l.Socket))
				}
			}
		}
	}
}

// Forwards yields where the holders of the listener send what comes in at it:
// nothing for a program that is no port forwarder.
func (l *Listener) Forwards() func(yield func(*scanner.Forward) bool) {
	return func(yield func(*scanner.Forward) bool) {
		for _, p := range l.Holders {
			for i := range p.Forwards {
				f := &p.Forwards[i]
				if f.From.Port() == l.Port && f.Protocol == l.Protocol && f.From.Addr() == l.Addr && !yield(f) {
					return
				}
			}
		}
	}
}

// admits reports whether a socket takes what is sent to an address of its own
// namespace; the zero address is any of them.
func admits(s *scanner.Socket, to netip.Addr) bool {
	switch {
	case !to.IsValid(), s.Addr == to:
		return true
	case !s.Addr.IsUnspecified():
		return false
	case to.Is4():
		return s.Addr.Is4() || !s.V6Only
	}
	return s.Addr.Is6()
}

func endpoint(s *scanner.Socket) Endpoint {
	return Endpoint{s.Namespace, s.Protocol, s.Addr, s.Port}
}

// insert adds an endpoint in its place, once: workers share one with
// SO_REUSEPORT.
func insert(es []Endpoint, e Endpoint) []Endpoint {
	at, ok := slices.BinarySearchFunc(es, e, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), a.Addr.Compare(b.Addr))
	})
	if ok {
		return es
	}
	return slices.Insert(es, at, e)
}
