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

// accept notes what the entry e accepts of l, which it approves. An entry that
// nobody has given a reason accepts nothing.
func (j *judge) accept(l *annotate.Listener, e *Entry, a *Approval) {
	if len(e.Accepts) == 0 || e.unread() {
		return
	}
	if j.out.acceptances == nil {
		j.out.acceptances = map[*annotate.Listener]acceptance{}
	}
	j.out.acceptances[l] = acceptance{*a, e.Accepts}
}

// ask begins to ask a rule of l; nil for what is no listener.
func (c *checker) ask(rule string, l *annotate.Listener) {
	c.asked, c.accepted = rule, Approval{}
	if a := c.acceptances[l]; slices.Contains(a.rules, rule) {
		c.accepted = a.Approval
	}
}

// acceptedToo reports whether a finding that is about other as well is still
// accepted: each that it is about has to have an approval that accepts it.
func (c *checker) acceptedToo(other *annotate.Listener) bool {
	if !slices.Contains(c.acceptances[other].rules, c.asked) {
		c.accepted = Approval{}
	}
	return c.accepted != (Approval{})
}
