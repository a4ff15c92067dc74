package audit

import (
	"slices"
	"strconv"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A misfit is what keeps an entry from approving a listener whose protocol,
// port and namespace it names: bits, of which a larger one is the worse
// explanation. Nothing keeps it where it is 0.
type misfit uint8

const (
	unseen         misfit = 1 << iota // what the entry asks for could not be seen
	isExpired                         // it was good until a day that is over
	elsewhere                         // reached by more, or at another address
	otherUser                         //
	otherUnit                         //
	otherContainer                    //
	otherProgram                      //
)

// fit returns what keeps e from approving l on a day, and whether they have to
// do with each other at all.
func (e *Entry) fit(l *annotate.Listener, day string) (m misfit, related bool) {
	if !e.covers(l) {
		return 0, false
	}
	if !e.reaches(l) {
		m |= elsewhere
	}
	m |= e.user(l)
	if len(e.Programs) > 0 {
		m |= everyHolder(l, otherProgram, func(p *scanner.Process) answer { return isProgram(p, e.Programs) })
		// The kernel is a holder that is seen.
		if l.Why == scanner.Kernel && len(l.Holders) == 0 && slices.Contains(e.Programs, KernelProgram) {
			m &^= otherProgram
		}
	}
	if len(e.Units) > 0 {
		m |= everyHolder(l, otherUnit, func(p *scanner.Process) answer { return isUnit(p, e.Units) })
	}
	if len(e.Containers) > 0 {
		m |= everyHolder(l, otherContainer, func(p *scanner.Process) answer { return isContainer(p, e.Containers) })
	}
	// An entry for a program at any port says nothing of other programs.
	if m&otherProgram != 0 && len(e.Ports) == 0 && len(e.Paths) == 0 {
		return 0, false
	}
	if e.expired(day) {
		m |= isExpired
	}
	return m, true
}

// covers reports whether e speaks of the protocol, the port or path, and the
// namespace of l.
func (e *Entry) covers(l *annotate.Listener) bool {
	if !slices.Contains(e.Protocols, l.Protocol) {
		return false
	}
	if len(e.Ports) > 0 {
		port := portOf(l)
		if !slices.ContainsFunc(e.Ports, func(s PortSpan) bool { return s.First <= port && port <= s.Last }) {
			return false
		}
	}
	if len(e.Paths) > 0 && !slices.Contains(e.Paths, pathOf(l)) {
		return false
	}
	return len(e.Namespaces) == 0 || slices.Contains(e.Namespaces, namespaceOf(l))
}

// portOf returns the port of a listener.
func portOf(l *annotate.Listener) uint32 {
	if l.VSock != nil {
		return l.VSock.Port
	}
	return uint32(l.Port)
}

// pathOf returns the path of a unix socket.
func pathOf(l *annotate.Listener) string {
	if l.Unix != nil {
		return l.Unix.Path
	}
	return ""
}

// namespaceOf returns the network namespace of a listener.
func namespaceOf(l *annotate.Listener) string {
	if l.Namespace == "" {
		return hostNamespace
	}
	return l.Namespace
}

// reaches reports whether l can be reached by no more than e approves.
func (e *Entry) reaches(l *annotate.Listener) bool {
	switch {
	case !hasReach(l.Protocol):
		return true
	case len(e.Addresses) == 0:
		return l.Exposure <= e.Exposure
	}
	return slices.ContainsFunc(e.Addresses, func(a Address) bool { return a.has(l.Addr) })
}

// An answer is yes, no, or that it could not be seen.
type answer uint8

const (
	no answer = iota
	unknown
	yes
)

// is returns yes or no.
func is(b bool) answer {
	if b {
		return yes
	}
	return no
}

// everyHolder returns what keeps an entry from approving l that asks a question
// of each of its holders: none, or other where one answers no. A port is not
// right because one of those that share its socket is.
func everyHolder(l *annotate.Listener, other misfit, ask func(*scanner.Process) answer) misfit {
	holders := holdersOf(l)
	if len(holders) == 0 {
		if l.Why == scanner.Kernel || l.Why == scanner.NotFound {
			return other
		}
		return unseen
	}
	worst := yes
	for _, p := range holders {
		worst = min(worst, ask(p))
	}
	return [...]misfit{no: other, unknown: unseen, yes: 0}[worst]
}

// holdersOf returns the processes that answer for l: all that hold it, but for
// the first process of the system beside others, which opened the socket for
// them (systemd.socket(5)).
func holdersOf(l *annotate.Listener) []*scanner.Process {
	if h := l.Holders; len(h) > 1 && h[0].PID == 1 {
		return h[1:]
	}
	return l.Holders
}

// isProgram reports whether the program of p is one of programs: by the path of
// its file, or by its name, which for an interpreter is that of its script.
func isProgram(p *scanner.Process, programs []string) answer {
	best := no
	if p.Name == "" && p.Exe == "" {
		best = unknown
	}
	for _, want := range programs {
		switch {
		case want == KernelProgram:
		case want[0] != '/':
			if want == p.Name || want == p.Script || want == base(p.Exe) {
				return yes
			}
		case want == p.Exe || want == p.Script:
			return yes
		case p.Exe == "" && base(want) == p.Name:
			best = unknown // its name, and its path is not to be seen
		}
	}
	return best
}

// base returns the last element of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// user returns what keeps e from approving l for its user: the owner of the
// socket, which everyone can see, and where the source does not tell that, the
// users of its holders.
func (e *Entry) user(l *annotate.Listener) misfit {
	switch {
	case len(e.Users) == 0:
		return 0
	case l.User != "" || l.UID >= 0:
		if isUser(l.User, l.UID, e.Users) == no {
			return otherUser
		}
		return 0
	}
	return everyHolder(l, otherUser, func(p *scanner.Process) answer { return isUser(p.User, p.UID, e.Users) })
}

// isUser reports whether a user is one of users, by name or by uid.
func isUser(name string, uid int64, users []string) answer {
	if name == "" && uid < 0 {
		return unknown
	}
	return is(name != "" && slices.Contains(users, name) || uid >= 0 && slices.Contains(users, strconv.FormatInt(uid, 10)))
}

// isUnit reports whether p is of one of units.
func isUnit(p *scanner.Process, units []string) answer {
	return is(p.Unit != "" && slices.Contains(units, p.Unit) || p.UserUnit != "" && slices.Contains(units, p.UserUnit))
}

// shortID is how much of the id of a container stands for it, as container
// engines print it.
const shortID = 12

// isContainerID reports whether s may be the id of a container, or a start of it
// long enough to stand for it.
func isContainerID(s string) bool {
	return len(s) >= shortID && strings.Trim(s, "0123456789abcdef") == ""
}

// shortName returns the name of a network namespace as people read it: of the
// id of a container the digits that stand for it.
func shortName(namespace string) string {
	if isContainerID(namespace) {
		return namespace[:shortID]
	}
	return namespace
}

// isContainer reports whether p is in one of containers: by name, or by id. The
// name is known only where the container's engine was asked and answered.
func isContainer(p *scanner.Process, containers []string) answer {
	if p.Container == "" {
		return no
	}
	named := false
	for _, want := range containers {
		switch {
		case want == p.ContainerName, want == p.Container, isContainerID(want) && strings.HasPrefix(p.Container, want):
			return yes
		case !isContainerID(want):
			named = true
		}
	}
	if named && p.ContainerName == "" {
		return unknown
	}
	return no
}

// subject returns the subject of a finding on l.
func subject(l *annotate.Listener) Subject {
	s := Subject{
		Namespace: namespaceOf(l), Protocol: l.Protocol, Family: l.Family, Addr: l.Addr,
		Device: l.Device, Port: portOf(l), Path: pathOf(l), Programs: l.Programs(), User: l.User,
	}
	if s.User == "" && l.UID >= 0 {
		s.User = strconv.FormatInt(l.UID, 10)
	}
	return s
}

// subject returns the subject of a finding on e itself. Its port and address
// are those that it approves, where it is one of each.
func (e *Entry) subject() Subject {
	s := Subject{Namespace: hostNamespace, Protocol: e.Protocols[0], Programs: e.Programs}
	if len(e.Namespaces) > 0 {
		s.Namespace = e.Namespaces[0]
	}
	if len(e.Ports) == 1 && e.Ports[0].First == e.Ports[0].Last {
		s.Port = e.Ports[0].First
	}
	if len(e.Addresses) == 1 && e.Addresses[0].IsSingleIP() {
		s.Addr = e.Addresses[0].Addr().WithZone(e.Addresses[0].Zone)
	}
	if len(e.Paths) == 1 {
		s.Path = e.Paths[0]
	}
	if len(e.Users) == 1 {
		s.User = e.Users[0]
	}
	return s
}
