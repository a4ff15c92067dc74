package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/whatslistening/whatslistening/report"
)

// checkEvidence says whether the evidence in dir is as it was written: every
// file of the manifest, and no other.
func (a *app) checkEvidence(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return usageError("", "evidence: %w", err)
	}
	defer root.Close()
	data, err := readManifest(root)
	if err != nil {
		return usageError("name the folder with the "+manifestName, "evidence: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return usageError("", "evidence: %s: %w", manifestName, err)
	}
	if m.Schema != evidenceSchema {
		return usageError("", "evidence: %s has the schema %q, not %q", manifestName, m.Schema, evidenceSchema)
	}
	bad := 0
	wrong := func(format string, args ...any) {
		a.say("evidence: "+format, args...)
		bad++
	}
	known := map[string]bool{manifestName: true}
	for _, f := range m.Files {
		known[f.Name] = true
		switch size, sum, err := measure(root, f.Name); {
		case err != nil:
			wrong("%v", err)
		case size != f.Size:
			wrong("%q has %d bytes, and had %d", f.Name, size, f.Size)
		case sum != f.SHA256:
			wrong("%q is not what was written: its SHA-256 is %s, and was %q", f.Name, sum, f.SHA256)
		}
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return failure("", "evidence: %w", err)
	}
	for _, e := range entries {
		if !known[e.Name()] {
			wrong("%q is not in the manifest", e.Name())
		}
	}
	if bad > 0 {
		return &exitError{code: exitFindings}
	}
	return a.deliver(fmt.Appendf(nil, "evidence of %s, %s: %d files, as they were written\nmanifest SHA-256 %s: is it the one that was noted?\n",
		report.Escape(m.Host.Name), m.Time.UTC().Format(time.RFC3339), len(m.Files), sha256Of(data)))
}

// maxManifest bounds a manifest that is read, in bytes.
const maxManifest = 1 << 20

// readManifest reads the manifest of an evidence folder.
func readManifest(root *os.Root) ([]byte, error) {
	f, err := openExhibit(root, manifestName)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(data) > maxManifest {
		err = fmt.Errorf("%q has more than %d bytes", manifestName, maxManifest)
	}
	return data, err
}

// measure returns the size and the SHA-256 of a file of an evidence folder.
func measure(root *os.Root, name string) (size int64, sum string, err error) {
	f, err := openExhibit(root, name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// openExhibit opens a file of an evidence folder: a regular one, for neither a
// link nor a FIFO was written there.
func openExhibit(root *os.Root, name string) (*os.File, error) {
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("%q is no name of a file of the folder", name)
	}
	fi, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !now.Mode().IsRegular() || !os.SameFile(fi, now) {
		f.Close()
		return nil, fmt.Errorf("%q is not a regular file", name)
	}
	return f, nil
}
