package main

import (
	"io"
	"os"
	"path/filepath"
)

// replaceFile has write fill the file at path: a temporary file beside it,
// flush, rename. Who may read it is up to the rights of the folder.
func replaceFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".whatslistening-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails, as it should, once the file is in its place
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
