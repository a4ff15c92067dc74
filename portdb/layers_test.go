package portdb

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// The hand-kept files stand beside the table: these tests need no other data.

// TestTableIsMadeFromTheHandKeptFiles wants the digests of the files in the
// table's head: a file that was edited without make generate is found out.
func TestTableIsMadeFromTheHandKeptFiles(t *testing.T) {
	head := Default().table.Head()
	for _, name := range []string{"common.tsv", "programs.tsv"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if line := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name); !strings.Contains(head, line) {
			t.Errorf("table.bin is not made from this %s: run make generate", name)
		}
	}
	if !strings.Contains(head, "registry 1 2026-09-17\n") || Default().Date() != "2026-09-17" {
		t.Errorf("date = %q, head:\n%s", Default().Date(), head)
	}
	// The head names files, and never the folders of the machine that made it.
	if strings.Contains(head, "/") {
		t.Errorf("the head has a path:\n%s", head)
	}
}

func TestCommonLayer(t *testing.T) {
	lines, err := commonLines("common.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var rows []Entry
	ports := map[uint16]bool{}
	for e := range Default().All() {
		if e.Source == Common {
			rows = append(rows, e)
			ports[e.First] = true
		}
	}
	if len(rows) != len(lines) || len(ports) < 150 {
		t.Fatalf("%d rows of %d ports, want %d of at least 150", len(rows), len(ports), len(lines))
	}
	for i, cells := range lines {
		e := rows[i]
		got := []string{Spec{First: e.First, Last: e.Last}.String(), e.Transport.String(), e.Name, e.Description, e.Note}
		if !slices.Equal(got, cells) {
			t.Errorf("row %d = %q, want %q", i, got, cells)
		}
		if e.Note == "" {
			t.Errorf("%s: no reason", e.Name)
		}
	}
}

// The common layer is a hint beside IANA, never over it, and the label only
// where nobody else has a name.
func TestCommonIsAHint(t *testing.T) {
	tests := []struct {
		port         uint16
		label, other string
	}{
		{9090, "iana websm", "common prometheus"},
		{6443, "iana sun-sr-https", "common kube-apiserver"},
		{10250, "common kubelet", "common kubelet"},
		{3000, "iana hbci", "common grafana"},
	}
	for _, tt := range tests {
		e, _ := Default().Lookup(TCP, tt.port)
		if got := fmt.Sprint(e.Source, " ", e.Name); got != tt.label {
			t.Errorf("label of %d = %q, want %q", tt.port, got, tt.label)
		}
		said := slices.ContainsFunc(Default().Entries(nil, TCP, tt.port), func(e Entry) bool {
			return fmt.Sprint(e.Source, " ", e.Name) == tt.other
		})
		if !said {
			t.Errorf("Entries of %d has no %q", tt.port, tt.other)
		}
	}
}

func TestServes(t *testing.T) {
	lines, err := commonLines("programs.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) < 150 {
		t.Errorf("%d programs, want at least 150", len(lines))
	}
	for _, cells := range lines {
		if got := Default().Serves(cells[0]); !slices.Equal(got, strings.Fields(cells[1])) {
			t.Errorf("Serves(%q) = %q, want %q", cells[0], got, cells[1])
		}
	}
	for _, unknown := range []string{"", "~", "SSHD", "sshd ", "no-such-program"} {
		if got := Default().Serves(unknown); got != nil {
			t.Errorf("Serves(%q) = %q, want nil", unknown, got)
		}
	}
	for program, service := range map[string]string{"sshd": "ssh", "mysqld": "mysql", "mariadbd": "mysql", "nginx": "https", "envoy": "http"} {
		if got := Default().Serves(program); !slices.Contains(got, service) {
			t.Errorf("Serves(%q) = %q, want %s among them", program, got, service)
		}
	}
}

func TestSeveralNamesForOnePort(t *testing.T) {
	for _, transport := range []Transport{TCP, UDP} {
		entries := Default().Entries(nil, transport, 80)
		if len(entries) == 0 || entries[0].Name != "http" || !slices.Equal(entries[0].Aliases, []string{"www", "www-http"}) {
			t.Errorf("80/%v = %+v, want http with www and www-http as aliases, once", transport, entries)
		}
		for _, e := range entries[1:] {
			if e.Source == IANA {
				t.Errorf("80/%v has %q of IANA too", transport, e.Name)
			}
		}
	}
	found := Default().Search("www-http")
	if len(found) != 2 || found[0].Name != "www-http" || !slices.Equal(found[0].Aliases, []string{"http", "www"}) {
		t.Errorf("Search(www-http) = %+v, want its own row with http and www as aliases", found)
	}
	if len(found) > 0 && !strings.HasSuffix(found[0].Note, `transported over HTTP is advertised explicitly as DNS-SD service type "xul-http".`) {
		t.Errorf("the note of www-http is cut: %q", found[0].Note)
	}
}

func TestStatusesAndColumns(t *testing.T) {
	find := func(transport Transport, port uint16) Entry {
		return Default().Entries(nil, transport, port)[0]
	}
	if e := find(TCP, 4); e.Status != Unassigned || e.Name != "" {
		t.Errorf("4/tcp = %+v, want Unassigned", e)
	}
	if e := find(TCP, 2); e.Status != Reserved || !strings.HasPrefix(e.Note, "De-assigned on 2025-02-13, previously compressnet") {
		t.Errorf("2/tcp = %+v, want Reserved and what it was", e)
	}
	if e := find(UDP, 14001); e.Status != Deregistered || e.Name != "sua" {
		t.Errorf("14001/udp = %+v, want sua, De-registered", e)
	}
	if e := find(UDP, 5349); e.Status != Assigned {
		t.Errorf("5349/udp is %v, want assigned: it has a name, whatever its description starts with", e.Status)
	}
	if e := find(TCP, 443); e.Reference != "RFC9110" {
		t.Errorf("443/tcp has the reference %q, want RFC9110", e.Reference)
	}
	unauthorized := 0
	for e := range Default().All() {
		if e.Unauthorized != "" {
			unauthorized++
		}
		if strings.ContainsAny(e.Description+e.Note+e.Reference+e.Unauthorized, "\n\r\t") {
			t.Errorf("%s has a line break", e.Name)
		}
	}
	if unauthorized != 112 {
		t.Errorf("%d rows have a known unauthorized use, want 112", unauthorized)
	}
}

// A registration for one transport says nothing of another.
func TestTransportsAreApart(t *testing.T) {
	if e, ok := Default().Lookup(UDP, 5543); ok {
		t.Errorf("label of 5543/udp = %q, want none: IANA has it for tcp, and udp Reserved", e.Name)
	}
	if e, _ := Default().Lookup(0, 5543); e.Name != "qftest-lic-mcp" || e.Transport != TCP {
		t.Errorf("label of 5543 on any transport = %+v, want qftest-lic-mcp on tcp", e)
	}
	if e, _ := Default().Lookup(SCTP, 3868); e.Name != "diameter" {
		t.Errorf("label of 3868/sctp = %q, want diameter", e.Name)
	}
	// active-net has ports 3322-3325 and no transport.
	if e, _ := Default().Lookup(UDP, 3324); e.Name != "active-net" || e.First != 3322 || e.Last != 3325 {
		t.Errorf("label of 3324/udp = %+v, want active-net of 3322-3325", e)
	}
}

func TestChangedRows(t *testing.T) {
	tests := []struct {
		transport   Transport
		port        uint16
		description string
	}{
		{UDP, 700, "EPP running over QUIC"},
		{TCP, 700, "Extensible Provisioning Protocol"},
		{TCP, 4480, "Agent Transfer Protocol"},
		{TCP, 4794, "Reserved"},
		{UDP, 4794, "veRoCE Transport Protocol"},
		{UDP, 5319, "Roughtime time synchronization"},
		{UDP, 7123, "SNIF End-to-End TLS Relay over QUIC"},
		{UDP, 34966, "PROFINET secure real-time data transfer over UDP (unicast and multicast)"},
	}
	for _, tt := range tests {
		got := Default().Entries(nil, tt.transport, tt.port)
		if len(got) == 0 || got[0].Description != tt.description || got[0].Source != IANA {
			t.Errorf("%d/%v = %+v, want %q", tt.port, tt.transport, got, tt.description)
		}
		for _, e := range got[min(1, len(got)):] {
			if e.Source == IANA {
				t.Errorf("%d/%v has %q of IANA too", tt.port, tt.transport, e.Description)
			}
		}
	}
	// The run 4461-4483 is Unassigned on both sides of the new 4480.
	for _, port := range []uint16{4479, 4481} {
		if got := Default().Entries(nil, TCP, port); len(got) != 1 || got[0].Status != Unassigned {
			t.Errorf("%d = %+v, want Unassigned", port, got)
		}
	}
	if e, _ := Default().Lookup(TCP, 5543); !slices.Equal(e.Aliases, []string{"qftest-licserve"}) {
		t.Errorf("5543/tcp = %+v, want qftest-licserve as an alias", e)
	}
}
