package report

import (
	"strings"

	"github.com/whatslistening/whatslistening/scanner"
)

// The cells of what holds a socket.

// list writes what of says of the holders, each once.
func (g *group) list(p *page, of func(*scanner.Process) string) {
	n := 0
	for i, h := range g.holders {
		s := of(h)
		if s == "" || i > 0 && seen(g.holders[:i], of, s) {
			continue
		}
		if n++; n > 1 {
			p.word(", ")
		}
		p.text(s)
	}
}

// seen reports whether of says s of one of ps.
func seen(ps []*scanner.Process, of func(*scanner.Process) string, s string) bool {
	for _, p := range ps {
		if of(p) == s {
			return true
		}
	}
	return false
}

func cellExe(p *page, g *group) {
	g.list(p, func(h *scanner.Process) string { return h.Exe })
}

func cellParent(p *page, g *group) {
	g.list(p, func(h *scanner.Process) string { return h.Parent })
}

func cellScript(p *page, g *group) {
	g.list(p, func(h *scanner.Process) string { return h.Script })
}

// cellUnit writes the unit: for people that of the user's own systemd, where
// there is one, which says more than the name of the manager.
func cellUnit(p *page, g *group) {
	g.list(p, func(h *scanner.Process) string {
		if h.UserUnit != "" && !g.v.raw {
			return h.UserUnit
		}
		return h.Unit
	})
}

func cellRuntime(p *page, g *group) {
	g.list(p, func(h *scanner.Process) string { return h.Runtime })
}

func cellContainer(p *page, g *group) {
	g.list(p, func(h *scanner.Process) string { return g.shortID(h.Container) })
}

// shortID returns an id of a container as people read it, and whole for a
// program.
func (g *group) shortID(id string) string {
	if g.v.raw {
		return id
	}
	return shortID(id)
}

// cellArgs writes the arguments of the first holder that has any, those with a
// space in quotes.
func cellArgs(p *page, g *group) {
	for _, h := range g.holders {
		if len(h.Args) == 0 {
			continue
		}
		for i, a := range h.Args {
			if i > 0 {
				p.word(" ")
			}
			if a != "" && !strings.Contains(a, " ") {
				p.text(a)
				continue
			}
			p.word(`"`)
			p.text(a)
			p.word(`"`)
		}
		return
	}
}
