package report

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// maxSeries is how many listeners have series of their own. Who starts processes
// on a host decides how many there are, and a time series database keeps them all.
const maxSeries = 1000

// maxLabel is the length in bytes from which a label is cut.
const maxLabel = 256

// An exposition is a report in the text format 0.0.4 of Prometheus in the making.
type exposition struct {
	w        io.Writer
	out, one page
	err      error
	labels   int
}

// writePrometheus writes r for the textfile collector of node_exporter. The
// same report gives the same bytes, and no label holds a pid, an inode, a
// command line or a time, so that a restart makes no new series.
//
// UDP sockets that look like clients are counted by themselves: each gets
// another port. audited says that there was an audit, with findings or without.
func writePrometheus(w io.Writer, r *Report, audited bool) error {
	e := &exposition{w: w}
	e.listeners(r)
	e.series(r)
	e.judged(r, audited)
	e.scan(r)
	if e.err == nil {
		e.err = e.out.flush(w)
	}
	return e.err
}

// family begins a metric family.
func (e *exposition) family(name, kind, help word) {
	e.out.word("# HELP whatslistening_")
	e.out.word(name)
	e.out.word(" ")
	e.out.word(help)
	e.line()
	e.out.word("# TYPE whatslistening_")
	e.out.word(name)
	e.out.word(" ")
	e.out.word(kind)
	e.line()
}

// sample begins a sample of a family.
func (e *exposition) sample(name word) {
	e.out.word("whatslistening_")
	e.out.word(name)
	e.labels = 0
}

// label writes a label.
func (e *exposition) label(name word, write func(*page)) {
	if e.labels++; e.labels == 1 {
		e.out.word("{")
	} else {
		e.out.word(",")
	}
	e.out.word(name)
	e.out.word(`="`)
	write(&e.one)
	e.out.label(e.one.rest(0))
	e.one.cut(0)
	e.out.word(`"`)
}

// text writes a label of a text from the host.
func (e *exposition) text(name word, s string) { e.label(name, func(p *page) { p.text(s) }) }

// value ends a sample.
func (e *exposition) value(n uint64) {
	if e.labels > 0 {
		e.out.word("}")
	}
	e.out.word(" ")
	e.out.uint(n)
	e.line()
}

// truth ends a sample that is 1 or 0.
func (e *exposition) truth(b bool) {
	n := uint64(0)
	if b {
		n = 1
	}
	e.value(n)
}

func (e *exposition) line() {
	if e.err == nil {
		e.err = e.out.line(e.w)
	}
}

// gauge writes a family of one sample without labels.
func (e *exposition) gauge(name, help word, n uint64) {
	e.family(name, "gauge", help)
	e.sample(name)
	e.value(n)
}

// A class is what listeners are counted by.
type class struct {
	protocol scanner.Protocol
	exposure annotate.Exposure
	rng      portdb.Range
}

// listeners counts the sockets by protocol, exposure and range.
func (e *exposition) listeners(r *Report) {
	counts, clients := map[class]uint64{}, uint64(0)
	for i := range r.Listeners {
		l := &r.Listeners[i]
		if l.MaybeClient {
			clients++
			continue
		}
		counts[class{l.Protocol, l.Exposure, l.Range}]++
	}
	e.family("listeners", "gauge", "Listening sockets by protocol, who can reach them, and IANA range of the port.")
	for _, c := range slices.SortedFunc(maps.Keys(counts), func(a, b class) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.exposure, b.exposure), cmp.Compare(a.rng, b.rng))
	}) {
		e.sample("listeners")
		e.text("protocol", c.protocol.String())
		e.text("exposure", c.exposure.String())
		e.ports(c.protocol, c.rng)
		e.value(counts[c])
	}
	e.gauge("udp_client_sockets", "UDP sockets that look like clients waiting for an answer, not counted as listeners.", clients)
}

// A place is where sockets listen: one series, however many sockets there are.
type place struct {
	// labels are those that tell one place from another, as they are written.
	labels    span
	listeners []*annotate.Listener
}

// places returns the places in their order, those that are reachable from
// outside first, at most maxSeries; and how many more there are.
func (e *exposition) places(r *Report) (list []*place, more int, err error) {
	sorted, err := inOrder(r.Listeners, nil)
	if err != nil {
		return nil, 0, err
	}
	of := map[string]*place{}
	label := exposition{}
	for _, l := range sorted {
		if l.MaybeClient {
			continue
		}
		label.out.cut(0)
		label.labels = 0
		label.place(l)
		key := string(label.out.rest(0))
		if of[key] == nil {
			of[key] = &place{labels: slices.Clone(label.out.rest(0))}
			list = append(list, of[key])
		}
		of[key].listeners = append(of[key].listeners, l)
	}
	slices.SortStableFunc(list, func(a, b *place) int { return compareBool(b.reachable(), a.reachable()) })
	if more = len(list) - maxSeries; more > 0 {
		return list[:maxSeries], more, nil
	}
	return list, 0, nil
}

// place writes the labels that tell one place from another. They are never cut.
func (e *exposition) place(l *annotate.Listener) {
	g := group{v: &view{raw: true}, l: l}
	e.text("namespace", audit.LastingNamespace(cmp.Or(l.Namespace, "host")))
	e.text("protocol", l.Protocol.String())
	e.label("address", func(p *page) { cellAddress(p, &g) })
	e.label("port", func(p *page) {
		if l.Unix == nil {
			p.uint(uint64(number(l)))
		}
	})
	e.text("device", l.Device)
}

// reachable reports whether the place can be reached from outside the host.
func (p *place) reachable() bool {
	return slices.ContainsFunc(p.listeners, func(l *annotate.Listener) bool { return l.Exposure.Reachable() })
}

// words returns what of gives for the listeners, each once and in order.
func (p *place) words(of func(*annotate.Listener) []string) string {
	var list []string
	for _, l := range p.listeners {
		list = append(list, of(l)...)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}

// queue returns the fullest of the accept queues, and what all have dropped.
func (p *place) queue() (fullest scanner.Queue, dropped uint64) {
	fullest = p.listeners[0].Queue
	for _, l := range p.listeners {
		if fuller(l.Queue, fullest) > 0 {
			fullest = l.Queue
		}
		dropped += uint64(l.Queue.Dropped)
	}
	return fullest, dropped
}

// series writes the series of each place.
func (e *exposition) series(r *Report) {
	list, more, err := e.places(r)
	if err != nil {
		e.err = cmp.Or(e.err, err)
		return
	}
	e.family("listener_info", "gauge", "A place where sockets listen: its service, programs and owner. Always 1.")
	for _, p := range list {
		l := p.listeners[0]
		e.at("listener_info", p)
		e.one.longest = maxLabel
		e.text("service", l.Service.Name)
		e.text("program", p.words((*annotate.Listener).Programs))
		e.text("user", p.words(func(l *annotate.Listener) []string { return []string{audit.SubjectOf(l).User} }))
		e.one.longest = 0
		e.text("exposure", l.Exposure.String())
		e.ports(l.Protocol, l.Range)
		e.text("registration", p.words(func(l *annotate.Listener) []string { return []string{l.Program.String()} }))
		e.value(1)
	}
	e.queue(list, "listener_queue_length", "gauge", "Connections that wait to be accepted, in the fullest queue of the place.",
		func(q scanner.Queue, _ uint64) uint64 { return uint64(q.Length) })
	e.queue(list, "listener_queue_limit", "gauge", "How many connections may wait in that queue; it is full with one more.",
		func(q scanner.Queue, _ uint64) uint64 { return uint64(q.Limit) })
	e.queue(list, "listener_dropped_packets_total", "counter", "Packets that the listeners of the place have dropped since they were made: for a full queue, and stray ones.",
		func(_ scanner.Queue, dropped uint64) uint64 { return dropped })
	e.gauge("listeners_without_series", "Places that have no series of their own, as there are too many.", uint64(more))
}

// at begins a sample of a place.
func (e *exposition) at(name word, p *place) {
	e.sample(name)
	e.out.add(p.labels)
	e.labels++
}

// ports writes the label of a range of ports; empty for a protocol that has none.
func (e *exposition) ports(protocol scanner.Protocol, r portdb.Range) {
	e.label("range", func(p *page) {
		if protocol.HasPorts() {
			p.text(r.String())
		}
	})
}

// queue writes a fact of each accept queue.
func (e *exposition) queue(list []*place, name, kind, help word, of func(scanner.Queue, uint64) uint64) {
	e.family(name, kind, help)
	for _, p := range list {
		if q, dropped := p.queue(); q != (scanner.Queue{}) || dropped > 0 {
			e.at(name, p)
			e.value(of(q, dropped))
		}
	}
}

// judged writes what an audit and the witnesses judged; nothing of what was not
// asked for.
func (e *exposition) judged(r *Report, audited bool) {
	if audited {
		e.findings(r)
	}
	if r.Approvals != nil {
		var of [audit.Client + 1]uint64
		for i := range r.Approvals {
			if v := r.Approvals[i].Verdict; int(v) < len(of) {
				of[v]++
			}
		}
		e.family("approvals", "gauge", "Listening sockets by what the approval register says of them.")
		for v, n := range of {
			e.sample("approvals")
			e.text("verdict", audit.Verdict(v).String())
			e.value(n)
		}
	}
	if r.Discrepancies != nil {
		e.gauge("discrepancies", "Sockets that the witnesses do not agree on.", uint64(len(r.Discrepancies)))
	}
}

// findings counts the findings of each rule, those without one too, so that an
// alert sees a number go up.
func (e *exposition) findings(r *Report) {
	type kind struct {
		rule     string
		severity audit.Severity
	}
	counts := map[kind]uint64{}
	for _, rule := range audit.Rules() {
		counts[kind{rule.ID, rule.Severity}] = 0
	}
	for i := range r.Findings {
		counts[kind{r.Findings[i].Rule, r.Findings[i].Severity}]++
	}
	e.family("findings", "gauge", "Findings of the audit by rule and severity.")
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b kind) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.severity, b.severity))
	}) {
		e.sample("findings")
		e.text("rule", k.rule)
		e.text("severity", k.severity.String())
		e.value(counts[k])
	}
	if r.Register != nil {
		e.gauge("findings_accepted", "Findings that an entry of the register accepts; they are not among the others.", uint64(len(r.Accepted)))
	}
}

// scan writes what is said of the scan as a whole.
func (e *exposition) scan(r *Report) {
	e.family("coverage_complete", "gauge", "Whether the scan saw all that was asked for (1), or not (0).")
	e.sample("coverage_complete")
	e.truth(r.Coverage.Complete)

	counts := map[string]uint64{}
	for i := range r.Coverage.Limitations {
		counts[r.Coverage.Limitations[i].Code]++
	}
	e.family("coverage_limitations", "gauge", "What the scan could not see, by its code.")
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		e.sample("coverage_limitations")
		e.text("code", code)
		e.value(counts[code])
	}
	if t := r.Time.Unix(); t > 0 {
		e.gauge("scan_timestamp_seconds", "When the scan was made, in seconds since 1970.", uint64(t))
	}
	e.family("build_info", "gauge", "The program that made the scan, and the day of its registry of ports. Always 1.")
	e.sample("build_info")
	e.text("version", r.Tool)
	e.text("registry", r.Registry)
	e.value(1)
}
