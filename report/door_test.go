package report

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDoor proves from the source that text from the host reaches an output for
// people only through escape.go: outside it and page.go nobody touches the
// buffer of a page, makes a word out of a string, or writes by another way.
func TestDoor(t *testing.T) {
	door := []string{"escape.go", "page.go"}
	// These write with the encoders of data formats, which have tests of their
	// own.
	data := func(name string) bool {
		return strings.HasPrefix(name, "json") || slices.Contains([]string{"yaml.go", "read.go", "explain.go", "schema.go", "htmlwriter.go"}, name)
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		name := f.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || slices.Contains(door, name) || data(name) {
			continue
		}
		seen++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if n.Sel.Name == "buf" {
					sort := name == "sort.go" // which reads it, to compare
					if !sort {
						t.Errorf("%s touches the buffer of a page", set.Position(n.Pos()))
					}
				}
				if slices.Contains([]string{"Write", "WriteString", "Fprint", "Fprintf", "Fprintln"}, n.Sel.Name) {
					t.Errorf("%s writes past the page: %s", set.Position(n.Pos()), n.Sel.Name)
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"word", "span", "safe"}, id.Name) {
					t.Errorf("%s makes a %s of something", set.Position(n.Pos()), id.Name)
				}
			}
			return true
		})
	}
	if seen < 10 {
		t.Errorf("looked at %d files only", seen)
	}
}
