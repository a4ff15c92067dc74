package report

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/fatih/color"
)

func TestColorFor(t *testing.T) {
	tests := []struct {
		flag     string
		env      string // "A=1 B=2"
		terminal bool
		want     bool
	}{
		{"auto", "", true, true},
		{"auto", "", false, false},
		{"", "", true, true},
		{"", "", false, false},
		{"always", "", false, true},
		{"never", "", true, false},
		// The flag wins over everything.
		{"always", "NO_COLOR=1 CLICOLOR=0 TERM=dumb", false, true},
		{"never", "FORCE_COLOR=1 CLICOLOR_FORCE=1", true, false},
		// NO_COLOR counts where it is not empty, whatever it says.
		{"auto", "NO_COLOR=1", true, false},
		{"auto", "NO_COLOR=0", true, false},
		{"auto", "NO_COLOR=", true, true},
		{"auto", "NO_COLOR=1 FORCE_COLOR=1", true, false},
		{"auto", "NO_COLOR=1 CLICOLOR_FORCE=1", false, false},
		{"auto", "NO_COLOR= FORCE_COLOR=1", false, true},
		// To force: neither empty nor "0".
		{"auto", "FORCE_COLOR=1", false, true},
		{"auto", "FORCE_COLOR=3", false, true},
		{"auto", "FORCE_COLOR=0", false, false},
		{"auto", "FORCE_COLOR=0", true, true},
		{"auto", "FORCE_COLOR=", false, false},
		{"auto", "CLICOLOR_FORCE=1", false, true},
		{"auto", "CLICOLOR_FORCE=0", false, false},
		{"auto", "CLICOLOR_FORCE=1 CLICOLOR=0", false, true},
		{"auto", "FORCE_COLOR=1 TERM=dumb", false, true},
		{"auto", "CLICOLOR=0", true, false},
		{"auto", "CLICOLOR=1", true, true},
		{"auto", "CLICOLOR=1", false, false},
		{"auto", "CLICOLOR=", true, true},
		{"auto", "TERM=dumb", true, false},
		{"auto", "TERM=xterm-256color", true, true},
		{"auto", "TERM=xterm-256color", false, false},
		{"auto", "CLICOLOR=1 TERM=dumb", true, false},
	}
	for _, tt := range tests {
		env := func(k string) string {
			for kv := range strings.FieldsSeq(tt.env) {
				if v, ok := strings.CutPrefix(kv, k+"="); ok {
					return v
				}
			}
			return ""
		}
		if got, err := ColorFor(tt.flag, env, tt.terminal); got != tt.want || err != nil {
			t.Errorf("ColorFor(%q, %q, %v) = %v, %v, want %v", tt.flag, tt.env, tt.terminal, got, err, tt.want)
		}
	}
	if _, err := ColorFor("alway\x1b", func(string) string { return "" }, true); err == nil ||
		err.Error() != `unknown colour mode "alway\x1b": it is one of always, never, auto` {
		t.Errorf(`ColorFor("alway\x1b") = %v`, err)
	}
}

// TestColourIsOurDecision: package color's idea of the standard output changes
// nothing.
func TestColourIsOurDecision(t *testing.T) {
	defer func(v bool) { color.NoColor = v }(color.NoColor)
	for _, no := range []bool{false, true} {
		color.NoColor = no
		for _, f := range Formats() {
			if got := render(t, host(), f, Options{Width: 120}); strings.Contains(got, "\x1b") {
				t.Errorf("%v has colour with Color false and color.NoColor %v", f, no)
			}
		}
		for _, f := range []Format{Table, Wide, Tree} {
			if got := render(t, host(), f, Options{Width: 240, Color: true}); !strings.Contains(got, "\x1b[38;5;196;1mall (public)\x1b[0m") {
				t.Errorf("%v has no colour with Color true and color.NoColor %v:\n%s", f, no, got)
			}
		}
		for _, f := range []Format{JSON, JSONL, CSV, YAML, Markdown} {
			if got := render(t, host(), f, Options{Width: 120, Color: true}); strings.Contains(got, "\x1b") {
				t.Errorf("%v has colour", f)
			}
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestColourSaysNothingAlone: without the colours the text is the same.
func TestColourSaysNothingAlone(t *testing.T) {
	for _, f := range []Format{Table, Wide, Tree} {
		for _, width := range []int{0, 40, 80, 120} {
			with := render(t, host(), f, Options{Width: width, Color: true})
			without := render(t, host(), f, Options{Width: width})
			if got := sgr.ReplaceAllString(with, ""); got != without {
				t.Errorf("%v at %d without its colours:\n%s\nwant:\n%s", f, width, got, without)
			}
			// Nothing is left on at the end of a line.
			for line := range strings.SplitSeq(with, "\n") {
				all := sgr.FindAllString(line, -1)
				if len(all) > 0 && all[len(all)-1] != "\x1b[0m" {
					t.Errorf("%v: colour goes on after %q", f, line)
				}
			}
		}
	}
}

// TestColourByMeaning looks at the colour of each cell of a row.
func TestColourByMeaning(t *testing.T) {
	in := inks(true)
	paint := func(st int, s string) string { return in[st].before + s + in[st].after }
	screen := render(t, host(), Table, Options{Width: 200, Color: true})
	for _, want := range []string{
		paint(exposed, "all (public)"),
		paint(outside, "all (private)"),
		paint(outside, "link-local"),
		paint(quiet, "loopback"),
		paint(quiet, "container"),
		paint(quiet, "127.0.0.53"),
		paint(differs, "≠telnet"),
		paint(differs, "≠ tcp/23: registered for telnet; process is dropbear"),
		paint(low, "well-known"),
		paint(middle, "registered"),
		paint(high, "dynamic"),
		paint(title, "EXPOSURE"),
		paint(quiet, "– (not permitted)"),
		paint(warning, "prometheus (1377, deleted)"),
	} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in\n%s", want, screen)
		}
	}
	if wide := render(t, host(), Wide, Options{Color: true}); !strings.Contains(wide, paint(warning, "129/128")) {
		t.Errorf("a full queue does not stand out:\n%s", wide)
	}
}

// TestPalette holds the colours against black and white and the backgrounds in
// between that terminals have, by WCAG 2.2's contrast ratio (3:1 is the least for
// large text and signs).
func TestPalette(t *testing.T) {
	backgrounds := map[string][3]int{
		"black": {0, 0, 0}, "dark grey": {0x1e, 0x1e, 0x1e}, "solarized dark": {0, 0x2b, 0x36},
		"white": {255, 255, 255}, "solarized light": {0xfd, 0xf6, 0xe3},
	}
	for st, params := range palette {
		if params[0] != 38 {
			continue // the terminal's own foreground
		}
		rgb := xterm(int(params[2]))
		for name, bg := range backgrounds {
			if got := contrast(rgb, bg); got < 3 {
				t.Errorf("style %d (colour %d) on %s has a contrast of %.2f, want 3", st, params[2], name, got)
			}
		}
	}
}

// xterm returns colour n of xterm's 256.
func xterm(n int) [3]int {
	if n >= 232 {
		v := 8 + 10*(n-232)
		return [3]int{v, v, v}
	}
	if n < 16 {
		panic(fmt.Sprintf("colour %d belongs to the terminal's theme", n))
	}
	steps := [6]int{0, 95, 135, 175, 215, 255}
	n -= 16
	return [3]int{steps[n/36], steps[n/6%6], steps[n%6]}
}

// contrast is WCAG's contrast ratio.
func contrast(a, b [3]int) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is WCAG's relative luminance.
func luminance(rgb [3]int) float64 {
	sum := 0.0
	for i, weight := range [3]float64{0.2126, 0.7152, 0.0722} {
		v := float64(rgb[i]) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}
