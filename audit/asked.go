package audit

import (
	"slices"

	"github.com/whatslistening/whatslistening/scanner"
)

// An Unasked is a rule that had nothing to go by in a scan: that it found nothing
// says nothing.
type Unasked struct {
	Rule string
	// Why says what it would have gone by.
	Why string
}

// Unasked returns the rules that had nothing to go by in the scan, in their
// order. witnesses says whether the scan asked a second one.
func (s *Scan) Unasked(witnesses bool) []Unasked {
	var list []Unasked
	if !witnesses {
		list = append(list, Unasked{hiddenRule.ID, "no other witness was asked"})
	}
	for _, r := range [...]struct {
		id string
		of scanner.Protocol
	}{{ruleSniffer, scanner.Packet}, {ruleRawSocket, scanner.Raw}, {ruleOpenControl, scanner.Unix}} {
		if !slices.Contains(s.Scope.protocols(), r.of) {
			list = append(list, Unasked{r.id, r.of.String() + " sockets were not looked for"})
		}
	}
	if s.Scope.Narrowed {
		list = append(list, Unasked{ruleAbsent, "the report was narrowed down to a part of what listens"})
	}
	return list
}

// sees reports whether the scan looked for all that e speaks of. Where it did
// not, that nothing of the kind was found does not mean that there is none.
func (s *Scan) sees(e *Entry) bool {
	if s.Scope.Narrowed || !containsAll(s.Scope.protocols(), e.Protocols, same) {
		return false
	}
	privileges := ""
	if s.Coverage != nil {
		privileges = s.Coverage.Privileges
	}
	switch where := s.Scope.netNS(privileges); where {
	case scanner.NetNSAll:
		return true
	case scanner.NetNSOwn:
		return slices.Equal(e.Namespaces, []string{hostNamespace})
	default:
		return slices.Equal(e.Namespaces, []string{where})
	}
}
