package report

import (
	"cmp"
	"slices"
	"strings"
)

// scopes finds how far most scans looked, and the hosts that differ.
func (s *fleetSum) scopes() {
	unix := func(yes bool) string {
		if yes {
			return "with unix sockets"
		}
		return "without unix sockets"
	}
	facets := []struct {
		of  func(*fleetHost) string
		set func(string)
		say string
	}{
		{func(h *fleetHost) string { return h.os }, func(v string) { s.usualOS = v }, "system "},
		{func(h *fleetHost) string { return h.scope.privileges }, func(v string) { s.usual.privileges = v }, "as "},
		{func(h *fleetHost) string { return h.scope.namespaces }, func(v string) { s.usual.namespaces = v }, "network namespaces: "},
		{func(h *fleetHost) string { return h.scope.sources }, func(v string) { s.usual.sources = v }, "source "},
		{func(h *fleetHost) string { return unix(h.scope.unix) }, func(v string) { s.usual.unix = v == unix(true) }, ""},
	}
	for _, h := range s.hosts {
		h.scopeDiffer = nil
		if h.scope.narrowed {
			h.scopeDiffer = []string{"narrowed down"}
		}
	}
	for _, x := range facets {
		found := map[string]int{}
		for _, h := range s.hosts {
			found[x.of(h)]++
		}
		counts := mostCommon(found)
		if len(counts) == 0 {
			return
		}
		x.set(counts[0].text)
		for _, h := range s.hosts {
			if v := x.of(h); v != counts[0].text {
				h.scopeDiffer = append(h.scopeDiffer, x.say+v)
			}
		}
	}
}

// mostCommon returns texts and how often they were counted, the most common
// first, without the empty text where there is another.
func mostCommon(found map[string]int) []fleetCount {
	counts := make([]fleetCount, 0, len(found))
	for text, n := range found {
		if text != "" || len(found) == 1 {
			counts = append(counts, fleetCount{text, n})
		}
	}
	slices.SortFunc(counts, func(a, b fleetCount) int {
		return cmp.Or(cmp.Compare(b.hosts, a.hosts), strings.Compare(a.text, b.text))
	})
	return counts
}
