package report

import (
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// The records of a fleet, as in jsonrecord.go.

// fleetRecord is what listens on many hosts.
type fleetRecord struct {
	Schema string     `json:"schema"`
	Tool   toolRecord `json:"tool"`
	// When the reports were merged.
	Time time.Time `json:"time"`
	// False where a report could not be read, or one of the hosts was not seen whole.
	Complete bool `json:"complete"`
	// The worst first: by findings, then by how they differ from the rest.
	Hosts []fleetHostRecord `json:"hosts"`
	// By port and protocol.
	Services []fleetServiceRecord `json:"services"`
	// What few hosts have or lack: a tenth of them at most. The worst first.
	Differences []fleetDifferenceRecord `json:"differences"`
	// What audits found, by rule, the worst first.
	Findings []fleetRuleRecord `json:"findings"`
	// The reports that could not be read.
	Skipped []skippedRecord `json:"skipped"`
}

// fleetHostRecord is a host of a fleet.
type fleetHostRecord struct {
	Name string `json:"name"`
	// The file that its report was read from, or its place on standard input.
	Source string `json:"source"`
	// When it was scanned.
	Time time.Time `json:"time"`
	// The operating system as Go calls it.
	OS string `json:"os"`
	// Whether the scan saw all that was asked for; the limitations say what is missing.
	Complete    bool     `json:"complete"`
	Limitations []string `json:"limitations"`
	Privileges  string   `json:"privileges"`
	// How the scan looked otherwise than most; empty where it did as they.
	ScopeDiffers []string `json:"scope_differs"`
	// The report is too old, or of a time to come.
	Stale  bool `json:"stale"`
	Future bool `json:"future"`
	// How many other reports of the host were left out.
	Older int `json:"older"`
	// Another host of the fleet has the name too, and no address in common with it.
	SharesName bool `json:"shares_name"`
	// Its sockets, without those that look like UDP clients, and how many of them can be reached from outside.
	Listeners int `json:"listeners"`
	Outside   int `json:"outside"`
	// In how many ways it differs from the rest.
	Differences int `json:"differences"`
	// Whether the report is one of an audit, as far as can be told: it has findings, or a register.
	Audited bool `json:"audited"`
	// How many findings.
	Findings severitiesRecord `json:"findings"`
}

// severitiesRecord is how many findings there are of each severity.
type severitiesRecord struct {
	Error   int `json:"error"`
	Warning int `json:"warning"`
	Note    int `json:"note"`
}

// fleetKeyRecord is what is the same service on every host.
type fleetKeyRecord struct {
	Protocol scanner.Protocol `json:"protocol" enum:"tcp,udp,udplite,sctp,dccp,raw,ping,packet,vsock,unix"`
	// Null for a port of the kernel's choice, another on every host, and for a unix socket.
	Port uint32 `json:"port" null:"0"`
	// The path of a unix socket.
	Path string `json:"path,omitempty"`
	// It is in another network namespace than the host's.
	Inside bool `json:"inside,omitempty"`
	// The name of the service; empty for none.
	Service string `json:"service"`
}

// fleetServiceRecord is a service, and the hosts that have it.
type fleetServiceRecord struct {
	fleetKeyRecord
	// The most common first.
	Programs []fleetProgramRecord `json:"programs"`
	// How many hosts have it, and on how many of these it can be reached from outside.
	Hosts   int `json:"hosts"`
	Outside int `json:"outside"`
	// By the name of the host.
	On []fleetOnRecord `json:"on"`
}

// fleetProgramRecord is a program, and on how many hosts it listens there.
type fleetProgramRecord struct {
	// Empty where it is not known.
	Name  string `json:"name"`
	Hosts int    `json:"hosts"`
}

// fleetOnRecord is a program that listens on a host.
type fleetOnRecord struct {
	Host string `json:"host"`
	// Of the host's report; tells hosts of one name apart.
	Source string `json:"source"`
	// Empty where it is not known.
	Program string `json:"program"`
	User    string `json:"user"`
	// The widest class of peers that can reach it.
	Exposure annotate.Exposure `json:"exposure" enum:"loopback,container,link-local,private,shared,public,all"`
	// How many sockets.
	Sockets int32 `json:"sockets"`
}

// fleetDifferenceRecord is how a host differs from the rest.
type fleetDifferenceRecord struct {
	// exposed, extra: few have the service; exposed can be reached from outside. wider, narrower: few have it so reachable, or so local. program: few have this program there. missing: few lack it.
	Kind   fleetKind `json:"kind" enum:"exposed,wider,program,extra,missing,narrower"`
	Host   string    `json:"host"`
	Source string    `json:"source"`
	fleetKeyRecord
	// What listens there; empty where it is not known or nothing does.
	Program string `json:"program"`
	// What listens there on most hosts.
	Usual string `json:"usual"`
	// How many hosts are as this one, of how many that are compared.
	Hosts int `json:"hosts"`
	Of    int `json:"of"`
}

// fleetRuleRecord is a rule, and the hosts on which it found something.
type fleetRuleRecord struct {
	Rule     string         `json:"rule"`
	Title    string         `json:"title"`
	Severity audit.Severity `json:"severity" enum:"note,warning,error"`
	// How many findings.
	Findings int      `json:"findings"`
	Hosts    []string `json:"hosts"`
}

// skippedRecord is a report that could not be read.
type skippedRecord struct {
	Source  string `json:"source"`
	Problem string `json:"problem"`
}

func newFleetRecord(s *fleetSum) *fleetRecord {
	rec := &fleetRecord{
		Schema: Schema, Tool: toolRecord{Name: toolName, Version: s.Tool}, Time: s.Time, Complete: s.complete(),
		Skipped: records(s.Skipped, func(k *Skipped) skippedRecord { return skippedRecord(*k) }),
	}
	for _, h := range s.hosts {
		x := fleetHostRecord{
			Name: h.name, Source: h.source, Time: h.time, OS: h.os,
			Complete: h.complete, Limitations: h.limitations, Privileges: h.scope.privileges, ScopeDiffers: h.scopeDiffer,
			Stale: h.stale, Future: h.ahead, Older: h.older, SharesName: h.twin,
			Listeners: h.listeners, Outside: h.outside, Differences: h.differs(),
			Audited:  h.audited,
			Findings: severitiesRecord{h.severities[audit.Error], h.severities[audit.Warning], h.severities[audit.Note]},
		}
		rec.Hosts = append(rec.Hosts, x)
	}
	for _, v := range s.services {
		x := fleetServiceRecord{
			fleetKeyRecord: newFleetKeyRecord(v),
			Programs:       records(v.programs, func(c *fleetCount) fleetProgramRecord { return fleetProgramRecord{c.text, c.hosts} }),
			Hosts:          len(v.on), Outside: v.outside,
		}
		for _, on := range v.on {
			for i := range on.entries {
				e := &on.entries[i]
				x.On = append(x.On, fleetOnRecord{on.host.name, on.host.source, e.program, e.user, e.exposure, e.sockets})
			}
		}
		rec.Services = append(rec.Services, x)
	}
	for i := range s.differences {
		d := &s.differences[i]
		x := fleetDifferenceRecord{
			Kind: d.kind, Host: d.host.name, Source: d.host.source, fleetKeyRecord: newFleetKeyRecord(d.service),
			Usual: d.service.programs[0].text, Hosts: d.n, Of: d.of,
		}
		if d.entry != nil {
			x.Program = d.entry.program
		}
		rec.Differences = append(rec.Differences, x)
	}
	for i := range s.rules {
		r := &s.rules[i]
		x := fleetRuleRecord{Rule: r.rule, Title: r.title, Severity: r.severity, Findings: r.count}
		for _, h := range r.hosts {
			x.Hosts = append(x.Hosts, h.name)
		}
		rec.Findings = append(rec.Findings, x)
	}
	return rec
}

func newFleetKeyRecord(v *fleetService) fleetKeyRecord {
	rec := fleetKeyRecord{Protocol: v.protocol, Port: v.port, Path: v.path, Inside: v.inside, Service: v.name}
	if v.changing {
		rec.Path = ""
	}
	return rec
}
