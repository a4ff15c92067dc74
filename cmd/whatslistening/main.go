// Whatslistening lists the listening sockets of this host, each with the
// service that its port is registered for and the processes that hold it.
//
// The command holds no knowledge of sockets. It gathers (a scan, or a saved
// report), has the sockets annotated, and has the report written; see
// the packages scanner, annotate and report.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/whatslistening/whatslistening/report"
)

// The exit codes.
const (
	exitClean      = 0 // done
	exitFindings   = 1 // an audit found something, with --exit-code nothing matched, or with --verify a socket is hidden
	exitUsage      = 2 // the command line or a file that it names is wrong
	exitFailed     = 3 // nothing could be scanned, or the result not written
	exitIncomplete = 4 // with --strict: the report does not show everything; a report of a fleet was left out
)

func main() {
	// A reader that has seen enough (| head -1) is no reason to die by a
	// signal: the write gives EPIPE instead, which writeError drops.
	signal.Ignore(syscall.SIGPIPE)
	err := run(context.Background(), os.Getenv, os.Stdin, os.Stdout, os.Stderr, os.Args[1:])
	os.Exit(exitCode(err))
}

// run is the whole command: it does what args say and returns nil, or what it
// has already told the user on stderr, with the exit code (see [exitCode]).
func run(ctx context.Context, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer, args []string) error {
	a := &app{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	cmd := newRoot(a, args)
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	out := &sink{w: stdout} // of help and completions, which have no error to return
	cmd.SetOut(out)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		err = writeError(out.err)
	}
	if err != nil {
		a.complain(err)
	}
	return err
}

// An app is what the command takes from the world around it.
type app struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// complain tells the user of err, and of its hint where it has one.
func (a *app) complain(err error) {
	if text := err.Error(); text != "" {
		a.say("%s", text)
	}
	var e *exitError
	if errors.As(err, &e) && e.hint != "" {
		a.hint("%s", e.hint)
	}
}

// hint writes what the user may do next.
func (a *app) hint(format string, args ...any) {
	fmt.Fprintf(a.stderr, "hint: %s\n", report.Message(fmt.Sprintf(format, args...)))
}

// say writes a line of diagnostics.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.stderr, "whatslistening: %s\n", report.Message(fmt.Sprintf(format, args...)))
}

// An exitError is an error that carries the exit code. With a nil err it is
// silent.
type exitError struct {
	code int
	err  error
	hint string // the next step; may be empty
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exitCode returns the exit code that travels in err. An error without one is
// an error of the command line: those come from the parser of the flags.
func exitCode(err error) int {
	if err == nil {
		return exitClean
	}
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitUsage
}

// usageError is a mistake on the command line or in a file that it names.
func usageError(hint string, format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...), hint: hint}
}

// failure is an error that the user's wording has no part in.
func failure(hint string, format string, args ...any) error {
	return &exitError{code: exitFailed, err: fmt.Errorf(format, args...), hint: hint}
}
