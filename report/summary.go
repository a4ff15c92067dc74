package report

import (
	"io"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// foot writes the lines that stand below a table, unless o leaves them out: how
// many listeners of how many programs there are and how many can be reached from
// outside; what was folded away; which programs are not what their port is
// registered for; which accept queues are full, and which servers may find their
// port taken; and one line for each limitation of the scan, with its remedy.
func (v *view) foot(out *page, w io.Writer, o *Options, in *[nstyles]ink, dropped []*column) error {
	if o.NoHeader {
		return nil
	}
	n := notes{out: out, w: w, width: o.Width, inks: in}
	if len(v.rows) > 0 {
		if err := out.line(w); err != nil {
			return err
		}
	}
	return v.notes(&n, dropped)
}

// notes writes lines of running text, each wrapped to the width.
type notes struct {
	out   *page
	w     io.Writer
	width int
	inks  *[nstyles]ink
	note  page
	// each takes a note in place of out, where it is not nil.
	each func(span) error
}

// end ends a note and writes it. A line that is not the first is indented.
func (n *notes) end(st int) error {
	s := n.note.rest(0)
	if n.each != nil {
		err := n.each(s)
		n.note.cut(0)
		return err
	}
	for first := true; len(s) > 0; first = false {
		width := n.width
		if !first && width > 20 {
			n.out.pad(2)
			width -= 2
		}
		at := s
		if width > 0 {
			at = s.wrap(width)
		}
		n.out.paint(at, &n.inks[st])
		if err := n.out.line(n.w); err != nil {
			return err
		}
		s = s[len(at):]
		if len(s) > 0 && s[0] == ' ' {
			s = s[1:]
		}
	}
	n.note.cut(0)
	return nil
}

// elsewhere reports whether a network namespace is another than that of the scan.
func elsewhere(name string) bool { return name != "" && name != scanner.OwnNamespace }

// maxDiffers is how many programs at the wrong port the notes name.
const maxDiffers = 5

// notes writes the summary.
func (v *view) notes(n *notes, dropped []*column) error {
	if len(v.rows) == 0 {
		n.note.word("nothing is listening")
		if list := v.r.Namespaces; len(list) == 1 && elsewhere(list[0].Name) {
			n.note.word(" in the network namespace ")
			n.note.text(list[0].Name)
		}
		if err := n.end(plain); err != nil {
			return err
		}
	} else {
		v.sum(&n.note)
		if err := n.end(plain); err != nil {
			return err
		}
	}
	if err := n.witnesses(v.r); err != nil {
		return err
	}
	if v.clients > 0 {
		n.note.count(v.clients, "UDP socket that looks like a client is", "UDP sockets that look like clients are")
		n.note.word(" left out: --all shows ")
		n.note.word(plural(v.clients, "it", "them"))
		if err := n.end(quiet); err != nil {
			return err
		}
	}
	if len(dropped) > 0 {
		for i, c := range dropped {
			if i > 0 {
				n.note.word(", ")
			}
			n.note.text(c.key)
		}
		n.note.word(plural(len(dropped), " does not fit this width", " do not fit this width"))
		n.note.word(": --columns chooses")
		if err := n.end(quiet); err != nil {
			return err
		}
	}
	if err := v.differing(n); err != nil {
		return err
	}
	if err := v.doing(n); err != nil {
		return err
	}
	if err := v.gone(n); err != nil {
		return err
	}
	return n.limitations(&v.r.Coverage)
}

// limitations writes what could not be seen, each with its remedy.
func (n *notes) limitations(c *scanner.Coverage) error {
	for _, l := range c.Limitations {
		n.note.word("note: ")
		n.note.text(l.Text)
		if l.Remedy != "" {
			n.note.word("; hint: ")
			n.note.text(l.Remedy)
		}
		if err := n.end(outside); err != nil {
			return err
		}
	}
	return nil
}

// differing says of each program at the wrong port what the sign stands for.
func (v *view) differing(n *notes) error {
	more := 0
	for i := range v.rows {
		l := v.first(v.rows[i])
		if !isDiffering(l) {
			continue
		}
		if more++; more > maxDiffers {
			continue
		}
		n.note.word(signDiffers)
		n.note.word(" ")
		n.note.endpoint(l)
		n.note.word(": ")
		n.note.text(l.Sentence(nil))
		if err := n.end(differs); err != nil {
			return err
		}
	}
	if more -= maxDiffers; more > 0 {
		n.note.word(signDiffers)
		n.note.word(" and ")
		n.note.int(int64(more))
		n.note.word(" more")
		return n.end(differs)
	}
	return nil
}

// maxGone is how many programs that are gone a note names.
const maxGone = 5

// gone names the programs whose files are gone: those that have a successor,
// which is what an update leaves behind, and those that have none.
func (v *view) gone(n *notes) error {
	var replaced, deleted []*scanner.Process
	for _, i := range v.order {
		for _, h := range v.ls[i].Holders {
			list := &deleted
			switch {
			case !h.Deleted:
				continue
			case h.Replaced:
				list = &replaced
			}
			if !slices.ContainsFunc(*list, func(o *scanner.Process) bool { return sameName(h, o) }) {
				*list = append(*list, h)
			}
		}
	}
	if err := n.programs("replaced on disk, restart due: ", replaced); err != nil {
		return err
	}
	return n.programs("deleted on disk and still running: ", deleted)
}

// programs writes a note that names programs; nothing where there are none.
func (n *notes) programs(what word, list []*scanner.Process) error {
	if len(list) == 0 {
		return nil
	}
	n.note.word(what)
	for i, h := range list[:min(len(list), maxGone)] {
		if i > 0 {
			n.note.word(", ")
		}
		name(&n.note, h)
		n.note.word(" (")
		n.note.int(int64(h.PID))
		n.note.word(")")
	}
	if more := len(list) - maxGone; more > 0 {
		n.note.word(" and ")
		n.note.int(int64(more))
		n.note.word(" more")
	}
	return n.end(warning)
}

// isDiffering reports whether the program of l is another than the port is
// registered for, and not one that is known to serve there.
func isDiffering(l *annotate.Listener) bool {
	return l.Program == annotate.Differs && l.Service.Name != "" && (l.KnownAs == "" || l.KnownAs == l.Service.Name)
}

// sum writes the numbers: what there is, of what, and how much of it can be
// reached.
func (v *view) sum(p *page) {
	reachable, later := 0, 0
	for i := range v.rows {
		// Not by v.group: the holders, which it opens too, lie elsewhere in memory.
		g := group{v: v, l: v.first(v.rows[i]), row: v.rows[i]}
		switch {
		case g.later():
			later++
		case g.reachable():
			reachable++
		}
	}
	p.count(len(v.rows), "listener", "listeners")
	if len(v.order) != len(v.rows) {
		p.word(" (")
		p.count(len(v.order), "socket", "sockets")
		p.word(")")
	}
	if v.programs.n > 0 {
		p.word(" of ")
		p.count(v.programs.n, "program", "programs")
	}
	if v.namespaces > 1 {
		p.word(" in ")
		p.int(int64(v.namespaces))
		p.word(" network namespaces")
	}
	p.word(", ")
	if reachable == 0 {
		p.word("none")
	} else {
		p.int(int64(reachable))
	}
	p.word(" reachable from outside")
	if later > 0 {
		p.word(", ")
		p.int(int64(later))
		p.word(onceThere)
	}
	if v.r.Registry != "" {
		p.word("; registry of ")
		p.text(v.r.Registry)
	}
}

// onceThere is said of how many rows are reached later ([group.later]).
const onceThere word = " once there is a network"

// count writes a number and what it counts.
func (p *page) count(n int, one, many word) {
	p.int(int64(n))
	p.word(" ")
	p.word(plural(n, one, many))
}

// plural returns the word for n things.
func plural(n int, one, many word) word {
	if n == 1 {
		return one
	}
	return many
}
