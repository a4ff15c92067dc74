package scanner

import "math/bits"

// An inodeSet finds the sockets of an inode. It is an open-addressing table with
// linear probing, because it is asked once for each descriptor of the host: a
// Go map costs several times as much and its memory counts against the scan.
type inodeSet struct {
	keys  []uint64 // 0 marks a free slot: no socket has inode 0
	first []int32  // index of the first socket with that inode
	next  []int32  // next[i] is another socket with the inode of socket i, or -1; nil when there is none
	shift uint8
	n     int
}

// newInodeSet makes the set of the sockets that keep admits.
func newInodeSet(socks []Socket, keep func(*Socket) bool) *inodeSet {
	n := 0
	for i := range socks {
		if socks[i].Inode != 0 && keep(&socks[i]) {
			n++
		}
	}
	size := 16
	for size < n+n/2 { // at most two thirds full
		size *= 2
	}
	s := &inodeSet{
		keys:  make([]uint64, size),
		first: make([]int32, size),
		shift: uint8(64 - bits.TrailingZeros(uint(size))),
	}
	for i := range socks {
		if socks[i].Inode != 0 && keep(&socks[i]) {
			s.add(socks, int32(i))
		}
	}
	return s
}

func (s *inodeSet) add(socks []Socket, i int32) {
	inode := socks[i].Inode
	for at := s.slot(inode); ; at = (at + 1) & (len(s.keys) - 1) {
		switch s.keys[at] {
		case 0:
			s.keys[at], s.first[at] = inode, i
			s.n++
			return
		case inode:
			// The kernel gives inode numbers from a 32-bit counter that wraps
			// (get_next_ino), so two live sockets can share one.
			if s.next == nil {
				s.next = make([]int32, len(socks))
				for k := range s.next {
					s.next[k] = -1
				}
			}
			s.next[i], s.first[at] = s.first[at], i
			return
		}
	}
}

// slot is where the search for an inode starts: Fibonacci hashing, since inode
// numbers of neighbouring sockets are neighbours.
func (s *inodeSet) slot(inode uint64) int {
	return int(inode * inodeFactor >> s.shift)
}

// inodeFactor spreads neighbours over a table of a power of two: 2^64 by the
// golden ratio.
const inodeFactor = 0x9e3779b97f4a7c15

// find returns the first socket with the inode, or -1.
func (s *inodeSet) find(inode uint64) int32 {
	for at := s.slot(inode); ; at = (at + 1) & (len(s.keys) - 1) {
		switch s.keys[at] {
		case inode:
			return s.first[at]
		case 0:
			return -1
		}
	}
}

// after returns the socket that shares its inode with socket i, or -1.
func (s *inodeSet) after(i int32) int32 {
	if s.next == nil {
		return -1
	}
	return s.next[i]
}

// parseSocketLink returns the inode of a link such as "socket:[12345]", and 0
// for every other descriptor.
func parseSocketLink(link []byte) uint64 { return parseInodeLink(link, "socket:[") }

// parseInodeLink returns the number between a prefix and "]", and 0 for every
// other text.
func parseInodeLink(link []byte, prefix string) uint64 {
	if len(link) < len(prefix)+2 || string(link[:len(prefix)]) != prefix || link[len(link)-1] != ']' {
		return 0
	}
	inode, ok := parseDecimal(link[len(prefix) : len(link)-1])
	if !ok {
		return 0
	}
	return inode
}

// parseDecimal parses an unsigned decimal number: digits alone, at least one,
// and no overflow.
func parseDecimal(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		hi, lo := bits.Mul64(n, 10)
		if hi != 0 || lo+d < lo {
			return 0, false
		}
		n = lo + d
	}
	return n, true
}
