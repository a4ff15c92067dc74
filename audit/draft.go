package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// Draft returns the text of a first register: entries that approve what listens
// now and no more, each with the reason "?". Entries are grouped by exposure,
// the widest first, and then by program, with a comment on each. The same
// listeners give the same bytes, in whichever order they are.
//
// Names are as hostile as the host: they are quoted so that the register reads
// as the same bytes. A name that is not UTF-8 cannot be written in YAML, and is
// left out, with a comment. UDP sockets that look like clients are left out.
func Draft(listeners []annotate.Listener) []byte {
	entries, clients := draftEntries(listeners)
	var b strings.Builder
	b.WriteString(draftHead)
	if clients > 0 {
		fmt.Fprintf(&b, "# UDP sockets that look like clients, and are not listed: %d.\n", clients)
	}
	b.WriteString("version: 1\n\n")
	if len(entries) == 0 {
		b.WriteString("approvals: []\n")
		return []byte(b.String())
	}
	b.WriteString("approvals:")
	group := ""
	for _, e := range entries {
		if g := e.group(); g != group {
			group = g
			fmt.Fprintf(&b, "\n  # ---- %s ----\n", g)
		}
		b.WriteByte('\n')
		e.write(&b)
	}
	return []byte(b.String())
}

const draftHead = `# What may listen on this host: a first draft, of what listened when it was made.
# Read each entry. Write why it is there in place of "?", or stop the service and
# delete the entry. What no entry approves is a finding. See docs/audit.md.
#
`

// draftEntries returns the entries of a draft in their order, and how many
// listeners look like clients.
func draftEntries(listeners []annotate.Listener) (list []*draft, clients int) {
	for i := range listeners {
		l := &listeners[i]
		if l.MaybeClient {
			clients++
			continue
		}
		list = append(list, newDraft(l))
	}
	// Those of one protocol have the widest exposure of all; protocols then share
	// an entry where that is the same, so that none is approved wider than found.
	list = joinDrafts(list, func(d *draft) string { return d.Protocols[0].String() })
	list = joinDrafts(list, func(d *draft) string {
		if d.Protocols[0].HasPorts() {
			return d.Exposure.String()
		}
		return d.Protocols[0].String()
	})
	slices.SortFunc(list, func(a, b *draft) int {
		return cmp.Or(
			cmp.Compare(b.rank(), a.rank()),
			slices.Compare(a.Programs, b.Programs),
			slices.Compare(a.Namespaces, b.Namespaces),
			cmp.Compare(a.port(), b.port()),
			slices.Compare(a.Protocols, b.Protocols),
			cmp.Compare(a.key, b.key),
		)
	})
	return list, clients
}

// joinDrafts makes one of the drafts that are one entry: those of one key for
// which also gives the same.
func joinDrafts(list []*draft, also func(*draft) string) []*draft {
	at := map[[2]string]*draft{}
	return slices.DeleteFunc(list, func(d *draft) bool {
		key := [2]string{d.key, also(d)}
		if had := at[key]; had != nil {
			had.join(d)
			return true
		}
		at[key] = d
		return false
	})
}

// A draft is an entry in the making, and what a person is told of it.
type draft struct {
	Entry
	// key is the same for drafts that differ in their protocols and exposure alone.
	key string
	// says are what it is, and notes what to look at: lines above the entry.
	says, notes []string
}

// newDraft returns the entry that approves l.
func newDraft(l *annotate.Listener) *draft {
	d := &draft{Entry: Entry{Protocols: []scanner.Protocol{l.Protocol}, Exposure: l.Exposure, Namespaces: []string{hostNamespace}}}
	d.say(l)
	if hasPort(l.Protocol) {
		d.Ports = []PortSpan{{portOf(l), portOf(l)}}
	}
	if path := pathOf(l); path != "" {
		if writable(path) {
			d.Paths = []string{path}
		} else {
			d.notes = append(d.notes, "its path cannot be written here: "+visible(path))
		}
	}
	d.holders(l)
	switch {
	case writable(l.User):
		d.Users = []string{l.User}
	case l.UID >= 0:
		d.Users = []string{strconv.FormatInt(l.UID, 10)}
	}
	if ns := namespaceOf(l); len(d.Containers) > 0 {
		d.Namespaces = nil
	} else if ns != hostNamespace {
		d.Namespaces = nil
		if writable(ns) && !isNameless(ns) {
			d.Namespaces = []string{ns}
		} else {
			d.notes = append(d.notes, "its network namespace has no lasting name: "+visible(ns))
		}
	}
	d.key = fmt.Sprintf("%d %q %q %q %q %q %q", d.port(), d.Paths, d.Namespaces, d.Programs, d.Users, d.Units, d.Containers)
	return d
}

// say adds a comment that says what l is: service, program and user.
func (d *draft) say(l *annotate.Listener) {
	s := l.Service.Name
	if s == "" {
		s = "no registered service"
	}
	if l.Service.Description != "" && !strings.EqualFold(l.Service.Description, l.Service.Name) {
		s += " (" + l.Service.Description + ")"
	}
	s += ": " + holderOf(l)
	if l.KernelUse != "" {
		s += " for " + l.KernelUse
	}
	if user := subject(l).User; user != "" {
		s += " of " + user
	}
	d.says = append(d.says, visible(s))
	if l.Program == annotate.Differs {
		d.notes = append(d.notes, "look twice: "+visible(l.Sentence(nil)))
	}
	if l.Ephemeral {
		d.notes = append(d.notes, "the port is of those that clients get: it may be another after a restart")
	}
}

// holders names who holds l: its programs, and where all are in one, their
// units and containers.
func (d *draft) holders(l *annotate.Listener) {
	holders := holdersOf(l)
	if len(holders) == 0 {
		if l.Why == scanner.Kernel {
			d.Programs = []string{KernelProgram}
		} else {
			d.notes = append(d.notes, "its program could not be seen (whatslistening doctor says why)")
		}
		return
	}
	if len(l.Holders) == 1 && l.Holders[0].PID == 1 {
		d.notes = append(d.notes, "held for a service that has not started: add its program")
	}
	units, containers := true, true
	for _, p := range holders {
		name := programOf(p)
		if name == "" {
			d.Programs = nil
			d.notes = append(d.notes, "a program cannot be written here: "+visible(cmp.Or(p.Exe, p.Name, "?")))
			break
		}
		d.Programs = append(d.Programs, name)
	}
	for _, p := range holders {
		unit := cmp.Or(p.UserUnit, p.Unit)
		// The scope of a session is another after the next login.
		units = units && writable(unit) && !strings.HasSuffix(unit, ".scope")
		d.Units = append(d.Units, unit)
		name := cmp.Or(p.ContainerName, p.Container)
		containers = containers && p.Container != "" && writable(name)
		d.Containers = append(d.Containers, name)
	}
	if !units {
		d.Units = nil
	}
	if !containers {
		d.Containers = nil
	}
	if slices.ContainsFunc(d.Containers, isContainerID) {
		d.notes = append(d.notes, "a container goes by its id, which is another when it is made again: put its name")
	}
	for _, list := range [...]*[]string{&d.Programs, &d.Units, &d.Containers} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}

// programOf returns what an entry calls a program: the path, or for an
// interpreter its script; empty where neither can be written.
func programOf(p *scanner.Process) string {
	for _, s := range [...]string{p.Script, p.Exe} {
		if writable(s) && s != KernelProgram {
			return s
		}
	}
	if writable(p.Name) && p.Name != KernelProgram && p.Name[0] != '/' {
		return p.Name
	}
	return ""
}

// writable reports whether YAML can hold s as it is.
func writable(s string) bool { return s != "" && utf8.ValidString(s) }

// rank is the exposure by which an entry is put in its place; sockets without
// an address come last.
func (d *draft) rank() int {
	if !hasReach(d.Protocols[0]) {
		return -1
	}
	return int(d.Exposure)
}

// group is the title of the entry's group.
func (d *draft) group() string {
	switch {
	case !hasReach(d.Protocols[0]):
		return d.Protocols[0].String()
	case d.Exposure == annotate.All:
		return "all: at every address of the host"
	case d.Exposure == annotate.Loopback:
		return "loopback: this host alone"
	}
	return d.Exposure.String()
}

// port returns the port.
func (d *draft) port() uint32 {
	if len(d.Ports) == 0 {
		return 0
	}
	return d.Ports[0].First
}

// join adds what f approves to d.
func (d *draft) join(f *draft) {
	d.Protocols = append(d.Protocols, f.Protocols...)
	slices.Sort(d.Protocols)
	d.Protocols = slices.Compact(d.Protocols)
	d.Exposure = max(d.Exposure, f.Exposure)
	d.says, d.notes = append(d.says, f.says...), append(d.notes, f.notes...)
}

// write writes the entry and its comments.
func (d *draft) write(b *strings.Builder) {
	for _, lines := range [...][]string{d.says, d.notes} {
		slices.Sort(lines)
		for _, line := range slices.Compact(lines) {
			fmt.Fprintf(b, "  # %s\n", line)
		}
	}
	first := true
	put := func(key, v string) {
		lead := "    "
		if first {
			lead, first = "  - ", false
		}
		fmt.Fprintf(b, "%s%s: %s\n", lead, key, v)
	}
	texts := func(key string, list []string) {
		if len(list) == 0 {
			return
		}
		quoted := make([]string, len(list))
		for i, s := range list {
			quoted[i] = quote(s)
		}
		if len(list) == 1 {
			put(key, quoted[0])
			return
		}
		put(key, "["+strings.Join(quoted, ", ")+"]")
	}
	p := d.Protocols[0]
	if hasPort(p) {
		put("port", join(d.Ports))
	}
	if p == scanner.Unix {
		texts("path", cmpSlice(d.Paths, []string{"any"}))
	}
	if len(d.Protocols) > 1 || p != scanner.TCP { // which is the default
		var protocols []string
		for _, p := range d.Protocols {
			protocols = append(protocols, p.String())
		}
		texts("protocol", protocols)
	}
	if hasReach(p) {
		put("exposure", d.Exposure.String())
	}
	if len(d.Namespaces) == 0 && len(d.Containers) == 0 {
		put("namespace", "any")
	} else if !slices.Equal(d.Namespaces, []string{hostNamespace}) {
		texts("namespace", d.Namespaces)
	}
	texts("program", d.Programs)
	texts("user", d.Users)
	texts("unit", d.Units)
	texts("container", d.Containers)
	put("reason", `"?"`)
}

// cmpSlice returns a, or b where a is empty.
func cmpSlice(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}

// quote returns s, which is UTF-8, as a YAML scalar: as it is where every
// reader of YAML 1.1 and 1.2 takes it for that text, and in double quotes
// otherwise, whose escapes are those of Go.
func quote(s string) string {
	plain := len(s) > 5 || !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(s))
	for i, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && c != '/' && (i == 0 || (c < '0' || c > '9') && !strings.ContainsRune("._-+@", rune(c))) {
			plain = false
		}
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}

// visible returns s for a comment: in one line, with what cannot be seen as
// escapes.
func visible(s string) string {
	q := strconv.Quote(clipTo(300, s)) // no comment has room for more
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
