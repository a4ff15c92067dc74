package main

import (
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

const (
	wellKnownHead  = "Daftar *Well Known Port Numbers* yang umum digunakan :\n\n"
	registeredHead = "\nDaftar *Registered Port Numbers* yang umum digunakan :\n\n"
)

func TestParseAppendix(t *testing.T) {
	in := "Lampiran 8\n\n- Range pertama, port 0-1023, disebut *Well Known Port Numbers*.\n\n" + wellKnownHead +
		"- 1 TCP Port Service Multiplexer (tcpmux)\n45 Message  Processing Module \n\n71–74 Remote Job Service\n" +
		"636 LDAP\n537 Lanserver\n648 RRP\n700 Out\n650 Of Order\n994/995 IRC/POP3\n" + registeredHead +
		"5680–5712 Unassigned\n49151 IANA Reserved"
	iana := []table.Row{
		{Name: "lanserver"}, // without a port: no explanation
		{First: 537, Last: 537, HasPort: true, Name: "lanserver"},
		{First: 637, Last: 637, HasPort: true, Name: "lanserver"},
	}
	want := []table.Row{
		{First: 1, Last: 1, Name: "TCP Port Service Multiplexer (tcpmux)"},
		{First: 45, Last: 45, Name: "Message Processing Module"},
		{First: 71, Last: 74, Name: "Remote Job Service"},
		{First: 636, Last: 636, Name: "LDAP"},
		{
			First: 537, Last: 537, Name: "Lanserver",
			Note: "likely a misprint of 637, where IANA has lanserver: the document has it between 636 and 648",
		},
		{First: 648, Last: 648, Name: "RRP"},
		{First: 700, Last: 700, Name: "Out"},
		{First: 650, Last: 650, Name: "Of Order", Note: "out of order in the document, after 700"},
		{First: 994, Last: 995, Name: "IRC/POP3", Note: "written 994/995 in the document"},
		{First: 5680, Last: 5712, Description: "Unassigned", Status: uint8(portdb.Unassigned)},
		{First: 49151, Last: 49151, Description: "IANA Reserved", Status: uint8(portdb.Reserved)},
	}
	got, err := parseAppendix([]byte(in), "f", iana)
	if err != nil || len(got) != len(want) {
		t.Fatalf("parseAppendix = %+v, %v, want %d entries", got, err, len(want))
	}
	for i, w := range want {
		w.HasPort = true
		if w.Description == "" {
			w.Description = w.Name
		}
		if got[i] != w {
			t.Errorf("entry %d = %+v, want %+v", i, got[i], w)
		}
	}
}

func TestParseAppendixErrors(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "f: a part is missing"},
		{wellKnownHead + "1 x\n", "f: a part is missing"},
		{wellKnownHead + "1 x\nno port\n" + registeredHead, `f:4: "no port" is not a port and its text`},
		{wellKnownHead + "1\n" + registeredHead, `f:3: "1" is not a port and its text`},
		{wellKnownHead + "1024 x\n" + registeredHead, `f:3: "1024 x" lies outside the ports of its part`},
		{wellKnownHead + registeredHead + "80 x\n", `lies outside the ports of its part`},
		{wellKnownHead + registeredHead + "49152 x\n", `lies outside the ports of its part`},
		{wellKnownHead + "74–71 x\n" + registeredHead, `f:3: "74-71" is not a port or a run of ports`},
		{wellKnownHead + "70000 x\n" + registeredHead, `f:3: "70000" is not a port`},
		{wellKnownHead + "1/3 x\n" + registeredHead, `f:3: "1/3 x": only neighbouring ports`},
		{wellKnownHead + "1 \x1b\n" + registeredHead, `f:3: "\x1b" is not text`},
	}
	for _, tt := range tests {
		if got, err := parseAppendix([]byte(tt.in), "f", nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parseAppendix(%q) = %v, %v, want the error %s", tt.in, got, err, tt.want)
		}
	}
}

func FuzzParseAppendix(f *testing.F) {
	f.Add([]byte(wellKnownHead + "- 1 TCP Port\n71–74 Jobs\n994/995 IRC\n537 Lanserver\n" + registeredHead + "49151 IANA Reserved"))
	f.Add([]byte(registeredHead + "1102–1103 ADOBE SERVER\n5680-5712 Unassigned\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := parseAppendix(data, "f", []table.Row{{First: 637, Last: 637, HasPort: true, Name: "lanserver"}})
		if err != nil {
			return
		}
		for _, r := range rows {
			if r.First > r.Last || !r.HasPort || r.Description == "" || strings.ContainsAny(r.Description+r.Note, "\n\r\x1b") {
				t.Errorf("parseAppendix(%q) has %+v", data, r)
			}
			if r.Status == uint8(portdb.Assigned) && r.Name != r.Description {
				t.Errorf("parseAppendix(%q): name %q, want the wording %q", data, r.Name, r.Description)
			}
		}
	})
}
