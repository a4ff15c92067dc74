package report

import (
	"slices"
	"time"

	"github.com/whatslistening/whatslistening/audit"
)

// unasked returns the rules that had nothing to go by: what was not looked for is
// not to be taken for what was not found.
func (r *Report) unasked() []audit.Unasked { return r.Scan().Unasked(r.Discrepancies != nil) }

// disabled returns the exception that takes the findings of a rule away; nil for
// none.
func (r *Report) disabled(rule string) *audit.Exception {
	if r.Register == nil {
		return nil
	}
	for i := range r.Register.Exceptions {
		if x := &r.Register.Exceptions[i]; x.Rule == rule && x.Disabled && !x.Expired(r.Time) {
			return x
		}
	}
	return nil
}

// hidesDrift reports whether the register disables a rule on what changed.
func (r *Report) hidesDrift() bool {
	return slices.ContainsFunc(audit.Rules(), func(rule audit.Rule) bool {
		return judgementOf(rule.ID) == byDrift && r.disabled(rule.ID) != nil
	})
}

// standing says what an exception comes to, behind the name of its rule. It is
// not escaped.
func standing(x *audit.Exception, now time.Time) string {
	switch {
	case x.Expired(now):
		return "has an exception no more, since " + x.Expires
	case x.Disabled:
		return "is disabled"
	}
	return "counts as " + x.Severity.String()
}
