package audit

import (
	"fmt"
	"strings"
)

// A Problem is something wrong with a register.
type Problem struct {
	Position
	// Column counts the bytes of the line, from 1; 0 where it is not known.
	Column int
	// Severity is Error for what keeps a register from being read.
	Severity Severity
	// Text says what is wrong, and Hint the next step, which may be empty. Text
	// from the register is quoted in it.
	Text, Hint string
}

// String returns the problem in one line: "FILE:LINE:COLUMN: TEXT".
func (p *Problem) String() string {
	if p.Column == 0 {
		return fmt.Sprintf("%v: %s", p.Position, p.Text)
	}
	return fmt.Sprintf("%v:%d: %s", p.Position, p.Column, p.Text)
}

// A PolicyError is why a register cannot be read: its problems, in the order of
// their lines, at least one.
type PolicyError struct {
	Problems []Problem
	// More is how many more there are.
	More int
}

// Error returns the problems, a line each.
func (e *PolicyError) Error() string {
	var b strings.Builder
	for i := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Problems[i].String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\nand %d more", e.More)
	}
	return b.String()
}
