package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	yamlv3 "go.yaml.in/yaml/v3"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

func TestJSONString(t *testing.T) {
	tests := []struct{ in, json, yaml string }{
		{"", `""`, `""`},
		{"nginx", `"nginx"`, `nginx`},
		{"/usr/sbin/sshd", `"/usr/sbin/sshd"`, `/usr/sbin/sshd`},
		{"The Secure Shell (SSH) Protocol", `"The Secure Shell (SSH) Protocol"`, `The Secure Shell (SSH) Protocol`},
		{"a\x1b[31m", `"a\u001b[31m"`, `"a\x1b[31m"`},
		{"a\nb\rc\td\x00", `"a\nb\rc\td\u0000"`, `"a\nb\rc\td\x00"`},
		{"a\x7f\u0085\u009b", `"a\u007f\u0085\u009b"`, `"a\x7f\x85\x9b"`},
		{"a\u202eb\u200b\ufeff", `"a\u202eb\u200b\ufeff"`, `"a\u202eb\u200b\ufeff"`},
		{"\U000e0041", `"\udb40\udc41"`, `"\U000e0041"`},
		{`"quoted"`, `"\"quoted\""`, `"\"quoted\""`},
		{"<a>&amp;", `"<a>&amp;"`, `"<a>&amp;"`},
		{"数据库", `"数据库"`, `"数据库"`},
		// Bytes that are no text, and text that looks like one of them.
		{"a\xffb", `"a\\xffb"`, `"a\\xffb"`},
		{"\xed\xa0\x80", `"\\xed\\xa0\\x80"`, `"\\xed\\xa0\\x80"`},
		{`a\xff`, `"a\\x5cxff"`, `"a\\x5cxff"`},
		{`a\x5c`, `"a\\x5cx5c"`, `"a\\x5cx5c"`},
		{"\\\xff", `"\\\\xff"`, `"\\\\xff"`},
		// systemd's own escapes stand as they are.
		{`dev-disk-by\x2duuid.swap`, `"dev-disk-by\\x2duuid.swap"`, `"dev-disk-by\\x2duuid.swap"`},
		{`C:\xampp\x86`, `"C:\\xampp\\x5cx86"`, `"C:\\xampp\\x5cx86"`},
		// A command to Azure Pipelines, wherever in the line.
		{"##vso[x]", `"#\u0023vso[x]"`, `"#\x23vso[x]"`},
		// Words that YAML has a meaning for.
		{"no", `"no"`, `"no"`},
		{"Null", `"Null"`, `"Null"`},
		{"~", `"~"`, `"~"`},
		{"1e3", `"1e3"`, `"1e3"`},
		{"2026-11-23", `"2026-11-23"`, `"2026-11-23"`},
		{"a: b", `"a: b"`, `"a: b"`},
		{"a #b", `"a #b"`, `"a #b"`},
		{"a ", `"a "`, `"a "`},
		{"- a", `"- a"`, `"- a"`},
		{".inf", `".inf"`, `".inf"`},
	}
	for _, tt := range tests {
		if got := string(appendJSON(nil, tt.in)); got != tt.json {
			t.Errorf("appendJSON(%q) = %s, want %s", tt.in, got, tt.json)
		}
		if got := string(appendYAML(nil, tt.in)); got != tt.yaml {
			t.Errorf("appendYAML(%q) = %s, want %s", tt.in, got, tt.yaml)
		}
		checkString(t, tt.in)
	}
}

// checkString proves of any bytes that they come back from JSON, that JSON and
// YAML say the same, and that neither shows what it must not.
func checkString(t *testing.T, s string) {
	t.Helper()
	j, y := appendJSON(nil, s), appendYAML(nil, s)
	sc := jsonScanner{data: j, seen: map[string]string{}}
	back, err := sc.text()
	if err != nil || back != s || sc.pos != len(j) {
		t.Errorf("%s read back = %q, %v, want %q", j, back, err, s)
	}
	var fromJSON, fromYAML string
	if err := json.Unmarshal(j, &fromJSON); err != nil {
		t.Errorf("encoding/json: %s: %v", j, err)
	}
	if utf8.ValidString(s) && !strings.Contains(s, `\x`) && fromJSON != s {
		t.Errorf("encoding/json reads %s as %q, want %q", j, fromJSON, s)
	}
	if err := yamlv3.Unmarshal(append([]byte("k: "), y...), &yamlKey{&fromYAML}); err != nil {
		t.Errorf("yaml/v3: %s: %v", y, err)
	}
	if fromYAML != fromJSON {
		t.Errorf("YAML %s is %q, JSON %s is %q", y, fromYAML, j, fromJSON)
	}
	for _, out := range [][]byte{j, y} {
		for _, r := range string(out) {
			if r < ' ' || r == 0x7f || r > 0x7f && !visible(r) {
				t.Errorf("%U of %q is raw in %q", r, s, out)
			}
		}
	}
}

// yamlKey reads the value of the key k, which must be a string.
type yamlKey struct{ s *string }

func (k *yamlKey) UnmarshalYAML(n *yamlv3.Node) error {
	v := n.Content[1]
	if v.ShortTag() != "!!str" {
		return fmt.Errorf("%s, not a string", v.ShortTag())
	}
	return v.Decode(k.s)
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "no", "a: b", "\xff\\xff", `\x5c\x5c`, "\u202e\x1b", "\U000e0041", "  ", "x\n- y", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkString(t, s) })
}

// TestWords holds the words of the tags against those of the types.
func TestWords(t *testing.T) {
	words := map[string][]string{}
	ps := plans{}
	for _, t := range []reflect.Type{
		reflect.TypeFor[listenerRecord](), reflect.TypeFor[entryRecord](), reflect.TypeFor[discrepancyRecord](), reflect.TypeFor[findingRecord](),
	} {
		for _, f := range ps.of(t).fields {
			words[f.name] = f.words
		}
	}
	check := func(name string, n int, word func(i int) string) {
		t.Helper()
		if len(words[name]) != n {
			t.Errorf("%s has %d words, want %d", name, len(words[name]), n)
		}
		for i, w := range words[name] {
			if got := word(i); got != w {
				t.Errorf("%s: %d is %q in JSON and %q in Go", name, i, w, got)
			}
		}
	}
	check("backlog", 3, func(i int) string { return annotate.Backlog(i).String() })
	check("kind", 6, func(i int) string { return scanner.DiscrepancyKind(i).String() })
	check("severity", 3, func(i int) string { return audit.Severity(i).String() })
	check("protocol", 10, func(i int) string { return scanner.Protocol(i).String() })
	check("range", 3, func(i int) string { return portdb.Range(i).String() })
	check("source", 4, func(i int) string { return portdb.Source(i).String() })
	check("status", 4, func(i int) string { return portdb.Status(i).String() })
	check("transport", 4, func(i int) string { return portdb.Transport(1 << i).String() })
	check("exposure", 7, func(i int) string { return annotate.Exposure(i).String() })
	check("widest", 7, func(i int) string { return annotate.Exposure(i).String() })
	check("program", 4, func(i int) string { return annotate.Verdict(i).String() })
	check("owner", 5, func(i int) string {
		if i == 0 {
			return "processes" // String gives "" for it
		}
		return scanner.Why(i).String()
	})
}

// TestJSONLayout: the pretty form is that of encoding/json and jq, the lines are
// the same values without a space.
func TestJSONLayout(t *testing.T) {
	for _, path := range reports(t) {
		pretty := readFile(t, path)
		var b bytes.Buffer
		if err := json.Indent(&b, pretty, "", "  "); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b.String(), string(pretty)); diff != "" {
			t.Errorf("%s: layout (-jq +ours):\n%s", path, diff)
		}
		var report struct {
			Time      any
			Listeners []map[string]any
		}
		if err := json.Unmarshal(pretty, &report); err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(readFile(t, path+"l"), []byte("\n"))
		if got, want := len(lines)-1, len(report.Listeners); got != want {
			t.Fatalf("%sl has %d lines, want %d", path, got, want)
		}
		for i, l := range report.Listeners {
			var line map[string]any
			if err := json.Unmarshal(lines[i], &line); err != nil {
				t.Fatal(err)
			}
			if line["time"] != report.Time || line["schema"] != Schema {
				t.Errorf("%sl: line %d: time %v, schema %v", path, i+1, line["time"], line["schema"])
			}
			for _, key := range []string{"schema", "host", "time", "complete"} {
				delete(line, key)
			}
			if diff := cmp.Diff(l, line); diff != "" {
				t.Errorf("%sl: line %d (-json +jsonl):\n%s", path, i+1, diff)
			}
			if err := json.Compact(new(bytes.Buffer), lines[i]); err != nil || bytes.Contains(lines[i], []byte(`": `)) {
				t.Errorf("%sl: line %d is not compact (%v)", path, i+1, err)
			}
		}
	}
}

// TestYAML: a parser of YAML reads the values that a parser of JSON reads.
func TestYAML(t *testing.T) {
	for _, path := range reports(t) {
		r := readReport(t, strings.TrimSuffix(strings.TrimPrefix(path, "testdata/"), ".json"))
		compareYAML(t, written(t, r, YAML), written(t, r, JSON))
	}
}

// compareYAML compares a document in YAML with one in JSON, keys in order.
func compareYAML(t tester, y, j []byte) {
	t.Helper()
	var doc yamlv3.Node
	if err := yamlv3.Unmarshal(y, &doc); err != nil {
		t.Fatalf("%v in\n%s", err, y)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, j); err != nil {
		t.Fatal(err)
	}
	// JSON is YAML but for surrogates, so that one parser can read both.
	var same yamlv3.Node
	decoded := json.NewDecoder(&b)
	decoded.UseNumber()
	if err := orderedYAML(decoded, &same); err != nil {
		t.Fatal(err)
	}
	if a, b := flat(&same), flat(doc.Content[0]); !slices.Equal(a, b) {
		t.Errorf("values (-json +yaml):\n%s", cmp.Diff(a, b))
	}
}

// orderedYAML reads the next JSON value as a tree with its keys in order.
func orderedYAML(d *json.Decoder, n *yamlv3.Node) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	switch tok := tok.(type) {
	case json.Delim:
		n.Kind = yamlv3.SequenceNode
		if tok == '{' {
			n.Kind = yamlv3.MappingNode
		}
		for d.More() {
			child := new(yamlv3.Node)
			if err := orderedYAML(d, child); err != nil {
				return err
			}
			n.Content = append(n.Content, child)
			if n.Kind == yamlv3.MappingNode {
				value := new(yamlv3.Node)
				if err := orderedYAML(d, value); err != nil {
					return err
				}
				n.Content = append(n.Content, value)
			}
		}
		_, err := d.Token()
		return err
	case string:
		n.Kind, n.Tag, n.Value = yamlv3.ScalarNode, "!!str", tok
	case json.Number:
		n.Kind, n.Tag, n.Value = yamlv3.ScalarNode, "!!int", tok.String()
	case bool:
		n.Kind, n.Tag, n.Value = yamlv3.ScalarNode, "!!bool", fmt.Sprint(tok)
	case nil:
		n.Kind, n.Tag, n.Value = yamlv3.ScalarNode, "!!null", "null"
	}
	return nil
}

// flat returns the tree as lines of kind, tag and value.
func flat(n *yamlv3.Node) []string {
	line := fmt.Sprintf("%d %d", n.Kind, len(n.Content))
	if n.Kind == yamlv3.ScalarNode {
		line = fmt.Sprintf("%s %q", n.ShortTag(), n.Value)
	}
	lines := []string{line}
	for _, c := range n.Content {
		lines = append(lines, flat(c)...)
	}
	return lines
}

// TestJSONOrder: what the kernel lists first does not show.
func TestJSONOrder(t *testing.T) {
	r := readReport(t, "holders")
	want := written(t, r, JSON)
	for seed := range uint64(10) {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(r.Listeners), func(i, k int) {
			r.Listeners[i], r.Listeners[k] = r.Listeners[k], r.Listeners[i]
		})
		if got := written(t, r, JSON); !bytes.Equal(got, want) {
			t.Fatalf("another order in, another order out:\n%s", cmp.Diff(string(want), string(got)))
		}
	}
}

// TestJSONErrors: a pipe that closes and a value without a name are errors.
func TestJSONErrors(t *testing.T) {
	r := readReport(t, "server")
	for _, f := range []Format{JSON, JSONL, YAML} {
		if err := Write(&brokenWriter{room: 100}, r, f, nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write(%s) to a closed pipe = %v, want %v", f, err, io.ErrClosedPipe)
		}
	}
	r.Listeners[0].Exposure = 99
	if err := Write(io.Discard, r, JSON, nil); err == nil || !strings.Contains(err.Error(), "exposure: 99") {
		t.Errorf("Write with exposure 99 = %v, want an error that names it", err)
	}
}

// A brokenWriter takes room bytes and then fails.
type brokenWriter struct{ room int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// many returns a report of n listeners, each with holders of its own.
func many(t testing.TB, n int) *Report {
	r := readReport(t, "server")
	list := r.Listeners
	r.Listeners = nil
	for i := range n {
		l := list[i%len(list)]
		s := *l.Socket
		s.Port, s.Inode = uint16(i), uint64(i+1)
		l.Socket = &s
		r.Listeners = append(r.Listeners, l)
	}
	return r
}

// TestJSONStreams: memory does not grow with the report, but for the order.
func TestJSONStreams(t *testing.T) {
	small, large := many(t, 100), many(t, 2000)
	for _, f := range []Format{JSON, JSONL, YAML} {
		allocs := func(r *Report) float64 {
			return testing.AllocsPerRun(5, func() { _ = Write(io.Discard, r, f, nil) })
		}
		// Only an address with a zone allocates: one of the 23 listeners has one
		// of its own, and some have one behind a wildcard.
		if a, b := allocs(small), allocs(large); b > a+2000 {
			t.Errorf("%s: %v allocations for 100 listeners, %v for 2000", f, a, b)
		}
		var w widest
		if err := Write(&w, large, f, nil); err != nil || w > 2*flushAt {
			t.Errorf("%s: %d bytes were held back (%v), want at most %d", f, w, err, 2*flushAt)
		}
	}
}

// widest is the length of the longest piece written to it.
type widest int

func (w *widest) Write(p []byte) (int, error) {
	*w = max(*w, widest(len(p)))
	return len(p), nil
}

func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{40, 2000, 20000} {
		r := many(b, n)
		for _, f := range []Format{JSON, JSONL, YAML} {
			b.Run(fmt.Sprintf("%s/%d", f, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					var c counter
					if err := Write(&c, r, f, nil); err != nil {
						b.Fatal(err)
					}
					b.SetBytes(int64(c))
				}
			})
		}
	}
}

// A counter counts bytes.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
