package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/report"
)

// own returns a folder that root can trust, as /tmp's of a test may not be.
func own(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/root", "whatslistening-test-")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// registerOf writes a register and returns its path.
func registerOf(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const smallRegister = "version: 1\napprovals:\n  - {port: 22, exposure: all, reason: remote access} # äöü\n"

// The evidence has the report, the register to the byte and a manifest that
// says what they are; nobody else can read it; and what is changed later is
// seen.
func TestEvidence(t *testing.T) {
	dir := own(t)
	from, policy, keep := saved(t), registerOf(t, dir, smallRegister), filepath.Join(dir, "evidence")
	got := runHere(t, "audit", "--from", from, "--policy", policy, "--evidence", keep)
	if got.code != exitFindings || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	folder := filepath.Join(keep, "web1-20261123T080000Z")
	if !strings.Contains(got.stdout, "\nevidence in "+folder+"\n") {
		t.Errorf("the folder is not said:\n%s", got.stdout)
	}
	var names []string
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
		if fi, err := e.Info(); err != nil || runtime.GOOS != "windows" && fi.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", e.Name(), fi.Mode(), err)
		}
	}
	for _, path := range []string{keep, folder} {
		if fi, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o700 {
			t.Errorf("%s: mode %v, %v", path, fi.Mode(), err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var m manifest
	if err := json.Unmarshal(read(manifestName), &m); err != nil {
		t.Fatal(err)
	}
	want := []string{manifestName}
	for _, f := range m.Files {
		want = append(want, f.Name)
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("files %q, the manifest has %q", names, want)
	}
	if string(read("register-01-policy.yaml")) != smallRegister {
		t.Error("the register is not what was read")
	}
	if !strings.Contains(string(read("summary.txt")), "exit 1: ") {
		t.Error("the summary does not say what decided")
	}
	r, err := report.Read(strings.NewReader(string(read("report.json"))))
	if err != nil || len(r.Findings) == 0 || r.Register == nil || r.Register.Files[0].SHA256 != sha256Of([]byte(smallRegister)) {
		t.Errorf("the report: %v", err)
	}
	if m.Host.Name != "web1" || m.Exit != exitFindings || m.Why == "" || !m.Complete || m.Tool == "" || m.Registry != "2026-09-17" ||
		!slices.Equal(m.Flags["policy"], []string{policy}) || strings.Contains(strings.ToLower(m.Statement), "compliant") {
		t.Errorf("the manifest: %+v", m)
	}
	if !strings.Contains(got.stdout, "\nmanifest SHA-256 "+sha256Of(read(manifestName))+"\n") {
		t.Errorf("the manifest's hash is not said:\n%s", got.stdout)
	}

	// Another in the same second has a name of its own.
	if got := runHere(t, "audit", "--from", from, "--policy", policy, "--evidence", keep); !strings.Contains(got.stdout, "\nevidence in "+folder+"-2\n") {
		t.Errorf("the second: %+v", got)
	}
	if got := runHere(t, "audit", "--check", folder); got.code != exitClean || !strings.Contains(got.stdout, "files, as they were written\n") {
		t.Errorf("--check: %+v", got)
	}
	report := filepath.Join(folder, "report.json")
	data := read("report.json")
	tests := []struct {
		name   string
		change func() error
		want   string
	}{
		{"a byte", func() error { return os.WriteFile(report, append([]byte(" "), data[1:]...), 0o600) }, "is not what was written"},
		{"longer", func() error { return os.WriteFile(report, append(data, '\n'), 0o600) }, "bytes, and had"},
		{"gone", func() error { return os.Remove(report) }, "no such file"},
		{"a link", func() error { return os.Symlink("summary.txt", report) }, "is not a regular file"},
		{"one more", func() error {
			return os.WriteFile(filepath.Join(folder, "x\x1b.html"), nil, 0o600)
		}, `"x\x1b.html" is not in the manifest`},
	}
	for _, tt := range tests {
		if err := os.Remove(report); err == nil {
			err = os.WriteFile(report, data, 0o600)
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := tt.change(); err != nil {
			t.Fatal(err)
		}
		if got := runHere(t, "audit", "--check", folder); got.code != exitFindings || !strings.Contains(got.stderr, tt.want) || got.stdout != "" {
			t.Errorf("%s: %+v, want %q", tt.name, got, tt.want)
		}
	}
	// A manifest does not lead out of its folder.
	m.Files[0].Name = "../policy.yaml"
	bad, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, manifestName), bad, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := runHere(t, "audit", "--check", folder); got.code != exitFindings || !strings.Contains(got.stderr, "is no name of a file of the folder") {
		t.Errorf("a manifest with a path: %+v", got)
	}
	if got := runHere(t, "audit", "--check", dir); got.code != exitUsage || !strings.Contains(got.stderr, "hint: name the folder") {
		t.Errorf("no evidence: %+v", got)
	}
}

// A baseline that was used is kept to the byte, from a file or from standard
// input; there is none where none was used.
func TestEvidenceBaseline(t *testing.T) {
	dir := own(t)
	from, base := saved(t), filepath.Join(dir, "base.json")
	// As no writer of ours would have it: what is kept is what was read.
	data := append([]byte("\n\t"), bytes.Replace(savedReport(), []byte(`"127.0.0.1"`), []byte(`"127.0.0.2"`), 1)...)
	data = append(data, "\n\n"...)
	if err := os.WriteFile(base, data, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want []byte
	}{
		{"a file", []string{"--baseline", base}, data},
		{"standard input", []string{"--baseline", "-"}, data},
		{"none", nil, nil},
	}
	for _, tt := range tests {
		keep := filepath.Join(dir, tt.name)
		var stdout, stderr bytes.Buffer
		err := run(context.Background(), func(string) string { return "" }, bytes.NewReader(data), &stdout, &stderr,
			append([]string{"audit", "--from", from, "--evidence", keep}, tt.args...))
		if exitCode(err) != exitFindings {
			t.Fatalf("%s: %v\n%s", tt.name, err, stderr.String())
		}
		if got := strings.Contains(stdout.String(), "WL203"); got != (tt.want != nil) {
			t.Errorf("%s: a drift is found: %v\n%s", tt.name, got, stdout.String())
		}
		folder := filepath.Join(keep, "web1-20261123T080000Z")
		got, err := os.ReadFile(filepath.Join(folder, baselineName))
		if !bytes.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
			t.Errorf("%s: kept %.60q, %v, want %.60q", tt.name, got, err, tt.want)
		}
		var m manifest
		text, err := os.ReadFile(filepath.Join(folder, manifestName))
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(m.Files, func(f manifestFile) bool { return f.Name == baselineName })
		if (i >= 0) != (tt.want != nil) || i >= 0 && (m.Files[i].SHA256 != sha256Of(data) || m.Files[i].Source != tt.args[1]) {
			t.Errorf("%s: the manifest has %+v", tt.name, m.Files)
		}
		if got := runHere(t, "audit", "--check", folder); got.code != exitClean {
			t.Errorf("%s: --check: %+v", tt.name, got)
		}
	}
}

// A folder that is not what it seems gets no evidence; what was there is left
// alone, and nothing is left behind.
func TestEvidenceRefused(t *testing.T) {
	dir := own(t)
	from, policy := saved(t), registerOf(t, dir, smallRegister)
	place := func(name string) string { return filepath.Join(dir, name) }
	tests := []struct {
		name string
		make func(path string) error
		want string
	}{
		{"link", func(path string) error { return os.Symlink(t.TempDir(), path) }, "is a symbolic link"},
		{"file", func(path string) error { return os.WriteFile(path, nil, 0o600) }, "is no folder"},
		{"nowhere/below", func(string) error { return nil }, "no such file"},
	}
	for _, tt := range tests {
		path := place(tt.name)
		if err := tt.make(path); err != nil {
			t.Fatal(err)
		}
		if got := runHere(t, "audit", "--from", from, "--policy", policy, "--evidence", path); got.code != exitUsage || !strings.Contains(got.stderr, tt.want) || !strings.Contains(got.stderr, "hint: ") {
			t.Errorf("%s: %+v, want %q", tt.name, got, tt.want)
		}
	}
	// The name of the evidence is taken by what someone put there.
	keep := place("evidence")
	folder := filepath.Join(keep, "web1-20261123T080000Z")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, folder+"-2"); err != nil {
		t.Fatal(err)
	}
	if got := runHere(t, "audit", "--from", from, "--policy", policy, "--evidence", keep); !strings.Contains(got.stdout, folder+"-3\n") {
		t.Errorf("a name that is taken: %+v", got)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("what was there has %v, %v", entries, err)
	}
	if parts, _ := filepath.Glob(filepath.Join(keep, ".*")); len(parts) > 0 {
		t.Errorf("left behind: %q", parts)
	}
	for _, args := range [][]string{{"--init"}, {"--lint", "--policy", policy}} {
		if got := runHere(t, append([]string{"audit", "--evidence", keep}, args...)...); got.code != exitUsage {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

// The host's name is text from outside: the folder's name has no path in it.
func TestEvidenceName(t *testing.T) {
	tests := []struct{ host, want string }{
		{"web1.example.org", "web1.example.org"},
		{"", "host"},
		{"../../etc/cron.d/x", "_.._etc_cron.d_x"},
		{"-rf .", "rf_."},
		{"a\x00b\nc/\u202ed", "a_b_c__d"},
		{"...", "host"},
		{strings.Repeat("a", 300), strings.Repeat("a", 100)},
	}
	for _, tt := range tests {
		if got := plainName(tt.host, "host"); got != tt.want {
			t.Errorf("plainName(%q) = %q, want %q", tt.host, got, tt.want)
		}
	}
}
