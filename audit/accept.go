package audit

import (
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
)

// An acceptance is an approval, and the rules whose findings on what it approves
// are accepted.
type acceptance struct {
	Approval
	rules []string
}

// covers reports whether a, which may be nil, accepts what a rule finds.
func (a *acceptance) covers(rule string) bool { return a != nil && slices.Contains(a.rules, rule) }

// accept notes what the entry e accepts of l, which it approves. An entry that
// nobody has given a reason accepts nothing.
func (j *judge) accept(l *annotate.Listener, e *Entry, a *Approval) {
	if len(e.Accepts) == 0 || e.unread() {
		return
	}
	if j.out.acceptances == nil {
		j.out.acceptances = map[*annotate.Listener]*acceptance{}
	}
	j.out.acceptances[l] = &acceptance{*a, e.Accepts}
}

// look turns to a listener; nil for what is none.
func (c *checker) look(l *annotate.Listener) { c.here, c.refused = c.acceptances[l], false }

// acceptedToo reports whether what a rule finds on the listener that is looked at
// is accepted, though it is about other as well: the approvals of all that it is
// about have to accept it.
func (c *checker) acceptedToo(rule string, other *annotate.Listener) bool {
	c.refused = c.refused || !c.here.covers(rule) || !c.acceptances[other].covers(rule)
	return !c.refused
}

// accepted returns the approval that accepts what a rule found; the zero Approval
// for none.
func (c *checker) accepted(rule string) Approval {
	refused := c.refused
	if c.refused = false; refused || !c.here.covers(rule) {
		return Approval{}
	}
	return c.here.Approval
}
