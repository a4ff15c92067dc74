package report

import (
	"io"
	"slices"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// A span is a piece of a page. It holds safe text, as the page does; a page
// takes it back, and nothing else is done with it.
type span []byte

// len returns how much is written on the page.
func (p *page) len() int { return len(p.buf) }

// span returns what was written from the byte start to the byte end. It is
// good until the page is written on again.
func (p *page) span(start, end int) span { return span(p.buf[start:end]) }

// rest returns what was written from the byte start on.
func (p *page) rest(start int) span { return span(p.buf[start:]) }

// cut takes back what was written from the byte n on.
func (p *page) cut(n int) { p.buf = p.buf[:n] }

// safe is text of a page that left it for a template of HTML. It is as safe to
// see as the page is; what HTML makes of it is for the template to escape.
type safe string

// take returns all that is on the page, and empties it.
func (p *page) take() safe {
	s := safe(p.buf)
	p.buf = p.buf[:0]
	return s
}

// safe returns s for a template.
func (s span) safe() safe { return safe(s) }

// add writes a piece of another page.
func (p *page) add(s span) { p.buf = append(p.buf, s...) }

// grow makes room for a page of n bytes.
func (p *page) grow(n int) { p.buf = slices.Grow(p.buf, max(0, n-len(p.buf))) }

// pad writes n spaces.
func (p *page) pad(n int) {
	const spaces = "                                "
	for ; n > len(spaces); n -= len(spaces) {
		p.buf = append(p.buf, spaces...)
	}
	if n > 0 {
		p.buf = append(p.buf, spaces[:n]...)
	}
}

// line ends a line, and hands what is written to w once that is worth a call.
func (p *page) line(w io.Writer) error {
	p.buf = append(p.buf, '\n')
	if len(p.buf) < 32<<10 {
		return nil
	}
	return p.flush(w)
}

// flush writes the page to w and empties it.
func (p *page) flush(w io.Writer) error {
	if len(p.buf) == 0 {
		return nil
	}
	_, err := w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

// paint writes s in a style.
func (p *page) paint(s span, in *ink) {
	p.buf = append(p.buf, in.before...)
	p.buf = append(p.buf, s...)
	p.buf = append(p.buf, in.after...)
}

// width returns how many cells of a terminal s takes.
func (s span) width() int {
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return displaywidth.Bytes(s)
		}
	}
	return len(s)
}

// head returns the longest start of s that takes at most n cells.
func (s span) head(n int) span {
	g, used, end := displaywidth.BytesGraphemes([]byte(s)), 0, 0
	for g.Next() {
		used += g.Width()
		if used > n {
			break
		}
		end += len(g.Value())
	}
	return s[:end]
}

// first returns the first character of s, with what stands on it.
func (s span) first() span {
	g := displaywidth.BytesGraphemes([]byte(s))
	g.Next()
	return s[:len(g.Value())]
}

// wrap returns the start of s that fits into n cells: to its last space, or in
// the middle of a word where it has none.
func (s span) wrap(n int) span {
	if s.width() <= n {
		return s
	}
	at := s.head(n)
	for i := len(at); i > 0; i-- {
		if s[i] == ' ' {
			return s[:i]
		}
	}
	for w := at.width(); w > 1 && len(at) < len(s) && s[len(at)] == ':'; w-- {
		at = s.head(w - 1) // no line begins with "::"
	}
	if len(at) == 0 {
		return s.first()
	}
	return at
}

// tail returns the longest end of s that takes at most n cells.
func (s span) tail(n int) span {
	g, rest, start := displaywidth.BytesGraphemes([]byte(s)), s.width(), 0
	for rest > n && g.Next() {
		rest -= g.Width()
		start += len(g.Value())
	}
	return s[start:]
}

// A keep is the part of a cell that is kept where all of it does not fit.
type keep uint8

const (
	keepHead keep = iota
	keepTail      // the end, as of a path
	keepBoth      // the start, and at the end what stands in parentheses: the pids
)

// shorten writes s, which is width cells wide, in at most n cells, with "…" for
// what does not fit, and returns the cells taken.
func (p *page) shorten(s span, width, n int, k keep, in *ink) int {
	if width <= n {
		p.paint(s, in)
		return width
	}
	if n <= 0 {
		return 0
	}
	var head, tail span
	switch k {
	case keepHead:
		head = s.head(n - 1)
	case keepTail:
		tail = s.tail(n - 1)
	case keepBoth:
		tail = s.parenthesis()
		if room := n - 1 - tail.width(); room >= 3 {
			head = s[:len(s)-len(tail)].head(room)
		} else {
			head, tail = s.head(n-1), nil
		}
	}
	p.buf = append(p.buf, in.before...)
	p.buf = append(p.buf, head...)
	p.buf = append(p.buf, ellipsis...)
	p.buf = append(p.buf, tail...)
	p.buf = append(p.buf, in.after...)
	return head.width() + 1 + tail.width()
}

// parenthesis returns the end of s from its last " (" on; nothing where it has
// none.
func (s span) parenthesis() span {
	if len(s) == 0 || s[len(s)-1] != ')' {
		return nil
	}
	for i := len(s) - 2; i > 0; i-- {
		if s[i] == ' ' && s[i+1] == '(' {
			return s[i:]
		}
	}
	return nil
}

// csv writes s as a cell of a comma-separated file (RFC 4180). A text that a
// spreadsheet would take for a formula gets "'" in front; a number does not.
func (p *page) csv(s span, number bool) {
	if !number && formula(s) {
		p.quote(s, true)
		return
	}
	for _, c := range s {
		if c == ',' || c == '"' || c == ';' {
			p.quote(s, false)
			return
		}
	}
	p.buf = append(p.buf, s...)
}

// quote writes s in quotes.
func (p *page) quote(s span, tick bool) {
	p.buf = append(p.buf, '"')
	if tick {
		p.buf = append(p.buf, '\'')
	}
	for _, c := range s {
		if c == '"' {
			p.buf = append(p.buf, '"')
		}
		p.buf = append(p.buf, c)
	}
	p.buf = append(p.buf, '"')
}

// formula reports whether a spreadsheet may take s for a formula: whether its
// first character that is no quote and no space is one of = + - @ TAB CR, or
// the same in another width.
func formula(s span) bool {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch r {
		case '=', '+', '-', '@', '\t', '\r',
			'＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−', '⁺', '₊', '⁼', '₌', '⁻', '₋':
			return true
		case ' ', '\'', '"', '＇', '＂', '‘', '’', '“', '”', '`', '´':
			s = s[n:]
		default:
			return false
		}
	}
	return false
}

// xml writes s as the text of an element of XML, or of an attribute in double
// quotes. A page holds no character that XML 1.0 forbids. The second of two
// brackets is shown as an escape: with "[[ATTACHMENT|" readers of JUnit are told
// to fetch a file.
func (p *page) xml(s span) {
	for i, c := range s {
		switch c {
		case '[':
			if i > 0 && s[i-1] == '[' {
				p.buf = append(p.buf, `\x5b`...)
				continue
			}
			p.buf = append(p.buf, c)
		case '&':
			p.buf = append(p.buf, "&amp;"...)
		case '<':
			p.buf = append(p.buf, "&lt;"...)
		case '>':
			p.buf = append(p.buf, "&gt;"...)
		case '"':
			p.buf = append(p.buf, "&quot;"...)
		default:
			p.buf = append(p.buf, c)
		}
	}
}

// label writes s as the value of a Prometheus label, between its quotes.
func (p *page) label(s span) {
	for _, c := range s {
		if c == '\\' || c == '"' {
			p.buf = append(p.buf, '\\')
		}
		p.buf = append(p.buf, c)
	}
}

// code writes s as inline code of Markdown, where nothing makes a link, a
// mention, an image, HTML or emphasis. What could end the code or the cell of a
// table is shown as an escape, as it is read differently by every parser.
func (p *page) code(s span) {
	p.buf = append(p.buf, '`')
	for _, c := range s {
		if c == '`' || c == '|' {
			p.buf = appendByte(p.buf, c)
			continue
		}
		p.buf = append(p.buf, c)
	}
	p.buf = append(p.buf, '`')
}

// prose writes s as running text of Markdown: every word that is more than
// letters, digits and the punctuation of a sentence becomes inline code.
func (p *page) prose(s span) {
	for start := true; len(s) > 0; start = false {
		n := 0
		for n < len(s) && s[n] != ' ' {
			n++
		}
		first, end := 0, n
		for end > 0 && endsWord(s[end-1]) {
			end--
		}
		if first < end && s[first] == '(' {
			first++
		}
		// "1." and "1)" in front would begin a list.
		if first < end && (!plainWord(s[first:end]) || start && end < n && '0' <= s[end-1] && s[end-1] <= '9') {
			p.buf = append(p.buf, s[:first]...)
			p.code(s[first:end])
			p.buf = append(p.buf, s[end:n]...)
		} else {
			p.buf = append(p.buf, s[:n]...)
		}
		if n == len(s) {
			return
		}
		p.buf = append(p.buf, ' ')
		s = s[n+1:]
	}
}

// endsWord reports whether c is punctuation that may end a word.
func endsWord(c byte) bool {
	return c == '.' || c == ',' || c == ':' || c == ';' || c == ')'
}

// plainWord reports whether w means nothing to Markdown. GitHub makes links of
// "GH-12", "OPS-12" and the like, and of the hexadecimal digits of a commit.
func plainWord(w span) bool {
	hex := len(w) >= 7
	for i, c := range w {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c >= utf8.RuneSelf:
			hex = hex && c|0x20 <= 'f'
		case '0' <= c && c <= '9':
			if i > 1 && w[i-1] == '-' && w[i-2] > '9' {
				return false
			}
		case (c == '-' || c == '\'') && i > 0:
			hex = false
		default:
			return false
		}
	}
	return !hex
}
