package main

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whatslistening/whatslistening/bench/load"
)

func TestSpread(t *testing.T) {
	tests := []struct {
		in   []float64
		want spread
	}{
		{[]float64{4}, spread{4, 4, 4}},
		{[]float64{3, 1}, spread{2, 1, 3}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
		{[]float64{8, 1, 4, 2}, spread{3, 1, 8}},
	}
	for _, tt := range tests {
		before := slices.Clone(tt.in)
		if got := spreadOf(tt.in); got != tt.want {
			t.Errorf("spreadOf(%v) = %v, want %v", tt.in, got, tt.want)
		}
		if !slices.Equal(tt.in, before) {
			t.Errorf("spreadOf(%v) reorders its argument: the rounds would no longer fit", before)
		}
	}
}

// The median of the ratios is not the ratio of the medians: a slow round is slow
// for both.
func TestRatios(t *testing.T) {
	ss, other := []float64{10, 100, 20}, []float64{5, 60, 40}
	got := ratios(other, ss)
	want := []float64{0.5, 0.6, 2}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Errorf("ratios(%v, %v) = %v, want %v", other, ss, got, want)
			break
		}
	}
	if m := spreadOf(got).median; m != 0.6 {
		t.Errorf("the median of %v is %v, want 0.6", got, m)
	}
}

func TestJudge(t *testing.T) {
	at := func(ratio float64, peak int64) []row {
		return []row{
			{contender: yardstick, compared: true, ratio: spread{1, 1, 1}, peak: 1},
			{contender: ours, compared: true, ratio: spread{median: ratio}, peak: peak},
		}
	}
	tests := []struct {
		scenario string
		rows     []row
		pinned   bool
		met      bool
		says     string
	}{
		{"S1", at(0.50, 14e6), false, true, "time 0.50 × ss, the bar is 0.50: met; peak RSS 14.0 MB, the bar is 14: met"},
		{"S1", at(0.51, 14e6), false, false, "the bar is 0.50: missed; peak RSS 14.0 MB, the bar is 14: met"},
		{"S1", at(0.51, 14e6), true, true, "the bar on one CPU is 0.75: met"},
		{"S0", at(0.86, 1e6), false, false, "the bar is 0.85: missed"},
		{"S0", at(1.00, 1e6), true, true, "the bar on one CPU is 1.00: met"},
		{"S2", at(0.10, 1e6), false, false, "the bar is 0.09: missed"},
		{"S2", at(0.50, 1e6), true, true, "the bar on one CPU is 0.50: met"},
		{"S3", at(0.15, 14.1e6), false, false, "the bar is 0.15: met; peak RSS 14.1 MB, the bar is 14: missed"},
		{"S3", at(0.66, 1e6), true, false, "the bar on one CPU is 0.65: missed"},
		{"S4", at(0.18, 24e6), false, true, "the bar is 0.18: met; peak RSS 24.0 MB, the bar is 24: met"},
		{"S4", at(0.41, 1e6), true, false, "the bar on one CPU is 0.40: missed"},
		{"S1", []row{{contender: ours, failed: "exit code 3"}}, false, false, "S1: not judged: whatslistening: exit code 3"},
		{"S1", []row{{contender: ours, peak: 1}}, false, false, "S1: not judged: there is no ss to compare with"},
		{"S1", []row{{contender: yardstick, compared: true}}, false, false, "S1: not judged: whatslistening was not measured"},
		{"S7", at(0.1, 1), false, false, "S7: there is no bar for it"},
	}
	for _, tt := range tests {
		got := judge(tt.scenario, tt.rows, tt.pinned)
		if got.met != tt.met || !strings.Contains(got.text, tt.says) {
			t.Errorf("judge(%s, pinned %v) = %v %q, want %v %q", tt.scenario, tt.pinned, got.met, got.text, tt.met, tt.says)
		}
	}
}

func TestChoose(t *testing.T) {
	tests := []struct {
		words []string
		want  []string
	}{
		{nil, []string{ours, yardstick, "lsof", "netstat -tulpn", "gopsutil Connections", "gopsutil ConnectionsWithoutUids"}},
		{[]string{"whats"}, []string{ours, yardstick}},
		{[]string{"lsof", "Uids"}, []string{yardstick, "lsof", "gopsutil ConnectionsWithoutUids"}},
	}
	for _, tt := range tests {
		var got []string
		for _, c := range choose(contenders("w", "g"), tt.words) {
			got = append(got, c.name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("choose(%q) = %q, want %q", tt.words, got, tt.want)
		}
	}
}

func TestLocate(t *testing.T) {
	field := []contender{{name: "shell", args: []string{"sh", "-c"}}, {name: "nobody", args: []string{"no-such-program"}}}
	locate(field)
	if p := field[0].args[0]; !strings.HasPrefix(p, "/") || field[0].absent != "" || field[0].args[1] != "-c" {
		t.Errorf("locate gives %+v", field[0])
	}
	if field[1].absent != "not installed" {
		t.Errorf("locate gives %+v, want it absent", field[1])
	}
}

// A script stands in for the load: what each contender does, run by run.
type script struct {
	walls map[string][]time.Duration
	codes map[string][]int // of every run, whatever its kind; the last one lasts
	ran   []string
}

func (s *script) Run(_ context.Context, c load.Command) (load.Result, error) {
	name := c.Args[0]
	r := load.Result{PeakRSS: 3e6}
	if codes := s.codes[name]; len(codes) > 0 {
		r.ExitCode = codes[0]
		if len(codes) > 1 {
			s.codes[name] = codes[1:]
		}
	}
	switch c.Kind {
	case load.Output:
		r.Output, r.Stderr = []byte("one\ntwo\n"), []byte("its trouble\nand more\n")
	case load.Time:
		s.ran = append(s.ran, name)
		r.Wall, r.CPU = s.walls[name][0], 2*s.walls[name][0]
		s.walls[name] = s.walls[name][1:]
	}
	return r, nil
}

func TestMeasure(t *testing.T) {
	ms := time.Millisecond
	s := &script{
		walls: map[string][]time.Duration{
			"ss":    {10 * ms, 100 * ms, 20 * ms},
			"w":     {5 * ms, 60 * ms, 40 * ms},
			"lsof":  {20 * ms, 200 * ms, 40 * ms},
			"worse": {1 * ms, 1 * ms},
		},
		codes: map[string][]int{"broken": {3}, "lsof": {1}, "worse": {0, 0, 2}},
	}
	field := []contender{
		{name: ours, args: []string{"w"}},
		{name: yardstick, args: []string{"ss"}, base: true},
		{name: "lsof", args: []string{"lsof"}, fruitless: 1},
		{name: "broken", args: []string{"broken"}},
		{name: "worse", args: []string{"worse"}},
		{name: "absent", args: []string{"absent"}, absent: "not installed"},
	}
	rows, err := measure(context.Background(), s, load.Scenario{Name: "S1", Listeners: 3}, field, request{rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	if w := rows[0]; w.failed != "" || w.wall != (spread{40, 5, 60}) || w.ratio != (spread{0.6, 0.5, 2}) || w.peak != 3e6 || w.lines != 2 {
		t.Errorf("whatslistening is measured as %+v", w)
	}
	if r := rows[2]; r.failed != "" || r.ratio != (spread{2, 2, 2}) {
		t.Errorf("exit code 1 of lsof is no failure, but: %+v", r)
	}
	for i, want := range map[int]string{
		3: `exit code 3: "its trouble"`,
		4: "exit code 2, after 0 in the first run",
		5: "not installed",
	} {
		if rows[i].failed != want {
			t.Errorf("%s: failed is %q, want %q", rows[i].contender, rows[i].failed, want)
		}
	}
	// Each round begins with another contender; one that failed is not run again.
	if got, want := strings.Join(s.ran, " "), "w ss lsof worse ss lsof worse w lsof w ss"; got != want {
		t.Errorf("the order was %q, want %q", got, want)
	}

	out := section{"S1: a title", rows, judge("S1", rows, false)}.String()
	want := `
S1: a title
  contender       wall ms  ratio to ss    min–max  CPU ms  peak RSS MB  lines
  whatslistening     40.0         0.60  0.50–2.00    80.0          3.0      2
  ss -tulnpH         20.0         1.00  1.00–1.00    40.0          3.0      2
  lsof               40.0         2.00  2.00–2.00    80.0          3.0      2
  broken                –            –          –       –            –      –
  worse                 –            –          –       –            –      –
  absent                –            –          –       –            –      –
  whatslistening: its 2 lines are fewer than the listeners: it leaves some out
  ss -tulnpH: its 2 lines are fewer than the listeners: it leaves some out
  lsof: its 2 lines are fewer than the listeners: it leaves some out
  broken: not measured: exit code 3: "its trouble"
  worse: not measured: exit code 2, after 0 in the first run
  absent: not measured: not installed
  S1: time 0.60 × ss, the bar is 0.50: missed; peak RSS 3.0 MB, the bar is 14: met
`
	if out != want {
		t.Errorf("the table is\n%s\nwant\n%s", out, want)
	}
}

// Without ss there are times, and no ratios.
func TestMeasureWithoutSS(t *testing.T) {
	s := &script{walls: map[string][]time.Duration{"w": {4 * time.Millisecond}}}
	field := []contender{{name: ours, args: []string{"w"}}, {name: yardstick, args: []string{"ss"}, base: true, absent: "not installed"}}
	rows, err := measure(context.Background(), s, load.Scenario{Name: "S1"}, field, request{rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	got := section{"S1", rows, judge("S1", rows, false)}.markdown()
	want := `
**S1**

| contender | wall ms | ratio to ss | min–max | CPU ms | peak RSS MB | lines |
|---|---:|---:|---:|---:|---:|---:|
| whatslistening | 4.0 | – | – | 8.0 | 3.0 | 2 |
| ss -tulnpH | – | – | – | – | – | – |

- ss -tulnpH: not measured: not installed
- S1: not judged: there is no ss to compare with
`
	if got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}
