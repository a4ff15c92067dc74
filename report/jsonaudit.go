package report

import (
	"net/netip"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// The records of what an audit judged, as in jsonrecord.go, and both ways
// between them and values.

// findingRecord is a judgement of an audit.
type findingRecord struct {
	// The id of the rule: WL014.
	Rule     string         `json:"rule"`
	Title    string         `json:"title"`
	Severity audit.Severity `json:"severity" enum:"note,warning,error"`
	// What is so, in one sentence.
	Message string `json:"message"`
	// The next step.
	Next string `json:"next"`
	// What is judged.
	Subject subjectRecord `json:"subject"`
	// The controls that the finding supports evidence for.
	Controls []controlRecord `json:"controls"`
	// The file and line of the register that decided; null for none.
	Decided positionRecord `json:"decided" null:"zero"`
	// What changed since a baseline, from was to now.
	Was string `json:"was,omitempty"`
	Now string `json:"now,omitempty"`
	// The approval that accepts it: it counts for nothing then, and stands behind those that count.
	Accepted approvalRecord `json:"accepted,omitempty"`
	// The same from one audit to the next.
	Fingerprint string `json:"fingerprint"`
}

// subjectRecord names a listener, which may be gone.
type subjectRecord struct {
	Namespace string           `json:"namespace"`
	Protocol  scanner.Protocol `json:"protocol" enum:"tcp,udp,udplite,sctp,dccp,raw,ping,packet,vsock,unix"`
	Family    scanner.Family   `json:"family" null:"0"`
	Address   netip.Addr       `json:"address" null:"zero"`
	Device    string           `json:"device"`
	Port      uint32           `json:"port"`
	Path      string           `json:"path,omitempty"`
	Programs  []string         `json:"programs"`
	User      string           `json:"user"`
}

// controlRecord is a control of a benchmark or a standard.
type controlRecord struct {
	Framework string `json:"framework"`
	Version   string `json:"version"`
	ID        string `json:"id"`
}

// positionRecord is a line of a file.
type positionRecord struct {
	File string `json:"file"`
	// From 1; null where not known.
	Line int `json:"line" null:"0"`
}

func newFindingRecord(f *audit.Finding) findingRecord {
	s := &f.Subject
	return findingRecord{
		Rule: f.Rule, Title: f.Title, Severity: f.Severity, Message: f.Message, Next: f.Next,
		Subject: subjectRecord{
			Namespace: s.Namespace, Protocol: s.Protocol, Family: s.Family,
			Address: s.Addr, Device: s.Device, Port: s.Port, Path: s.Path,
			Programs: s.Programs, User: s.User,
		},
		Controls: records(f.Controls, func(c *audit.Control) controlRecord { return controlRecord(*c) }),
		Decided:  positionRecord(f.Decided),
		Was:      f.Was, Now: f.Now,
		Accepted:    newApprovalRecord(&f.Accepted),
		Fingerprint: f.Fingerprint,
	}
}

func (rec *findingRecord) finding() audit.Finding {
	s := &rec.Subject
	return audit.Finding{
		Rule: rec.Rule, Title: rec.Title, Severity: rec.Severity, Message: rec.Message, Next: rec.Next,
		Subject: audit.Subject{
			Namespace: s.Namespace, Protocol: s.Protocol, Family: s.Family,
			Addr: s.Address, Device: s.Device, Port: s.Port, Path: s.Path,
			Programs: s.Programs, User: s.User,
		},
		Controls: records(rec.Controls, func(c *controlRecord) audit.Control { return audit.Control(*c) }),
		Decided:  audit.Position(rec.Decided),
		Was:      rec.Was, Now: rec.Now,
		Accepted:    rec.Accepted.approval(),
		Fingerprint: rec.Fingerprint,
	}
}
