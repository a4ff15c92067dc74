package main

import (
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

const fullHeader = "Service Name,Port Number,Transport Protocol,Description,Assignee,Contact,Registration Date," +
	"Modification Date,Reference,Service Code,Unauthorized Use Reported,Assignment Notes\n"

func TestParseIANA(t *testing.T) {
	in := fullHeader +
		"http,80,tcp,World Wide Web HTTP,[A],[B],1999-01-02,2021-10-01,[RFC9110][RFC768],,,\"Defined TXT keys:\n      u=<username>   p=<password>\r\n\"\n" +
		",8000-8010,,Unassigned,,,,2004-02,,,,\n" +
		"zeromq,,udp,High performance,,,2012-04-24,,,,Often,\n"
	rows, newest, err := parseIANA([]byte(in), "f")
	if err != nil || len(rows) != 3 || newest != "2021-10-01" {
		t.Fatalf("parseIANA = %d rows, newest %q, %v", len(rows), newest, err)
	}
	want := []table.Row{
		{
			First: 80, Last: 80, HasPort: true, Transport: uint8(portdb.TCP), Name: "http", Description: "World Wide Web HTTP",
			Reference: "RFC9110; RFC768", Note: "Defined TXT keys: u=<username> p=<password>",
		},
		{First: 8000, Last: 8010, HasPort: true, Status: uint8(portdb.Unassigned), Description: "Unassigned"},
		{Transport: uint8(portdb.UDP), Name: "zeromq", Description: "High performance", Unauthorized: "Often"},
	}
	for i := range want {
		if got := rows[i].packed(); got != want[i] {
			t.Errorf("row %d = %+v, want %+v", i, got, want[i])
		}
	}
}

// Columns are found by their names: fewer, more, and in another order.
func TestParseIANAFindsColumnsByName(t *testing.T) {
	in := "Reference,Description,New Column,Transport Protocol,Service Name,Port Number\n[RFC1],Shell,x,tcp,ssh,22\n"
	rows, _, err := parseIANA([]byte(in), "f")
	if err != nil || len(rows) != 1 {
		t.Fatalf("parseIANA = %v, %v", rows, err)
	}
	w := rows[0]
	if w.first != 22 || w.cells[colName] != "ssh" || w.cells[colReference] != "[RFC1]" || w.stated[colNote] || !w.stated[colReference] {
		t.Errorf("parseIANA = %+v", w)
	}
}

func TestParseIANAErrors(t *testing.T) {
	const header = "Service Name,Port Number,Transport Protocol,Description\n"
	tests := []struct{ in, want string }{
		{"", "f: header: EOF"},
		{"Service Name,Port,Transport Protocol,Description\n", `f:1: the header has no column "Port Number"`},
		{header + "a,1,tcp,x\nb,1\n", "f: record on line 3: wrong number of fields"},
		{header + "a,1,tcp,\"x\ny\"\nb,65536,tcp,x\n", `f:4: "65536" is not a port or a run of ports`},
		{header + "a,9-8,tcp,x\n", `f:2: "9-8" is not a port`},
		{header + "a,1-,tcp,x\n", `f:2: "1-" is not a port`},
		{header + "a,1,icmp,x\n", `f:2: unknown transport "icmp"`},
		{header + "a\x1b,1,tcp,x\n", `f:2: "a\x1b" is not text of one line`},
		{header + "a,1,tcp,\xff\n", `f:2: "\xff" is not text of one line`},
		{header + "a,1,tcp,\"x\n", "f: parse error on line 2"},
	}
	for _, tt := range tests {
		if _, _, err := parseIANA([]byte(tt.in), "f"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parseIANA(%q): %v, want the error %s", tt.in, err, tt.want)
		}
	}
}

func TestStatus(t *testing.T) {
	tests := []struct {
		name, description string
		want              portdb.Status
	}{
		{"", "Unassigned", portdb.Unassigned},
		{"", "unassigned", portdb.Unassigned},
		{"", "Unassigned [was netstat]", portdb.Unassigned},
		{"", "Unassigned (FRP-Released 12/7/00)", portdb.Unassigned},
		{"", "(unassigned) Possibly assigned", portdb.Unassigned},
		{"", "Reserved", portdb.Reserved},
		{"", "Reserved - IANA", portdb.Reserved},
		{"", "De-registered", portdb.Deregistered},
		{"", "Removed", portdb.Deregistered},
		{"", "Deprecated", portdb.Deregistered},
		{"", "Decomissioned Port 04/14/00, ms", portdb.Deregistered},
		{"", "De-Commissioned Port", portdb.Deregistered},
		{"", "any private mail system", portdb.Assigned},
		{"", "Possibly used by Sun Solaris????", portdb.Assigned},
		{"sua", "De-Registered", portdb.Deregistered},
		{"stun-behaviors", "Reserved for a future enhancement of STUN-BEHAVIOR", portdb.Assigned},
		{"remoteware-un", "RemoteWare Unassigned", portdb.Assigned},
		{"http", "World Wide Web HTTP", portdb.Assigned},
	}
	for _, tt := range tests {
		w := row{cells: [columns]string{colName: tt.name, colDescription: tt.description}}
		if got := w.status(); got != tt.want {
			t.Errorf("status of %q %q = %v, want %v", tt.name, tt.description, got, tt.want)
		}
	}
}

func TestReferences(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"[RFC9110]", "RFC9110"},
		{"[RFC4727][RFC6335]", "RFC4727; RFC6335"},
		{"[RFC8765, Section 6.1]", "RFC8765, Section 6.1"},
		{"RFC1", "RFC1"},
		{"[RFC1] and more", "[RFC1] and more"},
	}
	for _, tt := range tests {
		if got := references(tt.in); got != tt.want {
			t.Errorf("references(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// rowsOf reads rows without their header, in the columns of the changes file.
func rowsOf(t *testing.T, lines string, header string) []row {
	t.Helper()
	rows, _, err := parseIANA([]byte(header+lines), "f")
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestApply(t *testing.T) {
	const (
		baseHeader   = "Service Name,Port Number,Transport Protocol,Description,Reference\n"
		changeHeader = "Service Name,Port Number,Transport Protocol,Description\n"
	)
	tests := []struct{ name, base, changes, want string }{
		{
			"the same row keeps the columns that the change does not have",
			"epp,700,tcp,EPP,[R1]\nepp,700,udp,EPP,[R2]\n", "epp,700,udp,EPP on QUIC\n",
			"epp 700-700 tcp EPP [R1]|epp 700-700 udp EPP on QUIC [R2]",
		},
		{
			"a name in place of Reserved",
			"a,9,tcp,A,\n,9,udp,Reserved,[R]\n", "b,9,udp,B\n",
			"a 9-9 tcp A |b 9-9 udp B ",
		},
		{
			"Reserved in place of all names",
			"a,9,tcp,A,[R]\nb,9,tcp,B,\nb,9,udp,B,\n", ",9,tcp,Reserved\n",
			" 9-9 tcp Reserved |b 9-9 udp B ",
		},
		{
			"a new name goes before the others of its port",
			"a,9,tcp,A,[R]\nb,9,tcp,B,\n", "c,9,tcp,C\n",
			"c 9-9 tcp C |a 9-9 tcp A [R]|b 9-9 tcp B ",
		},
		{
			"a run is cut in two, once for both transports",
			"a,1,tcp,A,\n,2-9,,Unassigned,\nz,10,tcp,Z,\n", "c,5,tcp,C\nc,5,udp,C\n",
			"a 1-1 tcp A | 2-4  Unassigned |c 5-5 tcp C |c 5-5 udp C | 6-9  Unassigned |z 10-10 tcp Z ",
		},
		{
			"a run loses its ends",
			",2-9,,Unassigned,\n", "c,2,tcp,C\nd,9,tcp,D\n",
			"c 2-2 tcp C | 3-8  Unassigned |d 9-9 tcp D ",
		},
		{
			"a run of one port goes",
			",2,,Unassigned,\nz,,tcp,Z,\n", "c,2,tcp,C\n",
			"c 2-2 tcp C |z 0-0 tcp Z ",
		},
		{
			"a run that has a name, or states its transport, is not cut",
			"r,2-9,,Run,\n,2-9,udp,Unassigned,\n", "c,5,tcp,C\n",
			"r 2-9  Run | 2-9 udp Unassigned |c 5-5 tcp C ",
		},
		{
			"names without a port",
			"a,1,tcp,A,\nz,,tcp,Z,[R]\n", "z,,tcp,New\ny,,udp,Y\n",
			"a 1-1 tcp A |z 0-0 tcp New [R]|y 0-0 udp Y ",
		},
		{"behind the last port", "a,1,tcp,A,\n", "c,5,tcp,C\n", "a 1-1 tcp A |c 5-5 tcp C "},
	}
	for _, tt := range tests {
		base := rowsOf(t, tt.base, baseHeader)
		var got []string
		for _, w := range apply(base, rowsOf(t, tt.changes, changeHeader)) {
			s := portdb.Spec{First: w.first, Last: w.last}.String()
			if w.first == w.last {
				s += "-" + s
			}
			got = append(got, strings.Join([]string{w.cells[colName], s, w.transport.String(), w.cells[colDescription], w.cells[colReference]}, " "))
		}
		if got := strings.Join(got, "|"); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func FuzzParseIANA(f *testing.F) {
	f.Add([]byte(fullHeader + "http,80,tcp,Web,,,,2021-10-01,[RFC9110],,,\"a\n b\"\n"))
	f.Add([]byte("Service Name,Port Number,Transport Protocol,Description\n,2-9,,Unassigned\na,5,udp,A\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, _, err := parseIANA(data, "f")
		if err != nil {
			return
		}
		// What is read can be packed, unless it is too long, and the rows as
		// changes to themselves change nothing that counts.
		var reg table.Registry
		reg.Date = "2026-09-17"
		for i := range rows {
			reg.IANA = append(reg.IANA, rows[i].packed())
		}
		tab, err := table.Encode(&reg)
		if err != nil {
			if len(data) < 256 {
				t.Errorf("Encode: %v", err)
			}
			return
		}
		for n, want := range reg.IANA {
			if got := tab.Row(n); got != want {
				t.Errorf("row %d = %+v, want %+v", n, got, want)
			}
			if strings.ContainsAny(want.Name+want.Description+want.Note, "\n\r") {
				t.Errorf("row %d has a line break: %+v", n, want)
			}
		}
		for _, c := range rows {
			if !c.hasPort {
				continue
			}
			said := false
			for _, w := range apply(rows, []row{c}) {
				said = said || w.cells == c.cells && sameKey(&w, &c)
			}
			if !said {
				t.Errorf("apply lost the changed row %+v", c)
			}
		}
	})
}
