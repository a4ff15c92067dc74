package report

import (
	"io"
	"iter"

	"github.com/whatslistening/whatslistening/portdb"
)

// listText writes entries of the registry for people, a line each, in columns of
// a fixed width, for the registry is too long to be measured first.
func listText(w io.Writer, entries iter.Seq[portdb.Entry], o *Options) error {
	const atName, atSource, atText = 18, 36, 46
	ink := inks(o.Color)
	var out, one page
	one.longest = longestCell
	column := func(start, next, style int) {
		s := one.rest(start)
		out.paint(s, &ink[style])
		out.pad(max(1, next-s.width()))
		one.cut(start)
	}
	if !o.NoHeader {
		for _, c := range []struct {
			title word
			width int
		}{{"PORT", atName}, {"NAME", atSource - atName}, {"SOURCE", atText - atSource}} {
			one.word(c.title)
			column(0, c.width, title)
		}
		one.word("DESCRIPTION")
		out.paint(one.rest(0), &ink[title])
		one.cut(0)
		if err := out.line(w); err != nil {
			return err
		}
	}
	for e := range entries {
		portText(&one, &e)
		column(0, atName, plain)
		if e.Name != "" {
			one.text(e.Name)
		} else {
			one.word("-")
		}
		column(0, atSource-atName, plain)
		one.text(e.Source.String())
		column(0, atText-atSource, quiet)
		switch {
		case e.Description != "":
			one.text(e.Description)
		case e.Status != portdb.Assigned:
			one.text(e.Status.String())
		default:
			one.word("-")
		}
		s := one.rest(0)
		limit := s.width()
		if o.Width > 0 && !o.NoTrunc {
			limit = max(8, o.Width-atText)
		}
		out.shorten(s, s.width(), limit, keepHead, &ink[plain])
		one.cut(0)
		if err := out.line(w); err != nil {
			return err
		}
	}
	return out.flush(w)
}

// portText writes the ports and transports of an entry: "6000-6063/tcp".
func portText(p *page, e *portdb.Entry) {
	switch {
	case !e.HasPort:
		p.word("-")
	case e.First == e.Last:
		p.uint(uint64(e.First))
	default:
		p.uint(uint64(e.First))
		p.word("-")
		p.uint(uint64(e.Last))
	}
	if e.Transport != 0 {
		p.word("/")
		p.text(e.Transport.String())
	}
}
