package scanner

import (
	"os"
	"path/filepath"
	"testing"
)

// On machines with larger pages the kernel has more for a reader than there is room
// for, and cuts where the room ends, as a file does.
func TestBPFReader(t *testing.T) {
	for _, size := range []int{taskRecordLen, taskFileRecordLen, 4096, 7} {
		const n = 20_000
		path := filepath.Join(t.TempDir(), "records")
		if err := os.WriteFile(path, make([]byte, n*size), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, got := newBPFReader(int(f.Fd()), size), 0
		for more := true; more; {
			var b []byte
			if b, more, err = r.next(); err != nil {
				t.Fatalf("records of %d bytes: %v after %d", size, err, got)
			}
			got += len(b) / size
		}
		if got != n {
			t.Errorf("%d records of %d bytes, want %d", got, size, n)
		}
	}
}

// An answer that ends in the middle of a record is not relied on.
func TestBPFReaderCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records")
	if err := os.WriteFile(path, make([]byte, 3*taskRecordLen-1), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, _, err := newBPFReader(int(f.Fd()), taskRecordLen).next(); err == nil {
		t.Errorf("%d bytes, want an error", len(b))
	}
}
