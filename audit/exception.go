package audit

import "time"

// An Exception says that a rule does not hold on this host, or that its findings
// weigh more or less than elsewhere.
type Exception struct {
	Position
	// Rule is the id of the rule.
	Rule string
	// Disabled takes the rule's findings away; otherwise they have Severity.
	Disabled bool
	Severity Severity
	// Reason, Owner, Ticket and Expires are as in an [Entry].
	Reason, Owner, Ticket, Expires string
}

// Expired reports whether the exception counts for nothing at now: its last day
// is over.
func (x *Exception) Expired(now time.Time) bool { return x.Expires != "" && dayOf(now) > x.Expires }

// exception returns the exception from a rule; nil for none.
func (p *Policy) exception(rule string) *Exception {
	for i := range p.Exceptions {
		if p.Exceptions[i].Rule == rule {
			return &p.Exceptions[i]
		}
	}
	return nil
}

// Except returns findings as the register has them: without those of disabled
// rules, and re-graded; and apart from them those that an entry accepts. An
// exception that has expired counts for nothing. The findings are changed in
// place.
func (p *Policy) Except(findings []Finding, now time.Time) (kept, accepted []Finding) {
	kept = findings[:0]
	for _, f := range findings {
		if x := p.exception(f.Rule); x != nil && !x.Expired(now) {
			if x.Disabled {
				continue
			}
			f.Severity = x.Severity
		}
		if f.Accepted != (Approval{}) {
			accepted = append(accepted, f)
			continue
		}
		kept = append(kept, f)
	}
	clear(findings[len(kept):])
	return kept, accepted
}
