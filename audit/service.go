package audit

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A service is what two scans are compared by: a program at a port of a network
// namespace, whatever its sockets are. That it has an IPv4 and an IPv6 one, or
// one for each of its processes, tells nothing apart.
type service struct {
	spot
	// program is what tells the program from others; empty where it is not
	// known.
	program string
	// subject names it; its address is the first of ends.
	subject Subject
	// ends are the addresses, sorted.
	ends []end
	// exposure is the widest of the sockets.
	exposure annotate.Exposure
	// owners are the users that the sockets belong to, sorted.
	owners []user
	// runs is the user, and unit the systemd unit, of the holder that was there
	// first: its workers come and go.
	runs user
	unit string
	// processes are those that hold the sockets.
	processes []instance
	oldest    time.Time
	// client reports whether all its sockets look like those of clients.
	client bool
	// fixed reports whether the kernel is not likely to have picked the port.
	fixed bool
	// shared reports whether the first process of the system has the sockets too,
	// and waiting whether it alone has them.
	shared, waiting bool
}

// A spot is where a service is: one network namespace and port.
type spot struct {
	namespace string // as namer has it
	protocol  scanner.Protocol
	port      uint32
	path      string
}

// An end is an address that a service listens on. A wildcard that answers both
// IP versions is two.
type end struct {
	addr   netip.Addr
	device string
}

// compareEnds orders ends.
func compareEnds(a, b end) int {
	return cmp.Or(a.addr.Compare(b.addr), strings.Compare(a.device, b.device))
}

// covers reports whether peers that reach b reach a as well.
func (a end) covers(b end) bool {
	if a.device != "" && a.device != b.device {
		return false
	}
	return a.addr == b.addr || a.addr.IsUnspecified() && b.addr.IsValid() && a.addr.Is4() == b.addr.Is4()
}

// A user is one by number and name; the number is -1, or the name empty, where
// it is not known.
type user struct {
	uid  int64
	name string
}

// String returns the name, or the number for one without.
func (u user) String() string {
	switch {
	case u.name != "":
		return u.name
	case u.uid >= 0:
		return strconv.FormatInt(u.uid, 10)
	}
	return ""
}

// known reports whether anything is known of the user.
func (u user) known() bool { return u.name != "" || u.uid >= 0 }

// same reports whether the two are one user, as far as that is known.
func (u user) same(v user) bool {
	if u.uid >= 0 && v.uid >= 0 {
		return u.uid == v.uid
	}
	return u.name == "" || v.name == "" || u.name == v.name
}

// compareUsers orders users.
func compareUsers(a, b user) int {
	return cmp.Or(cmp.Compare(a.uid, b.uid), strings.Compare(a.name, b.name))
}

// An instance is one run of a program.
type instance struct {
	pid     int
	started time.Time
}

// services gathers the services of scans.
type services struct {
	namer namer
	at    map[serviceKey]*service
}

// A serviceKey is what a service is known by.
type serviceKey struct {
	spot
	program string
}

// add adds a listener to the service of each of its programs.
func (s *services) add(l *annotate.Listener) {
	holders := holdersOf(l)
	if len(holders) == 0 {
		s.join(l, ownerless(l), nil)
		return
	}
	for i, p := range holders {
		program := identityOf(p)
		if slices.ContainsFunc(holders[:i], func(q *scanner.Process) bool { return identityOf(q) == program }) {
			continue
		}
		var own []*scanner.Process
		for _, q := range holders[i:] {
			if identityOf(q) == program {
				own = append(own, q)
			}
		}
		s.join(l, program, own)
	}
}

// ownerless returns the program of a listener without a holder.
func ownerless(l *annotate.Listener) string {
	switch l.Why {
	case scanner.Kernel:
		return "\x00kernel"
	case scanner.NotFound:
		return "\x00none"
	case scanner.Held, scanner.NotPermitted, scanner.NotTold:
	}
	return ""
}

// identityOf returns what tells the program of a process from others: its file,
// and what an interpreter runs.
func identityOf(p *scanner.Process) string {
	name := p.Exe
	if name == "" {
		name = p.Name
	}
	if p.PID == 1 && strings.HasSuffix(p.Unit, ".socket") {
		name = p.Unit
	}
	if p.Script != "" {
		name += "\x00" + p.Script
	}
	return name
}

// join adds a listener to the service of a program; holders are its processes.
func (s *services) join(l *annotate.Listener, program string, holders []*scanner.Process) {
	key := serviceKey{spot{s.namer.name(l), l.Protocol, portOf(l), pathOf(l)}, program}
	if l.Packet != nil {
		key.port, key.path = uint32(l.Packet.EtherType), l.Packet.Type
	}
	v := s.at[key]
	if v == nil {
		v = &service{spot: key.spot, program: program, client: true, runs: user{uid: -1}}
		v.subject = subject(l)
		v.subject.Programs = nil
		s.at[key] = v
	}
	v.ends = insert(v.ends, compareEnds, endsOf(l)...)
	if o := (user{l.UID, l.User}); o.known() {
		v.owners = insert(v.owners, compareUsers, o)
		v.subject.User = v.owners[0].String() // whichever socket comes first
	}
	v.exposure = max(v.exposure, l.Exposure)
	v.client = v.client && l.MaybeClient
	v.fixed = v.fixed || !l.Ephemeral || l.MayNotStart
	first := len(l.Holders) > 0 && l.Holders[0].PID == 1
	v.shared = v.shared || first
	v.waiting = v.waiting || first && len(l.Holders) == 1
	for _, p := range holders {
		v.hold(p)
	}
	if len(holders) == 0 && l.Why == scanner.Kernel {
		v.subject.Programs = insert(v.subject.Programs, strings.Compare, "the kernel")
	}
}

// hold adds a process to the service.
func (v *service) hold(p *scanner.Process) {
	name := p.Name
	if p.Script != "" {
		name = p.Script
	}
	v.subject.Programs = insert(v.subject.Programs, strings.Compare, name)
	if one := (instance{p.PID, p.Started}); !p.Started.IsZero() && !slices.Contains(v.processes, one) {
		v.processes = append(v.processes, one)
	}
	u := user{p.UID, p.User}
	if v.runs.known() && cmp.Or(v.oldest.Compare(p.Started), compareUsers(v.runs, u)) <= 0 {
		return
	}
	v.runs, v.unit, v.oldest = u, unitOf(p), p.Started
}

// unitOf returns the systemd unit of a process. Scopes have numbers for names
// and are all one.
func unitOf(p *scanner.Process) string {
	unit := p.Unit
	if p.UserUnit != "" {
		unit = p.UserUnit
	}
	if strings.HasSuffix(unit, ".scope") {
		return ""
	}
	return unit
}

// insert returns the sorted list with values, each once.
func insert[T any](list []T, compare func(a, b T) int, values ...T) []T {
	for _, v := range values {
		if i, ok := slices.BinarySearchFunc(list, v, compare); !ok {
			list = slices.Insert(list, i, v)
		}
	}
	return list
}

// endsOf returns the addresses that a listener answers on.
func endsOf(l *annotate.Listener) []end {
	a := end{l.Addr, l.Device}
	switch {
	case l.VSock != nil:
		a.device = "cid " + strconv.FormatUint(uint64(l.VSock.CID), 10)
	case l.Family == scanner.IPv6 && l.Addr == netip.IPv6Unspecified() && !l.V6Only:
		return []end{a, {netip.IPv4Unspecified(), l.Device}}
	}
	return []end{a}
}

// key returns what the service is known by.
func (v *service) key() serviceKey { return serviceKey{v.spot, v.program} }

// merge adds what another service at the same place has.
func (v *service) merge(w *service) {
	v.ends = insert(v.ends, compareEnds, w.ends...)
	v.owners = insert(v.owners, compareUsers, w.owners...)
	v.subject.Programs = insert(v.subject.Programs, strings.Compare, w.subject.Programs...)
	v.exposure = max(v.exposure, w.exposure)
	v.client, v.fixed = v.client && w.client, v.fixed || w.fixed
}

// compareServices orders services, so that neither the order of a scan nor which
// of two is the baseline matters.
func compareServices(a, b *service) int {
	return cmp.Or(
		strings.Compare(a.namespace, b.namespace), cmp.Compare(a.protocol, b.protocol),
		cmp.Compare(a.port, b.port), strings.Compare(a.path, b.path), strings.Compare(a.program, b.program),
	)
}
