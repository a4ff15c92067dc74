package main

import "slices"

// A spread is the middle and the ends of some numbers.
type spread struct{ median, min, max float64 }

// spreadOf returns the spread of at least one number. The median of an even
// count is the mean of the two in the middle.
func spreadOf(xs []float64) spread {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	return spread{median: (s[(n-1)/2] + s[n/2]) / 2, min: s[0], max: s[n-1]}
}

// ratios divides round by round: what slows the machine for a while slows both
// contenders of that round.
func ratios(xs, base []float64) []float64 {
	r := make([]float64, len(xs))
	for i := range xs {
		r[i] = xs[i] / base[i]
	}
	return r
}
