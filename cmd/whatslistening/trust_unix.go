//go:build !windows

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// openNoWait opens a file for reading without waiting for the other end of a
// FIFO.
func openNoWait(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

// distrust returns who, apart from root, can change what is read from the open
// file fi at path: the file itself, or a folder on the way to it. It returns
// the empty string where nobody can.
func distrust(path string, fi fs.FileInfo) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", err
	}
	now, err := os.Lstat(real)
	if err != nil {
		return "", err
	}
	if !os.SameFile(now, fi) {
		return fmt.Sprintf("%q was replaced while it was read", real), nil
	}
	for p := real; ; p = filepath.Dir(p) {
		if p != real {
			if now, err = os.Lstat(p); err != nil {
				return "", err
			}
		}
		st, ok := now.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Sprintf("the owner of %q is not known", p), nil
		}
		// In a folder as /tmp nobody else can replace what root has in there.
		sticky := now.IsDir() && now.Mode()&fs.ModeSticky != 0
		if who := writers(p, now.Mode(), st); who != "" && (st.Uid != 0 || !sticky) {
			return who, nil
		}
		if p == filepath.Dir(p) {
			return "", nil
		}
	}
}

// writers returns who, apart from root, can write to the file or folder at
// path; the empty string where nobody can.
func writers(path string, mode fs.FileMode, st *syscall.Stat_t) string {
	switch {
	case st.Uid != 0:
		return fmt.Sprintf("%q belongs to uid %d", path, st.Uid)
	case mode.Perm()&0o002 != 0:
		return fmt.Sprintf("%q can be written by everyone", path)
	case mode.Perm()&0o020 != 0 && st.Gid != 0:
		return fmt.Sprintf("%q can be written by gid %d", path, st.Gid)
	}
	return ""
}

// distrustFolder returns who, apart from root, can put files into the folder
// dir, or take its place; the empty string where nobody can. A link that someone
// else put there would choose among root's own files.
func distrustFolder(dir string) (string, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		if who := writers(dir, fi.Mode(), st); who != "" {
			return who, nil
		}
	}
	return distrust(dir, fi)
}
