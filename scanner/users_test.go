package scanner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsersHostileLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passwd")
	long := strings.Repeat("x", 20000)
	if err := os.WriteFile(file, []byte(strings.Join([]string{
		"root:x:0:0:root:/root:/bin/bash",
		"toor:x:0:0:another root:/root:/bin/sh",
		"# www-data:x:34:33::/:",
		"+nis:x:35:35::/:",
		"-nis:x:36:36::/:",
		":x:37:37::/:",
		"negative:x:-38:0::/:",
		"plus:x:+39:0::/:",
		"big:x:4294967296:0::/:",
		"biggest:x:4294967295:0::/:",
		"short:x:40",
		"nofields",
		"",
		"esc\x1b[31m:x:41:0::/:",
		"long:x:42:0:" + long + ":/home/long:/bin/sh",
		long + ":x:43:0::/:",
		"after:x:44:0:" + long,
		"crlf:x:45:0::/:\r",
		"last:x:1000:1000::/home/last:/bin/sh",
	}, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	u := &users{path: file}
	tests := []struct {
		uid  int64
		want string
	}{
		{0, "root"},
		{34, ""},
		{35, ""},
		{36, ""},
		{37, ""},
		{38, ""},
		{39, ""},
		{40, ""},
		{41, "esc\x1b[31m"},
		{42, "long"},
		{43, ""},
		{44, "after"},
		{45, "crlf"},
		{1000, "last"},
		{1 << 32, ""},
		{1<<32 - 1, "biggest"},
		{-1, ""},
		{7, ""},
	}
	for range 2 { // the second time from memory
		for _, tt := range tests {
			if got := u.name(tt.uid); got != tt.want {
				t.Errorf("name(%d) = %q, want %q", tt.uid, got, tt.want)
			}
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := u.name(1000); got != "last" {
		t.Errorf("name(1000) after the file is gone = %q, want it from memory", got)
	}
}

func TestUsersNoFile(t *testing.T) {
	u := &users{path: filepath.Join(t.TempDir(), "absent")}
	if got := u.name(0); got != "" {
		t.Errorf("name(0) without a file = %q, want none", got)
	}
}

func TestUsersManyLines(t *testing.T) {
	var b strings.Builder
	for i := range 100000 {
		fmt.Fprintf(&b, "user%d:x:%d:100:A. User,,,:/home/user%d:/bin/bash\n", i, 99999-i, i)
	}
	u := new(users)
	u.parse(strings.NewReader(b.String()))
	u.path = filepath.Join(t.TempDir(), "absent")
	for _, uid := range []int64{0, 1, 50000, 99999} {
		if got, want := u.name(uid), fmt.Sprintf("user%d", 99999-uid); got != want {
			t.Errorf("name(%d) = %q, want %q", uid, got, want)
		}
	}
}

func FuzzUsers(f *testing.F) {
	f.Add("root:x:0:0::/:\n", int64(0))
	f.Add("a:x:4294967295:\n:::\n", int64(4294967295))
	f.Fuzz(func(t *testing.T, file string, uid int64) {
		u := &users{path: "/nonexistent/passwd"}
		u.parse(strings.NewReader(file))
		if name := u.name(uid); name != "" && !strings.Contains("\n"+file, "\n"+name+":") {
			t.Errorf("name(%d) = %q, which starts no line of %q", uid, name, file)
		}
	})
}
