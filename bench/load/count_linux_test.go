package load

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCountTable(t *testing.T) {
	tests := []struct {
		name            string
		lines           string
		listeners, ends int
	}{
		{"tcp", "  sl  local_address rem_address   st\n" +
			"   0: 0100007F:0277 00000000:0000 0A 00000000:00000000\n" +
			"   1: 0100007F:0277 0100007F:8001 01 00000000:00000000\n" +
			"   2: 0100007F:0277 0100007F:8001 06 00000000:00000000\n", 1, 1},
		{"udp", "  sl  local_address rem_address   st\n" +
			"   0: 0100007F:0277 00000000:0000 07 00000000:00000000\n" +
			"   1: 0100007F:0277 0100007F:8001 01 00000000:00000000\n", 1, 0},
		{"absent", "", 0, 0},
	}
	dir := t.TempDir()
	for _, tt := range tests {
		path := filepath.Join(dir, tt.name)
		if tt.lines != "" {
			if err := os.WriteFile(path, []byte(tt.lines), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		listeners, ends, err := countTable(path)
		if err != nil || listeners != tt.listeners || ends != tt.ends {
			t.Errorf("countTable(%s) = %d, %d, %v, want %d, %d", tt.name, listeners, ends, err, tt.listeners, tt.ends)
		}
	}
	path := filepath.Join(dir, "broken")
	if err := os.WriteFile(path, []byte("0A\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := countTable(path); err == nil {
		t.Error("countTable reads a line without a state")
	}
}
