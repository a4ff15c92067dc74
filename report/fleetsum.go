package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// A few of many: at most a tenth of them. What a few hosts have or lack, and the
// rest does not, is a difference. Among fewer than ten there are no few.
func few(n, of int) bool { return n > 0 && n*10 <= of }

// clockSkew is how far in the time to come a report may be.
const clockSkew = 5 * time.Minute

// A kind is a way in which a host differs from the rest, the worst first.
type fleetKind uint8

const (
	kindExposed  fleetKind = iota // a service that few have, reachable from outside
	kindWider                     // reachable from outside, where nearly all keep it local
	kindProgram                   // of a program that few have there
	kindExtra                     // a service that few have
	kindMissing                   // a service that nearly all others have
	kindNarrower                  // local, where nearly all have it reachable
	nkinds
)

// A fleetDifference is how a host differs from the rest.
type fleetDifference struct {
	kind    fleetKind
	host    *fleetHost
	service *fleetService
	// entry is what the host has; nil for what is missing.
	entry *fleetEntry
	// n of so many hosts are as this one.
	n, of int
}

// A fleetService is a service, and the hosts that have it.
type fleetService struct {
	fleetKey
	name     string
	programs []fleetCount // the most common first
	on       []*fleetOn
	outside  int // on how many hosts it can be reached from outside
	of       int // how many hosts could have it
}

// A fleetOn is a service on a host: its programs, of which each is an entry.
type fleetOn struct {
	host     *fleetHost
	entries  []fleetEntry
	exposure annotate.Exposure
}

// A fleetCount is a text, and how many hosts have it.
type fleetCount struct {
	text  string
	hosts int
}

// A fleetRule is a rule, and the hosts on which it found something.
type fleetRule struct {
	rule, title string
	severity    audit.Severity
	count       int
	hosts       []*fleetHost
}

// A fleetSum is what a fleet comes to.
type fleetSum struct {
	*Fleet
	hosts       []*fleetHost // the worst first
	services    []*fleetService
	differences []fleetDifference
	rules       []fleetRule
	listeners   int
	severities  severities
	audited     int
	// first and last are the times of the oldest and of the newest report.
	first, last time.Time
	usual       fleetScope
	usualOS     string
}

// sum compares the hosts with each other.
func (f *Fleet) sum() *fleetSum {
	s := &fleetSum{Fleet: f, hosts: slices.Clone(f.hosts)}
	slices.SortStableFunc(s.hosts, func(a, b *fleetHost) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.source, b.source))
	})
	for i, h := range s.hosts {
		h.twin = i > 0 && s.hosts[i-1].name == h.name || i+1 < len(s.hosts) && s.hosts[i+1].name == h.name
		h.severities, h.differences = severities{}, [nkinds]int{}
		for _, x := range h.findings {
			if int(x.severity) < len(h.severities) {
				h.severities[x.severity] += x.count
				s.severities[x.severity] += x.count
			}
		}
		if h.audited {
			s.audited++
		}
		s.listeners += h.listeners
		if s.first.IsZero() || h.time.Before(s.first) {
			s.first = h.time
		}
		if h.time.After(s.last) {
			s.last = h.time
		}
		h.stale = f.MaxAge > 0 && f.Time.Sub(h.time) > f.MaxAge
		h.ahead = h.time.Sub(f.Time) > clockSkew
	}
	s.scopes()
	s.gather(s.changing())
	for _, v := range s.services {
		s.compare(v)
	}
	slices.SortStableFunc(s.hosts, worse)
	order := make(map[*fleetHost]int, len(s.hosts))
	for i, h := range s.hosts {
		order[h] = i
	}
	slices.SortStableFunc(s.differences, func(a, b fleetDifference) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(order[a.host], order[b.host]))
	})
	s.findings()
	return s
}

// worse orders hosts: by their findings and by how they differ.
func worse(a, b *fleetHost) int {
	odd := func(h *fleetHost) int {
		return h.differences[kindExposed] + h.differences[kindWider] + h.differences[kindProgram]
	}
	return cmp.Or(
		cmp.Compare(b.severities[audit.Error], a.severities[audit.Error]),
		cmp.Compare(b.severities[audit.Warning], a.severities[audit.Warning]),
		cmp.Compare(odd(b), odd(a)),
		cmp.Compare(b.differs(), a.differs()),
		cmp.Compare(b.severities[audit.Note], a.severities[audit.Note]),
	)
}

// differs returns in how many ways the host differs.
func (h *fleetHost) differs() int {
	n := 0
	for _, d := range h.differences {
		n += d
	}
	return n
}

// changing returns what stands for the ports that the kernel chose: a program
// that has such a port on a few hosts, and others on others, has one service and
// not one for each host.
func (s *fleetSum) changing() func(e *fleetEntry) int32 {
	hosts := make([]int, len(s.places)) // that have the service
	for _, h := range s.hosts {
		seen := map[int32]bool{}
		for i := range h.entries {
			if k := h.entries[i].key; !seen[k] {
				seen[k] = true
				hosts[k]++
			}
		}
	}
	type of struct {
		protocol scanner.Protocol
		program  string
		inside   bool
	}
	name := func(e *fleetEntry) of { k := &s.places[e.key]; return of{k.protocol, e.program, k.inside} }
	picked := func(e *fleetEntry) bool {
		return e.ephemeral && e.program != "" && (hosts[e.key] == 1 || few(hosts[e.key], len(s.hosts)))
	}
	ports := map[of]map[int32]bool{}
	for _, h := range s.hosts {
		for i := range h.entries {
			if e := &h.entries[i]; picked(e) {
				if ports[name(e)] == nil {
					ports[name(e)] = map[int32]bool{}
				}
				ports[name(e)][e.key] = true
			}
		}
	}
	return func(e *fleetEntry) int32 {
		if n := name(e); picked(e) && len(ports[n]) > 1 {
			return s.number(fleetKey{protocol: n.protocol, path: n.program, inside: n.inside, changing: true})
		}
		return e.key
	}
}

// gather makes the services; place gives the number of an entry's.
func (s *fleetSum) gather(place func(*fleetEntry) int32) {
	type program struct {
		place         int32
		program, user string
	}
	type tallies struct{ names, programs map[string]int }
	byKey, counts := map[int32]*fleetService{}, map[*fleetService]tallies{}
	whole, withUnix := 0, 0 // reports that would show a service, and a unix socket
	for _, h := range s.hosts {
		if !h.scope.narrowed {
			whole++
			if h.scope.unix {
				withUnix++
			}
		}
		entries, programs := map[program]int{}, map[program]bool{}
		hosts := map[*fleetService]*fleetOn{}
		for i := range h.entries {
			e := &h.entries[i]
			k := place(e)
			v := byKey[k]
			if v == nil {
				v = &fleetService{fleetKey: s.places[k]}
				byKey[k], counts[v] = v, tallies{map[string]int{}, map[string]int{}}
				s.services = append(s.services, v)
			}
			on := hosts[v]
			if on == nil {
				on = &fleetOn{host: h}
				hosts[v] = on
				v.on = append(v.on, on)
			}
			on.exposure = max(on.exposure, e.exposure)
			if !v.changing {
				counts[v].names[e.service]++
			}
			// Two users of a program on one host count once.
			if p := (program{k, e.program, ""}); !programs[p] {
				programs[p] = true
				counts[v].programs[e.program]++
			}
			// What differs in the name of the service alone is one.
			p := program{k, e.program, e.user}
			if at, ok := entries[p]; ok {
				o := &on.entries[at]
				o.exposure = max(o.exposure, e.exposure)
				o.sockets += e.sockets
				continue
			}
			entries[p] = len(on.entries)
			on.entries = append(on.entries, *e)
		}
	}
	for _, v := range s.services {
		if n := mostCommon(counts[v].names); len(n) > 0 {
			v.name = n[0].text
		}
		v.programs = mostCommon(counts[v].programs)
		v.of = whole
		if v.protocol == scanner.Unix {
			v.of = withUnix
		}
		for _, on := range v.on {
			if !on.host.shows(v) {
				v.of++
			}
			if on.exposure.Reachable() {
				v.outside++
			}
		}
	}
	slices.SortFunc(s.services, func(a, b *fleetService) int { return a.compare(&b.fleetKey) })
}

// compare finds the hosts that differ in a service.
func (s *fleetSum) compare(v *fleetService) {
	differ := func(kind fleetKind, h *fleetHost, e *fleetEntry, n, of int) {
		s.differences = append(s.differences, fleetDifference{kind, h, v, e, n, of})
		h.differences[kind]++
	}
	n := len(v.on)
	if few(n, v.of) {
		for _, on := range v.on {
			kind := kindExtra
			if on.exposure.Reachable() {
				kind = kindExposed
			}
			differ(kind, on.host, &on.entries[0], n, v.of)
		}
		return
	}
	if few(v.of-n, v.of) {
		for _, h := range s.lacking(v) {
			differ(kindMissing, h, nil, v.of-n, v.of)
		}
	}
	known := 0
	for _, on := range v.on {
		if on.entries[0].program != "" {
			known++
		}
	}
	programs := map[string]int{}
	for _, c := range v.programs {
		programs[c.text] = c.hosts
	}
	for _, on := range v.on {
		switch outside := on.exposure.Reachable(); {
		case outside && few(v.outside, n):
			differ(kindWider, on.host, &on.entries[0], v.outside, n)
		case !outside && few(n-v.outside, n):
			differ(kindNarrower, on.host, &on.entries[0], n-v.outside, n)
		}
		for j := range on.entries {
			if e := &on.entries[j]; e.program != "" && few(programs[e.program], known) {
				differ(kindProgram, on.host, e, programs[e.program], known)
				break
			}
		}
	}
}

// shows reports whether the report of h would have the service if the host did.
func (h *fleetHost) shows(v *fleetService) bool {
	return !h.scope.narrowed && (v.protocol != scanner.Unix || h.scope.unix)
}

// lacking returns the hosts that could have a service and do not.
func (s *fleetSum) lacking(v *fleetService) []*fleetHost {
	var list []*fleetHost
	i := 0
	for _, h := range s.hosts { // in the order of v.on
		if i < len(v.on) && v.on[i].host == h {
			i++
			continue
		}
		if h.shows(v) {
			list = append(list, h)
		}
	}
	return list
}

// findings gathers the findings by rule, the worst first.
func (s *fleetSum) findings() {
	type graded struct {
		rule     string
		severity audit.Severity
	}
	at := map[graded]int{}
	for _, h := range s.hosts {
		for _, x := range h.findings {
			i, ok := at[graded{x.rule, x.severity}]
			if !ok {
				i = len(s.rules)
				at[graded{x.rule, x.severity}] = i
				s.rules = append(s.rules, fleetRule{rule: x.rule, title: x.title, severity: x.severity})
			}
			s.rules[i].count += x.count
			s.rules[i].hosts = append(s.rules[i].hosts, h)
		}
	}
	slices.SortStableFunc(s.rules, func(a, b fleetRule) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(len(b.hosts), len(a.hosts)), strings.Compare(a.rule, b.rule))
	})
}

// complete reports whether every report was read, and every host seen whole.
func (s *fleetSum) complete() bool {
	return len(s.Skipped) == 0 && !slices.ContainsFunc(s.hosts, func(h *fleetHost) bool { return !h.complete })
}
