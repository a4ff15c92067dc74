package report

import (
	"io"
	"strconv"
)

//go:generate go run ./internal/htmlgen

// A trusted text is a style, a script or data for one, which stands in a page of HTML as
// it is: our own, or the evidence as evidenceOf makes it.
type trusted string

// An htmlWriter writes a page of HTML, by the methods that are made of the
// templates (htmlpages.go): html/template has told there how each value is written.
// The values are safe text, our own words and numbers, which a test proves of their
// types; another holds the result against that of html/template itself.
type htmlWriter struct {
	w   io.Writer
	out []byte
	err error
}

// htmlPiece is how much is gathered for a call.
const htmlPiece = 64 << 10

// writeHTMLPage has page write itself to w.
func writeHTMLPage(w io.Writer, page func(*htmlWriter)) error {
	h := &htmlWriter{w: w}
	page(h)
	h.flush()
	return h.err
}

func (w *htmlWriter) flush() {
	if w.err == nil {
		_, w.err = w.w.Write(w.out)
	}
	w.out = w.out[:0]
}

// raw writes a part of a template.
func (w *htmlWriter) raw(s string) {
	if w.out = append(w.out, s...); len(w.out) >= htmlPiece {
		w.flush()
	}
}

func (w *htmlWriter) trusted(s trusted) { w.raw(string(s)) }
func (w *htmlWriter) word(s word)       { w.escape(string(s)) }
func (w *htmlWriter) safe(s safe)       { w.escape(string(s)) }
func (w *htmlWriter) int(n int)         { w.out = strconv.AppendInt(w.out, int64(n), 10) }

// escape writes text, in an element or in quotes in a tag, with the replacements
// of html/template.
func (w *htmlWriter) escape(s string) {
	done := 0
	for i := range len(s) {
		var as string
		switch s[i] {
		case 0:
			as = "\ufffd"
		case '"':
			as = "&#34;"
		case '&':
			as = "&amp;"
		case '\'':
			as = "&#39;"
		case '+':
			as = "&#43;"
		case '<':
			as = "&lt;"
		case '>':
			as = "&gt;"
		default:
			continue
		}
		w.out = append(append(w.out, s[done:i]...), as...)
		done = i + 1
	}
	w.out = append(w.out, s[done:]...)
}

// fragment writes text behind the # of a URL: what is not unreserved (RFC 3986,
// section 2.3) as bytes in hex.
func (w *htmlWriter) fragment(s safe) {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			w.out = append(w.out, c)
		default:
			const hex = "0123456789abcdef"
			w.out = append(w.out, '%', hex[c>>4], hex[c&15])
		}
	}
}
