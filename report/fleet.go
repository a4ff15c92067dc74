package report

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Fleet is what listens on many hosts. [Fleet.Add] takes one report after the
// other and keeps little of each: which services there are, of which program,
// who can reach them, and what was found. It is not safe for concurrent use.
//
// Merged in the same order, the same reports make the same fleet.
type Fleet struct {
	// Tool is the version of the program that merges.
	Tool string
	// Time is when the reports are merged, in UTC: their age is counted to it.
	Time time.Time
	// MaxAge is the age from which a report is said to be too old; 0 for never.
	MaxAge time.Duration
	// Skipped are the reports that could not be read.
	Skipped []Skipped

	hosts  []*fleetHost
	byName map[string][]*fleetHost
	texts  map[string]string // each text of a report once
	keys   map[fleetKey]int32
	places []fleetKey // by the numbers that keys gives
}

// A Skipped is a report that could not be read.
type Skipped struct {
	// Source is the file, or the place on the standard input.
	Source string
	// Problem is why. It may quote the report.
	Problem string
}

// A fleetKey is what is the same service on every host.
type fleetKey struct {
	protocol scanner.Protocol
	port     uint32
	// path is that of a unix socket; the program of a service without a port of
	// its own.
	path string
	// inside says that it is in another network namespace than the host's.
	inside bool
	// changing says that the program has a port of the kernel's choice, another
	// on every host.
	changing bool
}

// A fleetHost is what is kept of a report.
type fleetHost struct {
	name, source string
	time         time.Time
	boot         string
	addrs        []netip.Addr
	os, tool     string
	complete     bool
	limitations  []string
	scope        fleetScope
	// older is how many reports of the host were left out for this one.
	older int
	// twin says that another host has the name too.
	twin      bool
	audited   bool
	findings  []fleetFinding
	listeners int
	outside   int
	clients   int // UDP sockets that look like clients, which are left out
	entries   []fleetEntry

	// What the others say of it: see sum.
	severities  severities
	differences [nkinds]int
	stale       bool
	ahead       bool // the report is of a time to come
	scopeDiffer []string
}

// A fleetScope is how far a scan looked.
type fleetScope struct {
	privileges, namespaces, sources string
	unix                            bool
	// narrowed says that listeners were left out on request: what is missing there
	// may listen all the same.
	narrowed bool
}

// A fleetFinding is how often a rule found something on a host.
type fleetFinding struct {
	rule, title string
	severity    audit.Severity
	count       int
}

// A fleetEntry is a program that listens for a service on a host.
type fleetEntry struct {
	key       int32
	exposure  annotate.Exposure
	ephemeral bool
	program   string // empty where it is not known
	user      string
	service   string
	sockets   int32
}

// Add merges a report. source says where it is from: a file, as a rule.
//
// A host is merged once: of several reports of it the newest counts, and of two
// of one time the one that is added last. Reports with one name are of one host
// unless they have addresses, and none of them in common.
func (f *Fleet) Add(r *Report, source string) {
	if f.byName == nil {
		f.byName, f.texts, f.keys = map[string][]*fleetHost{}, map[string]string{}, map[fleetKey]int32{}
	}
	h := f.host(r, source)
	same := f.byName[h.name]
	for i, other := range same {
		if !h.isSame(other) {
			continue
		}
		h.older, other.older = other.older+1, other.older+1
		if h.time.Before(other.time) {
			return
		}
		f.hosts[slices.Index(f.hosts, other)] = h
		same[i] = h
		return
	}
	f.hosts = append(f.hosts, h)
	f.byName[h.name] = append(same, h)
}

// Len returns how many hosts there are.
func (f *Fleet) Len() int { return len(f.hosts) }

// isSame reports whether two reports are of one host.
func (h *fleetHost) isSame(other *fleetHost) bool {
	if h.boot != "" && h.boot == other.boot || len(h.addrs) == 0 || len(other.addrs) == 0 {
		return true
	}
	return slices.ContainsFunc(h.addrs, func(a netip.Addr) bool { return slices.Contains(other.addrs, a) })
}

// intern returns s, without the report that it is a part of.
func (f *Fleet) intern(s string) string {
	if t, ok := f.texts[s]; ok {
		return t
	}
	s = strings.Clone(s)
	f.texts[s] = s
	return s
}

// host returns what is kept of r.
func (f *Fleet) host(r *Report, source string) *fleetHost {
	c := &r.Coverage
	h := &fleetHost{
		name: f.intern(r.Host.Name), source: source, time: r.Time, boot: f.intern(r.Host.BootID),
		os: f.intern(r.Host.OS), tool: f.intern(r.Tool), complete: c.Complete,
		audited: len(r.Findings) > 0 || r.Register != nil,
		scope: fleetScope{
			privileges: f.intern(c.Privileges), namespaces: "own",
			sources: f.intern(strings.Join(slices.Sorted(slices.Values(c.Sources)), "+")),
		},
	}
	if h.name == "" {
		h.name = source
	}
	switch {
	case r.Scope.NetNS != "":
		h.scope.namespaces = f.intern(r.Scope.NetNS)
	case r.Namespaces != nil:
		h.scope.namespaces = "all"
	}
	h.scope.narrowed = r.Scope.Narrowed
	h.scope.unix = slices.Contains(r.Scope.Protocols, scanner.Unix)
	for i := range c.Limitations {
		h.limitations = append(h.limitations, f.intern(c.Limitations[i].Text))
	}
	for _, i := range r.Host.Interfaces {
		if annotate.IsContainerInterface(i.Name) {
			continue
		}
		for _, a := range i.Addrs {
			if annotate.ClassOf(a.Addr(), nil) > annotate.LinkLocal {
				h.addrs = append(h.addrs, a.Addr().WithZone(""))
			}
		}
	}
	h.find(f, r.Findings)
	at := map[fleetEntry]int32{}
	for i := range r.Listeners {
		h.listener(f, &r.Listeners[i], at)
	}
	return h
}

// find counts the findings by rule and severity.
func (h *fleetHost) find(f *Fleet, findings []audit.Finding) {
	at := map[fleetFinding]int{}
	for i := range findings {
		x := fleetFinding{rule: f.intern(findings[i].Rule), severity: findings[i].Severity}
		n, ok := at[x]
		if !ok {
			n = len(h.findings)
			at[x] = n
			x.title = f.intern(findings[i].Title)
			h.findings = append(h.findings, x)
		}
		h.findings[n].count++
	}
}

// listener adds a listener, once for each of its programs; at has the places of
// those that the host has already.
func (h *fleetHost) listener(f *Fleet, l *annotate.Listener, at map[fleetEntry]int32) {
	if l.Protocol == scanner.Unix {
		h.scope.unix = true
	}
	if l.MaybeClient {
		h.clients++
		return
	}
	h.listeners++
	if l.Exposure.Reachable() {
		h.outside++
	}
	e := fleetEntry{key: f.key(l), ephemeral: l.Ephemeral, user: f.intern(l.User), service: f.intern(l.Service.Name)}
	if l.KnownAs != "" {
		e.service = f.intern(l.KnownAs)
	}
	programs := l.Programs()
	if len(programs) == 0 {
		programs = []string{""}
	}
	for _, p := range programs {
		e.program = f.intern(p)
		i, ok := at[e]
		if !ok {
			i = int32(len(h.entries))
			at[e] = i
			h.entries = append(h.entries, e)
		}
		x := &h.entries[i]
		x.exposure = max(x.exposure, l.Exposure)
		x.sockets++
	}
}

// key returns the number of the service of a listener.
func (f *Fleet) key(l *annotate.Listener) int32 {
	k := fleetKey{protocol: l.Protocol, port: uint32(l.Port), inside: l.Namespace != "host" && l.Namespace != ""}
	switch {
	case l.Unix != nil:
		k.path = f.intern(l.Unix.Path)
	case l.VSock != nil:
		k.port = l.VSock.Port
	case l.Packet != nil:
		k.port = uint32(l.Packet.EtherType)
	}
	return f.number(k)
}

// number returns the number of k, a new one where it has none.
func (f *Fleet) number(k fleetKey) int32 {
	n, ok := f.keys[k]
	if !ok {
		n = int32(len(f.places))
		f.keys[k] = n
		f.places = append(f.places, k)
	}
	return n
}

// compare orders services by port, protocol and what else tells them apart.
func (k *fleetKey) compare(o *fleetKey) int {
	b := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(b(k.changing), b(o.changing)),
		cmp.Compare(k.port, o.port), cmp.Compare(k.protocol, o.protocol), cmp.Compare(b(k.inside), b(o.inside)),
		cmp.Compare(k.path, o.path),
	)
}

// FleetFormats returns the formats that a fleet can be written in, in the order
// in which help lists them.
func FleetFormats() []Format { return []Format{Table, JSON, CSV, YAML, Markdown, HTML} }

// WriteFleet writes a fleet: for people in Table, Markdown and HTML, in JSON and YAML as
// one object, in CSV a line for each program that listens on a host, and for
// each that is missing from one. Another format is an error.
func WriteFleet(w io.Writer, f *Fleet, format Format, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	s := f.sum()
	switch format {
	case Table:
		return fleetText(w, s, o)
	case Markdown:
		return fleetMarkdown(w, s, o)
	case HTML:
		return fleetHTML(w, s, o)
	case CSV:
		return fleetCSV(w, s, o)
	case JSON, YAML:
		e := newEncoder(w, styleOf(format))
		e.document(newFleetRecord(s))
		return e.close()
	}
	return fmt.Errorf("a fleet cannot be written as %v", format)
}

// Worst returns the severity of the worst finding; false where there is none.
func (f *Fleet) Worst() (audit.Severity, bool) {
	worst, any := audit.Note, false
	for _, h := range f.hosts {
		for i := range h.findings {
			worst, any = max(worst, h.findings[i].severity), true
		}
	}
	return worst, any
}
