package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/report"
)

// reportFlags are the flags of report.
type reportFlags struct {
	write  writeFlags
	merge  bool
	maxAge int
	failOn string
	all    bool
}

func newReport(a *app, completes bool) *cobra.Command {
	var f reportFlags
	formats := report.FleetFormats()
	cmd := &cobra.Command{
		Use:   "report --merge FILE | FOLDER | -... [flags]",
		Short: "many saved reports in one: a fleet",
		Long: `Report makes one report of many: which hosts listen on what, which differ from
the rest, and what their audits found, the worst first. It reads what
whatslistening -o json and audit -o json wrote: files, every *.json of a folder,
and for - a line for each report on standard input. docs/fleet.md says more.

Of several reports of one host the newest counts. A report that cannot be read
is named and left out, which is exit code 4.`,
		Example: `  whatslistening report --merge web1.json web2.json
  whatslistening report --merge /var/lib/fleet -o csv --output-file fleet.csv
  jq -c . *.json | whatslistening report --merge - -o json`,
		Args:              cobra.ArbitraryArgs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.report(cmd, args, &f) },
		ValidArgsFunction: completeReports,
	}
	var g groups
	fs := g.add("The fleet")
	fs.BoolVar(&f.merge, "merge", false, "one report of all that is named: files, folders, -")
	fs.IntVar(&f.maxAge, "max-age", 7, "`DAYS`: a report is too old after; 0 for never")
	fs.StringVar(&f.failOn, "fail-on", "", "`SEVERITY`: exit 1 from this on: note, warning, error")
	f.write.add(&g, formats)
	fs = g[len(g)-1].flags
	fs.BoolVar(&f.all, "all", false, "every row, on a terminal too")
	g.add("Other")
	g.attach(cmd)
	if completes {
		f.write.complete(cmd, formats)
		completeFlag(cmd, "max-age", cobra.NoFileCompletions)
		completeFlag(cmd, "fail-on", words(audit.Note.String(), audit.Warning.String(), audit.Error.String()))
	}
	return cmd
}

// completeReports completes the name of a report.
func completeReports(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"json"}, cobra.ShellCompDirectiveFilterFileExt
}

// report merges the reports that args name.
func (a *app) report(cmd *cobra.Command, args []string, f *reportFlags) error {
	const days = 24 * time.Hour
	format, opts, err := f.write.options(a, report.FleetFormats())
	if err != nil {
		return err
	}
	var failOn audit.Severity
	if f.failOn != "" {
		if failOn, err = audit.ParseSeverity(f.failOn); err != nil {
			return usageError("", "--fail-on: %w", err)
		}
	}
	switch {
	case f.maxAge < 0 || int64(f.maxAge) > math.MaxInt64/int64(days):
		return usageError("", "--max-age: %d is no number of days", f.maxAge)
	case !f.merge:
		return usageError("whatslistening --from FILE shows one report", "report takes --merge: it makes one report of many")
	case len(args) == 0:
		return usageError("name files, a folder with *.json files, or - for standard input", "--merge: no report is named")
	}
	now := time.Now().UTC()
	fleet := &report.Fleet{Tool: toolVersion(), Time: now, MaxAge: time.Duration(f.maxAge) * days}
	sources, err := a.sources(args)
	if err != nil {
		return err
	}
	stop := a.progress(cmd.Context(), "reading reports")
	err = merge(cmd.Context(), fleet, sources)
	stop()
	if err != nil {
		return err
	}
	for _, s := range fleet.Skipped {
		name := s.Source
		if !strings.HasPrefix(name, stdinName) {
			name = strconv.Quote(name)
		}
		a.say("%s: %s", name, s.Problem)
	}
	if fleet.Len() == 0 {
		return usageError("a report is made by whatslistening -o json", "--merge: there is no report")
	}
	opts.All = f.all
	if err := a.output(f.write.file, func(w io.Writer) error { return report.WriteFleet(w, fleet, format, opts) }); err != nil {
		return err
	}
	if worst, any := fleet.Worst(); f.failOn != "" && any && worst >= failOn {
		return &exitError{code: exitFindings}
	}
	if n := len(fleet.Skipped); n > 0 {
		return &exitError{code: exitIncomplete, err: fmt.Errorf("reports left out: %d; hosts merged: %d", n, fleet.Len())}
	}
	return nil
}

// problem returns what a read error says in a line.
func problem(err error) string {
	var e *report.ReadError
	if errors.As(err, &e) && e.Hint != "" {
		return fmt.Sprintf("%v (%s)", err, e.Hint)
	}
	return err.Error()
}
