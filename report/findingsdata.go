package report

import (
	"io"
	"time"

	"github.com/whatslistening/whatslistening/audit"
)

// findingLineRecord is a line of JSONL of an audit: a finding, and what the report says of all.
type findingLineRecord struct {
	Schema string `json:"schema"`
	// The name of the host.
	Host string `json:"host"`
	// When the scan was made.
	Time time.Time `json:"time"`
	// Whether the scan saw all that was asked for.
	Complete bool `json:"complete"`
	findingRecord
}

// findingsJSONL writes a line of JSON for each finding. Every line stands alone.
func findingsJSONL(w io.Writer, r *Report) error {
	e := newEncoder(w, compact)
	line := &findingLineRecord{Schema: Schema, Host: r.Host.Name, Time: r.Time, Complete: r.Coverage.Complete}
	findings := r.judged()
	for i := range findings {
		line.findingRecord = newFindingRecord(&findings[i])
		e.document(line)
	}
	return e.close()
}

// findingCells are the columns of findings in CSV.
var findingCells = [...]struct {
	key   word
	write func(*page, *audit.Finding)
	// number says that a spreadsheet is to take the cell for one.
	number bool
}{
	{key: "severity", write: func(p *page, f *audit.Finding) { p.text(f.Severity.String()) }},
	{key: "rule", write: func(p *page, f *audit.Finding) { p.text(f.Rule) }},
	{key: "title", write: func(p *page, f *audit.Finding) { p.text(f.Title) }},
	{key: "message", write: func(p *page, f *audit.Finding) { p.text(f.Message) }},
	{key: "next", write: func(p *page, f *audit.Finding) { p.text(f.Next) }},
	{key: "namespace", write: func(p *page, f *audit.Finding) { p.text(f.Subject.Namespace) }},
	{key: "protocol", write: func(p *page, f *audit.Finding) { p.text(f.Subject.Protocol.String()) }},
	{key: "address", write: func(p *page, f *audit.Finding) {
		if f.Subject.Addr.IsValid() {
			p.addr(f.Subject.Addr)
		}
	}},
	{key: "device", write: func(p *page, f *audit.Finding) { p.text(f.Subject.Device) }},
	{key: "port", write: func(p *page, f *audit.Finding) {
		if f.Subject.Path == "" {
			p.uint(uint64(f.Subject.Port))
		}
	}, number: true},
	{key: "path", write: func(p *page, f *audit.Finding) { p.text(f.Subject.Path) }},
	{key: "programs", write: func(p *page, f *audit.Finding) { p.programs(&f.Subject) }},
	{key: "user", write: func(p *page, f *audit.Finding) { p.text(f.Subject.User) }},
	{key: "controls", write: (*page).controls},
	{key: "file", write: func(p *page, f *audit.Finding) { p.text(f.Decided.File) }},
	{key: "line", write: func(p *page, f *audit.Finding) {
		if f.Decided.Line > 0 {
			p.int(int64(f.Decided.Line))
		}
	}, number: true},
	{key: "was", write: func(p *page, f *audit.Finding) { p.text(f.Was) }},
	{key: "now", write: func(p *page, f *audit.Finding) { p.text(f.Now) }},
	{key: "fingerprint", write: func(p *page, f *audit.Finding) { p.text(f.Fingerprint) }},
	{key: "accepted", write: func(p *page, f *audit.Finding) { p.text(f.Accepted.Reason) }},
}

// findingsCSV writes a line for each finding: nothing folded, nothing shortened.
func findingsCSV(w io.Writer, r *Report, o *Options) error {
	out, one := new(page), new(page)
	if !o.NoHeader {
		for i := range findingCells {
			if i > 0 {
				out.word(",")
			}
			out.word(findingCells[i].key)
		}
		if err := out.line(w); err != nil {
			return err
		}
	}
	findings := r.judged()
	for i := range findings {
		for j := range findingCells {
			c := &findingCells[j]
			if j > 0 {
				out.word(",")
			}
			one.cut(0)
			c.write(one, &findings[i])
			out.csv(one.rest(0), c.number)
		}
		if err := out.line(w); err != nil {
			return err
		}
	}
	return out.flush(w)
}
