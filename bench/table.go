package main

import (
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"
)

// A section is what is printed of one scenario.
type section struct {
	title   string
	rows    []row
	verdict verdict
}

// titles are the columns; the first is text, and the others are numbers.
func titles() []string {
	return []string{"contender", "wall ms", "ratio to ss", "min–max", "CPU ms", "peak RSS MB", "lines"}
}

// cells returns a row as text. What was not measured has its reason in place of
// the numbers.
func (r row) cells() []string {
	if r.failed != "" {
		return []string{r.contender, "–", "–", "–", "–", "–", "–"}
	}
	ratio, ends := "–", "–"
	if r.compared {
		ratio = fmt.Sprintf("%.2f", r.ratio.median)
		ends = fmt.Sprintf("%.2f–%.2f", r.ratio.min, r.ratio.max)
	}
	return []string{
		r.contender, fmt.Sprintf("%.1f", r.wall.median), ratio, ends,
		fmt.Sprintf("%.1f", r.cpu.median), fmt.Sprintf("%.1f", float64(r.peak)/megabyte), fmt.Sprint(r.lines),
	}
}

// preamble says how everything below it was measured.
func preamble(req request) string {
	cpus := fmt.Sprintf("%d CPUs", runtime.NumCPU())
	if req.pin {
		cpus = "one CPU"
	}
	return fmt.Sprintf("Whole processes, warm, %s, %d rounds interleaved; medians, and the median of the ratios of each round.\n", cpus, req.rounds)
}

// String is the section as text.
func (s section) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", s.title)
	lines := [][]string{titles()}
	for _, r := range s.rows {
		lines = append(lines, r.cells())
	}
	widths := make([]int, len(titles()))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		fmt.Fprintf(&b, "  %-*s", widths[0], line[0])
		for i, cell := range line[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], cell)
		}
		b.WriteString("\n")
	}
	for _, n := range s.notes() {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	return b.String()
}

// markdown is the section as Markdown.
func (s section) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n**%s**\n\n", s.title)
	fmt.Fprintf(&b, "| %s |\n|---%s|\n", strings.Join(titles(), " | "), strings.Repeat("|---:", len(titles())-1))
	for _, r := range s.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(r.cells(), " | "))
	}
	b.WriteString("\n")
	for _, n := range s.notes() {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

// notes are the lines below a section's rows.
func (s section) notes() []string {
	var notes []string
	for _, r := range s.rows {
		switch {
		case r.failed != "":
			notes = append(notes, r.contender+": not measured: "+r.failed)
		case r.short:
			notes = append(notes, fmt.Sprintf("%s: its %d lines are fewer than the listeners: it leaves some out", r.contender, r.lines))
		}
	}
	return append(notes, s.verdict.text)
}
