package audit

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxPolicySize is the size in bytes of the largest file of a register.
const MaxPolicySize = 1 << 20

// maxProblems is how many problems of a file are kept.
const maxProblems = 50

// ParsePolicy reads a file of an approval register; file is its name in what
// is said of it. The format is in docs/audit.md.
//
// A register decides what is let through, and so nothing in it is guessed: a
// key that is unknown or stands twice, a value of another type, an alias, a tag,
// a second document is a problem. The error is a [*PolicyError], with every
// problem that could be told.
func ParsePolicy(file string, data []byte) (*Policy, error) {
	r := &reader{file: file}
	r.bytes(data)
	p := &Policy{}
	if len(r.problems) == 0 {
		if doc := r.document(data); doc != nil {
			r.policy(doc, p)
		}
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, &PolicyError{r.problems, r.more}
	}
	sum := sha256.Sum256(data)
	p.Files = []PolicyFile{{file, hex.EncodeToString(sum[:]), len(p.Entries)}}
	return p, nil
}

// A reader makes a policy of a file and gathers its problems.
type reader struct {
	file     string
	problems []Problem
	more     int
}

// complain adds a problem at a place.
func (r *reader) complain(line, column int, hint, format string, args ...any) {
	if len(r.problems) == maxProblems {
		r.more++
		return
	}
	r.problems = append(r.problems, Problem{
		Position: Position{r.file, line}, Column: column, Severity: Error,
		Text: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// at adds a problem at a node.
func (r *reader) at(n *node, hint, format string, args ...any) {
	r.complain(n.line, n.column, hint, format, args...)
}

// bytes looks for what no register holds, whatever YAML makes of it. Characters
// that a reader cannot see, or that show the text in another order than it has,
// would have a person approve another text than the program reads.
func (r *reader) bytes(data []byte) {
	if len(data) > MaxPolicySize {
		r.complain(1, 0, "spread it over several files", "it has %d bytes: the most is %d", len(data), MaxPolicySize)
		return
	}
	line, start := 1, 0
	for i := 0; i < len(data); {
		c, n := decodeRune(data[i:])
		column := i - start + 1
		switch {
		case c == '\n':
			line, start = line+1, i+1
		case c == invalid:
			r.complain(line, column, "save the file as UTF-8", "the byte %#02x is not UTF-8", data[i])
		case c == '\t' && len(bytes.Trim(data[start:i], " \t")) == 0:
			r.complain(line, column, "indent with spaces", "a tab in the indentation")
		case c == '\t', c == '\r' && i+1 < len(data) && data[i+1] == '\n', c == '\ufeff' && i == 0:
		case hidden(c):
			r.complain(line, column, fmt.Sprintf(`write it as "\u%04x", in double quotes, or take it out`, c), "the character %U, which cannot be seen", c)
		}
		i += n
	}
}

// document returns the value of the one document in data; nil where there is
// none, which has been said.
func (r *reader) document(data []byte) *node {
	docs, err := readTree(data)
	switch {
	case err != nil:
		r.syntax(err)
	case len(docs) == 0:
		r.complain(1, 0, hintShape, "there is nothing in it")
	case len(docs) > 1:
		r.at(docs[1], "put it into a file of its own", "a second document")
	default:
		r.simple(docs[0].content[0])
		return docs[0].content[0]
	}
	return nil
}

const hintShape = "a register begins with the line version: 1; whatslistening audit --init writes a first one"

// syntax says where a text is no YAML.
func (r *reader) syntax(err error) {
	var e *treeError
	if !errors.As(err, &e) {
		r.complain(1, 0, "", "%v", err)
		return
	}
	if e.has != nil {
		r.simple(e.has)
		return
	}
	if name, ok := strings.CutPrefix(e.text, unknownAnchor); ok {
		r.complain(e.line, 0, hintAlias, "%q is an alias, which a register does not have", "*"+clip(name))
		return
	}
	r.complain(e.line, 0, "see this line and the one before it: colons, quotes, brackets, indentation", "it is no YAML: %s", e.text)
}

const hintAlias = "write the value out; a text that begins with * needs quotes"

// simple complains of what YAML can do and a register cannot.
func (r *reader) simple(n *node) {
	switch {
	case n.kind == aliasNode:
		r.at(n, hintAlias, "%q is an alias, which a register does not have", "*"+clip(n.value))
	case n.anchor != "":
		r.at(n, "take it out; a text that begins with & needs quotes", "%q is an anchor, which a register does not have", clip(n.anchor))
	case n.tag != "":
		r.at(n, "take it out; a text that begins with ! needs quotes", "%q is a tag, which a register does not have", clip(n.tag))
	}
	for _, c := range n.content {
		r.simple(c)
	}
}

// mapping reads the keys of n, each once, by keys; what names n. It returns the
// nodes of the keys that it has, and nil where n is no mapping.
func (r *reader) mapping(n *node, what string, names []string, read func(key string, k, v *node)) map[string]*node {
	if n.kind != keysNode {
		if n.kind != aliasNode {
			r.at(n, "", "%s has to be keys with values, not %s", what, kindOf(n))
		}
		return nil
	}
	had := map[string]*node{}
	for i := 0; i+1 < len(n.content); i += 2 {
		k, v := n.content[i], n.content[i+1]
		switch {
		case k.kind == aliasNode:
		case k.kind != scalarNode:
			r.at(k, "", "a key has to be a word, not %s", kindOf(k))
		case names != nil && !slices.Contains(names, k.value):
			hint := "its keys are " + strings.Join(names, ", ")
			if near := nearest(k.value, names); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			r.at(k, hint, "%s has no key %q", what, clip(k.value))
		case had[k.value] != nil:
			r.at(k, "leave one of them", "the key %q stands here for the second time: line %d has it", clip(k.value), had[k.value].line)
		default:
			had[k.value] = k
			read(k.value, k, v)
		}
	}
	return had
}

// kindOf says what a node is.
func kindOf(n *node) string {
	switch {
	case n.kind == keysNode:
		return "keys with values"
	case n.kind == listNode:
		return "a list"
	case n.isNull():
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.value))
}

// text returns the text of n, as it is written there, in one line; what names
// the value. A word that YAML takes for true or false is no text.
func (r *reader) text(n *node, what string) (s string, ok bool) {
	switch {
	case n.kind == aliasNode:
	case n.kind != scalarNode:
		r.at(n, "", "%s has to be a text, not %s", what, kindOf(n))
	case n.isBool():
		r.at(n, "put it in quotes where it is a name", "%s has to be a text, not %s", what, n.value)
	case n.isNull() || n.value == "":
		r.at(n, "write a value, or leave the key out", "%s is empty", what)
	default:
		return n.value, true
	}
	return "", false
}

// line returns text that may stand on several lines, on one.
func (r *reader) line(n *node, what string) string {
	s, ok := r.text(n, what)
	if !ok {
		return ""
	}
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		r.at(n, "", "%s is empty", what)
	}
	return s
}

// texts calls read with each text of n, which is one or a list.
func (r *reader) texts(n *node, what string, read func(s string, n *node)) {
	list := []*node{n}
	if n.kind == listNode {
		if list = n.content; len(list) == 0 {
			r.at(n, "write a value, or leave the key out", "%s is empty", what)
		}
	}
	for _, n := range list {
		if s, ok := r.text(n, what); ok {
			read(s, n)
		}
	}
}

// date is a day as a register has it.
func (r *reader) date(n *node, what string) string {
	s, ok := r.text(n, what)
	if ok && !isDate(s) {
		r.at(n, "a day is written 2027-06-30", "%s: %q is no day", what, clip(s))
		return ""
	}
	return s
}
