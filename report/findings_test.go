package report

import (
	"bytes"
	"net/netip"
	"slices"
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
		{Rule: "WL101", Title: "Listener without an approval", Severity: audit.Error, Message: "tcp 0.0.0.0:23 (dropbear of root): no entry approves it", Next: "stop the service, or approve it"},
		{Rule: "WL102", Title: "Listener of another program", Severity: audit.Error, Message: "tcp 0.0.0.0:443 (x of root): approved for nginx", Next: "find out", Decided: at, Subject: audit.Subject{Family: scanner.IPv4, Addr: netip.IPv4Unspecified(), Port: 443}},
		{Rule: "WL102", Title: "Listener of another program", Severity: audit.Error, Message: "tcp [::]:443 (x of root): approved for nginx", Next: "find out", Decided: at, Subject: audit.Subject{Family: scanner.IPv6, Addr: netip.IPv6Unspecified(), Port: 443}},
		{Rule: "WL102", Title: "Listener of another program", Severity: audit.Error, Message: "tcp [::]:444 (x of root): approved for nginx", Next: "find out", Decided: at, Subject: audit.Subject{Family: scanner.IPv6, Addr: netip.IPv6Unspecified(), Port: 444}},
		{Rule: "WL103", Title: "Listener on more addresses than approved", Severity: audit.Warning, Message: "tcp [::1]:5432 (\x1b[31mpost\ngres::\u202e of root): exposure all", Next: "bind it", Decided: at},
		{Rule: "WL105", Title: "Approved, and does not listen", Severity: audit.Note, Message: "::error:: x", Next: "start it", Decided: at},
	}
	r.Accepted = []audit.Finding{{
		Rule: "WL017", Title: "Proxy reachable", Severity: audit.Warning, Message: "tcp 10.0.0.5:3128 (squid of proxy): serves squid", Next: "bind it to loopback",
		Subject: audit.Subject{Namespace: "host", Family: scanner.IPv4, Addr: netip.AddrFrom4([4]byte{10, 0, 0, 5}), Port: 3128, Programs: []string{"squid"}, User: "proxy"},
		Decided: at, Accepted: audit.Approval{Verdict: audit.Approved, Decided: at, Reason: "the cache of the \x1b[31moffice", Owner: "web team", Ticket: "OPS-7", Expires: "2026-12-01"},
		Fingerprint: strings.Repeat("7", 32),
	}}
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
	failed := &Outcome{Code: 1, Why: "findings at or above warning: 5 of 6 (--fail-on)", Notes: []string{"evidence in /var/lib/\x1b[2J"}}
	r.Register.Exceptions = []audit.Exception{
		{Rule: "WL007", Disabled: true, Reason: "no \x1b here"},
		{Rule: "WL008", Severity: audit.Note, Reason: "ours", Expires: "2026-11-23"},
		{Rule: "WL009", Disabled: true, Reason: "over", Expires: "2026-11-22"},
	}
	got := write(r, Table, &Options{Outcome: failed})
	screen(t, "findings", got)
	checkShown(t, Table, []byte(got))
	narrow := write(r, Table, &Options{Width: 50, Outcome: failed})
	screen(t, "findings-50", narrow)
	for width := 24; width <= 132; width++ {
		for line := range strings.Lines(write(r, Table, &Options{Width: width, Outcome: failed})) {
			if n := span(strings.TrimSuffix(line, "\n")).width(); n > width || strings.HasPrefix(strings.TrimSpace(line), "::") {
				t.Errorf("at %d cells a line of %d: %q", width, n, line)
			}
		}
	}
	coloured := write(r, Table, &Options{Color: true})
	if !strings.Contains(coloured, "\x1b[") || strings.Contains(got, "\x1b[") {
		t.Error("colour is not where it was asked for")
	}
	if got, want := write(r, JSON, nil), string(written(t, r, JSON)); got != want {
		t.Error("findings in JSON are not the report in JSON")
	}
	if err := WriteFindings(new(bytes.Buffer), r, Tree, nil); err == nil {
		t.Error("findings are written as a tree")
	}
	r.Findings, r.Coverage.Limitations, r.Register.Exceptions = nil, nil, nil
	for i := range r.Approvals {
		r.Approvals[i].Verdict = audit.Approved
	}
	screen(t, "findings-none", write(r, Table, &Options{Outcome: &Outcome{Why: "no finding at or above warning (--fail-on)"}}))
}

// One line for a service that listens on IPv4 and IPv6, or on several addresses;
// a line for each with All. A terminal is given the first of very many.
func TestFoldFindings(t *testing.T) {
	finding := func(addr string, port uint16, who string, line int) audit.Finding {
		a := netip.MustParseAddr(addr)
		return audit.Finding{
			Rule: "WL101", Severity: audit.Error, Message: "tcp " + netip.AddrPortFrom(a, port).String() + " (" + who + "): why",
			Subject: audit.Subject{Addr: a, Port: uint32(port)}, Decided: audit.Position{File: "f", Line: line},
		}
	}
	tests := []struct {
		name     string
		findings []audit.Finding
		want     []string
	}{
		{"both families", []audit.Finding{finding("0.0.0.0", 22, "a", 1), finding("::", 22, "a", 1)}, []string{"tcp *:22 (a): why"}},
		{"one family", []audit.Finding{finding("::", 22, "a", 1)}, []string{"tcp [::]:22 (a): why"}},
		{"addresses", []audit.Finding{finding("127.0.0.1", 53, "a", 1), finding("::1", 53, "a", 1)}, []string{"tcp 127.0.0.1:53, [::1]:53 (a): why"}},
		{"workers", []audit.Finding{finding("127.0.0.1", 53, "a", 1), finding("127.0.0.1", 53, "a", 1)}, []string{"tcp 127.0.0.1:53 (a): why"}},
		{"wildcards and one", []audit.Finding{finding("0.0.0.0", 22, "a", 1), finding("10.0.0.1", 22, "a", 1), finding("::", 22, "a", 1)}, []string{"tcp *:22, 10.0.0.1:22 (a): why"}},
		{"another port", []audit.Finding{finding("::", 22, "a", 1), finding("0.0.0.0", 23, "a", 1)}, []string{"tcp [::]:22 (a): why", "tcp 0.0.0.0:23 (a): why"}},
		{"another program", []audit.Finding{finding("::", 22, "a", 1), finding("0.0.0.0", 22, "b", 1)}, []string{"tcp [::]:22 (a): why", "tcp 0.0.0.0:22 (b): why"}},
		{"another entry", []audit.Finding{finding("::", 22, "a", 1), finding("0.0.0.0", 22, "a", 2)}, []string{"tcp [::]:22 (a): why", "tcp 0.0.0.0:22 (a): why"}},
		{"no address", []audit.Finding{{Message: "x"}, {Message: "x"}}, []string{"x", "x"}},
	}
	for _, tt := range tests {
		var got []string
		for _, row := range rowsOf(tt.findings, true) {
			got = append(got, row.message())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if n := len(rowsOf(tt.findings, false)); n != len(tt.findings) {
			t.Errorf("%s: %d rows unfolded, want %d", tt.name, n, len(tt.findings))
		}
	}
	r := audited()
	r.Findings = nil
	for port := range uint16(30) {
		r.Findings = append(r.Findings, finding("10.0.0.1", 1000+port, "a", 1))
	}
	for _, tt := range []struct {
		o    Options
		rows int
		more bool
	}{{Options{}, 30, false}, {Options{Width: 80}, 20, true}, {Options{Width: 80, All: true}, 30, false}} {
		var b bytes.Buffer
		if err := WriteFindings(&b, r, Table, &tt.o); err != nil {
			t.Fatal(err)
		}
		if rows, more := strings.Count(b.String(), "\n    tcp "), strings.Contains(b.String(), "and 10 more: --all"); rows != tt.rows || more != tt.more {
			t.Errorf("%+v: %d rows and more %v, want %d and %v", tt.o, rows, more, tt.rows, tt.more)
		}
	}
}

func TestWriteProblems(t *testing.T) {
	var b bytes.Buffer
	problems := []audit.Problem{
		{Position: audit.Position{File: "a\x1b.yaml", Line: 3}, Column: 5, Severity: audit.Error, Text: "an entry has no key", Hint: "did you mean port?"},
		{Position: audit.Position{File: "b.yaml", Line: 4}, Severity: audit.Note, Text: "it overlaps"},
		{Position: audit.Position{File: "b.yaml", Line: 5}, Severity: audit.Warning, Text: "no reason", Hint: "write why"},
		{Position: audit.Position{File: "b.yaml", Line: 6}, Severity: audit.Warning, Text: "no reason", Hint: "write why"},
	}
	if err := WriteProblems(&b, problems, nil); err != nil {
		t.Fatal(err)
	}
	const want = "error a\\x1b.yaml:3:5: an entry has no key\n  next: did you mean port?\nnote b.yaml:4: it overlaps\n" +
		"warning b.yaml:5: no reason\nwarning b.yaml:6: no reason\n  next: write why\n4 problems\n"
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
