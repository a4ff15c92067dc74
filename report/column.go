package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
)

// A column is one fact about a row.
type column struct {
	key   string
	title word
	help  string
	// need ranks the columns: a terminal that is too narrow for all leaves out
	// those of the lowest rank. cost is how much is lost with a character of a
	// cell: what is too wide is shortened where the least is lost.
	need, cost int
	// least is the width at which a column still says something.
	least int
	// right aligns to the right, as numbers are.
	right bool
	// keep is what of a cell is kept that is too long.
	keep keep
	// ours marks a column whose cells hold no text from the host.
	ours bool
	// cell writes the fact, or nothing where there is none.
	cell func(*page, *group)
	// style picks the colour of the cell; nil for none.
	style func(*group) int
	// compare orders by the column; nil for the order of the text.
	compare func(a, b *annotate.Listener) int
}

// A Column is a column that can be asked for.
type Column struct {
	// Key is its name: "process".
	Key string
	// Help says what it holds, in a few words.
	Help string
}

// Columns returns the columns that there are, in the order in which help lists
// them.
func Columns() []Column {
	cs := make([]Column, len(columns))
	for i := range columns {
		cs[i] = Column{columns[i].key, columns[i].help}
	}
	return cs
}

// ParseColumns reads a list of columns, as --columns takes it: "port,process"
// for these alone, "+unit,exe" to add to those that f has by default, "all" for
// every one. What it returns is for [Options.Columns]. An unknown column is an
// error that names the nearest and all the others; so is a format whose shape
// is fixed.
func ParseColumns(s string, f Format) ([]string, error) {
	switch f {
	case Table, Wide, Tree, CSV, Markdown:
	default:
		return nil, fmt.Errorf("%s has every fact, and no columns to choose", f)
	}
	list, added := strings.CutPrefix(s, "+")
	var keys []string
	for k := range strings.SplitSeq(list, ",") {
		k = strings.TrimSpace(k)
		k = strings.ReplaceAll(strings.TrimPrefix(k, "+"), "_", "-")
		if k == "all" {
			for i := range columns {
				keys = append(keys, columns[i].key)
			}
			continue
		}
		if _, err := find(k); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if added {
		for i := range keys {
			keys[i] = "+" + keys[i]
		}
	}
	return keys, nil
}

// ParseSort reads a list of columns to sort by, as --sort takes it:
// "exposure,-port". What it returns is for [Options.Sort]. An unknown column is
// an error that names the nearest and all the others.
func ParseSort(s string) ([]string, error) {
	var keys []string
	for k := range strings.SplitSeq(s, ",") {
		k = strings.ReplaceAll(strings.TrimSpace(k), "_", "-")
		name, _ := strings.CutPrefix(k, "-")
		if _, err := find(name); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// find returns the column called key.
func find(key string) (*column, error) {
	for i := range columns {
		if columns[i].key == key {
			return &columns[i], nil
		}
	}
	var keys []string
	near, best := "", 3 // further than two letters away is no slip of the hand
	for i := range columns {
		k := columns[i].key
		keys = append(keys, k)
		d := distance(key, k)
		if len(key) > 1 && strings.HasPrefix(k, key) {
			d = 0
		}
		if d < best {
			near, best = k, d
		}
	}
	hint := ""
	if near != "" {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	return nil, fmt.Errorf("unknown column %q%s (the columns are %s)", key, hint, strings.Join(keys, ", "))
}

// distance returns how many letters must be put in, taken out or changed to
// make a into b (Levenshtein's distance).
func distance(a, b string) int {
	if len(a) > 32 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// resolve returns the columns that keys stand for, base being those that the
// format has by itself. A key with "+" adds to them.
func resolve(keys, base []string) ([]*column, error) {
	if len(keys) == 0 || strings.HasPrefix(keys[0], "+") {
		keys = append(slices.Clone(base), keys...)
	}
	var cs []*column
	for _, k := range keys {
		c, err := find(strings.TrimPrefix(k, "+"))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(cs, c) {
			cs = append(cs, c)
		}
	}
	return cs, nil
}

// base returns the keys of the columns that f has by itself, for this view.
func (v *view) base(f Format) []string {
	keys := []string{"protocol", "address", "port", "service", "range", "process", "user", "exposure"}
	switch f {
	case Wide:
		keys = []string{"protocol", "address", "port", "service", "range", "process", "pid", "user", "exposure", "program", "queue"}
		for _, k := range []string{"backlog", "type", "mode", "path-user", "unit", "container", "container-name", "parents"} {
			if v.has(k) {
				keys = append(keys, k)
			}
		}
	case Tree:
		keys = []string{"protocol", "address", "port", "service", "range", "exposure"}
	case CSV:
		return []string{
			"protocol", "address", "port", "service", "range", "process", "pid", "user", "exposure",
			"family", "v6only", "device", "namespace", "uid", "source", "description", "program", "known-as", "ephemeral",
			"client", "owner", "queue-length", "queue-limit", "dropped", "backlog", "may-not-start", "inode", "unit", "runtime", "container", "exe", "deleted",
			"script", "parent", "started",
		}
	}
	if v.namespaces > 1 || f == Wide {
		keys = append(keys, "namespace")
	}
	if len(v.doubts) > 0 && v.has("witnesses") {
		keys = append(keys, "witnesses")
	}
	return keys
}

// has reports whether any row has something in the column called key.
func (v *view) has(key string) bool {
	c, err := find(key)
	if err != nil {
		return false
	}
	var p page
	var g group
	for i := range v.rows {
		v.group(&g, i)
		if c.cell(&p, &g); p.len() > 0 {
			return true
		}
	}
	return false
}
