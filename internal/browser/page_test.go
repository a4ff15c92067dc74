package browser

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const (
	ports = `Array.from(document.querySelectorAll("#listeners tbody tr:not([hidden])"), r => r.cells[0].textContent)`
	count = `document.getElementById("listeners-count").textContent`
)

// TestFilterAndSort does with keys and pointer what a reader does.
func TestFilterAndSort(t *testing.T) {
	b := newTab(t)
	b.open(example(t))
	all := eval[[]string](b, ports)
	if len(all) != 12 || eval[string](b, count) != "12 listeners" {
		t.Fatalf("the page shows %v, %s", all, eval[string](b, count))
	}

	tests := []struct {
		name string
		do   []chromedp.Action[chromedp.Void]
		want []string
	}{
		{"a program", typed("nginx"), []string{"80", "443", "8080"}},
		{"two words", typed("nginx loopback"), []string{"8080"}},
		{"a path", typed("/usr/sbin/sshd"), []string{"22"}},
		{"nothing", typed("no such thing"), []string{}},
		{"an exposure", chosen("e", "private"), []string{"53", "53"}},
		{"an approval", chosen("v", "unapproved"), []string{"8000", "8080", "9090"}},
		{"from outside, not approved", append(chosen("v", "unapproved"), chromedp.Click(chromedp.CSS("input[name=o]"))), []string{"8000"}},
	}
	for _, tt := range tests {
		must(t, chromedp.Do(b, tt.do...))
		settle(b)
		got := eval[[]string](b, ports)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if want := fmt.Sprintf("%d of 12 listeners shown", len(tt.want)); eval[string](b, count) != want {
			t.Errorf("%s: says %q, want %q", tt.name, eval[string](b, count), want)
		}
		must(t, chromedp.Do(b, chromedp.Click(chromedp.CSS("button[type=reset]"))))
		settle(b)
		if got := eval[[]string](b, ports); !slices.Equal(got, all) || eval[string](b, count) != "12 listeners" {
			t.Errorf("after %s not all rows are there again: %v", tt.name, got)
		}
	}

	// Enter on a title that has the focus sorts; once more the other way.
	for i, want := range []string{"ascending", "descending"} {
		must(t, chromedp.Do(b, chromedp.SendKeys(chromedp.CSS("#listeners th:nth-child(1) button"), "\r")))
		got := eval[[]string](b, ports)
		if !slices.IsSortedFunc(got, func(x, y string) int {
			m, _ := strconv.Atoi(x)
			n, _ := strconv.Atoi(y)
			return (m - n) * (1 - 2*i)
		}) || len(got) != 12 {
			t.Errorf("sorted by port, %s: %v", want, got)
		}
		if got := eval[[]string](b, `Array.from(document.querySelectorAll("#listeners th[aria-sort]"), e => e.ariaSort)`); !slices.Equal(got, []string{want}) {
			t.Errorf("aria-sort is %q, want one %q", got, want)
		}
	}
	must(t, chromedp.Do(b, chromedp.Click(chromedp.CSS("#listeners th:nth-child(7) button"))))
	users := eval[[]string](b, `Array.from(document.querySelectorAll("#listeners tbody tr"), r => r.cells[6].textContent)`)
	if !slices.IsSorted(users) {
		t.Errorf("sorted by user: %q", users)
	}
	b.calm()
}

func typed(s string) []chromedp.Action[chromedp.Void] {
	return []chromedp.Action[chromedp.Void]{chromedp.SendKeys(chromedp.CSS("input[name=q]"), s)}
}

func chosen(field, option string) []chromedp.Action[chromedp.Void] {
	return []chromedp.Action[chromedp.Void]{chromedp.SendKeys(chromedp.CSS("select[name="+field+"]"), option)}
}

// settle waits until the page has drawn what was asked of it.
func settle(b *tab) {
	b.t.Helper()
	eval[int](b, `new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done(0)))))`)
}

// hostile are names that a process may have, and that must stay text.
var hostile = []string{
	`<img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `"><svg onload=alert(1)>`, `' onmouseover=alert(1) x='`,
	"\u202egnp.exe", "a\u200bb", "\x1b[2Jx", "javascript:alert(1)", `{{.}}`, `<!--`, `]]>`, `&lt;b&gt;`, `--><style>*{display:none}</style>`,
}

// hostilePage is the page of an audit in which everything that a host chooses is
// one of the hostile names.
func hostilePage(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "docs", "example.json"))
	must(t, err)
	var r map[string]any
	must(t, json.Unmarshal(data, &r))
	n := 0
	next := func() string { n++; return hostile[n%len(hostile)] }
	r["host"].(map[string]any)["name"] = hostile[1]
	for _, l := range r["listeners"].([]any) {
		l := l.(map[string]any)
		l["user"] = next()
		l["service"].(map[string]any)["description"] = next()
		for _, p := range l["processes"].([]any) {
			p := p.(map[string]any)
			for _, key := range []string{"name", "exe", "user", "unit"} {
				p[key] = next()
			}
		}
	}
	r["coverage"].(map[string]any)["limitations"] = []any{map[string]any{"code": "x", "text": hostile[0], "remedy": hostile[1]}}
	path := filepath.Join(t.TempDir(), "hostile.json")
	data, err = json.Marshal(r)
	must(t, err)
	must(t, os.WriteFile(path, data, 0o600))
	return report(t, "audit", "--from", path, "--policy", "docs/example-policy.yaml")
}

// TestHostile opens a page full of names that want to be more than text.
func TestHostile(t *testing.T) {
	b := newTab(t)
	b.open(hostilePage(t))
	if n := eval[int](b, `document.querySelectorAll("img, iframe, object, [onerror], [onload], [onmouseover], main style, main script:not([type='application/json']), a:not([href^='#'])").length`); n != 0 {
		t.Errorf("%d elements come from names", n)
	}
	if n := eval[int](b, `document.scripts.length`); n != 2 {
		t.Errorf("the page has %d scripts, want its own and the evidence", n)
	}
	text := eval[string](b, `document.getElementById("listeners").innerText`)
	for _, want := range []string{`<img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `\u202egnp.exe`, `a\u200bb`, `\x1b[2Jx`, `{{.}}`, `&lt;b&gt;`} {
		if !strings.Contains(text, want) {
			t.Errorf("the inventory does not show %q", want)
		}
	}
	name := eval[string](b, `JSON.parse(document.getElementById("json").textContent).host.name`)
	if name != hostile[1] {
		t.Errorf("the evidence has the host's name %q", name)
	}
	// The filters are fed with the names too.
	must(t, chromedp.Do(b, typed("<img")...))
	settle(b)
	if n := len(eval[[]string](b, ports)); n == 0 || n == 12 {
		t.Errorf("a search for a name shows %d rows", n)
	}
	b.calm()
}

// TestWithoutScripts opens both pages where scripts are off.
func TestWithoutScripts(t *testing.T) {
	for _, tt := range []struct {
		path  string
		wants []string
	}{
		{example(t), []string{"Listener without an approval", "12 listeners", "9100", "until 2027-06-30", "Complete", "sha256sum"}},
		{fleet(t), []string{"web1.example.net", "db1.example.net", "12 hosts", "not seen whole"}},
	} {
		b := newTab(t)
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		b.open(tt.path)
		main, err := chromedp.Run(b, chromedp.Text(chromedp.CSS("main")))
		must(t, err)
		for _, want := range tt.wants {
			if !strings.Contains(main, want) {
				t.Errorf("without scripts %s does not show %q", tt.path, want)
			}
		}
		for _, dead := range []string{"Show all", "Search"} {
			if strings.Contains(main, dead) {
				t.Errorf("without scripts %s offers %q, which does nothing", tt.path, dead)
			}
		}
		b.calm()
	}
}

// TestPrint prints the page: every row and finding is on paper, what only works
// on a screen is not, and the sheets are A4.
func TestPrint(t *testing.T) {
	b := newTab(t)
	b.open(example(t))
	must(t, chromedp.Do(b, chromedp.EmulateViewport(1100, 900)))
	pdf, err := chromedp.Run(b, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	must(t, err)
	boxes := regexp.MustCompile(`/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]`).FindAllSubmatch(unpacked(pdf), -1)
	if len(boxes) < 3 {
		t.Errorf("printed on %d sheets", len(boxes))
	}
	for _, box := range boxes {
		w, _ := strconv.ParseFloat(string(box[1]), 64)
		h, _ := strconv.ParseFloat(string(box[2]), 64)
		if short, long := min(w, h), max(w, h); short < 594 || short > 597 || long < 841 || long > 843 {
			t.Errorf("a sheet of %v × %v points is not A4", w, h)
		}
	}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	main, err := chromedp.Run(b, chromedp.Text(chromedp.CSS("main")))
	must(t, err)
	if strings.Contains(main, "Show all") {
		t.Error("the search is printed")
	}
	if rows := len(eval[[]string](b, ports)); rows != 12 {
		t.Errorf("%d rows are printed, want 12", rows)
	}
	// Titles are repeated on every sheet unless a button, in one piece, is in the way.
	if got := eval[string](b, `["thead", "th button"].map(s => getComputedStyle(document.querySelector("#listeners " + s)).display).join()`); got != "table-header-group,contents" {
		t.Errorf("titles are %s, and not repeated on every sheet", got)
	}
	if n := eval[int](b, `Array.from(document.querySelectorAll(".scroll")).filter(e => e.scrollWidth > e.clientWidth + 1).length`); n != 0 {
		t.Errorf("%d tables are wider than the paper", n)
	}
	b.calm()
}

// TestLarge opens a page of 20,000 listeners, searches and sorts it. How long
// that takes is logged: run with -v.
func TestLarge(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "docs", "example.json"))
	must(t, err)
	var r map[string]any
	must(t, json.Unmarshal(data, &r))
	few := r["listeners"].([]any)
	all := make([]any, 20_000)
	for i := range all {
		l := maps.Clone(few[i%len(few)].(map[string]any))
		l["family"], l["address"], l["port"], l["exposure"], l["widest"] = 4, fmt.Sprintf("10.1.%d.%d", i>>8, i&255), 1+i, "private", "private"
		all[i] = l
	}
	r["listeners"] = all
	path := filepath.Join(t.TempDir(), "large.json")
	data, err = json.Marshal(r)
	must(t, err)
	must(t, os.WriteFile(path, data, 0o600))
	page := report(t, "list", "--from", path)
	if info, err := os.Stat(page); err == nil {
		t.Logf("%d MB", info.Size()>>20)
	}
	b := newTab(t)
	start := time.Now()
	lap := func(what string) {
		t.Logf("%s: %v", what, time.Since(start).Round(time.Millisecond))
		start = time.Now()
	}
	b.open(page)
	settle(b)
	lap("opened")
	must(t, chromedp.Do(b, typed("10.1.3.7")...))
	settle(b)
	lap("searched, key by key")
	// 10.1.3.7, and 10.1.3.70 to 10.1.3.79
	if got := eval[string](b, count); got != "11 of 20000 listeners shown" {
		t.Errorf("the search says %q", got)
	}
	start = time.Now()
	must(t, chromedp.Do(b, chromedp.Click(chromedp.CSS("button[type=reset]"))))
	settle(b)
	lap("all shown again")
	must(t, chromedp.Do(b, chromedp.SendKeys(chromedp.CSS("#listeners th:nth-child(3) button"), "\r")))
	settle(b)
	lap("sorted by address")
	const drawn = `Array.from(document.querySelectorAll("#listeners tbody tr")).filter(r => getComputedStyle(r).display !== "none").length`
	if n := eval[int](b, drawn); n != 500 {
		t.Errorf("%d rows are drawn, want the first 500", n)
	}
	if n := eval[int](b, `(document.querySelector(".more button").click(), `+drawn+`)`); n != 20_000 {
		t.Errorf("%d rows are drawn after all are asked for", n)
	}
	if got := eval[string](b, `document.querySelector("#listeners tbody tr:last-child td:nth-child(3)").textContent`); got != "10.1.78.31" {
		t.Errorf("the last address is %s", got)
	}
	b.calm()
}

// unpacked returns a PDF with its compressed streams behind it.
func unpacked(pdf []byte) []byte {
	out := slices.Clone(pdf)
	for rest := pdf; ; {
		_, after, ok := bytes.Cut(rest, []byte("stream\n"))
		if !ok {
			return out
		}
		if z, err := zlib.NewReader(bytes.NewReader(after)); err == nil {
			plain, _ := io.ReadAll(z)
			out = append(out, plain...)
		}
		rest = after
	}
}
