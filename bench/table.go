package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"unicode/utf8"
)

// A table is what is printed in the end.
type table struct {
	sections []section
}

// A section is one scenario of it.
type section struct {
	title   string
	rows    []row
	verdict verdict
}

func (t *table) add(title string, rows []row, v verdict) {
	t.sections = append(t.sections, section{title, rows, v})
}

// titles are the columns; the first is text, and the others are numbers.
func titles() []string {
	return []string{"contender", "wall ms", "ratio to ss", "min–max", "peak RSS MB", "lines"}
}

// cells returns a row as text. What was not measured has its reason in place of
// the numbers.
func (r row) cells() []string {
	if r.failed != "" {
		return []string{r.contender, "–", "–", "–", "–", "–"}
	}
	ratio, ends := "–", "–"
	if r.compared {
		ratio = fmt.Sprintf("%.2f", r.ratio.median)
		ends = fmt.Sprintf("%.2f–%.2f", r.ratio.min, r.ratio.max)
	}
	return []string{
		r.contender, fmt.Sprintf("%.1f", r.wall.median), ratio, ends,
		fmt.Sprintf("%.1f", float64(r.peak)/megabyte), fmt.Sprint(r.lines),
	}
}

// write writes the table, as text or as Markdown.
func (t *table) write(w io.Writer, req request) error {
	var b strings.Builder
	cpus := fmt.Sprintf("%d CPUs", runtime.NumCPU())
	if req.pin {
		cpus = "one CPU"
	}
	fmt.Fprintf(&b, "Whole processes, warm, %s, %d rounds interleaved; medians, and the median of the ratios of each round.\n", cpus, req.rounds)
	for _, s := range t.sections {
		b.WriteString("\n")
		if req.markdown {
			s.markdown(&b)
		} else {
			s.text(&b)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// notes are the lines below a section's rows.
func (s section) notes() []string {
	var notes []string
	for _, r := range s.rows {
		if r.failed != "" {
			notes = append(notes, r.contender+": not measured: "+r.failed)
		}
	}
	return append(notes, s.verdict.text)
}

func (s section) text(b *strings.Builder) {
	fmt.Fprintln(b, s.title)
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
		fmt.Fprintf(b, "  %-*s", widths[0], line[0])
		for i, cell := range line[1:] {
			fmt.Fprintf(b, "  %*s", widths[i+1], cell)
		}
		b.WriteString("\n")
	}
	for _, n := range s.notes() {
		fmt.Fprintln(b, "  "+n)
	}
}

func (s section) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "**%s**\n\n", s.title)
	fmt.Fprintf(b, "| %s |\n|---%s|\n", strings.Join(titles(), " | "), strings.Repeat("|---:", len(titles())-1))
	for _, r := range s.rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(r.cells(), " | "))
	}
	b.WriteString("\n")
	for _, n := range s.notes() {
		fmt.Fprintf(b, "- %s\n", n)
	}
}
