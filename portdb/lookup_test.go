package portdb

import (
	"slices"
	"testing"

	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

func TestLookupAllocatesNothing(t *testing.T) {
	db := Default().WithLocal([]Entry{{Name: "mine", Transport: TCP, First: 7000, Last: 7000, HasPort: true}})
	tests := []struct {
		name      string
		transport Transport
		port      uint16
		ok        bool
	}{
		{"iana", TCP, 5432, true},
		{"any transport", 0, 53, true},
		{"range", TCP, 4250, true},
		{"appendix", TCP, 2, true},
		{"common", TCP, 10250, true},
		{"local", TCP, 7000, true},
		{"unassigned", TCP, 4, false},
		{"dynamic", TCP, 60000, false},
	}
	for _, tt := range tests {
		if _, ok := db.Lookup(tt.transport, tt.port); ok != tt.ok {
			t.Errorf("%s: Lookup(%v, %d) is %v, want %v", tt.name, tt.transport, tt.port, ok, tt.ok)
		}
		if n := testing.AllocsPerRun(100, func() { db.Lookup(tt.transport, tt.port) }); n != 0 {
			t.Errorf("%s: Lookup(%v, %d) allocates %v times, want 0", tt.name, tt.transport, tt.port, n)
		}
	}
}

// TestNoPortPanics asks for every port on every set of transports, also on such
// as are none.
func TestNoPortPanics(t *testing.T) {
	db := Default()
	var entries []Entry
	for _, transport := range []Transport{0, TCP, UDP, SCTP, DCCP, TCP | SCTP, 16, 255} {
		for port := range 1 << 16 {
			e, ok := db.Lookup(transport, uint16(port))
			if ok && (e.Name == "" || e.Status != Assigned) {
				t.Errorf("Lookup(%v, %d) = %+v, which is no label", transport, port, e)
			}
			entries = db.Entries(entries[:0], transport, uint16(port))
		}
	}
}

func TestEntriesAppends(t *testing.T) {
	first := Entry{Name: "kept"}
	got := Default().Entries([]Entry{first}, TCP, 22)
	if len(got) < 2 || got[0].Name != "kept" || got[1].Name != "ssh" {
		t.Errorf("Entries = %+v, want ssh behind what was there", got)
	}
}

// What the embedded registry has no case of: a row without a name beside rows
// with one, of the same port, transport and status.
func TestNamelessRowIsNoAlias(t *testing.T) {
	tab, err := table.Encode(&table.Registry{Date: "2026-09-17", IANA: []table.Row{
		{First: 5, Last: 5, HasPort: true, Transport: 1, Description: "any private service"},
		{First: 5, Last: 5, HasPort: true, Transport: 1, Name: "first"},
		{First: 5, Last: 5, HasPort: true, Transport: 1, Name: "second"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	db := &DB{table: tab}
	if e, _ := db.Lookup(TCP, 5); e.Name != "first" || !slices.Equal(e.Aliases, []string{"second"}) {
		t.Errorf("Lookup = %+v, want first with the alias second", e)
	}
	got := db.Entries(nil, TCP, 5)
	if len(got) != 2 || got[0].Description != "any private service" || got[0].Aliases != nil || len(got[1].Aliases) != 1 {
		t.Errorf("Entries = %+v, want the row without a name, and first with one alias", got)
	}
	if got := db.Search("second"); len(got) != 1 || !slices.Equal(got[0].Aliases, []string{"first"}) {
		t.Errorf("Search = %+v, want second with the alias first", got)
	}
}

func TestNames(t *testing.T) {
	db := Default().WithLocal([]Entry{
		{Name: "postgres-local", Aliases: []string{"POSTGREY", "zz-last"}, First: 1, HasPort: true},
		{Name: "postgresql", First: 2, HasPort: true},
	})
	tests := []struct {
		prefix string
		want   []string
	}{
		{"postgr", []string{"postgres-exporter", "postgres-local", "postgresql", "POSTGREY", "postgrey"}},
		{"POSTGRES-", []string{"postgres-exporter", "postgres-local"}},
		{"zz", []string{"zz-last"}},
		{"etherNET-ip-", []string{"EtherNet-IP-1", "EtherNet-IP-2", "ethernet-ip-s"}},
		{"Quote of the", nil}, // the appendix's wording is no service name
		{"no-such-name", nil},
		{"\xff", nil},
	}
	for _, tt := range tests {
		if got := slices.Collect(db.Names(tt.prefix)); !slices.Equal(got, tt.want) {
			t.Errorf("Names(%q) = %q, want %q", tt.prefix, got, tt.want)
		}
	}

	all := slices.Collect(db.Names(""))
	seen := map[string]bool{}
	for _, name := range all {
		if seen[name] {
			t.Errorf("Names yields %q twice", name)
		}
		seen[name] = true
	}
	for e := range db.All() {
		if e.Source != Appendix && e.Name != "" && !seen[e.Name] {
			t.Errorf("Names does not yield %q", e.Name)
		}
	}
	for range db.Names("") {
		break // an iteration may stop early
	}
	for range db.All() {
		break
	}
}

func BenchmarkLookup(b *testing.B) {
	benchmarks := []struct {
		name string
		port uint16
	}{
		{"hit", 5432},
		{"miss", 60001},
		{"unassigned", 4},
		{"range", 4250},
		{"aliases", 80},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Default().Lookup(TCP, bm.port)
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	for _, name := range []string{"postgresql", "no-such-service"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Default().Search(name)
			}
		})
	}
}
