package audit

import (
	"cmp"
	"slices"
	"strings"
)

// A Rule is what an audit looks for. Rules are data: the reference, the reports
// and the checks all speak of them by their ids.
type Rule struct {
	// ID is "WL101": never given to another rule.
	ID string
	// Title names what is found, Help explains in a paragraph why it matters, and
	// Next is what to do about it.
	Title, Help, Next string
	// Severity is that of the rule's findings, unless a register re-grades it.
	Severity Severity
	// Controls are the controls of benchmarks that its findings support evidence
	// for.
	Controls []Control
}

// eachRule yields the rules, in the order of their tables.
func eachRule(yield func(*Rule) bool) {
	for _, rules := range [...][]listenerRule{serviceRules[:], processRules[:], socketRules[:]} {
		for i := range rules {
			if !yield(&rules[i].Rule) {
				return
			}
		}
	}
	if !yield(&hiddenRule) {
		return
	}
	for _, rules := range [...][]Rule{registerRules[:], driftRules[:]} {
		for i := range rules {
			if !yield(&rules[i]) {
				return
			}
		}
	}
}

// Rules returns every rule, by id.
func Rules() []Rule {
	var list []Rule
	for r := range eachRule {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// RuleByID returns the rule of an id, and whether there is one.
func RuleByID(id string) (Rule, bool) {
	for r := range eachRule {
		if r.ID == id {
			return *r, true
		}
	}
	return Rule{}, false
}

// isOf reports whether r is one of a list.
func (r *Rule) isOf(rules []Rule) bool {
	return slices.ContainsFunc(rules, func(o Rule) bool { return o.ID == r.ID })
}

// nearestRule returns the id of a rule that id is most like; empty for none.
func nearestRule(id string) string {
	id = strings.ToUpper(id)
	if _, ok := RuleByID(id); ok {
		return id
	}
	for r := range eachRule {
		if isNear(id, r.ID) || isNear(r.ID, id) {
			return r.ID
		}
	}
	return ""
}

// The rules of the approval register.
const (
	ruleUnapproved  = "WL101"
	ruleOther       = "WL102"
	ruleWider       = "WL103"
	ruleExpired     = "WL104"
	ruleAbsent      = "WL105"
	ruleNoReason    = "WL106"
	ruleUnconfirmed = "WL107"
)

// approvedOnly are the controls that ask for an approval of every service that
// listens.
var approvedOnly = []Control{
	{cisDebian, cisDebianVersion, "2.1.22"},
	{cisUbuntu, cisUbuntuVersion, "2.1.22"},
	{nist, "", "CM-7"},
	{pci, pciVersion, "1.2.5"},
	{stig, "", "CCI-000382"},
}

// registerRules are the rules of the approval register.
var registerRules = [...]Rule{
	{
		ID: ruleUnapproved, Title: "Listener without an approval", Severity: Error,
		Help: "Nothing may listen that the register does not name. No entry of it speaks of this protocol, " +
			"port and network namespace: the service is new, was forgotten, or does not belong here.",
		Next:     "stop the service, or approve it by an entry that says why it is there",
		Controls: approvedOnly,
	},
	{
		ID: ruleOther, Title: "Listener of another program or user than approved", Severity: Error,
		Help: "An entry approves this port, and for something else: another program, user, systemd unit or " +
			"container holds it. A service was replaced or moved, a second one shares its socket, or something " +
			"took its place.",
		Next:     "find out who started it; then stop it, or name it in the entry",
		Controls: approvedOnly,
	},
	{
		ID: ruleWider, Title: "Listener on more or other addresses than approved", Severity: Error,
		Help: "The program is the approved one, and more peers can reach it than were approved, or it is not " +
			"at the approved address: a service that was meant for this host alone listens on every address, " +
			"say. A packet filter may still keep them out; the register speaks of addresses.",
		Next:     "bind the service to the approved address, or approve the wider exposure",
		Controls: approvedOnly,
	},
	{
		ID: ruleExpired, Title: "Listener whose approval has expired", Severity: Error,
		Help: "The entry that approves this listener was good until a day that is over. An expired approval " +
			"approves nothing: somebody wanted the question to be asked again.",
		Next:     "ask the owner whether it is still needed; then stop it, or set a new day",
		Controls: approvedOnly,
	},
	{
		ID: ruleAbsent, Title: "Approved, and does not listen", Severity: Note,
		Help: "No listener is what this entry approves. The service was removed, is stopped, or listens " +
			"elsewhere. An approval that nothing needs is one that something else can use.",
		Next:     "start the service, or delete the entry",
		Controls: approvedOnly,
	},
	{
		ID: ruleNoReason, Title: "Approved without a reason", Severity: Warning,
		Help: "The reason of this entry is a question mark, as a first draft has it. Nobody has said yet why " +
			"the service is needed, so that the approval is a record of what was found and no decision.",
		Next:     "write why it is needed, or delete the entry and stop the service",
		Controls: approvedOnly,
	},
	{
		ID: ruleUnconfirmed, Title: "Approval that cannot be confirmed", Severity: Warning,
		Help: "The address and port are approved for a certain program, user, unit or container, and this scan " +
			"could not see which it is. It may be the approved one.",
		Next:     "let the scan see it (whatslistening doctor says how), or look at it by hand",
		Controls: approvedOnly,
	},
}
