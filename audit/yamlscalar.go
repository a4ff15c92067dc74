package audit

import (
	"strings"
	"unicode/utf8"
)

// properties reads an anchor and a tag, and then what has them.
func (r *treeReader) properties(parent int) *node {
	line, column := r.line, r.column()
	var anchor, tag string
	for {
		c := r.peek(0)
		if c != '&' && c != '!' {
			break
		}
		word := r.word()
		switch {
		case c == '&' && anchor == "" && len(word) > 1:
			anchor = word
			r.anchors[word[1:]] = true
		case c == '!' && tag == "":
			tag = word
		default:
			r.fail("did not find expected node content")
		}
		r.spaces()
		if r.blank(0) {
			// What has it stands below, or nowhere: the register is refused in any case.
			panic(&treeError{line: r.line, has: &node{line: line, column: column, anchor: anchor, tag: tag}})
		}
	}
	n := r.content(parent, false)
	n.anchor, n.tag = anchor, tag
	return n
}

// unknownAnchor begins the text of the error about an alias of nothing.
const unknownAnchor = "there is no anchor "

// word goes over what stands up to the next blank or flow indicator.
func (r *treeReader) word() string {
	from := r.at
	for !r.blank(0) && !strings.ContainsRune(",[]{}", rune(r.peek(0))) {
		r.at++
	}
	return r.s[from:r.at]
}

// content reads a scalar, an alias, or what is in brackets or braces.
func (r *treeReader) content(parent int, flow bool) *node {
	n := &node{line: r.line, column: r.column()}
	switch c := r.peek(0); c {
	case '*':
		n.kind, n.value = aliasNode, r.word()[1:]
		if !r.anchors[n.value] {
			r.fail("%s%s", unknownAnchor, n.value)
		}
	case '[', '{':
		r.flow(n, c)
	case '"', '\'':
		n.value = r.quoted(parent, flow, c)
	case '|', '>':
		if flow {
			r.fail("found character that cannot start any token")
		}
		n.value = r.text(parent, c == '>')
	default:
		n.plain = true
		n.value = r.plain(parent, flow)
	}
	return n
}

// flow reads what is in brackets or braces.
func (r *treeReader) flow(n *node, open byte) {
	r.down()
	defer func() { r.depth-- }()
	line := r.line
	n.kind = listNode
	closing := byte(']')
	if open == '{' {
		n.kind, closing = keysNode, '}'
	}
	r.at++
	next := func() {
		r.skip()
		if r.ends() {
			r.line = line
			r.fail("did not find expected ',' or %q", closing)
		}
	}
	for {
		if next(); r.peek(0) == closing {
			break
		}
		item := r.item()
		if n.content = append(n.content, item); n.kind == keysNode {
			at := r.line
			if next(); r.peek(0) != ':' || !r.blank(1) || at != r.line || item.line != r.line {
				r.fail("did not find expected ':' and a blank")
			}
			r.at++
			next()
			n.content = append(n.content, r.item())
		}
		next()
		switch r.peek(0) {
		case ',':
			r.at++
			continue
		case closing:
		default:
			r.fail("did not find expected ',' or %q", closing)
		}
		break
	}
	r.at++
}

// item reads a node in brackets or braces.
func (r *treeReader) item() *node {
	line, column := r.line, r.column()
	var anchor, tag string
	for r.peek(0) == '&' || r.peek(0) == '!' {
		c, word := r.peek(0), r.word()
		if c == '&' && len(word) > 1 {
			anchor = word
			r.anchors[word[1:]] = true
		} else if tag = word; c == '&' {
			r.fail("did not find expected node content")
		}
		r.spaces()
	}
	n := r.content(-1, true)
	n.line, n.column, n.anchor, n.tag = line, column, anchor, tag
	if c := r.peek(0); !r.blank(0) && !strings.ContainsRune(",]}:", rune(c)) {
		r.fail("did not find expected ',' or the end")
	}
	return n
}

// plain reads a scalar without quotes.
func (r *treeReader) plain(parent int, flow bool) string {
	switch c := r.peek(0); {
	case strings.ContainsRune(",[]{}#&*!|>'\"%@`", rune(c)), (c == '-' || c == '?' || c == ':') && r.blank(1), flow && (c == '?' || c == ':' || c == '-' && strings.ContainsRune(",[]{}", rune(r.peek(1)))):
		r.fail("found character that cannot start any token")
	}
	var b strings.Builder
	first := r.line
	for {
		from, end := r.at, r.at
		for ; r.at < len(r.s) && r.s[r.at] != '\n'; r.at++ {
			c := r.s[r.at]
			if c == ':' && (r.blank(1) || flow && strings.ContainsRune(",?[]{}", rune(r.peek(1)))) ||
				c == '#' && r.at > from && r.blank(-1) || flow && strings.ContainsRune(",[]{}", rune(c)) {
				break
			}
			if flow && c == '?' {
				r.fail("a question mark in brackets needs quotes")
			}
			if c != ' ' && c != '\t' {
				end = r.at + 1
			}
		}
		b.WriteString(r.s[from:end])
		stop := r.at
		r.at = end
		if stop < len(r.s) && r.s[stop] != '\n' {
			break
		}
		// Does it go on, on a line below?
		back := *r
		breaks := 0
		for r.at = stop; r.at < len(r.s) && r.s[r.at] == '\n'; breaks++ {
			r.newline()
			r.spaces()
		}
		if r.ends() || r.indent() <= parent || r.peek(0) == '#' || flow && strings.ContainsRune(",[]{}", rune(r.peek(0))) || r.peek(0) == ':' && r.blank(1) {
			r.at, r.line, r.start = back.at, back.line, back.start
			break
		}
		fold(&b, breaks)
	}
	if r.line != first && r.peek(0) == ':' {
		r.fail("mapping values are not allowed in this context")
	}
	return b.String()
}

// fold writes what line breaks in a text come to.
func fold(b *strings.Builder, breaks int) {
	if breaks == 1 {
		b.WriteByte(' ')
	}
	for range breaks - 1 {
		b.WriteByte('\n')
	}
}

// quoted reads a scalar in quotes.
func (r *treeReader) quoted(parent int, flow bool, quote byte) string {
	line := r.line
	r.at++
	var b strings.Builder
	for {
		if r.at >= len(r.s) || r.ends() {
			r.line = line
			r.fail("found unexpected end of stream in a text in quotes")
		}
		switch c := r.s[r.at]; {
		case c == quote && quote == '\'' && r.peek(1) == '\'':
			b.WriteByte('\'')
			r.at += 2
		case c == quote:
			r.at++
			return b.String()
		case c == '\\' && quote == '"' && r.peek(1) == '\n' && r.at+1 < len(r.s):
			r.at++
			b.WriteString(strings.Repeat("\n", r.breaks(parent, flow, line)-1))
		case c == '\\' && quote == '"':
			r.escape(&b)
		case c == ' ' || c == '\t':
			from := r.at
			r.spaces()
			if r.peek(0) != '\n' {
				b.WriteString(r.s[from:r.at])
			}
		case c == '\n':
			fold(&b, r.breaks(parent, flow, line))
		default:
			b.WriteByte(c)
			r.at++
		}
	}
}

// breaks goes over the ends of lines inside quotes, and returns how many.
func (r *treeReader) breaks(parent int, flow bool, line int) int {
	n := 0
	for ; r.at < len(r.s) && r.s[r.at] == '\n'; n++ {
		r.newline()
		if r.ends() {
			r.line = line
			r.fail("found unexpected end of stream in a text in quotes")
		}
		r.spaces()
	}
	if !flow && r.at < len(r.s) && r.indent() <= parent {
		r.fail("a text in quotes goes on without indentation")
	}
	return n
}

// escape reads an escape of double quotes (YAML 1.2.2, section 5.7).
func (r *treeReader) escape(b *strings.Builder) {
	const of, as = `0abtnvfre "\`, "\x00\a\b\t\n\v\f\r\x1b \"\\"
	c := r.peek(1)
	r.at += 2
	if i := strings.IndexByte(of, c); i >= 0 {
		b.WriteByte(as[i])
		return
	}
	size := 0
	switch c {
	case 'x':
		size = 2
	case 'u':
		size = 4
	case 'U':
		size = 8
	default:
		r.fail("found unknown escape character")
	}
	var v rune
	for range size {
		d := strings.IndexByte("0123456789abcdef", r.peek(0)|0x20)
		if d < 0 || r.peek(0) < '0' || v > utf8.MaxRune>>4 && size == 8 && v>>4 > utf8.MaxRune {
			r.fail("did not find expected hexdecimal number")
		}
		v = v<<4 | rune(d)
		r.at++
	}
	if !utf8.ValidRune(v) {
		r.fail("found invalid Unicode character escape code")
	}
	b.WriteRune(v)
}

// text reads a text by lines, literal or folded, whose lines lie deeper than
// parent.
func (r *treeReader) text(parent int, folded bool) string {
	r.at++
	chomp := byte(0)
	if c := r.peek(0); c == '-' || c == '+' {
		chomp = c
		r.at++
	}
	if !r.blank(0) {
		r.fail("a text by lines begins with | or >, and perhaps - or +")
	}
	r.spaces()
	if r.peek(0) == '#' && r.blank(-1) {
		for r.peek(0) != '\n' {
			r.at++
		}
	}
	if r.peek(0) != '\n' {
		r.fail("did not find expected comment or line break")
	}
	if r.at >= len(r.s) {
		return ""
	}
	r.newline()
	// The first line with anything on it tells the indentation.
	indent, deepest := 0, 0
	for at := r.at; ; {
		n := 0
		for at+n < len(r.s) && r.s[at+n] == ' ' {
			n++
		}
		deepest = max(deepest, n)
		if at+n >= len(r.s) || r.s[at+n] != '\n' {
			if indent = max(n, parent+1, 1); deepest > indent {
				r.fail("an empty line of a text is deeper than its first")
			}
			break
		}
		at += n + 1
	}
	var b strings.Builder
	leading, trailing, wasBlank := false, 0, false
	gather := func() { // the line breaks up to the next line of the text
		for r.at < len(r.s) {
			n := 0
			for n < indent && r.peek(n) == ' ' && r.at+n < len(r.s) {
				n++
			}
			if r.at+n >= len(r.s) || r.s[r.at+n] != '\n' {
				if n == indent && r.at+n < len(r.s) {
					r.at += n
				}
				return
			}
			r.at += n
			r.newline()
			trailing++
		}
	}
	gather()
	for r.at < len(r.s) && r.at-r.start == indent && indent > 0 {
		isBlank := r.peek(0) == ' ' || r.peek(0) == '\t'
		switch {
		case !leading:
		case folded && !wasBlank && !isBlank:
			if trailing == 0 {
				b.WriteByte(' ')
			}
		default:
			b.WriteByte('\n')
		}
		b.WriteString(strings.Repeat("\n", trailing))
		trailing, wasBlank = 0, isBlank
		from := r.at
		for r.peek(0) != '\n' {
			r.at++
		}
		b.WriteString(r.s[from:r.at])
		if leading = r.at < len(r.s); !leading {
			break
		}
		r.newline()
		gather()
	}
	if leading && chomp != '-' {
		b.WriteByte('\n')
	}
	if chomp == '+' {
		b.WriteString(strings.Repeat("\n", trailing))
	}
	return b.String()
}
