package scanner

import (
	"strings"
)

// redacted stands for a value that is, or may be, a secret.
const redacted = "[redacted]"

// redactArgs returns the arguments of a process with everything that looks like
// a secret replaced. In doubt it replaces: an argument lost costs a look at the
// host, a secret shown costs more. What stays are names, paths, addresses,
// numbers and plain words. The slice given is not changed; nil gives nil.
func redactArgs(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	out := make([]string, 0, len(args))
	program := baseName(args[0])
	flag := "" // the argument before, where that may take a value
	for i, arg := range args {
		switch {
		case i > 0 && takesSecret(flag), i > 0 && shortSecret(program, flag, arg):
			// A flag behind such a flag may be its value (--password -x), and
			// may take a secret itself.
			out = append(out, redacted)
		case i > 0 && attachedSecret(program, arg):
			out = append(out, arg[:2]+redacted)
		default:
			out = append(out, redactWord(arg))
		}
		flag = arg
	}
	return out
}

// shortSecret reports whether the value of a flag of one letter is a secret. -p
// is a port as often as a password, so only what looks like ports stays.
func shortSecret(program, flag, value string) bool {
	switch flag {
	case "-p":
		return strings.Trim(value, "0123456789.:-/tcpud,[]*") != "" || program == "sshpass" || strings.HasPrefix(program, "mongo")
	case "-a", "-w":
		return strings.HasPrefix(program, "redis") || strings.HasPrefix(program, "valkey") || strings.HasPrefix(program, "ldap")
	case "-u", "-U", "-H", "--user", "--header", "--proxy-user":
		return strings.ContainsAny(value, ":%") // user:password, user%password, Name: value
	}
	return false
}

// attachedSecret reports whether a password follows its letter at once:
// mysql -pPASSWORD.
func attachedSecret(program, arg string) bool {
	if len(arg) < 3 || arg[0] != '-' || arg[1] == '-' {
		return false
	}
	switch arg[1] {
	case 'p':
		return strings.HasPrefix(program, "mysql") || strings.HasPrefix(program, "maria") || program == "sshpass"
	case 'a', 'w':
		return strings.HasPrefix(program, "redis") || strings.HasPrefix(program, "valkey") || strings.HasPrefix(program, "ldap")
	case 'u', 'U', 'H':
		return strings.ContainsAny(arg, ":%") && !strings.Contains(arg, "://")
	}
	return false
}

// takesSecret reports whether an argument is the name of a secret alone, whose
// value is the next one: --password, -token, password:.
func takesSecret(arg string) bool {
	if arg == "" || strings.ContainsAny(arg, "= \t\n") {
		return false
	}
	if name := strings.TrimSuffix(arg, ":"); name != arg {
		return secretName(name)
	}
	if arg[0] != '-' && arg[0] != '/' && arg[0] != '+' {
		return false
	}
	return secretName(arg)
}

// redactWord hides the secret part of one argument.
func redactWord(word string) string {
	// A password in a URL may hold anything unescaped, "/", "?" and blanks too:
	// everything up to the last "@" goes with it.
	if at := strings.Index(word, "://"); at >= 0 {
		if end := strings.LastIndexByte(word, '@'); end > at {
			return redactWord(word[:at]) + "://" + redacted + redactWord(word[end:])
		}
	}
	// Arguments with blanks are programs, SQL, connection strings or whole
	// command lines: each word is judged, and a secret's name hides the rest.
	if strings.ContainsAny(word, " \t\n\r\v\f;&|,") {
		return redactText(word)
	}
	return redactPlain(word)
}

// redactText hides what follows the first name of a secret in a text of several
// words, and each word that is a secret by its looks.
func redactText(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		at := strings.IndexAny(text, " \t\n\r\v\f;&|,")
		if at == 0 {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		word := text
		if at > 0 {
			word = text[:at]
		}
		text = text[len(word):]
		if secretName(word) && !strings.ContainsAny(word, "=:") {
			b.WriteString(word)
			if text != "" {
				b.WriteString(text[:1] + redacted)
			}
			return b.String()
		}
		plain := redactPlain(word)
		b.WriteString(plain)
		if strings.HasSuffix(plain, redacted) && text != "" && strings.ContainsAny(word, "=:") {
			// The value may have blanks in it, and where it ends is not to be
			// known: everything behind goes with it.
			b.WriteString(text[:1] + redacted)
			return b.String()
		}
	}
	return b.String()
}

// redactPlain hides the secret part of a word without blanks. Of a=b=c every part may
// be a name: --set a.password=x, -Dfoo=bar=baz.
func redactPlain(word string) string {
	url := strings.LastIndex(word, "://")
	for from := 0; ; {
		rest := word[from:]
		if at := strings.IndexAny(rest, "=:"); at > 0 && !strings.HasPrefix(rest[at:], "://") && secretName(rest[:at]) {
			if rest[at+1:] == "" {
				return word
			}
			return word[:from+at+1] + redacted
		}
		if url >= from {
			return word[:from] + redactURL(rest)
		}
		at := strings.IndexByte(rest, '=')
		if at < 0 {
			if userInfo(rest) || looksSecret(rest) {
				return word[:from] + redacted
			}
			return word
		}
		from += at + 1
	}
}

// userInfo reports whether a word without a scheme is user:password or
// user:password@host, as curl -u and many connection strings have it. An
// address with a port, a time, a map of ports or a path is not.
func userInfo(word string) bool {
	if at := strings.LastIndexByte(word, '@'); at > 0 && strings.IndexByte(word[:at], ':') > 0 {
		return true
	}
	return false
}

// redactURL hides the parts of a URL behind its host that are secrets by name or
// by look. Users and passwords are gone already.
func redactURL(word string) string {
	scheme, rest, _ := strings.Cut(word, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://" + rest[:end] + redactTail(rest[end:])
}

// redactTail hides the parts of a URL behind the host.
func redactTail(tail string) string {
	path, query, ok := strings.Cut(tail, "?")
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if looksSecret(part) || strings.ContainsAny(part, "=:#") && redactPlain(part) != part {
			parts[i] = redacted
		}
	}
	path = strings.Join(parts, "/")
	if !ok {
		return path
	}
	pairs := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' || r == '#' })
	for i, pair := range pairs {
		pairs[i] = redactPlain(pair)
	}
	return path + "?" + strings.Join(pairs, "&")
}
