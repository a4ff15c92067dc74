package report

import (
	"crypto/sha256"
	_ "embed" // the parts of a page
	"encoding/base64"
)

// The style and the script of every page. They are files of their own, to be read
// and changed as what they are.
//
//go:embed html/style.css
var htmlStyle string

//go:embed html/script.js
var htmlScript string

// An htmlShell is what the frame of a page shows. A page embeds it.
type htmlShell struct {
	Title safe
	// Style and Script stand in the page, and their hashes in its
	// Content-Security-Policy: nothing else is run or loaded.
	Style, Script         trusted
	StyleHash, ScriptHash safe
}

// newHTMLShell returns the frame of a page with that title.
func newHTMLShell(title safe) htmlShell {
	return htmlShell{
		Title: title,
		Style: trusted(htmlStyle), StyleHash: sourceHash(htmlStyle),
		Script: trusted(htmlScript), ScriptHash: sourceHash(htmlScript),
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
