package main

import (
	"fmt"
	"strings"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

// eachLine calls f with the tab-separated cells of every line of a hand-kept
// file that is not blank or a comment. Each line has want cells, none empty.
func eachLine(data []byte, name string, want int, f func(cells []string) error) error {
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		err := checkText(cells...)
		if len(cells) != want {
			err = fmt.Errorf("%d cells between tabs, want %d", len(cells), want)
		}
		for _, cell := range cells {
			if err == nil && (cell == "" || cell != oneLine(cell)) {
				err = fmt.Errorf("cell %q is empty or has stray spaces", cell)
			}
		}
		if err == nil {
			err = f(cells)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
	return nil
}

// parseCommon reads the common layer: ports, transports, name, description and
// the reason for the line, sorted by port. Several lines may speak of one port,
// the likeliest first, but not with one name.
func parseCommon(data []byte, name string) ([]table.Row, error) {
	var rows []table.Row
	type key struct {
		first, last uint16
		transport   uint8
		name        string
	}
	seen := map[key]bool{}
	err := eachLine(data, name, 5, func(cells []string) error {
		first, last, err := parsePorts(cells[0])
		if err != nil {
			return err
		}
		t, err := portdb.ParseTransport(cells[1])
		if err != nil {
			return err
		}
		if strings.Contains(cells[2], " ") {
			return fmt.Errorf("name %q has spaces", cells[2])
		}
		if n := len(rows); n > 0 && (first < rows[n-1].First || first == rows[n-1].First && last < rows[n-1].Last) {
			return fmt.Errorf("port %s stands after port %d: sort the lines by port", cells[0], rows[n-1].First)
		}
		for _, one := range []portdb.Transport{portdb.TCP, portdb.UDP, portdb.SCTP, portdb.DCCP} {
			k := key{first, last, uint8(t & one), strings.ToLower(cells[2])}
			if t&one != 0 && seen[k] {
				return fmt.Errorf("port %s/%v has %s already", cells[0], one, cells[2])
			}
			seen[k] = true
		}
		rows = append(rows, table.Row{
			First: first, Last: last, HasPort: true, Transport: uint8(t),
			Name: cells[2], Description: cells[3], Note: cells[4],
		})
		return nil
	})
	return rows, err
}

// parsePrograms reads the programs: name, services separated by spaces, and
// the reason for the line; sorted by name, whatever the case. A service must be known to a layer
// of reg: a misspelt one would never match.
func parsePrograms(data []byte, name string, reg *table.Registry) ([]table.Program, error) {
	known := map[string]bool{}
	for _, rows := range [][]table.Row{reg.IANA, reg.Common} {
		for _, r := range rows {
			known[r.Name] = true
		}
	}
	var programs []table.Program
	err := eachLine(data, name, 3, func(cells []string) error {
		if n := len(programs); n > 0 && table.Compare(programs[n-1].Name, cells[0]) >= 0 {
			return fmt.Errorf("program %q stands after %q: sort the lines by name, each once", cells[0], programs[n-1].Name)
		}
		for service := range strings.FieldsSeq(cells[1]) {
			if !known[service] {
				return fmt.Errorf("service %q is in no layer of the registry", service)
			}
		}
		programs = append(programs, table.Program{Name: cells[0], Services: cells[1]})
		return nil
	})
	return programs, err
}
