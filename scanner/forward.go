package scanner

import (
	"cmp"
	"net/netip"
	"slices"
)

// A published port of a container has two ends: a socket on the host, and one in
// the container's network namespace. Between them stands a program of the
// engine, which may only keep the port taken while the kernel's packet filter
// does the work. Where it leads to is in its arguments, in the network's files,
// or told by the namespace of its children. The arguments are parsed and not
// shown.

// A forwarder is a program that holds published ports.
type forwarder uint8

const (
	noForwarder forwarder = iota
	dockerProxy           // docker's, one for each port and address
	conmon                // podman's monitor of a container
	pasta                 // podman's network of a rootless container
	slirp                 // slirp4netns: the same, before pasta
	byChild               // those that have a child in the container's namespace
)

// forwarderOf returns which forwarder a program is, by its name.
func forwarderOf(name string) forwarder {
	switch name {
	case "docker-proxy":
		return dockerProxy
	case "conmon":
		return conmon
	case "pasta", "pasta.avx2", "passt", "passt.avx2": // the same program
		return pasta
	case "slirp4netns":
		return slirp
	case "rootlessport", "rootlesskit":
		return byChild
	}
	return noForwarder
}

// A forwarding is where a forwarder sends what it accepts.
type forwarding struct {
	rules []forwardRule
	// container is the id of the container that every rule leads into; empty
	// where it is not known.
	container string
	// name is what the engine calls the container; empty where it is not known.
	name string
	// path names the network namespace, as the forwarder sees it; netns is its
	// inode. Empty and 0 where they are not known.
	path  string
	netns uint64
}

// A forwardRule is a run of published ports.
type forwardRule struct {
	protocol    Protocol
	addr        netip.Addr // the published address; zero or unspecified for any
	first, last uint16     // the published ports
	to4, to6    netip.Addr // the addresses in the container; zero for any
	toFirst     uint16     // where first leads to
}

// of returns where the forwarder sends what a socket of its own accepts, and
// whether it is a published port at all.
func (f *forwarding) of(s *Socket) (Forward, bool) {
	out := Forward{Protocol: s.Protocol, From: netip.AddrPortFrom(s.Addr, s.Port), Container: f.container}
	for _, r := range f.rules {
		if r.protocol != s.Protocol || s.Port < r.first || s.Port > r.last ||
			r.addr.IsValid() && !r.addr.IsUnspecified() && r.addr != s.Addr.WithZone("") {
			continue
		}
		to := r.to4
		if s.Family == IPv6 && r.to6.IsValid() || !to.IsValid() {
			to = r.to6
		}
		out.To = netip.AddrPortFrom(to, r.toFirst+(s.Port-r.first))
		return out, true
	}
	return out, f.container != "" || f.netns != 0
}

// publishes reports whether ports of the protocol are published by engines.
func publishes(p Protocol) bool { return p == TCP || p == UDP || p == SCTP }

// add adds a rule, unless it is none: no ports, a run that ends nowhere.
func (f *forwarding) add(r forwardRule) {
	if r.first == 0 || r.last < r.first || r.toFirst == 0 || int(r.toFirst)+int(r.last-r.first) > 65535 {
		return
	}
	f.rules = append(f.rules, r)
}

// publish gives the forwarders that hold sockets of s where they send what comes
// in there, one entry for each published port.
func (s *Snapshot) publish(forwards map[*Process]*forwarding) {
	if len(forwards) == 0 {
		return
	}
	type sent struct {
		by *Process
		to Forward
	}
	seen := make(map[sent]struct{}) // SO_REUSEPORT
	found := make(map[*Process][]Forward, len(forwards))
	inside := s.withins()
	for i := range s.Sockets {
		one := &s.Sockets[i]
		if !publishes(one.Protocol) {
			continue
		}
		for _, p := range one.Holders {
			f := forwards[p]
			if f == nil {
				continue
			}
			if to, ok := f.of(one); ok {
				s.locate(&to, f, one.Namespace, inside)
				if _, had := seen[sent{p, to}]; !had {
					seen[sent{p, to}] = struct{}{}
					found[p] = append(found[p], to)
				}
			}
		}
	}
	for p, list := range found {
		slices.SortFunc(list, func(a, b Forward) int {
			return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), a.From.Compare(b.From))
		})
		// An earlier snapshot may share the process.
		if !slices.Equal(p.Forwards, list) {
			p.Forwards = list
		}
	}
}

// locate says which namespace and container a forward leads into: the namespace
// that the forwarder is known to serve, that of the container, or the only one
// with the address; never the one that it is published in.
func (s *Snapshot) locate(to *Forward, f *forwarding, from string, inside map[within]bool) {
	var found []*Namespace
	for _, is := range []func(*Namespace) bool{
		func(ns *Namespace) bool { return f.netns != 0 && ns.Inode == f.netns },
		func(ns *Namespace) bool { return f.container != "" && inside[within{ns.Name, f.container}] },
		func(ns *Namespace) bool { return to.To.Addr().IsValid() && ns.has(to.To.Addr()) },
	} {
		for i := range s.Namespaces {
			if ns := &s.Namespaces[i]; ns.Name != from && is(ns) {
				found = append(found, ns)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) != 1 {
		return
	}
	to.Namespace = found[0].Name
	if to.Container == "" {
		to.Container = found[0].Container
	}
}

// A within is a container of which processes are in a network namespace.
type within struct{ namespace, container string }

// withins returns the containers whose processes are in each namespace.
func (s *Snapshot) withins() map[within]bool {
	set := make(map[within]bool)
	for i := range s.Namespaces {
		set[within{s.Namespaces[i].Name, s.Namespaces[i].Container}] = true
	}
	for i := range s.Sockets {
		for _, p := range s.Sockets[i].Holders {
			set[within{s.Sockets[i].Namespace, p.Container}] = true
		}
	}
	return set
}

// has reports whether an interface of the namespace has the address.
func (ns *Namespace) has(addr netip.Addr) bool {
	for _, i := range ns.Interfaces {
		for _, a := range i.Addrs {
			if a.Addr() == addr {
				return true
			}
		}
	}
	return false
}
