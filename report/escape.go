package report

import (
	"net/netip"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// Names, paths, units and addresses' zones are chosen by whoever runs a
// process, and this program runs as root. A page is the only way to an output
// for people, and it takes our own words, numbers, and text that it escapes by
// itself; there is no way to hand it a string as it stands. Nothing outside
// this file and page.go touches a page's buffer, which a test proves.

// A page is output in the making. Whatever is on it is valid UTF-8 without
// control, format or invisible characters, but for the ends of lines and the
// colours that the page itself wrote.
type page struct {
	buf []byte
	// longest is the length in bytes from which a text is cut; 0 for never.
	longest int
}

// A word is text of our own: a constant of the source.
type word string

// word writes our own text.
func (p *page) word(w word) { p.buf = append(p.buf, w...) }

// int writes a number.
func (p *page) int(n int64) { p.buf = strconv.AppendInt(p.buf, n, 10) }

// uint writes a number.
func (p *page) uint(n uint64) { p.buf = strconv.AppendUint(p.buf, n, 10) }

// text writes text from the host, escaped, and cut with "…" where it is longer
// than the page allows.
func (p *page) text(s string) {
	if p.longest <= 0 || len(s) <= p.longest {
		p.buf = appendText(p.buf, s)
		return
	}
	p.buf = append(appendText(p.buf, shorten(s, p.longest)), ellipsis...)
}

// shorten returns the start of a longer text: n bytes, or less where a character
// would be cut.
func shorten(s string, n int) string {
	for i := n; i > 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}

// addr writes an address; its zone is a name that the host chose.
func (p *page) addr(a netip.Addr) {
	if !a.IsValid() {
		p.word("?")
		return
	}
	p.buf = a.WithZone("").AppendTo(p.buf)
	if z := a.Zone(); z != "" {
		p.word("%")
		p.text(z)
	}
}

// octal writes permission bits: four digits or more.
func (p *page) octal(n uint32) {
	for shift := 9; shift > 0 && n>>shift == 0; shift -= 3 {
		p.buf = append(p.buf, '0')
	}
	p.buf = strconv.AppendUint(p.buf, uint64(n), 8)
}

// hex writes a number in hexadecimal: 0x88cc.
func (p *page) hex(n uint16) {
	p.buf = append(p.buf, '0', 'x')
	p.buf = strconv.AppendUint(p.buf, uint64(n), 16)
}

// time writes a time in UTC, to the second.
func (p *page) time(t time.Time) { p.buf = t.UTC().AppendFormat(p.buf, time.RFC3339) }

const ellipsis = "…"

// appendText appends s to dst as text for one line of a terminal, a log or a
// cell.
//
// Letters of every script, digits, punctuation and symbols stand for
// themselves. Everything else is shown as an escape: `\x1b` for a control
// character and for a byte that is not UTF-8, `\u202e` and `\U000e0041` for the
// other characters that a reader cannot see or that move what stands around
// them. So are a space that the eye would lose (the first, the last, or next
// to another, as that would look like the end of a column), a mark with nothing
// to stand on, and what a CI system would take for a command of ours ("::" in
// front of a word, where a line may be broken; "##[" and "##vso[" anywhere).
//
// A backslash stands for itself, unless the text would then read as one of
// these escapes: it is doubled there. No two texts are shown alike.
func appendText(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		// One range of ASCII for nearly every name of a real host.
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == ':' {
			return appendEscaped(dst, s)
		}
	}
	return append(dst, s...)
}

// Escape returns s as [Write] shows text from the host: in one line, without a
// character that could mislead a terminal or a reader. It is for diagnostics
// that speak of such text.
func Escape(s string) string { return string(appendText(nil, s)) }

// Message is [Escape] for a diagnostic: words of our own that may quote others'.
// What they quote by %q is escaped there, so that backslashes and spaces stand
// for themselves.
func Message(s string) string {
	dst := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1, r < ' ', r == 0x7f:
			dst = appendByte(dst, s[i])
		case !visible(r):
			dst = appendRune(dst, r)
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return string(dst)
}

// maxMarks is how many combining marks may stand on one letter. No script
// needs more, and a pile of them grows into the rows above.
const maxMarks = 6

// appendEscaped is appendText for any text.
func appendEscaped(dst []byte, s string) []byte {
	marks := maxMarks // nothing to stand on at the start
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			mark := unicode.Is(unicode.M, r)
			switch {
			case r == utf8.RuneError && n == 1:
				dst, marks = appendByte(dst, c), maxMarks
			case !visible(r) || mark && marks >= maxMarks:
				dst, marks = appendRune(dst, r), maxMarks
			case mark:
				dst = append(dst, s[i:i+n]...)
				marks++
			default:
				dst = append(dst, s[i:i+n]...)
				marks = 0
			}
			i += n
			continue
		}
		marks = 0
		switch {
		case c < ' ' || c == 0x7f,
			c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' '),
			c == '#' && i > 0 && s[i-1] == '#',
			c == ':' && (i == 0 || s[i-1] == ' ') && i+1 < len(s) && s[i+1] == ':':
			dst, marks = appendByte(dst, c), maxMarks
		case c == '\\' && ambiguous(s[i+1:]):
			dst = append(dst, '\\', '\\')
		default:
			if c == ' ' {
				marks = maxMarks
			}
			dst = append(dst, c)
		}
		i++
	}
	return dst
}

// visible reports whether r leaves a mark of its own, and only there. It
// leaves out spaces other than U+0020, format characters (bidi controls,
// zero-width characters, tags), line and paragraph separators, variation
// selectors, fillers, private and unassigned characters.
func visible(r rune) bool {
	return unicode.IsPrint(r) &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
		r != 0x2800 // BRAILLE PATTERN BLANK
}

// ambiguous reports whether a backslash before rest would read as the start of
// an escape.
func ambiguous(rest string) bool {
	if rest == "" {
		return false
	}
	switch c := rest[0]; {
	case c <= ' ' || c >= 0x7f || c == '\\' || c == '`' || c == '|':
		return true // an escape may follow, with a backslash of its own
	case c == 'x':
		if !hexDigits(rest, 2) {
			return false
		}
		// systemd writes "-" in the name of a unit as `\x2d`: that is no escape
		// of ours, and is left alone.
		v := unhex(rest[1])<<4 | unhex(rest[2])
		return v <= ' ' || v >= 0x7f || v == '#' || v == ':' || v == '`' || v == '|'
	case c == 'u':
		return hexDigits(rest, 4)
	case c == 'U':
		return hexDigits(rest, 8)
	}
	return false
}

// hexDigits reports whether n hexadecimal digits follow the first byte of s.
func hexDigits(s string, n int) bool {
	if len(s) < n+1 {
		return false
	}
	for i := 1; i <= n; i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

const lowerHex = "0123456789abcdef"

// appendByte appends the escape of a byte.
func appendByte(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', lowerHex[c>>4], lowerHex[c&15])
}

// appendRune appends the escape of a character outside ASCII.
func appendRune(dst []byte, r rune) []byte {
	n := 4
	dst = append(dst, '\\', 'u')
	if r > 0xffff {
		n = 8
		dst[len(dst)-1] = 'U'
	}
	for n--; n >= 0; n-- {
		dst = append(dst, lowerHex[r>>(4*n)&15])
	}
	return dst
}
