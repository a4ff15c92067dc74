package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Verdict is what a register says of a listener.
type Verdict uint8

// The verdicts.
const (
	NotJudged      Verdict = iota // no register was asked, or it does not speak of the protocol
	Approved                      // an entry approves it
	Unapproved                    // no entry speaks of it
	OtherProgram                  // approved for another program
	OtherUser                     // approved for another user
	OtherUnit                     // approved for another systemd unit
	OtherContainer                // approved for another container
	Wider                         // approved for fewer peers, or at another address
	Expired                       // approved until a day that is over
	Unconfirmed                   // approved for a program, user, unit or container that could not be seen
	Client                        // a UDP socket that looks like a client: no entry approves it, and none has to
)

// verdicts are the words of the verdicts in reports.
var verdicts = [...]string{
	"not-judged", "approved", "unapproved", "other-program", "other-user", "other-unit", "other-container",
	"wider", "expired", "unconfirmed", "client",
}

// String returns the verdict's word: "approved", "other-program".
func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// An Approval is what a register says of a listener, and the entry that it says
// so by.
type Approval struct {
	Verdict Verdict
	// Decided is the entry that approves it, or the one that comes nearest; the
	// zero Position where no entry speaks of it.
	Decided Position
	// Reason, Owner, Ticket and Expires are those of the entry.
	Reason, Owner, Ticket, Expires string
}

// A Judgement is what a register says of what listens.
type Judgement struct {
	// Approvals are the verdicts, one for each listener, in their order.
	Approvals []Approval
	// Findings are in the order of [Sort], each fingerprint once. The exceptions
	// of the register are not applied yet (see [Policy.Except]).
	Findings []Finding
	// Register is the register as a report shows it.
	Register Register

	acceptances map[*annotate.Listener]*acceptance
}

// A Register is what a report says of the register that it was judged by.
type Register struct {
	Files      []PolicyFile
	Approvals  []RegisterEntry
	Exceptions []Exception
}

// A RegisterEntry is an entry of a register, and what came of it.
type RegisterEntry struct {
	Position
	// Approves is what it approves, in one line ([Entry.String]).
	Approves string
	// Reason, Owner, Ticket and Expires are those of the entry.
	Reason, Owner, Ticket, Expires string
	// Listeners is how many listeners it approved.
	Listeners int
	// Accepts are the rules whose findings on these are accepted.
	Accepts []string
}

// Judge holds listeners against the register. What no entry approves is
// unapproved, and so is what an entry approved that has expired at now.
//
// Entries are tried in order, and the first that approves a listener decides.
// Where none does, the one decides that comes nearest: it explains more to say
// that a port was approved for another program than that it was not approved.
// Where an entry asks for what the scan could not see, the listener is neither
// approved nor accused: it is [Unconfirmed]. Sockets without a port (raw, packet,
// unix) are judged where an entry speaks of their protocol. What an entry speaks
// of is absent only where the scan looked for it. An entry is good at the time of
// the scan or it has expired.
func (p *Policy) Judge(s *Scan) *Judgement {
	listeners := s.Listeners
	j := &judge{policy: p, index: p.index(), scan: s, protocols: p.Protocols(), day: dayOf(s.Time), used: make([]int, len(p.Entries)), near: make([]bool, len(p.Entries)), had: map[string]bool{}}
	out := &j.out
	out.Approvals = make([]Approval, len(listeners))
	for i := range listeners {
		out.Approvals[i] = j.listener(&listeners[i])
	}
	out.Register.Files, out.Register.Exceptions = p.Files, p.Exceptions
	for i := range p.Entries {
		j.entry(i)
	}
	Sort(out.Findings)
	return out
}

// A judge holds listeners against a register.
type judge struct {
	policy    *Policy
	scan      *Scan
	index     *judgeIndex
	protocols []scanner.Protocol // that its entries speak of
	day       string
	// used is how many listeners each entry approved; near tells those that have
	// to do with one, if only to explain what is wrong with it.
	used []int
	near []bool
	had  map[string]bool // fingerprints
	out  Judgement
}

// listener judges a listener.
func (j *judge) listener(l *annotate.Listener) Approval {
	if !l.Protocol.HasPorts() && !slices.Contains(j.protocols, l.Protocol) {
		return Approval{}
	}
	best, least := -1, misfit(0)
	for _, list := range j.index.of(l) {
		for _, i := range list {
			m, related := j.policy.Entries[i].fit(l, j.day)
			if !related {
				continue
			}
			if m&^(isExpired|unseen) == 0 {
				j.near[i] = true // it may be what the entry approves, whichever decides
			}
			if best < 0 || m < least || m == least && i < best {
				best, least = i, m
			}
		}
	}
	if l.MaybeClient && (best < 0 || least != 0) {
		return Approval{Verdict: Client}
	}
	if best < 0 {
		j.find(ruleUnapproved, subject(l), Position{}, "%s: no entry approves it", describe(l))
		return Approval{Verdict: Unapproved}
	}
	e := &j.policy.Entries[best]
	a := Approval{verdictOf(least), e.Position, e.Reason, e.Owner, e.Ticket, e.Expires}
	j.near[best] = true
	if a.Verdict == Approved {
		j.used[best]++
		j.accept(l, e, &a)
		return a
	}
	j.find(ruleOf(a.Verdict), subject(l), e.Position, "%s: %s", describe(l), e.explain(l, least))
	return a
}

// verdictOf returns the verdict on a listener that m keeps an entry from
// approving.
func verdictOf(m misfit) Verdict {
	switch {
	case m == 0:
		return Approved
	case m&otherProgram != 0:
		return OtherProgram
	case m&otherContainer != 0:
		return OtherContainer
	case m&otherUnit != 0:
		return OtherUnit
	case m&otherUser != 0:
		return OtherUser
	case m&elsewhere != 0:
		return Wider
	case m&isExpired != 0:
		return Expired
	}
	return Unconfirmed
}

// ruleOf returns the rule of the findings on listeners with a verdict.
func ruleOf(v Verdict) string {
	switch v {
	case Wider:
		return ruleWider
	case Expired:
		return ruleExpired
	case Unconfirmed:
		return ruleUnconfirmed
	}
	return ruleOther
}

// entry judges an entry by what came of it.
func (j *judge) entry(i int) {
	e := &j.policy.Entries[i]
	j.out.Register.Approvals = append(j.out.Register.Approvals, RegisterEntry{
		e.Position, e.String(), e.Reason, e.Owner, e.Ticket, e.Expires, j.used[i], e.Accepts,
	})
	if !j.near[i] && j.scan.sees(e) {
		j.find(ruleAbsent, e.subject(), e.Position, "%v: approved, and nothing of the kind listens", e)
	}
	if e.unread() {
		j.find(ruleNoReason, e.subject(), e.Position, "%v: approved without a reason", e)
	}
}

// find adds a finding of a rule. One with a fingerprint that was there already
// is the same: workers have a socket each at one address.
func (j *judge) find(rule string, s Subject, decided Position, format string, args ...any) {
	r, _ := RuleByID(rule)
	var more []string
	if rule == ruleAbsent || rule == ruleNoReason {
		more = []string{fmt.Sprint(args[0])} // the entry, without its line
	}
	id := Fingerprint(rule, &s, more...)
	if j.had[id] {
		return
	}
	j.had[id] = true
	j.out.Findings = append(j.out.Findings, Finding{
		Rule: rule, Title: r.Title, Severity: r.Severity, Message: fmt.Sprintf(format, args...), Next: r.Next,
		Subject: s, Controls: r.Controls, Decided: decided, Fingerprint: id,
	})
}

// explain says what keeps e from approving l.
func (e *Entry) explain(l *annotate.Listener, m misfit) string {
	var parts []string
	add := func(bit misfit, name string, list []string) {
		if m&bit != 0 {
			parts = append(parts, name+" "+strings.Join(list, " or "))
		}
	}
	add(otherProgram, "program", e.Programs)
	add(otherContainer, "container", e.Containers)
	add(otherUnit, "unit", e.Units)
	add(otherUser, "user", e.Users)
	var s []string
	if len(parts) > 0 {
		s = append(s, "approved for "+strings.Join(parts, ", "))
	}
	if m&elsewhere != 0 {
		s = append(s, fmt.Sprintf("exposure %v, approved %s", l.Exposure, e.reach()))
	}
	if m&isExpired != 0 {
		s = append(s, "approved until "+e.Expires)
	}
	if m == unseen {
		s = append(s, "approved for what cannot be told: "+e.String())
	}
	return strings.Join(s, "; ")
}

// describe names a listener: "tcp 0.0.0.0:443 (nginx of root)".
func describe(l *annotate.Listener) string {
	var b strings.Builder
	b.WriteString(l.Protocol.String())
	switch {
	case l.Unix != nil:
		b.WriteString(" " + l.Unix.Path)
	case hasReach(l.Protocol) && l.Addr.IsValid():
		b.WriteString(" " + netip.AddrPortFrom(l.Addr, l.Port).String())
	case hasPort(l.Protocol):
		fmt.Fprintf(&b, "/%d", portOf(l))
	}
	if l.Device != "" {
		b.WriteString(" on device " + l.Device)
	}
	if ns := namespaceOf(l); ns != hostNamespace {
		b.WriteString(" in namespace " + shortName(ns))
	}
	b.WriteString(" (" + holderOf(l))
	if s := subject(l); s.User != "" {
		b.WriteString(" of " + s.User)
	}
	b.WriteString(")")
	return b.String()
}

// holderOf says who holds a listener.
func holderOf(l *annotate.Listener) string {
	switch programs := l.Programs(); {
	case len(programs) > 0:
		return strings.Join(programs, ", ")
	case l.Why == scanner.Kernel:
		return "the kernel"
	case l.Why == scanner.NotFound:
		return "no process"
	}
	return "an unseen process"
}
