package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// The keys of a register, of an entry and of an exception.
var (
	policyKeys    = []string{"version", "approvals", "rules"}
	entryKeys     = []string{"port", "ports", "path", "protocol", "exposure", "address", "namespace", "program", "user", "unit", "container", "reason", "owner", "ticket", "expires", "accepts"}
	exceptionKeys = []string{"disable", "severity", "reason", "owner", "ticket", "expires"}
)

// policy reads a register.
func (r *reader) policy(n *yaml.Node, p *Policy) {
	had := r.mapping(n, "a register", policyKeys, func(key string, k, v *yaml.Node) {
		nothing := v.Kind == yaml.ScalarNode && v.Tag == "!!null"
		switch {
		case key == "version":
			if s, ok := r.text(v, key); ok && s != "1" {
				r.at(v, "this program reads version: 1", "version %q is not known", clip(s))
			}
		case nothing: // all below it is commented out
		case key == "approvals":
			if v.Kind != yaml.SequenceNode {
				r.at(v, `each entry begins with "- "`, "approvals has to be a list, not %s", kindOf(v))
				return
			}
			for _, n := range v.Content {
				if e, ok := r.entry(n); ok {
					p.Entries = append(p.Entries, e)
				}
			}
		case key == "rules":
			r.mapping(v, "rules", nil, func(id string, k, v *yaml.Node) {
				if x, ok := r.exception(id, k, v); ok {
					p.Exceptions = append(p.Exceptions, x)
				}
			})
		}
	})
	if had != nil && had["version"] == nil {
		r.complain(1, 0, hintShape, `the key "version" is missing`)
	}
}

// entry reads an entry.
func (r *reader) entry(n *yaml.Node) (e Entry, ok bool) {
	e.Position = Position{r.file, n.Line}
	e.Protocols = []scanner.Protocol{scanner.TCP}
	before := len(r.problems) + r.more
	ports, hosts := false, true
	had := r.mapping(n, "an entry", entryKeys, func(key string, k, v *yaml.Node) {
		switch key {
		case "port", "ports":
			ports = true
		case "protocol":
			e.Protocols = nil
			r.texts(v, key, func(s string, n *yaml.Node) { r.protocol(s, n, &e) })
		case "exposure":
			if s, ok := r.text(v, key); ok {
				var err error
				if e.Exposure, err = annotate.ParseExposure(s); err != nil {
					r.at(v, "", "%v", err)
				}
			}
		case "address":
			r.texts(v, key, func(s string, n *yaml.Node) { r.address(s, n, &e) })
		case "path":
			r.texts(v, key, func(s string, n *yaml.Node) { e.Paths = append(e.Paths, s) })
			e.Paths = unlessAny(r, v, key, e.Paths)
		case "namespace":
			hosts = false
			r.texts(v, key, func(s string, n *yaml.Node) { e.Namespaces = append(e.Namespaces, s) })
			e.Namespaces = unlessAny(r, v, key, e.Namespaces)
		case "program":
			r.texts(v, key, func(s string, n *yaml.Node) { e.Programs = append(e.Programs, s) })
		case "user":
			r.texts(v, key, func(s string, n *yaml.Node) { e.Users = append(e.Users, s) })
		case "unit":
			r.texts(v, key, func(s string, n *yaml.Node) { e.Units = append(e.Units, s) })
		case "container":
			r.texts(v, key, func(s string, n *yaml.Node) { e.Containers = append(e.Containers, s) })
		case "reason":
			e.Reason = r.line(v, key)
		case "owner":
			e.Owner = r.line(v, key)
		case "ticket":
			e.Ticket = r.line(v, key)
		case "expires":
			e.Expires = r.date(v, key)
		case "accepts":
			r.texts(v, key, func(s string, n *yaml.Node) { r.accepts(s, n, &e) })
		}
	})
	if had == nil {
		return e, false
	}
	if hosts && len(e.Containers) == 0 {
		e.Namespaces = []string{hostNamespace}
	}
	slices.Sort(e.Protocols)
	e.Protocols = slices.Compact(e.Protocols)
	if len(e.Protocols) > 0 { // or that was a problem already
		r.ports(n, had, ports, &e)
		r.wants(n, had, &e)
	}
	if had["reason"] == nil {
		r.at(n, `say why it may listen: reason: "..."`, "the entry has no reason")
	}
	return e, before == len(r.problems)+r.more
}

// hostNamespace is the name of the network namespace of the scan.
const hostNamespace = "host"

// unlessAny returns list, and nothing where it is the word "any".
func unlessAny(r *reader, n *yaml.Node, key string, list []string) []string {
	if !slices.Contains(list, "any") {
		return list
	}
	if len(list) > 1 {
		r.at(n, "leave out one or the other", "%s: any stands beside others", key)
	}
	return nil
}

// protocol reads a protocol.
func (r *reader) protocol(s string, n *yaml.Node, e *Entry) {
	if s == "any" {
		e.Protocols = append(e.Protocols, scanner.DefaultProtocols()...)
		return
	}
	p, err := scanner.ParseProtocol(s)
	if err != nil {
		r.at(n, "", "%v, or any", err)
		return
	}
	e.Protocols = append(e.Protocols, p)
}

// ports reads the ports of an entry whose protocols are known, and looks
// whether the protocols can be in one entry.
func (r *reader) ports(n *yaml.Node, had map[string]*yaml.Node, given bool, e *Entry) {
	for _, p := range e.Protocols[1:] {
		if first := e.Protocols[0]; !p.HasPorts() || !first.HasPorts() {
			r.at(had["protocol"], "write an entry for each", "%v and %v in one entry", first, p)
			return
		}
	}
	switch p := e.Protocols[0]; {
	case given && !hasPort(p):
		r.at(cmpOr(had["port"], had["ports"]), "", "%v has no port", p)
		return
	case had["path"] != nil && p != scanner.Unix:
		r.at(had["path"], "add protocol: unix, or take it out", "%v has no path", p)
	case p == scanner.Unix && had["path"] == nil:
		r.at(n, "path: /run/docker.sock, or path: any", "the entry has no path")
	case !given && hasPort(p):
		r.at(n, "port: 443, ports: 8000-8010, or port: any", "the entry has no port")
	case had["port"] != nil && had["ports"] != nil:
		r.at(had["ports"], "write one list", "port and ports stand in one entry")
	}
	limit := uint64(65535)
	if e.Protocols[0] == scanner.VSock {
		limit = 1<<32 - 1
	}
	for _, key := range [...]string{"port", "ports"} {
		k := had[key]
		if k == nil {
			continue
		}
		v := valueOf(n, k)
		anyPort, many := false, 0
		r.texts(v, key, func(s string, n *yaml.Node) {
			many++
			if s == "any" {
				anyPort = true
				return
			}
			span, problem := parsePorts(s, limit)
			if problem != "" {
				r.at(n, "a port is 443, a run of ports 8000-8010", "%s", problem)
				return
			}
			e.Ports = append(e.Ports, span)
		})
		if anyPort && many > 1 {
			r.at(v, "leave out one or the other", "%s: any stands beside others", key)
		}
	}
}

// valueOf returns the value of the key k of n.
func valueOf(n, k *yaml.Node) *yaml.Node {
	return n.Content[slices.Index(n.Content, k)+1]
}

// cmpOr returns a, or b where a is nil.
func cmpOr(a, b *yaml.Node) *yaml.Node {
	if a != nil {
		return a
	}
	return b
}

// parsePorts reads a port or a run of ports up to limit.
func parsePorts(s string, limit uint64) (span PortSpan, problem string) {
	first, last, run := strings.Cut(s, "-")
	if !run {
		last = first
	}
	var ends [2]uint64
	for i, end := range [...]string{strings.TrimSpace(first), strings.TrimSpace(last)} {
		n, err := strconv.ParseUint(end, 10, 32)
		if err != nil || end != strconv.FormatUint(n, 10) {
			return span, fmt.Sprintf("%q is no port", clip(s))
		}
		if n > limit {
			return span, fmt.Sprintf("port %d is above %d", n, limit)
		}
		ends[i] = n
	}
	if ends[0] > ends[1] {
		return span, fmt.Sprintf("the run of ports is reversed: %d is above %d", ends[0], ends[1])
	}
	return PortSpan{uint32(ends[0]), uint32(ends[1])}, ""
}

// address reads an address or a network.
func (r *reader) address(s string, n *yaml.Node, e *Entry) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil {
			r.at(n, "an address is 127.0.0.1 or ::1, a network 10.0.0.0/8; exposure: all is every address", "%q is no address", clip(s))
			return
		}
		zone := a.Zone()
		a = a.Unmap().WithZone("")
		e.Addresses = append(e.Addresses, Address{netip.PrefixFrom(a, a.BitLen()), zone})
		return
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		r.at(n, "a network is 10.0.0.0/8", "%q is no network", clip(s))
	case p.Addr().Is4In6():
		r.at(n, "write it as IPv4", "%v is a network of IPv4-mapped addresses", p)
	case p != p.Masked():
		r.at(n, fmt.Sprintf("write %v, or %v alone", p.Masked(), p.Addr()), "%v has bits that are not of the network", p)
	default:
		e.Addresses = append(e.Addresses, Address{Prefix: p})
	}
}

// accepts reads the id of a rule whose findings an entry accepts.
func (r *reader) accepts(id string, n *yaml.Node, e *Entry) {
	rule, ok := RuleByID(id)
	switch {
	case !ok:
		hint := "whatslistening audit --rules lists them"
		if near := nearestRule(id); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		r.at(n, hint, "there is no rule %q", clip(id))
	case rule.isOf(driftRules[:]):
		r.at(n, "make a new baseline, or re-grade the rule under rules", "%s is about what changed since a baseline", id)
	case rule.isOf(registerRules[:]):
		r.at(n, "take it out: that the entry approves says so", "%s is about the register itself", id)
	case slices.Contains(e.Accepts, id):
		r.at(n, "leave one of them", "%s stands here for the second time", id)
	default:
		e.Accepts = append(e.Accepts, id)
	}
}

// wants looks whether the entry says who may reach what it approves.
func (r *reader) wants(n *yaml.Node, had map[string]*yaml.Node, e *Entry) {
	exposure, address := had["exposure"], had["address"]
	switch p := e.Protocols[0]; {
	case hasReach(p) && exposure == nil && address == nil:
		r.at(n, "exposure: loopback is this host alone, exposure: all every address; or address: 10.0.0.0/8", "the entry does not say who may reach it: it has neither exposure nor address")
	case !hasReach(p) && (exposure != nil || address != nil):
		r.at(cmpOr(exposure, address), "take it out", "%v has no address", p)
	case exposure != nil && address != nil:
		r.at(address, "an address says who may reach it, too", "exposure and address stand in one entry")
	}
}

// exception reads an exception from the rule id.
func (r *reader) exception(id string, k, v *yaml.Node) (x Exception, ok bool) {
	x.Position, x.Rule = Position{r.file, k.Line}, id
	before := len(r.problems) + r.more
	if _, ok := RuleByID(id); !ok {
		r.at(k, "whatslistening audit --rules lists them", "there is no rule %q", clip(id))
	}
	had := r.mapping(v, "an exception", exceptionKeys, func(key string, k, v *yaml.Node) {
		switch key {
		case "disable":
			if v.Kind != yaml.AliasNode && (v.Tag != "!!bool" || v.Value != "true") {
				r.at(v, "write disable: true, or severity: note", "disable can only be true")
			}
			x.Disabled = true
		case "severity":
			if s, ok := r.text(v, key); ok {
				var err error
				if x.Severity, err = ParseSeverity(s); err != nil {
					r.at(v, "", "%v", err)
				}
			}
		case "reason":
			x.Reason = r.line(v, key)
		case "owner":
			x.Owner = r.line(v, key)
		case "ticket":
			x.Ticket = r.line(v, key)
		case "expires":
			x.Expires = r.date(v, key)
		}
	})
	if had == nil {
		return x, false
	}
	switch {
	case had["disable"] == nil && had["severity"] == nil:
		r.at(k, "write disable: true, or severity: note", "the exception says neither disable nor severity")
	case had["disable"] != nil && had["severity"] != nil:
		r.at(had["severity"], "leave one of them", "a rule that is disabled has no severity")
	}
	switch n := had["reason"]; {
	case n == nil:
		r.at(k, `say why: reason: "..."`, "the exception has no reason")
	case x.Reason != "" && isQuestion(x.Reason):
		r.at(valueOf(v, n), "write why the rule is not for this host", "the exception has no reason yet: %q", x.Reason)
	}
	return x, before == len(r.problems)+r.more
}
