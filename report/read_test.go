package report

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/whatslistening/whatslistening/audit"
)

func TestReadErrors(t *testing.T) {
	good := string(readFile(t, "testdata/server.json"))
	change := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the report has no %s", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	deep := strings.Repeat("[", 100_000)
	tests := []struct {
		name, in string
		want     string // the message, or a part of it
		hint     string // a part of the hint
	}{
		{"empty", "", `it ends where the "{" of a report should stand`, "-o json"},
		{"a table", "PROTO  ADDRESS\n", `line 1, column 1: 'P' where the "{" of a report`, "-o json"},
		{"an escape", "\x1b[2J", `line 1, column 1: '\x1b' where`, "-o json"},
		{"not UTF-8", "\xff", `line 1, column 1: "\xff" where`, "-o json"},
		{"a list", "[]", `'[' where the "{"`, "-o json"},
		{"another document", "{}", "schema: the key is missing: this is not a report", "-o json"},
		{"a newer schema", change(Schema, "whatslistening/2"), `line 2, column 13: schema: "whatslistening/2" is not "whatslistening/1"`, "version of whatslistening that wrote it"},
		{"a newer schema at the end", `{"listeners":7,"schema":"whatslistening/2"}`, `"whatslistening/2" is not`, "version"},
		{"schema is a number", `{"schema":1}`, "line 1, column 11: schema: '1' where a string should stand", ""},
		{"a line of jsonl", string(readFile(t, "testdata/server.jsonl")), "line 1, column 37: host: a name, as in a line of jsonl", "-o json"},
		{"two reports", good + good, "there is more after the end of the report", "one file"},
		{"another program's", change(`"name": "whatslistening"`, `"name": "portspy"`), `tool.name: the report is of "portspy"`, "-o json"},
		{"port too large", change(`"port": 80,`, `"port": 70000,`), `listeners[5].port: "70000" is no whole number from 0 to 65535`, ""},
		{"port negative", change(`"port": 80,`, `"port": -1,`), `listeners[5].port: "-1" is no whole number`, ""},
		{"port a fraction", change(`"port": 80,`, `"port": 80.5,`), `listeners[5].port: "80.5" is no whole number`, ""},
		{"port a text", change(`"port": 80,`, `"port": "80",`), `listeners[5].port: '"' where a number should stand`, ""},
		{"port null", change(`"port": 80,`, `"port": null,`), "listeners[5]: port: null in a listener of tcp", ""},
		{"port twice", change(`"port": 80,`, `"port": 80, "port": 81,`), "listeners[5].port: the key stands here for the second time", ""},
		{"port missing", change(`"port": 80,`, ``), `listeners[5]: the key "port" is missing`, ""},
		{"port in capitals", change(`"port": 80,`, `"PORT": 80,`), `listeners[5]: the key "port" is missing`, ""},
		{"no address", change(`"address": "127.0.0.53"`, `"address": "localhost"`), `listeners[2].address: "localhost" is no IP address`, ""},
		{"address null", change(`"address": "127.0.0.53"`, `"address": null`), "listeners[2]: address: null in a listener of", ""},
		{"long address", change(`"address": "127.0.0.53"`, `"address": "`+strings.Repeat("x", 1e6)+`"`), `xxx..." is no IP address`, ""},
		{"no prefix", change(`"127.0.0.1/8"`, `"127.0.0.1"`), `host.interfaces[0].addresses[0]: "127.0.0.1" is no IP address with`, ""},
		{"exposure", change(`"exposure": "all"`, `"exposure": "every\u001b"`), `listeners[0].exposure: "every\x1b" is none of loopback, container`, ""},
		{"transport", change(`"transport": "tcp"`, `"transport": "tcp,tcp"`), `opinions[0].transport: "tcp,tcp" is none of tcp, udp`, ""},
		{"run of ports", change(`"first": 5432`, `"first": 5433`), "opinions[0]: 5433 to 5432 is no run of ports", ""},
		{"family", change(`"family": 4`, `"family": 5`), "family: 5 is neither 4 nor 6", ""},
		{"label", change(`"source": "iana"`, `"source": null`), "service.source: null beside a name", ""},
		{"cookie a number", change(`"cookie": "4097"`, `"cookie": 4097`), "cookie: '4' where a string should stand", ""},
		{"cookie too large", change(`"cookie": "4097"`, `"cookie": "18446744073709551616"`), `cookie: "18446744073709551616" is no whole number from 0 to 18446744073709551615`, ""},
		{"time", change(`"2026-11-23T08:00:00Z"`, `"yesterday"`), `time: "yesterday" is no time`, ""},
		{"time far away", change(`"2026-11-23T08:00:00Z"`, `"9999-12-31T23:59:59-23:59"`), "is out of the years", ""},
		{"complete", change(`"complete": true`, `"complete": 1`), "coverage.complete: '1' where true or false should stand", ""},
		{"listeners", change(`"listeners": [`, `"listeners": {`), `listeners: '{' where a list ("[") should stand`, ""},
		{"coverage", change(`"coverage": {`, `"coverage": [`), `coverage: '[' where an object ("{") should stand`, ""},
		{"deep", change(`"findings": []`, `"x": `+deep), "nested deeper than 64 levels", ""},
		{"deep before the schema", `{"x":` + deep, "nested deeper than 64 levels", ""},
		{"comma", change(`"os": "linux",`, `"os": "linux",,`), "where a string should stand", ""},
		{"no comma", change(`"os": "linux",`, `"os": "linux"`), `where "," or "}" should stand`, ""},
		{"newline in a string", change(`"os": "linux"`, "\"os\": \"li\nnux\""), "control character '\\n' in a string", ""},
		{"bytes in a string", change(`"os": "linux"`, "\"os\": \"li\xffnux\""), "byte 0xff in a string is not UTF-8", ""},
		{"half a character", change(`"os": "linux"`, `"os": "\ud800"`), `a \u escape that is no character`, ""},
		{"unknown escape", change(`"os": "linux"`, `"os": "\q"`), `"\\q" is no escape of JSON`, ""},
		{"number", change(`"port": 80,`, `"port": 080,`), `where "," or "}" should stand`, ""},
		{"word", change(`"complete": true`, `"complete": True`), "'T' where true or false should stand", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(tt.in))
			var re *ReadError
			if !errors.As(err, &re) {
				t.Fatalf("Read = %v, want a ReadError", err)
			}
			if !strings.Contains(re.Error(), tt.want) || !strings.Contains(re.Hint, tt.hint) || (tt.hint == "") != (re.Hint == "") {
				t.Errorf("Read = %q, hint %q, want %q, hint %q", re, re.Hint, tt.want, tt.hint)
			}
			if len(re.Error()) > 400 {
				t.Errorf("the message has %d bytes", len(re.Error()))
			}
			checkShown(t, Table, []byte(re.Error()))
		})
	}
}

// TestReadTruncated: a report that ends early is an error wherever it ends.
func TestReadTruncated(t *testing.T) {
	data := bytes.TrimSpace(readFile(t, "testdata/holders.json"))
	for n := 0; n < len(data); n += 1 + n/50 {
		if _, err := Read(bytes.NewReader(data[:n])); err == nil {
			t.Fatalf("Read of the first %d of %d bytes = nil, want an error", n, len(data))
		}
	}
}

// TestReadReader: an error of the reader is the error of Read.
func TestReadReader(t *testing.T) {
	r := io.MultiReader(strings.NewReader(`{"schema":`), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := Read(r); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Read of a broken reader = %v, want %v", err, io.ErrClosedPipe)
	}
}

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestReadTooLarge: what is larger than the limit is refused, not held.
func TestReadTooLarge(t *testing.T) {
	_, err := readAll(zeros{}, 1<<20)
	if err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("Read without end = %v, want an error that names the limit", err)
	}
}

// TestReadTolerates what another program or a newer version makes of a report
// without changing what it says.
func TestReadTolerates(t *testing.T) {
	good := string(readFile(t, "testdata/server.json"))
	tests := []struct{ name, in string }{
		{"a byte order mark", "\ufeff" + good},
		{"CRLF", strings.ReplaceAll(good, "\n", "\r\n")},
		{"no space", strings.ReplaceAll(strings.ReplaceAll(good, "\n", ""), "  ", "")},
		{"new keys", strings.ReplaceAll(good, `"port":`, `"probe": {"a": [1.5e3, -0, true, null, {"port": "x"}]}, "port":`)},
		{"escapes", strings.ReplaceAll(good, `"sshd"`, `"\u0073s\u0068d"`)},
		{"another time zone", strings.Replace(good, "2026-11-23T08:00:00Z", "2026-11-23T10:00:00+02:00", 1)},
		{"the schema last", strings.Replace(strings.Replace(good, `"schema": "whatslistening/1",`, ``, 1), `"findings": []`, `"findings": [], "schema": "whatslistening/1"`, 1)},
	}
	for _, tt := range tests {
		r, err := Read(strings.NewReader(tt.in))
		if err != nil {
			t.Errorf("%s: Read = %v", tt.name, err)
			continue
		}
		if got := string(written(t, r, JSON)); got != good {
			t.Errorf("%s: the report came back changed", tt.name)
		}
	}
}

// TestReadShares: a process that holds many sockets is one value again.
func TestReadShares(t *testing.T) {
	r := readReport(t, "server")
	if a, b := r.Listeners[0].Holders[0], r.Listeners[1].Holders[0]; a != b {
		t.Errorf("sshd on two sockets is %p and %p, want one process", a, b)
	}
	r = readReport(t, "holders")
	seen := map[int]string{}
	for _, l := range r.Listeners {
		for _, p := range l.Holders {
			if name, ok := seen[p.PID]; ok && name != p.Name {
				t.Errorf("pid %d is %q and %q", p.PID, name, p.Name)
			}
			seen[p.PID] = p.Name
		}
	}
}

// FuzzRead: nothing makes Read panic, and what it takes is written the same from
// then on.
func FuzzRead(f *testing.F) {
	// Short ones: a report of a whole host is too long to search in.
	f.Add(readFile(f, "testdata/empty.json"))
	for _, i := range []int{0, 11, 13} {
		r := readReport(f, "server")
		r.Listeners = r.Listeners[i : i+1]
		f.Add(written(f, r, JSON))
	}
	f.Add([]byte(`{"schema":"whatslistening/1"}`))
	f.Add([]byte(`{"schema":"whatslistening/1","x":[[{}]],"listeners":[{"port":1e9}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			var re *ReadError
			if !errors.As(err, &re) {
				t.Fatalf("Read = %v, want a ReadError", err)
			}
			checkShown(t, Table, []byte(err.Error()))
			return
		}
		had := map[string]bool{}
		for _, f := range audit.Check(&audit.Scene{Listeners: r.Listeners, Discrepancies: r.Discrepancies}) {
			if _, ok := audit.RuleByID(f.Rule); !ok || had[f.Fingerprint] {
				t.Fatalf("the finding is of no rule, or there twice: %+v", f)
			}
			had[f.Fingerprint] = true
		}
		once := written(t, r, JSON)
		again, err := Read(bytes.NewReader(once))
		if err != nil {
			t.Fatalf("Read of what was written = %v", err)
		}
		if twice := written(t, again, JSON); !bytes.Equal(once, twice) {
			t.Fatalf("written twice:\n%s\n%s", once, twice)
		}
		checkShown(t, JSON, once)
		compareYAML(t, written(t, r, YAML), once)
	})
}

func BenchmarkRead(b *testing.B) {
	data := written(b, many(b, 20000), JSON)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
