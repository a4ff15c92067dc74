package scanner

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
)

// The tables /proc/net/{tcp,udp,udplite,raw,icmp}{,6} of proc_pid_net(5), as
// net/ipv4/tcp_ipv4.c, net/ipv4/udp.c and their like write them: a line of
// titles, then a line for each socket.

// A procRow is what a line tells of a socket.
type procRow struct {
	addr  netip.Addr // IPv4-mapped addresses as IPv4; no zone
	peer  netip.Addr
	port  uint16
	state uint8 // as in sock_diag(7)
	uid   uint32
	inode uint64 // 0 where the socket has none
}

var (
	errProcTable = errors.New("not a table of sockets")
	errProcRow   = errors.New("a line is not of a socket")
)

// A procTable reads a table that comes in pieces of any size.
type procTable struct {
	family Family
	take   func(procRow)
	titled bool   // the titles were there
	rest   []byte // a line whose end has not come
}

// write takes the next piece.
func (t *procTable) write(b []byte) error {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			t.rest = append(t.rest, b...)
			if len(t.rest) > maxProcLine {
				return errProcTable
			}
			return nil
		}
		line := b[:i]
		if len(t.rest) > 0 {
			t.rest = append(t.rest, line...)
			line = t.rest
		}
		if err := t.line(line); err != nil {
			return err
		}
		t.rest, b = t.rest[:0], b[i+1:]
	}
}

// maxProcLine is more than any line has: IPv6 with the widest numbers has 250.
const maxProcLine = 1 << 10

// end says whether the table was whole.
func (t *procTable) end() error {
	if !t.titled || len(t.rest) > 0 {
		return errProcTable
	}
	return nil
}

func (t *procTable) line(b []byte) error {
	if !t.titled {
		f, rest := cutField(b)
		local, _ := cutField(rest)
		if string(f) != "sl" || string(local) != "local_address" {
			return errProcTable
		}
		t.titled = true
		return nil
	}
	r, ok := parseProcRow(b, t.family)
	if !ok {
		return errProcRow
	}
	t.take(r)
	return nil
}

// parseProcRow reads a line:
//
//	sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
func parseProcRow(b []byte, family Family) (r procRow, ok bool) {
	var f [10][]byte
	for i := range f {
		f[i], b = cutField(b)
	}
	slot, ok := bytes.CutSuffix(f[0], []byte(":"))
	if _, isNumber := parseDecimal(slot); !ok || !isNumber {
		return r, false
	}
	if r.addr, r.port, ok = parseHexEndpoint(f[1], family); !ok {
		return r, false
	}
	if r.peer, _, ok = parseHexEndpoint(f[2], family); !ok {
		return r, false
	}
	state, err := strconv.ParseUint(string(f[3]), 16, 8)
	uid, ok1 := parseDecimal(f[7])
	inode, ok2 := parseDecimal(f[9])
	if err != nil || !ok1 || !ok2 || uid > 1<<32-1 {
		return r, false
	}
	r.state, r.uid, r.inode = uint8(state), uint32(uid), inode
	return r, true
}

// parseHexEndpoint reads an address and port as the kernel writes them in
// hexadecimal: the address as words of 32 bits in host byte order, the port as a
// number.
func parseHexEndpoint(b []byte, family Family) (netip.Addr, uint16, bool) {
	size := 4
	if family == IPv6 {
		size = 16
	}
	if len(b) != 2*size+5 || b[2*size] != ':' {
		return netip.Addr{}, 0, false
	}
	var addr [16]byte
	if _, err := hex.Decode(addr[:size], b[:2*size]); err != nil {
		return netip.Addr{}, 0, false
	}
	for i := 0; i < size; i += 4 {
		binary.NativeEndian.PutUint32(addr[i:], binary.BigEndian.Uint32(addr[i:]))
	}
	port, err := strconv.ParseUint(string(b[2*size+1:]), 16, 16)
	if err != nil {
		return netip.Addr{}, 0, false
	}
	if family == IPv6 {
		return netip.AddrFrom16(addr).Unmap(), uint16(port), true
	}
	return netip.AddrFrom4([4]byte(addr[:4])), uint16(port), true
}

// cutField splits the first word off b.
func cutField(b []byte) (field, rest []byte) {
	b = bytes.TrimLeft(b, " ")
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}
