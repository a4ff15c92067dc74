package audit

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// invalid stands for a byte that is not part of UTF-8.
const invalid rune = -1

// decodeRune returns the first character of b and its length in bytes.
func decodeRune(b []byte) (rune, int) {
	c, n := utf8.DecodeRune(b)
	if c == utf8.RuneError && n == 1 {
		return invalid, 1
	}
	return c, n
}

// hidden reports whether a character leaves no mark of its own, moves what
// stands around it, or ends a line where an editor shows none.
func hidden(c rune) bool {
	return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) && c != '\u200c' && c != '\u200d' || // those two shape letters
		c == '\u2028' || c == '\u2029'
}

// clip shortens text for a message.
func clip(s string) string { return clipTo(64, s) }

// clipTo shortens text to most bytes, between characters.
func clipTo(most int, s string) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// isDate reports whether s is a day as "2027-06-30".
func isDate(s string) bool {
	t, err := time.Parse(time.DateOnly, s)
	return err == nil && t.Format(time.DateOnly) == s
}

// nearest returns the one of names that word was likely meant to be: that with
// one letter more, less or other, or two changed places, and the same in lower
// case; empty for none.
func nearest(word string, names []string) string {
	word = strings.ToLower(word)
	for _, name := range names {
		if name == word || isNear(word, name) || isNear(name, word) {
			return name
		}
	}
	return ""
}

// isNear reports whether b is a with a letter more, another letter, or two
// letters changed places.
func isNear(a, b string) bool {
	if len(a) < 3 {
		return false
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	switch {
	case len(b) == len(a)+1:
		return b[1:] == a
	case len(a) != len(b) || a == "":
		return false
	case a[1:] == b[1:]:
		return true
	}
	return len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}
