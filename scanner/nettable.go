package scanner

import (
	"bytes"
	"strconv"
)

// The tables of /proc/net (proc_pid_net(5)) that a scan reads where the kernel
// has no sock_diag for the protocol. They know no cookie.

// parseNetTable adds to list the sockets of a table of the form of /proc/net/udp
// that have no peer: those of raw sockets (raw, raw6) and ping sockets (icmp,
// icmp6). What is not a row of such a table is left out. The device that a socket
// is bound to is not told.
func parseNetTable(list *socketList, protocol Protocol, family Family, table []byte) {
	for line := range bytes.Lines(table) {
		r, ok := parseProcRow(bytes.TrimSpace(line), family)
		if !ok || r.state != protocol.state() || !r.peer.IsUnspecified() {
			continue
		}
		list.add(&Socket{
			Protocol: protocol, Family: family, V6Only: family == IPv6, Namespace: "host",
			Addr: r.addr, Port: r.port, UID: int64(r.uid), Inode: r.inode,
		})
	}
}

// parsePacketTable adds to list the sockets of /proc/net/packet that can see
// frames.
func parsePacketTable(list *socketList, table []byte, link func(uint32) string) {
	for line := range bytes.Lines(table) {
		f := bytes.Fields(line)
		if len(f) < 9 {
			continue
		}
		typ, ok1 := parseDecimal(f[2])
		ethertype, err := strconv.ParseUint(string(f[3]), 16, 16)
		index, err2 := strconv.ParseInt(string(f[4]), 10, 33)
		uid, ok2 := parseDecimal(f[7])
		inode, ok3 := parseDecimal(f[8])
		if !ok1 || err != nil || err2 != nil || !ok2 || uid > 1<<32-1 || !ok3 {
			continue // the titles
		}
		if ethertype == 0 || uint32(index) == noInterface {
			continue
		}
		s := Socket{Protocol: Packet, Namespace: "host", UID: int64(uid), Inode: inode}
		s.Packet = &PacketAddr{Type: packetType(typ), EtherType: uint16(ethertype)}
		if index != 0 {
			s.Device = link(uint32(index))
		}
		list.add(&s)
	}
}

// unixListens is __SO_ACCEPTCON in the column of flags of /proc/net/unix.
const unixListens = 1 << 16

// parseUnixTable adds to list the sockets of /proc/net/unix that listen. The
// kernel writes a name as it is, and "@" for each NUL: a name with a line break
// in it can look like a row.
func parseUnixTable(list *socketList, table []byte) {
	for line := range bytes.Lines(table) {
		// Eight columns: a name may hold spaces.
		row := bytes.TrimSuffix(line, []byte("\n"))
		var f [7][]byte
		n := 0
		for ; n < len(f); n++ {
			row = bytes.TrimLeft(row, " ")
			end := bytes.IndexByte(row, ' ')
			if end < 0 {
				break
			}
			f[n], row = row[:end], row[end+1:]
		}
		if n < len(f) || len(f[0]) == 0 || f[0][len(f[0])-1] != ':' {
			continue // the titles, or a socket without a name: it cannot listen
		}
		flags, err1 := strconv.ParseUint(string(f[3]), 16, 32)
		typ, err2 := strconv.ParseUint(string(f[4]), 16, 16)
		inode, ok := parseDecimal(f[6])
		if err1 != nil || err2 != nil || !ok || flags&unixListens == 0 || unixType(typ) == "" {
			continue
		}
		// A relative path that begins with "@" cannot be told from an abstract name.
		list.add(&Socket{
			Protocol: Unix, Namespace: "host", UID: -1, Inode: inode,
			Unix: &UnixAddr{Type: unixType(typ), Path: string(row), UID: -1},
		})
	}
}
