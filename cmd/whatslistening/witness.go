package main

import (
	"slices"

	"github.com/whatslistening/whatslistening/scanner"
)

// hides reports whether something hides a socket.
func hides(ds []scanner.Discrepancy) bool {
	return slices.ContainsFunc(ds, func(d scanner.Discrepancy) bool { return d.Kind.Hidden() })
}

// sayDiscrepancies says what the witnesses do not agree on, the worst first, for
// an output that has no place for it.
func (a *app) sayDiscrepancies(ds []scanner.Discrepancy) {
	ds = slices.Clone(ds)
	slices.SortStableFunc(ds, func(x, y scanner.Discrepancy) int { return y.Kind.Rank() - x.Kind.Rank() })
	for i := range ds {
		a.say("%s", ds[i].Sentence())
		if next := ds[i].Kind.Next(); next != "" && (i == 0 || ds[i-1].Kind != ds[i].Kind) {
			a.hint("%s", next)
		}
	}
}
