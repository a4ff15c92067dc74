package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// String names a service: "tcp/443 on * (nginx of root)".
func (v *service) String() string {
	var b strings.Builder
	b.WriteString(v.protocol.String())
	switch {
	case v.path != "":
		b.WriteString(" " + v.path)
	case hasPort(v.protocol):
		b.WriteString("/" + strconv.FormatUint(uint64(v.port), 10))
	}
	if at := endsText(v.ends); at != "" {
		b.WriteString(" on " + at)
	}
	if ns := v.subject.Namespace; ns != hostNamespace {
		b.WriteString(" in namespace " + shortName(ns))
	}
	b.WriteString(" (")
	if len(v.subject.Programs) > 0 {
		b.WriteString(strings.Join(v.subject.Programs, ", "))
	} else {
		b.WriteString(programText(v))
	}
	if v.subject.User != "" {
		b.WriteString(" of " + v.subject.User)
	}
	return b.String() + ")"
}

// mostEnds is how many addresses a text has.
const mostEnds = 4

// endsText returns the addresses of a service: "*" for both wildcards; empty for
// none.
func endsText(ends []end) string {
	var list []string
	for _, e := range ends {
		four, six := end{netip.IPv4Unspecified(), e.device}, end{netip.IPv6Unspecified(), e.device}
		s := ""
		switch {
		case e == six && slices.Contains(ends, four):
			continue
		case e == four && slices.Contains(ends, six):
			s = "*"
		case e.addr.Is6(): // as before a port: "::1" by itself reads like a command of a CI system
			s = "[" + e.addr.String() + "]"
		case e.addr.IsValid():
			s = e.addr.String()
		}
		switch {
		case e.device == "":
		case s == "":
			s = e.device
		default:
			s += "%" + e.device
		}
		if s != "" {
			list = append(list, s)
		}
	}
	if n := len(list) - mostEnds; n > 1 {
		list = append(list[:mostEnds], fmt.Sprintf("%d more", n))
	}
	return strings.Join(list, ", ")
}

// whereText returns the port of a service, or its path.
func (v *service) whereText() string {
	if v.path != "" {
		return v.path
	}
	return v.protocol.String() + "/" + strconv.FormatUint(uint64(v.port), 10)
}

// programText names the program of a service by what tells it from others.
func programText(v *service) string {
	switch v.program {
	case "":
		return "an unseen process"
	case "\x00kernel":
		return "the kernel"
	case "\x00none":
		return "no process"
	}
	return strings.ReplaceAll(v.program, "\x00", " ")
}
