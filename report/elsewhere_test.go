package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// Two listeners at a port are told apart by the network namespace that they are in,
// also where only one of them is asked about.
func TestExplainNamespace(t *testing.T) {
	here := listener(scanner.TCP, "0.0.0.0", 80, "http", process(7, "nginx", "root"))
	there := with(listener(scanner.TCP, "0.0.0.0", 80, "http", process(8, "caddy", "root")), func(l *annotate.Listener) { l.Namespace = "blue" })
	tests := []struct {
		name string
		list []annotate.Listener
		want []string
	}{
		{"two", []annotate.Listener{here, there}, []string{"  all (private)  host\n", "  all (private)  blue\n"}},
		{"elsewhere", []annotate.Listener{there}, []string{"  all (private)  blue\n"}},
		{"here", []annotate.Listener{here}, []string{"  all (private)\n"}},
	}
	for _, tt := range tests {
		e := Explanation{Port: 80, HasPort: true, Listeners: tt.list}
		got := string(explanation(t, []Explanation{e}, Table, nil))
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in:\n%s", tt.name, want, got)
			}
		}
	}
}

// That nothing listens is said of the place that was looked into.
func TestNothingElsewhere(t *testing.T) {
	tests := []struct {
		namespaces []scanner.Namespace
		want       string
	}{
		{nil, "nothing is listening\n"},
		{[]scanner.Namespace{{Name: "host"}}, "nothing is listening\n"},
		{[]scanner.Namespace{{Name: "host"}, {Name: "blue"}}, "nothing is listening\n"},
		{[]scanner.Namespace{{Name: "bl\x1bue"}}, "nothing is listening in the network namespace bl\\x1bue\n"},
	}
	for _, tt := range tests {
		var got bytes.Buffer
		if err := Write(&got, &Report{Namespaces: tt.namespaces}, Table, nil); err != nil || got.String() != tt.want {
			t.Errorf("%v: %q, %v, want %q", tt.namespaces, got.String(), err, tt.want)
		}
	}
}

// A user who has no name is shown as the number, in a tree too.
func TestTreeUserNumber(t *testing.T) {
	p := process(7, "server", "")
	p.Unit, p.UID = "", 12345
	unknown := process(8, "other", "")
	unknown.Unit, unknown.UID = "", -1
	r := &Report{Listeners: []annotate.Listener{listener(scanner.TCP, "0.0.0.0", 80, "http", p), listener(scanner.TCP, "0.0.0.0", 81, "", unknown)}}
	var got bytes.Buffer
	if err := Write(&got, r, Tree, nil); err != nil || !strings.Contains(got.String(), "server (7)  12345\n") || !strings.Contains(got.String(), "other (8)\n") {
		t.Errorf("%v\n%s", err, got.String())
	}
}
