package main

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// doctorFormats are those that a diagnosis can be written in.
var doctorFormats = []report.Format{report.Table, report.JSON, report.YAML}

func newDoctor(a *app, completes bool) *cobra.Command {
	var write writeFlags
	var strict bool
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "what a scan can see here, and how to let it see more",
		Long: `Doctor says what this process may see of the host: its capabilities and what
each of them buys, what stands in the way, which sources answer, and how to let
it see more. It ends with "complete", or with what a scan is blind to.`,
		Example: `  whatslistening doctor            before the first scan
  sudo whatslistening doctor       the same as root
  whatslistening doctor --strict   exit 4 unless a scan sees everything`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.doctor(cmd, &write, strict)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	var g groups
	write.add(&g, doctorFormats)
	g.add("Other").BoolVar(&strict, "strict", false, "exit 4 when something cannot be seen")
	g.attach(cmd)
	if completes {
		write.complete(cmd, doctorFormats)
	}
	return cmd
}

func (a *app) doctor(cmd *cobra.Command, write *writeFlags, strict bool) error {
	format, opts, err := write.options(a, doctorFormats)
	if err != nil {
		return err
	}
	// What is missing shows best where all of it is asked for.
	snap, err := a.scan(cmd.Context(), &scanner.Options{NetNS: scanner.NetNSAll, Access: true})
	if err != nil {
		return failure("", "scan: %w", err)
	}
	path, _ := os.Executable() // where it is not known the remedies name the usual place
	c := &snap.Coverage
	d := &report.Diagnosis{
		Tool: toolVersion(), Time: time.Now().UTC(), Host: snap.Host, Coverage: *c,
		Rights: c.Access.Rights(), BlindTo: c.Blind(), Remedies: c.Remedies(path),
	}
	if err := a.output(write.file, func(w io.Writer) error { return report.WriteDiagnosis(w, d, format, opts) }); err != nil {
		return err
	}
	if strict && len(d.BlindTo) > 0 {
		return &exitError{code: exitIncomplete}
	}
	return nil
}
