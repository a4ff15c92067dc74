//go:build !windows

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// openNoWait opens a file for reading without waiting for the other end of a
// FIFO.
func openNoWait(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

// distrust returns who, apart from root, can change what is read from the open
// file fi at path, or chose it: the file itself, a folder on the way to it, or a
// link there. It returns the empty string where nobody can.
func distrust(path string, fi fs.FileInfo) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	const maxLinks = 40 // as the kernel: path_resolution(7)
	var now fs.FileInfo
	at, names, links, shared := "/", strings.Split(abs, "/"), 0, false
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		p := filepath.Join(at, name)
		if now, err = os.Lstat(p); err != nil {
			return "", err
		}
		st, ok := now.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Sprintf("the owner of %q is not known", p), nil
		}
		isLink := now.Mode()&fs.ModeSymlink != 0
		who := writers(p, now.Mode(), st)
		switch {
		case !now.IsDir() && st.Nlink > 1 && shared:
			return fmt.Sprintf("%q has other names, and everyone can give it one in its folder", p), nil
		case isLink && st.Uid == 0: // its own mode means nothing
		case who == "":
			shared = false
		// In a folder as /tmp nobody else can replace what root has in there.
		case st.Uid == 0 && now.IsDir() && now.Mode()&fs.ModeSticky != 0:
			shared = true
		default:
			return who, nil
		}
		if !isLink {
			at = p
			continue
		}
		target, err := os.Readlink(p)
		if err != nil {
			return "", err
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "follow", Path: p, Err: syscall.ELOOP}
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		names = append(strings.Split(target, "/"), names...)
	}
	if now, err = os.Lstat(at); err != nil {
		return "", err
	}
	if !os.SameFile(now, fi) {
		return fmt.Sprintf("%q was replaced while it was read", at), nil
	}
	return "", nil
}

// writers returns who, apart from root, can write to the file or folder at
// path; the empty string where nobody can. The group's right is also the mask
// of an access control list, which may name anyone (acl(5)), so that it counts
// whichever the group is.
func writers(path string, mode fs.FileMode, st *syscall.Stat_t) string {
	switch {
	case st.Uid != 0:
		return fmt.Sprintf("%q belongs to uid %d", path, st.Uid)
	case mode.Perm()&0o002 != 0:
		return fmt.Sprintf("%q can be written by everyone", path)
	case mode.Perm()&0o020 != 0:
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
