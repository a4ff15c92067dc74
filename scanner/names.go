package scanner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A nameSearch is the containers of a snapshot that have no name yet.
type nameSearch struct {
	wanted map[string]*wantedName // by id
	found  map[string]containerName
	// failed says of a runtime why its engine did not tell.
	failed map[string]error
}

// A wantedName is a container without a name.
type wantedName struct {
	runtime string
	slice   string // of a process in it, which tells the user of a rootless one
}

// wantNames collects the containers that the snapshot speaks of. Those whose id
// is their name have it already.
func (s *Snapshot) wantNames() *nameSearch {
	ns := &nameSearch{wanted: make(map[string]*wantedName), found: make(map[string]containerName), failed: make(map[string]error)}
	want := func(runtime, id, slice string) {
		switch {
		case id == "":
		case runtime == "lxc", runtime == "libvirt-lxc", runtime == "systemd-nspawn":
			ns.found[id] = containerName{name: id}
		case ns.wanted[id] == nil:
			ns.wanted[id] = &wantedName{runtime, slice}
		case ns.wanted[id].slice == "":
			ns.wanted[id].slice = slice
		}
	}
	for i := range s.Sockets {
		for _, p := range s.Sockets[i].Holders {
			want(p.Runtime, p.Container, p.Slice)
			for k := range p.Forwards {
				want(s.runtimeOf(p, &p.Forwards[k]), p.Forwards[k].Container, p.Slice)
			}
		}
	}
	for i := range s.Namespaces {
		want(s.Namespaces[i].Runtime, s.Namespaces[i].Container, "")
	}
	return ns
}

// runtimeOf returns the runtime of the container that a forward leads into.
func (s *Snapshot) runtimeOf(p *Process, f *Forward) string {
	for i := range s.Namespaces {
		if ns := &s.Namespaces[i]; ns.Name == f.Namespace && ns.Container == f.Container {
			return ns.Runtime
		}
	}
	if forwarderOf(p.Name) == dockerProxy {
		return "docker"
	}
	return "podman"
}

// missing returns the containers of a runtime that have no name yet, sorted.
func (ns *nameSearch) missing(runtimes ...string) []string {
	var ids []string
	for id, w := range ns.wanted {
		if _, ok := ns.found[id]; !ok && slices.Contains(runtimes, w.runtime) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// learn keeps the names of those containers that are wanted, have none yet, and
// that whoever tells may speak for: a user only for containers in a slice of
// that user's own, the system (user "") for all.
func (ns *nameSearch) learn(user string, names map[string]containerName) {
	for id, n := range names {
		w := ns.wanted[id]
		if _, ok := ns.found[id]; ok || w == nil || n.name == "" || user != "" && w.slice != "user-"+user+".slice" {
			continue
		}
		ns.found[id] = n
	}
}

// apply gives the names to what is in the containers, and the ports that engines
// told to the forwards of which only the container was known.
func (ns *nameSearch) apply(s *Snapshot) {
	for i := range s.Namespaces {
		if n, ok := ns.found[s.Namespaces[i].Container]; ok {
			s.Namespaces[i].ContainerName = n.name
		}
	}
	for i := range s.Sockets {
		for _, p := range s.Sockets[i].Holders {
			if n, ok := ns.found[p.Container]; ok {
				p.ContainerName, p.Image = n.name, n.image
			}
			for k := range p.Forwards {
				f := &p.Forwards[k]
				if n, ok := ns.found[f.Container]; ok {
					f.ContainerName = n.name
					if f.To.Port() == 0 {
						told := forwarding{rules: n.ports}
						if to, ok := told.of(&Socket{Protocol: f.Protocol, Addr: f.From.Addr(), Port: f.From.Port()}); ok {
							f.To = to.To
						}
					}
				}
			}
		}
	}
}

// limits says which names are not known, and why.
func (ns *nameSearch) limits(c *Coverage) {
	counts := make(map[string]int)
	for id, w := range ns.wanted {
		if _, ok := ns.found[id]; !ok {
			counts[cmp.Or(w.runtime, "unknown")]++
		}
	}
	runtimes := make([]string, 0, len(counts))
	for r := range counts {
		runtimes = append(runtimes, r)
	}
	slices.Sort(runtimes)
	for _, r := range runtimes {
		n := counts[r]
		text := fmt.Sprintf("the %s of %d %s of %s %s not known", plural(n, "name", "names"), n, plural(n, "container", "containers"), r, plural(n, "is", "are"))
		remedy := ""
		switch err := ns.failed[r]; {
		case r == "containerd" || r == "kubernetes":
			text += ": it has no interface that could be asked here"
			remedy = "crictl ps, or nerdctl ps, says them"
		case err != nil:
			text += fmt.Sprintf(": the engine did not answer (%v)", err)
			remedy = engineRemedy(r, err)
		default:
			text += ": the engine that answered does not know " + plural(n, "it", "them")
		}
		c.limit(true, LimitContainerNames, text, remedy)
	}
}

// engineRemedy is what makes an engine answer.
func engineRemedy(runtime string, err error) string {
	switch {
	case strings.Contains(err.Error(), "permission denied"):
		return asRoot.String()
	case runtime == "podman":
		return "systemctl start podman.socket (for a user's containers: systemctl --user start podman.socket)"
	case runtime == "docker":
		return "systemctl start docker"
	case runtime == "cri-o":
		return "systemctl start crio"
	}
	return ""
}
