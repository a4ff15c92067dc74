// Package browser holds the tests of the HTML reports in headless Chromium. It
// is a module of its own: what drives the browser is no part of the command.
package browser
