package report

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// A promSample is a line of the text format 0.0.4.
type promSample struct {
	name   string
	labels map[string]string
	value  uint64
}

var (
	metricName = regexp.MustCompile(`^[a-z_][a-z0-9_]*`)
	labelPair  = regexp.MustCompile(`^([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"`)
)

// samplesOf reads the text format, strictly: every family has one HELP, one TYPE
// and then its samples, each series once.
func samplesOf(t tester, data []byte) []promSample {
	t.Helper()
	checkShown(t, Prometheus, data)
	var list []promSample
	series, families, family := map[string]bool{}, map[string]bool{}, ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			family, _, _ = strings.Cut(rest, " ")
			if families[family] {
				t.Errorf("%s stands twice", family)
			}
			families[family] = true
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			if rest != family+" gauge" && rest != family+" counter" {
				t.Errorf("%q below the HELP of %s", line, family)
			}
			continue
		}
		s := promSample{name: metricName.FindString(line), labels: map[string]string{}}
		if s.name != family {
			t.Fatalf("%q stands in the family %s", line, family)
		}
		rest := line[len(s.name):]
		if strings.HasPrefix(rest, "{") {
			for sep := byte('{'); rest[0] == sep; sep = ',' {
				m := labelPair.FindStringSubmatch(rest[1:])
				if m == nil {
					t.Fatalf("%q: no label at %q", line, rest)
				}
				if _, ok := s.labels[m[1]]; ok {
					t.Errorf("%q has the label %s twice", line, m[1])
				}
				s.labels[m[1]] = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(m[2])
				rest = rest[1+len(m[0]):]
			}
			if rest[0] != '}' {
				t.Fatalf("%q: no end of labels at %q", line, rest)
			}
			rest = rest[1:]
		}
		var err error
		if s.value, err = strconv.ParseUint(strings.TrimPrefix(rest, " "), 10, 64); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		key := fmt.Sprint(s.name, s.labels)
		if series[key] {
			t.Errorf("the series %s stands twice", key)
		}
		series[key] = true
		for name := range s.labels {
			if slices.Contains([]string{"pid", "inode", "args", "cmdline", "started"}, name) {
				t.Errorf("%s has the label %s", s.name, name)
			}
		}
		list = append(list, s)
	}
	return list
}

// valueOf returns the value of the sample with that name and those labels, among
// others.
func valueOf(t *testing.T, list []promSample, name string, labels ...string) uint64 {
	t.Helper()
next:
	for _, s := range list {
		if s.name != "whatslistening_"+name {
			continue
		}
		for i := 0; i < len(labels); i += 2 {
			if s.labels[labels[i]] != labels[i+1] {
				continue next
			}
		}
		return s.value
	}
	t.Errorf("there is no %s%v", name, labels)
	return 0
}

func TestPrometheus(t *testing.T) {
	r := hostileAudit()
	r.Listeners[0].Queue = scanner.Queue{Length: 129, Limit: 128, Dropped: 7}
	var b bytes.Buffer
	if err := WriteFindings(&b, r, Prometheus, nil); err != nil {
		t.Fatal(err)
	}
	list := samplesOf(t, b.Bytes())
	tests := []struct {
		want   uint64
		name   string
		labels []string
	}{
		{1, "listeners", []string{"protocol", "tcp", "exposure", "private", "range", "registered"}},
		{2, "udp_client_sockets", nil},
		{1, "listener_info", []string{"address", "0.0.0.0", "port", "23", "service", "telnet", "program", "dropbear", "exposure", "all", "registration", "differs"}},
		{1, "listener_info", []string{"port", "20000", "program", hostileNames[0]}},
		{129, "listener_queue_length", []string{"port", "22", "address", "0.0.0.0"}},
		{128, "listener_queue_limit", []string{"port", "22", "address", "0.0.0.0"}},
		{7, "listener_dropped_packets_total", []string{"port", "22", "address", "0.0.0.0"}},
		{0, "listeners_without_series", nil},
		{9, "findings", []string{"rule", "WL102"}},
		{0, "findings", []string{"rule", "WL001"}},
		{2, "approvals", []string{"verdict", "client"}},
		{0, "coverage_complete", nil},
		{1, "coverage_limitations", []string{"code", "unreadable-processes"}},
		{uint64(scanned.Unix()), "scan_timestamp_seconds", nil},
		{1, "build_info", []string{"version", "test", "registry", "2026-09-17"}},
	}
	for _, tt := range tests {
		if tt.name == "findings" && tt.want > 0 {
			tt.want = 0
			for _, f := range r.Findings {
				if f.Rule == tt.labels[1] {
					tt.want++
				}
			}
		}
		if got := valueOf(t, list, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s%v = %d, want %d", tt.name, tt.labels, got, tt.want)
		}
	}
	// The order of the listeners, their pids and inodes change nothing.
	slices.Reverse(r.Listeners)
	slices.Reverse(r.Approvals)
	for i := range r.Listeners {
		s := *r.Listeners[i].Socket
		s.Inode += 77
		s.Holders = slices.Clone(s.Holders)
		for j, p := range s.Holders {
			q := *p
			q.PID += 1000
			q.Args = []string{"--password=x"}
			s.Holders[j] = &q
		}
		r.Listeners[i].Socket = &s
	}
	var again bytes.Buffer
	if err := WriteFindings(&again, r, Prometheus, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("a restart changes\n%s\nto\n%s", b.Bytes(), again.Bytes())
	}
}

// There are no more series than are good for a database, and those that are left
// out are counted: those that nobody outside can reach.
func TestPrometheusSeries(t *testing.T) {
	r := &Report{Time: scanned}
	for i := range maxSeries + 10 {
		address := "127.0.0.1"
		if i >= maxSeries {
			address = "0.0.0.0"
		}
		r.Listeners = append(r.Listeners, listener(scanner.TCP, address, uint16(2000+i), "x", process(i, "x", "x")))
	}
	list := samplesOf(t, written(t, r, Prometheus))
	info, outside := 0, 0
	for _, s := range list {
		if s.name == "whatslistening_listener_info" {
			info++
			if s.labels["exposure"] == annotate.All.String() {
				outside++
			}
		}
	}
	if more := valueOf(t, list, "listeners_without_series"); info != maxSeries || outside != 10 || more != 10 {
		t.Errorf("%d series, %d of them reachable, %d left out", info, outside, more)
	}
	if n := valueOf(t, list, "listeners", "exposure", "loopback"); n != maxSeries {
		t.Errorf("%d listeners are counted, want %d", n, maxSeries)
	}
}

func TestPrometheusHostile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		samplesOf(rt, written(rt, anyReport().Draw(rt, "report"), Prometheus))
	})
}

// Prometheus' own checker has nothing to say, of the names either.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip(err)
	}
	reports := []*Report{hostileAudit(), everyRule(), {Register: &audit.Register{}, Time: scanned}}
	for _, path := range []string{"server", "hostile", "transports", "witnesses"} {
		reports = append(reports, readReport(t, path))
	}
	for i, r := range reports {
		cmd := exec.Command(promtool, "check", "metrics")
		cmd.Stdin = bytes.NewReader(written(t, r, Prometheus))
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("report %d: %v\n%s", i, err, out)
		}
	}
}
