package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// findingsOf writes what an audit judged.
func findingsOf(t tester, r *Report, f Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteFindings(&b, r, f, nil); err != nil {
		t.Fatal(err)
	}
	checkShown(t, f, b.Bytes())
	return b.Bytes()
}

// Every finding is a row of as many cells as there are titles, and no cell is a
// formula.
func TestFindingsCSV(t *testing.T) {
	check := func(t tester, r *Report) {
		rows, err := csv.NewReader(bytes.NewReader(findingsOf(t, r, CSV))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		findings := r.judged()
		if len(rows) != len(findings)+1 {
			t.Fatalf("%d rows of %d findings", len(rows), len(findings))
		}
		for i, row := range rows[1:] {
			if want := findings[i].Severity.String(); row[0] != want {
				t.Errorf("row %d is %q, want %q", i, row[0], want)
			}
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("a formula: %q", cell)
				}
			}
		}
	}
	screen(t, "audit.csv", string(findingsOf(t, hostileAudit(), CSV)))
	rapid.Check(t, func(rt *rapid.T) { check(rt, anyReport().Draw(rt, "report")) })
}

// Every finding is a line that the schema takes.
func TestFindingsJSONL(t *testing.T) {
	v := newValidator(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := anyReport().Draw(rt, "report")
		data := findingsOf(rt, r, JSONL)
		v.checkLines(rt, "findingLine", data)
		if n := bytes.Count(data, []byte{'\n'}); n != len(r.judged()) {
			rt.Errorf("%d lines of %d findings", n, len(r.judged()))
		}
	})
}

// A comment holds no link, mention, image or HTML but our own, whatever the
// host calls its things, and is one table.
func TestFindingsMarkdown(t *testing.T) {
	check := func(t tester, r *Report) {
		out := string(findingsOf(t, r, Markdown))
		rows := 0
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "| ") {
				rows++
				if n := strings.Count(line, "|"); n != 6 {
					t.Errorf("a row of %d bars: %q", n, line)
				}
			}
			// What is left without the inline code is ours.
			rest := ""
			for i, part := range strings.Split(line, "`") {
				if i%2 == 0 {
					rest += part
				}
			}
			for _, own := range []string{"<details><summary>What was looked at</summary>", "</details>"} {
				rest = strings.Replace(rest, own, "", 1)
			}
			for _, bad := range []string{"<", "[", "@", "http", "www.", "![", "GH-", "a5c3785ed8d6a35868bc169f07e40e889087fd2e", "&", "\\"} {
				if strings.Contains(rest, bad) {
					t.Errorf("%q stands in %q", bad, line)
				}
			}
		}
		if want := len(r.Findings) + 2; want > 2 && rows != want {
			t.Errorf("%d rows, want %d:\n%s", rows, want, out)
		}
	}
	check(t, hostileAudit())
	screen(t, "audit.markdown", string(findingsOf(t, hostileAudit(), Markdown)))
	rapid.Check(t, func(rt *rapid.T) { check(rt, anyReport().Draw(rt, "report")) })
}

// A comment is never longer than GitHub takes, and says how many findings have
// no room.
func TestFindingsMarkdownRoom(t *testing.T) {
	r := &Report{Host: scanner.Host{Name: "web1"}}
	for range 2000 {
		r.Findings = append(r.Findings, audit.Finding{Rule: "WL101", Severity: audit.Error, Message: strings.Repeat("<x> ", 60), Next: "stop it"})
	}
	for range 1000 {
		r.Coverage.Limitations = append(r.Coverage.Limitations, scanner.Limitation{Code: "x", Text: strings.Repeat("a<", 2000)})
	}
	for range 1000 {
		r.Accepted = append(r.Accepted, audit.Finding{
			Rule: "WL007", Subject: audit.Subject{Programs: []string{strings.Repeat("a<", 2000)}},
			Accepted: audit.Approval{Verdict: audit.Approved, Reason: strings.Repeat("a<", 2000), Decided: audit.Position{File: strings.Repeat("a<", 2000)}},
		})
	}
	out := string(findingsOf(t, r, Markdown))
	rows := strings.Count(out, "| **error** |")
	if len(out) > maxComment || rows == 0 {
		t.Errorf("%d bytes with %d rows", len(out), rows)
	}
	if want := "and " + itoa(2000-rows) + " findings more, for which there is no room\n"; !strings.Contains(out, want) {
		t.Errorf("there is no %q", want)
	}
	if !strings.HasSuffix(out, "</details>\n") {
		t.Error("the end is missing")
	}
}
