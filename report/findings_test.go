package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// audited is a report of host with an audit's findings.
func audited() *Report {
	r := host()
	at := audit.Position{File: "/etc/whatslistening/policy.d/10-host.yaml", Line: 12}
	r.Register = &audit.Register{Files: []audit.PolicyFile{{Path: at.File, SHA256: strings.Repeat("0", 64), Entries: 1}}}
	for i := range r.Listeners {
		v := audit.Approved
		switch l := &r.Listeners[i]; {
		case l.MaybeClient:
			v = audit.Client
		case l.Port == 23:
			v = audit.Unapproved
		case l.Port == 5432:
			v = audit.Wider
		}
		r.Approvals = append(r.Approvals, audit.Approval{Verdict: v, Decided: at, Reason: "needed"})
	}
	r.Findings = []audit.Finding{
		{Rule: "WL101", Title: "Listener without an approval", Severity: audit.Error, Message: "tcp 0.0.0.0:23 (dropbear of root) is approved by no entry of the register", Next: "stop the service, or approve it"},
		{Rule: "WL103", Title: "Listener on more addresses than approved", Severity: audit.Warning, Message: "tcp [::1]:5432 (\x1b[31mpost\ngres::\u202e of root): exposure all", Next: "bind it", Decided: at},
		{Rule: "WL105", Title: "Approved, and does not listen", Severity: audit.Note, Message: "::error:: x", Next: "start it", Decided: at},
	}
	return r
}

func TestWriteFindings(t *testing.T) {
	write := func(r *Report, f Format, o *Options) string {
		t.Helper()
		var b bytes.Buffer
		if err := WriteFindings(&b, r, f, o); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	r := audited()
	got := write(r, Table, nil)
	screen(t, "findings", got)
	checkShown(t, Table, []byte(got))
	narrow := write(r, Table, &Options{Width: 50})
	screen(t, "findings-50", narrow)
	for line := range strings.Lines(narrow) {
		if n := span(strings.TrimSuffix(line, "\n")).width(); n > 50 {
			t.Errorf("a line of %d cells: %q", n, line)
		}
	}
	coloured := write(r, Table, &Options{Color: true})
	if !strings.Contains(coloured, "\x1b[") || strings.Contains(got, "\x1b[") {
		t.Error("colour is not where it was asked for")
	}
	if got, want := write(r, JSON, nil), string(written(t, r, JSON)); got != want {
		t.Error("findings in JSON are not the report in JSON")
	}
	if err := WriteFindings(new(bytes.Buffer), r, CSV, nil); err == nil {
		t.Error("findings are written as CSV")
	}
	r.Findings, r.Coverage.Limitations = nil, nil
	for i := range r.Approvals {
		r.Approvals[i].Verdict = audit.Approved
	}
	if got, want := write(r, Table, nil), "no findings; 20 of 20 sockets approved\n"; got != want {
		t.Errorf("without findings: %q, want %q", got, want)
	}
}

func TestWriteProblems(t *testing.T) {
	var b bytes.Buffer
	problems := []audit.Problem{
		{Position: audit.Position{File: "a\x1b.yaml", Line: 3}, Column: 5, Severity: audit.Error, Text: "an entry has no key", Hint: "did you mean port?"},
		{Position: audit.Position{File: "b.yaml", Line: 4}, Severity: audit.Note, Text: "it overlaps"},
	}
	if err := WriteProblems(&b, problems, nil); err != nil {
		t.Fatal(err)
	}
	const want = "error a\\x1b.yaml:3:5: an entry has no key\n  next: did you mean port?\nnote b.yaml:4: it overlaps\n2 problems\n"
	if b.String() != want {
		t.Errorf("WriteProblems wrote %q, want %q", b.String(), want)
	}
	b.Reset()
	if err := WriteProblems(&b, nil, nil); err != nil || b.String() != "nothing is odd about the register\n" {
		t.Errorf("WriteProblems(nothing) wrote %q, %v", b.String(), err)
	}
}

// What was said of a listener goes with it: into JSON whatever the order, and
// where a list is narrowed down.
func TestApprovalsFollow(t *testing.T) {
	check := func(t *testing.T, r *Report) {
		t.Helper()
		if len(r.Approvals) != len(r.Listeners) {
			t.Fatalf("%d approvals of %d listeners", len(r.Approvals), len(r.Listeners))
		}
		for i := range r.Listeners {
			l, v := &r.Listeners[i], r.Approvals[i].Verdict
			if want := l.Port == 5432; (v == audit.Wider) != want {
				t.Errorf("port %d is %v", l.Port, v)
			}
		}
	}
	for _, keys := range [][]string{nil, {"port"}, {"-port"}, {"process"}} {
		var b bytes.Buffer
		if err := Write(&b, audited(), JSON, &Options{Sort: keys}); err != nil {
			t.Fatal(err)
		}
		r, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		check(t, r)
		r.Keep(func(l *annotate.Listener) bool { return l.Protocol == scanner.TCP && l.Port > 1000 })
		if len(r.Listeners) != 8 {
			t.Errorf("%d listeners are left, want 8", len(r.Listeners))
		}
		check(t, r)
	}
	list := host()
	list.Keep(func(l *annotate.Listener) bool { return l.Port == 22 })
	if len(list.Listeners) != 2 || list.Approvals != nil {
		t.Errorf("%d listeners and %d approvals of a list are left", len(list.Listeners), len(list.Approvals))
	}
}
