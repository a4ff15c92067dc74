package report

import "strings"

// YAML is written by the encoder of this package, with the keys and the order
// of JSON, and not by a library: go.yaml.in/yaml/v3 lets bidirectional and
// zero-width characters through as they are, writes a name that is not UTF-8 as
// !!binary, and costs 0.13 to 0.24 ms at every start of the program. The subset
// written here is small: block mappings and sequences, plain words where no
// reader of YAML 1.1 or 1.2 can take them for something else, and double-quoted
// strings for the rest. Tests read it back with that library.

// appendYAML appends s to dst as a YAML scalar.
func appendYAML(dst []byte, s string) []byte {
	if plainYAML(s) {
		return append(dst, s...)
	}
	return append(appendQuoted(append(dst, '"'), s, yamlRune), '"')
}

// plainYAML reports whether s can stand without quotes: ASCII words that begin
// with a letter or a slash, one space between them, and that are no keyword.
func plainYAML(s string) bool {
	if s == "" || len(s) > 200 {
		return false
	}
	letter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
	if !letter(s[0]) && s[0] != '/' {
		return false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case letter(c), c >= '0' && c <= '9':
		case c == '.', c == '_', c == '-', c == '/', c == '+', c == '@', c == '(', c == ')', c == ',':
		case c == ' ':
			if s[i-1] == ' ' || i == len(s)-1 {
				return false
			}
		default:
			return false
		}
	}
	if len(s) > len("false") {
		return true
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

// yamlRune appends the escape of r in a double-quoted string (YAML 1.2.2,
// section 5.7).
func yamlRune(dst []byte, r rune) []byte {
	switch {
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case r == '\t':
		return append(dst, `\t`...)
	case r <= 0xff:
		return appendHex(append(dst, `\x`...), r, 2)
	case r <= 0xffff:
		return appendHex(append(dst, `\u`...), r, 4)
	}
	return appendHex(append(dst, `\U`...), r, 8)
}
