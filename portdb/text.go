package portdb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The words of the registry, as reports print them and flags take them.
var (
	transportNames = [...]string{"tcp", "udp", "sctp", "dccp"}
	sourceNames    = [...]string{"iana", "appendix", "common", "local"}
	statusNames    = [...]string{"assigned", "unassigned", "reserved", "de-registered"}
	rangeNames     = [...]string{"well-known", "registered", "dynamic"}
)

// String returns the names of the transports in the set, as "tcp" or "tcp,udp".
// The zero Transport is "", as the registry leaves the cell empty.
func (t Transport) String() string {
	for i, name := range transportNames {
		if t == 1<<i {
			return name
		}
	}
	var names []string
	for i, name := range transportNames {
		if t&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// ParseTransport returns the set of transports that s names, in any case and
// separated by commas: the inverse of [Transport.String].
func ParseTransport(s string) (Transport, error) {
	if s == "" {
		return 0, nil
	}
	var t Transport
	for name := range strings.SplitSeq(s, ",") {
		i := slices.Index(transportNames[:], strings.ToLower(name))
		if i < 0 {
			return 0, fmt.Errorf("unknown transport %q: want tcp, udp, sctp or dccp", name)
		}
		t |= 1 << i
	}
	return t, nil
}

// String returns the layer's name: "iana", "appendix", "common" or "local".
func (s Source) String() string { return word(sourceNames[:], "source", int(s)) }

// String returns the status in lower case: "assigned", "unassigned",
// "reserved" or "de-registered".
func (s Status) String() string { return word(statusNames[:], "status", int(s)) }

// ParseRange is the inverse of [Range.String].
func ParseRange(s string) (Range, error) {
	i, err := parseWord(rangeNames[:], "range", s)
	return Range(i), err
}

// word returns the name of value i of a kind. It names values that do not
// exist too, so that printing one never panics.
func word(names []string, kind string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return kind + "(" + strconv.Itoa(i) + ")"
}

func parseWord(names []string, kind, s string) (int, error) {
	i := slices.Index(names, s)
	if i < 0 {
		return 0, fmt.Errorf("unknown %s %q: want %s or %s", kind, s,
			strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
	}
	return i, nil
}
