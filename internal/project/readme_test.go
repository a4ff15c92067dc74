package project

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the examples of the README from what is printed")

// build makes the command, and returns a folder with it.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir+"/", "./cmd/whatslistening")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// TestReadmeExamples runs what stands behind "$ " in the README's console
// blocks, and compares what is printed with what the README says is.
func TestReadmeExamples(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bin := build(t)
	block := regexp.MustCompile("(?s)```console\n(.*?)```\n")
	n := 0
	got := block.ReplaceAllFunc(readme, func(old []byte) []byte {
		var b bytes.Buffer
		b.WriteString("```console\n")
		for line := range strings.Lines(string(block.FindSubmatch(old)[1])) {
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			n++
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = filepath.Join("..", "..")
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(command), err)
			}
			b.WriteString(line)
			b.Write(out)
		}
		b.WriteString("```\n")
		return b.Bytes()
	})
	if n == 0 {
		t.Fatal("the README has no example")
	}
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(got, readme) {
		t.Errorf("the README shows other output than there is: go test ./internal/project -update\n%s", got)
	}
}

// TestReadmeCommands holds the commands and exit codes that the README names
// against the Makefile and the command's own help.
func TestReadmeCommands(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)^([a-z-]+):.*## `).FindAllSubmatch(makefile, -1)
	if len(targets) == 0 || len(targets) > 15 {
		t.Errorf("the Makefile has %d documented targets, want 1 to 15", len(targets))
	}
	for _, m := range regexp.MustCompile(`make ([a-z-]+)`).FindAllSubmatch(readme, -1) {
		if !bytes.Contains(makefile, append([]byte("\n"), append(m[1], ':')...)) {
			t.Errorf("the README says %q, and the Makefile has no such target", m[0])
		}
	}
	help, err := exec.Command(filepath.Join(build(t), "whatslistening"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d) \| (.*) \|$`).FindAllSubmatch(readme, -1) {
		want := string(m[1]) + "  " + strings.ReplaceAll(string(m[2]), "`", "")
		if !strings.Contains(string(help), want) {
			t.Errorf("the README has exit code %q, and the help has not", want)
		}
	}
}
