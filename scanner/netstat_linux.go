package scanner

// readOverflows asks how often the listeners of the network namespace of this
// thread had a full queue, and how often they dropped a connection; both stay 0
// where that is not to be had (/proc mounted with subset=pid).
//
// The kernel sums 130 counters over all processors for it, which takes some 45 µs
// where a whole scan can take 2 ms. So it is asked only where one of the sockets,
// those of the namespace, has dropped anything or has a full queue.
func (n *Namespace) readOverflows(procfs string, socks []Socket) {
	for i := range socks {
		if q := &socks[i].Queue; q.Dropped > 0 || q.Full() {
			buf := make([]byte, 8<<10)
			n.Overflows, n.Drops, _ = parseNetstat(readSmall(procfs+"/thread-self/net/netstat", &buf))
			return
		}
	}
}
