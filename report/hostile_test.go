package report

import (
	"net/netip"
	"strconv"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

func itoa(n int) string { return strconv.Itoa(n) }

// hostileNames are names that mean something to a reader of some format.
var hostileNames = []string{
	"<img src=x onerror=alert(1)>", "]]>&amp;\"'", "@everyone", "[x](javascript:alert(1))", "![x](http://evil.example/x)",
	"=cmd|' /C calc'!A1", "::error::pwned", "##vso[task.setvariable]x", "\x1b[31mred", "a\u202eb", "a\nb\r\nc", "\xff\xfe\ufffe",
	`quote"back\slash`, "`code`", "| cell |", "# HELP x", "</details>", "GH-123", "a5c3785ed8d6a35868bc169f07e40e889087fd2e", "www.evil.example", "\\n\\",
}

// hostileAudit is an audit of a host on which every name is hostile.
func hostileAudit() *Report {
	r := audited()
	r.Listeners = append(r.Listeners[:0:0], r.Listeners...)
	for i, name := range hostileNames {
		rule, _ := audit.RuleByID("WL10" + itoa(1+i%3))
		l := listener(scanner.TCP, "0.0.0.0", uint16(20000+i), name, process(7000+i, name, name))
		r.Listeners = append(r.Listeners, l)
		r.Approvals = append(r.Approvals, audit.Approval{Verdict: audit.Unapproved})
		s := audit.Subject{Namespace: "host", Protocol: l.Protocol, Family: l.Family, Addr: l.Addr, Port: uint32(l.Port), Programs: []string{name}, User: name}
		r.Findings = append(r.Findings, audit.Finding{
			Rule: rule.ID, Title: rule.Title, Severity: rule.Severity, Next: rule.Next, Controls: rule.Controls,
			Message: "tcp 0.0.0.0:" + itoa(20000+i) + " (" + name + " of " + name + ") is approved by no entry of the register",
			Subject: s, Fingerprint: audit.Fingerprint(rule.ID, &s),
		})
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Fingerprint == "" {
			f.Subject = audit.Subject{Namespace: "host", Protocol: scanner.TCP, Addr: netip.IPv6Loopback(), Port: uint32(i)}
			f.Fingerprint = audit.Fingerprint(f.Rule, &f.Subject)
		}
	}
	audit.Sort(r.Findings)
	return r
}

// everyRule is a hostile audit in which every rule has found something, held
// against a baseline.
func everyRule() *Report {
	r := hostileAudit()
	r.Baseline = new(audit.Baseline)
	for i, rule := range audit.Rules() {
		name := hostileNames[i%len(hostileNames)]
		s := audit.Subject{Namespace: name, Protocol: scanner.UDP, Addr: netip.IPv6Unspecified(), Port: uint32(30000 + i), Programs: []string{name}, User: name, Path: name}
		f := audit.Finding{
			Rule: rule.ID, Title: rule.Title, Severity: rule.Severity, Next: rule.Next, Controls: rule.Controls,
			Message: rule.Title + ": " + name, Subject: s, Fingerprint: audit.Fingerprint(rule.ID, &s),
		}
		if judgementOf(rule.ID) != byRules {
			f.Decided = audit.Position{File: name, Line: i + 1}
			f.Was, f.Now = name, name
		}
		r.Findings = append(r.Findings, f)
	}
	audit.Sort(r.Findings)
	return r
}
