package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/portdb/internal/table"
)

// write makes a file in dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// folder lays out a small set of inputs, and returns the flags that read them.
func folder(t *testing.T) (dir string, flags []string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, "iana/service-names-port-numbers.csv", "\ufeff"+fullHeader+
		"ssh,22,tcp,Secure Shell,,,1995-07-10,2020-01-02,[RFC4251],,,\n,23-30,,Unassigned,,,,2019-05-06,,,,\n")
	write(t, dir, "iana/changes-to-2021-03-04.csv", "Service Name,Port Number,Transport Protocol,Description\nnew,25,tcp,New\n")
	write(t, dir, "appendix/list.txt", wellKnownHead+"22 SSH Remote Login Protocol\n"+registeredHead+"49151 IANA Reserved\n")
	flags = []string{
		"-common", write(t, dir, "common.tsv", "9090\ttcp\tprometheus\tPrometheus\twhy\n"),
		"-programs", write(t, dir, "programs.tsv", "sshd\tssh\twhy\n"),
		"-o", filepath.Join(dir, "table.bin"),
	}
	return dir, flags
}

func readTable(t *testing.T, dir string) table.Table {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "table.bin"))
	if err != nil {
		t.Fatal(err)
	}
	tab, err := table.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestRunMakesTheSameTableTwice(t *testing.T) {
	dir, flags := folder(t)
	flags = append(flags, "-data", dir)
	if err := run(flags, io.Discard); err != nil {
		t.Fatal(err)
	}
	first := readTable(t, dir)
	if iana, appendix, common := first.Layers(); iana != 4 || appendix != 2 || common != 1 || first.Date() != "2021-03-04" {
		t.Errorf("table of %s has %d, %d and %d rows, want 4, 2 and 1 of 2021-03-04", first.Date(), iana, appendix, common)
	}
	for _, want := range []string{
		"whatslistening registry 1 2021-03-04\n", "  service-names-port-numbers.csv\n", "  changes-to-2021-03-04.csv\n",
		"\nappendix ", "  list.txt\n", "  common.tsv\n", "  programs.tsv\n",
	} {
		if !strings.Contains(first.Head(), want) {
			t.Errorf("the head has no %q:\n%s", want, first.Head())
		}
	}
	if strings.Contains(first.Head(), dir) {
		t.Errorf("the head has the folder of the inputs:\n%s", first.Head())
	}
	if err := run(append(flags, "-check"), io.Discard); err != nil {
		t.Errorf("-check of a table just made: %v", err)
	}
	if err := run(flags, io.Discard); err != nil || readTable(t, dir) != first {
		t.Errorf("a second run made another table, or %v", err)
	}
	// The flags one by one read the same files.
	single := append(flags[:6:6], "-iana", filepath.Join(dir, "iana/service-names-port-numbers.csv"),
		"-changes", filepath.Join(dir, "iana/changes-to-2021-03-04.csv"), "-appendix", filepath.Join(dir, "appendix/list.txt"), "-check")
	if err := run(single, io.Discard); err != nil {
		t.Errorf("-check with the files named: %v", err)
	}
}

func TestCheckFindsAStaleTable(t *testing.T) {
	dir, flags := folder(t)
	flags = append(flags, "-data", dir)
	if err := run(append(flags, "-check"), io.Discard); err == nil {
		t.Error("-check without a table: no error")
	}
	if err := run(flags, io.Discard); err != nil {
		t.Fatal(err)
	}
	before := readTable(t, dir)
	write(t, dir, "common.tsv", "9091\ttcp\tprometheus\tPrometheus\twhy\n")
	err := run(append(flags, "-check"), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "table.bin is stale: run make generate") {
		t.Errorf("-check of a stale table: %v", err)
	}
	if readTable(t, dir) != before {
		t.Error("-check wrote the table")
	}
}

// TestRefresh reads IANA's download alone: the date is the newest in it, and the
// appendix stays.
func TestRefresh(t *testing.T) {
	dir, flags := folder(t)
	if err := run(append(flags, "-data", dir), io.Discard); err != nil {
		t.Fatal(err)
	}
	before := readTable(t, dir)
	download := write(t, dir, "download.csv", fullHeader+
		"ssh,22,tcp,Secure Shell,,,2030-07-10,2020-01-02,[RFC4251],,,\nold,,tcp,Old,,,,2031-13,,,,\n")
	flags = append(flags, "-iana", download)
	if err := run(flags, io.Discard); err != nil {
		t.Fatal(err)
	}
	got := readTable(t, dir)
	iana, appendix, _ := got.Layers()
	if got.Date() != "2030-07-10" || iana != 2 || appendix != 2 {
		t.Errorf("table of %s has %d and %d rows, want 2 and 2 of 2030-07-10", got.Date(), iana, appendix)
	}
	was, _, _ := before.Layers()
	for n := range appendix {
		if got.Row(iana+n) != before.Row(was+n) {
			t.Errorf("entry %d of the appendix = %+v, want %+v", n, got.Row(iana+n), before.Row(was+n))
		}
	}
	line := func(head string) string {
		_, rest, _ := strings.Cut(head, "\nappendix ")
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	if line(got.Head()) == "" || line(got.Head()) != line(before.Head()) {
		t.Errorf("the head lost where the appendix is from:\n%s", got.Head())
	}
	if err := run(append(flags, "-check"), io.Discard); err != nil {
		t.Errorf("-check after a refresh: %v", err)
	}
	if err := run(append(flags, "-date", "2032-01-01"), io.Discard); err != nil || readTable(t, dir).Date() != "2032-01-01" {
		t.Errorf("-date: %v, table of %s", err, readTable(t, dir).Date())
	}
}

func TestRunErrors(t *testing.T) {
	dir, flags := folder(t)
	iana := filepath.Join(dir, "iana/service-names-port-numbers.csv")
	dateless := write(t, dir, "changes.csv", "Service Name,Port Number,Transport Protocol,Description\n")
	undated := write(t, dir, "undated.csv", "Service Name,Port Number,Transport Protocol,Description\na,1,tcp,A\n")
	appendix := filepath.Join(dir, "appendix/list.txt")
	bad := write(t, dir, "bad.csv", "no header\n")
	two := t.TempDir()
	write(t, two, "appendix/a.txt", "")
	write(t, two, "appendix/b.txt", "")
	tests := []struct {
		name, want string
		args       []string
	}{
		{"nothing", "want -iana FILE or -data FOLDER", nil},
		{"a stray argument", "want -iana FILE", []string{"-iana", iana, "more"}},
		{"an unknown flag", "not defined", []string{"-url", "x"}},
		{"no such file", "no such file", []string{"-iana", "absent.csv"}},
		{"not IANA's file", `bad.csv:1: the header has no column`, []string{"-iana", bad}},
		{"no table to take the appendix from", "no -appendix, and no table", []string{"-iana", iana}},
		{"changes without a date", `the name "changes.csv" of the changes has no date`, []string{"-iana", iana, "-changes", dateless}},
		{"bad changes", `bad.csv:1: the header`, []string{"-iana", iana, "-changes", bad}},
		{"no date at all", `registry date ""`, []string{"-iana", undated, "-appendix", appendix}},
		{"a bad date", `registry date "2026-13-40"`, []string{"-iana", iana, "-date", "2026-13-40"}},
		{"bad appendix", "a part is missing", []string{"-iana", iana, "-appendix", bad}},
		{"two appendices", "more than one appendix", []string{"-data", two}},
		{"no common layer", "no such file", []string{"-data", dir, "-common", "absent.tsv"}},
		{"bad common layer", "bad.csv:1: 1 cells", []string{"-data", dir, "-common", bad}},
		{"bad programs", "bad.csv:1: 1 cells", []string{"-data", dir, "-programs", bad}},
		{"no programs", "no such file", []string{"-data", dir, "-programs", "absent.tsv"}},
	}
	for _, tt := range tests {
		err := run(append(flags[:6:6], tt.args...), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: run(%q): %v, want the error %s", tt.name, tt.args, err, tt.want)
		}
	}
	write(t, dir, "table.bin", "something else")
	if err := run(append(flags, "-iana", iana), io.Discard); err == nil || !strings.Contains(err.Error(), "not a table of this version") {
		t.Errorf("the appendix of another file: %v", err)
	}
}

// TestCommittedTableIsCurrent makes the table anew from the files that it was
// made from.
func TestCommittedTableIsCurrent(t *testing.T) {
	const data = "../../../../shared/data"
	if _, err := os.Stat(data); err != nil {
		t.Skipf("the registry's files are not here: %v", err)
	}
	err := run([]string{
		"-data", data, "-common", "../../common.tsv", "-programs", "../../programs.tsv", "-o", "../../table.bin", "-check",
	}, io.Discard)
	if err != nil {
		t.Error(err)
	}
}
