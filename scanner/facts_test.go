package scanner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func stat(comm string, ppid int, start uint64) string {
	return fmt.Sprintf("812 (%s) S %d 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %d 9 10 18446744073709551615 1 1 0\n", comm, ppid, start)
}

func TestParseStat(t *testing.T) {
	for _, comm := range []string{
		"sshd", "", " ", "a b", "(", ")", ") ", "a) S 1 2 3", "x) R 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7",
		"new\nline", "(sd-pam)", "\x1b[31m", "\xff\xfe", "\n) Z 0",
	} {
		s, ok := parseStat([]byte(stat(comm, 7, 4711)))
		if !ok || string(s.comm) != comm || s.ppid != 7 || s.start != 4711 {
			t.Errorf("parseStat of name %q = %q, %v, %v, %v", comm, s.comm, s.ppid, s.start, ok)
		}
	}
	for _, bad := range []string{
		"", "1", "1 (", "1 )(", "1 (a)", "1 (a) S", "1 (a) S x 1 1", "1 (a) S 1 2 3 4 5", "1 (a) S 99999999999 1",
		strings.Replace(stat("a", 1, 4711), " 4711 ", " -1 ", 1), strings.Replace(stat("a", 1, 4711), " 4711 ", " 99999999999999999999999 ", 1),
	} {
		if s, ok := parseStat([]byte(bad)); ok {
			t.Errorf("parseStat(%q) = %+v, want none", bad, s)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("sshd", 1, uint64(5))
	f.Add(") S 1", 0, uint64(0))
	f.Fuzz(func(t *testing.T, comm string, ppid int, start uint64) {
		parseStat([]byte(comm)) // whatever it is, no panic
		if ppid < 0 || ppid > 1<<31-1 {
			return
		}
		s, ok := parseStat([]byte(stat(comm, ppid, start)))
		if !ok || string(s.comm) != comm || s.ppid != ppid || s.start != start {
			t.Errorf("parseStat of %q, %v, %v = %q, %v, %v, %v", comm, ppid, start, s.comm, s.ppid, s.start, ok)
		}
	})
}

func TestParseRealUID(t *testing.T) {
	tests := []struct {
		in   string
		want int64
		ok   bool
	}{
		{"Name:\tsshd\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n", 1000, true},
		{"Name:\tx\\nUid:\\t0\nUid:\t33\t33\t33\t33\n", 33, true},
		{"Name:\tx\nUid:\t4294967294\t0\t0\t0\n", 4294967294, true},
		{"Name:\tx\nUid:\t4294967296\t0\t0\t0\n", -1, false},
		{"Name:\tx\nUid:\t-1\t0\t0\t0\n", -1, false},
		{"Name:\tx\nUid:\t", -1, false},
		{"Name:\tx\n", -1, false},
		{"", -1, false},
	}
	for _, tt := range tests {
		if got, ok := parseRealUID([]byte(tt.in)); got != tt.want || ok != tt.ok {
			t.Errorf("parseRealUID(%q) = %v, %v, want %v, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

func TestParseBootTime(t *testing.T) {
	const good = "cpu  1 2 3\nintr 7 8\nctxt 1\nbtime 1795430012\nprocesses 7\n"
	if got, ok := parseBootTime([]byte(good)); got != 1795430012 || !ok {
		t.Errorf("parseBootTime = %v, %v, want 1795430012", got, ok)
	}
	for _, bad := range []string{"", "cpu 1\n", "x\nbtime \n", "x\nbtime -5\n", "x\nbtime 99999999999999\n"} {
		if got, ok := parseBootTime([]byte(bad)); ok {
			t.Errorf("parseBootTime(%q) = %v, want none", bad, got)
		}
	}
}

func TestStartTime(t *testing.T) {
	got := startTime(1795430012, 12345)
	want := time.Date(2026, 11, 23, 10, 35, 35, 450e6, time.UTC)
	if !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("startTime(1795430012, 12345) = %v, want %v", got, want)
	}
}

func TestSplitArgs(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"\x00", nil},
		{"a\x00b\x00", []string{"a", "b"}},
		{"a\x00\x00b\x00", []string{"a", "", "b"}},
		{"nginx: master process /usr/sbin/nginx", []string{"nginx: master process /usr/sbin/nginx"}},
		{"title\x00\x00\x00\x00", []string{"title"}},
	}
	for _, tt := range tests {
		if got := splitArgs([]byte(tt.in)); !slices.Equal(got, tt.want) {
			t.Errorf("splitArgs(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// Arguments can be nothing but NULs.
func TestSplitArgsBounded(t *testing.T) {
	got := splitArgs([]byte(strings.Repeat("\x00", 256<<10) + "x"))
	if len(got) != maxArgs || strings.Join(got, "") != "" {
		t.Errorf("%d arguments, want %d empty ones", len(got), maxArgs)
	}
}
