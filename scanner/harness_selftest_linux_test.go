package scanner

import (
	"strconv"
	"testing"
)

// The harness itself: a namespace is empty but for what the test makes.
func TestHarness(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		if rows := ssRows(t); len(rows) != 0 {
			t.Fatalf("a fresh namespace has %v", rows)
		}
		listen(t, "tcp,127.0.0.1:7001")
		p := spawn(t, "listen", "udp,[::1]:7002")
		got := ssRows(t)
		want := []row{
			{proto: "tcp", addr: "127.0.0.1", port: 7001, pids: "1"},
			{proto: "udp", addr: "::1", port: 7002, pids: strconv.Itoa(p.PID)},
		}
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("ss = %+v, want %+v", got, want)
		}
		p.stop()
		if got := ssRows(t); len(got) != 1 {
			t.Errorf("after the end of pid %d ss = %+v", p.PID, got)
		}
	})
}
