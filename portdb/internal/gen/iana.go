package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

// The columns of IANA's CSV file that the table keeps, by the header's names.
const (
	colName = iota
	colPort
	colTransport
	colDescription
	colReference
	colUnauthorized
	colNote
	columns

	required = colDescription + 1 // the columns that every file must have
)

var columnNames = [columns]string{
	"Service Name", "Port Number", "Transport Protocol", "Description",
	"Reference", "Unauthorized Use Reported", "Assignment Notes",
}

// The columns that date a row. The newest date of a file is that of the
// registry; "2004-02" and the like are not dates of a day, and are passed over.
var (
	dateNames = []string{"Registration Date", "Modification Date"}
	dateForm  = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

// A row is a line of IANA's registry.
type row struct {
	first, last uint16
	hasPort     bool
	transport   portdb.Transport
	cells       [columns]string
	stated      [columns]bool // whether the file has the column
}

// parseIANA reads a CSV file in IANA's format, and returns its rows and the
// newest date in them. Columns are found by the header; those that the table
// does not keep may be there or not, in any order. A cell with line breaks
// becomes one line.
func parseIANA(data []byte, name string) (rows []row, newest string, err error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, "", fmt.Errorf("%s: header: %w", name, err)
	}
	var at [columns]int
	for i, want := range columnNames {
		at[i] = slices.Index(header, want)
		if at[i] < 0 && i < required {
			return nil, "", fmt.Errorf("%s:1: the header has no column %q", name, want)
		}
	}
	var dates []int
	for _, want := range dateNames {
		if i := slices.Index(header, want); i >= 0 {
			dates = append(dates, i)
		}
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, newest, nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		var w row
		for i, j := range at {
			if j >= 0 {
				w.cells[i], w.stated[i] = oneLine(record[j]), true
			}
		}
		if err := w.parse(); err != nil {
			return nil, "", fmt.Errorf("%s:%d: %w", name, line, err)
		}
		for _, i := range dates {
			if dateForm.MatchString(record[i]) {
				newest = max(newest, record[i])
			}
		}
		rows = append(rows, w)
	}
}

// parse reads the port and the transport, and refuses text that the table must
// not hold.
func (w *row) parse() error {
	var err error
	if w.transport, err = portdb.ParseTransport(w.cells[colTransport]); err != nil {
		return err
	}
	if port := w.cells[colPort]; port != "" {
		w.hasPort = true
		if w.first, w.last, err = parsePorts(port); err != nil {
			return err
		}
	}
	return checkText(w.cells[:]...)
}

// parsePorts reads "80" or "8000-8010".
func parsePorts(s string) (first, last uint16, err error) {
	a, b, run := strings.Cut(s, "-")
	if !run {
		b = a
	}
	x, errA := strconv.ParseUint(a, 10, 16)
	y, errB := strconv.ParseUint(b, 10, 16)
	if errA != nil || errB != nil || x > y {
		return 0, 0, fmt.Errorf("%q is not a port or a run of ports", s)
	}
	return uint16(x), uint16(y), nil
}

// oneLine returns s in one line: each run of white space is one space.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// checkText refuses control characters and broken UTF-8.
func checkText(cells ...string) error {
	for _, s := range cells {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return fmt.Errorf("%q is not text of one line", s)
		}
	}
	return nil
}

// packed returns the row as the table holds it.
func (w *row) packed() table.Row {
	return table.Row{
		First: w.first, Last: w.last, HasPort: w.hasPort,
		Transport: uint8(w.transport), Status: uint8(w.status()),
		Name: w.cells[colName], Description: w.cells[colDescription],
		Reference:    references(w.cells[colReference]),
		Unauthorized: w.cells[colUnauthorized], Note: w.cells[colNote],
	}
}

// The words with which IANA's descriptions say that nothing is assigned. The
// registry has no column for it, and each of these is written in several ways.
var (
	unassignedForm   = regexp.MustCompile(`(?i)^\(?unassigned\b`)
	reservedForm     = regexp.MustCompile(`(?i)^reserved\b`)
	deregisteredForm = regexp.MustCompile(`(?i)^(de-registered|removed|deprecated|de-?comm?iss?ioned)\b`)
)

// status returns the status of the row. Only a row without a name can be
// Unassigned or Reserved: "Reserved for a future enhancement" describes a
// service that has its name. A name may be De-registered.
func (w *row) status() portdb.Status {
	description := w.cells[colDescription]
	if w.cells[colName] != "" {
		if strings.EqualFold(description, "de-registered") {
			return portdb.Deregistered
		}
		return portdb.Assigned
	}
	switch {
	case unassignedForm.MatchString(description):
		return portdb.Unassigned
	case reservedForm.MatchString(description):
		return portdb.Reserved
	case deregisteredForm.MatchString(description):
		return portdb.Deregistered
	}
	return portdb.Assigned
}

// references turns "[RFC768][RFC1122]" into "RFC768; RFC1122". A cell in
// another form is kept as it is.
func references(s string) string {
	if !strings.HasPrefix(s, "[") || !strings.HasSuffix(s, "]") {
		return s
	}
	return strings.ReplaceAll(s[1:len(s)-1], "][", "; ")
}
