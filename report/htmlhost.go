package report

import (
	"net/netip"
	"slices"
	"time"

	"github.com/whatslistening/whatslistening/scanner"
)

// An htmlRegister is the approval register of a page.
type htmlRegister struct {
	Approvals  []htmlApproval
	Exceptions []htmlException
	Accepted   []htmlAccepted
	Files      []htmlFile
}

// An htmlState says that something has expired or soon will; nil for neither.
type htmlState struct {
	Tone word
	Text safe
}

type htmlApproval struct {
	Approves, Reason, Owner, Ticket, Expires safe
	State                                    *htmlState
	Listeners                                int
	Accepts                                  []safe
	Position                                 safe
}

type htmlException struct {
	Rule, Is, Reason, Owner, Ticket, Expires safe
	State                                    *htmlState
	Position                                 safe
}

// An htmlAccepted is a finding that an entry accepts.
type htmlAccepted struct {
	Severity, Rule, Title, Message, Reason, Owner, Ticket, Expires safe
	State                                                          *htmlState
	Position                                                       safe
}

type htmlFile struct {
	Path    safe
	Entries int
	SHA256  safe
}

// soon is how many days before its end an approval is said to expire.
const soon = 30

// register makes the approval register.
func (h *htmlMaker) register(out *htmlPage) {
	r := h.r.Register
	if r == nil {
		return
	}
	reg := new(htmlRegister)
	for i := range r.Approvals {
		e := &r.Approvals[i]
		a := htmlApproval{
			Approves: h.text(e.Approves), Reason: h.text(e.Reason), Owner: h.text(e.Owner), Ticket: h.text(e.Ticket), Expires: h.text(e.Expires),
			State: h.state(e.Expires), Listeners: e.Listeners, Position: h.position(e.Position),
		}
		for _, rule := range e.Accepts {
			a.Accepts = append(a.Accepts, h.text(rule))
		}
		reg.Approvals = append(reg.Approvals, a)
	}
	for i := range r.Exceptions {
		x := &r.Exceptions[i]
		is := h.text(x.Severity.String())
		if x.Disabled {
			is = h.word("disabled")
		}
		reg.Exceptions = append(reg.Exceptions, htmlException{
			h.text(x.Rule), is, h.text(x.Reason), h.text(x.Owner), h.text(x.Ticket), h.text(x.Expires),
			h.state(x.Expires), h.position(x.Position),
		})
	}
	for i := range h.r.Accepted {
		f := &h.r.Accepted[i]
		a := &f.Accepted
		reg.Accepted = append(reg.Accepted, htmlAccepted{
			h.text(f.Severity.String()), h.text(f.Rule), h.text(f.Title), h.text(f.Message),
			h.text(a.Reason), h.text(a.Owner), h.text(a.Ticket), h.text(a.Expires), h.state(a.Expires), h.position(a.Decided),
		})
	}
	for _, f := range r.Files {
		reg.Files = append(reg.Files, htmlFile{h.text(f.Path), f.Entries, h.text(f.SHA256)})
	}
	out.Register = reg
}

// state says what the last day of an approval comes to at the time of the
// report: it is good to the end of that day, in UTC.
func (h *htmlMaker) state(expires string) *htmlState {
	day, err := time.Parse(time.DateOnly, expires)
	if err != nil || h.r.Time.IsZero() {
		return nil
	}
	left := int(day.Sub(h.r.Time.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	switch {
	case left < 0:
		return &htmlState{"error", h.word("expired")}
	case left == 0:
		return &htmlState{"warning", h.word("expires today")}
	case left <= soon:
		h.p.word("expires in ")
		return &htmlState{"warning", h.count(left, "day", "days")}
	}
	return nil
}

// coverage makes the statement of what the scan could see.
func (h *htmlMaker) coverage(out *htmlPage) {
	c := &h.r.Coverage
	facts := &out.Coverage
	for i, s := range c.Sources {
		if i > 0 {
			h.p.word(", ")
		}
		h.p.text(s)
	}
	h.fact(facts, "Sources")
	h.p.text(c.Privileges)
	h.fact(facts, "Privileges")
	if c.Holders != "" {
		h.p.text(c.Holders)
		h.fact(facts, "Holders found by")
	}
	if c.Processes > 0 {
		h.p.int(int64(c.Processes))
		if c.Unreadable > 0 {
			h.p.word(", of which ")
			h.p.int(int64(c.Unreadable))
			h.p.word(" did not let their descriptors be seen")
		}
		h.fact(facts, "Processes")
	}
	if h.r.Discrepancies != nil {
		if n := len(h.r.Discrepancies); n > 0 {
			h.p.word("do not agree on ")
			h.p.count(n, "socket", "sockets")
		} else {
			h.p.word("agree on every socket")
		}
		h.fact(facts, "The witnesses")
	}
	if h.r.Baseline != nil {
		n := notes{each: func(s span) error {
			out.Coverage = append(out.Coverage, htmlFact{h.word("Comparison"), s.safe()})
			return nil
		}}
		n.note.longest = h.p.longest
		_ = n.sinceBaseline(h.r) // which only fails where each does
	}
	if out.Audited {
		for _, u := range h.r.unasked() {
			h.p.text(u.Rule)
			h.p.word(": ")
			h.p.text(u.Why)
			h.fact(facts, "Rule not asked")
		}
	}
	for _, l := range c.Limitations {
		out.Limitations = append(out.Limitations, htmlLimitation{h.text(l.Text), h.text(l.Remedy)})
	}
	ds := slices.Clone(h.r.Discrepancies)
	slices.SortStableFunc(ds, func(a, b scanner.Discrepancy) int { return worstFirst(a.Kind, b.Kind) })
	for i := range ds {
		d := &ds[i]
		out.Discrepancies = append(out.Discrepancies, htmlDiscrepancy{d.Kind.Hidden(), h.text(d.Sentence()), h.text(d.Kind.Next())})
	}
}

// fact ends a fact with what is on the page; nothing where that is empty.
func (h *htmlMaker) fact(list *[]htmlFact, name word) {
	if value := h.p.take(); value != "" {
		*list = append(*list, htmlFact{h.word(name), value})
	}
}

// host makes what is known of the machine.
func (h *htmlMaker) host(out *htmlPage) {
	host := &h.r.Host
	facts := &out.HostFacts
	h.p.text(host.Name)
	h.fact(facts, "Name")
	h.p.text(host.OS)
	if host.Kernel != "" {
		h.p.word(" ")
		h.p.text(host.Kernel)
	}
	h.fact(facts, "System")
	h.p.text(host.BootID)
	h.fact(facts, "Boot id")
	if host.Ephemeral != (scanner.PortRange{}) {
		h.ports(host.Ephemeral)
		h.fact(facts, "Ports for clients")
	}
	for i, r := range host.Reserved {
		if i > 0 {
			h.p.word(", ")
		}
		h.ports(r)
	}
	h.fact(facts, "Reserved ports")
	for _, i := range host.Interfaces {
		name := h.text(i.Name)
		out.Interfaces = append(out.Interfaces, htmlFact{name, h.prefixes(i.Addrs)})
	}
	h.namespaces(out)
}

// prefixes returns the addresses of an interface, with the lengths of their
// networks.
func (h *htmlMaker) prefixes(list []netip.Prefix) safe {
	for i, a := range list {
		if i > 0 {
			h.p.word(", ")
		}
		h.p.addr(a.Addr())
		h.p.word("/")
		h.p.int(int64(a.Bits()))
	}
	return h.p.take()
}

// ports writes a run of ports.
func (h *htmlMaker) ports(r scanner.PortRange) {
	h.p.uint(uint64(r.First))
	if r.Last != r.First {
		h.p.word("–")
		h.p.uint(uint64(r.Last))
	}
}

// namespaces makes the network namespaces.
func (h *htmlMaker) namespaces(out *htmlPage) {
	for i := range h.r.Namespaces {
		ns := &h.r.Namespaces[i]
		if ns.Runtime != "" || ns.ContainerName != "" {
			h.p.text(ns.Runtime)
			h.p.word(" ")
		}
		if ns.ContainerName != "" {
			h.p.text(ns.ContainerName)
		} else {
			h.p.text(shortID(ns.Container))
		}
		row := htmlNamespace{Container: h.p.take(), Name: h.text(ns.Name), Processes: ns.Processes}
		n := 0
		for _, in := range ns.Interfaces {
			for _, a := range in.Addrs {
				if n++; n > 1 {
					h.p.word(", ")
				}
				h.p.addr(a.Addr())
			}
		}
		row.Addresses = h.p.take()
		out.Namespaces = append(out.Namespaces, row)
	}
}
