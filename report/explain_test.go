package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// explained is what is known of ports on the host of testdata/server.json.
func explained(t testing.TB, ports ...uint16) []Explanation {
	t.Helper()
	r, db := readReport(t, "server"), portdb.Default()
	var list []Explanation
	for _, port := range ports {
		x := Explanation{Port: port, HasPort: true, Entries: db.Entries(nil, 0, port), Host: r.Host.Ephemeral}
		x.Reserved = slices.ContainsFunc(r.Host.Reserved, func(p scanner.PortRange) bool { return p.First <= port && port <= p.Last })
		for _, l := range r.Listeners {
			if l.Port == port {
				x.Listeners = append(x.Listeners, l)
			}
		}
		list = append(list, x)
	}
	return list
}

// hostileExplanation has hostile text wherever a local layer and a process can
// put it.
func hostileExplanation(t testing.TB) []Explanation {
	t.Helper()
	const evil = "\x1b]0;x\a\u202e\xff::error::#\n"
	r := readReport(t, "hostile")
	return []Explanation{{
		Port: 4001, HasPort: true,
		Entries: []portdb.Entry{{
			Source: portdb.Local, First: 4001, Last: 4001, HasPort: true, Transport: portdb.TCP,
			Name: "n" + evil, Aliases: []string{"a" + evil}, Description: "d" + evil,
			Reference: "r" + evil, Unauthorized: "u" + evil, Note: "o" + evil,
		}},
		Listeners: r.Listeners,
	}}
}

func explanation(t testing.TB, list []Explanation, f Format, o *Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteExplain(&b, list, f, o); err != nil {
		t.Fatalf("WriteExplain(%s) = %v", f, err)
	}
	return b.Bytes()
}

// TestExplainGolden compares explanations with the files of testdata/explain.
func TestExplainGolden(t *testing.T) {
	v := newValidator(t)
	several := explained(t, 22, 80, 3000, 9090, 51820, 50005, 53211, 537, 6665)
	several = append(several, Explanation{Entries: portdb.Default().Search("airplay")}, Explanation{Port: 2999, HasPort: true, Unseen: true})
	tests := []struct {
		name string
		list []Explanation
		o    Options
		def  string
	}{
		{"one", explained(t, 5432), Options{}, "explanation"},
		{"list", explained(t, 5432), Options{Array: true}, "explanations"},
		{"none", nil, Options{}, "explanations"},
		{"several", several, Options{Width: 80}, "explanations"},
		{"colour", explained(t, 22, 3000), Options{Width: 60, Color: true}, "explanations"},
		{"hostile", hostileExplanation(t), Options{Width: 72}, "explanation"},
	}
	for _, tt := range tests {
		for _, f := range []Format{Table, JSON, JSONL, YAML} {
			t.Run(tt.name+"/"+f.String(), func(t *testing.T) {
				got := explanation(t, tt.list, f, &tt.o)
				checkGolden(t, "testdata/explain/"+tt.name+"."+f.String(), got)
				if !tt.o.Color {
					checkShown(t, f, got)
				}
				switch f {
				case JSON:
					v.check(t, tt.def, got)
					compareYAML(t, explanation(t, tt.list, YAML, &tt.o), got)
				case JSONL:
					v.checkLines(t, "entry", got)
				}
			})
		}
	}
}

// TestExplainKeys: the keys that scripts rely on.
func TestExplainKeys(t *testing.T) {
	var got struct {
		Port    int
		Range   string
		Entries []struct {
			Source, Transport, Name, Description, Status string
			Aliases                                      []string
			First, Last                                  *int
		}
		Listeners []struct{ Processes []struct{ PID int } }
	}
	if err := json.Unmarshal(explanation(t, explained(t, 80), JSON, nil), &got); err != nil {
		t.Fatal(err)
	}
	if got.Port != 80 || got.Range != "well-known" || len(got.Entries) < 3 || len(got.Listeners) != 2 {
		t.Fatalf("explain 80 = %+v", got)
	}
	e := got.Entries[0]
	if e.Source != "iana" || e.Transport != "tcp" || e.Name != "http" || e.Status != "assigned" ||
		!slices.Equal(e.Aliases, []string{"www", "www-http"}) || *e.First != 80 || *e.Last != 80 {
		t.Errorf("the first entry of explain 80 = %+v", e)
	}
}

// TestExplainWidth: no line is wider than the terminal, and nothing is lost but
// in the rows of the listeners.
func TestExplainWidth(t *testing.T) {
	list := explained(t, 22, 80, 3000, 51820, 537)
	for i := range list {
		list[i].Listeners = nil
	}
	words := strings.Fields(string(explanation(t, list, Table, nil)))
	for _, width := range []int{40, 60, 80, 200} {
		out := explanation(t, list, Table, &Options{Width: width})
		for line := range strings.Lines(string(out)) {
			if n := span(strings.TrimSuffix(line, "\n")).width(); n > width {
				t.Errorf("width %d: a line of %d cells: %q", width, n, line)
			}
		}
		if got := strings.Fields(string(out)); !slices.Equal(got, words) {
			t.Errorf("width %d changes the words", width)
		}
	}
}

// TestWriteEntries: the whole registry, a line an entry, each of them valid.
func TestWriteEntries(t *testing.T) {
	v := newValidator(t)
	db := portdb.Default()
	n, layers := 0, map[portdb.Source]int{}
	for e := range db.All() {
		n++
		layers[e.Source]++
	}
	var lines, list, text bytes.Buffer
	for f, b := range map[Format]*bytes.Buffer{JSONL: &lines, JSON: &list, Table: &text} {
		if err := WriteEntries(b, db.All(), f, nil); err != nil {
			t.Fatal(err)
		}
		checkShown(t, f, b.Bytes())
	}
	v.check(t, "entries", list.Bytes())
	var entries []any
	if err := json.Unmarshal(list.Bytes(), &entries); err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(lines.Bytes(), []byte("\n")); got != n || len(entries) != n {
		t.Errorf("%d lines and a list of %d, want %d", got, len(entries), n)
	}
	if got := bytes.Count(text.Bytes(), []byte("\n")); got != n+1 {
		t.Errorf("%d lines of text, want %d", got, n+1)
	}
	if got := bytes.Count(lines.Bytes(), []byte(`{"source":"appendix"`)); got != 431 || layers[portdb.Appendix] != 431 {
		t.Errorf("%d entries of the appendix, want 431", got)
	}
	// A service without a port has none in JSON either, and port 0 is one.
	if !bytes.Contains(lines.Bytes(), []byte(`"first":null,"last":null,"name":"airplay"`)) {
		t.Errorf("airplay is not there without a port")
	}
	if !bytes.Contains(lines.Bytes(), []byte(`"first":0,"last":0`)) {
		t.Errorf("port 0 is not there")
	}
}

func TestExplainErrors(t *testing.T) {
	list := explained(t, 22)
	for _, f := range []Format{CSV, Markdown} {
		if err := WriteExplain(io.Discard, list, f, nil); err == nil || !strings.Contains(err.Error(), f.String()) {
			t.Errorf("WriteExplain(%s) = %v, want an error that names it", f, err)
		}
		if err := WriteEntries(io.Discard, portdb.Default().All(), f, nil); err == nil || !strings.Contains(err.Error(), f.String()) {
			t.Errorf("WriteEntries(%s) = %v, want an error that names it", f, err)
		}
	}
	for _, f := range []Format{Table, JSON, JSONL, YAML} {
		if err := WriteExplain(&brokenWriter{room: 10}, list, f, nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("WriteExplain(%s) to a closed pipe = %v, want %v", f, err, io.ErrClosedPipe)
		}
		if err := WriteEntries(&brokenWriter{room: 10}, portdb.Default().All(), f, nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("WriteEntries(%s) to a closed pipe = %v, want %v", f, err, io.ErrClosedPipe)
		}
	}
}

func BenchmarkWriteEntries(b *testing.B) {
	for _, f := range []Format{Table, JSONL} {
		b.Run(f.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := WriteEntries(io.Discard, portdb.Default().All(), f, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
