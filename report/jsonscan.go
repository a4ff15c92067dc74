package report

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner of JSON (RFC 8259) that a report from anyone can be given to: it
// accepts nothing that is not JSON, knows where it stands, and does not follow
// brackets into the depth. encoding/json takes the last of two equal keys,
// takes "PORT" for "port", and replaces what is not UTF-8 without a word, each
// of which would let two programs read two things in one report.

// maxDepth is how deep brackets may be nested. A report needs six levels.
const maxDepth = 64

// A jsonScanner goes through a JSON text.
type jsonScanner struct {
	data []byte
	pos  int
	buf  []byte            // of the last string with an escape
	seen map[string]string // every string so far, so that equal ones share memory
}

// errorf returns an error at the present place.
func (s *jsonScanner) errorf(format string, args ...any) *ReadError {
	return s.errorAt(s.pos, format, args...)
}

func (s *jsonScanner) errorAt(pos int, format string, args ...any) *ReadError {
	before := s.data[:min(pos, len(s.data))]
	return &ReadError{
		Line:    bytes.Count(before, []byte("\n")) + 1,
		Column:  len(before) - bytes.LastIndexByte(before, '\n'),
		Problem: fmt.Sprintf(format, args...),
	}
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *jsonScanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// unexpected returns the error for what stands where want should.
func (s *jsonScanner) unexpected(want string) *ReadError {
	s.peek()
	if s.pos >= len(s.data) {
		return s.errorf("it ends where %s should stand", want)
	}
	r, n := utf8.DecodeRune(s.data[s.pos:])
	if r == utf8.RuneError {
		return s.errorf("%+q where %s should stand", s.data[s.pos:s.pos+n], want)
	}
	return s.errorf("%+q where %s should stand", r, want)
}

// expect skips the byte c.
func (s *jsonScanner) expect(c byte, want string) *ReadError {
	if s.peek() != c || s.pos >= len(s.data) {
		return s.unexpected(want)
	}
	s.pos++
	return nil
}

// members calls f for each member of an object, with its key and the place of
// the key; f reads the value.
func (s *jsonScanner) members(f func(key string, pos int) *ReadError) *ReadError {
	if err := s.expect('{', `an object ("{")`); err != nil {
		return err
	}
	for n := 0; s.peek() != '}'; n++ {
		if n > 0 {
			if err := s.expect(',', `"," or "}"`); err != nil {
				return err
			}
		}
		s.peek()
		pos := s.pos
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':', `":"`); err != nil {
			return err
		}
		if err := f(key, pos); err != nil {
			return err
		}
	}
	s.pos++
	return nil
}

// elements calls f for each element of an array, with its index.
func (s *jsonScanner) elements(f func(i int) *ReadError) *ReadError {
	if err := s.expect('[', `a list ("[")`); err != nil {
		return err
	}
	for n := 0; s.peek() != ']'; n++ {
		if n > 0 {
			if err := s.expect(',', `"," or "]"`); err != nil {
				return err
			}
		}
		if err := f(n); err != nil {
			return err
		}
	}
	s.pos++
	return nil
}

// skip goes over a value of any kind.
func (s *jsonScanner) skip(depth int) *ReadError {
	if depth > maxDepth {
		return s.errorf("nested deeper than %d levels", maxDepth)
	}
	switch c := s.peek(); {
	case c == '{':
		return s.members(func(string, int) *ReadError { return s.skip(depth + 1) })
	case c == '[':
		return s.elements(func(int) *ReadError { return s.skip(depth + 1) })
	case c == '"':
		_, err := s.text()
		return err
	case c == '-', isDigit(c):
		_, err := s.number()
		return err
	case s.literal("true"), s.literal("false"), s.literal("null"):
		return nil
	}
	return s.unexpected("a value")
}

// literal skips the given word, and reports whether it was there.
func (s *jsonScanner) literal(word string) bool {
	s.peek()
	end := s.pos + len(word)
	if end > len(s.data) || string(s.data[s.pos:end]) != word {
		return false
	}
	s.pos = end
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number returns the text of a number (RFC 8259, section 6).
func (s *jsonScanner) number() ([]byte, *ReadError) {
	s.peek()
	start := s.pos
	digits := func() bool {
		from := s.pos
		for s.pos < len(s.data) && isDigit(s.data[s.pos]) {
			s.pos++
		}
		return s.pos > from
	}
	at := func(set string) bool {
		return s.pos < len(s.data) && bytes.IndexByte([]byte(set), s.data[s.pos]) >= 0
	}
	if at("-") {
		s.pos++
	}
	if at("0") {
		s.pos++
	} else if !digits() {
		return nil, s.unexpected("a number")
	}
	if at(".") {
		s.pos++
		if !digits() {
			return nil, s.unexpected("a digit")
		}
	}
	if at("eE") {
		s.pos++
		if at("+-") {
			s.pos++
		}
		if !digits() {
			return nil, s.unexpected("a digit")
		}
	}
	return s.data[start:s.pos], nil
}

// text returns a string without its quotes and escapes. What appendQuoted made
// of bytes is bytes again.
func (s *jsonScanner) text() (string, *ReadError) {
	if err := s.expect('"', "a string"); err != nil {
		return "", err
	}
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			raw := s.data[start:s.pos]
			s.pos++
			return s.intern(raw), nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return "", s.errorf("control character %+q in a string", c)
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, n := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && n == 1 {
				return "", s.errorf("byte %#x in a string is not UTF-8", c)
			}
			s.pos += n
		}
	}
	return "", s.errorf("it ends in the middle of a string")
}

// escaped is text for a string that has an escape at the present place.
func (s *jsonScanner) escaped(start int) (string, *ReadError) {
	s.buf = append(s.buf[:0], s.data[start:s.pos]...)
	backslash := false
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			if backslash {
				return s.intern(unescapeBytes(s.buf)), nil
			}
			return s.intern(s.buf), nil
		case c < ' ':
			return "", s.errorf("control character %+q in a string", c)
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			backslash = backslash || r == '\\'
			s.buf = utf8.AppendRune(s.buf, r)
		default:
			r, n := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && n == 1 {
				return "", s.errorf("byte %#x in a string is not UTF-8", c)
			}
			s.buf = append(s.buf, s.data[s.pos:s.pos+n]...)
			s.pos += n
		}
	}
	return "", s.errorf("it ends in the middle of a string")
}

// escape returns the character of an escape (RFC 8259, section 7).
func (s *jsonScanner) escape() (rune, *ReadError) {
	start := s.pos
	s.pos += 2
	if s.pos > len(s.data) {
		return 0, s.errorf("it ends in the middle of a string")
	}
	switch c := s.data[start+1]; c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, ok := s.hex4()
		if ok && utf16.IsSurrogate(r) {
			r, ok = s.surrogate(r)
		}
		if !ok {
			return 0, s.errorAt(start, `a \u escape that is no character`)
		}
		return r, nil
	}
	return 0, s.errorAt(start, "%+q is no escape of JSON", s.data[start:s.pos])
}

// surrogate returns the character of which high is the first half.
func (s *jsonScanner) surrogate(high rune) (rune, bool) {
	if s.pos+2 > len(s.data) || string(s.data[s.pos:s.pos+2]) != `\u` {
		return 0, false
	}
	s.pos += 2
	low, ok := s.hex4()
	r := utf16.DecodeRune(high, low)
	return r, ok && r != utf8.RuneError
}

// hex4 returns the value of four hexadecimal digits.
func (s *jsonScanner) hex4() (rune, bool) {
	if s.pos+4 > len(s.data) {
		return 0, false
	}
	var r rune
	for _, c := range s.data[s.pos : s.pos+4] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	s.pos += 4
	return r, true
}

// intern returns b as a string, the same one for equal bytes.
func (s *jsonScanner) intern(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if t, ok := s.seen[string(b)]; ok {
		return t
	}
	t := string(b)
	s.seen[t] = t
	return t
}
