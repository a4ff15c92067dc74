package report

import (
	"crypto/sha256"
	_ "embed" // the parts of a page
	"encoding/base64"
	"html/template"
	"io"
)

// The parts of which every page of HTML is made. They are files of their own, to
// be read and changed as what they are.
//
//go:embed html/shell.tmpl
var htmlFrame string

//go:embed html/style.css
var htmlStyle string

//go:embed html/script.js
var htmlScript string

// An htmlShell is what the frame of a page shows. A page embeds it.
type htmlShell struct {
	Title safe
	// Style and Script stand in the page, and their hashes in its
	// Content-Security-Policy: nothing else is run or loaded.
	Style                 template.CSS
	Script                template.JS
	StyleHash, ScriptHash safe
}

// newHTMLShell returns the frame of a page with that title.
func newHTMLShell(title safe) htmlShell {
	return htmlShell{
		Title: title,
		Style: template.CSS(htmlStyle), StyleHash: sourceHash(htmlStyle),
		Script: template.JS(htmlScript), ScriptHash: sourceHash(htmlScript),
	}
}

// sourceHash returns the hash of an inline style or script as a
// Content-Security-Policy has it (CSP 3, section 2.3.1).
func sourceHash(source string) safe {
	var p page
	sum := sha256.Sum256([]byte(source))
	p.text(base64.StdEncoding.EncodeToString(sum[:]))
	return p.take()
}

// writeHTMLPage writes a page: the frame around the template "main" that source
// defines. The text in page is safe text and our own words alone, which a test
// proves of its type, and html/template escapes every one for where it stands.
func writeHTMLPage(w io.Writer, source string, page any) error {
	t, err := template.New("shell").Parse(htmlFrame)
	if err == nil {
		t, err = t.Parse(source)
	}
	if err != nil {
		return err
	}
	return t.Execute(w, page)
}
