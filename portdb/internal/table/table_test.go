package table

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// sample is a small registry with overlapping runs, shared texts and every flag.
func sample() *Registry {
	return &Registry{
		Date:   "2026-09-17",
		Inputs: []string{"sum  a.csv", "sum  b.tsv"},
		IANA: []Row{
			{First: 0, Last: 0, HasPort: true, Transport: 1, Status: 2, Description: "Reserved", Reference: "RFC6335"},
			{First: 7, Last: 9, HasPort: true, Status: 1, Description: "Unassigned"},
			{First: 8, Last: 8, HasPort: true, Transport: 1, Name: "eight", Description: "Eight"},
			{First: 8, Last: 8, HasPort: true, Name: "any-eight", Description: "Eight"},
			{First: 8, Last: 8, HasPort: true, Transport: 15, Status: 3, Name: "Ätherisch", Note: "odd", Unauthorized: "often"},
			{Name: "portless", Description: "Eight", Note: "odd"},
			{First: 65535, Last: 65535, HasPort: true, Name: "last"},
		},
		Appendix: []Row{{First: 0, Last: 65535, HasPort: true, Name: "Everything there is", Description: "Everything there is"}},
		Common:   []Row{{First: 8, Last: 8, HasPort: true, Transport: 2, Name: "EIGHT", Note: "reason"}},
		Programs: []Program{{"Adb", "x"}, {"adc", "x y"}, {"nginx", "http https"}},
	}
}

func TestRoundTrip(t *testing.T) {
	r := sample()
	tab, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Concat(r.IANA, r.Appendix, r.Common)
	if tab.Len() != len(rows) {
		t.Fatalf("Len() = %d, want %d", tab.Len(), len(rows))
	}
	for n, want := range rows {
		if got := tab.Row(n); got != want {
			t.Errorf("Row(%d) = %+v, want %+v", n, got, want)
		}
		transport, status, named := tab.Brief(n)
		if transport != want.Transport || status != want.Status || named != (want.Name != "") || tab.Name(n) != want.Name {
			t.Errorf("Brief(%d) = %d, %d, %v, want those of %+v", n, transport, status, named, want)
		}
	}
	if a, b, c := tab.Layers(); a != 7 || b != 1 || c != 1 {
		t.Errorf("Layers() = %d, %d, %d, want 7, 1, 1", a, b, c)
	}
	if want := "whatslistening registry 1 2026-09-17\nsum  a.csv\nsum  b.tsv\n"; tab.Head() != want || tab.Date() != r.Date {
		t.Errorf("Head() = %q, Date() = %q, want %q", tab.Head(), tab.Date(), want)
	}
	for _, p := range r.Programs {
		if got, ok := tab.Services(p.Name); !ok || got != p.Services {
			t.Errorf("Services(%q) = %q, %v, want %q", p.Name, got, ok, p.Services)
		}
	}
	for _, unknown := range []string{"", "ADB", "adb", "ngin", "nginxx", "zzz"} {
		if got, ok := tab.Services(unknown); ok {
			t.Errorf("Services(%q) = %q, want none", unknown, got)
		}
	}
	var names []string
	for k := range tab.Names() {
		names = append(names, tab.Name(tab.Named(k)))
	}
	want := []string{"any-eight", "EIGHT", "eight", "Everything there is", "last", "portless", "Ätherisch"}
	if !slices.Equal(names, want) {
		t.Errorf("names = %q, want %q", names, want)
	}
	again, err := Encode(sample())
	if err != nil || again != tab {
		t.Errorf("the same registry gives other bytes, or %v", err)
	}
	opened, err := Open([]byte(tab))
	if err != nil || opened != tab {
		t.Errorf("Open gives another table, or %v", err)
	}
}

func listed(tab Table, port uint16) (rows []int) {
	lo, hi := tab.At(port)
	for k := lo; k < hi; k++ {
		rows = append(rows, tab.Listed(k))
	}
	return rows
}

func TestAtOrdersTheRowsOfAPort(t *testing.T) {
	tab, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		port uint16
		want []int
	}{
		{0, []int{0, 7}},
		{1, []int{7}},
		{7, []int{1, 7}},
		{8, []int{2, 4, 3, 1, 7, 8}},
		{9, []int{1, 7}},
		{10, []int{7}},
		{65534, []int{7}},
		{65535, []int{6, 7}},
	}
	for _, tt := range tests {
		if got := listed(tab, tt.port); !slices.Equal(got, tt.want) {
			t.Errorf("rows of port %d = %v, want %v", tt.port, got, tt.want)
		}
	}
}

// TestAtOnRandomRuns holds At against a walk over all rows, for every port.
func TestAtOnRandomRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		var r Registry
		r.Date = "2026-09-17"
		for i := range random.IntN(40) {
			first := random.IntN(1 << 16)
			last := min(1<<16-1, first+random.IntN(1+i*100))
			r.IANA = append(r.IANA, Row{First: uint16(first), Last: uint16(last), HasPort: i%7 != 0, Name: fmt.Sprint(i)})
		}
		tab, err := Encode(&r)
		if err != nil {
			t.Fatal(err)
		}
		for port := range 1 << 16 {
			var want []int
			for n, w := range r.IANA {
				if w.HasPort && int(w.First) <= port && port <= int(w.Last) {
					want = append(want, n)
				}
			}
			got := listed(tab, uint16(port))
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: rows of port %d = %v, want %v", round, port, got, want)
			}
		}
	}
}

func TestEmptyRegistry(t *testing.T) {
	tab, err := Encode(&Registry{Date: "2026-09-17"})
	if err != nil {
		t.Fatal(err)
	}
	if rows := listed(tab, 80); rows != nil || tab.Len() != 0 || tab.Names() != 0 {
		t.Errorf("an empty registry has rows %v, %d in all", rows, tab.Len())
	}
	if _, ok := tab.Services("sshd"); ok {
		t.Error("an empty registry knows sshd")
	}
}

func TestEncodeRefusesWhatDoesNotFit(t *testing.T) {
	many := make([]Row, 1<<16+1)
	wide := make([]Row, 400)
	for i := range wide {
		wide[i] = Row{First: uint16(i), Last: 65535, HasPort: true}
	}
	notes := make([]Row, 1<<16)
	for i := range notes {
		notes[i].Note = fmt.Sprint(i)
	}
	tests := []struct {
		name string
		reg  Registry
		want string
	}{
		{"rows", Registry{IANA: many}, "65537 rows"},
		{"list", Registry{IANA: wide}, "too many rows to list"},
		{"notes", Registry{IANA: notes}, "too many different notes"},
		{"name", Registry{IANA: []Row{{Name: strings.Repeat("x", 256)}}}, "text of 256 bytes"},
		{"note", Registry{IANA: []Row{{Note: strings.Repeat("x", 1<<16)}}}, "text of 65536 bytes"},
		{"reversed", Registry{IANA: []Row{{First: 2, Last: 1, HasPort: true}}}, "cannot be packed"},
		{"transport", Registry{IANA: []Row{{Transport: 16}}}, "cannot be packed"},
		{"status", Registry{IANA: []Row{{Status: 4}}}, "cannot be packed"},
		{"programs", Registry{Programs: []Program{{"b", ""}, {"a", ""}}}, `program "a" is not in order`},
		{"program twice", Registry{Programs: []Program{{"a", ""}, {"a", ""}}}, `program "a" is not in order`},
		{"head", Registry{Inputs: []string{strings.Repeat("x", HeadSize)}}, "do not fit into the head"},
	}
	for _, tt := range tests {
		tt.reg.Date = "2026-09-17"
		if _, err := Encode(&tt.reg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Encode: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if _, err := Encode(&Registry{Date: "today"}); err == nil {
		t.Error("Encode takes the date \"today\"")
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	for _, data := range []string{"", "whatslistening registry 1 2026-09-17\n", strings.Repeat("x", 1<<12)} {
		if _, err := Open([]byte(data)); err == nil {
			t.Errorf("Open takes %.30q", data)
		}
	}
}

func TestCompare(t *testing.T) {
	inOrder := []string{"", "-", "0", "A", "a", "aa", "AB", "b", "Z", "z", "\u00e9"}
	for i, a := range inOrder {
		for j, b := range inOrder {
			want := min(max(i-j, -1), 1)
			if got := Compare(a, b); got != want {
				t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, want)
			}
			fold := want
			if strings.EqualFold(a, b) {
				fold = 0
			}
			if got := CompareFold(a, b); got != fold {
				t.Errorf("CompareFold(%q, %q) = %d, want %d", a, b, got, fold)
			}
		}
	}
	if !HasPrefixFold("HTTPS", "http") || HasPrefixFold("htt", "http") || !HasPrefixFold("x", "") || HasPrefixFold("https", "httpx") {
		t.Error("HasPrefixFold is wrong about HTTPS, htt, x or https")
	}
}

// FuzzEncode packs whatever rows and wants them back.
func FuzzEncode(f *testing.F) {
	f.Add("name", "description", "note", uint16(1), uint16(9), uint8(3))
	f.Add("", "", "", uint16(0), uint16(65535), uint8(0))
	f.Fuzz(func(t *testing.T, name, description, note string, first, last uint16, flags uint8) {
		rows := []Row{
			{
				First: first, Last: last, HasPort: flags&1 != 0, Transport: flags & 15, Status: flags >> 4 & 3,
				Name: name, Description: description, Note: note, Reference: name, Unauthorized: description,
			},
			{First: last, Last: last, HasPort: true, Name: description},
		}
		tab, err := Encode(&Registry{Date: "2026-09-17", Common: rows})
		if err != nil {
			if first <= last && len(name)+len(description) < 256 && len(note) < 1<<16 {
				t.Errorf("Encode: %v", err)
			}
			return
		}
		for n, want := range rows {
			if got := tab.Row(n); !reflect.DeepEqual(got, want) {
				t.Errorf("Row(%d) = %+v, want %+v", n, got, want)
			}
		}
		if got := listed(tab, last); !slices.Contains(got, 1) {
			t.Errorf("rows of port %d = %v, without the one that is there", last, got)
		}
	})
}
