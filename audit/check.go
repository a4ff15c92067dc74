package audit

import (
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Scene is what the rules look at: a scan, and what it means.
type Scene struct {
	Listeners []annotate.Listener
	// Discrepancies are what the witnesses do not agree on; nil where only one
	// was asked.
	Discrepancies []scanner.Discrepancy
	// Judged is what a register says of these listeners, of which it has the
	// addresses; nil where there was none.
	Judged *Judgement
}

// A listenerRule is a rule on listeners. It finds those that one of its services
// or programs is behind and that are reached as it says, or those that its check
// has something to say of.
type listenerRule struct {
	Rule
	// services are the names that the registry has for what the rule is about:
	// the program serves one of them, or, where it is not known what the program
	// serves, the port is that of one.
	services []string
	// programs are the names of programs that the rule is about at any port.
	programs []string
	// reach is how a listener has to be reached for the rule to hold.
	reach reach
	// check says what is wrong with a listener; "" for nothing. It is asked in
	// place of the above.
	check func(*checker, *annotate.Listener) string
}

// A reach is a set of exposures.
type reach uint8

const (
	outside   reach = iota // from outside the host
	anywhere               // also from this host alone
	everybody              // at every address, or a public one
)

// has reports whether e is of the set.
func (r reach) has(e annotate.Exposure) bool {
	switch r {
	case anywhere:
		return true
	case everybody:
		return e >= annotate.Public
	case outside:
	}
	return e.Reachable()
}

// Check returns what the rules find, in the order of [Sort], each fingerprint
// once. The exceptions of a register are not applied (see [Policy.Except]); what
// its entries accept is found, and marked.
//
// A rule about a service goes by the program first: what is known to serve
// something else is not found because of the number of its port. UDP sockets
// that look like clients are looked at by the rules on processes alone.
func Check(s *Scene) []Finding {
	c := &checker{db: portdb.Default(), at: make(map[place]*crowd, len(s.Listeners)), had: map[string]int{}}
	if s.Judged != nil {
		c.acceptances = s.Judged.acceptances
	}
	for i := range s.Listeners {
		if l := &s.Listeners[i]; !l.MaybeClient && l.Protocol.HasPorts() {
			c.join(l)
		}
	}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		c.what = c.identify(l)
		c.look(l)
		for _, rules := range [...][]listenerRule{serviceRules[:], processRules[:], socketRules[:]} {
			for r := range rules {
				if says := rules[r].says(c, l); says != "" {
					c.find(&rules[r].Rule, subject(l), describe(l)+": "+says)
				}
			}
		}
	}
	for i := range s.Discrepancies {
		c.discrepancy(s, &s.Discrepancies[i])
	}
	Sort(c.findings)
	return c.findings
}

// A checker holds listeners against the rules.
type checker struct {
	db *portdb.DB
	// at are the listeners at each port, clients left out.
	at map[place]*crowd
	// what is what the listener that is looked at serves.
	what identity
	// acceptances are those of a register, by what they are about.
	acceptances map[*annotate.Listener]*acceptance
	// here is that of the listener that is looked at; refused says that a finding
	// on it is about another, too, of which it is not accepted.
	here     *acceptance
	refused  bool
	had      map[string]int // the places of the findings, by fingerprint
	findings []Finding
}

// find adds a finding. Of equal sockets there is one, which is accepted where it
// is of all of them.
func (c *checker) find(r *Rule, s Subject, message string) {
	id := Fingerprint(r.ID, &s)
	f := Finding{
		Rule: r.ID, Title: r.Title, Severity: r.Severity, Message: message, Next: r.Next,
		Subject: s, Controls: r.Controls, Accepted: c.accepted(r.ID), Fingerprint: id,
	}
	f.Decided = f.Accepted.Decided
	at, ok := c.had[id]
	switch {
	case !ok:
		c.had[id] = len(c.findings)
		c.findings = append(c.findings, f)
	case f.Accepted == Approval{} && c.findings[at].Accepted != Approval{}:
		c.findings[at] = f
	}
}

// says returns what the rule finds wrong with l; "" for nothing.
func (r *listenerRule) says(c *checker, l *annotate.Listener) string {
	switch {
	case r.check != nil:
		return r.check(c, l)
	case l.MaybeClient || !l.Protocol.HasPorts() || !r.reach.has(l.Exposure):
		return ""
	}
	return c.what.among(r.services, r.programs, l)
}

// discrepancy adds a finding on what is hidden from a witness.
func (c *checker) discrepancy(scene *Scene, d *scanner.Discrepancy) {
	if !d.Kind.Hidden() {
		return
	}
	s := Subject{Namespace: d.Namespace, Protocol: d.Protocol, Family: d.Family, Addr: d.Addr, Port: uint32(d.Port)}
	if s.Namespace == "" {
		s.Namespace = hostNamespace
	}
	at := place{s.Namespace, d.Protocol, d.Port}
	c.look(nil)
	found := false
	for i := range scene.Listeners {
		l := &scene.Listeners[i]
		switch {
		case l.Family != d.Family || l.Addr != d.Addr || d.Inode != 0 && l.Inode != d.Inode || placeOf(l) != at:
			continue
		case !found:
			s, found = subject(l), true
			c.look(l)
		}
		if !c.acceptedToo(hiddenRule.ID, l) { // it may be any of them
			break
		}
	}
	c.find(&hiddenRule, s, d.Sentence())
}

// whereOf says how a listener is reached: "at every address of the host".
func whereOf(l *annotate.Listener) string {
	switch l.Exposure {
	case annotate.All:
		return "at every address of the host"
	case annotate.Loopback:
		return "for this host alone"
	case annotate.Container, annotate.LinkLocal, annotate.Private, annotate.Shared, annotate.Public:
	}
	return "at a " + l.Exposure.String() + " address"
}

// An identity is what is known of what a listener serves.
type identity struct {
	// names are the services: one, where byPort is false and the program is
	// known; those that the registry has for the port otherwise.
	names []string
	// programs are the base names of the programs, or their scripts.
	programs []string
	byPort   bool
}

// among returns in words that the identity of l is one of services or programs;
// "" where it is not.
func (id *identity) among(services, programs []string, l *annotate.Listener) string {
	for _, p := range id.programs {
		for _, want := range programs {
			if p == want {
				return "is " + want + ", " + whereOf(l)
			}
		}
	}
	for _, name := range id.names {
		for _, want := range services {
			switch {
			case !strings.EqualFold(name, want):
			case id.byPort:
				return "has the port of " + want + ", and it is not known that the program serves anything else; it listens " + whereOf(l)
			default:
				return "serves " + want + " " + whereOf(l)
			}
		}
	}
	return ""
}

// identify returns what l serves. The published port of a container serves what
// the socket in the container does.
func (c *checker) identify(l *annotate.Listener) identity {
	if !l.Protocol.HasPorts() {
		return identity{}
	}
	for _, to := range l.LeadsTo {
		namespace := to.Namespace
		if namespace == "" {
			namespace = hostNamespace
		}
		for _, inner := range c.crowd(place{namespace, to.Protocol, to.Port}).at[to.Addr] {
			if inner.Listener != l {
				return c.byProgram(inner.Listener)
			}
		}
	}
	return c.byProgram(l)
}

// byProgram returns what l serves by its programs, and by its port where none of
// them is known.
func (c *checker) byProgram(l *annotate.Listener) identity {
	if l.KernelUse != "" {
		use, _, _ := strings.Cut(l.KernelUse, " ")
		if use == "ksmbd" {
			use = "microsoft-ds"
		}
		return identity{names: []string{use}}
	}
	var id identity
	known := false
	for _, p := range holdersOf(l) {
		id.programs = append(id.programs, base(p.Exe), p.Name, base(p.Script))
		services := annotate.Serves(c.db, p)
		if len(services) == 0 {
			continue
		}
		name := serviceAt(l, services)
		if name == "" && services[0] == "docker" {
			continue // what is behind the port has it
		}
		known = true
		if name != "" {
			id.names = append(id.names, name)
		}
	}
	if known {
		return id
	}
	id.byPort = true
	if c.isUnseenSyslog(l) {
		return id
	}
	if l.Service.Name != "" {
		id.names = append(id.names, l.Service.Name)
	}
	if l.Service.Source != portdb.Local { // the operator knows better
		for _, e := range c.db.Entries(nil, transportOf(l.Protocol), l.Port) {
			if e.Source == portdb.Common {
				id.names = append(id.names, e.Name)
			}
		}
	}
	return id
}

// isUnseenSyslog reports whether l, whose holders are not seen, is at the port
// that rsh has over TCP and syslog over UDP, and its user has both: a receiver of
// syslog most often does (RFC 6587).
func (c *checker) isUnseenSyslog(l *annotate.Listener) bool {
	if l.Protocol != scanner.TCP || l.Port != 514 || len(l.Holders) > 0 || l.UID < 0 {
		return false
	}
	g := c.at[place{namespaceOf(l), scanner.UDP, l.Port}]
	return g != nil && slices.ContainsFunc(g.all, func(m member) bool { return len(m.Holders) == 0 && m.UID == l.UID })
}

// serviceAt returns which of the services of a program it serves at the port of
// l: the one that belongs there, and the main one where none does; empty for a
// program whose other ports are not for that one.
func serviceAt(l *annotate.Listener, services []string) string {
	main := services[0]
	switch {
	case l.Program == annotate.Matches && l.Service.Name == "shell" && main == "syslog":
		return main // syslog over TCP at 514: RFC 6587
	case l.Program == annotate.Matches && l.KnownAs != "":
		return l.KnownAs
	case l.Program == annotate.Matches:
		return l.Service.Name
	case main == "vnc" && strings.HasPrefix(base(l.Holders[0].Exe), "qemu"):
		return "" // the ports of a guest that it forwards are not its screen
	case main == "docker":
		return "" // a published port, which dockerd keeps where there is no docker-proxy
	case main == "tor-socks":
		return "" // a relay is at any port, and most often at 443
	}
	return main
}

// transportOf returns the transport of a protocol in the registry.
func transportOf(p scanner.Protocol) portdb.Transport {
	switch p {
	case scanner.TCP:
		return portdb.TCP
	case scanner.SCTP:
		return portdb.SCTP
	case scanner.DCCP:
		return portdb.DCCP
	case scanner.UDP, scanner.UDPLite, scanner.Raw, scanner.Ping, scanner.Packet, scanner.VSock, scanner.Unix:
	}
	return portdb.UDP
}
