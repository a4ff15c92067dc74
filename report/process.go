package report

import (
	"github.com/whatslistening/whatslistening/scanner"
)

// maxPrograms is how many programs a cell names where it does not name all.
const maxPrograms = 3

// cellProcess writes the programs that hold the row and their pids:
// "nginx (812, 813 +4)", "systemd (1), sshd (900)", "python3 app.py (77)".
func cellProcess(p *page, g *group) {
	if len(g.holders) == 0 {
		g.ownerless(p)
		return
	}
	n := 0
	for i, h := range g.holders {
		if g.named(i) {
			continue
		}
		n++
		if g.v.pids > 0 && n > maxPrograms {
			continue
		}
		if n > 1 {
			p.word(", ")
		}
		name(p, h)
		g.leads(p, h)
		if n == 1 {
			g.published(p)
		}
		if g.v.raw || g.v.bare {
			if h.Deleted && !g.v.raw {
				p.word(" (")
				p.word(gone(h))
				p.word(")")
			}
			continue
		}
		p.word(" (")
		g.pids(p, i, func(o *scanner.Process) bool { return sameName(h, o) })
		if h.Deleted {
			p.word(", ")
			p.word(gone(h))
		}
		p.word(")")
	}
	if g.v.pids > 0 && n > maxPrograms {
		p.word(" +")
		p.int(int64(n - maxPrograms))
	}
}

// gone is what became of the program of a process.
func gone(h *scanner.Process) word {
	if h.Replaced {
		return "replaced"
	}
	return "deleted"
}

// name writes what a process is called: its program, and what an interpreter
// runs.
func name(p *page, h *scanner.Process) {
	if h.Name == "" {
		p.word("?")
	} else {
		p.text(h.Name)
	}
	if h.Script != "" {
		p.word(" ")
		p.text(h.Script)
	}
}

// sameName reports whether two processes are called the same.
func sameName(a, b *scanner.Process) bool {
	return a == b || a.Name == b.Name && a.Script == b.Script && a.Deleted == b.Deleted && a.Replaced == b.Replaced
}

// named reports whether a holder before i is called the same.
func (g *group) named(i int) bool {
	for _, o := range g.holders[:i] {
		if sameName(o, g.holders[i]) {
			return true
		}
	}
	return false
}

// pids writes the pids of the holders from i on for which of is true: the first
// ones, and how many more.
func (g *group) pids(p *page, i int, of func(*scanner.Process) bool) {
	n := 0
	for _, o := range g.holders[i:] {
		if !of(o) {
			continue
		}
		n++
		if g.v.pids > 0 && n > g.v.pids {
			continue
		}
		if n > 1 {
			g.comma(p)
		}
		p.int(int64(o.PID))
	}
	if more := n - g.v.pids; g.v.pids > 0 && more > 0 {
		p.word(" +")
		p.int(int64(more))
	}
}

// cellPID writes the pids of all holders.
func cellPID(p *page, g *group) {
	g.pids(p, 0, func(*scanner.Process) bool { return true })
}

// ownerless writes why no process is to be seen.
func (g *group) ownerless(p *page) {
	if g.v.raw {
		return // the column "owner" says it
	}
	switch g.l.Why {
	case scanner.Kernel:
		p.word("kernel")
		if g.l.KernelUse != "" {
			p.word(": ")
			p.text(g.l.KernelUse)
		}
	case scanner.NotPermitted:
		p.word("– (not permitted)")
	case scanner.NotFound:
		p.word("– (not found)")
	case scanner.NotTold:
		p.word("– (not told)")
	case scanner.Held:
	}
}

// cellOwner writes whether a process holds the socket, or why none is seen.
func cellOwner(p *page, g *group) {
	if len(g.holders) > 0 {
		p.word("process")
		return
	}
	p.text(g.l.Why.String())
}

func styleProcess(g *group) int {
	switch {
	case len(g.holders) == 0:
		return quiet
	case g.deleted():
		return warning
	}
	return plain
}
