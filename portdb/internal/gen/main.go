// Command gen makes portdb's embedded table from IANA's registry, the appendix
// and the hand-kept layers:
//
//	go run ./portdb/internal/gen -iana service-names-port-numbers.csv
//
// It reads the files that it is given and nothing else, and makes the same
// bytes from the same files. -iana takes the CSV file as IANA publishes it. Rows
// that changed since may come in further files with -changes, which need no
// more columns than the service's name, port, transport and description.
// Without -appendix the appendix is taken over from the table that is there.
// -check writes nothing, and fails where the table is not what the files give.
//
// -data gives a folder in place of these three: in it stand
// iana/service-names-port-numbers.csv, and where there are any
// iana/changes-to-*.csv and appendix/*.txt.
package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "gen:", err)
		}
		os.Exit(1)
	}
}

// options are the paths of the inputs and of the table.
type options struct {
	iana, appendix, common, programs, out string

	changes []string // in the order in which they apply

	date  string // of the registry; "" means as the inputs say
	check bool
}

func run(args []string, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.iana, "iana", "", "IANA's registry, its CSV `file`")
	flags.Func("changes", "CSV `file` of rows that changed since (may be repeated)", func(path string) error {
		o.changes = append(o.changes, path)
		return nil
	})
	data := flags.String("data", "", "`folder` of -iana, -changes and -appendix")
	flags.StringVar(&o.appendix, "appendix", "", "the appendix's text `file` (default: the appendix in the present table)")
	flags.StringVar(&o.common, "common", "portdb/common.tsv", "the common layer's `file`")
	flags.StringVar(&o.programs, "programs", "portdb/programs.tsv", "the programs' `file`")
	flags.StringVar(&o.out, "o", "portdb/table.bin", "the table's `file`")
	flags.StringVar(&o.date, "date", "", "the registry's `date`, as 2026-09-17 (default: as in the name of the last changes file, or the newest date in the registry)")
	flags.BoolVar(&o.check, "check", false, "write nothing, and fail where the table is stale")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *data != "" {
		if err := o.find(*data); err != nil {
			return err
		}
	}
	if o.iana == "" || flags.NArg() > 0 {
		return errors.New("want -iana FILE or -data FOLDER; see -help")
	}
	made, err := generate(&o)
	if err != nil {
		return err
	}
	if !o.check {
		return os.WriteFile(o.out, []byte(made), 0o644)
	}
	present, err := os.ReadFile(o.out)
	if err != nil {
		return err
	}
	if string(present) != string(made) {
		return fmt.Errorf("%s is stale: run make generate", o.out)
	}
	return nil
}

// find sets the inputs that the flags leave open to those in the folder dir.
func (o *options) find(dir string) error {
	o.iana = cmp.Or(o.iana, filepath.Join(dir, "iana", "service-names-port-numbers.csv"))
	changes, err := filepath.Glob(filepath.Join(dir, "iana", "changes-to-*.csv"))
	if err != nil {
		return err
	}
	if len(o.changes) == 0 {
		o.changes = changes // sorted, which is by date
	}
	appendix, err := filepath.Glob(filepath.Join(dir, "appendix", "*.txt"))
	if err != nil {
		return err
	}
	if len(appendix) > 1 && o.appendix == "" {
		return fmt.Errorf("more than one appendix: %q", appendix)
	}
	if len(appendix) == 1 {
		o.appendix = cmp.Or(o.appendix, appendix[0])
	}
	return nil
}

// An input is a file and its line in the head of the table.
type input struct {
	name, provenance string
	data             []byte
}

func read(path string) (input, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return input{}, err
	}
	base := filepath.Base(path)
	return input{path, fmt.Sprintf("%x  %s", sha256.Sum256(data), base), bytes.TrimPrefix(data, []byte("\ufeff"))}, nil
}

// generate makes the table.
func generate(o *options) (table.Table, error) {
	var reg table.Registry
	in, err := read(o.iana)
	if err != nil {
		return "", err
	}
	reg.Inputs = append(reg.Inputs, in.provenance)
	rows, newest, err := parseIANA(in.data, in.name)
	if err != nil {
		return "", err
	}
	for _, path := range o.changes {
		if in, err = read(path); err != nil {
			return "", err
		}
		reg.Inputs = append(reg.Inputs, in.provenance)
		changes, _, err := parseIANA(in.data, in.name)
		if err != nil {
			return "", err
		}
		rows = apply(rows, changes)
	}
	if reg.Date, err = registryDate(o, newest); err != nil {
		return "", err
	}
	for i := range rows {
		reg.IANA = append(reg.IANA, rows[i].packed())
	}

	if o.appendix == "" {
		err = keepAppendix(&reg, o.out)
	} else if in, err = read(o.appendix); err == nil {
		reg.Inputs = append(reg.Inputs, appendixMark+in.provenance)
		reg.Appendix, err = parseAppendix(in.data, in.name, reg.IANA)
	}
	if err != nil {
		return "", err
	}

	if in, err = read(o.common); err != nil {
		return "", err
	}
	reg.Inputs = append(reg.Inputs, in.provenance)
	if reg.Common, err = parseCommon(in.data, in.name); err != nil {
		return "", err
	}
	if in, err = read(o.programs); err != nil {
		return "", err
	}
	reg.Inputs = append(reg.Inputs, in.provenance)
	if reg.Programs, err = parsePrograms(in.data, in.name, &reg); err != nil {
		return "", err
	}
	return table.Encode(&reg)
}

// registryDate returns the date to which the inputs bring the registry.
func registryDate(o *options, newest string) (string, error) {
	date := o.date
	if n := len(o.changes); n > 0 && date == "" {
		base := filepath.Base(o.changes[n-1])
		if date = regexp.MustCompile(`\d{4}-\d\d-\d\d`).FindString(base); date == "" {
			return "", fmt.Errorf("the name %q of the changes has no date: give -date", base)
		}
	}
	date = cmp.Or(date, newest)
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return "", fmt.Errorf("registry date %q: want it as 2026-09-17; give -date", date)
	}
	return date, nil
}

// appendixMark starts the line of the appendix in the head, so that the line
// can be told from the others when the appendix is taken over.
const appendixMark = "appendix "

// keepAppendix takes the appendix over from the table in the file at path.
func keepAppendix(reg *table.Registry, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("no -appendix, and no table to take it from: %w", err)
	}
	present, err := table.Open(data)
	if err != nil {
		return fmt.Errorf("no -appendix, and %s: %w", path, err)
	}
	for line := range strings.Lines(present.Head()) {
		if strings.HasPrefix(line, appendixMark) {
			reg.Inputs = append(reg.Inputs, strings.TrimSuffix(line, "\n"))
		}
	}
	iana, appendix, _ := present.Layers()
	for n := range appendix {
		reg.Appendix = append(reg.Appendix, present.Row(iana+n))
	}
	return nil
}
