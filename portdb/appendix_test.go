package portdb

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// appendixAt returns what the appendix says of a port.
func appendixAt(port uint16) []Entry {
	return slices.DeleteFunc(Default().Entries(nil, 0, port), func(e Entry) bool { return e.Source != Appendix })
}

// TestAppendixHasItsEntries counts the entries, and the ports that they speak of.
func TestAppendixHasItsEntries(t *testing.T) {
	var parts [3]int
	ports := map[uint16]bool{}
	for e := range Default().All() {
		if e.Source != Appendix {
			continue
		}
		parts[RangeOf(e.First)]++
		for p := int(e.First); p <= int(e.Last); p++ {
			ports[uint16(p)] = true
		}
		if !e.HasPort || e.Transport != 0 {
			t.Errorf("%q: HasPort %v and transport %q, want a port and no transport", e.Description, e.HasPort, e.Transport)
		}
	}
	if want := [3]int{252, 179, 0}; parts != want {
		t.Errorf("entries in the three ranges: %v, want %v", parts, want)
	}
	if len(ports) != 811 {
		t.Errorf("%d different ports, want 811", len(ports))
	}
}

// TestAppendixKeepsItsWording holds the entries against the document, one by
// one and in its order.
func TestAppendixKeepsItsWording(t *testing.T) {
	naive(t)
	ports, texts, err := appendixLines()
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for e := range Default().All() {
		if e.Source != Appendix {
			continue
		}
		port := strings.NewReplacer("–", "-", "/", "-").Replace(ports[i])
		if got := (Spec{First: e.First, Last: e.Last}).String(); got != port || e.Description != texts[i] {
			t.Errorf("entry %d = %s %q, want %s %q", i, got, e.Description, port, texts[i])
		}
		i++
	}
	if i != len(texts) || i != 431 {
		t.Errorf("%d entries, want the document's %d", i, len(texts))
	}
}

func TestAppendixRunsWithAnEnDash(t *testing.T) {
	tests := []struct {
		first, last uint16
		text        string
	}{
		{71, 74, "Remote Job Service"},
		{560, 561, "Rmonitord"},
		{1102, 1103, "ADOBE SERVER"},
		{1278, 1279, "DELL Web Admin"},
		{1347, 1348, "Multi Media Conferencing"},
		{1349, 1350, "Registration Network Protocol"},
		{2221, 2223, "Rockwell CSP1 - 3"},
		{2860, 2861, "Dialpad Voice 1–2"},
		{3195, 3196, "Network Control Unit 1–2"},
		{3197, 3198, "Embrace Device Protocol Server 1–2"},
		{6665, 6669, "IRCU"},
	}
	for _, tt := range tests {
		for port := tt.first; port <= tt.last; port++ {
			got := appendixAt(port)
			if len(got) != 1 || got[0].First != tt.first || got[0].Last != tt.last || got[0].Description != tt.text {
				t.Errorf("%d: the appendix says %+v, want %d–%d %q", port, got, tt.first, tt.last, tt.text)
			}
		}
		if tt.text == "Remote Job Service" {
			if got := appendixAt(70); len(got) != 1 || got[0].Description != "Gopher" {
				t.Errorf("70: the appendix says %+v, want Gopher alone", got)
			}
		}
	}
}

func TestAppendixRunWithASlash(t *testing.T) {
	for port := uint16(994); port <= 995; port++ {
		got := appendixAt(port)
		if len(got) != 1 || got[0].First != 994 || got[0].Last != 995 ||
			got[0].Description != "IRC/POP3 Protocol Over TLS/SSL" || got[0].Note != "written 994/995 in the document" {
			t.Errorf("%d: the appendix says %+v", port, got)
		}
	}
	// IANA has no name for 994 any more, and one for 995.
	if e, _ := Default().Lookup(TCP, 994); e.Source != Appendix {
		t.Errorf("label of 994 = %v %q, want the appendix's", e.Source, e.Name)
	}
	if e, _ := Default().Lookup(TCP, 995); e.Name != "pop3s" {
		t.Errorf("label of 995 = %q, want pop3s", e.Name)
	}
}

func TestAppendixHasTwoEntriesForOnePort(t *testing.T) {
	tests := []struct {
		port uint16
		want []string
	}{
		{105, []string{"CCSO Name Server Protocol", "Mailbox Name Nameserver"}},
		{537, []string{"Networked Media Streaming Protocol", "Lanserver"}},
	}
	for _, tt := range tests {
		var got []string
		for _, e := range appendixAt(tt.port) {
			got = append(got, e.Description)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%d: the appendix says %q, want %q", tt.port, got, tt.want)
		}
	}
}

func TestAppendixLanserverIsMarkedAsAMisprint(t *testing.T) {
	got := appendixAt(537)
	if len(got) != 2 || got[0].Note != "" ||
		got[1].Note != "likely a misprint of 637, where IANA has lanserver: the document has it between 636 and 648" {
		t.Errorf("537: the appendix says %+v, want Lanserver marked as a likely misprint of 637", got)
	}
	for _, transport := range []Transport{TCP, UDP} {
		if e, _ := Default().Lookup(transport, 637); e.Source != IANA || e.Name != "lanserver" {
			t.Errorf("label of 637/%v = %v %q, want IANA's lanserver", transport, e.Source, e.Name)
		}
	}
	if got := appendixAt(637); len(got) != 0 {
		t.Errorf("637: the appendix says %+v, want nothing", got)
	}
	marked := 0
	for e := range Default().All() {
		if e.Source == Appendix && strings.Contains(e.Note, "order") || strings.Contains(e.Note, "misprint") {
			marked++
		}
	}
	if marked != 1 {
		t.Errorf("%d entries are marked as out of order, want 1", marked)
	}
}

func TestAppendixUnassignedHidesNothing(t *testing.T) {
	runs := [][2]uint16{{5680, 5712}, {6150, 6252}, {6583, 6664}, {6674, 6700}, {8133, 8159}, {8381, 8399}, {8474, 8553}}
	for _, run := range runs {
		for port := run[0]; port <= run[1]; port++ {
			got := appendixAt(port)
			if len(got) != 1 || got[0].Status != Unassigned || got[0].Name != "" || got[0].Description != "Unassigned" ||
				got[0].First != run[0] || got[0].Last != run[1] {
				t.Errorf("%d: the appendix says %+v, want Unassigned %v", port, got, run)
			}
			for _, transport := range []Transport{TCP, UDP} {
				for _, e := range Default().Entries(nil, transport, port) {
					if label, ok := Default().Lookup(transport, port); e.Name != "" && (!ok || label.Name == "") {
						t.Errorf("%d/%v has no label though %v says %q", port, transport, e.Source, e.Name)
					}
				}
			}
		}
	}
	tests := []struct {
		transport Transport
		port      uint16
		want      string
	}{
		{UDP, 5683, "coap"},
		{TCP, 6653, "openflow"},
		{TCP, 8500, "fmtp"},
	}
	for _, tt := range tests {
		if e, _ := Default().Lookup(tt.transport, tt.port); e.Source != IANA || e.Name != tt.want {
			t.Errorf("label of %d/%v = %v %q, want IANA's %s", tt.port, tt.transport, e.Source, e.Name, tt.want)
		}
	}
}

func TestAppendixEndsWithTheLastRegisteredPort(t *testing.T) {
	got := appendixAt(49151)
	if len(got) != 1 || got[0].Status != Reserved || got[0].Name != "" || got[0].Description != "IANA Reserved" {
		t.Errorf("49151: the appendix says %+v, want IANA Reserved", got)
	}
	if e, ok := Default().Lookup(0, 49151); ok {
		t.Errorf("49151 has the label %q, want none", e.Name)
	}
	if _, last := Registered.Bounds(); last != 49151 {
		t.Errorf("the last registered port = %d, want 49151", last)
	}
}

// Names that IANA has changed or withdrawn since the document was written: both
// are shown, and the label is IANA's where it has a name now.
func TestAppendixStandsBesideWhatIANAChanged(t *testing.T) {
	tests := []struct {
		port          uint16
		document      string
		label, source string // of TCP
	}{
		{2, "Management Utility", "Management Utility", "appendix"},
		{3, "Compression Process", "Compression Process", "appendix"},
		{51, "IMP Logical Address Maintenance", "IMP Logical Address Maintenance", "appendix"},
		{81, "HOSTS2 Name Server", "HOSTS2 Name Server", "appendix"},
		{114, "Audio News Multicast", "Audio News Multicast", "appendix"},
		{126, "Unisys Unitary Login", "nxedit", "iana"},
		{258, "Yak Winsock Personal Chat", "Yak Winsock Personal Chat", "appendix"},
		{400, "Workstation Solutions", "osb-sd", "iana"},
		{585, "IMAP4+SSL", "IMAP4+SSL", "appendix"},
		{1036, "RADAR Service Protocol", "nsstp", "iana"},
		{1267, "pcmlinux", "epc", "iana"},
		{2222, "Rockwell CSP1 - 3", "EtherNet-IP-1", "iana"},
		{3092, "Netware Sync Services", "Netware Sync Services", "appendix"},
		{5435, "Data Tunneling Transceiver Linking (DTTL)", "sceanics", "iana"},
	}
	for _, tt := range tests {
		entries := Default().Entries(nil, TCP, tt.port)
		if len(entries) < 2 || entries[0].Source != IANA {
			t.Errorf("%d: %+v, want IANA's word beside the document's", tt.port, entries)
		}
		if got := appendixAt(tt.port); len(got) != 1 || got[0].Description != tt.document {
			t.Errorf("%d: the appendix says %+v, want %q", tt.port, got, tt.document)
		}
		e, _ := Default().Lookup(TCP, tt.port)
		if got := fmt.Sprint(e.Source, " ", e.Name); got != tt.source+" "+tt.label {
			t.Errorf("label of %d = %q, want %q; IANA says %+v", tt.port, got, tt.source+" "+tt.label, entries[0])
		}
	}
}
