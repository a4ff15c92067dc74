package report

// A sarifOverride is a rule that the register disables or re-grades.
type sarifOverride struct {
	Configuration sarifConfiguration `json:"configuration"`
	Descriptor    sarifIndexedRule   `json:"descriptor"`
	Properties    sarifReasons       `json:"properties"`
}

type sarifConfiguration struct {
	Enabled bool   `json:"enabled"`
	Level   string `json:"level,omitempty"`
}

type sarifIndexedRule struct {
	ID    string `json:"id"`
	Index int    `json:"index"`
}

// sarifReasons are those of a line of the register.
type sarifReasons struct {
	Reason  string `json:"reason"`
	Owner   string `json:"owner"`
	Ticket  string `json:"ticket"`
	Expires string `json:"expires"`
}

// overrides returns what the register changes of rules; index has their places in
// the list of rules.
func (s *sarif) overrides(index map[string]int) []sarifOverride {
	if s.r.Register == nil {
		return nil
	}
	var list []sarifOverride
	for i := range s.r.Register.Exceptions {
		x := &s.r.Register.Exceptions[i]
		n, ok := index[x.Rule]
		if !ok || x.Expired(s.r.Time) {
			continue
		}
		o := sarifOverride{
			Descriptor: sarifIndexedRule{x.Rule, n},
			Properties: sarifReasons{Escape(x.Reason), Escape(x.Owner), Escape(x.Ticket), Escape(x.Expires)},
		}
		if !x.Disabled {
			o.Configuration = sarifConfiguration{true, x.Severity.String()}
		}
		list = append(list, o)
	}
	return list
}
