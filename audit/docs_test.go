package audit

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// The registers in docs/audit.md can be read and have nothing odd about them, and the page
// names every key, verdict and rule.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rest := page; ; n++ {
		_, after, ok := bytes.Cut(rest, []byte("```yaml\n"))
		if !ok {
			break
		}
		text, after, _ := bytes.Cut(after, []byte("```\n"))
		rest = after
		p := parse(t, string(text))
		for _, problem := range p.Lint(today) {
			t.Errorf("Lint: %v", problem.String())
		}
	}
	if n != 3 {
		t.Errorf("the page has %d registers, want 3", n)
	}
	var words []string
	words = append(append(append(words, policyKeys...), entryKeys...), exceptionKeys...)
	for v := Approved; v <= Client; v++ {
		words = append(words, v.String())
	}
	for _, w := range words {
		if !strings.Contains(string(page), "`"+w) && !strings.Contains(string(page), "\n"+w+":") {
			t.Errorf("the page does not name %q", w)
		}
	}
	for _, r := range registerRules {
		if !strings.Contains(string(page), "| "+r.ID+" | "+r.Severity.String()+" |") {
			t.Errorf("the page does not have %s as %v", r.ID, r.Severity)
		}
	}
}
