// Htmlgen makes Go of the templates of pages of HTML: report/htmlpages.go.
//
//	go run ./internal/htmlgen [-check]    in report
//
// It is html/template that decides how each value is escaped for where it stands;
// it does so here, and not in the program. A program that executes templates
// calls methods by name, so that its linker has to keep every method of every
// package: a fifth of the program, which each start has to page through. And what
// a template asks of its data that is not there, the compiler says.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// out is the file that is made.
const out = "htmlpages.go"

// pages are the pages: the function that writes one, the type of what it shows,
// and the template "main" in the frame.
var pages = []struct{ function, data, template string }{
	{"reportPage", "htmlPage", "report.tmpl"},
	{"fleetPage", "fleetPage", "fleet.tmpl"},
}

func main() {
	check := flag.Bool("check", false, "fail where the file is stale")
	flag.Parse()
	if err := run(".", *check); err != nil {
		fmt.Fprintln(os.Stderr, "htmlgen:", err)
		os.Exit(1)
	}
}

// run makes the file in folder, or checks it.
func run(folder string, check bool) error {
	source, err := generate(folder)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, out)
	if !check {
		return os.WriteFile(path, source, 0o644)
	}
	had, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(had, source) {
		return fmt.Errorf("%s is stale: go generate ./report", path)
	}
	return nil
}
