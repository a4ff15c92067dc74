package report

import (
	"net/url"
	"strings"
)

// segment returns a name as one part of the path of a URI, whatever slashes are in
// it; other where it would be none.
func segment(name, other string) string {
	return strings.ReplaceAll(pathOf(name, other), "/", "%2F")
}

// pathOf returns p as the path of a relative URI; other where it would be none.
func pathOf(p, other string) string {
	if p == "" || p == "." || p == ".." {
		return other
	}
	parts := strings.Split(p, "/")
	for i, s := range parts {
		// A colon in the first part would make it a scheme.
		parts[i] = strings.ReplaceAll(url.PathEscape(s), ":", "%3A")
	}
	return strings.Join(parts, "/")
}

// sentence returns s, escaped, with a full stop where it has no end.
func sentence(s string) string {
	s = Escape(s)
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// pascal returns the words of a title as one, without those of one letter, which
// no reader of SARIF takes for a word: "ListenerWithoutAnApproval".
func pascal(title string) string {
	words := strings.FieldsFunc(title, func(c rune) bool { return c|0x20 < 'a' || c|0x20 > 'z' })
	name := ""
	for _, w := range words {
		if len(w) > 1 {
			name += strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return name
}

// numeric returns a version that begins with a number, as readers want it:
// "1.2.3" of "v1.2.3", "0.0.0-devel" of "devel".
func numeric(version string) string {
	v := strings.TrimPrefix(version, "v")
	switch {
	case v == "":
		return "0.0.0"
	case v[0] < '0' || v[0] > '9':
		v = "0.0.0-" + v
	}
	return Escape(v)
}
