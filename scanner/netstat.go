package scanner

import "bytes"

// parseNetstat reads the counters of a namespace that tell how its listeners are
// doing from /proc/net/netstat: how often a connection found an accept queue
// full, and how often one was dropped for any reason. The file has lines in
// pairs, the names and below them the numbers (net/ipv4/proc.c:
// netstat_seq_show):
//
//	TcpExt: SyncookiesSent … ListenOverflows ListenDrops …
//	TcpExt: 0 … 12 12 …
//
// It reports whether both are there.
func parseNetstat(b []byte) (overflows, drops uint64, ok bool) {
	const key = "TcpExt: "
	names, rest, found := bytes.Cut(b, []byte("\n"))
	for found && !bytes.HasPrefix(names, []byte(key)) {
		names, rest, found = bytes.Cut(rest, []byte("\n"))
	}
	numbers, _, _ := bytes.Cut(rest, []byte("\n"))
	names, isNames := bytes.CutPrefix(names, []byte(key))
	numbers, isNumbers := bytes.CutPrefix(numbers, []byte(key))
	if !isNames || !isNumbers {
		return 0, 0, false
	}
	var haveOverflows, haveDrops bool
	for len(names) > 0 && len(numbers) > 0 {
		var name, number []byte
		name, names, _ = bytes.Cut(names, []byte(" "))
		number, numbers, _ = bytes.Cut(numbers, []byte(" "))
		switch string(name) {
		case "ListenOverflows":
			overflows, haveOverflows = parseDecimal(number)
		case "ListenDrops":
			drops, haveDrops = parseDecimal(number)
		}
	}
	if !haveOverflows || !haveDrops {
		return 0, 0, false
	}
	return overflows, drops, true
}
