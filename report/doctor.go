package report

import (
	"fmt"
	"io"
	"time"

	"github.com/whatslistening/whatslistening/scanner"
)

// A Diagnosis is what a scan may see on a host, and how to let it see more.
type Diagnosis struct {
	// Tool is the version of the program.
	Tool string
	// Time is when the scan was made, in UTC.
	Time time.Time
	Host scanner.Host
	// Coverage is that of a scan of everything, and has an Access.
	Coverage scanner.Coverage
	// Rights are what capabilities buy, BlindTo what the scan did not see, and
	// Remedies what would let it.
	Rights   []scanner.Right
	BlindTo  []string
	Remedies []scanner.Remedy
}

// diagnosisRecord is what a scan may see on a host, and how to let it see more.
type diagnosisRecord struct {
	Schema string     `json:"schema"`
	Tool   toolRecord `json:"tool"`
	Host   hostRecord `json:"host"`
	// When the scan was made.
	Time time.Time `json:"time"`
	// Whether a scan sees everything here.
	Complete bool `json:"complete"`
	// What it does not see.
	BlindTo []string `json:"blind_to"`
	// What each capability buys; none outside Linux.
	Rights []rightRecord `json:"rights"`
	// The ways to see more, the simplest first.
	Remedies []remedyRecord `json:"remedies"`
	// That of a scan of everything.
	Coverage coverageRecord `json:"coverage"`
}

// rightRecord is what capabilities buy a scan.
type rightRecord struct {
	// All of them are needed.
	Capabilities []string `json:"capabilities"`
	Buys         string   `json:"buys"`
	// Whether this process has them, or one that includes them.
	Have bool `json:"have"`
}

// remedyRecord is a way to let a scan see more.
type remedyRecord struct {
	Text string `json:"text"`
	// What to paste into a shell or a file.
	Lines []string `json:"lines"`
}

func newDiagnosisRecord(d *Diagnosis) *diagnosisRecord {
	return &diagnosisRecord{
		Schema:   Schema,
		Tool:     toolRecord{Name: toolName, Version: d.Tool},
		Host:     newHostRecord(&d.Host),
		Time:     d.Time,
		Complete: len(d.BlindTo) == 0, BlindTo: d.BlindTo,
		Rights:   records(d.Rights, func(r *scanner.Right) rightRecord { return rightRecord(*r) }),
		Remedies: records(d.Remedies, func(r *scanner.Remedy) remedyRecord { return remedyRecord(*r) }),
		Coverage: newCoverageRecord(&d.Coverage),
	}
}

// WriteDiagnosis writes a diagnosis: in JSON and YAML as one object, in Table as
// text for people. There is no other format: these are an error.
func WriteDiagnosis(w io.Writer, d *Diagnosis, f Format, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	switch f {
	case Table:
		return diagnosisText(w, d, o)
	case JSON, YAML:
		e := newEncoder(w, styleOf(f))
		e.document(newDiagnosisRecord(d))
		return e.close()
	}
	return fmt.Errorf("a diagnosis has no format %s: it is one of table, json, yaml", f)
}
