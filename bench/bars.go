package main

import "fmt"

// megabyte is the unit of the bar for memory: the smaller of the two that go by
// the name.
const megabyte = 1_000_000

// A bar is what whatslistening has to reach in one scenario.
type bar struct {
	ratio  float64 // of its wall time to that of ss, at most
	pinned float64 // the same with both on one CPU
	peak   int64   // of its resident set, in bytes, at most
}

// barOf returns the bar for a scenario, and reports whether it has one.
func barOf(scenario string) (bar, bool) {
	switch scenario {
	case "S0":
		return bar{0.85, 1.00, 14 * megabyte}, true
	case "S1":
		return bar{0.50, 0.75, 14 * megabyte}, true
	case "S2":
		return bar{0.09, 0.50, 14 * megabyte}, true
	case "S3":
		return bar{0.15, 0.65, 14 * megabyte}, true
	case "S4":
		return bar{0.18, 0.40, 24 * megabyte}, true
	}
	return bar{}, false
}

// A verdict says whether a bar was reached.
type verdict struct {
	met  bool
	text string
}

// judge compares a scenario's rows with its bar.
func judge(scenario string, rows []row, pinned bool) verdict {
	b, ok := barOf(scenario)
	if !ok {
		return verdict{text: scenario + ": there is no bar for it"}
	}
	limit, cpus := b.ratio, ""
	if pinned {
		limit, cpus = b.pinned, " on one CPU"
	}
	for _, r := range rows {
		if r.contender != ours {
			continue
		}
		if r.failed != "" {
			return verdict{text: fmt.Sprintf("%s: not judged: %s: %s", scenario, ours, r.failed)}
		}
		if !r.compared {
			return verdict{text: fmt.Sprintf("%s: not judged: there is no ss to compare with", scenario)}
		}
		fast, small := r.ratio.median <= limit, r.peak <= b.peak
		return verdict{
			met: fast && small,
			text: fmt.Sprintf("%s: time %.2f × ss, the bar%s is %.2f: %s; peak RSS %.1f MB, the bar is %d: %s",
				scenario, r.ratio.median, cpus, limit, word(fast), float64(r.peak)/megabyte, b.peak/megabyte, word(small)),
		}
	}
	return verdict{text: fmt.Sprintf("%s: not judged: %s was not measured", scenario, ours)}
}

func word(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}
