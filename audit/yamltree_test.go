package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// theirs is what the common library reads of a text.
func theirs(data []byte) (docs []*yaml.Node, err error) {
	defer func() { // it panics on some texts that it does not take
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		n := new(yaml.Node)
		switch err := d.Decode(n); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		docs = append(docs, n)
	}
}

// differ says in what two nodes differ; empty where they do not.
func differ(a *node, b *yaml.Node) string {
	kinds := map[kind]yaml.Kind{scalarNode: yaml.ScalarNode, listNode: yaml.SequenceNode, keysNode: yaml.MappingNode, aliasNode: yaml.AliasNode}
	quoted := b.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case kinds[a.kind] != b.Kind:
		return fmt.Sprintf("%d:%d: kind %v, theirs %v at %d:%d", a.line, a.column, a.kind, b.Kind, b.Line, b.Column)
	case a.value != b.Value:
		return fmt.Sprintf("%d:%d: value %q, theirs %q", a.line, a.column, a.value, b.Value)
	case a.kind == scalarNode && a.plain == quoted:
		return fmt.Sprintf("%d:%d: plain %v, theirs quoted %v", a.line, a.column, a.plain, quoted)
	case a.isNull() != (b.Tag == "!!null") || a.isBool() != (b.Tag == "!!bool"):
		return fmt.Sprintf("%d:%d: null %v, bool %v, theirs %s", a.line, a.column, a.isNull(), a.isBool(), b.Tag)
	case (a.line != b.Line || a.column != b.Column) && (a.value != "" || !a.plain): // what is not there is nowhere
		return fmt.Sprintf("%q stands at %d:%d, theirs at %d:%d", a.value, a.line, a.column, b.Line, b.Column)
	case len(a.content) != len(b.Content):
		return fmt.Sprintf("%d:%d: %d nodes, theirs %d", a.line, a.column, len(a.content), len(b.Content))
	}
	for i := range a.content {
		if d := differ(a.content[i], b.Content[i]); d != "" {
			return d
		}
	}
	return ""
}

// bare reports whether there is nothing in a tree that a register refuses anyway.
func bare(n *node) bool {
	if n.anchor != "" || n.tag != "" || n.kind == aliasNode {
		return false
	}
	for _, c := range n.content {
		if !bare(c) {
			return false
		}
	}
	return true
}

// holdAgainst holds what is taken for YAML against the common library: it has to
// take it too, and read the same. It reports whether the text was taken.
func holdAgainst(t *testing.T, data []byte) bool {
	t.Helper()
	r := &reader{}
	if r.bytes(data); len(r.problems) > 0 {
		return false
	}
	docs, err := readTree(data)
	if err != nil || len(docs) != 1 || !bare(docs[0]) {
		return false
	}
	want, err := theirs(data)
	if err != nil || len(want) != 1 {
		t.Errorf("the library reads %d documents of %q: %v", len(want), data, err)
		return true
	}
	if d := differ(docs[0].content[0], want[0].Content[0]); d != "" {
		t.Errorf("%q: %s", data, d)
	}
	return true
}

// What a register can be written in is taken, and read as the library does.
func TestReadTree(t *testing.T) {
	tests := []string{
		"a: 1", "a:\n  b: c\n", "a:\n- b\n- c\nd: e\n", "a:\n  - b\n  -   c: d\n      e: f\n  -\n    g: h\n", "- - a\n  - b\n- c\n",
		"a: b c  d # e\n", "a: b\n  c\n\n  d\n\n\n  e\nf: g\n", "a:\n  b\n  c\n", "a: b#c\n", "a: b:c\n", "a: :b\n", "a: -b\n", "a: ?b\n", "a: b - c\n",
		"a: 'b''c'\n", "a: 'b\n  c\n\n  d'\n", "a: \"b\\n\\x41\\u00e9\\U0001f600\\\\\\\"\\e\\0\"\n", "a: \"b  \n  c\\\n   d\\\n\n  e\"\n", "\"a\": b\n'c': d\n", "a: \"\"\nb: ''\n",
		"a: |\n  b\n   c\n\n  d\n", "a: >\n  b\n  c\n\n  d\n   e\n  f\n", "a: |-\n  b\n\n\nc: d\n", "a: >+\n  b\n\n\nc: d\n", "a: | # b\n  c\n", "a: |\n\n  b\n", "- |\n a\n- >-\n b\n c\n", "a: |\nb: c\n", "a: >\n", "a: |+\n\n\n", "a: >\n  b", "a: >\n\n   b\n\n   c\n # d\n",
		"a: [b, c , 'd', \"e\", [f], {g: h}, ]\n", "a: []\nb: {}\n", "a: [\n  b,\n c\n]\n", "a: {b: c, d: [e], f: {g: h},}\n", "a: [b c\n  d, e]\n", "[a]: b\n", "{a: b}: c\n", "{a: 'b\n  c'}\n", "a: ['::1', 10.0.0.0/8, a:b, fe80::1%eth0]\n", "a: [ # b\n  c # d\n ] # e\n",
		"---\na: b\n...\n", "--- a\n", "--- [a]\n", "---\n- a\n---", "# a\n---\n# b\nc: d\n# e\n", "a:\n# b\n  c: d\n# e\n  f: g\n", "\ufeffa: b\r\nc: d\r\n", "é: ü\nñ: [ö, 'ß', \"ø\"]\n",
		"a: null\nb: ~\nc:\nd: Null\ne: NULL\nf: nUll\n", "a: true\nb: False\nc: yes\nd: 'true'\ne: tRUE\n", "a:\n\nb:\n  # c\nd: e\n", "a: \t b\t# c\n", "? a\n: b\n", "? [a]\n: b\nc: d\n", "- a\n-\n- b\n", "-\n  - a\n", "- a: b\n\n  c: d\n\n- e: f\n",
		"a: b\n\n\n", "a", "a b\n c\n", "'a'\n", "a: 'b' # c\n", "a: <<\n<<: b\n", "a: =\nb: 0x1\nc: 1_0\nd: .5\ne: .nan\n", "a: !b\n", "a: @\n", "a: `\n", "a: %b\n", "%a: b\n", "a: b\n c: d\n", "a:b\n", "a : b\n", "a\n: b\n", "a: [b: c]\n", "a: {b}\n", "a: |2\n  b\n",
	}
	refused := 0
	for _, text := range tests {
		if !holdAgainst(t, []byte(text)) {
			t.Logf("not taken: %q", text)
			refused++
		}
	}
	if refused > 13 {
		t.Errorf("%d texts are not taken", refused)
	}
}

// pieces are what the texts of TestReadTreeAny are made of.
var pieces = []string{
	"a", "b", "version", ": ", ":", ":\n", "- ", "-", "\n", "\n", "\n  ", "\n    ", "\n ", " ", "  ", "[", "]", ", ", ",", "{", "}", "'", "\"", "''", "\\", "\\n", "|", ">", "|-", ">+", "\n\n",
	"# c", " # c", "#", "---", "...", "? ", "?", "é", "\t", "1", "null", "true", "~", "80-90", "::1", "%", "@", "`", "<<", "=", "\n- ", "\n  - ", "a: b", "\nc: d", "\n  e: f", "[a, b]", "{a: b}", "'x'", "\"y\"", ": |\n  t\n  u\n", ": >\n  t\n   u\n\n  v\n",
}

// Whatever a text is made of: what is taken is read as the library reads it.
func TestReadTreeAny(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 60000 {
		var b strings.Builder
		for range 1 + random.IntN(14) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		if holdAgainst(t, []byte(b.String())) {
			taken++
		}
		if t.Failed() {
			break
		}
	}
	if taken < 3000 {
		t.Errorf("%d texts were taken only", taken)
	}
}

func FuzzReadTree(f *testing.F) {
	docs, _ := filepath.Glob("testdata/*.yaml")
	for _, name := range docs {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte("a: [b, 'c', \"d\\n\"]\nb: |\n  c\n   d\n\n# e\nf:\n- g: h\n  i: >-\n    j\n    k\n"))
	f.Add([]byte("--- {a: b}\n...\n"))
	f.Fuzz(func(t *testing.T, data []byte) { holdAgainst(t, data) })
}
