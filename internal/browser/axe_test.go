package browser

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// axe-core is taken from npm's registry, by version and hash.
const (
	axeVersion = "4.14.1"
	axeHash    = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// axe returns the source of axe-core. The package is kept in the user's cache.
func axe(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "whatslistening-tests")
	must(t, os.MkdirAll(dir, 0o755))
	name := filepath.Join(dir, "axe-core-"+axeVersion+".tgz")
	data, err := os.ReadFile(name)
	if err != nil {
		if _, err := exec.LookPath("npm"); err != nil {
			t.Skip("there is no npm here to fetch axe-core with (apt-get install npm)")
		}
		cmd := exec.Command("npm", "pack", "--silent", "--pack-destination", dir, "axe-core@"+axeVersion)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm pack: %v\n%s", err, out)
		}
		data, err = os.ReadFile(name)
		must(t, err)
	}
	if sum := sha512.Sum512(data); base64.StdEncoding.EncodeToString(sum[:]) != axeHash {
		t.Fatalf("%s is not axe-core %s", name, axeVersion)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	must(t, err)
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		must(t, err)
		if h.Name == "package/axe.min.js" {
			source, err := io.ReadAll(files)
			must(t, err)
			return string(source)
		}
	}
}

// TestAxe holds pages against the rules of axe-core, in light and dark, wide and
// narrow: nothing may be serious or critical.
func TestAxe(t *testing.T) {
	source := axe(t)
	b := newTab(t)
	for name, path := range map[string]string{
		"audit": example(t),
		"list":  report(t, "list", "--from", "report/testdata/server.json"),
		"empty": report(t, "list", "--from", "report/testdata/empty.json"),
		"fleet": fleet(t),
	} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 400} {
				b.scheme(scheme)
				b.size(width, 900)
				b.open(path)
				b.calm()
				eval[any](b, source+"; 0")
				found := eval[[]struct{ Impact, ID, Help, Target string }](b, `axe.run().then(r => r.violations.flatMap(v =>
					v.nodes.map(n => ({Impact: v.impact, ID: v.id, Help: v.help, Target: n.target.join(" ") + " " + n.html.slice(0, 200) + (n.any[0]?.message ?? "")}))))`)
				for _, v := range found {
					t.Errorf("%s, %s, %d wide: %s: %s: %s (%s)", name, scheme, width, v.Impact, v.ID, v.Help, v.Target)
				}
			}
		}
	}
}
