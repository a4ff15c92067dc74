package report

import "io"

// fleetCSV writes a line for each program that listens on a host, and for each
// that few hosts lack: what is to be put through a filter or a pivot table.
func fleetCSV(w io.Writer, s *fleetSum, o *Options) error {
	type at struct {
		host    *fleetHost
		service *fleetService
	}
	kinds := map[at][]*fleetDifference{}
	for i := range s.differences {
		d := &s.differences[i]
		kinds[at{d.host, d.service}] = append(kinds[at{d.host, d.service}], d)
	}
	out, one := new(page), new(page)
	if !o.NoHeader {
		out.word("host,source,time,complete,stale,protocol,port,path,inside,service,program,user,exposure,outside,sockets,hosts,of,difference")
		if err := out.line(w); err != nil {
			return err
		}
	}
	first := true
	end := func(number bool) {
		if !first {
			out.word(",")
		}
		first = false
		out.csv(one.rest(0), number)
		one.cut(0)
	}
	text := func(v string) { one.text(v); end(false) }
	yes := func(v bool) {
		if v {
			one.word("true")
		} else {
			one.word("false")
		}
		end(true)
	}
	row := func(h *fleetHost, v *fleetService, e *fleetEntry) error {
		first = true
		text(h.name)
		text(h.source)
		one.time(h.time)
		end(true)
		yes(h.complete)
		yes(h.stale)
		text(v.protocol.String())
		if v.port > 0 {
			one.uint(uint64(v.port))
		}
		end(true)
		if !v.changing {
			one.text(v.path)
		}
		end(false)
		yes(v.inside)
		text(v.name)
		if e != nil {
			text(e.program)
			text(e.user)
			text(e.exposure.String())
			yes(e.exposure.Reachable())
			one.int(int64(e.sockets))
			end(true)
		} else {
			for range 4 {
				end(false)
			}
			one.int(0)
			end(true)
		}
		one.int(int64(len(v.on)))
		end(true)
		one.int(int64(v.of))
		end(true)
		said := false
		for _, d := range kinds[at{h, v}] {
			if d.kind == kindProgram && d.entry.program != e.program {
				continue
			}
			if said {
				one.word(" ")
			}
			said = true
			one.word(kindWords[d.kind])
		}
		end(true)
		return out.line(w)
	}
	for _, v := range s.services {
		for _, on := range v.on {
			for i := range on.entries {
				if err := row(on.host, v, &on.entries[i]); err != nil {
					return err
				}
			}
		}
	}
	for i := range s.differences {
		if d := &s.differences[i]; d.kind == kindMissing {
			if err := row(d.host, d.service, nil); err != nil {
				return err
			}
		}
	}
	return out.flush(w)
}
