package report

import (
	"fmt"
	"strings"

	"github.com/fatih/color"
)

// An ink is what a terminal is told before and after a piece of text. Both
// are empty without colour.
type ink struct{ before, after string }

// The styles, by what they mean. Colour is never the only signal: every one of
// them stands beside a word or a sign that says the same.
const (
	plain   = iota
	title   // the titles of the columns, the name of a program in a tree
	quiet   // what only this host can reach, and what is not there
	outside // can be reached from outside, but not from everywhere
	exposed // can be reached from everywhere
	differs // the process is not what the port is registered for
	warning // a full queue, a program deleted under its process
	low     // the range Well Known
	middle  // the range Registered
	high    // the range Dynamic
	nstyles // how many there are
)

// palette holds the colours, as parameters of ECMA-48's SGR. Those of the 256
// of xterm do not change with the terminal's theme. Each has a luminance in the
// middle, to be read on black and on white; a test has the figures.
var palette = [nstyles][4]color.Attribute{
	title:   {color.Bold},
	quiet:   {38, 5, 244},
	outside: {38, 5, 166},
	exposed: {38, 5, 196, color.Bold},
	differs: {38, 5, 163, color.Bold},
	warning: {38, 5, 166, color.Bold},
	low:     {38, 5, 32},
	middle:  {38, 5, 30},
	high:    {38, 5, 98},
}

// inks returns the inks of the styles, with colour or without.
func inks(on bool) *[nstyles]ink {
	var s [nstyles]ink
	for i, params := range palette {
		n := len(params)
		for n > 0 && params[n-1] == 0 {
			n--
		}
		if n == 0 {
			continue
		}
		// Package color decides for the whole process, once at its start and
		// from the standard output: decide here, for this output.
		c := color.New(params[:n]...)
		c.DisableColor()
		if on {
			c.EnableColor()
		}
		var before, after strings.Builder
		c.SetWriter(&before)
		c.UnsetWriter(&after)
		s[i] = ink{before.String(), after.String()}
	}
	return &s
}

// ColorFor says whether an output is to be in colour. flag is the value of
// --color: "always", "never", and "auto" or "" to ask the environment through
// env and, at last, whether the output is a terminal.
//
// In the order of rank: flag, NO_COLOR (see no-color.org), FORCE_COLOR and
// CLICOLOR_FORCE, CLICOLOR=0 (see bixense.com/clicolors), TERM=dumb.
func ColorFor(flag string, env func(string) string, isTerminal bool) (bool, error) {
	switch flag {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "", "auto":
	default:
		return false, fmt.Errorf("unknown colour mode %q: it is one of always, never, auto", flag)
	}
	switch forced := func(v string) bool { return v != "" && v != "0" }; {
	case env("NO_COLOR") != "":
		return false, nil
	case forced(env("FORCE_COLOR")), forced(env("CLICOLOR_FORCE")):
		return true, nil
	case env("CLICOLOR") == "0", env("TERM") == "dumb":
		return false, nil
	}
	return isTerminal, nil
}
