package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// deliver writes data to stdout.
func (a *app) deliver(data []byte) error {
	_, err := a.stdout.Write(data)
	return writeError(err)
}

// output has write fill the file at path, or stdout where path is empty or "-".
// An error of write's own is a mistake in what was asked for.
func (a *app) output(path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		s := sink{w: a.stdout}
		err := write(&s)
		switch {
		case s.err != nil:
			return writeError(s.err)
		case err != nil:
			return usageError("", "%w", err)
		}
		return nil
	}
	if err := checkTarget(path); err != nil {
		return err
	}
	var own error // write's, not the file's
	err := replaceFile(path, func(w io.Writer) error {
		s := sink{w: w}
		if err := write(&s); s.err == nil {
			own = err
		}
		return errors.Join(own, s.err)
	})
	switch {
	case own != nil:
		return usageError("", "%w", own)
	case err != nil:
		return fileError(path, err)
	}
	return nil
}

// fileError is err of writing to the file at path. The system speaks of the
// temporary file beside it, which means nothing to the user.
func fileError(path string, err error) error {
	why, hint := err, ""
	var pe *fs.PathError
	var le *os.LinkError // of the rename
	switch {
	case errors.As(err, &pe):
		why = pe.Err
	case errors.As(err, &le):
		why = le.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(path)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			why, hint = fmt.Errorf("the folder %q does not exist", dir), "make the folder first"
		}
	case errors.Is(err, fs.ErrPermission):
		hint = "name a file in a folder that you can write to"
	case errors.Is(err, syscall.ENOSPC):
		hint = "make room: what was there before is still there"
	}
	return failure(hint, "write %q: %w", path, why)
}

// A sink remembers why a write failed, so that this can be told apart from
// what else a writer of reports may complain of.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// checkTarget refuses a target that is not a regular file: a name that someone
// else planted as a symbolic link, a FIFO or a device must not decide where a
// report of root's goes. A hard link needs no care, for the file is replaced
// and never written through.
func checkTarget(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fileError(path, err)
	}
	kind := ""
	switch m := fi.Mode(); {
	case m.IsRegular():
		return nil
	case m.IsDir():
		kind = "a folder"
	case m&fs.ModeSymlink != 0:
		kind = "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		kind = "a FIFO"
	default:
		kind = "not a regular file"
	}
	return usageError("name a new or a regular file, or leave --output-file out to write to standard output",
		"output file %q is %s", path, kind)
}

// writeError is err of a write to stdout, without the one that is none: the
// reader of the pipe has gone because it has seen enough.
func writeError(err error) error {
	if err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return failure("", "write to standard output: %w", err)
}
