package report

import (
	"encoding/csv"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/clipperhouse/displaywidth"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// hostile are names that somebody may give to a process, a unit, a user.
var hostile = []string{
	"\x1b[2J\x1b[H", "\x1b]0;title\x07", "a\rb", "a\nb", "a\tb", "\x00", "\x7f", "\u0085", "\u009b31m", "\x9b",
	"\u202e\u2066x", "a\u200b\u200d\ufeff", "\u2028\u2029", "\U000e0041", "\ufff9", "\ufe0f", "\xff\xfe", "\xe2\x82",
	"::error::x", "::set-output name=a::b", "##vso[task.complete]", "##[group]x", "#", ":",
	"=1+1", "+1", "-1", "@SUM(1)", "\t=1", `"=1`, "'=1", " =1", "＝1", "  =cmd|' /C calc'!A0",
	"a|b", "`", "``x`", "![i](http://x/y.png)", "[l](http://x)", "<img src=x onerror=y>", "<!-- ", "&lt;&#64;user",
	"@user", "#1", "www.example.com", "http://example.com", "a@example.com", "**b** _c_ ~~d~~", "a\\|b", `\`, `\\`, "- x", "1. x",
	"数据库服务器", "e\u0301", "👨\u200d👩\u200d👧", "🇮🇩", "한국어", "שלום", "Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307",
	"x (1)  root  loopback", "", " ", "   ", "a,b;c", `a"b`, strings.Repeat("x", 5000), strings.Repeat("数", 300), `\x1b`,
}

// drawText draws text that may be anything.
func drawText(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.SampledFrom(hostile),
		rapid.SampledFrom([]string{"nginx", "sshd", "postgres", "python3"}),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
	).Draw(t, label)
}

// drawReport draws a report of anything, with sockets that fold among it.
func drawReport(t *rapid.T) *Report {
	ps := make([]*scanner.Process, rapid.IntRange(1, 6).Draw(t, "processes"))
	for i := range ps {
		ps[i] = &scanner.Process{
			PID: 100 + i, Name: drawText(t, "name"), User: drawText(t, "user"), Unit: drawText(t, "unit"),
			Deleted: rapid.Bool().Draw(t, "deleted"), Script: rapid.SampledFrom([]string{"", "app.py", "\x1b"}).Draw(t, "script"),
			Exe: drawText(t, "exe"), Container: drawText(t, "container"), Args: []string{drawText(t, "arg"), drawText(t, "arg")},
		}
		if i > 0 && rapid.Bool().Draw(t, "sibling") {
			pid := ps[i].PID
			*ps[i] = *ps[i-1]
			ps[i].PID = pid
		}
	}
	addresses := []string{"0.0.0.0", "::", "127.0.0.1", "::1", "10.0.0.5", "2001:db8::7", "fe80::1"}
	r := &Report{Registry: "2026-09-17", Time: scanned}
	for i := range rapid.IntRange(0, 25).Draw(t, "listeners") {
		a := netip.MustParseAddr(rapid.SampledFrom(addresses).Draw(t, "address"))
		s := &scanner.Socket{
			Protocol: rapid.SampledFrom([]scanner.Protocol{scanner.TCP, scanner.UDP}).Draw(t, "protocol"),
			Port:     rapid.SampledFrom([]uint16{22, 80, 5432, 50000}).Draw(t, "port"),
			Addr:     a, Family: scanner.IPv4, Namespace: "host", Inode: uint64(1000 + i), UID: 0, User: drawText(t, "owner"),
		}
		if a.Is6() {
			s.Family, s.V6Only = scanner.IPv6, rapid.Bool().Draw(t, "v6only")
		}
		if a.IsLinkLocalUnicast() {
			s.Addr = a.WithZone(drawText(t, "zone"))
		}
		s.Device = rapid.SampledFrom([]string{"", "", "eth0", "\x1b[31m"}).Draw(t, "device")
		n := rapid.IntRange(0, len(ps)).Draw(t, "holders")
		s.Holders = ps[:n]
		if n == 0 {
			s.Why = rapid.SampledFrom([]scanner.Why{scanner.NotPermitted, scanner.Kernel, scanner.NotFound}).Draw(t, "why")
		}
		l := annotate.Listener{
			Socket: s, Range: portdb.RangeOf(s.Port), Exposure: annotate.ClassOf(s.Addr, nil), Addresses: []netip.Addr{a},
			Service:     annotate.Service{Name: drawText(t, "service"), Description: drawText(t, "description")},
			Program:     annotate.Verdict(rapid.IntRange(0, 3).Draw(t, "verdict")),
			KnownAs:     rapid.SampledFrom([]string{"", "prometheus", "|`"}).Draw(t, "known as"),
			MaybeClient: s.Protocol == scanner.UDP && rapid.Bool().Draw(t, "client"),
		}
		r.Listeners = append(r.Listeners, l)
	}
	for range rapid.IntRange(0, 2).Draw(t, "limitations") {
		r.Coverage.Limitations = append(r.Coverage.Limitations,
			scanner.Limitation{Text: "in " + drawText(t, "limitation") + ".", Remedy: drawText(t, "remedy")})
	}
	return r
}

// every asks for every column.
func every() []string {
	var keys []string
	for _, c := range Columns() {
		keys = append(keys, c.Key)
	}
	return keys
}

// TestLines holds what is true of every line of a format for people, whatever
// the host says: nothing in it misleads a terminal, a reader or a CI system, and
// it is no wider than the terminal.
func TestLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t)
		f := rapid.SampledFrom([]Format{Table, Wide, Tree, Markdown, CSV}).Draw(t, "format")
		o := Options{
			Width: rapid.SampledFrom([]int{0, 1, 2, 7, 20, 40, 80, 120, 200}).Draw(t, "width"),
			All:   rapid.Bool().Draw(t, "all"), NoHeader: rapid.Bool().Draw(t, "no header"),
			Color: rapid.Bool().Draw(t, "colour"),
			Columns: rapid.SampledFrom([][]string{
				nil, {"process"}, {"user", "process", "port"}, {"service"}, {"+unit", "+exe", "+args"}, every(),
			}).Draw(t, "columns"),
		}
		var b strings.Builder
		if err := Write(&b, r, f, &o); err != nil {
			t.Fatal(err)
		}
		out := sgr.ReplaceAllString(b.String(), "")
		checkShown(t, f, []byte(out))
		for line := range strings.SplitSeq(out, "\n") {
			if f != Markdown && f != CSV && o.Width > 0 && displaywidth.String(line) > max(o.Width, 4) {
				t.Errorf("%v at %d: a line of %d: %q", f, o.Width, displaywidth.String(line), line)
			}
			if strings.HasSuffix(line, " ") {
				t.Errorf("%v: spaces at the end of %q", f, line)
			}
			if o.Width > 0 && o.Width < 20 {
				continue // no CI system has such a terminal
			}
			trimmed := strings.TrimLeft(line, " ")
			if strings.HasPrefix(trimmed, "::") && !strings.HasPrefix(trimmed, "::1") && trimmed != "::" &&
				!strings.HasPrefix(trimmed, ":: ") && !strings.HasPrefix(trimmed, "::%") {
				t.Errorf("%v: a command of a CI system: %q", f, line)
			}
			if strings.Contains(line, "##vso[") || strings.Contains(line, "##[") {
				t.Errorf("%v: a command of a CI system: %q", f, line)
			}
		}
	})
}

// TestEveryListenerIsAccountedFor: rows and what the notes say was folded make
// up the listeners, and every pid is named.
func TestEveryListenerIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t)
		all := rapid.Bool().Draw(t, "all")
		v := newView(r, !all)
		if err := v.sort(nil); err != nil {
			t.Fatal(err)
		}
		var g group
		seen := make(map[uint64]bool)
		sockets := 0
		for i := range v.rows {
			v.group(&g, i)
			sockets += g.sockets()
			for n := range g.sockets() {
				l := g.at(n)
				if seen[l.Inode] {
					t.Fatalf("the socket %d is in two rows", l.Inode)
				}
				seen[l.Inode] = true
				if l.Port != g.l.Port || l.Protocol != g.l.Protocol || l.Device != g.l.Device || l.UID != g.l.UID {
					t.Fatalf("%v and %v are one row", g.l.Socket, l.Socket)
				}
				for _, h := range l.Holders {
					if !slices.Contains(g.holders, h) {
						t.Fatalf("pid %d is not counted", h.PID)
					}
				}
			}
		}
		if sockets+v.clients != len(r.Listeners) {
			t.Fatalf("%d sockets in rows and %d clients, of %d", sockets, v.clients, len(r.Listeners))
		}
		if all && (len(v.rows) != len(r.Listeners) || v.clients != 0) {
			t.Fatalf("%d rows for %d listeners with All", len(v.rows), len(r.Listeners))
		}
	})
}

// TestEqualStateEqualBytes: the order in which the kernel gave the sockets
// changes nothing.
func TestEqualStateEqualBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t)
		f := rapid.SampledFrom([]Format{Table, Wide, Tree, Markdown, CSV}).Draw(t, "format")
		o := Options{Sort: rapid.SampledFrom([][]string{nil, {"process"}, {"-exposure", "user"}, {"service"}, {"-age"}}).Draw(t, "sort")}
		if rapid.Bool().Draw(t, "no inodes") { // as of the portable source
			for i := range r.Listeners {
				r.Listeners[i].Inode = 0
			}
		}
		var one, two strings.Builder
		if err := Write(&one, r, f, &o); err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(1, uint64(rapid.IntRange(0, 1000).Draw(t, "seed"))))
		rnd.Shuffle(len(r.Listeners), func(i, j int) { r.Listeners[i], r.Listeners[j] = r.Listeners[j], r.Listeners[i] })
		if err := Write(&two, r, f, &o); err != nil {
			t.Fatal(err)
		}
		if one.String() != two.String() {
			t.Fatalf("%v:\n%s\nand, in another order:\n%s", f, one.String(), two.String())
		}
	})
}

// TestCSVIsRead reads the file back as a spreadsheet does.
func TestCSVIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t)
		var b strings.Builder
		if err := Write(&b, r, CSV, &Options{Columns: every()}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
		if len(rows) != len(r.Listeners)+1 {
			t.Fatalf("%d lines for %d listeners", len(rows), len(r.Listeners))
		}
		for _, row := range rows {
			if len(row) != len(Columns()) {
				t.Fatalf("%d cells, want %d: %q", len(row), len(Columns()), row)
			}
			for _, cell := range row {
				s := strings.TrimLeft(cell, "\"`´“”‘’ ")
				if _, err := strconv.ParseFloat(cell, 64); err == nil {
					continue
				}
				if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r") || strings.HasPrefix(s, "＝") {
					t.Fatalf("the cell %q is a formula", cell)
				}
			}
		}
	})
}

// TestMarkdownIsRead reads the page with a parser of GitHub Flavored Markdown:
// it has one table with the cells that we wrote, a list, and nothing else.
func TestMarkdownIsRead(t *testing.T) {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t)
		o := Options{All: true, Columns: rapid.SampledFrom([][]string{nil, every(), {"process"}}).Draw(t, "columns")}
		var b strings.Builder
		if err := Write(&b, r, Markdown, &o); err != nil {
			t.Fatal(err)
		}
		source := []byte(b.String())
		columns := 8
		if o.Columns != nil {
			columns = len(o.Columns)
		}
		rows := 0
		err := ast.Walk(md.Parser().Parse(text.NewReader(source)), func(n ast.Node, in bool) (ast.WalkStatus, error) {
			if !in {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *ast.Document, *east.Table, *east.TableCell, *ast.List, *ast.ListItem, *ast.TextBlock, *ast.Text, *ast.CodeSpan, *ast.Paragraph:
			case *east.TableHeader, *east.TableRow:
				rows++
				if got := n.ChildCount(); got != columns {
					t.Errorf("%d cells in a row, want %d", got, columns)
				}
			default:
				t.Errorf("%v in\n%s", n.Kind(), source)
			}
			return ast.WalkContinue, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := len(r.Listeners) + 1
		if len(r.Listeners) == 0 {
			want = 0
		}
		if rows != want {
			t.Errorf("%d rows, want %d:\n%s", rows, want, source)
		}
		// A mention is made of plain text alone: no "@" stands outside code.
		for i, part := range strings.Split(b.String(), "`") {
			if i%2 == 0 && strings.ContainsAny(part, "@<[&") {
				t.Errorf("%q stands outside code in\n%s", part, source)
			}
		}
	})
}

// TestColumnsAlign: every cell of a column begins at the same place, whatever
// the script of the names before it.
func TestColumnsAlign(t *testing.T) {
	r := &Report{}
	for i, name := range []string{"nginx", "数据库服务器", "e\u0301te\u0301", "🚀🚀", "한국어", "\x1b[31m", "العربية", "🇮🇩", "क्षि", "1\u20e3"} {
		r.Listeners = append(r.Listeners, listener(scanner.TCP, "0.0.0.0", uint16(1000+i), "x", process(1, name, "root")))
	}
	for _, width := range []int{0, 30, 24, 20} {
		out := render(t, r, Table, Options{Width: width, Columns: []string{"process", "user", "port"}, NoHeader: true})
		for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
			port := strconv.Itoa(1000 + i)
			before, _, found := strings.Cut(line, "root")
			_, after, _ := strings.Cut(line, "root  ")
			if !found || strings.TrimSpace(after) != port {
				t.Errorf("line %q, want a root and a %s", line, port)
			}
			first, _, _ := strings.Cut(out, "root")
			if got, want := displaywidth.String(before), displaywidth.String(first); got != want {
				t.Errorf("at %d: user begins at %d in %q, want %d", width, got, line, want)
			}
		}
	}
}
