package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/pflag"
	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	words := []string{"audit", "completion", "explain", "list", "version", "x"}
	tests := []struct{ word, want string }{
		{"explian", "explain"}, // two letters changed places
		{"explai", "explain"},
		{"EXPLAIN", "explain"},
		{"lst", "list"},
		{"verion", "version"},
		{"v", ""},     // too short to be a slip of the hand
		{"nginx", ""}, // a word of its own
		{"", ""},
		{strings.Repeat("explain", 1000), ""},
	}
	for _, tt := range tests {
		if got, _ := nearest(tt.word, slices.Values(words)); got != tt.want {
			t.Errorf("nearest(%.20q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

// edits is a distance, up to its limit.
func TestEdits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[abc]{0,6}`).Draw(t, "a")
		b := rapid.StringMatching(`[abc]{0,6}`).Draw(t, "b")
		d := edits(a, b, 100)
		if d != edits(b, a, 100) {
			t.Fatalf("edits(%q, %q) = %d, and the other way %d", a, b, d, edits(b, a, 100))
		}
		if (d == 0) != (a == b) || d < abs(len(a)-len(b)) || d > max(len(a), len(b)) {
			t.Fatalf("edits(%q, %q) = %d", a, b, d)
		}
		if got := edits(a, b, 2); got != min(d, 2) {
			t.Fatalf("edits(%q, %q, 2) = %d, want %d", a, b, got, min(d, 2))
		}
	})
}

// The name of the temporary file beside it says nothing to the user.
func TestFileError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	for _, err := range []error{
		&fs.PathError{Op: "open", Path: path + "123", Err: syscall.EROFS},
		&os.LinkError{Op: "rename", Old: path + "123", New: path, Err: syscall.EROFS},
		&os.LinkError{Op: "rename", Old: path + "123", New: path, Err: syscall.ENOENT}, // the temporary file went
	} {
		got := fileError(path, err)
		if s := got.Error(); !strings.HasPrefix(s, fmt.Sprintf("write %q: ", path)) || strings.Contains(s, "123") || strings.Contains(s, "folder") {
			t.Errorf("fileError(%v) = %v", err, got)
		}
	}
}

func TestPlain(t *testing.T) {
	tests := []struct {
		word string
		want bool
	}{
		{"nginx", true},
		{"ssh.service", true},
		{"user@1000.service", true},
		{"udp/53", true},
		{":443", true},
		{"http_alt", true},
		{"c++", true},
		{"", false},
		{"-rf", false},
		{"a b", false},
		{"$(id)", false},
		{"a;b", false},
		{"a`b", false},
		{"a\nb", false},
		{"a\tb", false},
		{"\x1b[31m", false},
		{"ü", false},
		{"a\\b", false},
		{"*", false},
		{"~root", false},
		{"a=b", false},
		{"<a>", false},
		{"a[1]", false},
		{"a^b", false},
		{"{a,b}", false},
	}
	for _, tt := range tests {
		if got := plain(tt.word); got != tt.want {
			t.Errorf("plain(%q) = %v, want %v", tt.word, got, tt.want)
		}
	}
}

func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{&exitError{code: exitFindings}, 1},
		{usageError("", "x"), 2},
		{errors.New("of the flags' parser"), 2},
		{failure("", "x"), 3},
		{writeError(&fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}), 3},
		{writeError(&fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}), 0},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

// Work that is over within half a second shows nothing; longer work shows a
// line, and takes it away again.
func TestSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), patience-time.Millisecond)
		defer cancel()
		var b bytes.Buffer
		spin(ctx, &b, "looking")
		if b.Len() > 0 {
			t.Errorf("short work shows %q", b.String())
		}
		ctx, cancel = context.WithTimeout(t.Context(), 1250*time.Millisecond)
		defer cancel()
		spin(ctx, &b, "looking")
		out := b.String()
		if !strings.HasPrefix(out, "\rlooking … 0.5 s\r") || strings.Contains(out, "\n") {
			t.Errorf("long work shows %q", out)
		}
		last := out[strings.LastIndexByte(strings.TrimSuffix(out, "\r"), '\r'):]
		if strings.TrimSpace(last) != "" || len(last) < len("\rlooking . 0.5 s\r") {
			t.Errorf("the line is left behind: %q", last)
		}
	})
}

// Every flag of every command is in its help, on a line that fits a terminal.
func TestHelp(t *testing.T) {
	root := newRoot(&app{getenv: func(string) string { return "" }, stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}, []string{"help"})
	for _, cmd := range append(root.Commands(), root) {
		args := []string{"--help"}
		if cmd != root {
			args = []string{cmd.Name(), "--help"}
		}
		got := runHere(t, args...)
		if got.code != exitClean || got.stderr != "" {
			t.Errorf("%q: %+v", args, got)
		}
		for line := range strings.Lines(got.stdout) {
			if n := len([]rune(line)); n > 81 {
				t.Errorf("%q: a line of %d: %q", args, n-1, line)
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(got.stdout, " --"+f.Name+" ") {
				t.Errorf("%q does not name --%s", args, f.Name)
			}
		})
	}
}
