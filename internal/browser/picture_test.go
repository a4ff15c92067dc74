package browser

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var (
	update   = flag.Bool("update", false, "draw docs/report.png again")
	pictures = flag.String("pictures", "", "a folder to draw pages into, to look at")
)

// TestPicture draws the picture of the README, and what else one may want to
// look at.
func TestPicture(t *testing.T) {
	if !*update && *pictures == "" {
		t.Skip("nothing to draw: -update or -pictures DIR")
	}
	b := newTab(t)
	path := example(t)
	if *update {
		b.size(1280, 1000)
		b.open(path)
		draw(b, filepath.Join(root, "docs", "report.png"), chromedp.CaptureScreenshot())
	}
	if *pictures == "" {
		return
	}
	for name, path := range map[string]string{"report": path, "fleet": fleet(t)} {
		for _, p := range []struct {
			look, scheme string
			width        int64
		}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"narrow", "light", 400}} {
			b.scheme(p.scheme)
			b.size(p.width, 900)
			b.open(path)
			draw(b, filepath.Join(*pictures, name+"-"+p.look+".png"), chromedp.FullScreenshot(100))
		}
		pdf, err := chromedp.Run(b, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(*pictures, name+".pdf"), pdf, 0o644))
	}
}

func draw(b *tab, path string, shot chromedp.Action[[]byte]) {
	b.t.Helper()
	png, err := chromedp.Run(b, shot)
	must(b.t, err)
	must(b.t, os.WriteFile(path, png, 0o644))
}
