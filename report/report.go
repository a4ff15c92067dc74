package report

import (
	"time"

	"github.com/whatslistening/whatslistening/annotate"
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
	// NoHeader leaves out the line of titles, NoTrunc never shortens a cell.
	NoHeader, NoTrunc bool
	// All turns every folding off.
	All bool
}
