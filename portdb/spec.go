package portdb

import (
	"errors"
	"fmt"
	"strings"
)

// A Spec is a port, or a run of ports, as a person types it.
type Spec struct {
	Transport   Transport // 0 means any
	First, Last uint16    // equal for one port
}

// ErrNotSpec is the error of [ParseSpec] for a text that does not try to be a
// port, so that it may be the name of a service or of a program.
var ErrNotSpec = errors.New("not a port")

// ParseSpec reads a port ("5432", ":443"), a run of ports ("8000-8010"), and
// either with its transport before or after it ("udp/53", "53/udp",
// "tcp/8000-8010").
//
// A text that may be a name fails with [ErrNotSpec]: one that does not start
// with ":", is not made of digits and "-" alone, and has no such port and no
// transport beside a "/" ("9pfs", "914c/g"). "cl/1" is such a name too, and not
// a port of an unknown transport, though "1/cl" is one. Every other failure says
// what is wrong with the port: that it is above 65535, that the run is reversed,
// that the transport is unknown.
func ParseSpec(s string) (Spec, error) {
	before, after, slash := strings.Cut(s, "/")
	if !slash {
		if !portLike(s) {
			return Spec{}, fmt.Errorf("%q: %w", s, ErrNotSpec)
		}
		return parsePorts(s, 0, s)
	}
	port, transport := before, after
	if _, err := ParseTransport(before); err == nil && before != "" || !portLike(before) && portLike(after) {
		port, transport = after, before
	}
	t, err := ParseTransport(transport)
	switch {
	case err != nil && portLike(before):
		return Spec{}, fmt.Errorf("%q: %w", s, err)
	case err != nil && portLike(port):
		return Spec{}, fmt.Errorf("%q: %w: %w", s, ErrNotSpec, err)
	case err != nil, transport == "" && !portLike(port):
		return Spec{}, fmt.Errorf("%q: %w", s, ErrNotSpec)
	case transport == "":
		return Spec{}, fmt.Errorf("%q: no transport beside the slash", s)
	case port == "":
		return Spec{}, fmt.Errorf("%q: no port beside the slash", s)
	}
	return parsePorts(port, t, s)
}

// Contains reports whether port on the transport t is among those of s. A
// transport of 0, on either side, means any.
func (s Spec) Contains(t Transport, port uint16) bool {
	return s.First <= port && port <= s.Last && s.Transport.overlaps(t)
}

// String returns s as [ParseSpec] reads it: "443", "udp/53", "tcp/8000-8010".
func (s Spec) String() string {
	ports := fmt.Sprint(s.First)
	if s.Last != s.First {
		ports += fmt.Sprint("-", s.Last)
	}
	if s.Transport == 0 {
		return ports
	}
	return s.Transport.String() + "/" + ports
}

// portLike reports whether s can only be meant as a port.
func portLike(s string) bool {
	return s != "" && (s[0] == ':' || strings.Trim(s, "0123456789-") == "")
}

// parsePorts reads a port or a run of ports; whole is what the person typed.
func parsePorts(s string, t Transport, whole string) (Spec, error) {
	first, last, run := strings.Cut(strings.TrimPrefix(s, ":"), "-")
	if !run {
		last = first
	}
	a, err := parsePort(first)
	if err != nil {
		return Spec{}, fmt.Errorf("%q: %w", whole, err)
	}
	b, err := parsePort(last)
	if err != nil {
		return Spec{}, fmt.Errorf("%q: %w", whole, err)
	}
	if a > b {
		return Spec{}, fmt.Errorf("%q: the range is reversed: %d is above %d", whole, a, b)
	}
	return Spec{Transport: t, First: a, Last: b}, nil
}

// parsePort reads a port number in decimal digits.
func parsePort(s string) (uint16, error) {
	switch {
	case s == "":
		return 0, errors.New("a port number is missing")
	case strings.Trim(s, "0123456789") != "":
		return 0, fmt.Errorf("%q is not a port number", s)
	}
	n := 0
	for _, c := range []byte(s) {
		if n = n*10 + int(c-'0'); n > 65535 {
			return 0, fmt.Errorf("port %s is above 65535", s)
		}
	}
	return uint16(n), nil
}
