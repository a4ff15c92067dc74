// Package project holds the tests of the project as a whole: which package may
// import which, and that the documents say what the program does.
package project

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/whatslistening/whatslistening"

// harness is what tests make real situations with. It runs other programs.
const harness = "internal/netnstest"

// arrows is the table of docs/design.md: what each folder's shipped code may
// import beside the standard library. Do not edit it to fix a build.
var arrows = map[string][]string{
	"portdb":   {},
	"scanner":  {"github.com/shirou/gopsutil/v3/", "golang.org/x/sys/"},
	"annotate": {module + "/scanner", module + "/portdb"},
	"audit":    {module + "/scanner", module + "/portdb", module + "/annotate", "go.yaml.in/yaml/v3"},
	"report": {
		module + "/scanner", module + "/portdb", module + "/annotate", module + "/audit",
		"github.com/fatih/color", "github.com/clipperhouse/",
	},
	"cmd": {
		module + "/scanner", module + "/portdb", module + "/annotate", module + "/audit", module + "/report",
		"github.com/fatih/color", "github.com/spf13/", "github.com/google/renameio/v2", "golang.org/x/",
	},
	harness: {"golang.org/x/sys/"},
}

// refused are the standard packages that shipped code does without: os/exec,
// since nothing is to be run by a tool that root runs, and plugin and net/http,
// since it talks to nobody.
var refused = []string{"os/exec", "plugin", "net/http"}

// TestImports reads the sources themselves, not go list, so that files for
// other systems are held to the table too.
func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		top, _, nested := strings.Cut(rel, "/")
		if strings.HasPrefix(rel, harness+"/") {
			top = harness
		}
		_, ruled := arrows[top]
		if !nested || !ruled || !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		for _, g := range f.Comments {
			if strings.Contains(g.Text(), "build ignore") || strings.HasPrefix(g.List[0].Text, "//go:build ignore") {
				return nil // a generator: run by hand, never linked
			}
		}
		seen[top] = true
		for _, imp := range f.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			if p == module+"/"+top || strings.HasPrefix(p, module+"/"+top+"/") {
				continue // its own packages
			}
			if why := refuse(p, top); why != "" {
				t.Errorf("%s imports %q: %s", rel, p, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for top := range arrows {
		if !seen[top] {
			t.Errorf("no source was read in %s/", top)
		}
	}
}

// refuse says why the shipped code of a folder, or the harness, may not import p,
// or nothing.
func refuse(p, folder string) string {
	if slices.Contains(refused, p) && folder != harness {
		return "shipped code does without it"
	}
	if p == module+"/"+harness {
		return "it is for tests"
	}
	if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, a := range arrows[folder] {
		if p == a || strings.HasSuffix(a, "/") && strings.HasPrefix(p, a) || strings.HasPrefix(p, a+"/") {
			return ""
		}
	}
	return "docs/design.md has no such arrow"
}

func TestRefuse(t *testing.T) {
	tests := []struct {
		path, from string
		ok         bool
	}{
		{"net/netip", "portdb", true},
		{module + "/scanner", "portdb", false},
		{module + "/portdb", "scanner", false},
		{module + "/report", "annotate", false},
		{module + "/cmd/whatslistening", "report", false},
		{"github.com/shirou/gopsutil/v3/net", "scanner", true},
		{"github.com/shirou/gopsutil/v3/net", "report", false},
		{"github.com/fatih/color", "annotate", false},
		{"os/exec", "cmd", false},
		{"os/exec", harness, true},
		{module + "/scanner", harness, false},
		{module + "/internal/netnstest", "scanner", false},
		{module + "/internal/netnstest", "cmd", false},
	}
	for _, tt := range tests {
		if got := refuse(tt.path, tt.from) == ""; got != tt.ok {
			t.Errorf("%s may import %q = %v, want %v", tt.from, tt.path, got, tt.ok)
		}
	}
}
