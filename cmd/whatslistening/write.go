package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/whatslistening/whatslistening/report"
)

// writeFlags say how and where to write.
type writeFlags struct {
	format, color, file string
	json                bool
	width               int
	set                 *pflag.FlagSet // knows which of them were given
}

// add gives the flags to a command that can write formats.
func (f *writeFlags) add(g *groups, formats []report.Format) {
	fs := g.add("Output")
	f.set = fs
	fs.StringVarP(&f.format, "output", "o", formats[0].String(), "`FORMAT`: "+helpList(formatNames(formats)))
	fs.BoolVar(&f.json, "json", false, "short for -o json")
	fs.StringVar(&f.file, "output-file", "", "`FILE`: write there, in one step and for its owner alone")
	fs.StringVar(&f.color, "color", "auto", "`WHEN`: auto, always, never")
	fs.IntVar(&f.width, "width", 0, "`N`: fit lines into N cells, not the terminal's width")
}

// complete completes the flags' values.
func (f *writeFlags) complete(cmd *cobra.Command, formats []report.Format) {
	completeFlag(cmd, "output", words(formatNames(formats)...))
	completeFlag(cmd, "color", words("auto", "always", "never"))
	completeFlag(cmd, "width", cobra.NoFileCompletions)
}

// helpList joins words for a flag's help, on lines that fit a terminal.
func helpList(words []string) string {
	var b strings.Builder
	line := 0
	for i, w := range words {
		if i > 0 {
			b.WriteString(",")
			if line += len(", ") + len(w); line > 50 {
				b.WriteString("\n")
				line = len(w)
			} else {
				b.WriteString(" ")
			}
		}
		b.WriteString(w)
	}
	return b.String()
}

func formatNames(formats []report.Format) []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.String()
	}
	return names
}

// options returns the format, and how the report is to be written.
func (f *writeFlags) options(a *app, formats []report.Format) (report.Format, *report.Options, error) {
	name := f.format
	if f.json {
		if f.set.Changed("output") && name != report.JSON.String() {
			return 0, nil, usageError("leave out one of the two", "--json is -o json, but -o %s is asked for too", name)
		}
		name = report.JSON.String()
	}
	format, err := report.ParseFormat(name)
	if err != nil || !slices.Contains(formats, format) {
		names := formatNames(formats)
		hint := ""
		if err == nil && slices.Contains(auditFormats, format) {
			hint = "whatslistening audit writes it"
		} else if near, ok := nearest(name, slices.Values(names)); ok && near != name {
			hint = "did you mean -o " + near + "?"
		}
		return 0, nil, usageError(hint, "--output: no format %q here: want one of %s", name, strings.Join(names, ", "))
	}
	if f.width < 0 {
		return 0, nil, usageError("leave --width out for the terminal's", "--width: %d is below 0", f.width)
	}
	o, err := f.look(a, f.toFile())
	return format, o, err
}

// toFile reports whether the report goes to a file.
func (f *writeFlags) toFile() bool { return f.file != "" && f.file != "-" }

// look returns how text is to be written on standard output, or to a file: that
// is neither coloured nor shortened unless asked for.
func (f *writeFlags) look(a *app, toFile bool) (*report.Options, error) {
	_, tty := terminal(a.stdout)
	color, err := report.ColorFor(f.color, a.getenv, tty && !toFile)
	if err != nil {
		return nil, usageError("", "--color: %w", err)
	}
	o := &report.Options{Color: color, Width: f.width}
	if !toFile {
		o.Width = a.width(f.width)
	}
	return o, nil
}
