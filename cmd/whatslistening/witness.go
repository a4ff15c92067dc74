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
		next := ds[i].Kind.Next()
		if next != "" && (i == len(ds)-1 || ds[i+1].Kind.Next() != next) {
			a.hint("%s", next)
		}
	}
}
