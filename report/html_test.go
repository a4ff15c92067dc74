package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// pageAlone returns a page of HTML without what is the same on every page, or
// what another golden file has: style, script and evidence.
func pageAlone(t *testing.T, page []byte) []byte {
	t.Helper()
	for _, re := range []string{
		`(?s)(<style>).*?(</style>)`, `(?s)(<script>).*?(</script>)`,
		`(?s)(<script type="application/json" id="json">\n).*?(</script>)`,
		`('sha256-)[^']*(')`, `(<code id="sha256">)[0-9a-f]{64}(</code>)`,
	} {
		cut := regexp.MustCompile(re)
		if !cut.Match(page) {
			t.Errorf("the page has nothing like %s", re)
		}
		page = cut.ReplaceAll(page, []byte("$1…$2"))
	}
	return page
}

// TestHTMLVerify does what the page says that one does to verify it, and reads
// the evidence back.
func TestHTMLVerify(t *testing.T) {
	for _, path := range reports(t) {
		want := readReport(t, strings.TrimSuffix(filepath.Base(path), ".json"))
		page := written(t, want, HTML)
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "report.html"), page, 0o600); err != nil {
			t.Fatal(err)
		}
		commands := regexp.MustCompile(`(?s)<pre[^>]*><code>(.*?\n.*?)\n`).FindSubmatch(page)
		if commands == nil {
			t.Fatalf("%s: the page does not say how to verify it", path)
		}
		cmd := exec.Command("sh", "-ec", html.UnescapeString(string(commands[1])))
		cmd.Dir = dir
		sum, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		shown := regexp.MustCompile(`<code id="sha256">([0-9a-f]{64})</code>`).FindSubmatch(page)
		if shown == nil || !strings.HasPrefix(string(sum), string(shown[1])) {
			t.Errorf("%s: the page shows the hash %q, and the evidence has %s", path, shown, sum)
		}
		got, err := Read(bytes.NewReader(readFile(t, filepath.Join(dir, "evidence.json"))))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the evidence is read as another report (%v)", path, err)
		}
	}
}

// TestHTMLPolicy holds the hashes of the policy against what stands in the page,
// byte for byte as a browser does.
func TestHTMLPolicy(t *testing.T) {
	page := written(t, host(), HTML)
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindSubmatch(page)
	if policy == nil {
		t.Fatal("the page has no policy")
	}
	said := strings.NewReplacer("&#43;", "+", "&#39;", "'").Replace(string(policy[1]))
	if !strings.HasPrefix(said, "default-src 'none';") || strings.Contains(said, "unsafe") {
		t.Errorf("the policy is %s", said)
	}
	for _, tag := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllSubmatch(page, -1)
		if len(found) != 1 {
			t.Fatalf("the page has %d times <%s>, want 1", len(found), tag)
		}
		sum := sha256.Sum256(found[0][1])
		if want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(said, want) {
			t.Errorf("the policy %s has no %s", said, want)
		}
	}
	for _, refused := range []string{"<link rel=\"stylesheet", "<img", "<iframe", " style=", " onclick", "http:", "https:", "@import", "url("} {
		if own, _, _ := bytes.Cut(page, []byte(`<script type="application/json"`)); bytes.Contains(own, []byte(refused)) {
			t.Errorf("the page has %q", refused)
		}
	}
}

// TestHTMLTypes proves that a page of HTML cannot be handed a raw string: every
// text that a template can reach is of the type of safe text, or one of our own
// words. Style, script and evidence, which are ours, stand as they are.
func TestHTMLTypes(t *testing.T) {
	ours := map[string]bool{"htmlShell.Style": true, "htmlShell.Script": true, "htmlPage.Evidence": true} // trusted
	seen := map[reflect.Type]bool{}
	texts := 0
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, path string) {
		switch typ.Kind() {
		case reflect.String:
			texts++
			if typ != reflect.TypeFor[safe]() && typ != reflect.TypeFor[word]() && !ours[path] {
				t.Errorf("%s is a %v: a template could write what a host chose", path, typ)
			}
		case reflect.Interface, reflect.Map, reflect.Chan:
			t.Errorf("%s is a %v, and could hold anything", path, typ)
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(typ.Elem(), path)
		case reflect.Func: // an iterator: what it hands over
			for in := range typ.Ins() {
				walk(in, path)
			}
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for f := range typ.Fields() {
				if f.IsExported() || f.Anonymous {
					walk(f.Type, typ.Name()+"."+f.Name)
				}
			}
			for m := range reflect.PointerTo(typ).Methods() {
				for out := range m.Type.Outs() {
					walk(out, typ.Name()+"."+m.Name)
				}
			}
		}
	}
	walk(reflect.TypeFor[htmlPage](), "htmlPage")
	walk(reflect.TypeFor[fleetPage](), "fleetPage")
	if texts < 40 {
		t.Errorf("looked at %d texts only", texts)
	}
}
