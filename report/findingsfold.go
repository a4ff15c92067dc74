package report

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/whatslistening/whatslistening/audit"
)

// A findingRow is one finding, or those that are the same but for the address:
// a service that listens on IPv4 and on IPv6 has two sockets, and is found
// twice.
type findingRow struct {
	before, after string // the message around the address
	port          uint16
	addrs         []netip.Addr // none where the message does not name it
	decided       audit.Position
}

// rowsOf returns the rows of findings of a rule, in the order of the first of
// each.
func rowsOf(findings []audit.Finding, fold bool) []findingRow {
	rows := make([]findingRow, 0, len(findings))
	at := make(map[string]int, len(findings))
	for i := range findings {
		f := &findings[i]
		row := findingRow{before: f.Message, decided: f.Decided}
		addr := f.Subject.Addr
		if addr.IsValid() {
			end := netip.AddrPortFrom(addr, uint16(f.Subject.Port)).String()
			if before, after, ok := strings.Cut(f.Message, end); ok {
				row.before, row.after, row.port, row.addrs = before, after, uint16(f.Subject.Port), []netip.Addr{addr}
			}
		}
		if row.addrs != nil && fold {
			key := strings.Join([]string{row.before, row.after, f.Decided.String(), strconv.Itoa(int(row.port))}, "\x00")
			if n, ok := at[key]; ok {
				rows[n].addrs = append(rows[n].addrs, addr)
				continue
			}
			at[key] = len(rows)
		}
		rows = append(rows, row)
	}
	return rows
}

// message returns the message with all addresses: "tcp *:22 (sshd of root)". As
// in a list, "*" is every address of both families.
func (r *findingRow) message() string {
	if r.addrs == nil {
		return r.before
	}
	v4, v6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	both := slices.Contains(r.addrs, v4) && slices.Contains(r.addrs, v6)
	var ends []string
	if both {
		ends = append(ends, "*:"+strconv.Itoa(int(r.port)))
	}
	for _, a := range r.addrs {
		if end := netip.AddrPortFrom(a, r.port).String(); (!both || !a.IsUnspecified()) && !slices.Contains(ends, end) {
			ends = append(ends, end)
		}
	}
	return r.before + strings.Join(ends, ", ") + r.after
}
