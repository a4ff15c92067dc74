package annotate

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Filter says which listeners are wanted. What is of one kind is joined by
// "or", the kinds by "and": TCP or UDP, of root. A kind without anything asks
// nothing; the zero Filter takes every listener.
type Filter struct {
	// Terms are ports and words, as a person types them.
	Terms []Term
	// Exposed asks for what is reachable from outside ([Exposure.Reachable]).
	Exposed bool
	// Protocols are the protocols wanted.
	Protocols []scanner.Protocol
	// Users are names or uids; a listener is of a user where its socket is or
	// one of its holders.
	Users []string
	// Ranges are the IANA ranges wanted.
	Ranges []portdb.Range
}

// A Term is a port, a run of ports, an address with or without one, or a word.
type Term struct {
	// Spec are the ports, where Word is empty.
	Spec portdb.Spec
	// Addr is the address at which somebody listens, also by way of a wildcard; the
	// unspecified address asks for wildcards alone, and the zero one for nothing.
	Addr netip.Addr
	// Word names a service, a program, a script, a systemd unit, a container, what
	// the kernel uses a socket for, or the path or abstract name of a unix socket.
	Word string
	// registered are the ports that IANA or the operator gives to a service
	// named Word, usual those where the other layers have it.
	registered, usual []portdb.Spec
}

// ParseTerm reads a term: what is a port to [portdb.ParseSpec] is one
// ("5432", ":443", "8000-9000", "udp/53"), an address with a port or without is one
// as ss(8) writes it ("127.0.0.1:5432", "[::1]:631", "10.0.0.7"), and all else is a
// word ("nginx", "postgresql", "/usr/sbin/nginx"). What tries to be a port and is none
// ("70000", "9-1") is an error, and so is an empty term. The ports of services come
// from db.
func ParseTerm(s string, db *portdb.DB) (Term, error) {
	switch {
	case s == "":
		return Term{}, errors.New("an empty term matches nothing")
	case s[0] == '/': // a path; not a transport and a port
		return Term{Word: s}, nil
	}
	if t, ok, err := parseAddress(s); ok {
		return t, err
	}
	spec, err := portdb.ParseSpec(s)
	switch {
	case err == nil:
		return Term{Spec: spec}, nil
	case !errors.Is(err, portdb.ErrNotSpec):
		return Term{}, err
	}
	t := Term{Word: s}
	entries := db.Search(s)
	if _, port, ok := strings.Cut(s, "/"); ok && len(entries) == 0 && strings.Trim(port, "0123456789-") == "" {
		return Term{}, err // "tpc/22": IANA has names like that ("cl/1"), but not this one
	}
	for _, e := range entries {
		if !e.HasPort || e.Status != portdb.Assigned {
			continue
		}
		ports := portdb.Spec{Transport: e.Transport, First: e.First, Last: e.Last}
		if e.Source == portdb.IANA || e.Source == portdb.Local {
			t.registered = append(t.registered, ports)
		} else {
			t.usual = append(t.usual, ports)
		}
	}
	return t, nil
}

// parseAddress reads a term that is an address, with a port or a run of them or
// without: "0.0.0.0:80", "[::1]:8000-9000", "::1". It reports false for all else.
func parseAddress(s string) (t Term, ok bool, err error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return Term{Addr: addr.Unmap(), Spec: portdb.Spec{Last: 1<<16 - 1}}, true, nil
	}
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return Term{}, false, nil
	}
	host := s[:at]
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		host = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is6() != bracketed {
		return Term{}, false, nil
	}
	spec, err := portdb.ParseSpec(s[at+1:])
	if errors.Is(err, portdb.ErrNotSpec) {
		return Term{}, false, nil
	}
	return Term{Addr: addr.Unmap(), Spec: spec}, true, err
}

// Match reports whether l is wanted.
func (f *Filter) Match(l *Listener) bool {
	if f.Exposed && !l.Exposure.Reachable() {
		return false
	}
	if len(f.Protocols) > 0 && !slices.Contains(f.Protocols, l.Protocol) {
		return false
	}
	if len(f.Ranges) > 0 && (!l.Protocol.HasPorts() || !slices.Contains(f.Ranges, l.Range)) {
		return false
	}
	if len(f.Users) > 0 && !slices.ContainsFunc(f.Users, l.isOf) {
		return false
	}
	return len(f.Terms) == 0 || slices.ContainsFunc(f.Terms, func(t Term) bool { return t.match(l) })
}

// match reports whether l is at the ports or goes by the word.
func (t *Term) match(l *Listener) bool {
	if t.Word == "" {
		return l.At(t.Spec) && (!t.Addr.IsValid() || l.answers(t.Addr))
	}
	if t.names(l) || slices.ContainsFunc(l.Holders, t.namesProcess) {
		return true
	}
	for f := range l.Forwards() {
		if t.namesContainer(f.Container, f.ContainerName) {
			return true
		}
	}
	return false
}

// At reports whether the listener is at one of the ports. A listener of a protocol
// without ports is at none.
func (l *Listener) At(s portdb.Spec) bool {
	return l.Protocol.HasPorts() && s.Contains(transport(l.Protocol), l.Port)
}

// answers reports whether the listener is reached at an address of its network
// namespace; of the unspecified address, whether it is a wildcard for it.
func (l *Listener) answers(addr netip.Addr) bool {
	wildcard := l.Addr.Unmap()
	if addr.IsUnspecified() {
		return wildcard.IsUnspecified() && (wildcard.Is4() == addr.Is4() || addr.Is4() && !l.V6Only)
	}
	return slices.ContainsFunc(l.Addresses, func(a netip.Addr) bool {
		a = a.Unmap()
		if addr.Zone() == "" {
			a = a.WithZone("")
		}
		// All of 127.0.0.0/8 is the host, of which one is an interface's.
		return a == addr || wildcard.IsUnspecified() && a.Is4() && a.IsLoopback() && addr.Is4() && addr.IsLoopback()
	})
}

// names reports whether the port of l goes by the word. What is merely usual at
// a port counts only where it is not known that another program is there.
func (t *Term) names(l *Listener) bool {
	if l.Unix != nil && l.Unix.Path == t.Word {
		return true
	}
	for word := range strings.FieldsSeq(l.KernelUse) {
		if strings.EqualFold(t.Word, word) {
			return true
		}
	}
	return strings.EqualFold(t.Word, l.Service.Name) || strings.EqualFold(t.Word, l.KnownAs) ||
		slices.ContainsFunc(t.registered, l.At) || l.KnownAs == "" && slices.ContainsFunc(t.usual, l.At)
}

// namesProcess reports whether a process goes by the word: by its name, its
// executable or its script (with the folder or without, the script also without
// its ending), its unit (with the type or without), or its container or pod.
func (t *Term) namesProcess(p *scanner.Process) bool {
	is := func(name string) bool { return name != "" && strings.EqualFold(t.Word, name) }
	if is(p.Name) || is(p.Exe) || is(base(p.Exe, "", false)) || is(p.Script) || is(p.Pod) || t.namesContainer(p.Container, p.ContainerName) {
		return true
	}
	for _, unit := range [...]string{p.Unit, p.UserUnit} {
		if i := strings.LastIndexByte(unit, '.'); is(unit) || i > 0 && is(unit[:i]) {
			return true
		}
	}
	script := base(p.Script, "", false)
	return is(script) || is(trimEnding(script))
}

// namesContainer reports whether a container goes by the word: by its name, or its
// id, of which people read and type the first twelve digits.
func (t *Term) namesContainer(id, name string) bool {
	const short = 12
	return name != "" && strings.EqualFold(t.Word, name) || id != "" && strings.EqualFold(t.Word, id) ||
		len(t.Word) >= short && len(id) == 64 && strings.HasPrefix(id, t.Word)
}

// isOf reports whether the listener belongs to a user, by name or uid.
func (l *Listener) isOf(user string) bool {
	if isUser(user, l.UID, l.User) {
		return true
	}
	return slices.ContainsFunc(l.Holders, func(p *scanner.Process) bool { return isUser(user, p.UID, p.User) })
}

// isUser reports whether a person who types user means the one with this uid and
// name.
func isUser(user string, uid int64, name string) bool {
	if name != "" && user == name {
		return true
	}
	return uid >= 0 && user == strconv.FormatInt(uid, 10)
}
