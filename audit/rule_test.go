package audit

import (
	"slices"
	"strings"
	"testing"
)

// Every rule is found by its id, stands in its place, and says what there is to
// say.
func TestRules(t *testing.T) {
	rules := Rules()
	if !slices.IsSortedFunc(rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("the rules are not in the order of their ids")
	}
	for _, r := range rules {
		if got, ok := RuleByID(r.ID); !ok || got.Title != r.Title {
			t.Errorf("RuleByID(%q) = %v, %v", r.ID, got, ok)
		}
		if r.Title == "" || r.Help == "" || r.Next == "" || len(r.Controls) == 0 {
			t.Errorf("rule %s lacks something: %+v", r.ID, r)
		}
	}
	if r, ok := RuleByID("WL000"); ok {
		t.Errorf("RuleByID(WL000) = %v", r)
	}
}
