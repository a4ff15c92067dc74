package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/whatslistening/whatslistening/report"
)

// evidenceSchema names the shape of a manifest.
const evidenceSchema = "whatslistening-evidence/1"

// manifestName is the file of an evidence folder that speaks of the others.
const manifestName = "manifest.json"

// baselineName is the file of an evidence folder with the baseline.
const baselineName = "baseline.json"

// evidenceStatement stands in every manifest.
const evidenceStatement = "Supports evidence for the controls that the findings and rules name. " +
	"It says what was found at that time, and not that the host meets them."

// A manifest says what the files of an evidence folder are, and how they came
// about.
type manifest struct {
	Schema    string `json:"schema"`
	Statement string `json:"statement"`
	Tool      string `json:"tool"`     // the version
	Registry  string `json:"registry"` // the date
	// Time is when the host was looked at; Written when the evidence was.
	Time    time.Time    `json:"time"`
	Written time.Time    `json:"written"`
	Host    manifestHost `json:"host"`
	// Flags are those that the command was given, by name.
	Flags map[string][]string `json:"flags"`
	// Exit is the exit code of the audit, and Why the reason.
	Exit     int            `json:"exit"`
	Why      string         `json:"why"`
	Complete bool           `json:"complete"` // whether everything could be seen
	Files    []manifestFile `json:"files"`
}

type manifestHost struct {
	Name   string `json:"name"`
	OS     string `json:"os"`
	Kernel string `json:"kernel"`
	BootID string `json:"boot_id"`
}

// A manifestFile is a file of the evidence. Source is the file of the host that
// it is the bytes of, "-" for standard input; empty for what the audit wrote.
type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Source string `json:"source,omitempty"`
}

// An exhibit is a file of the evidence before it is written.
type exhibit struct {
	name, source string
	data         []byte
}

// evidence writes the evidence of an audit into a folder of its own below the
// one asked for, and returns its path and the SHA-256 of its manifest. The
// folder has its name once all of it is on the disk.
func (a *app) evidence(cmd *cobra.Command, f *auditFlags, r *report.Report, register []registerFile, out *report.Outcome) (path, sum string, err error) {
	m := &manifest{
		Schema: evidenceSchema, Statement: evidenceStatement, Tool: r.Tool, Registry: r.Registry,
		Time: r.Time, Written: time.Now().UTC().Truncate(time.Second),
		Host:  manifestHost{report.Escape(r.Host.Name), r.Host.OS, report.Escape(r.Host.Kernel), r.Host.BootID},
		Flags: map[string][]string{}, Exit: out.Code, Why: out.Why, Complete: r.Coverage.Complete,
	}
	cmd.Flags().Visit(func(f *pflag.Flag) { m.Flags[f.Name] = flagValues(f) })
	exhibits, err := exhibitsOf(r, register, f.kept, out)
	if err != nil {
		return "", "", failure("", "evidence: %w", err)
	}
	for _, e := range exhibits {
		m.Files = append(m.Files, manifestFile{e.name, int64(len(e.data)), sha256Of(e.data), report.Escape(e.source)})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		return "", "", failure("", "evidence: %w", err)
	}
	exhibits = append(exhibits, exhibit{name: manifestName, data: b.Bytes()})
	path, err = writeEvidence(f.evidence, evidenceName(r), exhibits)
	return path, sha256Of(b.Bytes()), err
}

// flagValues returns the values that a flag was given, as text that hides
// nothing.
func flagValues(f *pflag.Flag) []string {
	list := []string{f.Value.String()}
	if s, ok := f.Value.(pflag.SliceValue); ok {
		list = s.GetSlice()
	}
	for i := range list {
		list[i] = report.Escape(list[i])
	}
	return list
}

// evidenceFormats are the reports of the evidence.
var evidenceFormats = [...]struct {
	name   string
	format report.Format
}{
	{"report.json", report.JSON},
	{"report.html", report.HTML},
	{"summary.txt", report.Table},
	{"findings.sarif", report.SARIF},
}

// exhibitsOf returns the files of the evidence, without the manifest; baseline is
// nil for none.
func exhibitsOf(r *report.Report, register []registerFile, baseline *exhibit, out *report.Outcome) ([]exhibit, error) {
	var list []exhibit
	for _, f := range evidenceFormats {
		var b bytes.Buffer
		if err := report.WriteFindings(&b, r, f.format, &report.Options{Outcome: out, All: true}); err != nil {
			return nil, err
		}
		list = append(list, exhibit{name: f.name, data: b.Bytes()})
	}
	for i, f := range register {
		name := fmt.Sprintf("register-%02d-%s", i+1, plainName(filepath.Base(f.path), "register.yaml"))
		list = append(list, exhibit{name, f.path, f.data})
	}
	if baseline != nil {
		list = append(list, *baseline)
	}
	return list, nil
}

// evidenceName returns the name of the folder: HOST-TIME, in letters that every
// filesystem and shell takes.
func evidenceName(r *report.Report) string {
	return plainName(r.Host.Name, "host") + "-" + r.Time.UTC().Format("20060102T150405Z")
}

// plainName returns s with letters, digits, dots, "-" and "_" alone, the first
// no dot and no "-"; fallback where nothing is left.
func plainName(s, fallback string) string {
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, s)
	s = strings.TrimLeft(s[:min(len(s), 100)], ".-")
	if s == "" {
		return fallback
	}
	return s
}

func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeEvidence writes exhibits into the new folder name of dir. They are
// written into a hidden folder, which is renamed when all are on the disk: a
// folder of that name is whole, or is not there.
func writeEvidence(dir, name string, exhibits []exhibit) (path string, err error) {
	root, err := openEvidence(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	hidden := ""
	for try := 1; ; try++ {
		hidden = fmt.Sprintf(".%s.%d-%d.part", name, os.Getpid(), try)
		if err = root.Mkdir(hidden, 0o700); !errors.Is(err, fs.ErrExist) || try == 100 {
			break
		}
	}
	if err != nil {
		return "", failure("", "evidence: %w", err)
	}
	defer func() {
		if err != nil {
			_ = root.RemoveAll(hidden)
		}
	}()
	if err := fill(root, hidden, exhibits); err != nil {
		return "", failure("", "evidence: %w", err)
	}
	for n := 1; ; n++ {
		last := name
		if n > 1 {
			last = fmt.Sprintf("%s-%d", name, n)
		}
		// A name that is taken stays whose it is: rename(2) would replace an
		// empty folder.
		if _, err = root.Lstat(last); err == nil && n < 100 {
			continue
		}
		if err == nil {
			err = fs.ErrExist
		} else if err = root.Rename(hidden, last); err == nil {
			syncFolder(root, ".")
			return filepath.Join(dir, last), nil
		}
		return "", failure("", "evidence: %q: %w", last, err)
	}
}

// fill writes exhibits into the folder name of root, onto the disk.
func fill(root *os.Root, name string, exhibits []exhibit) error {
	for _, e := range exhibits {
		f, err := root.OpenFile(filepath.Join(name, e.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(e.data)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	syncFolder(root, name)
	return nil
}

// syncFolder puts the names in a folder on the disk. Some filesystems cannot say
// so.
func syncFolder(root *os.Root, name string) {
	if d, err := root.Open(name); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// openEvidence opens the folder that evidence is kept in, and makes it where it
// does not exist. It is no symbolic link, and for root one that nobody else can
// write to: who can would choose what an auditor is shown.
func openEvidence(dir string) (*os.Root, error) {
	const hint = "name a folder of your own, /var/lib/whatslistening say"
	fi, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, usageError(hint, "evidence: %w", err)
		}
		fi, err = os.Lstat(dir)
	}
	switch {
	case err != nil:
		return nil, usageError(hint, "evidence: %w", err)
	case fi.Mode()&fs.ModeSymlink != 0:
		return nil, usageError(hint, "evidence: %q is a symbolic link", dir)
	case !fi.IsDir():
		return nil, usageError(hint, "evidence: %q is no folder", dir)
	}
	if os.Geteuid() == 0 {
		who, err := distrustFolder(dir)
		if err != nil {
			return nil, usageError(hint, "evidence: %w", err)
		}
		if who != "" {
			return nil, usageError(hint, "evidence: %q cannot be trusted by root: %s", dir, who)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, usageError(hint, "evidence: %w", err)
	}
	if now, err := root.Stat("."); err != nil || !os.SameFile(now, fi) {
		root.Close()
		return nil, usageError(hint, "evidence: %q was replaced meanwhile", dir)
	}
	return root, nil
}
