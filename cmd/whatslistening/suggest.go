package main

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// nearest returns the candidate that a person who typed word most likely
// meant, and whether there is one: the fewest edits, at most a third of the
// word's letters, the first of several.
func nearest(word string, candidates iter.Seq[string]) (string, bool) {
	word = strings.ToLower(word)
	n := utf8.RuneCountInString(word)
	most := min(2, (n+1)/3)
	best, found := most+1, ""
	for c := range candidates {
		if abs(len(c)-len(word)) >= best && len(c)+len(word) < 64 {
			continue
		}
		if d := edits(word, strings.ToLower(c), best); d < best {
			best, found = d, c
		}
	}
	return found, found != ""
}

// shortest returns the shortest of a sequence, the first of several, and
// whether there is one.
func shortest(seq iter.Seq[string]) (found string, ok bool) {
	for s := range seq {
		if !ok || len(s) < len(found) {
			found, ok = s, true
		}
	}
	return found, ok
}

func abs(n int) int { return max(n, -n) }

// edits returns how many insertions, deletions, changes and swaps of
// neighbours (optimal string alignment) make b of a, or limit if it is no fewer.
func edits(a, b string, limit int) int {
	r, s := []rune(a), []rune(b)
	if abs(len(r)-len(s)) >= limit {
		return limit
	}
	// Three rows of the table: two back, one back, and this one.
	var rows [3][]int
	for i := range rows {
		rows[i] = make([]int, len(s)+1)
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(r); i++ {
		two, one, now := rows[(i+1)%3], rows[(i+2)%3], rows[i%3]
		now[0] = i
		for j := 1; j <= len(s); j++ {
			cost := 1
			if r[i-1] == s[j-1] {
				cost = 0
			}
			now[j] = min(one[j]+1, now[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && r[i-1] == s[j-2] && r[i-2] == s[j-1] {
				now[j] = min(now[j], two[j-2]+1)
			}
		}
	}
	return min(rows[len(r)%3][len(s)], limit)
}
