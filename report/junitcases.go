package report

import (
	"cmp"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// A testCase is a test of JUnit: a listener, a rule, an entry of the register, or
// what the scan could not see.
type testCase struct {
	name, class func(*page)
	// findings are those that it is about; with none that weighs enough it passes.
	findings []*audit.Finding
	// skipped is what could not be seen, and why nobody can tell.
	skipped []*scanner.Limitation
}

// register returns a test for each listener that the register was asked about,
// and one for each finding on an entry of it.
func (j *junit) register() []testCase {
	var cases []testCase
	approvals := j.r.approvals()
	if approvals == nil {
		return nil
	}
	of := map[string]int{} // the cases by what they are about
	for _, l := range j.list {
		verdict := approvals[l].Verdict
		if verdict == audit.NotJudged {
			continue
		}
		s := audit.SubjectOf(l)
		key := audit.Fingerprint("", &s)
		if _, ok := of[key]; ok {
			continue // workers have a socket each at one address
		}
		of[key] = len(cases)
		cases = append(cases, testCase{
			name:  func(p *page) { p.listener(&s) },
			class: func(p *page) { p.word("register."); p.text(audit.LastingNamespace(s.Namespace)) },
		})
		switch verdict {
		case audit.Approved:
		case audit.Client:
			cases[len(cases)-1].skip("it looks like a client, and no entry approves it")
		default: // and a finding says so, unless its rule is disabled
			cases[len(cases)-1].skip(verdict.String() + ": the register disables the rule")
		}
	}
	for i := range j.r.Findings {
		f := &j.r.Findings[i]
		if judgementOf(f.Rule) != byRegister {
			continue
		}
		if at, ok := of[audit.Fingerprint("", &f.Subject)]; ok {
			cases[at].findings = append(cases[at].findings, f)
			continue
		}
		cases = append(cases, testCase{
			name:     func(p *page) { p.text(f.Rule); p.word(" "); p.text(f.Title); p.word(": "); p.listener(&f.Subject) },
			class:    func(p *page) { p.word("register.entries") },
			findings: []*audit.Finding{f},
		})
	}
	return cases
}

// rules returns a test for each rule of a kind. Drift has tests only where there
// was a baseline.
func (j *junit) rules(kind judgement) []testCase {
	var cases []testCase
	of, drift := map[string]int{}, j.r.Baseline != nil
	add := func(id, title string) int {
		if _, ok := of[id]; !ok {
			of[id] = len(cases)
			cases = append(cases, testCase{
				name:  func(p *page) { p.text(id); p.word(" "); p.text(title) },
				class: func(p *page) { p.word(kind.word()) },
			})
		}
		return of[id]
	}
	for _, rule := range audit.Rules() {
		if judgementOf(rule.ID) != kind {
			continue
		}
		at := add(rule.ID, rule.Title)
		if x := j.r.disabled(rule.ID); x != nil {
			cases[at].skip("the register disables it: " + x.Reason)
		}
	}
	for i := range j.r.Findings {
		if f := &j.r.Findings[i]; judgementOf(f.Rule) == kind {
			at := add(f.Rule, f.Title)
			cases[at].findings = append(cases[at].findings, f)
			drift = true // of a report that does not name its baseline
		}
	}
	for i := range j.r.Accepted {
		if f := &j.r.Accepted[i]; judgementOf(f.Rule) == kind {
			cases[add(f.Rule, f.Title)].skip("accepted by the register: " + f.Message + ": " + f.Accepted.Reason)
		}
	}
	if kind == byDrift && !drift {
		return nil
	}
	for _, u := range j.r.unasked() {
		if at, ok := of[u.Rule]; ok {
			cases[at].skip(u.Why)
		}
	}
	return cases
}

// skip says why nobody can tell what came of the test.
func (c *testCase) skip(why string) {
	c.skipped = append(c.skipped, &scanner.Limitation{Text: why})
}

// word returns the name of the suite.
func (k judgement) word() word {
	return [...]word{"rules", "register", "drift"}[k]
}

// coverage returns a test for each thing that could not be seen.
func (j *junit) coverage() []testCase {
	limits := j.r.Coverage.Limitations
	cases := make([]testCase, len(limits))
	for i := range limits {
		l := &limits[i]
		cases[i] = testCase{
			name:    func(p *page) { p.text(cmp.Or(l.Code, "limitation")) },
			class:   func(p *page) { p.word("coverage") },
			skipped: []*scanner.Limitation{l},
		}
	}
	return cases
}

// merge makes one test of those of the same name: a reader knows a test by its
// name (GitLab's forgets all but the last of two).
func (j *junit) merge(cases []testCase) []testCase {
	of := make(map[safe]int, len(cases))
	list := cases[:0]
	for _, c := range cases {
		c.class(&j.one)
		j.one.word(" ")
		c.name(&j.one)
		name := j.one.take()
		at, ok := of[name]
		if !ok {
			of[name] = len(list)
			list = append(list, c)
			continue
		}
		list[at].findings = append(list[at].findings, c.findings...)
		list[at].skipped = append(list[at].skipped, c.skipped...)
	}
	return list
}
