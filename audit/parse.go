package audit

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
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
func (r *reader) at(n *yaml.Node, hint, format string, args ...any) {
	r.complain(n.Line, n.Column, hint, format, args...)
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
func (r *reader) document(data []byte) *yaml.Node {
	d := yaml.NewDecoder(bytes.NewReader(data))
	doc, err := decode(d)
	switch {
	case errors.Is(err, io.EOF):
		r.complain(1, 0, hintShape, "there is nothing in it")
		return nil
	case err != nil:
		r.syntax(data, err)
		return nil
	}
	switch second, err := decode(d); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.syntax(data, err)
		return nil
	default:
		r.at(second, "put it into a file of its own", "a second document")
		return nil
	}
	r.simple(doc)
	return doc.Content[0]
}

const hintShape = "a register begins with the line version: 1; whatslistening audit --init writes a first one"

// decode returns the next document. The library panics on some texts that it
// does not take.
func decode(d *yaml.Decoder) (n *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	n = new(yaml.Node)
	if err := d.Decode(n); err != nil {
		return nil, err
	}
	if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
		return nil, io.EOF
	}
	return n, nil
}

// syntax says what the library says of a text that is no YAML. The line that it
// names is often that where the list or the keys around the fault begin, so that
// the line is looked for.
func (r *reader) syntax(data []byte, err error) {
	text, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if head, after, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(head, "line ") {
		text = after
		if n, err := strconv.Atoi(head[len("line "):]); err == nil {
			line = n
		}
	}
	if len(data) <= 64<<10 {
		line = faultyLine(data)
	}
	if name, ok := strings.CutPrefix(text, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "' ")
		r.complain(line, 0, hintAlias, "%q is an alias, which a register does not have", "*"+clip(name))
		return
	}
	r.complain(line, 0, "see this line and the one before it: colons, quotes, brackets, indentation", "it is no YAML: %s", text)
}

// faultyLine returns the line, from 1, at which data, which is no YAML, stops to
// be YAML: the one behind the longest run of lines that is.
func faultyLine(data []byte) int {
	lines := bytes.SplitAfter(data, []byte{'\n'})
	good, bad := 0, len(lines)
	for range 5 {
		for bad-good > 1 {
			if mid := (good + bad) / 2; isYAML(lines[:mid]) {
				good = mid
			} else {
				bad = mid
			}
		}
		// A text of several lines is no YAML halfway through: look beyond it.
		on := bad + 1
		for on < min(len(lines), bad+20) && !isYAML(lines[:on]) {
			on++
		}
		if on >= min(len(lines), bad+20) {
			break
		}
		good, bad = on, len(lines)
	}
	return good + 1
}

// isYAML reports whether lines are YAML.
func isYAML(lines [][]byte) bool {
	d := yaml.NewDecoder(bytes.NewReader(bytes.Join(lines, nil)))
	for {
		switch _, err := decode(d); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return false
		}
	}
}

const hintAlias = "write the value out; a text that begins with * needs quotes"

// simple complains of what YAML can do and a register cannot.
func (r *reader) simple(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.at(n, hintAlias, "%q is an alias, which a register does not have", "*"+clip(n.Value))
	case n.Anchor != "":
		r.at(n, "take it out; a text that begins with & needs quotes", "%q is an anchor, which a register does not have", "&"+clip(n.Anchor))
	case n.Style&yaml.TaggedStyle != 0:
		r.at(n, "take it out; a text that begins with ! needs quotes", "%q is a tag, which a register does not have", clip(n.Tag))
	}
	for _, c := range n.Content {
		r.simple(c)
	}
}

// mapping reads the keys of n, each once, by keys; what names n. It returns the
// nodes of the keys that it has, and nil where n is no mapping.
func (r *reader) mapping(n *yaml.Node, what string, names []string, read func(key string, k, v *yaml.Node)) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		if n.Kind != yaml.AliasNode {
			r.at(n, "", "%s has to be keys with values, not %s", what, kindOf(n))
		}
		return nil
	}
	had := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind == yaml.AliasNode:
		case k.Kind != yaml.ScalarNode:
			r.at(k, "", "a key has to be a word, not %s", kindOf(k))
		case names != nil && !slices.Contains(names, k.Value):
			hint := "its keys are " + strings.Join(names, ", ")
			if near := nearest(k.Value, names); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			r.at(k, hint, "%s has no key %q", what, clip(k.Value))
		case had[k.Value] != nil:
			r.at(k, "leave one of them", "the key %q stands here for the second time: line %d has it", clip(k.Value), had[k.Value].Line)
		default:
			had[k.Value] = k
			read(k.Value, k, v)
		}
	}
	return had
}

// kindOf says what a node is.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.Value))
}

// text returns the text of n, as it is written there, in one line; what names
// the value. A word that YAML takes for true or false is no text.
func (r *reader) text(n *yaml.Node, what string) (s string, ok bool) {
	switch {
	case n.Kind == yaml.AliasNode:
	case n.Kind != yaml.ScalarNode:
		r.at(n, "", "%s has to be a text, not %s", what, kindOf(n))
	case n.Tag == "!!bool":
		r.at(n, "put it in quotes where it is a name", "%s has to be a text, not %s", what, n.Value)
	case n.Tag == "!!null" || n.Value == "":
		r.at(n, "write a value, or leave the key out", "%s is empty", what)
	default:
		return n.Value, true
	}
	return "", false
}

// line returns text that may stand on several lines, on one.
func (r *reader) line(n *yaml.Node, what string) string {
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
func (r *reader) texts(n *yaml.Node, what string, read func(s string, n *yaml.Node)) {
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		if list = n.Content; len(list) == 0 {
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
func (r *reader) date(n *yaml.Node, what string) string {
	s, ok := r.text(n, what)
	if ok && !isDate(s) {
		r.at(n, "a day is written 2027-06-30", "%s: %q is no day", what, clip(s))
		return ""
	}
	return s
}
