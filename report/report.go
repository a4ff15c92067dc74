package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// Schema names the shape of the JSON report.
const Schema = "whatslistening/1"

// A Report is what is printed: a scan, and what it means.
type Report struct {
	// Tool is the version of the program that made the report.
	Tool string
	// Registry is the date of the embedded registry, as "2026-09-17".
	Registry string
	// Time is when the scan was made, in UTC.
	Time      time.Time
	Host      scanner.Host
	Coverage  scanner.Coverage
	Listeners []annotate.Listener
	// Namespaces are the network namespaces that were looked into.
	Namespaces []scanner.Namespace
	// Discrepancies are what the witnesses do not agree on; nil where only one
	// was asked.
	Discrepancies []scanner.Discrepancy
	// Scope is what the report was to show.
	Scope audit.Scope
	// Findings are what an audit judged; nil for a list. Accepted are those that an
	// entry of the register accepts: they stand apart, as they count for nothing.
	Findings, Accepted []audit.Finding
	// Register is the approval register that the listeners were held against, and
	// Approvals is what it says of each of them, in their order; both are nil
	// where there was none.
	Register  *audit.Register
	Approvals []audit.Approval
	// Baseline is the earlier report that this one was compared with; nil for
	// none.
	Baseline *audit.Baseline
}

// Scan returns what the report says of what listens, for a comparison.
func (r *Report) Scan() *audit.Scan {
	return &audit.Scan{
		Time: r.Time, Host: &r.Host, Coverage: &r.Coverage, Namespaces: r.Namespaces, Scope: r.Scope, Listeners: r.Listeners,
	}
}

// Keep drops the listeners, with what was said of them, that keep does not
// report true for.
func (r *Report) Keep(keep func(*annotate.Listener) bool) {
	n := 0
	for i := range r.Listeners {
		if !keep(&r.Listeners[i]) {
			continue
		}
		r.Listeners[n] = r.Listeners[i]
		if r.Approvals != nil {
			r.Approvals[n] = r.Approvals[i]
		}
		n++
	}
	clear(r.Listeners[n:])
	r.Listeners = r.Listeners[:n]
	if r.Approvals != nil {
		r.Approvals = r.Approvals[:n]
	}
}

// approvals returns what the register says of each listener; nil where there
// was none.
func (r *Report) approvals() map[*annotate.Listener]*audit.Approval {
	if r.Approvals == nil {
		return nil
	}
	m := make(map[*annotate.Listener]*audit.Approval, len(r.Listeners))
	for i := range r.Approvals {
		m[&r.Listeners[i]] = &r.Approvals[i]
	}
	return m
}

// A Format is a form of output.
type Format uint8

// The formats.
const (
	Table Format = iota
	Wide
	Tree
	JSON
	JSONL
	CSV
	YAML
	Markdown
	HTML
	SARIF
	JUnit
	Prometheus
)

// Options say how a report is written. The zero Options write for a pipe:
// no colour, nothing shortened, the format's own columns and order.
type Options struct {
	// Color turns colour on, in the formats for people.
	Color bool
	// Width is that of the terminal in cells; 0 means no limit.
	Width int
	// Columns are the columns by key; nil means the format's own.
	Columns []string
	// Sort are the columns to sort by, "-" before a key for descending; nil
	// means by port, protocol and address.
	Sort []string
	// NoHeader leaves out the line of titles and the lines below a table, NoTrunc
	// never shortens a cell.
	NoHeader, NoTrunc bool
	// All turns every folding off.
	All bool
	// Outcome is what an audit comes to, which its text for people ends with; nil
	// for a list.
	Outcome *Outcome
	// Array makes an explanation of one port a list in JSON and YAML, as that of
	// several is: for a question to which the answer could be several.
	Array bool
	// FailOn is the severity from which on a finding fails a test of JUnit; below
	// it is only told. The zero FailOn lets every finding fail.
	FailOn audit.Severity
}

// An Outcome is what an audit comes to: the exit code of the command and why it
// is that one, and what else is to be said above it, a line each.
type Outcome struct {
	Code  int
	Why   string
	Notes []string
}

// Formats returns the formats that can be written, in the order in which help
// lists them.
func Formats() []Format {
	return []Format{Table, Wide, Tree, JSON, JSONL, CSV, YAML, Markdown, HTML, SARIF, JUnit, Prometheus}
}

// String returns the name of f, as it is given on a command line: "table".
func (f Format) String() string {
	names := [...]string{"table", "wide", "tree", "json", "jsonl", "csv", "yaml", "markdown", "html", "sarif", "junit", "prometheus"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("Format(%d)", f)
}

// ParseFormat returns the format called s. The error names those that exist.
func ParseFormat(s string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.String() == s {
			return f, nil
		}
		names = append(names, f.String())
	}
	return 0, fmt.Errorf("unknown format %q: it is one of %s", s, strings.Join(names, ", "))
}

// Write writes r to w in the format f. A nil o stands for the zero Options.
// The error is that of w, or names a column of o that does not exist.
func Write(w io.Writer, r *Report, f Format, o *Options) error {
	if o == nil {
		o = new(Options)
	}
	switch f {
	case Table, Wide:
		return writeTable(w, r, f, o)
	case Tree:
		return writeTree(w, r, o)
	case Markdown:
		return writeMarkdown(w, r, o)
	case CSV:
		return writeCSV(w, r, o)
	case JSON:
		return writeJSON(w, r, o)
	case JSONL:
		return writeJSONL(w, r, o)
	case YAML:
		return writeYAML(w, r, o)
	case HTML:
		return writeHTML(w, r, o)
	case SARIF:
		return writeSARIF(w, r)
	case JUnit:
		return writeJUnit(w, r, o)
	case Prometheus:
		return writePrometheus(w, r, r.Register != nil || len(r.Findings) > 0)
	}
	return fmt.Errorf("unknown format %d", f)
}
