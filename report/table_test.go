package report

import (
	"bytes"
	"runtime"
	"testing"
)

// A long table is written by several threads, and is as one writes it.
func TestLongTable(t *testing.T) {
	r := crowd(3*longTable + 5)
	for _, o := range []Options{{}, {Width: 100}, {Width: 60, All: true, Color: true}} {
		write := func(threads int) []byte {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
			var b bytes.Buffer
			if err := Write(&b, r, Table, &o); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		want := write(1)
		for threads := 2; threads < 5; threads++ {
			if got := write(threads); !bytes.Equal(got, want) {
				t.Errorf("%+v: %d threads write something else than one", o, threads)
			}
		}
	}
}
