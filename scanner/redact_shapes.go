package scanner

import (
	"math/bits"
	"strings"
)

// secretName reports whether a name of a flag, a key or a parameter is one that
// secrets go by: --db-password, AWS_SECRET_ACCESS_KEY, requirePass, apikey.
func secretName(name string) bool {
	name = strings.ToLower(strings.Trim(name, "-/+\"'"))
	for _, part := range [...]string{
		"passw", "passphrase", "passwd", "pwd", "secret", "token", "credential", "apikey", "api-key", "api_key", "api.key",
		"accesskey", "access-key", "access_key", "privatekey", "private-key", "private_key", "signingkey", "signing-key",
		"encryptionkey", "encryption-key", "encryption_key", "masterkey", "master-key", "master_key", "authkey", "auth-key", "auth_key",
		"auth-pass", "authpass", "requirepass", "masterauth", "bearer", "authorization", "cookie", "jwt", "hmac", "sessionid", "session-id",
		"session_id", "connectionstring", "connection-string", "connection_string", "dsn", "webhook", "license-key", "psk",
	} {
		if strings.Contains(name, part) {
			return true
		}
	}
	// Short words stand for a secret only when they are a word of the name:
	// "auth" but not "author", "key" but not "keyboard".
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || r == ':' || r == '[' || r == ']' || r == '/'
	}) {
		switch word {
		case "auth", "key", "pass", "pw", "pin", "cred", "creds", "salt", "sig", "signature", "otp", "sas", "userpass", "keys", "basicauth":
			return true
		}
	}
	return false
}

// looksSecret reports whether a word is a secret by its looks alone: a key of a
// known make, a JSON Web Token, or a long run of letters and digits without the
// look of words.
func looksSecret(word string) bool {
	for _, prefix := range [...]string{
		"AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "glrt-", "xoxb-", "xoxp-", "xoxa-", "xoxr-",
		"xoxs-", "xapp-", "sk-", "sk_live_", "sk_test_", "rk_live_", "pk_live_", "whsec_", "npm_", "pypi-", "dop_v1_", "hvs.", "hvb.", "SG.", "ya29.",
		"AGE-SECRET-KEY-", "tskey-", "shpat_", "dckr_pat_", "hf_", "nvapi-", "lin_api_", "eyJ", "-----BEGIN", "$2a$", "$2b$", "$2y$", "$argon2", "$6$",
		"$5$", "$1$", "$apr1$", "{SSHA}", "{SHA}", "Bearer", "Basic",
	} {
		if at := strings.Index(word, prefix); at >= 0 && len(word)-at >= len(prefix)+8 && !strings.ContainsAny(word[at:], "/\\") {
			if at == 0 || !isWordByte(word[at-1]) {
				return true
			}
		}
	}
	for run := range strings.FieldsFuncSeq(word, func(r rune) bool {
		return r == '/' || r == ':' || r == ',' || r == '=' || r == '@' || r == '.' || r == '\\'
	}) {
		if randomLooking(run) {
			return true
		}
	}
	// Base64 has slashes too: the whole word, where it is no path.
	return !strings.HasPrefix(word, "/") && !strings.HasPrefix(word, ".") && strings.ContainsAny(word, "+/") && randomLooking(word)
}

// randomLooking reports whether a run of characters is long and mixed enough to
// be a key: 20 or more, letters and digits mixed (or 32 hexadecimal digits), and
// the changes between kinds of characters too many for words.
func randomLooking(run string) bool {
	run = strings.TrimRight(strings.TrimLeft(run, "-"), "=")
	if len(run) < 20 {
		return false
	}
	var digits, upper, lower, other, changes int
	var seen [2]uint64
	kind := byte(0)
	hex := true
	for i := range len(run) {
		c := run[i]
		var k byte
		switch {
		case c >= '0' && c <= '9':
			k = 'd'
			digits++
		case c >= 'A' && c <= 'Z':
			k = 'u'
			upper++
		case c >= 'a' && c <= 'z':
			k = 'l'
			lower++
		case c == '+' || c == '/' || c == '_' || c == '-':
			k = kind
			other++
		default:
			return false
		}
		if c > 'f' && c <= 'z' || c > 'F' && c <= 'Z' {
			hex = false
		}
		if kind != 0 && k != kind {
			changes++
		}
		kind = k
		seen[c>>6&1] |= 1 << (c & 63)
	}
	distinct := bits.OnesCount64(seen[0]) + bits.OnesCount64(seen[1])
	switch {
	case distinct < 6:
		return false
	case hex && other == 0 && digits > 0 && len(run) >= 32:
		return true
	case digits > 0 && upper+lower > 0 && changes*5 >= len(run):
		return true
	case upper > 0 && lower > 0 && changes*4 >= len(run):
		return true
	}
	return len(run) >= 40 && other == 0 && distinct >= 16
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
