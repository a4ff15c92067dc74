package netnstest

import (
	"testing"
	"time"
)

// Patience is for how long a test waits for what has to come: far longer than it
// takes on the slowest machine, since only a failure waits it out.
const Patience = time.Minute

// Until calls f again and again until it returns nil. The test fails with the
// last error once its patience is at its end.
func Until(t testing.TB, f func() error) {
	t.Helper()
	for end := time.Now().Add(Patience); ; time.Sleep(time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %v", Patience, err)
		}
	}
}
