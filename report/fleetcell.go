package report

import (
	"slices"
	"time"

	"github.com/whatslistening/whatslistening/audit"
)

// The parts of sentences and cells that every form of a fleet for people has.

// host writes the name of a host; of two with one name also where they are from.
func (p *page) host(h *fleetHost) {
	p.text(h.name)
	if h.twin && h.source != h.name {
		p.word(" (")
		p.text(h.source)
		p.word(")")
	}
}

// portOf writes where a service is: 22/tcp, a path, or that the port changes.
func (p *page) portOf(v *fleetService) {
	switch {
	case v.changing:
		p.word("changing")
	case v.path != "":
		p.text(v.path)
	case v.port == 0:
		p.word("-")
	default:
		p.uint(uint64(v.port))
	}
	p.word("/")
	p.text(v.protocol.String())
	if v.inside {
		p.word(" inside")
	}
}

// serviceName writes what a service is called; nothing where it has no name.
func (p *page) serviceName(v *fleetService) {
	if v.changing {
		p.word("a port of the kernel's choice")
		return
	}
	p.text(v.name)
}

// programName writes a program.
func (p *page) programName(name string) {
	if name == "" {
		p.word("a program not known")
		return
	}
	p.text(name)
}

// mostPrograms is how many programs of a service are named.
const mostPrograms = 3

// programsOf writes the programs of a service, the most common first, with how
// many hosts have each where there are several.
func (p *page) programsOf(v *fleetService) {
	for i, c := range v.programs {
		if i > 0 {
			p.word(", ")
		}
		if i == mostPrograms && len(v.programs) > mostPrograms+1 {
			p.count(len(v.programs)-i, "other", "others")
			return
		}
		p.programName(c.text)
		if len(v.programs) > 1 {
			p.word(" (")
			p.int(int64(c.hosts))
			p.word(")")
		}
	}
}

// kindWords are the kinds of differences in a word.
var kindWords = [nkinds]word{
	kindExposed: "exposed", kindWider: "wider", kindProgram: "program", kindExtra: "extra",
	kindMissing: "missing", kindNarrower: "narrower",
}

// difference writes how a host differs, without its name and the service's.
func (p *page) difference(d *fleetDifference) {
	switch d.kind {
	case kindExposed:
		p.programName(d.entry.program)
		p.word(", reachable from outside")
	case kindExtra:
		p.programName(d.entry.program)
	case kindWider:
		p.programName(d.entry.program)
		p.word(" is reachable from outside, not only from this host")
	case kindNarrower:
		p.programName(d.entry.program)
		p.word(" is for this host alone")
	case kindProgram:
		p.programName(d.entry.program)
		p.word(", elsewhere ")
		p.programName(d.service.programs[0].text)
	case kindMissing:
		p.word("does not listen here, elsewhere ")
		p.programName(d.service.programs[0].text)
		if !d.host.complete {
			p.word("; this scan was not complete")
		}
	}
	p.word(" (")
	p.int(int64(d.n))
	p.word(" of ")
	p.int(int64(d.of))
	p.word(")")
}

// styleKind is the style of a difference.
func styleKind(k fleetKind) int {
	switch k {
	case kindExposed, kindWider:
		return exposed
	case kindProgram:
		return differs
	}
	return plain
}

// remarks writes what a reader must know of a report: that it is old, or not
// complete, or that the scan looked otherwise.
func (p *page) remarks(s *fleetSum, h *fleetHost) {
	start := p.len()
	sep := func() {
		if p.len() > start {
			p.word("; ")
		}
	}
	if !h.complete {
		p.word("incomplete")
	}
	if h.stale {
		sep()
		p.age(s.Time.Sub(h.time))
		p.word(" old")
	}
	if h.ahead {
		sep()
		p.word("of a time to come: ")
		p.time(h.time)
	}
	for _, d := range h.scopeDiffer {
		sep()
		p.text(d)
	}
	if h.older > 0 {
		sep()
		p.count(h.older, "other report", "other reports")
		p.word(" left out")
	}
	if h.twin {
		sep()
		p.word("another host has this name")
	}
}

// age writes a time in its largest unit.
func (p *page) age(d time.Duration) {
	switch {
	case d >= 48*time.Hour:
		p.count(int(d/(24*time.Hour)), "day", "days")
	case d >= 2*time.Hour:
		p.count(int(d/time.Hour), "hour", "hours")
	default:
		p.count(int(d/time.Minute), "minute", "minutes")
	}
}

// hostNames writes the names of hosts, at most most of them; 0 means all.
func (p *page) hostNames(hosts []*fleetHost, most int) {
	for i, h := range hosts {
		if i > 0 {
			p.word(", ")
		}
		if most > 0 && i == most && len(hosts) > most+1 {
			p.count(len(hosts)-i, "other", "others")
			return
		}
		p.host(h)
	}
}

// headline writes how many hosts there are, and of when.
func (p *page) headline(s *fleetSum) {
	p.count(len(s.hosts), "host", "hosts")
	if len(s.hosts) == 0 {
		return
	}
	p.word(", scanned ")
	p.time(s.first)
	if !s.last.Equal(s.first) {
		p.word(" to ")
		p.time(s.last)
	}
}

// totals writes what listens on all of them.
func (p *page) totals(s *fleetSum) {
	p.count(s.listeners, "listener", "listeners")
	p.word(", ")
	p.count(len(s.services), "service", "services")
	p.word("; ")
	differ := 0
	for _, h := range s.hosts {
		if h.differs() > 0 {
			differ++
		}
	}
	switch {
	case len(s.hosts) < 10:
		p.word("too few hosts to tell which of them differ: that takes ten")
	case differ == 0:
		p.word("no host differs from the rest")
	default:
		p.count(len(s.differences), "difference", "differences")
		p.word(" on ")
		p.count(differ, "host", "hosts")
	}
}

// found writes how many findings there are; nothing where no report is of an audit.
func (p *page) found(s *fleetSum) {
	if s.audited == 0 {
		return
	}
	n := s.severities
	p.count(n[audit.Error]+n[audit.Warning]+n[audit.Note], "finding", "findings")
	p.word(": ")
	p.severities(n)
	if s.audited < len(s.hosts) {
		p.word("; ")
		p.int(int64(s.audited))
		p.word(" of ")
		p.count(len(s.hosts), "report is", "reports are")
		p.word(" of an audit")
	}
}

// doubt is a reason not to trust the whole: it writes one of them, the i-th, and
// reports whether it is there.
func (p *page) doubt(s *fleetSum, i int) bool {
	with := func(test func(*fleetHost) bool) []*fleetHost {
		var list []*fleetHost
		for _, h := range s.hosts {
			if test(h) {
				list = append(list, h)
			}
		}
		return list
	}
	say := func(hosts []*fleetHost, what word) bool {
		if len(hosts) == 0 {
			return false
		}
		p.word(what)
		p.int(int64(len(hosts)))
		p.word(" of ")
		p.count(len(s.hosts), "host", "hosts")
		p.word(" (")
		slices.SortFunc(hosts, func(a, b *fleetHost) int { return compareText(a.name, b.name) })
		p.hostNames(hosts, mostPrograms)
		p.word(")")
		return true
	}
	switch i {
	case 0:
		if len(s.Skipped) == 0 {
			return false
		}
		p.count(len(s.Skipped), "report", "reports")
		p.word(" could not be read: the hosts are missing here")
		return true
	case 1:
		return say(with(func(h *fleetHost) bool { return !h.complete }), "not seen whole: ")
	case 2:
		return say(with(func(h *fleetHost) bool { return h.stale }), "too old: ")
	case 3:
		return say(with(func(h *fleetHost) bool { return h.ahead }), "of a time to come: ")
	case 4:
		return say(with(func(h *fleetHost) bool { return len(h.scopeDiffer) > 0 }), "scanned otherwise than most: ")
	case 5:
		return say(with(func(h *fleetHost) bool { return h.older > 0 }), "reported more than once, the newest counts: ")
	case 6:
		return say(with(func(h *fleetHost) bool { return h.twin }), "of one name, without an address in common: ")
	}
	return false
}

// ndoubts is how many reasons there are.
const ndoubts = 7
