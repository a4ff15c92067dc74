package report

import (
	"fmt"
	"testing"
)

func TestScreens(t *testing.T) {
	for _, f := range []Format{Table, Wide, Tree} {
		for _, width := range []int{0, 40, 80, 120, 200} {
			screen(t, fmt.Sprintf("%s-%d.txt", f, width), render(t, host(), f, Options{Width: width}))
		}
		screen(t, f.String()+"-colour.txt", render(t, host(), f, Options{Width: 120, Color: true}))
		screen(t, f.String()+"-all.txt", render(t, host(), f, Options{Width: 120, All: true}))
	}
	screen(t, "markdown.md", render(t, host(), Markdown, Options{}))
	screen(t, "csv.csv", render(t, host(), CSV, Options{}))
	// Of several network namespaces the table says so by itself.
	for _, f := range []Format{Table, Tree} {
		for _, width := range []int{0, 80, 120} {
			screen(t, fmt.Sprintf("namespaces-%s-%d.txt", f, width), render(t, readReport(t, "namespaces"), f, Options{Width: width}))
		}
	}
}
