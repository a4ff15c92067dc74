package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/whatslistening/whatslistening/portdb"
)

// localServices is the operator's own registry, read where it exists.
const localServices = "/etc/whatslistening/services"

// maxServices bounds a services(5) file, in bytes. Debian's has 13 thousand.
const maxServices = 4 << 20

// registry is the embedded registry with the operator's own file over it: the
// one that --ports names, or else [localServices].
func (a *app) registry(ports string) (*portdb.DB, error) {
	db := portdb.Default()
	path := ports
	if path == "" {
		path = localServices
	}
	data, err := readTrusted(path, maxServices, localServices)
	switch {
	case err == nil:
	case ports == "" && errors.Is(err, fs.ErrNotExist):
		return db, nil
	case ports == "" && errors.Is(err, fs.ErrPermission):
		a.say("ports file: %v: going on without it", err)
		return db, nil
	default:
		var e *exitError
		if errors.As(err, &e) {
			return nil, err
		}
		return nil, usageError("", "ports file: %w", err)
	}
	entries, err := portdb.ParseServices(bytes.NewReader(data), path)
	if err != nil {
		return nil, usageError("a line is NAME PORT/PROTOCOL [ALIAS...] [# DESCRIPTION], as in services(5)", "ports file: %w", err)
	}
	return db.WithLocal(entries), nil
}

// readTrusted reads a regular file of at most limit bytes. A FIFO, a device or
// a huge file is refused and never waited for. Read by root, the file must be
// one that nobody else can change (see [distrust]); usual is where such a file
// is safe.
func readTrusted(path string, limit int64, usual string) ([]byte, error) {
	f, err := openNoWait(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case fi.IsDir():
		return nil, fmt.Errorf("%q is a folder", path)
	case !fi.Mode().IsRegular():
		return nil, fmt.Errorf("%q is not a regular file", path)
	case fi.Size() > limit:
		return nil, fmt.Errorf("%q has %d bytes: the most is %d", path, fi.Size(), limit)
	}
	if os.Geteuid() == 0 {
		who, err := distrust(path, fi)
		if err != nil {
			return nil, err
		}
		if who != "" {
			return nil, usageError("run chown root and chmod go-w on it, or keep the file at "+usual,
				"%q cannot be trusted by root: %s", path, who)
		}
	}
	// A file that grows meanwhile is cut off here, and /proc's files, which
	// say that they are empty, are bounded too.
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%q has more than %d bytes", path, limit)
	}
	return data, err
}
