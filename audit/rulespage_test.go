package audit

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docs/rules.md is made from the rules by this test:
//
//go:generate go test -run ^TestRulesPage$ -update

const rulesPage = "../docs/rules.md"

// TestRulesPage fails when docs/rules.md is not what the rules say.
func TestRulesPage(t *testing.T) {
	want := makeRulesPage()
	if *update {
		if err := os.WriteFile(rulesPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/rules.md is stale: run go generate ./audit")
	}
}

func makeRulesPage() string {
	var b strings.Builder
	b.WriteString(`# The rules

<!-- Made from audit/rules_*.go by go generate ./audit: do not edit. -->

What ` + "`whatslistening audit`" + ` looks for. ` + "`audit --rules`" + ` lists the rules, ` + "`audit --explain WL007`" + ` prints one; how to disable or
re-grade one, with a reason, or to [accept](audit.md#a-finding-that-is-accepted) a finding of one, is in
[audit.md](audit.md#rules-that-do-not-fit). Findings support evidence for the controls that are named. They do not say that a
host meets them.

A rule about a service goes by the program first: nginx at the port of Redis is not taken for Redis, and Redis is found at any
port. Where it is not known what the program serves, the port's registration speaks, and the finding says so. "Reachable" is every
address but loopback and those of container bridges; packet filters are not looked at.

| | | |
|---|---|---|
`)
	rules := Rules()
	for _, r := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %v | %s |\n", r.ID, strings.ToLower(r.ID), r.Severity, r.Title)
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n**%s** (%v)\n\n%s\n\nNext: %s.\n\nControls: ", r.ID, r.Title, r.Severity, strings.ReplaceAll(r.Help, `<`, `&lt;`), r.Next)
		for i, c := range r.Controls {
			if i > 0 {
				b.WriteString(" · ")
			}
			b.WriteString(c.String())
		}
		b.WriteString("\n")
	}
	return b.String()
}
