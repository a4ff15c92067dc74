package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/scanner"
)

// Changes are what two scans tell apart.
type Changes struct {
	// Findings are in the order of [Sort].
	Findings []Finding
	// Unchanged is how many services are as they were.
	Unchanged int
	// Caveats are what could not be compared, and why.
	Caveats []Caveat
}

// Drift returns what changed from base to now. It compares programs at ports of
// network namespaces, by what lasts of them: no pid, no inode, no queue and no
// order tells anything apart, nor how many sockets and processes there are.
// UDP sockets that look like clients are left out, and a program that the kernel
// gives another port at every start has moved.
//
// What only one of the two could see is not taken for a change: a caveat says
// what was left out. Where one of them is [Caveat.Wrong], the scans are better
// not compared.
func Drift(base, now *Scan) *Changes {
	d := &drift{comparison: compare(base, now)}
	names := base.namesContainers() && now.namesContainers()
	a, b := gather(base, d.comparison, names), gather(now, d.comparison, names)
	if d.shared {
		keepShared(a, b, base, now)
	}
	d.level(a, b)
	var gone, come []*service
	for _, v := range slices.SortedFunc(maps.Values(a), compareServices) {
		if w := b[v.key()]; w != nil {
			d.pair(v, w)
		} else if !v.client {
			gone = append(gone, v)
		}
	}
	for _, w := range slices.SortedFunc(maps.Values(b), compareServices) {
		if a[w.key()] == nil && !w.client {
			come = append(come, w)
		}
	}
	d.rest(gone, come)
	Sort(d.out.Findings)
	if n := d.unseen; n > 0 {
		d.wrong("who holds what listens is known in one of the two reports alone at %d %s: that it changed would not be seen", n, plural(n, "port", "ports"))
	}
	d.out.Caveats = d.caveats
	return &d.out
}

// plural returns one or many, as n asks.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// A drift compares two scans.
type drift struct {
	*comparison
	unseen int // places where the programs could not be compared
	out    Changes
}

// gather returns the services of a scan that are compared.
func gather(s *Scan, c *comparison, names bool) map[serviceKey]*service {
	all := services{namer: newNamer(s, names), at: map[serviceKey]*service{}}
	for i := range s.Listeners {
		if l := &s.Listeners[i]; slices.Contains(c.protocols, l.Protocol) {
			all.add(l)
		}
	}
	return all.at
}

// keepShared drops the services in network namespaces that only one of the scans
// looked into.
func keepShared(a, b map[serviceKey]*service, base, now *Scan) {
	in := func(s *Scan, services map[serviceKey]*service) map[string]bool {
		set := map[string]bool{hostNamespace: true}
		n := newNamer(s, base.namesContainers() && now.namesContainers())
		for i := range s.Namespaces {
			set[n.lasting(s.Namespaces[i].Name)] = true
		}
		for key := range services {
			set[key.namespace] = true
		}
		return set
	}
	before, after := in(base, a), in(now, b)
	maps.DeleteFunc(a, func(k serviceKey, _ *service) bool { return !after[k.namespace] })
	maps.DeleteFunc(b, func(k serviceKey, _ *service) bool { return !before[k.namespace] })
}

// level makes one service of all that are at a place where one of the scans does
// not know every program: without that the owners that a scan cannot see would
// seem to be gone. The same holds where systemd keeps a socket, and the service
// that it is for has been started in one of the two alone.
func (d *drift) level(a, b map[serviceKey]*service) {
	before, after := byPlace(a), byPlace(b)
	for at, vs := range before {
		ws := after[at]
		if len(ws) == 0 || len(vs) == len(ws) && slices.EqualFunc(vs, ws, func(v, w *service) bool { return v.program == w.program }) {
			continue
		}
		blind := slices.ContainsFunc(slices.Concat(vs, ws), func(v *service) bool { return v.program == "" })
		if !blind && !waits(vs, ws) && !waits(ws, vs) {
			continue
		}
		if blind {
			d.unseen++
		}
		mergeInto(a, vs)
		mergeInto(b, ws)
	}
}

// byPlace returns the services of each place, in order.
func byPlace(services map[serviceKey]*service) map[spot][]*service {
	at := make(map[spot][]*service, len(services))
	for _, v := range services {
		at[v.spot] = append(at[v.spot], v)
	}
	for _, list := range at {
		slices.SortFunc(list, compareServices)
	}
	return at
}

// waits reports whether systemd waits with the sockets of vs for the first
// connection, and gave those of ws to a service.
func waits(vs, ws []*service) bool {
	return slices.ContainsFunc(vs, func(v *service) bool { return v.waiting }) &&
		slices.ContainsFunc(ws, func(w *service) bool { return w.shared && !w.waiting })
}

// mergeInto makes the services of one place one, of which the program is not
// known.
func mergeInto(services map[serviceKey]*service, list []*service) {
	all := *list[0]
	all.program, all.processes, all.unit, all.runs = "", nil, "", user{uid: -1}
	for _, v := range list {
		delete(services, v.key())
		all.merge(v)
	}
	services[all.key()] = &all
}

// pair compares a service with itself.
func (d *drift) pair(v, w *service) {
	if v.client || w.client {
		return
	}
	n := len(d.out.Findings)
	d.moved(v, w)
	if was, now := ownerChange(v, w); was != now {
		severity := Warning
		if v.runs.uid > 0 && w.runs.uid == 0 || len(v.owners) > 0 && len(w.owners) > 0 && v.owners[0].uid > 0 && w.owners[0].uid == 0 {
			severity = Error
		}
		d.find(ruleOwner, severity, w, was, now, "%s: owner was %s, is %s", w, was, now)
	}
	if len(d.out.Findings) > n {
		return
	}
	if !d.again && len(v.processes) > 0 && len(w.processes) > 0 &&
		!slices.ContainsFunc(v.processes, func(i instance) bool { return slices.Contains(w.processes, i) }) {
		d.find(ruleRestarted, Note, w, "", "", "%s was started again", w)
		return
	}
	d.out.Unchanged++
}

// moved compares the addresses of a service.
func (d *drift) moved(v, w *service) {
	severity, how := wider(v, w)
	switch {
	case !d.someBase && !within(w.ends, v.ends), !d.someNow && !within(v.ends, w.ends):
		was, now := endsText(v.ends), endsText(w.ends)
		d.find(ruleMoved, severity, w, was, now, "%s moved from %s to %s%s", w, was, now, how)
	case v.exposure != w.exposure && slices.Equal(v.ends, w.ends):
		was, now := v.exposure.String(), w.exposure.String()
		d.find(ruleMoved, severity, w, was, now, "%s: exposure was %s, is %s%s", w, was, now, how)
	}
}

// within reports whether each of list is one of other.
func within(list, other []end) bool {
	return !slices.ContainsFunc(list, func(e end) bool { return !slices.Contains(other, e) })
}

// wider returns how much it matters that v became w, and says who can reach it.
func wider(v, w *service) (Severity, string) {
	uncovered := func(list, by []end) bool {
		return slices.ContainsFunc(list, func(e end) bool {
			return !slices.ContainsFunc(by, func(f end) bool { return f.covers(e) })
		})
	}
	gains, losses := uncovered(w.ends, v.ends), uncovered(v.ends, w.ends)
	switch {
	case w.exposure > v.exposure, w.exposure == v.exposure && gains && !losses:
		if w.exposure.Reachable() {
			return Error, ", and more peers can reach it"
		}
		return Warning, ", and more peers can reach it"
	case w.exposure < v.exposure, !gains && losses:
		return Note, ", and fewer peers can reach it"
	}
	return Warning, ""
}

// ownerChange returns the owners of v and w where they differ, in words.
func ownerChange(v, w *service) (was, now string) {
	var before, after []string
	add := func(a, b string) {
		if !slices.Contains(before, a) || !slices.Contains(after, b) {
			before, after = append(before, a), append(after, b)
		}
	}
	if v.runs.known() && w.runs.known() && !v.runs.same(w.runs) {
		add(v.runs.String(), w.runs.String())
	}
	if len(v.owners) > 0 && len(w.owners) > 0 && !slices.EqualFunc(v.owners, w.owners, user.same) {
		add(join(v.owners), join(w.owners))
	}
	if len(v.processes) > 0 && len(w.processes) > 0 && v.unit != w.unit {
		name := func(unit string) string {
			if unit == "" {
				return "no unit"
			}
			return unit
		}
		add(name(v.unit), name(w.unit))
	}
	return strings.Join(before, ", "), strings.Join(after, ", ")
}

// rest compares the services that only one of the scans has.
func (d *drift) rest(gone, come []*service) {
	if !d.someBase && !d.someNow {
		// The kernel picks a port that another program had.
		gone, come = match(gone, come, (*service).whose, func(v, w *service) bool {
			return v.sameProgram(w) && !v.fixed && !w.fixed && slices.Equal(v.ends, w.ends)
		}, d.elsewhere)
	}
	replaced := func(v, w *service) {
		severity := Warning
		if w.exposure.Reachable() {
			severity = Error
		}
		d.find(ruleReplaced, severity, w, programText(v), programText(w), "%s: %s listens where %s did", w, programText(w), programText(v))
	}
	gone, come = match(gone, come, (*service).where, func(v, w *service) bool { return slices.Equal(v.ends, w.ends) }, replaced)
	gone, come = match(gone, come, (*service).where, func(v, w *service) bool { return meet(v.ends, w.ends) }, replaced)
	if !d.someBase && !d.someNow {
		gone, come = match(gone, come, (*service).inside, func(v, w *service) bool {
			return passing(v.namespace) && passing(w.namespace) && slices.Equal(v.ends, w.ends)
		}, func(v, w *service) {
			was, now := v.subject.Namespace, w.subject.Namespace
			d.find(ruleRestarted, Note, w, was, now, "%s was started again: it was in the network namespace %s", w, shortName(was))
		})
		gone, come = match(gone, come, (*service).whose, func(v, w *service) bool {
			return v.sameProgram(w) && slices.Equal(v.ends, w.ends)
		}, d.elsewhere)
	}
	if !d.someNow {
		for _, v := range gone {
			d.find(ruleGone, Warning, v, endsText(v.ends), "", "%s listened, and does no more", v)
		}
	}
	if !d.someBase {
		for _, w := range come {
			severity := Warning
			if w.exposure.Reachable() {
				severity = Error
			}
			d.find(ruleAppeared, severity, w, "", endsText(w.ends), "%s listens, and did not before", w)
		}
	}
}

// sameProgram reports whether the two are one program of one protocol, as far as
// that is known.
func (v *service) sameProgram(w *service) bool {
	return v.protocol == w.protocol && v.program == w.program && v.program != "" && v.program[0] != 0
}

// The keys of [match]: where a service is, whose it is in its namespace, and which
// it is inside one that may have another name.
func (v *service) where() serviceKey { return serviceKey{spot: v.spot} }

func (v *service) whose() serviceKey {
	return serviceKey{spot{namespace: v.namespace, protocol: v.protocol}, v.program}
}

func (v *service) inside() serviceKey {
	return serviceKey{spot{protocol: v.protocol, port: v.port, path: v.path}, v.program}
}

// elsewhere is that a program listens on another port, or at another path.
func (d *drift) elsewhere(v, w *service) {
	severity := Warning
	if !v.fixed && !w.fixed {
		severity = Note
	}
	was, now := v.whereText(), w.whereText()
	d.find(ruleMoved, severity, w, was, now, "%s moved from %s to %s", w, was, now)
}

// meet reports whether some peer reaches both.
func meet(a, b []end) bool {
	return slices.ContainsFunc(a, func(e end) bool {
		return slices.ContainsFunc(b, func(f end) bool { return e.covers(f) || f.covers(e) })
	})
}

// match takes the pairs that fit out of two sorted lists, calls found for each,
// and returns what is left. Only those of one key can fit.
func match(gone, come []*service, key func(*service) serviceKey, fits func(v, w *service) bool, found func(v, w *service)) (left, right []*service) {
	free := make(map[serviceKey][]*service, len(come))
	for _, w := range come {
		free[key(w)] = append(free[key(w)], w)
	}
	taken := make(map[*service]bool, len(come))
	for _, v := range gone {
		list := free[key(v)]
		i := slices.IndexFunc(list, func(w *service) bool { return fits(v, w) })
		if i < 0 {
			left = append(left, v)
			continue
		}
		w := list[i]
		free[key(v)], taken[w] = slices.Delete(list, i, i+1), true
		found(v, w)
	}
	for _, w := range come {
		if !taken[w] {
			right = append(right, w)
		}
	}
	return left, right
}

// find adds a finding of a rule on a service.
func (d *drift) find(rule string, severity Severity, v *service, was, now, format string, args ...any) {
	r, _ := RuleByID(rule)
	s := v.subject
	if len(v.ends) > 0 && hasReach(v.protocol) {
		s.Addr, s.Device = v.ends[0].addr, v.ends[0].device
		s.Family = scanner.IPv4
		if s.Addr.Is6() {
			s.Family = scanner.IPv6
		}
	}
	d.out.Findings = append(d.out.Findings, Finding{
		Rule: rule, Title: r.Title, Severity: severity, Message: fmt.Sprintf(format, args...), Next: r.Next,
		Subject: s, Controls: r.Controls, Was: was, Now: now,
		Fingerprint: Fingerprint(rule, &s, v.program, LastingNamespace(was), LastingNamespace(now)),
	})
}
