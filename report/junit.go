package report

import (
	"io"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
)

// A judgement is where a finding comes from.
type judgement uint8

const (
	byRules    judgement = iota // WL0..
	byRegister                  // WL1..
	byDrift                     // WL2..
)

// judgementOf returns where the findings of a rule come from.
func judgementOf(rule string) judgement {
	switch {
	case strings.HasPrefix(rule, "WL1"):
		return byRegister
	case strings.HasPrefix(rule, "WL2"):
		return byDrift
	}
	return byRules
}

// writeJUnit writes what an audit judged as tests: those of the register, a test
// for each listener; those of the rules, a test for each; those of the drift
// from a baseline; and what could not be seen as tests that were skipped. A rule
// that was not asked is skipped too: a test that passes says that there is
// nothing. It keeps to the schema of Jenkins' xUnit plugin (junit-10.xsd).
func writeJUnit(w io.Writer, r *Report, o *Options) error { return writeSuites(w, r, o, true) }

// writeSuites writes the suites, that of the rules only where they were asked.
func writeSuites(w io.Writer, r *Report, o *Options, asked bool) error {
	list, err := inOrder(r.Listeners, o.Sort)
	if err != nil {
		return err
	}
	j := &junit{r: r, list: list, failOn: o.FailOn}
	var rules []testCase
	if asked {
		rules = j.rules(byRules)
	}
	suites := [...]struct {
		name  word
		cases []testCase
	}{
		{"register", j.register()},
		{"rules", rules},
		{"drift", j.rules(byDrift)},
		{"coverage", j.coverage()},
	}
	out := &j.out
	out.word(`<?xml version="1.0" encoding="UTF-8"?>`)
	if err := out.line(w); err != nil {
		return err
	}
	out.word(`<testsuites name="whatslistening">`)
	if err := out.line(w); err != nil {
		return err
	}
	id := 0
	for _, s := range suites {
		if len(s.cases) == 0 {
			continue
		}
		if err := j.suite(w, id, s.name, j.merge(s.cases)); err != nil {
			return err
		}
		id++
	}
	out.word("</testsuites>")
	if err := out.line(w); err != nil {
		return err
	}
	return out.flush(w)
}

// A junit is a report of tests in the making.
type junit struct {
	r        *Report
	list     []*annotate.Listener
	failOn   audit.Severity
	out, one page
}

// isSkipped reports whether the test was skipped. One with findings was not.
func (c *testCase) isSkipped() bool { return len(c.skipped) > 0 && len(c.findings) == 0 }

// fails reports whether the test fails.
func (j *junit) fails(c *testCase) bool {
	return slices.ContainsFunc(c.findings, func(f *audit.Finding) bool { return f.Severity >= j.failOn })
}

// suite writes a suite of tests.
func (j *junit) suite(w io.Writer, id int, name word, cases []testCase) error {
	failures, skipped := 0, 0
	for i := range cases {
		if cases[i].isSkipped() {
			skipped++
		} else if j.fails(&cases[i]) {
			failures++
		}
	}
	out := &j.out
	out.word(`  <testsuite name="`)
	out.word(name)
	out.word(`" id="`)
	out.int(int64(id))
	out.word(`" package="whatslistening" tests="`)
	out.int(int64(len(cases)))
	out.word(`" failures="`)
	out.int(int64(failures))
	out.word(`" errors="0" skipped="`)
	out.int(int64(skipped))
	out.word(`" time="0" timestamp="`)
	// Without a zone, as the schemas want it; it is UTC.
	j.one.time(j.r.Time)
	j.attribute(func(p *page) { p.cut(p.len() - len("Z")) })
	out.word(`" hostname="`)
	j.attribute(func(p *page) { p.text(j.r.Host.Name) })
	out.word(`">`)
	if err := out.line(w); err != nil {
		return err
	}
	for i := range cases {
		if err := j.testCase(w, &cases[i]); err != nil {
			return err
		}
	}
	out.word("  </testsuite>")
	return out.line(w)
}

// attribute writes what write writes as text of XML.
func (j *junit) attribute(write func(*page)) {
	write(&j.one)
	j.out.xml(j.one.rest(0))
	j.one.cut(0)
}

// testCase writes a test.
func (j *junit) testCase(w io.Writer, c *testCase) error {
	out := &j.out
	out.word(`    <testcase name="`)
	j.attribute(c.name)
	out.word(`" classname="whatslistening.`)
	j.attribute(c.class)
	switch {
	case c.isSkipped():
		out.word(`" time="0">`)
		if err := out.line(w); err != nil {
			return err
		}
		out.word(`      <skipped message="`)
		j.attribute(func(p *page) { p.text(c.skipped[0].Text); p.more(len(c.skipped) - 1) })
		out.word(`">`)
		for i, l := range c.skipped {
			if i > 0 {
				if err := out.line(w); err != nil {
					return err
				}
			}
			j.attribute(func(p *page) {
				p.text(l.Text)
				if l.Remedy != "" {
					p.word(": ")
					p.text(l.Remedy)
				}
			})
		}
		out.word("</skipped>")
		if err := out.line(w); err != nil {
			return err
		}
		out.word("    </testcase>")
		return out.line(w)
	case len(c.findings) == 0:
		out.word(`" time="0"/>`)
		return out.line(w)
	}
	out.word(`" time="0">`)
	if err := out.line(w); err != nil {
		return err
	}
	var end word = "</system-out>"
	if j.fails(c) {
		worst := slices.MaxFunc(c.findings, func(a, b *audit.Finding) int { return int(a.Severity) - int(b.Severity) })
		out.word(`      <failure type="`)
		j.attribute(func(p *page) { p.text(worst.Rule) })
		out.word(`" message="`)
		j.attribute(func(p *page) { p.text(worst.Message); p.more(len(c.findings) - 1) })
		out.word(`">`)
		end = "</failure>"
	} else {
		out.word("      <system-out>")
	}
	for i, f := range c.findings {
		if i > 0 {
			if err := out.line(w); err != nil {
				return err
			}
		}
		if err := j.finding(w, f); err != nil {
			return err
		}
	}
	for _, l := range c.skipped { // what else there is to say of it
		if err := out.line(w); err != nil {
			return err
		}
		j.attribute(func(p *page) { p.text(l.Text) })
	}
	out.word(end)
	if err := out.line(w); err != nil {
		return err
	}
	out.word("    </testcase>")
	return out.line(w)
}

// finding writes a finding in lines of text.
func (j *junit) finding(w io.Writer, f *audit.Finding) error {
	j.attribute(func(p *page) {
		p.text(f.Severity.String())
		p.word(" ")
		p.text(f.Rule)
		p.word(": ")
		p.text(f.Message)
	})
	for _, line := range [...]struct {
		lead  word
		write func(*page)
	}{
		{"next: ", func(p *page) { p.text(f.Next) }},
		{"at: ", func(p *page) { p.text(position(f.Decided)) }},
		{"controls: ", func(p *page) { p.controls(f) }},
	} {
		line.write(&j.one)
		if j.one.len() == 0 {
			continue
		}
		if err := j.out.line(w); err != nil {
			return err
		}
		j.out.word(line.lead)
		j.out.xml(j.one.rest(0))
		j.one.cut(0)
	}
	return nil
}

// more says that there are n more.
func (p *page) more(n int) {
	if n > 0 {
		p.word(", and ")
		p.int(int64(n))
		p.word(" more")
	}
}

// controls writes the controls that a finding supports evidence for.
func (p *page) controls(f *audit.Finding) {
	for i, c := range f.Controls {
		if i > 0 {
			p.word("; ")
		}
		p.text(c.String())
	}
}

// listener writes a subject and who holds it: "tcp 0.0.0.0:22 (sshd of root)".
func (p *page) listener(s *audit.Subject) {
	p.subject(s)
	if len(s.Programs) == 0 && s.User == "" {
		return
	}
	p.word(" (")
	if p.programs(s); len(s.Programs) == 0 {
		p.word("?")
	}
	if s.User != "" {
		p.word(" of ")
		p.text(s.User)
	}
	p.word(")")
}
