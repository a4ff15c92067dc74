package report

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// TestSummary looks at the lines below a table.
func TestSummary(t *testing.T) {
	nginx := process(1, "nginx", "root")
	wrong := func(port uint16) annotate.Listener {
		return with(listener(scanner.TCP, "127.0.0.1", port, "telnet", nginx), func(l *annotate.Listener) { l.Program = annotate.Differs })
	}
	limits := scanner.Coverage{Limitations: []scanner.Limitation{
		{Text: "121 of 143 processes did not let their descriptors be seen", Remedy: "run as root"},
		{Text: "a \x1b[31mname"},
	}}
	sources := func(names ...string) scanner.Coverage { return scanner.Coverage{Complete: true, Sources: names} }
	hidden := make([]scanner.Discrepancy, maxDiscrepancies+2)
	for i := range hidden {
		hidden[i] = scanner.Discrepancy{
			Kind: scanner.GoneMeanwhile, Namespace: "host", Protocol: scanner.TCP, Family: scanner.IPv4, Addr: netip.IPv4Unspecified(), Port: uint16(i),
		}
	}
	tests := []struct {
		name string
		r    *Report
		o    Options
		want string
	}{
		{
			"the witnesses agree", &Report{
				Coverage: sources("netlink", "gopsutil", "procfs"), Discrepancies: []scanner.Discrepancy{},
				Listeners: []annotate.Listener{listener(scanner.TCP, "127.0.0.1", 80, "http", nginx), listener(scanner.SCTP, "127.0.0.1", 80, "http", nginx)},
			},
			Options{},
			"2 listeners of 1 program, none reachable from outside\nthe witnesses agree: netlink, gopsutil, procfs (1 socket)\n",
		},
		{
			"a host without a network", &Report{Listeners: []annotate.Listener{
				listener(scanner.TCP, "127.0.0.1", 80, "http", nginx),
				with(listener(scanner.TCP, "0.0.0.0", 81, "", nginx), func(l *annotate.Listener) {
					l.Addresses, l.Exposure, l.Widest = []netip.Addr{netip.MustParseAddr("127.0.0.1")}, annotate.All, annotate.Loopback
				}),
			}},
			Options{},
			"2 listeners of 1 program, none reachable from outside, 1 once there is a network\n",
		},
		{
			"one witness agrees with itself", &Report{Coverage: sources("gopsutil"), Discrepancies: []scanner.Discrepancy{}},
			Options{},
			"nothing is listening\n",
		},
		{
			"many discrepancies", &Report{Coverage: sources("netlink", "procfs"), Discrepancies: hidden},
			Options{},
			"gone meanwhile: tcp 0.0.0.0:19\nand 2 discrepancies more: JSON has them\n",
		},
		{"nothing", &Report{Registry: "2026-09-17"}, Options{}, "nothing is listening\n"},
		{
			"one", &Report{Registry: "2026-09-17", Listeners: []annotate.Listener{listener(scanner.TCP, "127.0.0.1", 80, "http", nginx)}},
			Options{},
			"1 listener of 1 program, none reachable from outside; registry of 2026-09-17\n",
		},
		{
			"of the kernel", &Report{Listeners: []annotate.Listener{listener(scanner.UDP, "0.0.0.0", 51820, "")}},
			Options{},
			"1 listener, 1 reachable from outside\n",
		},
		{
			"folded", &Report{Listeners: []annotate.Listener{
				listener(scanner.TCP, "0.0.0.0", 80, "http", nginx), listener(scanner.TCP, "::", 80, "http", nginx),
				listener(scanner.TCP, "0.0.0.0", 22, "ssh", process(2, "sshd", "root")),
			}},
			Options{},
			"2 listeners (3 sockets) of 2 programs, 2 reachable from outside\n",
		},
		{
			"limits", &Report{Coverage: limits},
			Options{},
			"nothing is listening\nnote: 121 of 143 processes did not let their descriptors be seen; hint: run as root\nnote: a \\x1b[31mname\n",
		},
		{
			"limits, wrapped", &Report{Coverage: limits},
			Options{Width: 40},
			"nothing is listening\nnote: 121 of 143 processes did not let\n  their descriptors be seen; hint: run\n  as root\nnote: a \\x1b[31mname\n",
		},
		{
			"no word fits", &Report{Coverage: scanner.Coverage{Limitations: []scanner.Limitation{{Text: "数据库服务器数据库"}}}},
			Options{Width: 10},
			"nothing is\nlistening\nnote:\n数据库服务\n器数据库\n",
		},
		{
			"differs", &Report{Listeners: []annotate.Listener{wrong(23)}},
			Options{},
			"1 listener of 1 program, none reachable from outside\n≠ tcp/23: registered for telnet; process is nginx\n",
		},
		{
			"many differ", &Report{Listeners: []annotate.Listener{wrong(1), wrong(2), wrong(3), wrong(4), wrong(5), wrong(6), wrong(7)}},
			Options{},
			"7 listeners of 1 program, none reachable from outside\n" +
				"≠ tcp/1: registered for telnet; process is nginx\n≠ tcp/2: registered for telnet; process is nginx\n" +
				"≠ tcp/3: registered for telnet; process is nginx\n≠ tcp/4: registered for telnet; process is nginx\n" +
				"≠ tcp/5: registered for telnet; process is nginx\n≠ and 2 more\n",
		},
	}
	for _, tt := range tests {
		for _, f := range []Format{Table, Wide, Tree} {
			got := render(t, tt.r, f, tt.o)
			if i := strings.LastIndex(got, "\n\n"); i >= 0 {
				got = got[i+2:]
			}
			if many := len(tt.r.Discrepancies) > 0; got != tt.want && !many || !strings.HasSuffix(got, tt.want) {
				t.Errorf("%s, below %v:\n%s\nwant:\n%s", tt.name, f, got, tt.want)
			}
			bare := tt.o
			bare.NoHeader = true
			if got := render(t, tt.r, f, bare); strings.Contains(got, "reachable") || strings.Contains(got, "note:") || strings.HasSuffix(got, "\n\n") {
				t.Errorf("%s as %v without a summary:\n%s", tt.name, f, got)
			}
		}
	}
}

// TestNoHeader: a row a line, and nothing else, for awk.
func TestNoHeader(t *testing.T) {
	got := render(t, host(), Table, Options{NoHeader: true, Columns: []string{"port", "user"}})
	if n := strings.Count(got, "\n"); n != 14 || strings.Contains(got, "PORT") || strings.Contains(got, "note") {
		t.Errorf("%d lines:\n%s", n, got)
	}
}

// TestNothingIsDroppedSilently: a column that does not fit is named below the
// table; where nothing stands there, it is squeezed and not left out.
func TestNothingIsDroppedSilently(t *testing.T) {
	for width := 10; width <= 130; width++ {
		out := render(t, host(), Table, Options{Width: width})
		header, _, _ := strings.Cut(out, "\n")
		flat := strings.Join(strings.Fields(out), " ")
		for _, c := range []struct{ key, title string }{
			{"range", "RANGE"}, {"user", "USER"}, {"service", "SERV"}, {"exposure", "EXP"}, {"address", "ADDR"}, {"process", "PROC"},
		} {
			shown := strings.Contains(header, c.title) || width < 30 && strings.Contains(header, c.title[:3])
			named := strings.Contains(flat, c.key+",") || strings.Contains(flat, c.key+" do")
			if !shown && !named && width >= 24 {
				t.Errorf("at %d %s is neither shown nor named:\n%s", width, c.key, out)
			}
		}
	}
	bare := render(t, host(), Table, Options{Width: 24, NoHeader: true})
	for line := range strings.Lines(bare) {
		if n := len(strings.Fields(line)); n < 8 {
			t.Errorf("%d cells in %q, want 8 at least", n, line)
		}
	}
}

// TestWriteStops: the error of the writer ends the report.
func TestWriteStops(t *testing.T) {
	for _, f := range []Format{Table, Wide, Tree, CSV, Markdown} {
		w := &shut{after: 1}
		if err := Write(w, crowd(3000), f, nil); err != errShut || w.calls != 2 {
			t.Errorf("Write(%v) to a pipe that was shut = %v after %d writes", f, err, w.calls)
		}
	}
}

// A shut is a pipe that nobody reads any more.
type shut struct{ calls, after int }

var errShut = errors.New("nobody reads")

func (s *shut) Write(p []byte) (int, error) {
	if s.calls++; s.calls > s.after {
		return 0, errShut
	}
	return len(p), nil
}
