package audit

import (
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// anyPort is in place of a port for entries that name none, or a run of ports.
const anyPort = -1

// A judgeIndex finds the entries that may have to do with a listener, by their
// places: more than do, and none too few.
type judgeIndex struct {
	byPort map[int64][]int
	// byProgram has the entries for programs at any port, which say nothing of other
	// programs, by the last elements of their paths; programs are all of them.
	byProgram map[string][]int
	programs  []int
}

// index returns the index of the register.
func (p *Policy) index() *judgeIndex {
	x := &judgeIndex{byPort: make(map[int64][]int, len(p.Entries)), byProgram: make(map[string][]int)}
	for i := range p.Entries {
		e := &p.Entries[i]
		if len(e.Programs) > 0 && len(e.Ports) == 0 && len(e.Paths) == 0 {
			x.programs = append(x.programs, i)
			for _, name := range e.Programs {
				x.byProgram[base(name)] = append(x.byProgram[base(name)], i)
			}
			continue
		}
		port := int64(anyPort)
		if s := e.Ports; len(s) == 1 && s[0].First == s[0].Last {
			port = int64(s[0].First)
		}
		x.byPort[port] = append(x.byPort[port], i)
	}
	return x
}

// of returns lists of entries for a listener; one may be in several.
func (x *judgeIndex) of(l *annotate.Listener) [5][]int {
	lists := [5][]int{x.byPort[int64(portOf(l))], x.byPort[anyPort]}
	switch holders := holdersOf(l); {
	case len(holders) == 0 && l.Why == scanner.Kernel:
		lists[2] = x.byProgram[KernelProgram]
	case len(holders) == 0 && l.Why == scanner.NotFound:
	case len(holders) == 0, holders[0].Name == "" && holders[0].Exe == "":
		lists[2] = x.programs // it may be any of them
	default: // every holder has to be the program, so the first has
		p := holders[0]
		for i, name := range [...]string{p.Name, p.Exe, p.Script} {
			lists[2+i] = x.byProgram[base(name)]
		}
	}
	return lists
}

// The words of an entry by which [lintIndex] finds it.
const (
	byPort = iota
	byPath
	byNamespace
	byAddress
	byProgram
	byUser
	byUnit
	byContainer
	lintKeys
)

// words returns what the entry names, of each kind; none where two entries can be
// about the same without a word in common.
func (e *Entry) words() (of [lintKeys][]string) {
	if s := e.Ports; len(s) == 1 && s[0].First == s[0].Last {
		of[byPort] = []string{s[0].String()}
	}
	for _, name := range e.Programs {
		of[byProgram] = append(of[byProgram], base(name))
	}
	if hasReach(e.Protocols[0]) && !slices.ContainsFunc(e.Addresses, func(a Address) bool { return !a.IsSingleIP() }) {
		for _, a := range e.Addresses {
			of[byAddress] = append(of[byAddress], a.Addr().String())
		}
	}
	of[byPath], of[byNamespace], of[byUser], of[byUnit], of[byContainer] = e.Paths, e.Namespaces, e.Users, e.Units, e.Containers
	return of
}

// A lintIndex finds the entries that may overlap with another, by their places:
// those with a word of one kind in common, or with none of that kind.
type lintIndex struct {
	n    int
	by   [lintKeys]map[string][]int
	none [lintKeys][]int
}

// add adds the next entry.
func (x *lintIndex) add(e *Entry) {
	for kind, words := range e.words() {
		if len(words) == 0 {
			x.none[kind] = append(x.none[kind], x.n)
		}
		if x.by[kind] == nil {
			x.by[kind] = make(map[string][]int)
		}
		for _, w := range words {
			x.by[kind][w] = append(x.by[kind][w], x.n)
		}
	}
	x.n++
}

// near returns those of the entries added that may overlap with e, in order, each
// once: by the kind of word that leaves the fewest.
func (x *lintIndex) near(e *Entry) []int {
	best, fewest, of := -1, x.n, e.words()
	for kind, words := range of {
		n := len(x.none[kind])
		for _, w := range words {
			n += len(x.by[kind][w])
		}
		if len(words) > 0 && n < fewest {
			best, fewest = kind, n
		}
	}
	list := make([]int, 0, fewest)
	if best < 0 {
		for i := range x.n {
			list = append(list, i)
		}
		return list
	}
	list = append(list, x.none[best]...)
	for _, w := range of[best] {
		list = append(list, x.by[best][w]...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
