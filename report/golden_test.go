package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestGolden writes every report of testdata in every format and compares with
// the file of that name and format. The reports themselves are the golden files
// of the format json, so that to read and to write them is the same to the byte.
func TestGolden(t *testing.T) {
	for _, path := range reports(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		data := readFile(t, path)
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			t.Errorf("Read(%s) = %v", path, err)
			continue
		}
		for _, f := range Formats() {
			if f == SARIF || f == JUnit {
				continue // of findings, which these have not
			}
			t.Run(name+"/"+f.String(), func(t *testing.T) {
				got := written(t, r, f)
				checkShown(t, f, got)
				if f == HTML {
					got = pageAlone(t, got)
				}
				checkGolden(t, strings.TrimSuffix(path, "json")+f.String(), got)
			})
		}
	}
}

// reports are the reports of testdata.
func reports(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no reports in testdata (%v)", err)
	}
	return paths
}

// checkGolden compares got with the file at path, or rewrites it.
func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := readFile(t, path)
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is written now (-file +now):\n%s", path, cmp.Diff(string(want), string(got)))
	}
}

// checkShown fails where the output of a format holds what a terminal obeys or
// a reader cannot see.
func checkShown(t tester, f Format, out []byte) {
	t.Helper()
	if !utf8.Valid(out) {
		t.Errorf("%s: not UTF-8", f)
	}
	for i, r := range string(out) {
		if r == '\n' || f == CSV && r == '\r' {
			continue
		}
		if r < ' ' || r == 0x7f || r > 0x7f && !visible(r) {
			t.Errorf("%s: %U at byte %d, in %.80q", f, r, i, out[max(0, i-40):])
			return
		}
	}
}

// A tester is what a check needs of a test, of testing or of rapid.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// written returns r in the format f.
func written(t tester, r *Report, f Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, f, nil); err != nil {
		t.Fatalf("Write(%s) = %v", f, err)
	}
	return b.Bytes()
}

// readReport returns the report of testdata with that name.
func readReport(t testing.TB, name string) *Report {
	t.Helper()
	r, err := Read(bytes.NewReader(readFile(t, filepath.Join("testdata", name+".json"))))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGoldenValid holds every golden file of data against docs/schema.json.
func TestGoldenValid(t *testing.T) {
	v := newValidator(t)
	for _, path := range reports(t) {
		v.check(t, "report", readFile(t, path))
		v.checkLines(t, "line", readFile(t, path+"l"))
	}
}
