package portdb

import (
	"fmt"
	"slices"
	"testing"
)

func port(name string, t Transport, first, last uint16) Entry {
	return Entry{Name: name, Transport: t, First: first, Last: last, HasPort: true}
}

func TestLocalWinsOverAll(t *testing.T) {
	entries := []Entry{
		port("ours", TCP, 5432, 5432),
		port("run", TCP, 8000, 8100),
		port("inside", TCP, 8080, 8080),
		port("any", 0, 8080, 8080),
		port("second", TCP, 5432, 5432),
		{Name: "portless", Aliases: []string{"nowhere"}},
		{First: 22, Last: 22, HasPort: true, Description: "no name"},
		{Name: "gone", Status: Unassigned, First: 25, Last: 25, HasPort: true},
		port("top", UDP, 65535, 65535),
		port("bottom", UDP, 0, 0),
		port("reversed", TCP, 9001, 9000), // speaks of no port
	}
	before := slices.Clone(entries)
	db := Default().WithLocal(entries)
	tests := []struct {
		transport Transport
		port      uint16
		want      string
	}{
		{TCP, 5432, "local ours"},
		{0, 5432, "local ours"},
		{UDP, 5432, "iana postgresql"},
		{TCP, 7999, "iana irdmi2"},
		{TCP, 8000, "local run"},
		{TCP, 8100, "local run"},
		{TCP, 8080, "local inside"},
		{UDP, 8080, "local any"},
		{SCTP, 8080, "local any"},
		{TCP, 22, "iana ssh"},
		{TCP, 25, "iana smtp"},
		{UDP, 65535, "local top"},
		{UDP, 0, "local bottom"},
		{TCP, 9000, "iana cslistener"},
		{TCP, 9001, "iana etlservicemgr"},
	}
	for _, tt := range tests {
		e, _ := db.Lookup(tt.transport, tt.port)
		if got := fmt.Sprint(e.Source, " ", e.Name); got != tt.want {
			t.Errorf("Lookup(%v, %d) = %q, want %q", tt.transport, tt.port, got, tt.want)
		}
	}

	var said []string
	for _, e := range db.Entries(nil, TCP, 5432) {
		said = append(said, fmt.Sprint(e.Source, " ", e.Name))
	}
	want := []string{"iana postgresql", "appendix PostgreSQL Database", "local ours", "local second"}
	if !slices.Equal(said, want) {
		t.Errorf("Entries(tcp, 5432) = %q, want %q", said, want)
	}
	for _, name := range []string{"NOWHERE", "portless"} {
		if got := db.Search(name); len(got) != 1 || got[0].Name != "portless" || got[0].Source != Local {
			t.Errorf("Search(%q) = %+v, want the local portless", name, got)
		}
	}
	n := 0
	for e := range db.All() {
		if e.Source == Local {
			n++
		}
	}
	if n != len(entries) {
		t.Errorf("All has %d local entries, want %d", n, len(entries))
	}

	if !slices.EqualFunc(entries, before, func(a, b Entry) bool { return a.Name == b.Name && a.Source == b.Source }) {
		t.Error("WithLocal changed the slice that it was given")
	}
	if e, _ := Default().Lookup(TCP, 5432); e.Source != IANA {
		t.Error("WithLocal changed the default registry")
	}
	if e, _ := db.WithLocal(nil).Lookup(TCP, 5432); e.Source != IANA {
		t.Error("WithLocal(nil) kept the local layer")
	}
}

// An entry is found once though several of its names match, and in the order of
// the ports.
func TestLocalSearch(t *testing.T) {
	db := Default().WithLocal([]Entry{
		{Name: "depot", First: 900, Last: 900, HasPort: true, Aliases: []string{"Depot", "zz"}},
		{Name: "DEPOT", First: 800, Last: 800, HasPort: true},
		{Name: "zz", First: 700, Last: 700, HasPort: true, Aliases: []string{"depot"}},
	})
	for _, name := range []string{"depot", "DePoT"} {
		var ports []uint16
		for _, e := range db.Search(name) {
			ports = append(ports, e.First)
		}
		if want := []uint16{700, 800, 900}; !slices.Equal(ports, want) {
			t.Errorf("Search(%q) finds the ports %v, want %v", name, ports, want)
		}
	}
}

// TestLocalLookupTwin holds the local layer against a plain walk over its
// entries, on a dense set of overlapping runs.
func TestLocalLookupTwin(t *testing.T) {
	var entries []Entry
	for i := range uint16(200) {
		first := i * 7919 % 300
		entries = append(entries, port(fmt.Sprint("s", i), Transport(i%4), first, first+i*31%17))
	}
	l := newLocal(entries)
	for p := range uint16(330) {
		for _, transport := range []Transport{0, TCP, UDP} {
			var best *Entry
			n := 0
			for i := range entries {
				e := &entries[i]
				if p < e.First || e.Last < p || e.Transport != 0 && transport != 0 && e.Transport&transport == 0 {
					continue
				}
				n++
				if best == nil || e.Last-e.First < best.Last-best.First ||
					e.Last-e.First == best.Last-best.First && (best.Transport == 0 && e.Transport != 0 ||
						(best.Transport == 0) == (e.Transport == 0) && e.First < best.First) {
					best = e
				}
			}
			got, ok := l.lookup(transport, p)
			if ok != (best != nil) || ok && got.Name != best.Name {
				t.Errorf("lookup(%v, %d) = %q, want %+v", transport, p, got.Name, best)
			}
			if got := len(l.entries(nil, transport, p)); got != n {
				t.Errorf("%d entries of %d/%v, want %d", got, p, transport, n)
			}
		}
	}
}
