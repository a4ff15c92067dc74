package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// fleetOf is the page of the hosts of the documents under these names. Every
// second one lacks its last listeners, and every third was not seen whole.
func fleetOf(t *testing.T, names ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "docs", "example.json"))
	must(t, err)
	args := []string{"report", "--merge"}
	dir := t.TempDir()
	for i, name := range names {
		var r map[string]any
		must(t, json.Unmarshal(data, &r))
		r["host"].(map[string]any)["name"] = name
		listeners := r["listeners"].([]any)
		if i%2 == 1 {
			r["listeners"] = listeners[:len(listeners)-1-i%5]
		}
		for _, l := range r["listeners"].([]any)[:i%4] {
			l := l.(map[string]any)
			l["user"] = name
			l["processes"].([]any)[0].(map[string]any)["name"] = name
		}
		if i%3 == 2 {
			c := r["coverage"].(map[string]any)
			c["complete"] = false
			c["limitations"] = []any{map[string]any{"code": "x", "text": name, "remedy": name}}
		}
		one, err := json.Marshal(r)
		must(t, err)
		path := filepath.Join(dir, fmt.Sprintf("%d.json", i))
		must(t, os.WriteFile(path, one, 0o600))
		args = append(args, write(t, "json", "audit", "--from", path, "--policy", "docs/example-policy.yaml"))
	}
	return report(t, args...)
}

// fleet is the page of some hosts.
func fleet(t *testing.T) string {
	t.Helper()
	names := []string{"db1.example.net", "mail.example.net"}
	for i := range 10 {
		names = append(names, fmt.Sprintf("web%d.example.net", i+1))
	}
	return fleetOf(t, names...)
}

const hostsShown = `Array.from(document.querySelectorAll("#hosts-by-services tbody tr:not([hidden])"), r => r.cells[0].textContent)`

// TestFleet searches and sorts the page of a fleet, in every table of it.
func TestFleet(t *testing.T) {
	b := newTab(t)
	b.open(fleet(t))
	if got := eval[[]string](b, hostsShown); len(got) != 12 {
		t.Fatalf("the page shows %q", got)
	}
	must(t, chromedp.Do(b, chromedp.SendKeys(chromedp.CSS("[data-filter=hosts-by-services] input[name=q]"), "db")))
	settle(b)
	if got := eval[[]string](b, hostsShown); !slices.Equal(got, []string{"db1.example.net"}) {
		t.Errorf("searched for db, the page shows %q", got)
	}
	for _, id := range eval[[]string](b, `Array.from(document.querySelectorAll("table[data-sort]"), e => e.id)`) {
		head := "#" + id + " th:nth-child(1) button"
		for _, want := range []string{"ascending", "descending"} {
			must(t, chromedp.Do(b, chromedp.SendKeys(chromedp.CSS(head), "\r")))
			if got := eval[string](b, `document.querySelector("#`+id+` th:nth-child(1)").ariaSort`); got != want {
				t.Errorf("%s is sorted %q, want %s", id, got, want)
			}
		}
	}
	b.calm()
}

// TestFleetHostile opens the page of a fleet whose hosts are called what they
// must not be.
func TestFleetHostile(t *testing.T) {
	b := newTab(t)
	b.open(fleetOf(t, hostile...))
	if n := eval[int](b, `document.querySelectorAll("img, iframe, object, svg [onload], [onerror], [onload], [onmouseover], main style, main script, a:not([href^='#'])").length`); n != 0 {
		t.Errorf("%d elements come from names", n)
	}
	if n := eval[int](b, `document.scripts.length`); n != 1 {
		t.Errorf("the page has %d scripts, want its own", n)
	}
	text := eval[string](b, `document.getElementById("hosts-by-services").innerText`)
	for _, want := range []string{`<img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `\u202egnp.exe`, `a\u200bb`, `\x1b[2Jx`, `{{.}}`, `&lt;b&gt;`} {
		if !strings.Contains(text, want) {
			t.Errorf("the matrix does not show %q", want)
		}
	}
	b.calm()
}

// TestFleetPrint prints the page of a fleet, of hosts with names of any length:
// no table is wider than the paper, and the last sheet is not the footer's alone.
func TestFleetPrint(t *testing.T) {
	b := newTab(t)
	for _, path := range []string{fleet(t), fleetOf(t, append(hostile, strings.Repeat("x", 300), strings.Repeat("long.", 60))...)} {
		b.open(path)
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		b.size(680, 1000) // A4 without its margins: 184 mm at 96 dots an inch
		if got := eval[[]string](b, `Array.from(document.querySelectorAll("section:not(.wide) .scroll")).filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.ariaLabel)`); len(got) > 0 {
			t.Errorf("wider than the paper: %q", got)
		}
		if got := eval[string](b, `getComputedStyle(document.querySelector("footer")).page`); got != "wide" {
			t.Errorf("the footer's sheet is %q, and that before it wide", got)
		}
		b.calm()
	}
}
