package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"

	"github.com/whatslistening/whatslistening/scanner"
)

// A branch is a program and the rows that it holds.
type branch struct {
	rows []int
	// holders are the processes of all the rows, by pid.
	holders []*scanner.Process
}

// writeTree writes the listeners grouped by the programs that hold them.
func writeTree(w io.Writer, r *Report, o *Options) error {
	v, err := newPeopleView(r, o)
	if err != nil {
		return err
	}
	cs, err := resolve(o.Columns, v.base(Tree))
	if err != nil {
		return err
	}
	in := inks(o.Color)
	t := newTable(v, cs, o, in)
	t.indent = len("|- ")
	if len(v.rows) > 0 && o.Width > 0 && !o.NoTrunc {
		t.fit(o.Width, len(o.Columns) > 0, o.NoHeader)
	}
	out := new(page)
	for i, b := range v.branches(len(o.Sort) > 0) {
		if i > 0 {
			if err := out.line(w); err != nil {
				return err
			}
		}
		if err := v.trunk(out, w, &b, o, in); err != nil {
			return err
		}
		for n, i := range b.rows {
			if n < len(b.rows)-1 {
				out.word("├─ ")
			} else {
				out.word("└─ ")
			}
			if err := t.row(out, w, i); err != nil {
				return err
			}
			if err := v.twig(out, w, i, n < len(b.rows)-1, o, in); err != nil {
				return err
			}
		}
	}
	if err := v.foot(out, w, o, in, t.dropped); err != nil {
		return err
	}
	return out.flush(w)
}

// trunk writes the line of a program: its name and pids, and what is the same
// for all of its sockets.
func (v *view) trunk(out *page, w io.Writer, b *branch, o *Options, inks *[nstyles]ink) error {
	var g group
	v.group(&g, b.rows[0])
	g.holders, g.program = b.holders, true
	p := new(page)
	if !o.NoTrunc {
		p.longest = longestCell
	}
	st := title
	if len(g.holders) == 0 {
		st = quiet
	} else if g.deleted() {
		st = warning
	}
	cellProcess(p, &g)
	if p.len() == 0 {
		p.word("-")
	}
	end := p.len()
	for _, of := range []func(*scanner.Process) string{
		userOf,
		func(h *scanner.Process) string { return h.Unit },
	} {
		v.branchFact(p, &g, func(p *page) { g.list(p, of) })
	}
	v.branchFact(p, &g, func(p *page) { g.containers(p) })
	limit := p.rest(0).width()
	if len(v.rows) > 0 && o.Width > 0 && !o.NoTrunc {
		limit = o.Width
	}
	name := p.span(0, end)
	used := out.shorten(name, name.width(), limit, keepBoth, &inks[st])
	if facts := p.rest(end); len(facts) > 0 && used < limit && used == name.width() {
		out.shorten(facts, facts.width(), limit-used, keepHead, &inks[quiet])
	}
	return out.line(w)
}

// userOf returns the name of the user of a process, or the number.
func userOf(h *scanner.Process) string {
	if h.User == "" && h.UID >= 0 {
		return strconv.FormatInt(h.UID, 10)
	}
	return h.User
}

// twig writes the line below a row that is one end of a published port.
func (v *view) twig(out *page, w io.Writer, i int, more bool, o *Options, inks *[nstyles]ink) error {
	var g group
	v.group(&g, i)
	p := new(page)
	if !o.NoTrunc {
		p.longest = longestCell
	}
	if g.ends(p); p.len() == 0 {
		return nil
	}
	if more {
		out.word("│  └─ ")
	} else {
		out.word("   └─ ")
	}
	s := p.rest(0)
	limit := s.width()
	if len(v.rows) > 0 && o.Width > 0 && !o.NoTrunc {
		limit = max(1, o.Width-len("   |- "))
	}
	out.shorten(s, s.width(), limit, keepBoth, &inks[quiet])
	return out.line(w)
}

// branchFact writes a fact behind the name of a program, where there is one.
func (v *view) branchFact(p *page, g *group, fact func(*page)) {
	start := p.len()
	p.word("  ")
	at := p.len()
	if fact(p); p.len() == at {
		p.cut(start)
	}
}

// branches groups the rows by their programs: by name, those without a visible
// holder at the end; or, with sorted, in the order of the rows.
func (v *view) branches(sorted bool) []branch {
	var bs []branch
	// What the kernel uses a socket for stands in the place of its program.
	type trunk struct {
		program int32
		use     string
	}
	at := make(map[trunk]int)
	var g group
	for i := range v.rows {
		n := v.order[v.rows[i].first]
		key := trunk{program: v.programs.of[n]}
		if key.program < 0 {
			key = trunk{-1 - int32(v.ls[n].Why), v.ls[n].KernelUse}
		}
		b, ok := at[key]
		if !ok {
			b = len(bs)
			at[key] = b
			bs = append(bs, branch{})
		}
		v.group(&g, i)
		bs[b].rows = append(bs[b].rows, i)
		bs[b].holders = append(bs[b].holders, g.holders...)
	}
	for i := range bs {
		bs[i].holders = distinctProcesses(bs[i].holders)
	}
	if sorted {
		return bs
	}
	slices.SortStableFunc(bs, func(x, y branch) int {
		a, b := v.first(v.rows[x.rows[0]]), v.first(v.rows[y.rows[0]])
		if len(a.Holders) == 0 && len(b.Holders) == 0 {
			return cmp.Or(cmp.Compare(a.Why, b.Why), cmp.Compare(a.KernelUse, b.KernelUse))
		}
		return byProcess(a, b)
	})
	return bs
}
