package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/whatslistening/whatslistening/audit"
)

// policyFolder holds the approval register of this host, read where no other is
// named.
const policyFolder = "/etc/whatslistening/policy.d"

// A registerFile is a file of the register as it was read.
type registerFile struct {
	path string
	data []byte
}

// policy reads the approval register at paths, files and folders of *.yaml
// files, in their order; that of the host where there are none, and nil where
// it has none. The files are those read, to the byte. Every problem that it has
// is told before the error.
func (a *app) policy(paths []string) (all *audit.Policy, files []registerFile, err error) {
	names, err := policyFiles(paths)
	if err != nil || names == nil {
		return nil, nil, err
	}
	var policies []*audit.Policy
	var bad []audit.Problem
	more := 0
	for _, path := range names {
		data, err := readTrusted(path, audit.MaxPolicySize, policyFolder)
		if err != nil {
			var e *exitError
			if errors.As(err, &e) {
				return nil, nil, err
			}
			return nil, nil, usageError("", "register: %w", err)
		}
		files = append(files, registerFile{path, data})
		p, err := audit.ParsePolicy(path, data)
		var problems *audit.PolicyError
		if errors.As(err, &problems) {
			bad, more = append(bad, problems.Problems...), more+problems.More
			continue
		}
		policies = append(policies, p)
	}
	if bad == nil {
		all, err := audit.Join(policies...)
		var problems *audit.PolicyError
		if !errors.As(err, &problems) {
			return all, files, err
		}
		bad = problems.Problems
	}
	for i := range bad {
		a.say("%s", bad[i].String())
		// A hint for several lines one after the other stands below the last.
		if h := bad[i].Hint; h != "" && (i == len(bad)-1 || bad[i+1].Hint != h) {
			a.hint("%s", h)
		}
	}
	if more > 0 {
		a.say("and %d more", more)
	}
	return nil, nil, &exitError{code: exitUsage}
}

// noRegister is the error where a register is needed and there is none.
func noRegister() error {
	return usageError(fmt.Sprintf("name one with --policy, or write a first one: whatslistening audit --init >%s", filepath.Join(policyFolder, "10-host.yaml")),
		"there is no register: %q does not exist", policyFolder)
}

// policyFiles returns the files of the register at paths; nil where none is
// named and the host has none.
func policyFiles(paths []string) ([]string, error) {
	if len(paths) == 0 {
		if _, err := os.Stat(policyFolder); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		paths = []string{policyFolder}
	}
	var files []string
	for _, path := range paths {
		fi, err := os.Stat(path)
		var pe *fs.PathError
		if errors.As(err, &pe) {
			return nil, usageError("--policy names a file, or a folder of *.yaml files", "register: %q: %w", path, pe.Err)
		}
		if err != nil {
			return nil, usageError("", "register: %q: %w", path, err)
		}
		list := []string{path}
		if fi.IsDir() {
			if list, err = filesIn(path); err != nil {
				return nil, err
			}
		}
		files = append(files, list...)
	}
	return files, namedTwice(files)
}

// namedTwice returns an error where two of files are one: each of its entries
// would be hidden by itself.
func namedTwice(files []string) error {
	had := make(map[string]bool, len(files))
	for _, path := range files {
		clean := filepath.Clean(path)
		if had[clean] {
			return usageError("name it once: a folder stands for all its *.yaml files", "register: %q is named twice", path)
		}
		had[clean] = true
	}
	return nil
}

// filesIn returns the *.yaml files of a folder, by name. Hidden files are left
// out; a *.yml file is refused, for it was meant to be read. Read by root, the
// folder must be one that nobody else can change.
func filesIn(dir string) ([]string, error) {
	if os.Geteuid() == 0 {
		who, err := distrustFolder(dir)
		if err != nil {
			return nil, usageError("", "register: %w", err)
		}
		if who != "" {
			return nil, usageError("run chown root and chmod go-w on it, or keep the files in "+policyFolder, "%q cannot be trusted by root: %s", dir, who)
		}
	}
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, usageError("", "register: %w", err)
	}
	var files []string
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."):
		case strings.HasSuffix(name, ".yml"):
			return nil, usageError("call it *.yaml, or give it another ending to leave it out", "register: %q would not be read", filepath.Join(dir, name))
		case strings.HasSuffix(name, ".yaml"):
			files = append(files, filepath.Join(dir, name))
		}
	}
	if files == nil {
		return nil, usageError("whatslistening audit --init writes a first one", "register: no *.yaml file in %q", dir)
	}
	return files, nil
}
