package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// baselineFolder is where a baseline that root reads is safe.
const baselineFolder = "/var/lib/whatslistening"

// diffFlags are the flags of diff.
type diffFlags struct {
	write  writeFlags
	failOn string
	force  bool
	ports  string
	strict bool
}

// diffFormats are those that a comparison can be written in.
var diffFormats = []report.Format{report.Table, report.JSON, report.YAML, report.Markdown, report.SARIF, report.JUnit}

func newDiff(a *app, completes bool) *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff OLD [NEW] [flags]",
		Short: "what changed since a saved report",
		Long: `Diff says what changed since a saved JSON report: what appeared, is gone, moved
to another address, was replaced by another program, was started again, or has
another owner. NEW is another saved report; without it, the host is scanned as
it was for OLD. Either may be - for standard input.

Reports that do not show the same are refused: a scan with less rights would
seem to have lost owners. --force compares what can be compared.`,
		Example: `  whatslistening --json --output-file base.json    make a baseline
  whatslistening diff base.json                    what changed since
  whatslistening diff base.json --fail-on error    what is worse than before
  whatslistening diff monday.json tuesday.json -o markdown`,
		Args: func(_ *cobra.Command, args []string) error {
			if n := len(args); n < 1 || n > 2 {
				return usageError("whatslistening diff OLD [NEW]", "diff takes one saved report or two, not %d", n)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.diff(cmd, args, &f) },
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"json"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	var g groups
	f.write.add(&g, diffFormats)
	fs := g.add("Other")
	fs.StringVar(&f.failOn, "fail-on", audit.Warning.String(), "`SEVERITY`: exit 1 from this on: note, warning, error")
	fs.BoolVar(&f.force, "force", false, "compare what can be compared all the same")
	fs.StringVar(&f.ports, "ports", "", "`FILE`: your own services(5) names, first of all")
	fs.BoolVar(&f.strict, "strict", false, "exit 4 when something could not be seen")
	g.attach(cmd)
	if completes {
		f.write.complete(cmd, diffFormats)
		completeFlag(cmd, "fail-on", words(audit.Note.String(), audit.Warning.String(), audit.Error.String()))
	}
	return cmd
}

// diff compares a saved report with another one or with what listens now.
func (a *app) diff(cmd *cobra.Command, args []string, f *diffFlags) error {
	format, opts, err := f.write.options(a, diffFormats)
	if err != nil {
		return err
	}
	failOn, err := audit.ParseSeverity(f.failOn)
	switch {
	case err != nil:
		return usageError("", "--fail-on: %w", err)
	case len(args) == 2 && args[0] == "-" && args[1] == "-":
		return usageError("name a file for one of the two", "standard input is one report, not two")
	case len(args) == 2 && f.ports != "":
		return usageError("leave out one of the two", "--ports has no use with a saved NEW, which is shown as it is")
	}
	base, _, err := a.readBaseline(args[0])
	if err != nil {
		return err
	}
	r, err := a.diffNew(cmd, args, f, base, format, opts)
	if err != nil {
		return err
	}
	if r.Findings, err = a.drift(base, r, f.force); err != nil {
		return err
	}
	r.Approvals, r.Register, r.Accepted = nil, nil, nil
	if err := a.output(f.write.file, func(w io.Writer) error { return report.WriteDrift(w, r, format, opts) }); err != nil {
		return err
	}
	if err := failing(r.Findings, failOn, func(f audit.Finding) audit.Severity { return f.Severity }); err != nil {
		return err
	}
	if f.strict && !r.Coverage.Complete {
		return incomplete(&r.Coverage)
	}
	return nil
}

// diffNew returns the report to compare: the saved one, or that of a scan for
// what base was to show.
func (a *app) diffNew(cmd *cobra.Command, args []string, f *diffFlags, base *report.Report, format report.Format, opts *report.Options) (*report.Report, error) {
	if len(args) == 2 {
		return a.readReport(args[1])
	}
	db, err := a.registry(f.ports)
	if err != nil {
		return nil, err
	}
	gather := gatherFlags{source: scanner.Auto.String(), holders: scanner.HoldersAuto.String()}
	gather.like(base)
	return a.gather(cmd, &gather, db, base.Scope.Protocols, format, opts)
}

// like has a scan look where the one of a baseline did.
func (f *gatherFlags) like(base *report.Report) {
	f.netns = base.Scope.NetNS
	f.names = f.names || slices.ContainsFunc(base.Namespaces, func(n scanner.Namespace) bool { return n.ContainerName != "" })
}

// auditBaseline reads the baseline of an audit, where it has one, and has the
// scan look where that of the baseline did.
func (a *app) auditBaseline(cmd *cobra.Command, f *auditFlags) (err error) {
	if f.baseline == "" {
		return nil
	}
	if f.baseline == "-" && f.gather.from == "-" {
		return usageError("name a file for one of the two", "standard input is one report, not two")
	}
	var data []byte
	if f.base, data, err = a.readBaseline(f.baseline); err != nil {
		return err
	}
	if f.evidence != "" {
		f.kept = &exhibit{name: baselineName, source: f.baseline, data: data}
	}
	if f.gather.from != "" {
		return nil
	}
	netns := f.gather.netns
	f.gather.like(f.base)
	if cmd.Flags().Changed("netns") {
		f.gather.netns = netns
	}
	return nil
}

// drift returns what changed from base to r, and notes in r what that was
// compared with. Reports that do not show the same are refused unless it is
// forced.
func (a *app) drift(base, r *report.Report, force bool) ([]audit.Finding, error) {
	changes := audit.Drift(base.Scan(), r.Scan())
	if !force {
		var wrong []audit.Caveat
		for _, c := range changes.Caveats {
			if c.Wrong {
				wrong = append(wrong, c)
			}
		}
		if len(wrong) > 0 {
			for _, c := range wrong[:len(wrong)-1] {
				a.say("%s", c.Text)
			}
			return nil, usageError("make a baseline in the way of the new report, or compare what can be compared: whatslistening diff --force",
				"%s", wrong[len(wrong)-1].Text)
		}
	}
	r.Baseline = &audit.Baseline{Host: base.Host.Name, Tool: base.Tool, Time: base.Time, Unchanged: changes.Unchanged, Caveats: changes.Caveats}
	return changes.Findings, nil
}

// readBaseline reads the saved report at path, or on stdin for "-", and returns
// its bytes too. It decides what counts as a change, so that root reads it only
// where nobody else can change it.
func (a *app) readBaseline(path string) (*report.Report, []byte, error) {
	if path == "-" {
		var data bytes.Buffer
		r, err := parseReport(io.TeeReader(a.stdin, &data), "standard input")
		return r, data.Bytes(), err
	}
	data, err := readTrusted(path, report.MaxSize, baselineFolder)
	if err != nil {
		var e *exitError
		if errors.As(err, &e) {
			return nil, nil, err
		}
		return nil, nil, usageError("", "baseline: %w", err)
	}
	r, err := parseReport(bytes.NewReader(data), fmt.Sprintf("%q", path))
	return r, data, err
}

// scopeOf returns what a scan with these flags shows.
func (f *gatherFlags) scopeOf(protocols []scanner.Protocol) audit.Scope {
	s := audit.Scope{NetNS: f.netns}
	if len(protocols) > 0 {
		s.Protocols = slices.Compact(slices.Sorted(slices.Values(protocols)))
		if slices.Equal(s.Protocols, scanner.DefaultProtocols()) {
			s.Protocols = nil
		}
	}
	return s
}
