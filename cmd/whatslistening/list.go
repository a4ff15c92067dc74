package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// listFlags are the flags of list, which are those of the bare command too.
type listFlags struct {
	write    writeFlags
	columns  string
	sort     string
	noHeader bool
	noTrunc  bool
	all      bool

	exposed bool
	proto   []string
	users   []string
	ranges  []string

	gatherFlags
	strict   bool
	exitCode bool
}

// groups declares the flags.
func (f *listFlags) groups() groups {
	var g groups
	fs := g.add("Which listeners")
	fs.BoolVar(&f.exposed, "exposed", false, "only what other machines can reach")
	fs.StringSliceVar(&f.proto, "proto", nil, "`PROTO,...`: only tcp, udp, sctp …, raw, ping, packet, vsock, unix")
	fs.BoolVar(&f.unix, "unix", false, "unix sockets too, by path or @abstract name")
	fs.StringSliceVar(&f.users, "user", nil, "`USER,...`: only those users', by name or uid")
	fs.StringSliceVar(&f.ranges, "range", nil, "`RANGE,...`: only well-known, registered, dynamic ports")
	fs.BoolVar(&f.all, "all", false, "a row for every socket, clients' too; nothing folded")

	f.write.add(&g, listFormats())
	fs = g[len(g)-1].flags
	fs.StringVar(&f.columns, "columns", "", "`a,b|+a`: these columns alone, or one more")
	fs.StringVar(&f.sort, "sort", "", "`a,-b`: sort by these columns, - for descending")
	fs.BoolVar(&f.noHeader, "no-header", false, "leave out the titles, and the lines below")
	fs.BoolVar(&f.noTrunc, "no-trunc", false, "never shorten a cell")

	f.gatherFlags.add(&g)

	fs = g.add("Other")
	fs.BoolVar(&f.verify, "verify", false, "ask other witnesses; exit 1 when a socket is hidden")
	fs.BoolVar(&f.probe, "probe", false, "--verify, and bind every free port for an instant")
	fs.BoolVar(&f.strict, "strict", false, "exit 4 when something could not be seen")
	fs.BoolVar(&f.exitCode, "exit-code", false, "exit 1 when nothing matches")
	return g
}

func newList(a *app, completes bool) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list [PORT | FIRST-LAST | PROTOCOL/PORT | NAME]... [flags]",
		Short: "what listens on this host (the same as no command)",
		Long: `List is what whatslistening does where there is no command. A name behind it
is never taken for a command, whatever commands there will be: for scripts.`,
		Args:              cobra.ArbitraryArgs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.list(cmd, args, &f) },
		ValidArgsFunction: a.completeTerms,
	}
	f.groups().attach(cmd)
	if completes {
		f.complete(a, cmd)
	}
	return cmd
}

// list gathers the listeners, narrows them down and has them written.
func (a *app) list(cmd *cobra.Command, args []string, f *listFlags) error {
	format, opts, err := f.options(a)
	if err != nil {
		return err
	}
	if err := f.alone(cmd); err != nil {
		return err
	}
	db, err := a.registry(f.ports)
	if err != nil {
		return err
	}
	filter, err := f.filter(args, db)
	if err != nil {
		return err
	}
	r, err := a.gather(cmd, &f.gatherFlags, db, filter.Protocols, format, opts)
	if err != nil {
		return err
	}
	narrowed := len(args) > 0 || f.exposed || len(f.users) > 0 || len(f.proto) > 0 || len(f.ranges) > 0
	if narrowed {
		r.Keep(filter.Match)
		r.Scope.Narrowed = r.Scope.Narrowed || len(args) > 0 || f.exposed || len(f.users) > 0 || len(f.ranges) > 0
		if f.from != "" && len(f.proto) > 0 {
			r.Scope.Protocols = filter.Protocols
		}
		openFolded(r, opts)
	}
	nothing := len(r.Listeners) == 0
	if narrowed && nothing {
		a.sayNothing(cmd.Root(), args, r)
	}
	// For a person the line on stderr says all that an empty table would.
	shown := !narrowed || !nothing || forPrograms(format) || f.write.file != ""
	if shown {
		if err := a.output(f.write.file, func(w io.Writer) error { return report.Write(w, r, format, opts) }); err != nil {
			return err
		}
	}
	// CSV has no place for what could not be seen, and bare rows have none.
	if (format == report.CSV || f.noHeader && !forPrograms(format)) && !f.strict && !nothing {
		a.sayMissing(&r.Coverage)
	}
	if f.noHeader && !forPrograms(format) || format == report.CSV || format == report.JSONL || !shown {
		a.sayDiscrepancies(r.Discrepancies)
	}
	switch {
	case (f.verify || f.probe) && hides(r.Discrepancies):
		return &exitError{code: exitFindings}
	case f.strict && !r.Coverage.Complete:
		return incomplete(&r.Coverage)
	case f.exitCode && nothing:
		return &exitError{code: exitFindings}
	}
	return nil
}

// listFormats returns the formats of a list: all but those of findings, of which
// it has none.
func listFormats() []report.Format {
	return slices.DeleteFunc(report.Formats(), func(f report.Format) bool { return f == report.SARIF || f == report.JUnit })
}

// options returns the format and the options of the report.
func (f *listFlags) options(a *app) (report.Format, *report.Options, error) {
	format, o, err := f.write.options(a, listFormats())
	if err != nil {
		return 0, nil, err
	}
	if f.columns != "" {
		if o.Columns, err = report.ParseColumns(f.columns, format); err != nil {
			return 0, nil, usageError("", "--columns: %w", err)
		}
	}
	if f.args && added(o.Columns) {
		if more, err := report.ParseColumns("+args", format); err == nil { // the others have every fact
			o.Columns = append(o.Columns, more...)
		}
	}
	if f.sort != "" {
		if o.Sort, err = report.ParseSort(f.sort); err != nil {
			return 0, nil, usageError("", "--sort: %w", err)
		}
	}
	if f.noTrunc && f.write.width > 0 {
		return 0, nil, usageError("leave out one of the two", "--width %d shortens cells, and --no-trunc does not", f.write.width)
	}
	o.NoHeader, o.NoTrunc, o.All = f.noHeader, f.noTrunc, f.all
	return format, o, nil
}

// added reports whether columns are only added to those that a format has.
func added(columns []string) bool { return len(columns) == 0 || strings.HasPrefix(columns[0], "+") }

// filter returns what the terms and the flags ask for.
func (f *listFlags) filter(args []string, db *portdb.DB) (*annotate.Filter, error) {
	want := &annotate.Filter{Exposed: f.exposed, Users: f.users}
	for _, arg := range args {
		t, err := annotate.ParseTerm(arg, db)
		if err != nil {
			return nil, usageError("a port is 5432, :443, 8000-9000, udp/53 or 127.0.0.1:5432; all else is a name", "%w", err)
		}
		want.Terms = append(want.Terms, t)
	}
	for _, name := range f.proto {
		p, err := scanner.ParseProtocol(strings.ToLower(name))
		if err != nil {
			return nil, usageError("", "--proto: %w", err)
		}
		want.Protocols = append(want.Protocols, p)
	}
	if f.unix && len(want.Protocols) > 0 {
		want.Protocols = append(want.Protocols, scanner.Unix)
	}
	for _, name := range f.ranges {
		r, err := portdb.ParseRange(name)
		if err != nil {
			return nil, usageError("", "--range: %w", err)
		}
		want.Ranges = append(want.Ranges, r)
	}
	return want, nil
}

// forPrograms reports whether programs read the format, so that nothing is
// something that has to be said there too.
func forPrograms(f report.Format) bool {
	return f != report.Table && f != report.Wide && f != report.Tree
}

// everyFact reports whether the format has every fact that there is.
func everyFact(f report.Format) bool {
	return f == report.JSON || f == report.JSONL || f == report.YAML
}

// parents reports whether the processes that holders descend from are shown.
func parents(f report.Format, columns []string) bool {
	return everyFact(f) || f == report.Wide && added(columns) ||
		slices.Contains(columns, "parents") || slices.Contains(columns, "+parents")
}

// gather returns the report to narrow down: of a scan, or the saved one.
// A report for programs has every layer's opinion of a port, and where it has
// room for the coverage, what the scan may see.
func (a *app) gather(cmd *cobra.Command, f *gatherFlags, db *portdb.DB, protocols []scanner.Protocol, format report.Format, opts *report.Options) (*report.Report, error) {
	source, err := scanner.ParseSource(f.source)
	if err != nil {
		return nil, usageError("", "--source: %w", err)
	}
	holders, err := scanner.ParseHolderSource(f.holders)
	if err != nil {
		return nil, usageError("", "--holders: %w", err)
	}
	if source == scanner.Gopsutil && holders != scanner.HoldersAuto {
		return nil, usageError("leave out one of the two", "--holders %s has no use with --source gopsutil, which finds holders by itself", f.holders)
	}
	if f.from != "" {
		return a.readReport(f.from)
	}
	if f.procfs != "" {
		if fi, err := os.Stat(f.procfs); err != nil || !fi.IsDir() {
			return nil, usageError("name a folder with a proc filesystem", "--procfs: %q is no folder", f.procfs)
		}
	}
	if f.unix && len(protocols) == 0 {
		protocols = append(scanner.DefaultProtocols(), scanner.Unix)
	}
	snap, err := a.scan(cmd.Context(), &scanner.Options{
		Source: source, Holders: holders, Protocols: protocols, Args: f.args, ProcFS: f.procfs, NetNS: f.netns,
		Access:    format == report.JSON || format == report.YAML,
		Ancestors: parents(format, opts.Columns), ContainerNames: f.names, Verify: f.verify || f.probe, Probe: f.probe,
	})
	var shut *scanner.NamespaceError
	switch {
	case err == nil:
	case errors.Is(err, scanner.ErrNoNamespace):
		return nil, usageError(netnsHint(), "--netns: %w", err)
	case errors.As(err, &shut):
		return nil, failure(shut.Remedy, "--netns: %w", err)
	default:
		return nil, failure("", "scan: %w", err)
	}
	return &report.Report{
		Tool: toolVersion(), Registry: db.Date(), Time: time.Now().UTC(),
		Host: snap.Host, Namespaces: snap.Namespaces, Coverage: snap.Coverage, Discrepancies: snap.Discrepancies,
		Scope:     f.scopeOf(protocols),
		Listeners: annotate.Snapshot(snap, db, &annotate.Options{Opinions: everyFact(format)}),
	}, nil
}

// netnsHint says which network namespaces can be named.
func netnsHint() string {
	names := scanner.NetNSNames()
	hint := "own, all, a pid, the id of a container (with --container-names its name), or a name of the column NAMESPACE"
	const most = 10
	for i, name := range names[:min(len(names), most)] {
		if i == 0 {
			hint += "; ip-netns(8) has "
		} else {
			hint += ", "
		}
		hint += strconv.Quote(name)
	}
	if n := len(names) - most; n > 0 {
		hint += fmt.Sprintf(" and %d more", n)
	}
	return hint
}

func (a *app) scan(ctx context.Context, o *scanner.Options) (*scanner.Snapshot, error) {
	// Nearly all that a scan allocates is needed to the end, and to look for what
	// is not takes the processors from it. A saved report may be of any size.
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(500)
	}
	defer a.progress(ctx, "looking for listeners")()
	return scanner.Scan(ctx, o)
}

// readReport reads the saved report at path, or on stdin for "-".
func (a *app) readReport(path string) (*report.Report, error) {
	in, name := a.stdin, "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usageError("", "read the report: %w", err)
		}
		defer f.Close()
		if fi, err := f.Stat(); err == nil && fi.IsDir() {
			return nil, usageError("", "read the report: %q is a folder", path)
		}
		in, name = f, fmt.Sprintf("%q", path)
	}
	return parseReport(in, name)
}

// parseReport reads a saved report from in, which is called name.
func parseReport(in io.Reader, name string) (*report.Report, error) {
	r, err := report.Read(in)
	if err != nil {
		hint := ""
		var e *report.ReadError
		if errors.As(err, &e) {
			hint = e.Hint
		}
		return nil, usageError(hint, "%s: %w", name, err)
	}
	return r, nil
}

// openFolded has every socket shown where the table would fold all that was
// asked for away.
func openFolded(r *report.Report, o *report.Options) {
	if len(r.Listeners) > 0 && !slices.ContainsFunc(r.Listeners, func(l annotate.Listener) bool { return !l.MaybeClient }) {
		o.All = true
	}
}

// sayNothing says that nothing matched, and what may be the reason.
func (a *app) sayNothing(root *cobra.Command, args []string, r *report.Report) {
	what := "the filter"
	if len(args) > 0 {
		what = strings.Join(args, " ")
	}
	a.say("nothing that listens matches %s", what)
	for _, arg := range args {
		if near, ok := nearCommand(root, arg); ok {
			a.hint("did you mean %s %s?", root.Name(), near)
			return
		}
	}
	if !slices.Contains(r.Scope.Protocols, scanner.Unix) && slices.ContainsFunc(args, isPath) {
		a.hint("--unix lists unix sockets")
		return
	}
	for _, l := range r.Coverage.Limitations {
		if !r.Coverage.Complete && l.Remedy != "" {
			a.hint("%s: %s", l.Text, l.Remedy)
			return
		}
	}
}

// isPath reports whether a term may be the path or the abstract name of a unix
// socket.
func isPath(term string) bool { return term != "" && (term[0] == '/' || term[0] == '@') }

// sayMissing says what could not be seen, for a format that has no place for it.
func (a *app) sayMissing(c *scanner.Coverage) {
	if c.Complete {
		return
	}
	for _, l := range c.Limitations {
		a.say("%s", l.Text)
		if l.Remedy != "" {
			a.hint("%s", l.Remedy)
		}
	}
}

// incomplete is the error of --strict.
func incomplete(c *scanner.Coverage) error {
	e := &exitError{code: exitIncomplete, err: errors.New("the report is incomplete")}
	if len(c.Limitations) > 0 {
		l := c.Limitations[0]
		e.err, e.hint = fmt.Errorf("the report is incomplete: %s", l.Text), l.Remedy
	}
	return e
}
