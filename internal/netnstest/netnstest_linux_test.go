package netnstest

import (
	"os"
	"slices"
	"strconv"
	"testing"
)

func TestMain(m *testing.M) {
	Start(nil)
	os.Exit(m.Run())
}

// The harness itself: a namespace is empty but for what the test makes.
func TestHarness(t *testing.T) {
	In(t, func(t *testing.T) {
		if rows := SS(t); len(rows) != 0 {
			t.Fatalf("a fresh namespace has %v", rows)
		}
		Listen(t, "tcp,127.0.0.1:7001")
		p := Spawn(t, "listen", "udp,[::1]:7002")
		got := SS(t)
		want := []Row{
			{Proto: "tcp", Addr: "127.0.0.1", Port: 7001, PIDs: "1"},
			{Proto: "udp", Addr: "::1", Port: 7002, PIDs: strconv.Itoa(p.PID)},
		}
		if !slices.Equal(got, want) {
			t.Errorf("ss = %+v, want %+v", got, want)
		}
		p.Stop()
		if got := SS(t); len(got) != 1 {
			t.Errorf("after the end of pid %d ss = %+v", p.PID, got)
		}
	})
}
