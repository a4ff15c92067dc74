package scanner

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReadReply(t *testing.T) {
	large := strings.Repeat("x", maxReply+1)
	tests := []struct{ name, in, want, err string }{
		{"a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]more", "[]", ""},
		{"until the end", "HTTP/1.0 200 OK\r\nX: y\r\n\r\n[1,2]", "[1,2]", ""},
		{"lines without CR", "HTTP/1.1 200 OK\ncontent-length: 1\n\n5", "5", ""},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\n[1,\r\nA;x=y\r\n 2, 3, 4 ]\r\n0\r\n\r\n", "[1, 2, 3, 4 ]", ""},
		{"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", ""},
		{"another place", "HTTP/1.1 301 Moved\r\nLocation: http://192.0.2.1/\r\n\r\n", "", `status "301"`},
		{"not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", "", `status "404"`},
		{"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", "", "not HTTP"},
		{"nothing", "", "", "unexpected EOF"},
		{"head without an end", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "", "unexpected EOF"},
		{"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]", "", "unexpected EOF"},
		{"chunk cut short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n[]", "", "unexpected EOF"},
		{"chunk without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]]\r\n0\r\n\r\n", "", "without an end"},
		{"chunk of no size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "", `a chunk of "zz" bytes`},
		{"chunk of a negative size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "", "a chunk of"},
		{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n", "", "unexpected EOF"},
		{"a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n[]", "", `a length of "2x"`},
		{"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n[]", "", "a length of"},
		{"an encoding not known", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n[]", "", `an encoding of "gzip"`},
		{"too long by its length", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", maxReply+1), "", "more than 4 MiB"},
		{"too long until the end", "HTTP/1.1 200 OK\r\n\r\n" + large, "", "more than 4 MiB"},
		{"too long in a chunk", fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", maxReply+1), "", "more than 4 MiB"},
		{"too long a line", "HTTP/1.1 200 " + large, "", "more than 4 MiB"},
		{"too long a head", "HTTP/1.1 200 OK\r\n" + strings.Repeat("a: b\r\n", maxHead), "", "more than 4 MiB"},
	}
	for _, tt := range tests {
		got, err := readReply(strings.NewReader(tt.in))
		if tt.err == "" && (err != nil || string(got) != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: readReply = %.40q, %v, want %q, %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func FuzzReadReply(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\nA;x=y\r\n 2, 3, 4 ]\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n[{\"Id\":\"a\",\"Names\":[\"/b\"]}]"))
	f.Fuzz(func(t *testing.T, in []byte) {
		body, err := readReply(bytes.NewReader(in))
		if err == nil && len(body) > len(in) {
			t.Fatalf("%d bytes out of %d", len(body), len(in))
		}
		if names, err := parseContainers(body); err == nil && names[""].name != "" {
			t.Errorf("a container without an id: %+v", names)
		}
		parseStorage(body)
		_, _ = parseCRIO(body)
	})
}

func TestParseContainers(t *testing.T) {
	rule := func(protocol Protocol, port, to uint16) forwardRule {
		return forwardRule{protocol: protocol, first: port, last: port, toFirst: to}
	}
	tests := []struct {
		name, in string
		want     map[string]containerName
	}{
		{
			"docker", `[{"Id":"8dfafdbc3a40","Names":["/boring_feynman"],"Image":"ubuntu:latest","ImageID":"d74508fb6632","State":"running",
			"Ports":[{"PrivatePort":2222,"PublicPort":3333,"Type":"tcp"},{"PrivatePort":80,"Type":"tcp"}],"NetworkSettings":{}}]`,
			map[string]containerName{"8dfafdbc3a40": {"boring_feynman", "ubuntu:latest", []forwardRule{rule(TCP, 3333, 2222)}}},
		},
		{"names that others use", `[{"Id":"a","Names":["/web/db","/db","/app/db"],"Image":""}]`, map[string]containerName{"a": {name: "db"}}},
		{"none", `[]`, map[string]containerName{}},
		{"entries of another shape", `[1,null,{"Id":7},{"Id":"a","Names":"b"},{"Names":["/c"]},{"Id":"d","Names":["/d"],"Ports":null}]`, map[string]containerName{"d": {name: "d"}}},
		{
			"ports that are none", `[{"Id":"a","Names":["/a"],"Ports":[{"PublicPort":5,"PrivatePort":0,"Type":"tcp"},{"PublicPort":5,"PrivatePort":6,"Type":"sctp"},{"PublicPort":5,"PrivatePort":6,"Type":"raw"}]}]`,
			map[string]containerName{"a": {name: "a", ports: []forwardRule{rule(SCTP, 5, 6)}}},
		},
	}
	for _, tt := range tests {
		got, err := parseContainers([]byte(tt.in))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: parseContainers = %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
	for _, in := range []string{"", "{}", "null x", "<html>", `{"message":"page not found"}`, strings.Repeat("[", 20_000)} {
		if got, err := parseContainers([]byte(in)); err == nil {
			t.Errorf("parseContainers(%.20q) = %+v, want an error", in, got)
		}
	}
}

func TestParseCRIO(t *testing.T) {
	tests := []struct {
		in   string
		want containerName
	}{
		{`{"name":"k8s_web_web-0_shop_1e59_0","pid":7,"image":"quay.io/shop/web:2","labels":{"io.kubernetes.container.name":"web","io.kubernetes.pod.name":"web-0"}}`, containerName{name: "web", image: "quay.io/shop/web:2"}},
		{`{"name":"k8s_web_web-0_shop_1e59_0"}`, containerName{name: "k8s_web_web-0_shop_1e59_0"}},
		{`{"name":""}`, containerName{}},
		{`[]`, containerName{}},
		{``, containerName{}},
	}
	for _, tt := range tests {
		if got, err := parseCRIO([]byte(tt.in)); !reflect.DeepEqual(got, tt.want) || (err == nil) != (tt.want.name != "") {
			t.Errorf("parseCRIO(%q) = %+v, %v, want %+v", tt.in, got, err, tt.want)
		}
	}
}

// The file is one that podman 4.3 wrote.
func TestParseStorage(t *testing.T) {
	in := `[{"id":"c7bed02ba17a","names":["webtest"],"image":"","layer":"6c9cc6ac790e","metadata":"{\"image-name\":\"docker.io/library/shop:1\",\"image-id\":\"\",\"name\":\"webtest\",\"created-at\":1795443814}","created":"2026-11-23T14:23:34.78503825Z","flags":{"MountLabel":"","ProcessLabel":""}},
		{"id":"b","names":null},{"id":"c","names":["x"],"metadata":"no json"}]`
	want := map[string]containerName{"c7bed02ba17a": {name: "webtest", image: "docker.io/library/shop:1"}, "c": {name: "x"}}
	if got := parseStorage([]byte(in)); !reflect.DeepEqual(got, want) {
		t.Errorf("parseStorage = %+v, want %+v", got, want)
	}
	if got := parseStorage([]byte("[{")); got != nil {
		t.Errorf("parseStorage of no JSON = %+v", got)
	}
}

// An engine that does not answer is given up.
func TestAskEngineSilent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan string)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b, _ := io.ReadAll(c) // until the other side gives up
		done <- string(b)
	}()
	_, err = askEngine(socket, "/containers/json", time.Now().Add(50*time.Millisecond))
	if err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("askEngine = %v, want a timeout", err)
	}
	// Where the machine is busy the time may be over before it has asked.
	asked := <-done
	if want := "GET /containers/json HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n"; asked != want && asked != "" {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if _, err := askEngine(filepath.Join(t.TempDir(), "none"), "/", time.Now().Add(time.Second)); err == nil {
		t.Error("an engine that is not there answered")
	}
}
