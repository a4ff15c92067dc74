package main

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// auditFlags are the flags of audit.
type auditFlags struct {
	write  writeFlags
	gather gatherFlags
	policy []string
	init   bool
	lint   bool
	rules  bool
	// explain are the ids of rules to explain.
	explain []string
	failOn  string
	all     bool
	// evidence is the folder to write evidence into, check one to look at.
	evidence, check string
	strict          bool
	// baseline names the saved report that what listens is compared with, base is
	// it, and kept its bytes for the evidence; nil for none.
	baseline string
	base     *report.Report
	kept     *exhibit
}

// auditFormats are those that an audit can be written in.
var auditFormats = []report.Format{report.Table, report.JSON, report.JSONL, report.CSV, report.YAML, report.Markdown, report.HTML, report.SARIF, report.JUnit, report.Prometheus}

func newAudit(a *app, completes bool) *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit [flags]",
		Short: "hold what listens against rules, and a register of what may",
		Long: `Audit holds what listens on this host against rules of what should not (telnet
at every address, a deleted program), and against an approval register: a file
that says what may listen, for whom, why, and until when. What no entry of it
approves is a finding. docs/audit.md describes the register, docs/rules.md the
rules.

It asks the other witnesses of --verify too, which takes some 60 milliseconds
more; --verify=false does without.`,
		Example: `  whatslistening audit                           by the rules, and by
                                                 ` + policyFolder + `
  whatslistening audit --init >policy.yaml       a first register, to be edited
  whatslistening audit --policy policy.yaml      what is not as approved, too
  whatslistening audit --policy policy.yaml --lint
  whatslistening audit --explain WL007           what a rule is about
  whatslistening audit --evidence /var/lib/whatslistening`,
		Args:              noArgs,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.audit(cmd, &f) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	var g groups
	fs := g.add("The register")
	fs.StringArrayVar(&f.policy, "policy", nil, "`FILE`: the register, or a folder of *.yaml; may be repeated")
	fs.BoolVar(&f.init, "init", false, "write a first register, of what listens now")
	fs.BoolVar(&f.lint, "lint", false, "look at the register alone: what expires or overlaps")
	fs.StringVar(&f.failOn, "fail-on", audit.Warning.String(), "`SEVERITY`: exit 1 from this on: note, warning, error")
	fs.StringVar(&f.baseline, "baseline", "", "`FILE`: a saved JSON report; what changed since is found too")
	fs = g.add("The rules")
	fs.BoolVar(&f.rules, "rules", false, "list the rules; nothing is scanned")
	fs.StringSliceVar(&f.explain, "explain", nil, "`ID`: what a rule is about; may be repeated")
	f.write.add(&g, auditFormats)
	fs = g[len(g)-1].flags
	fs.BoolVar(&f.all, "all", false, "a line for every finding, nothing folded")
	fs = g.add("Evidence")
	fs.StringVar(&f.evidence, "evidence", "", "`DIR`: keep report, register and hashes in a new folder there")
	fs.StringVar(&f.check, "check", "", "`DIR`: is the evidence there as it was written?")
	f.gather.add(&g)
	fs = g.add("Other")
	fs.BoolVar(&f.gather.verify, "verify", true, "ask other witnesses; =false does without")
	fs.BoolVar(&f.gather.probe, "probe", false, "and bind every free port for an instant")
	fs.BoolVar(&f.strict, "strict", false, "exit 4 when something could not be seen")
	g.attach(cmd)
	if completes {
		f.write.complete(cmd, auditFormats)
		f.gather.complete(cmd)
		completeFlag(cmd, "fail-on", words(audit.Note.String(), audit.Warning.String(), audit.Error.String()))
		completeFlag(cmd, "explain", completeRules)
		completeFlag(cmd, "evidence", completeFolder)
		completeFlag(cmd, "check", completeFolder)
		completeFlag(cmd, "baseline", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"json"}, cobra.ShellCompDirectiveFilterFileExt
		})
		completeFlag(cmd, "policy", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml"}, cobra.ShellCompDirectiveFilterFileExt
		})
	}
	return cmd
}

// audit does what the flags ask for: an audit, a first register, or a look at a
// register alone.
func (a *app) audit(cmd *cobra.Command, f *auditFlags) error {
	format, opts, err := f.write.options(a, auditFormats)
	if err != nil {
		return err
	}
	failOn, err := audit.ParseSeverity(f.failOn)
	if err != nil {
		return usageError("", "--fail-on: %w", err)
	}
	opts.FailOn = failOn
	if f.check != "" {
		if err := noUse(cmd, "check"); err != nil {
			return err
		}
		return a.checkEvidence(f.check)
	}
	if f.rules || f.explain != nil {
		return a.auditRules(cmd, f, format, opts)
	}
	switch {
	case f.lint:
		err = noUse(cmd, "lint", "policy", "fail-on", "output", "output-file", "color", "width")
	case f.init:
		err = noUse(cmd, "init", "from", "source", "netns", "holders", "ports", "procfs", "args", "container-names", "output", "output-file", "color", "width")
	}
	switch {
	case err != nil:
		return err
	case (f.init || f.lint) && format != report.Table:
		return usageError("leave out one of the two", "-o %v is for the findings of an audit", format)
	case f.init:
		return a.auditInit(cmd, f, opts)
	}
	policy, register, err := a.policy(f.policy)
	if err != nil {
		return err
	}
	if f.lint {
		if policy == nil {
			return noRegister()
		}
		problems := policy.Lint(time.Now())
		if err := a.output(f.write.file, func(w io.Writer) error { return report.WriteProblems(w, problems, opts) }); err != nil {
			return err
		}
		return failing(problems, failOn, func(p audit.Problem) audit.Severity { return p.Severity })
	}
	if err := a.auditBaseline(cmd, f); err != nil {
		return err
	}
	r, err := a.listenersOf(cmd, f, policy, format, opts)
	if err != nil {
		return err
	}
	r.Approvals, r.Register, r.Accepted, r.Baseline = nil, nil, nil, nil
	scene := audit.Scene{Listeners: r.Listeners, Discrepancies: r.Discrepancies}
	if policy != nil {
		scene.Judged = policy.Judge(r.Scan())
		r.Approvals, r.Register = scene.Judged.Approvals, &scene.Judged.Register
	}
	r.Findings = audit.Check(&scene)
	if f.base != nil {
		changes, err := a.drift(f.base, r, false)
		if err != nil {
			return err
		}
		r.Findings = append(r.Findings, changes...)
		audit.Sort(r.Findings)
	}
	if policy != nil {
		r.Findings, r.Accepted = policy.Except(append(r.Findings, scene.Judged.Findings...), r.Time)
		audit.Sort(r.Findings)
		audit.Sort(r.Accepted)
	}
	out := outcomeOf(r, failOn, f.strict)
	if f.evidence != "" {
		path, sum, err := a.evidence(cmd, f, r, register, &out)
		if err != nil {
			return err
		}
		out.Notes = append(out.Notes, "evidence in "+path, "manifest SHA-256 "+sum)
	}
	if err := a.writeAudit(f, r, format, opts, &out); err != nil {
		return err
	}
	if out.Code == exitIncomplete {
		return incomplete(&r.Coverage)
	}
	if out.Code != exitClean {
		return &exitError{code: out.Code}
	}
	return nil
}

// outcomeOf returns what an audit comes to.
func outcomeOf(r *report.Report, failOn audit.Severity, strict bool) report.Outcome {
	heavy := 0
	for i := range r.Findings {
		if r.Findings[i].Severity >= failOn {
			heavy++
		}
	}
	switch n := len(r.Findings); {
	case heavy > 0 && heavy == n:
		return report.Outcome{Code: exitFindings, Why: fmt.Sprintf("findings at or above %v: %d (--fail-on)", failOn, heavy)}
	case heavy > 0:
		return report.Outcome{Code: exitFindings, Why: fmt.Sprintf("findings at or above %v: %d of %d (--fail-on)", failOn, heavy, n)}
	case strict && !r.Coverage.Complete:
		return report.Outcome{Code: exitIncomplete, Why: "not everything could be seen (--strict)"}
	}
	return report.Outcome{Code: exitClean, Why: fmt.Sprintf("no finding at or above %v (--fail-on)", failOn)}
}

// writeAudit writes the report where it was asked for, and for people what it
// comes to: the summary where standard output is not the report's own place,
// else a line.
func (a *app) writeAudit(f *auditFlags, r *report.Report, format report.Format, opts *report.Options, out *report.Outcome) error {
	opts.Outcome, opts.All = out, f.all
	if err := a.output(f.write.file, func(w io.Writer) error { return report.WriteFindings(w, r, format, opts) }); err != nil {
		return err
	}
	if f.write.toFile() {
		screen, err := f.write.look(a, false)
		if err != nil {
			return err
		}
		screen.Outcome, screen.All = out, f.all
		return a.output("", func(w io.Writer) error { return report.WriteFindings(w, r, report.Table, screen) })
	}
	if format != report.Table && out.Code == exitFindings {
		a.say("%s", out.Why)
	}
	return nil
}

// failing is the error for a list with something of a severity from least on.
func failing[T any](list []T, least audit.Severity, severity func(T) audit.Severity) error {
	if slices.ContainsFunc(list, func(v T) bool { return severity(v) >= least }) {
		return &exitError{code: exitFindings}
	}
	return nil
}

// auditRules lists rules, or says what some are about.
func (a *app) auditRules(cmd *cobra.Command, f *auditFlags, format report.Format, opts *report.Options) error {
	mode := "rules"
	if f.explain != nil {
		mode = "explain"
	}
	if err := noUse(cmd, mode, "output", "json", "output-file", "color", "width"); err != nil {
		return err
	}
	if format != report.Table && format != report.JSON && format != report.YAML {
		return usageError("-o json has all of them", "-o %v is for the findings of an audit", format)
	}
	rules, write := audit.Rules(), report.WriteRules
	if f.explain != nil {
		var asked []audit.Rule
		for _, id := range f.explain {
			r, ok := audit.RuleByID(strings.ToUpper(id))
			if !ok {
				hint := "whatslistening audit --rules lists them"
				if near, ok := nearest(id, ruleIDs(rules)); ok {
					hint = fmt.Sprintf("did you mean %s?", near)
				}
				return usageError(hint, "there is no rule %q", id)
			}
			asked = append(asked, r)
		}
		rules, write = asked, report.ExplainRules
	}
	return a.output(f.write.file, func(w io.Writer) error { return write(w, rules, format, opts) })
}

// ruleIDs yields the ids of rules.
func ruleIDs(rules []audit.Rule) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range rules {
			if !yield(rules[i].ID) {
				return
			}
		}
	}
}

// completeRules completes the id of a rule.
func completeRules(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, r := range audit.Rules() {
		list = append(list, cobra.CompletionWithDesc(r.ID, r.Title))
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// auditInit writes a first register.
func (a *app) auditInit(cmd *cobra.Command, f *auditFlags, opts *report.Options) error {
	r, err := a.listenersOf(cmd, f, nil, report.Table, opts)
	if err != nil {
		return err
	}
	draft := audit.Draft(r.Listeners)
	if len(draft) > audit.MaxPolicySize {
		a.say("the register has %d bytes, and the most that is read is %d", len(draft), audit.MaxPolicySize)
		a.hint("spread it over several files of a folder")
	}
	a.sayMissing(&r.Coverage)
	return a.output(f.write.file, func(w io.Writer) error {
		_, err := w.Write(draft)
		return err
	})
}

// listenersOf returns the report to hold against a register, nil for none: of a
// scan that looks for all that the register speaks of, or the saved one.
func (a *app) listenersOf(cmd *cobra.Command, f *auditFlags, policy *audit.Policy, format report.Format, opts *report.Options) (*report.Report, error) {
	db := portdb.Default()
	if err := f.gather.alone(cmd); err != nil {
		return nil, err
	}
	if f.gather.from == "" {
		var err error
		if db, err = a.registry(f.gather.ports); err != nil {
			return nil, err
		}
	}
	f.gather.verify = f.gather.verify && !f.init
	// The id of a container is another after the next deployment.
	f.gather.names = f.gather.names || f.init && f.gather.from == "" && !cmd.Flags().Changed("container-names")
	protocols := scanner.DefaultProtocols()
	if !f.init {
		protocols = append(protocols, scanner.Raw, scanner.Packet) // the rules look for sniffers
	}
	if policy != nil {
		protocols = append(protocols, policy.Protocols()...)
		f.gather.names = f.gather.names || policy.NamesContainers()
	}
	if f.evidence != "" {
		format = report.JSON // evidence has every fact
	}
	if f.base != nil {
		protocols = append(protocols, f.base.Scope.Protocols...)
	}
	return a.gather(cmd, &f.gather, db, protocols, format, opts)
}
