package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

// The appendix is a list of ports in two parts, each under its heading. An
// entry is "22 SSH Remote Login Protocol", with a "- " before it or not. A run
// of ports is written with an en dash ("71–74"), two ports with a slash
// ("994/995").
var (
	appendixHeads = []struct {
		text        string
		first, last uint16
	}{
		{"Daftar *Well Known Port Numbers*", 0, 1023},
		{"Daftar *Registered Port Numbers*", 1024, 49151},
	}
	appendixEntry = regexp.MustCompile(`^(?:- )?(\d+)(?:([–/-])(\d+))? (\S.*)$`)
)

// parseAppendix reads the appendix. Every line under a heading is an entry or
// blank. iana serves to explain an entry that is out of order.
func parseAppendix(data []byte, name string, iana []table.Row) ([]table.Row, error) {
	var rows []table.Row
	part := -1
	number := 0
lines:
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		for i, head := range appendixHeads {
			if strings.HasPrefix(line, head.text) {
				part = i
				continue lines
			}
		}
		if line == "" || part < 0 {
			continue
		}
		r, err := parseAppendixEntry(line)
		if err == nil && (r.First < appendixHeads[part].first || r.Last > appendixHeads[part].last) {
			err = fmt.Errorf("%q lies outside the ports of its part", line)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		rows = append(rows, r)
	}
	if part < len(appendixHeads)-1 {
		return nil, fmt.Errorf("%s: a part is missing: want %q and %q", name, appendixHeads[0].text, appendixHeads[1].text)
	}
	noteMisprints(rows, iana)
	return rows, nil
}

// parseAppendixEntry reads one entry. Its text is both the name, so that the
// entry can label a port, and the description.
func parseAppendixEntry(line string) (table.Row, error) {
	m := appendixEntry.FindStringSubmatch(line)
	if m == nil {
		return table.Row{}, fmt.Errorf("%q is not a port and its text", line)
	}
	ports := m[1]
	if m[3] != "" {
		ports += "-" + m[3]
	}
	first, last, err := parsePorts(ports)
	if err != nil {
		return table.Row{}, err
	}
	text := oneLine(m[4])
	r := table.Row{First: first, Last: last, HasPort: true, Name: text, Description: text}
	switch text {
	case "Unassigned":
		r.Name, r.Status = "", uint8(portdb.Unassigned)
	case "IANA Reserved":
		r.Name, r.Status = "", uint8(portdb.Reserved)
	}
	if m[2] == "/" {
		if last != first+1 {
			return table.Row{}, fmt.Errorf("%q: only neighbouring ports can stand beside a slash", line)
		}
		r.Note = fmt.Sprintf("written %s/%s in the document", m[1], m[3])
	}
	return r, checkText(text)
}

// noteMisprints marks the entries that stand out of order. Where IANA has the
// same name for a port that would stand in order, that port was likely meant.
func noteMisprints(rows, iana []table.Row) {
	var above uint16 // the highest port before row i
	for i := range rows {
		r := &rows[i]
		if r.First >= above {
			above = r.Last
			continue
		}
		below := above
		if i+1 < len(rows) {
			below = rows[i+1].First
		}
		r.Note = fmt.Sprintf("out of order in the document, after %d", above)
		for _, w := range iana {
			if w.HasPort && above <= w.First && w.First <= below && strings.EqualFold(w.Name, r.Name) {
				r.Note = fmt.Sprintf("likely a misprint of %d, where IANA has %s: the document has it between %d and %d",
					w.First, w.Name, above, below)
				break
			}
		}
	}
}
