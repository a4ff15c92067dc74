package report

import (
	"io"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
)

// An explainer writes explanations for people: a block for each port, its facts
// in one column and who says them in the one before it.
type explainer struct {
	w    io.Writer
	o    *Options
	out  page
	one  page // the text of one line, before it is wrapped
	lead int  // how much of it is a title, in bytes
	// inks are the styles.
	inks  *[nstyles]ink
	width int // of the terminal; 0 for no limit
}

// margin is where the facts begin, in cells; what is in front names their
// source.
const margin = 12

// explainText writes explanations as text.
func explainText(w io.Writer, list []Explanation, o *Options) error {
	x := &explainer{w: w, o: o, inks: inks(o.Color)}
	if !o.NoTrunc {
		x.one.longest = longestCell
		x.width = o.Width
	}
	for i := range list {
		if i > 0 {
			if err := x.out.line(w); err != nil {
				return err
			}
		}
		if err := x.explanation(&list[i]); err != nil {
			return err
		}
	}
	return x.out.flush(w)
}

// explanation writes a block.
func (x *explainer) explanation(e *Explanation) error {
	if err := x.head(e); err != nil {
		return err
	}
	if err := x.out.line(x.w); err != nil {
		return err
	}
	entries := e.Entries
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && sameButTransport(&entries[0], &entries[n]) {
			n++
		}
		if err := x.entry(entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	if len(e.Entries) == 0 {
		x.one.word("no layer of the registry says anything of it")
		if err := x.fact("registry", quiet); err != nil {
			return err
		}
	}
	if !e.HasPort {
		return nil
	}
	if err := x.host(e); err != nil {
		return err
	}
	return x.now(e)
}

// head writes the line with the port and its range.
func (x *explainer) head(e *Explanation) error {
	p := &x.one
	if !e.HasPort {
		p.word("no port")
		x.paint(p.rest(0), title)
		p.cut(0)
		p.word("  registered by name alone")
		x.paint(p.rest(0), quiet)
		p.cut(0)
		return x.out.line(x.w)
	}
	p.uint(uint64(e.Port))
	used := p.rest(0).width()
	x.paint(p.rest(0), title)
	p.cut(0)
	r := portdb.RangeOf(e.Port)
	first, last := r.Bounds()
	p.word("  ")
	p.text(r.Title())
	p.word(" ")
	p.uint(uint64(first))
	p.word("–")
	p.uint(uint64(last))
	used += p.rest(0).width()
	x.paint(p.rest(0), [...]int{low, middle, high}[r])
	p.cut(0)
	p.word(" (RFC 6335: ")
	p.text(r.RFC6335())
	p.word(")")
	if s := p.rest(0); x.width > 0 && used+s.width() > x.width {
		if err := x.out.line(x.w); err != nil {
			return err
		}
		x.out.pad(1)
	}
	x.paint(p.rest(0), quiet)
	p.cut(0)
	return x.out.line(x.w)
}

// sameButTransport reports whether b says what a says of another transport.
func sameButTransport(a, b *portdb.Entry) bool {
	return a.Source == b.Source && a.Status == b.Status && a.HasPort == b.HasPort && a.First == b.First && a.Last == b.Last &&
		a.Name == b.Name && a.Description == b.Description && a.Reference == b.Reference &&
		a.Unauthorized == b.Unauthorized && a.Note == b.Note && slices.Equal(a.Aliases, b.Aliases)
}

// entry writes what a layer says; the entries differ in their transports alone.
func (x *explainer) entry(same []portdb.Entry) error {
	e := &same[0]
	var t portdb.Transport
	for i := range same {
		t |= same[i].Transport
	}
	p := &x.one
	description := e.Description
	if e.Status != portdb.Assigned && strings.EqualFold(description, e.Status.String()) {
		description = ""
	}
	switch {
	case e.Name != "":
		p.text(e.Name)
	case description != "":
		p.text(description)
		description = ""
	}
	x.lead = p.len()
	if e.Status != portdb.Assigned {
		if x.lead > 0 {
			p.word(", ")
		}
		p.text(e.Status.String())
	}
	if t != 0 {
		p.word("  ")
		for i := range 4 {
			if one := t & (1 << i); one != 0 {
				if t&(one-1) != 0 {
					p.word(", ")
				}
				p.text(one.String())
			}
		}
	}
	if e.First != e.Last {
		p.word("  ports ")
		p.uint(uint64(e.First))
		p.word("–")
		p.uint(uint64(e.Last))
	}
	if err := x.fact(e.Source.String(), quiet); err != nil {
		return err
	}
	if description != "" && description != e.Name {
		p.text(description)
		if err := x.fact("", plain); err != nil {
			return err
		}
	}
	for i, a := range e.Aliases {
		if i == 0 {
			p.word("also called ")
		} else {
			p.word(", ")
		}
		p.text(a)
	}
	if err := x.fact("", plain); err != nil {
		return err
	}
	for _, f := range []struct {
		label word
		text  string
		style int
	}{
		{"reference: ", e.Reference, quiet},
		{"unauthorized use: ", e.Unauthorized, warning},
		{"note: ", e.Note, quiet},
	} {
		if f.text == "" {
			continue
		}
		p.word(f.label)
		p.text(f.text)
		if err := x.fact("", f.style); err != nil {
			return err
		}
	}
	return nil
}

// host writes what this host does with the port.
func (x *explainer) host(e *Explanation) error {
	in, known := e.ephemeral()
	if !known {
		return nil
	}
	p := &x.one
	switch within := e.Host.First <= e.Port && e.Port <= e.Host.Last; {
	case in:
		p.word("inside this host's ephemeral range ")
	case within:
		p.word("reserved in this host's ephemeral range ")
	default:
		p.word("outside this host's ephemeral range ")
	}
	p.uint(uint64(e.Host.First))
	p.word("–")
	p.uint(uint64(e.Host.Last))
	if in {
		p.word(": the kernel may give it to a client first")
		return x.fact("host", outside)
	}
	return x.fact("host", quiet)
}

// now writes what listens on the port.
func (x *explainer) now(e *Explanation) error {
	if e.Unseen {
		return nil
	}
	if len(e.Listeners) == 0 {
		x.one.word("nothing listens here")
		return x.fact("now", quiet)
	}
	// A client that waits for its answer is worth a row of its own here.
	list := slices.Clone(e.Listeners)
	for i := range list {
		list[i].MaybeClient = false
	}
	o := *x.o
	o.Sort = nil
	v, err := newPeopleView(&Report{Listeners: list}, &o)
	if err != nil {
		return err
	}
	keys := []string{"protocol", "address", "process", "user", "exposure"}
	if slices.ContainsFunc(list, func(l annotate.Listener) bool { return elsewhere(l.Namespace) }) {
		keys = append(keys, "namespace")
	}
	cs, err := resolve(keys, nil)
	if err != nil {
		return err
	}
	t := newTable(v, cs, &o, x.inks)
	if x.width > 0 {
		t.indent = margin
		t.fit(x.width, true, true)
	}
	for i := range v.rows {
		label := ""
		if i == 0 {
			label = "now"
		}
		x.label(label)
		if err := t.row(&x.out, x.w, i); err != nil {
			return err
		}
	}
	if err := x.doing(v); err != nil {
		return err
	}
	return x.differing(list)
}

// doing says how the listeners are doing, where that is not well.
func (x *explainer) doing(v *view) error {
	var g group
	startless := false
	for i := range v.rows {
		v.group(&g, i)
		startless = startless || g.mayNotStart()
		if g.backlog() == annotate.BacklogOK {
			continue
		}
		x.one.word(signDoing)
		x.one.word(" ")
		x.one.text(g.l.Protocol.String())
		x.one.word(": ")
		v.backlog(&x.one, &g)
		if err := x.fact("", warning); err != nil {
			return err
		}
	}
	if !startless {
		return nil
	}
	x.one.word(signDoing)
	x.one.word(" may fail to start when a client has the port; hint: add it to net.ipv4.ip_local_reserved_ports")
	return x.fact("", warning)
}

// differing says of each program that is not what the port is registered for
// what the port is registered for.
func (x *explainer) differing(list []annotate.Listener) error {
	var said []string
	for i := range list {
		l := &list[i]
		s := l.Sentence(nil)
		if !isDiffering(l) || slices.Contains(said, s) {
			continue
		}
		said = append(said, s)
		x.one.word(signDiffers)
		x.one.word(" ")
		x.one.text(l.Protocol.String())
		x.one.word(": ")
		x.one.text(s)
		if err := x.fact("", differs); err != nil {
			return err
		}
	}
	return nil
}

// label writes what stands in front of a fact.
func (x *explainer) label(label string) {
	x.out.pad(2)
	start := x.one.len()
	x.one.text(label)
	s := x.one.rest(start)
	x.paint(s, quiet)
	x.out.pad(margin - 2 - len(s))
	x.one.cut(start)
}

// fact writes what is on x.one, wrapped to the width, behind a label. Its first
// x.lead bytes are a title. Nothing there is no line.
func (x *explainer) fact(label string, style int) error {
	s := slices.Clone(x.one.rest(0))
	x.one.cut(0)
	for len(s) > 0 {
		x.label(label)
		label = ""
		at := s
		if room := x.width - margin; x.width > 0 {
			at = s.wrap(max(room, 20))
		}
		lead := min(x.lead, len(at))
		x.paint(at[:lead], title)
		x.paint(at[lead:], style)
		if err := x.out.line(x.w); err != nil {
			return err
		}
		n := len(at)
		if n < len(s) && s[n] == ' ' {
			n++
		}
		s = s[n:]
		x.lead = max(0, x.lead-n)
	}
	x.lead = 0
	return nil
}

// paint writes s in a style; nothing needs none.
func (x *explainer) paint(s span, style int) {
	if len(s) > 0 {
		x.out.paint(s, &x.inks[style])
	}
}
