// Package audit judges what listens: by rules, by a register of approvals, and
// by what has changed since a baseline. Every judgement is a [Finding].
//
// All of it is a function of its arguments: no clock, no environment, no files
// but those that the register names.
package audit

import (
	"fmt"
	"net/netip"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Severity is how much a finding matters: the levels of a SARIF 2.1.0 result
// (section 3.27.10).
type Severity uint8

// The severities, from the least.
const (
	Note Severity = iota
	Warning
	Error
)

// severities are the words of the severities.
var severities = [...]string{"note", "warning", "error"}

// String returns the severity's word: "note", "warning" or "error".
func (s Severity) String() string {
	if int(s) < len(severities) {
		return severities[s]
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// ParseSeverity is the inverse of [Severity.String].
func ParseSeverity(s string) (Severity, error) {
	for i, word := range severities {
		if s == word {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no severity: want note, warning or error", s)
}

// A Finding is a judgement on a listener, or on one that should be there.
type Finding struct {
	// Rule is the id of the rule, "WL014"; Title its title.
	Rule, Title string
	Severity    Severity
	// Message says in one sentence what is so, and Next what to do about it. Both
	// may quote text from the host or the register, as raw as it is.
	Message, Next string
	// Subject is what is judged.
	Subject Subject
	// Controls are the controls of benchmarks that the rule supports evidence for.
	Controls []Control
	// Decided is the entry of the register that decided; the zero Position for
	// none.
	Decided Position
	// Accepted is the approval that accepts it; the zero Approval where none does.
	Accepted Approval
	// Was and Now are what changed since a baseline, as "127.0.0.1" and "*"; both
	// are empty where it is the listener itself that came or went.
	Was, Now string
	// Fingerprint identifies the finding from one audit to the next: it is made
	// of the rule and of what stays the same of the subject (never a pid, an inode
	// or a time). 32 hexadecimal digits.
	Fingerprint string
}

// A Subject names a listener without pointing at it, so that one that is gone
// has a name too.
type Subject struct {
	Namespace string
	Protocol  scanner.Protocol
	Family    scanner.Family
	Addr      netip.Addr
	Device    string
	// Port is the port, or what the protocol has in its place; those of vsock(7)
	// have 32 bits.
	Port uint32
	// Path is the address of a unix socket; empty for every other.
	Path string
	// Programs are the programs that hold it, each once; User its owner.
	Programs []string
	User     string
}

// SubjectOf returns the subject of a finding on l.
func SubjectOf(l *annotate.Listener) Subject { return subject(l) }

// A Control is a control of a benchmark or a standard.
type Control struct {
	// Framework is "CIS Debian 12", Version "1.1.0", ID "2.1.22".
	Framework, Version, ID string
}

// String returns the control as it is cited: "CIS Debian 12 v1.1.0 2.1.22".
func (c Control) String() string {
	if c.Version == "" {
		return c.Framework + " " + c.ID
	}
	return c.Framework + " v" + c.Version + " " + c.ID
}

// A Position is a line of a file, from 1; 0 where the line is not known.
type Position struct {
	File string
	Line int
}

// String returns the position as "FILE:LINE".
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
