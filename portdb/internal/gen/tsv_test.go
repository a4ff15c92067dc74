package main

import (
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

func TestParseCommon(t *testing.T) {
	in := "# ports\n\n9090\ttcp\tprometheus\tPrometheus\tits default\r\n9090\ttcp\tcockpit\tCockpit\tits default\n" +
		"9090\tudp\tprometheus\tX\ty\n30000-32767\ttcp,udp\tnodeport\tKubernetes NodePort\tits range\n"
	want := []table.Row{
		{First: 9090, Last: 9090, Transport: uint8(portdb.TCP), Name: "prometheus", Description: "Prometheus", Note: "its default"},
		{First: 9090, Last: 9090, Transport: uint8(portdb.TCP), Name: "cockpit", Description: "Cockpit", Note: "its default"},
		{First: 9090, Last: 9090, Transport: uint8(portdb.UDP), Name: "prometheus", Description: "X", Note: "y"},
		{First: 30000, Last: 32767, Transport: uint8(portdb.TCP | portdb.UDP), Name: "nodeport", Description: "Kubernetes NodePort", Note: "its range"},
	}
	got, err := parseCommon([]byte(in), "f")
	if err != nil || len(got) != len(want) {
		t.Fatalf("parseCommon = %+v, %v", got, err)
	}
	for i, w := range want {
		w.HasPort = true
		if got[i] != w {
			t.Errorf("row %d = %+v, want %+v", i, got[i], w)
		}
	}
}

func TestParseCommonErrors(t *testing.T) {
	tests := []struct{ in, want string }{
		{"#\n80\ttcp\ta\tA\n", "f:2: 4 cells between tabs, want 5"},
		{"80\ttcp\ta\tA\t\n", `f:1: cell "" is empty or has stray spaces`},
		{"80\ttcp\ta\tA\twhy \n", `f:1: cell "why " is empty or has stray spaces`},
		{"80\t\ta\tA\twhy\n", `f:1: cell ""`},
		{"80\ttpc\ta\tA\twhy\n", `f:1: unknown transport "tpc"`},
		{"65536\ttcp\ta\tA\twhy\n", `f:1: "65536" is not a port`},
		{"80\ttcp\ta b\tA\twhy\n", `f:1: name "a b" has spaces`},
		{"80\ttcp\ta\tA\x1b\twhy\n", `f:1: "A\x1b" is not text`},
		{"81\ttcp\ta\tA\twhy\n80\ttcp\ta\tA\twhy\n", "f:2: port 80 stands after port 81: sort the lines by port"},
		{"80-90\ttcp\ta\tA\twhy\n80\ttcp\ta\tA\twhy\n", "f:2: port 80 stands after port 80"},
		{"80\ttcp,udp\ta\tA\twhy\n\n80\tudp\tA\tB\twhy\n", "f:3: port 80/udp has A already"},
	}
	for _, tt := range tests {
		if got, err := parseCommon([]byte(tt.in), "f"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parseCommon(%q) = %v, %v, want the error %s", tt.in, got, err, tt.want)
		}
	}
}

func TestParsePrograms(t *testing.T) {
	reg := &table.Registry{IANA: []table.Row{{Name: "http"}, {Name: "https"}}, Common: []table.Row{{Name: "prometheus"}}}
	in := "# programs\nadb\thttp\tx\nAgent\thttp\tx\nnginx\thttp https\tweb server\nPlex Media Server\tprometheus\tx\n"
	got, err := parsePrograms([]byte(in), "f", reg)
	if err != nil || len(got) != 4 || got[2] != (table.Program{Name: "nginx", Services: "http https"}) {
		t.Errorf("parsePrograms = %v, %v", got, err)
	}
	tests := []struct{ in, want string }{
		{"a\thttp\n", "f:1: 2 cells between tabs, want 3"},
		{"a\thttp\t\n", `f:1: cell "" is empty`},
		{"b\thttp\tx\na\thttp\tx\n", `f:2: program "a" stands after "b"`},
		{"a\thttp\tx\na\thttps\tx\n", `f:2: program "a" stands after "a"`},
		{"a\thttp htps\tx\n", `f:1: service "htps" is in no layer of the registry`},
	}
	for _, tt := range tests {
		if got, err := parsePrograms([]byte(tt.in), "f", reg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parsePrograms(%q) = %v, %v, want the error %s", tt.in, got, err, tt.want)
		}
	}
}

func FuzzParseCommon(f *testing.F) {
	f.Add([]byte("80\ttcp\ta\tA\twhy\n80-90\ttcp,udp\tb\tB\twhy\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := parseCommon(data, "f")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("parseCommon(%q): %q", data, err)
			}
			return
		}
		for _, r := range rows {
			if r.Name == "" || r.Note == "" || r.Transport == 0 || r.First > r.Last {
				t.Errorf("parseCommon(%q) has %+v", data, r)
			}
		}
	})
}
