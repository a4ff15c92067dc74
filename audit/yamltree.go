package audit

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A node is a piece of a YAML document, at its place.
type node struct {
	kind         kind
	value        string // of a scalar, or the name of an alias
	plain        bool   // a scalar without quotes
	anchor, tag  string // with & and !
	line, column int    // from 1, in characters
	content      []*node
}

type kind uint8

const (
	scalarNode kind = iota
	listNode
	keysNode // keys and values in turn
	aliasNode
)

// isNull and isBool say what a plain word means, by the core schema (YAML 1.2.2,
// section 10.3.2).
func (n *node) isNull() bool {
	switch n.value {
	case "", "~", "null", "Null", "NULL":
		return n.kind == scalarNode && n.plain
	}
	return false
}

func (n *node) isBool() bool {
	switch n.value {
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return n.kind == scalarNode && n.plain
	}
	return false
}

// A treeError says where a text stops to be YAML as a register has it: by a text,
// or by a node with an anchor or a tag.
type treeError struct {
	line int
	text string
	has  *node
}

func (e *treeError) Error() string { return e.text }

// maxDepth is how deep lists and keys may lie in each other: a register needs 5.
const maxDepth = 64

// maxKey is how long a key may be, in bytes (YAML 1.2.2, section 7.4.2: 1024
// characters).
const maxKey = 1024

// A treeReader reads YAML as people write it: block and flow, quotes, folded and
// literal texts, comments. It refuses what of YAML 1.2 a register has no use for:
// directives, pairs without braces in a list, keys without a value in braces, and
// indentation told by a number. What it takes it reads as the common library does,
// which a test holds it against.
//
// The text is UTF-8 without tabs in indentation and without line breaks but \n and
// \r\n. Its methods panic with a *treeError.
type treeReader struct {
	s       string
	at      int                             // the next byte
	line    int                             // from 1
	start   int                             // of the line
	counted struct{ start, at, column int } // how far columns were counted
	depth   int
	anchors map[string]bool
}

// readTree returns the documents of a text, each with its place.
func readTree(data []byte) (docs []*node, err error) {
	r := &treeReader{s: strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n"), line: 1, anchors: map[string]bool{}}
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(*treeError)
			if !ok {
				panic(p)
			}
			docs, err = nil, e
		}
	}()
	for open := true; ; { // whether a document may begin without a line of ---
		r.skip()
		switch {
		case r.at == len(r.s):
			return docs, nil
		case r.marker("...") && len(docs) > 0:
			r.at += 3
			r.lineEnd()
			open = true
			continue
		case r.marker("---"):
			doc := &node{line: r.line, column: r.column()}
			r.at += 3
			docs = append(docs, r.document(doc))
		case !open || r.marker("..."):
			r.fail("did not find expected <document start>")
		case r.s[r.at] == '%':
			r.fail("a register has no directives")
		default:
			docs = append(docs, r.document(&node{line: r.line, column: r.column()}))
		}
		open = false
	}
}

// document reads what stands in a document.
func (r *treeReader) document(doc *node) *node {
	clear(r.anchors)
	first := r.line
	r.skip()
	n := r.null() // an empty document has its place behind all
	if !r.ends() {
		if r.line == first && doc.line == first && r.column() > doc.column && r.s[r.start:r.start+3] == "---" {
			n = r.inline(-1, false)
		} else {
			n = r.block(-1, false)
		}
		r.skip()
	}
	if !r.ends() {
		r.fail("did not find expected <document start>")
	}
	doc.content = []*node{n}
	return doc
}

func (r *treeReader) fail(format string, args ...any) {
	panic(&treeError{line: r.line, text: fmt.Sprintf(format, args...)})
}

// column is the column of the next character, from 1.
func (r *treeReader) column() int {
	c := &r.counted
	if c.start != r.start || c.at > r.at || c.column == 0 {
		c.start, c.at, c.column = r.start, r.start, 1
	}
	c.column += utf8.RuneCountInString(r.s[c.at:r.at])
	c.at = r.at
	return c.column
}

// indent is the column of the next character, from 0.
func (r *treeReader) indent() int { return r.column() - 1 }

// peek returns the byte n bytes on; a line's end behind the last.
func (r *treeReader) peek(n int) byte {
	if r.at+n < len(r.s) {
		return r.s[r.at+n]
	}
	return '\n'
}

// blank reports whether nothing that is seen stands n bytes on.
func (r *treeReader) blank(n int) bool {
	c := r.peek(n)
	return c == ' ' || c == '\t' || c == '\n'
}

// marker reports whether the line is a mark of a document.
func (r *treeReader) marker(mark string) bool {
	return r.at == r.start && strings.HasPrefix(r.s[r.at:], mark) && r.blank(3)
}

// ends reports whether the document ends here.
func (r *treeReader) ends() bool { return r.at >= len(r.s) || r.marker("---") || r.marker("...") }

// newline goes over a line's end.
func (r *treeReader) newline() {
	r.at++
	r.line++
	r.start = r.at
}

// spaces goes over what separates on one line.
func (r *treeReader) spaces() {
	for r.peek(0) == ' ' || r.peek(0) == '\t' {
		r.at++
	}
}

// skip goes over blanks, comments and ends of lines.
func (r *treeReader) skip() {
	for {
		r.spaces()
		if r.at < len(r.s) && r.s[r.at] == '#' {
			if r.at > r.start && !strings.ContainsRune(" \t", rune(r.s[r.at-1])) {
				return
			}
			for r.peek(0) != '\n' {
				r.at++
			}
		}
		if r.at >= len(r.s) || r.s[r.at] != '\n' {
			return
		}
		r.newline()
	}
}

// lineEnd checks that nothing but a comment is left on the line.
func (r *treeReader) lineEnd() {
	line := r.line
	r.skip()
	if r.line == line && r.at < len(r.s) {
		r.fail("did not find expected comment or line break")
	}
}

// null is the value that is not there.
func (r *treeReader) null() *node { return &node{plain: true, line: r.line, column: r.column()} }

func (r *treeReader) down() {
	if r.depth++; r.depth > maxDepth {
		r.fail("lists and keys lie more than %d deep", maxDepth)
	}
}

// block reads a node that begins here, deeper than parent; a list may begin
// where the keys of its parent do, with dashes.
func (r *treeReader) block(parent int, dashes bool) *node {
	r.down()
	defer func() { r.depth-- }()
	at := r.indent()
	switch {
	case r.peek(0) == '-' && r.blank(1):
		if at > parent || dashes && at == parent {
			return r.list(at)
		}
	case at <= parent:
	case r.peek(0) == '?' && r.blank(1):
		return r.keys(at, nil)
	default:
		line := r.line
		n := r.inline(parent, true)
		if !r.colon(line) {
			return n
		}
		return r.keys(at, n)
	}
	r.fail("did not find expected key")
	return nil
}

// colon reports whether what was just read, from that line on, is a key.
func (r *treeReader) colon(line int) bool {
	if r.line != line {
		return false
	}
	back := r.at
	r.spaces()
	if r.peek(0) == ':' && r.at < len(r.s) && r.blank(1) {
		return true
	}
	r.at = back
	return false
}

// list reads a list whose dashes are at that indentation.
func (r *treeReader) list(at int) *node {
	n := &node{kind: listNode, line: r.line, column: r.column()}
	for !r.ends() && r.indent() == at && r.peek(0) == '-' && r.blank(1) {
		r.at++
		n.content = append(n.content, r.below(at, false))
	}
	r.outer(at, "-")
	return n
}

// outer checks that what follows a list or keys belongs to something around it.
func (r *treeReader) outer(at int, what string) {
	if !r.ends() && (r.indent() > at || r.indent() == at && what == "key") {
		r.fail("did not find expected %s", what)
	}
}

// below reads what a dash or a colon has, whose keys or dashes are at that
// indentation; on the same line it may be a list or keys only behind a dash.
func (r *treeReader) below(at int, colon bool) *node {
	null := r.null()
	line, from := r.line, r.at
	if r.spaces(); !colon && strings.Contains(r.s[from:r.at], "\t") {
		r.fail("a tab behind a dash")
	}
	r.skip()
	switch {
	case r.ends():
		return null
	case r.line == line && r.at < len(r.s):
		var n *node
		if colon {
			n = r.inline(at, false)
		} else {
			n = r.block(at, false)
		}
		r.skip()
		return n
	case r.indent() > at, colon && r.indent() == at && r.peek(0) == '-' && r.blank(1):
		n := r.block(at, colon)
		r.skip()
		return n
	}
	return null
}

// keys reads keys at that indentation with their values; the first key may have
// been read.
func (r *treeReader) keys(at int, first *node) *node {
	n := &node{kind: keysNode, line: r.line, column: at + 1}
	if first != nil {
		n.column = first.column
	}
	for {
		key := first
		first = nil
		switch {
		case key != nil:
		case r.ends() || r.indent() != at:
			r.outer(at, "key")
			return n
		case r.peek(0) == '?' && r.blank(1):
			key = r.question(at)
		default:
			if r.peek(0) == '-' && r.blank(1) {
				r.outer(at, "key")
			}
			line := r.line
			if key = r.inline(at, true); !r.colon(line) {
				r.line = line
				r.fail("could not find expected ':'")
			}
		}
		if key.kind == scalarNode && len(key.value) > maxKey {
			r.fail("a key of more than %d bytes", maxKey)
		}
		r.at++ // the colon
		n.content = append(n.content, key, r.below(at, true))
	}
}

// question reads a key behind a question mark, and goes to its colon.
func (r *treeReader) question(at int) *node {
	line := r.line
	r.at++
	r.spaces()
	if r.blank(0) {
		r.fail("could not find expected key")
	}
	key := r.inline(at, false)
	r.lineEnd()
	if r.ends() || r.line != line+1 || r.indent() != at || r.peek(0) != ':' || !r.blank(1) {
		r.fail("could not find expected ':'")
	}
	return key
}

// inline reads a node that is no list and has no keys but in brackets and braces.
// key says that it may be a key.
func (r *treeReader) inline(parent int, key bool) *node {
	line, column, begin := r.line, r.column(), r.at
	n := r.properties(parent)
	n.line, n.column = line, column
	if r.colon(line) {
		switch {
		case !key:
			r.fail("mapping values are not allowed in this context")
		case r.at-begin > maxKey:
			r.fail("a key of more than %d bytes", maxKey)
		}
		return n
	}
	if r.line != line || n.kind != scalarNode || !n.plain {
		back := r.at
		r.spaces()
		if r.peek(0) == ':' && r.at < len(r.s) && r.blank(1) {
			r.fail("mapping values are not allowed in this context")
		}
		r.at = back
	}
	if r.at > 0 && r.s[r.at-1] != '\n' { // a text by lines ends behind its last one
		back, backLine, backStart := r.at, r.line, r.start
		r.lineEnd()
		r.at, r.line, r.start = back, backLine, backStart
	}
	return n
}
