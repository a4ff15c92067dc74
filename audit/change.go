package audit

import "fmt"

// A Change is what happened to a listener since a baseline.
type Change uint8

// The changes.
const (
	NoChange Change = iota // the finding is of no comparison
	Appeared
	Gone
	Moved // another address, port or exposure
	Replaced
	Restarted
	OwnerChanged
)

// changes are the words of the changes.
var changes = [...]string{"none", "appeared", "gone", "moved", "replaced", "restarted", "owner"}

// String returns the change's word: "appeared", "owner".
func (c Change) String() string {
	if int(c) < len(changes) {
		return changes[c]
	}
	return fmt.Sprintf("Change(%d)", uint8(c))
}

// Change returns what the finding says has changed.
func (f *Finding) Change() Change {
	switch f.Rule {
	case ruleAppeared:
		return Appeared
	case ruleGone:
		return Gone
	case ruleMoved:
		return Moved
	case ruleReplaced:
		return Replaced
	case ruleRestarted:
		return Restarted
	case ruleOwner:
		return OwnerChanged
	}
	return NoChange
}
