package report

import (
	"strconv"
	"unicode/utf8"
)

// JSON and YAML must be text, and the kernel's names are bytes. A byte that is
// not part of valid UTF-8 is written as the four characters `\xff`: to replace
// it with U+FFFD, as encoding/json does, would make two names look alike and
// lose a fact. Where a name has those characters by itself, its backslash is
// written as `\x5c`. All other text stands as it is, so that jq finds
// `dev-disk-by\x2duuid.swap` under that very name.
//
// What a reader cannot see, or what a terminal obeys, is written with the
// escapes of the format (RFC 8259, section 7: \u202e), which lose nothing. So is
// the second of two "#": a CI system takes "##vso[" for a command of ours.

// appendJSON appends s to dst as a JSON string.
func appendJSON(dst []byte, s string) []byte {
	return append(appendQuoted(append(dst, '"'), s, jsonRune), '"')
}

// appendQuoted appends s as the inside of a double-quoted string, with what
// must not stand there by itself written by escape.
func appendQuoted(dst []byte, s string, escape func([]byte, rune) []byte) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"':
				dst = append(append(dst, s[start:i]...), `\"`...)
			case c == '\\':
				dst = append(append(dst, s[start:i]...), `\\`...)
				if byteEscape(s[i:]) {
					dst = append(dst, "x5c"...)
				}
			case c < ' ' || c == 0x7f, c == '#' && i > 0 && s[i-1] == '#':
				dst = escape(append(dst, s[start:i]...), rune(c))
			default:
				i++
				continue
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, s[start:i]...), `\\x`...)
			dst = append(dst, lowerHex[c>>4], lowerHex[c&15])
		case !visible(r):
			dst = escape(append(dst, s[start:i]...), r)
		default:
			i += n
			continue
		}
		i += n
		start = i
	}
	return append(dst, s[start:]...)
}

// byteEscape reports whether s begins with what stands for a byte: `\x80` to
// `\xff`, or `\x5c`.
func byteEscape(s string) bool {
	if len(s) < 4 || s[0] != '\\' || s[1] != 'x' || !isHex(s[3]) {
		return false
	}
	return s[2] == '8' || s[2] == '9' || s[2] >= 'a' && s[2] <= 'f' || s[2] == '5' && s[3] == 'c'
}

// isHex reports whether c is a hexadecimal digit as this file writes them.
func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
}

// unescapeBytes undoes what appendQuoted does to bytes, in place.
func unescapeBytes(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+4 <= len(b) && byteEscape(string(b[i:i+4])) {
			v, _ := strconv.ParseUint(string(b[i+2:i+4]), 16, 8)
			out = append(out, byte(v))
			i += 3
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// jsonRune appends the escape of r in JSON.
func jsonRune(dst []byte, r rune) []byte {
	switch r {
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if r > 0xffff {
		r -= 0x10000
		dst = appendHex(append(dst, `\u`...), 0xd800+r>>10, 4)
		r = 0xdc00 + r&0x3ff
	}
	return appendHex(append(dst, `\u`...), r, 4)
}

// appendHex appends the last n hexadecimal digits of r.
func appendHex(dst []byte, r rune, n int) []byte {
	for n--; n >= 0; n-- {
		dst = append(dst, lowerHex[r>>(4*n)&15])
	}
	return dst
}
