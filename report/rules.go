package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/whatslistening/whatslistening/audit"
)

// ruleRecord is what an audit looks for.
type ruleRecord struct {
	// WL014: never given to another rule.
	ID    string `json:"id"`
	Title string `json:"title"`
	// Unless a register re-grades it.
	Severity audit.Severity `json:"severity" enum:"note,warning,error"`
	// Why it matters.
	Help string `json:"help"`
	// The next step.
	Next string `json:"next"`
	// The controls that its findings support evidence for.
	Controls []controlRecord `json:"controls"`
}

func newRuleRecord(r *audit.Rule) *ruleRecord {
	return &ruleRecord{
		r.ID, r.Title, r.Severity, r.Help, r.Next,
		records(r.Controls, func(c *audit.Control) controlRecord { return controlRecord(*c) }),
	}
}

// WriteRules writes rules: in JSON and YAML as a list of objects, in Table for
// people, a line for each. There is no other format: these are an error.
func WriteRules(w io.Writer, rules []audit.Rule, f Format, o *Options) error {
	return writeRules(w, rules, f, o, (*sheet).ruleLine)
}

// ExplainRules is [WriteRules] with all that there is to say of each for people,
// too.
func ExplainRules(w io.Writer, rules []audit.Rule, f Format, o *Options) error {
	return writeRules(w, rules, f, o, (*sheet).rule)
}

func writeRules(w io.Writer, rules []audit.Rule, f Format, o *Options, line func(*sheet, *audit.Rule, bool)) error {
	if o == nil {
		o = new(Options)
	}
	switch f {
	case JSON, YAML:
		e := newEncoder(w, styleOf(f))
		e.begin()
		for i := range rules {
			e.element(newRuleRecord(&rules[i]))
		}
		e.end()
		return e.close()
	case Table:
		s := &sheet{w: w, inks: inks(o.Color)}
		if !o.NoTrunc {
			s.width = o.Width
		}
		for i := range rules {
			line(s, &rules[i], i == 0)
		}
		if s.err != nil {
			return s.err
		}
		return s.out.flush(w)
	}
	return fmt.Errorf("rules have no format %s: it is one of table, json, yaml", f)
}

const (
	titleColumn = 16 // where the title of a rule begins, in cells
	ruleColumn  = 10 // and where what is said of it does
)

// ruleLine writes a rule in one line.
func (s *sheet) ruleLine(r *audit.Rule, _ bool) {
	s.name.text(r.ID)
	s.name.word("  ")
	s.name.text(r.Severity.String())
	s.text.text(r.Title)
	s.line(0, titleColumn, inkOf(r.Severity), plain)
}

// rule writes all that there is to say of a rule.
func (s *sheet) rule(r *audit.Rule, first bool) {
	if !first {
		s.end()
	}
	s.name.text(r.ID)
	s.text.text(r.Title)
	s.line(0, ruleColumn, title, title)
	part := func(name word, text string, style int) {
		if text == "" {
			return
		}
		s.name.word(name)
		s.text.text(text)
		s.line(0, ruleColumn, quiet, style)
	}
	part("severity", r.Severity.String(), inkOf(r.Severity))
	part("why", r.Help, plain)
	part("next", r.Next, plain)
	if judgementOf(r.ID) == byRules {
		part("accept", "accepts: ["+r.ID+"] in the entry that approves the listener", quiet)
	}
	var controls []string
	for _, c := range r.Controls {
		controls = append(controls, c.String())
	}
	part("controls", strings.Join(controls, ", "), quiet)
}
