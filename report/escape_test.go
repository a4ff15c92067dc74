package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"nginx", "nginx"},
		{"Web Content", "Web Content"},
		{"постгрес", "постгрес"},
		{"数据库", "数据库"},
		{"🚀", "🚀"},
		// Control characters: an escape sequence, a carriage return that would
		// overwrite the row, a newline that would make one.
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"sshd\rroot", `sshd\x0droot`},
		{"a\nb", `a\x0ab`},
		{"a\tb", `a\x09b`},
		{"a\x00b\x7f", `a\x00b\x7f`},
		// C1 as a character, and as a byte that is no UTF-8.
		{"a\u009bb", `a\u009bb`},
		{"a\x9bb", `a\x9bb`},
		{"\xff\xfe", `\xff\xfe`},
		{"cut \xe2\x82", `cut \xe2\x82`},
		{"\xed\xa0\x80", `\xed\xa0\x80`}, // a surrogate
		{"\ufffd", "\ufffd"},
		// Order and invisibility.
		{"a\u202egnp.exe", `a\u202egnp.exe`},
		{"a\u2066b\u2069", `a\u2066b\u2069`},
		{"a\u200bb\u200d\ufeff", `a\u200bb\u200d\ufeff`},
		{"a\u2028b\u2029", `a\u2028b\u2029`},
		{"a\u00adb", `a\u00adb`},
		{"a\U000e0041b", `a\U000e0041b`},
		{"a\ufff9b\ufffbc", `a\ufff9b\ufffbc`},
		{"❤\ufe0f", `❤\ufe0f`},
		{"a\U000e0100", `a\U000e0100`},
		{"a\u3164b\u115f\uffa0", `a\u3164b\u115f\uffa0`},
		{"a\u2800b", `a\u2800b`},
		{"a\u00a0b\u3000c", `a\u00a0b\u3000c`},
		{"a\ue000", `a\ue000`}, // private use
		{"a\u0378", `a\u0378`}, // unassigned
		// Marks: on a letter, on nothing, and in a heap.
		{"e\u0301", "e\u0301"},
		{"\u0301e", `\u0301e`},
		{"a \u0301", `a \u0301`},
		{"\x1b\u0301", `\x1b\u0301`},
		{"Z" + strings.Repeat("\u0300", 7), "Z" + strings.Repeat("\u0300", 6) + `\u0300`},
		// Spaces that the eye loses.
		{" a", `\x20a`},
		{"a ", `a\x20`},
		{"a  b", `a \x20b`},
		{" ", `\x20`},
		// What CI systems obey.
		{"::error::x", `\x3a:error::x`},
		{"a::b", "a::b"},
		{"a ::b", `a \x3a:b`},
		{":", ":"},
		{"##vso[task.complete]", `#\x23vso[task.complete]`},
		{"a##[error]", `a#\x23[error]`},
		{"#1", "#1"},
		// A backslash, and a text that looks like an escape already.
		{`C:\Windows`, `C:\Windows`},
		{`C:\Users\x`, `C:\Users\x`},
		{`dev-disk-by\x2duuid`, `dev-disk-by\x2duuid`},
		{`\x1b`, `\\x1b`},
		{`\X1b\x1`, `\X1b\x1`},
		{`\u202e`, `\\u202e`},
		{`\U000e0041`, `\\U000e0041`},
		{`\\`, `\\\`},
		{"\\\x1b", `\\\x1b`},
		{`a\`, `a\`},
	}
	for _, tt := range tests {
		if got := string(appendText(nil, tt.in)); got != tt.want {
			t.Errorf("appendText(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestTextIsCut(t *testing.T) {
	tests := []struct {
		longest  int
		in, want string
	}{
		{0, "nginx", "nginx"},
		{5, "nginx", "nginx"},
		{4, "nginx", "ngin…"},
		{4, "数据库", "数…"}, // never inside a character
		{3, "\x1b\x1b\x1b\x1b", `\x1b\x1b\x1b…`},
		{2, "\x80\x80\x80\x80\x80\x80", `\x80\x80…`},
	}
	for _, tt := range tests {
		p := page{longest: tt.longest}
		p.text(tt.in)
		if got := string(p.buf); got != tt.want {
			t.Errorf("text(%q) of at most %d = %s, want %s", tt.in, tt.longest, got, tt.want)
		}
	}
}

func TestTextOfOrdinaryNamesAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 256)
	for _, s := range []string{"nginx", "a b\x1b[31m", "数据库"} {
		if n := testing.AllocsPerRun(100, func() { dst = appendText(dst[:0], s) }); n != 0 {
			t.Errorf("appendText(%q) allocates %v times, want 0", s, n)
		}
	}
}

// untext is the inverse of appendText.
func untext(s string) string {
	var b []byte
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			i++
			continue
		}
		v, n := 0, 0
		switch c := s[i+1]; {
		case c == '\\':
			b = append(b, '\\')
			i += 2
			continue
		case c == 'x' && hexDigits(s[i+1:], 2):
			n = 2
		case c == 'u' && hexDigits(s[i+1:], 4):
			n = 4
		case c == 'U' && hexDigits(s[i+1:], 8):
			n = 8
		}
		for _, c := range []byte(s[i+2:][:n]) {
			v = v<<4 | int(unhex(c))
		}
		switch {
		case n == 2 && (v <= ' ' || v >= 0x7f || v == '#' || v == ':' || v == '`' || v == '|'):
			b = append(b, byte(v))
		case n > 2:
			b = utf8.AppendRune(b, rune(v))
		default:
			n = -1
			b = append(b, '\\')
		}
		i += 2 + n
	}
	return string(b)
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"nginx", "\x1b[2J", "a\u202eb", `\x1b`, `\\x1b`, "\\\x1b", " a  b ", "::error::", "##vso[", "e\u0301",
		"\xf0\x9f", "👨\u200d👩", `\u0301`, "\\\u0301", "\\ ", `\x2d`, `\x20`, `\xA0`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := string(appendText(nil, s))
		if !utf8.ValidString(got) {
			t.Fatalf("appendText(%q) = %q: not UTF-8", s, got)
		}
		for i, r := range got {
			if r != ' ' && (!unicode.IsPrint(r) || unicode.In(r, unicode.C, unicode.Z)) {
				t.Fatalf("appendText(%q) = %q: %U at %d", s, got, r, i)
			}
		}
		if strings.HasPrefix(got, "::") || strings.Contains(got, "##") ||
			strings.Contains(got, "  ") || strings.HasPrefix(got, " ") || strings.HasSuffix(got, " ") {
			t.Fatalf("appendText(%q) = %q", s, got)
		}
		if back := untext(got); back != s {
			t.Fatalf("appendText(%q) = %q, which reads as %q", s, got, back)
		}
	})
}

// TestMessage: a diagnostic is one line whatever it quotes, and what %q has
// escaped in it is not escaped again.
func TestMessage(t *testing.T) {
	tests := []struct{ s, want string }{
		{`größe “x”  端口 … é ::x ##[`, `größe “x”  端口 … é ::x ##[`},
		{"open \"a\\x1b\\u202e\": no such file", "open \"a\\x1b\\u202e\": no such file"},
		{"a\x1b[2K\r\nb\tc\x7f", `a\x1b[2K\x0d\x0ab\x09c\x7f`},
		{"a\u202eb\u2066\u200b\u009b\ufeff\u2028\u00ad\U000e0041", `a\u202eb\u2066\u200b\u009b\ufeff\u2028\u00ad\U000e0041`},
		{"a\xffb\ufffd", "a\\xffb\ufffd"},
	}
	for _, tt := range tests {
		if got := Message(tt.s); got != tt.want {
			t.Errorf("Message(%q) = %q, want %q", tt.s, got, tt.want)
		}
	}
}
