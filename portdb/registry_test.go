package portdb

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// factOf returns an entry as the twin has it. The appendix's notes are not in
// its file: their tests are by name.
func factOf(e Entry) fact {
	f := fact{
		source: e.Source, transport: e.Transport, status: e.Status, name: e.Name, desc: e.Description,
		ref: e.Reference, unauth: e.Unauthorized, notes: e.Note,
	}
	if e.Source == Appendix {
		f.notes = ""
	}
	return f
}

// texts returns facts in an order of their own, to compare them as sets.
func texts(facts []fact) []string {
	var s []string
	for _, f := range facts {
		s = append(s, f.String())
	}
	slices.Sort(s)
	return s
}

// TestEveryRowBothWays holds All against the files: each row of each file is
// there, port by port, with every column, and nothing else is.
func TestEveryRowBothWays(t *testing.T) {
	w := naive(t)
	var got twin
	iana := 0
	for e := range Default().All() {
		if e.Source == IANA {
			iana++
		}
		if !e.HasPort {
			got.portless = append(got.portless, factOf(e))
			continue
		}
		for p := int(e.First); p <= int(e.Last); p++ {
			got.ports[p] = append(got.ports[p], factOf(e))
		}
	}
	// 14,499 rows, and 21 that changed: 4 took the place of a row, 17 are new.
	// They cut 6 Unassigned runs, 4 of them in two, and take one port whole.
	if want := 14499 + 17 + 4 - 1; iana != want {
		t.Errorf("%d rows of IANA, want %d", iana, want)
	}
	if g, x := texts(got.portless), texts(w.portless); !slices.Equal(g, x) {
		t.Errorf("rows without a port: %d, want the %d of the file", len(g), len(x))
	}
	for p := range w.ports {
		if g, x := texts(got.ports[p]), texts(w.ports[p]); !slices.Equal(g, x) {
			t.Errorf("port %d:\n got %q\nwant %q", p, g, x)
		}
	}
}

// TestEveryRowOfTheFile wants each row of IANA's file back as it stands there,
// runs of ports as runs, but for those that the changes are about.
func TestEveryRowOfTheFile(t *testing.T) {
	naive(t)
	rows, err := csvRows(filepath.Join(dataDir, "iana", "service-names-port-numbers.csv"))
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for e := range Default().All() {
		if e.Source == IANA {
			left[rowKey(e)]++
		}
	}
	var missing []string
	for i, row := range rows {
		f := ianaFact(row, i)
		e := Entry{
			Transport: f.transport, Name: f.name, Description: f.desc, Reference: f.ref,
			Unauthorized: f.unauth, Note: f.notes, Status: f.status, HasPort: f.last >= 0,
		}
		if e.HasPort {
			e.First, e.Last = uint16(f.first), uint16(f.last)
		}
		if left[rowKey(e)]--; left[rowKey(e)] < 0 {
			missing = append(missing, row["Port Number"]+"/"+row["Transport Protocol"]+" "+row["Service Name"])
		}
	}
	want := []string{
		"700/udp epp", "4461-4483/ ", "4794-4799/ ", "5319/ ", "6603-6618/ ", "7123/tcp snif", "7123/udp ",
		"9165-9190/ ", "24601/udp udpstp", "30833-30998/ ", "34965-34979/ ",
	}
	if !slices.Equal(missing, want) {
		t.Errorf("rows that do not come back:\n got %q\nwant %q", missing, want)
	}
}

func rowKey(e Entry) string {
	e.Aliases = nil
	return fmt.Sprintf("%+v", e)
}

// named returns those of the twin's facts that can label a port on transport.
func (w *twin) named(source Source, transport Transport, port int) []fact {
	var named []fact
	for _, f := range w.ports[port] {
		if f.source == source && f.name != "" && f.status == Assigned &&
			(f.transport == 0 || transport == 0 || f.transport&transport != 0) {
			named = append(named, f)
		}
	}
	unstated := func(f fact) int {
		if f.transport == 0 {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(named, func(a, b fact) int {
		return cmp.Or(a.last-a.first-(b.last-b.first), unstated(a)-unstated(b))
	})
	return named
}

// TestLookupOfEveryPort holds Lookup against the twin for every port on every
// transport.
func TestLookupOfEveryPort(t *testing.T) {
	w, db := naive(t), Default()
	for _, transport := range []Transport{0, TCP, UDP, SCTP, DCCP, TCP | UDP} {
		for port := range 1 << 16 {
			var want []fact
			for _, source := range []Source{IANA, Appendix, Common} {
				if want = w.named(source, transport, port); want != nil {
					break
				}
			}
			e, ok := db.Lookup(transport, uint16(port))
			if ok != (want != nil) {
				t.Errorf("Lookup(%q, %d) = %v, %v, want %v", transport, port, e, ok, want)
				continue
			}
			if !ok {
				continue
			}
			if got := factOf(e); got.String() != want[0].String() {
				t.Errorf("Lookup(%q, %d) = %v, want %v", transport, port, got, want[0])
			}
			var aliases []string
			for _, f := range want[1:] {
				if f.source == IANA && f.transport == want[0].transport && f.first == want[0].first && f.last == want[0].last {
					aliases = append(aliases, f.name)
				}
			}
			if !slices.Equal(e.Aliases, aliases) {
				t.Errorf("Lookup(%q, %d) has aliases %q, want %q", transport, port, e.Aliases, aliases)
			}
		}
	}
}

// TestEntriesOfEveryPort holds Entries against the twin: every fact of the port
// is an entry, or an alias of one.
func TestEntriesOfEveryPort(t *testing.T) {
	w, db := naive(t), Default()
	var entries []Entry
	for _, transport := range []Transport{0, TCP, UDP, SCTP, DCCP} {
		for port := range 1 << 16 {
			var want []string
			for _, f := range w.ports[port] {
				if f.transport == 0 || transport == 0 || f.transport&transport != 0 {
					want = append(want, f.source.String()+" "+f.status.String()+" "+f.transport.String()+" "+f.name)
				}
			}
			var got []string
			entries = db.Entries(entries[:0], transport, uint16(port))
			for _, e := range entries {
				if port < int(e.First) || int(e.Last) < port || !e.HasPort {
					t.Errorf("Entries(%q, %d) has an entry of %d-%d", transport, port, e.First, e.Last)
				}
				for _, name := range append([]string{e.Name}, e.Aliases...) {
					got = append(got, e.Source.String()+" "+e.Status.String()+" "+e.Transport.String()+" "+name)
				}
			}
			if !slices.IsSortedFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Source, b.Source) }) {
				t.Errorf("Entries(%q, %d): the layers are not in order", transport, port)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("Entries(%q, %d):\n got %q\nwant %q", transport, port, got, want)
			}
		}
	}
}

// TestSearchOfEveryName searches each name of each layer, as written and in
// capitals, and wants every row that has it.
func TestSearchOfEveryName(t *testing.T) {
	w, db := naive(t), Default()
	rows := map[string]map[string]bool{}
	add := func(f fact) {
		if f.name == "" {
			return
		}
		key := strings.ToLower(f.name)
		if rows[key] == nil {
			rows[key] = map[string]bool{}
		}
		rows[key][f.String()] = true
	}
	for _, facts := range w.ports {
		for _, f := range facts {
			add(f)
		}
	}
	for _, f := range w.portless {
		add(f)
	}
	for name, want := range rows {
		for _, query := range []string{name, strings.ToUpper(name)} {
			if strings.ContainsFunc(name, func(r rune) bool { return r > 127 }) && query != name {
				continue // only ASCII letters have case here
			}
			got := map[string]bool{}
			for _, e := range db.Search(query) {
				f := factOf(e)
				got[f.String()] = true
				if !want[f.String()] {
					t.Errorf("Search(%q) has %v", query, f)
				}
			}
			if len(got) != len(want) {
				t.Errorf("Search(%q) has %d different rows, want %d", query, len(got), len(want))
			}
		}
	}
	if got := db.Search("no-such-service"); got != nil {
		t.Errorf("Search of an unknown name = %v, want nil", got)
	}
	if got := db.Search(""); got != nil {
		t.Errorf("Search of no name = %d entries, want none", len(got))
	}
}

// TestAllKeepsTheOrder wants each layer's rows in the order of its ports.
func TestAllKeepsTheOrder(t *testing.T) {
	var last Entry
	n := 0
	for e := range Default().All() {
		if n++; n > 1 {
			a, b := order(last), order(e)
			if e.Source == Appendix {
				a, b = a[:2], b[:2] // the document's order, which is not that of the ports
			}
			if slices.Compare(a, b) > 0 {
				t.Errorf("%v %d %q comes after %v %d %q", e.Source, e.First, e.Name, last.Source, last.First, last.Name)
			}
		}
		last = e
	}
	if n == 0 {
		t.Error("All yields nothing")
	}
}

func order(e Entry) []int {
	portless := 0
	if !e.HasPort {
		portless = 1
	}
	return []int{int(e.Source), portless, int(e.First)}
}
