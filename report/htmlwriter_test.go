package report

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// byTemplate writes a page as html/template does, out of the same templates.
func byTemplate(t *testing.T, name string, page any) string {
	t.Helper()
	parsed := template.New("shell").Funcs(template.FuncMap{
		"style":  func(s trusted) template.CSS { return template.CSS(s) },
		"script": func(s trusted) template.JS { return template.JS(s) },
	})
	// To html/template trusted is text as any other.
	trust := strings.NewReplacer("{{.Style}}", "{{style .Style}}", "{{.Script}}", "{{script .Script}}", "{{.Evidence}}", "{{script .Evidence}}")
	for _, file := range []string{"shell.tmpl", name} {
		source, err := os.ReadFile("html/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Parse(trust.Replace(string(source))); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, page); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// byWriter writes a page as the program does.
func byWriter(t *testing.T, page func(*htmlWriter)) string {
	t.Helper()
	var b bytes.Buffer
	if err := writeHTMLPage(&b, page); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostileText is everything that means something anywhere in a page.
const hostileText = "\x00</title></style></script><!--{{.}}<a href=\"javascript:x\" onclick='y'>&amp;+`%41 \u2028\ufeff\ufdd0\xff é/?#[]@:;=,$!*()~-._"

// spoil fills every text that a template can reach, but for what is trusted, with
// hostile text, and lets every condition hold.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[trusted]() {
			v.SetString(hostileText)
		}
	case reflect.Int:
		v.SetInt(-12345)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		spoil(v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		}
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Struct:
		for f, field := range v.Fields() {
			if f.IsExported() || f.Anonymous {
				spoil(field)
			}
		}
	}
}

// same holds a page that the program writes against that of html/template.
func same(t *testing.T, name, template string, page any, write func(*htmlWriter)) {
	t.Helper()
	if diff := cmp.Diff(byTemplate(t, template, page), byWriter(t, write)); diff != "" {
		t.Errorf("%s (-html/template +program):\n%s", name, diff)
	}
}

// TestHTMLWriter holds the pages that the program writes against those of
// html/template, to the byte: as they are, with nothing in them, and with hostile
// text in every place.
func TestHTMLWriter(t *testing.T) {
	list := []*Report{hostileAudit(), {}}
	for _, path := range reports(t) {
		list = append(list, readReport(t, strings.TrimSuffix(filepath.Base(path), ".json")))
	}
	for i, r := range list {
		for _, hostile := range []bool{false, true} {
			h := &htmlMaker{r: r, v: newInventory(r, &Options{}), approvals: r.approvals()}
			page, err := h.page([]byte(`{"schema":"</>"}` + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			if hostile {
				spoil(reflect.ValueOf(page).Elem())
			}
			same(t, fmt.Sprintf("report %d, hostile %v", i, hostile), "report.tmpl", page, func(w *htmlWriter) { w.reportPage(page) })
		}
	}
	for i, f := range []*Fleet{fleetOf(), motley(), fleetOf(hostileAudit())} {
		for _, hostile := range []bool{false, true} {
			page := newFleetPage(f.sum(), &Options{})
			if hostile {
				for _, field := range []any{&page.Heading, &page.Lead, &page.Tiles, &page.Doubts, &page.Services, &page.Shown, &page.Left, &page.Tool} {
					spoil(reflect.ValueOf(field).Elem())
				}
				for i := range page.Tables {
					spoil(reflect.ValueOf(&page.Tables[i].ID).Elem())
					spoil(reflect.ValueOf(&page.Tables[i].Title).Elem())
					spoil(reflect.ValueOf(&page.Tables[i].Columns).Elem())
				}
			}
			same(t, fmt.Sprintf("fleet %d, hostile %v", i, hostile), "fleet.tmpl", page, func(w *htmlWriter) { w.fleetPage(page) })
		}
	}
}

// A page that cannot be written says so, however long it is.
func TestHTMLWriterFails(t *testing.T) {
	full := errors.New("the disk is full")
	err := writeHTMLPage(failing{full}, func(w *htmlWriter) {
		for range 3 * htmlPiece {
			w.raw("ab")
		}
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
}

// failing is a writer that never can.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestHTMLGenerated proves that htmlpages.go is what its templates give.
func TestHTMLGenerated(t *testing.T) {
	if out, err := exec.Command("go", "run", "./internal/htmlgen", "-check").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
