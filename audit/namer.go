package audit

import (
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A namer gives network namespaces names that last longer than their inodes and
// the pids in them.
type namer struct {
	names map[string]string // by the name in the scan
	last  string            // of the last listener: they come in runs
	what  string
}

// newNamer returns the namer of a scan. Where names is set, a container goes by
// the name that its engine has for it, which outlasts its id.
func newNamer(s *Scan, names bool) namer {
	n := namer{names: map[string]string{}}
	for i := range s.Namespaces {
		ns := &s.Namespaces[i]
		switch {
		case ns.Name == scanner.OwnNamespace:
		case names && ns.ContainerName != "":
			n.names[ns.Name] = "container " + ns.ContainerName
		case ns.Container != "":
			n.names[ns.Name] = ns.Container
		}
	}
	return n
}

// name returns the name of the network namespace of l.
func (n *namer) name(l *annotate.Listener) string {
	ns := namespaceOf(l)
	if ns == n.last {
		return n.what
	}
	n.last, n.what = ns, n.lasting(ns)
	return n.what
}

func (n *namer) lasting(ns string) string {
	if name, ok := n.names[ns]; ok {
		return name
	}
	if isNameless(ns) {
		return nameless
	}
	return ns
}

// isNameless reports whether a network namespace has no name of its own: it goes
// by a process in it, by one that holds it, or by its inode.
func isNameless(ns string) bool {
	return slices.ContainsFunc([]string{"pid ", "held by pid ", "net:["}, func(kind string) bool { return strings.HasPrefix(ns, kind) })
}

// LastingNamespace returns the name of a network namespace without what changes
// from one scan to the next: "pid" for one that has no name of its own.
func LastingNamespace(ns string) string {
	if isNameless(ns) {
		return "pid"
	}
	return ns
}

// nameless stands for every network namespace that has no name of its own.
const nameless = "\x00nameless"

// passing reports whether a network namespace is likely to have another name
// when it is made again: that of a container known by its id, or a nameless one.
func passing(namespace string) bool { return namespace == nameless || isContainerID(namespace) }

// namesContainers reports whether a scan has the names of containers.
func (s *Scan) namesContainers() bool {
	return slices.ContainsFunc(s.Namespaces, func(n scanner.Namespace) bool { return n.ContainerName != "" })
}
