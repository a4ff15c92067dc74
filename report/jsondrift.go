package report

import (
	"reflect"
	"time"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// The records of a comparison and of what it needs to know, as in
// jsonrecord.go, and both ways between them and values.

// scopeRecord is what a report was to show. What is missing is as in a scan that was not told any.
type scopeRecord struct {
	// The protocols that were looked for.
	Protocols []string `json:"protocols,omitempty"`
	// The network namespaces that were looked into: own, all, or one by its name or a pid.
	NetNS string `json:"netns,omitempty"`
	// Whether listeners were left out on request.
	Narrowed bool `json:"narrowed,omitempty"`
}

// baselineRecord is an earlier report that this one was compared with.
type baselineRecord struct {
	// The host, and the version that made it.
	Host string `json:"host"`
	Tool string `json:"tool"`
	// When its scan was made.
	Time time.Time `json:"time"`
	// How many listeners are as they were; a program at a port is one.
	Unchanged int `json:"unchanged"`
	// What could not be compared, and why.
	Caveats []caveatRecord `json:"caveats"`
}

// caveatRecord says why two reports are not quite of the same.
type caveatRecord struct {
	// Whether the comparison had to be forced: what the text says may have been found for a change or not.
	Wrong bool   `json:"wrong"`
	Text  string `json:"text"`
}

func newScopeRecord(s *audit.Scope) scopeRecord {
	rec := scopeRecord{NetNS: s.NetNS, Narrowed: s.Narrowed}
	for _, p := range s.Protocols {
		rec.Protocols = append(rec.Protocols, p.String())
	}
	return rec
}

func (rec *scopeRecord) scope() (audit.Scope, error) {
	s := audit.Scope{NetNS: rec.NetNS, Narrowed: rec.Narrowed}
	for _, name := range rec.Protocols {
		p, err := scanner.ParseProtocol(name)
		if err != nil {
			return s, err
		}
		s.Protocols = append(s.Protocols, p)
	}
	return s, nil
}

func newBaselineRecord(b *audit.Baseline) baselineRecord {
	if b == nil {
		return baselineRecord{}
	}
	return baselineRecord{
		Host: b.Host, Tool: b.Tool, Time: b.Time, Unchanged: b.Unchanged,
		Caveats: records(b.Caveats, func(c *audit.Caveat) caveatRecord { return caveatRecord(*c) }),
	}
}

func (rec *baselineRecord) baseline() *audit.Baseline {
	if reflect.ValueOf(rec).Elem().IsZero() {
		return nil
	}
	return &audit.Baseline{
		Host: rec.Host, Tool: rec.Tool, Time: rec.Time, Unchanged: rec.Unchanged,
		Caveats: records(rec.Caveats, func(c *caveatRecord) audit.Caveat { return audit.Caveat(*c) }),
	}
}
