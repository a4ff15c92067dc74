package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// explainFlags are the flags of explain.
type explainFlags struct {
	write       writeFlags
	ports, from string
	all, noScan bool
}

func newExplain(a *app, completes bool) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain PORT | FIRST-LAST | PROTOCOL/PORT | NAME... [flags]",
		Short: "what the port registry says, and what listens there now",
		Long: `Explain says what a port number or the name of a service is registered for:
what each layer of the registry says of it, the IANA range, whether this host
gives the port to clients, and what listens there now.`,
		Example: `  whatslistening explain 5432
  whatslistening explain udp/53
  whatslistening explain postgresql
  whatslistening explain 8000-8010
  whatslistening explain --all -o jsonl    the whole registry`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.explain(cmd, args, &f)
		},
		ValidArgsFunction: a.completeServices,
	}
	var g groups
	fs := g.add("What")
	fs.BoolVar(&f.all, "all", false, "the whole registry; nothing is scanned")
	fs.BoolVar(&f.noScan, "no-scan", false, "the registry alone, not what listens there now")
	fs.StringVar(&f.from, "from", "", "`FILE`: what listens, from a saved JSON report (or -)")
	fs.StringVar(&f.ports, "ports", "", "`FILE`: your own services(5) names, first of all")
	f.write.add(&g, explainFormats)
	g.attach(cmd)
	if completes {
		f.write.complete(cmd, explainFormats)
	}
	return cmd
}

// explainFormats are those that an explanation can be written in.
var explainFormats = []report.Format{report.Table, report.JSON, report.JSONL, report.YAML}

func (a *app) explain(cmd *cobra.Command, args []string, f *explainFlags) error {
	format, opts, err := f.write.options(a, explainFormats)
	if err != nil {
		return err
	}
	switch {
	case f.all && len(args) > 0:
		return usageError("leave out one of the two", "--all is the whole registry, but %q is asked for", args[0])
	case !f.all && len(args) == 0:
		return usageError("whatslistening explain 5432, or --all for the whole registry", "explain takes a port or the name of a service")
	case f.all && f.from != "":
		return usageError("leave out one of the two", "--all is the registry alone, and --from says what listens")
	case f.noScan && f.from != "":
		return usageError("leave out one of the two", "--from says what listens, --no-scan does not ask")
	}
	db, err := a.registry(f.ports)
	if err != nil {
		return err
	}
	if f.all {
		return a.output(f.write.file, func(w io.Writer) error { return report.WriteEntries(w, db.All(), format, opts) })
	}
	var q question
	for _, arg := range args {
		if err := a.ask(&q, db, arg); err != nil {
			return err
		}
	}
	opts.Array = q.several
	for i := range q.list {
		q.list[i].Unseen = true
	}
	if !f.noScan {
		if err := a.answerNow(cmd.Context(), &q, db, f.from); err != nil {
			return err
		}
	}
	return a.output(f.write.file, func(w io.Writer) error { return report.WriteExplain(w, q.list, format, opts) })
}

// A question is what explain was asked, as far as the registry answers it.
type question struct {
	list  []report.Explanation
	specs []portdb.Spec // for each of list: whose listeners belong there
	// several reports whether there could be any number of answers.
	several bool
}

// add asks of a port: entries, and listeners in spec. A port that was asked of
// before is not asked again.
func (q *question) add(port uint16, entries []portdb.Entry, spec portdb.Spec) {
	for i := range q.list {
		if q.list[i].HasPort && q.list[i].Port == port && q.specs[i] == spec {
			return
		}
	}
	q.list = append(q.list, report.Explanation{Port: port, HasPort: true, Entries: entries})
	q.specs = append(q.specs, spec)
}

// ask adds what arg, a port, a run of ports or a name, asks for.
func (a *app) ask(q *question, db *portdb.DB, arg string) error {
	if len(q.list) > 0 {
		q.several = true
	}
	spec, err := portdb.ParseSpec(arg)
	if err == nil {
		q.several = q.several || spec.First != spec.Last
		for p := int(spec.First); p <= int(spec.Last); p++ {
			one := portdb.Spec{Transport: spec.Transport, First: uint16(p), Last: uint16(p)}
			q.list = append(q.list, report.Explanation{Port: uint16(p), HasPort: true, Entries: db.Entries(nil, spec.Transport, uint16(p))})
			q.specs = append(q.specs, one)
		}
		return nil
	}
	if !errors.Is(err, portdb.ErrNotSpec) {
		return usageError("ports go from 0 to 65535: 5432, 8000-8010, udp/53", "%w", err)
	}
	q.several = true
	if entries := db.Search(arg); len(entries) > 0 {
		q.addNamed(db, entries)
		return nil
	}
	// The name of a program stands for the services that it serves.
	if services := db.Serves(arg); len(services) > 0 {
		a.say("%s is no service but a program, which serves %s", arg, strings.Join(services, ", "))
		for _, s := range services {
			q.addNamed(db, db.Search(s))
		}
		return nil
	}
	hint := "whatslistening explain --all lists every name"
	near, ok := nearest(arg, db.Names(""))
	if !ok && len(arg) > 2 {
		near, ok = shortest(db.Names(arg)) // it may be the start of a name
	}
	if ok {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return usageError(hint, "no service is called %q", arg)
}

// addNamed asks of the ports of entries, which a name was found in. Entries
// without a port are one explanation together.
func (q *question) addNamed(db *portdb.DB, entries []portdb.Entry) {
	var portless []portdb.Entry
	for i := range entries {
		e := &entries[i]
		if !e.HasPort {
			portless = append(portless, *e)
			continue
		}
		said := db.Entries(nil, 0, e.First)
		// One of several names of a port has a row of its own, which Entries
		// folds into that of the first name.
		if !slices.ContainsFunc(said, func(o portdb.Entry) bool { return o.Source == e.Source && o.Name == e.Name }) {
			said = append(said, *e)
		}
		q.add(e.First, said, portdb.Spec{First: e.First, Last: e.Last})
	}
	if portless != nil {
		q.list = append(q.list, report.Explanation{Entries: portless})
		q.specs = append(q.specs, portdb.Spec{})
	}
}

// answerNow adds what listens on the ports now, or did when the report at from
// was made. A scan that fails is said and costs that part alone.
func (a *app) answerNow(ctx context.Context, q *question, db *portdb.DB, from string) error {
	var host scanner.Host
	var listeners []annotate.Listener
	if from != "" {
		r, err := a.readReport(from)
		if err != nil {
			return err
		}
		host, listeners = r.Host, r.Listeners
	} else {
		done := a.progress(ctx, "looking at what listens")
		snap, err := scanner.Scan(ctx, &scanner.Options{})
		done()
		if err != nil {
			a.say("what listens there now is not known: %v", err)
			return nil
		}
		host, listeners = snap.Host, annotate.Snapshot(snap, db, nil)
	}
	at := map[uint16][]*annotate.Listener{}
	for i := range listeners {
		at[listeners[i].Port] = append(at[listeners[i].Port], &listeners[i])
	}
	for i := range q.list {
		x := &q.list[i]
		if !x.HasPort {
			continue
		}
		x.Unseen = false
		x.Host = host.Ephemeral
		x.Reserved = slices.ContainsFunc(host.Reserved, func(r scanner.PortRange) bool { return r.First <= x.Port && x.Port <= r.Last })
		for port := int(q.specs[i].First); port <= int(q.specs[i].Last); port++ {
			for _, l := range at[uint16(port)] {
				if l.At(q.specs[i]) {
					x.Listeners = append(x.Listeners, *l)
				}
			}
		}
	}
	return nil
}
