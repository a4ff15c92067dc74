package portdb

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseServices(t *testing.T) {
	tests := []struct {
		name, in string
		want     []Entry
	}{
		{"empty", "", nil},
		{"comments and blank lines", "# nothing\n\n  \t\n#x 80/tcp\n", nil},
		{
			"aliases and a comment", "http\t\t80/tcp\t\twww web\t# WorldWideWeb HTTP\n",
			[]Entry{{
				Source: Local, Transport: TCP, First: 80, Last: 80, HasPort: true,
				Name: "http", Aliases: []string{"www", "web"}, Description: "WorldWideWeb HTTP",
			}},
		},
		{
			"every protocol, and no line break at the end", "a 1/tcp\nb 2/udp\r\nc 3/sctp\nd 4/dccp#x # y\ne 5/udplite",
			[]Entry{
				{Source: Local, Transport: TCP, First: 1, Last: 1, HasPort: true, Name: "a"},
				{Source: Local, Transport: UDP, First: 2, Last: 2, HasPort: true, Name: "b"},
				{Source: Local, Transport: SCTP, First: 3, Last: 3, HasPort: true, Name: "c"},
				{Source: Local, Transport: DCCP, First: 4, Last: 4, HasPort: true, Name: "d", Description: "x # y"},
				{Source: Local, Transport: UDP, First: 5, Last: 5, HasPort: true, Name: "e"},
			},
		},
		{"AppleTalk", "rtmp 1/ddp # Routing Table Maintenance Protocol\n", nil},
		{
			"the first and the last port", "a 0/tcp\nb 65535/tcp\n",
			[]Entry{
				{Source: Local, Transport: TCP, HasPort: true, Name: "a"},
				{Source: Local, Transport: TCP, First: 65535, Last: 65535, HasPort: true, Name: "b"},
			},
		},
		{
			"hostile text stays as it is", "a\x1b[31m 7/tcp \u202eb \xff\x00 # \x9b\u2028\n",
			[]Entry{{
				Source: Local, Transport: TCP, First: 7, Last: 7, HasPort: true,
				Name: "a\x1b[31m", Aliases: []string{"\u202eb", "\xff\x00"}, Description: "\x9b\u2028",
			}},
		},
	}
	for _, tt := range tests {
		got, err := ParseServices(strings.NewReader(tt.in), "services")
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: ParseServices(%q) = %+v, %v, want %+v", tt.name, tt.in, got, err, tt.want)
		}
		// The same, a byte at a time.
		got, err = ParseServices(iotest.OneByteReader(strings.NewReader(tt.in)), "services")
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: a byte at a time: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestParseServicesErrors(t *testing.T) {
	long := strings.Repeat("x", maxServicesLine)
	tests := []struct{ in, want string }{
		{"ok 1/tcp\n\nlonely\n", `f:3: service "lonely" has no port and protocol, as 8080/tcp`},
		{"a 80\n", `f:1: "80" is not a port and its protocol, as 8080/tcp`},
		{"a tcp/80\n", `f:1: "tcp" is not a port number`},
		{"a /tcp\n", `f:1: a port number is missing`},
		{"a 65536/tcp", `f:1: port 65536 is above 65535`},
		{"a -1/tcp", `f:1: "-1" is not a port number`},
		{"a 80-90/tcp\n", `f:1: "80-90/tcp": services(5) has no ranges of ports: write a line for each port`},
		{"a 80/tpc\n", `f:1: unknown protocol "tpc": want tcp, udp, sctp or dccp`},
		{"a 80/TCP\n", `f:1: unknown protocol "TCP"`},
		{"a 80/tcp,udp\n", `f:1: unknown protocol "tcp,udp"`},
		{"a 80/\n", `f:1: unknown protocol ""`},
		{"a 8\x1b/tcp\n", `f:1: "8\x1b" is not a port number`},
		{"a 1/tcp\n" + long + "\n", "f:2: line is longer than 4096 bytes"},
		{"# " + long, "f:1: line is longer than 4096 bytes"},
		{strings.Repeat("\n", maxServicesFile+1), "file is longer than 4194304 bytes"},
	}
	for _, tt := range tests {
		got, err := ParseServices(strings.NewReader(tt.in), "f")
		if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
			t.Errorf("ParseServices(%.40q) = %v, %v, want the error %s", tt.in, got, err, tt.want)
		}
	}

	broken := errors.New("broken disk")
	r := io.MultiReader(strings.NewReader("a 1/tcp\n"), iotest.ErrReader(broken))
	if _, err := ParseServices(r, "f"); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "f:2: ") {
		t.Errorf("ParseServices of a broken file: %v, want %v at line 2", err, broken)
	}
	if _, err := ParseServices(strings.NewReader(strings.Repeat("\n", maxServicesFile)), "f"); err != nil {
		t.Errorf("ParseServices of the longest file: %v", err)
	}
	// What never ends is given up.
	if _, err := ParseServices(endless{}, "f"); err == nil {
		t.Error("ParseServices of an endless file: no error")
	}
}

// endless is a file of line breaks.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

func FuzzParseServices(f *testing.F) {
	f.Add("http\t80/tcp\twww # WorldWideWeb HTTP\n")
	f.Add("a 1/ddp\nb 2/udplite x y\r\n\x00")
	f.Add("a 80-90/tcp\n")
	f.Add("a 65536/tcp")
	f.Fuzz(func(t *testing.T, s string) {
		entries, err := ParseServices(strings.NewReader(s), "f")
		if err != nil {
			if entries != nil || !strings.HasPrefix(err.Error(), "f:") || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("ParseServices(%q) = %v, %q", s, entries, err)
			}
			return
		}
		db := Default().WithLocal(entries)
		for _, e := range entries {
			if e.Name == "" || e.Transport == 0 || e.First != e.Last || !e.HasPort || e.Source != Local {
				t.Errorf("ParseServices(%q) has %+v", s, e)
			}
			if got, ok := db.Lookup(e.Transport, e.First); !ok || got.Source != Local {
				t.Errorf("%+v does not label its port", e)
			}
			if len(db.Search(e.Name)) == 0 {
				t.Errorf("%+v is not found by its name", e)
			}
		}
	})
}

func BenchmarkParseServices(b *testing.B) {
	text := strings.Repeat("http\t\t80/tcp\t\twww\t\t# WorldWideWeb HTTP\n", 350)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseServices(strings.NewReader(text), "services"); err != nil {
			b.Fatal(err)
		}
	}
}
