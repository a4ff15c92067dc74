package scanner

// readOverflows returns how often the listeners of this thread's network
// namespace had a full queue, and how often they dropped a connection, since it
// was made; 0 where that is not to be had (/proc mounted with subset=pid).
//
// The kernel sums 130 counters over all processors for it, which takes some 40 µs
// where a whole scan can take 2 ms. So it is asked only about a namespace where
// something was dropped.
func readOverflows(procfs string) (overflows, drops uint64) {
	buf := make([]byte, 8<<10)
	overflows, drops, _ = parseNetstat(readSmall(procfs+"/thread-self/net/netstat", &buf))
	return overflows, drops
}
