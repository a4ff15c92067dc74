package scanner

import (
	"bytes"
	"encoding/binary"
)

// The codec of sock_diag(7) for sockets that are not of the internet protocols,
// as in <linux/unix_diag.h>, <linux/packet_diag.h> and <linux/vm_sockets_diag.h>.

const (
	afUnix   = 1  // AF_UNIX
	afPacket = 17 // AF_PACKET
	afVSock  = 40 // AF_VSOCK

	sockStream    = 1 // SOCK_STREAM
	sockDgram     = 2 // SOCK_DGRAM
	sockSeqpacket = 5 // SOCK_SEQPACKET

	localReqLen   = 24 // struct unix_diag_req, struct vsock_diag_req
	packetReqLen  = 20 // struct packet_diag_req
	localMsgLen   = 16 // struct unix_diag_msg, struct packet_diag_msg
	vsockMsgLen   = 32 // struct vsock_diag_msg
	packetInfoLen = 24 // struct packet_diag_info

	// UDIAG_SHOW_NAME, UDIAG_SHOW_VFS, UDIAG_SHOW_RQLEN, UDIAG_SHOW_UID.
	unixShow = 0x1 | 0x2 | 0x10 | 0x40

	unixAttrName  = 0 // UNIX_DIAG_NAME
	unixAttrVFS   = 1 // UNIX_DIAG_VFS
	unixAttrRQLen = 4 // UNIX_DIAG_RQLEN
	unixAttrUID   = 7 // UNIX_DIAG_UID

	packetShow     = 0x1 // PACKET_SHOW_INFO
	packetAttrInfo = 0   // PACKET_DIAG_INFO
	packetAttrUID  = 5   // PACKET_DIAG_UID

	// noInterface is the index of a packet socket whose interface was removed.
	noInterface = 1<<32 - 1
)

// appendUnixRequest asks for the unix sockets that listen.
func appendUnixRequest(b []byte, seq uint32) []byte {
	return appendLocalRequest(b, seq, afUnix, unixShow)
}

// appendVSockRequest asks for the vsock sockets that listen.
func appendVSockRequest(b []byte, seq uint32) []byte {
	return appendLocalRequest(b, seq, afVSock, 0)
}

func appendLocalRequest(b []byte, seq uint32, family byte, show uint32) []byte {
	b = appendRequest(b, diagByFamily, seq, localReqLen)
	b = append(b, family, 0, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, 1<<stateListen)
	b = binary.NativeEndian.AppendUint32(b, 0) // any inode
	b = binary.NativeEndian.AppendUint32(b, show)
	return append(b, make([]byte, 8)...) // any cookie
}

// appendPacketRequest asks for all packet sockets.
func appendPacketRequest(b []byte, seq uint32) []byte {
	b = appendRequest(b, diagByFamily, seq, packetReqLen)
	b = append(b, afPacket, 0, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, 0) // any inode
	b = binary.NativeEndian.AppendUint32(b, packetShow)
	return append(b, make([]byte, 8)...) // any cookie
}

// cookie reads a cookie of sock_diag: two words, the low one first.
func cookie(b []byte) uint64 {
	return uint64(binary.NativeEndian.Uint32(b)) | uint64(binary.NativeEndian.Uint32(b[4:]))<<32
}

// parseUnixDiag adds to list the socket of one message, where it listens.
func parseUnixDiag(list *socketList, data []byte) error {
	if len(data) < localMsgLen {
		return errTruncated
	}
	typ := unixType(uint64(data[1]))
	if data[0] != afUnix || data[2] != stateListen || typ == "" {
		return nil
	}
	s := Socket{Protocol: Unix, Namespace: "host", UID: -1, Cookie: cookie(data[8:])}
	s.Inode = uint64(binary.NativeEndian.Uint32(data[4:]))
	s.Unix = &UnixAddr{Type: typ, UID: -1}
	if err := eachAttr(data[localMsgLen:], func(attr uint16, v []byte) {
		switch {
		case attr == unixAttrName:
			s.Unix.Path = unixName(v)
		case attr == unixAttrVFS && len(v) >= 8:
			s.Unix.Inode, s.Unix.Device = binary.NativeEndian.Uint32(v), binary.NativeEndian.Uint32(v[4:])
		case attr == unixAttrRQLen && len(v) >= 8:
			// Of a listener these are the connections that wait, and the backlog
			// (sk_diag_show_rqlen).
			s.Queue.Length, s.Queue.Limit = binary.NativeEndian.Uint32(v), binary.NativeEndian.Uint32(v[4:])
		case attr == unixAttrUID && len(v) >= 4:
			s.UID = int64(binary.NativeEndian.Uint32(v))
		}
	}); err != nil {
		return err
	}
	list.add(&s)
	return nil
}

// unixType returns the word for a type of unix socket that can listen; empty for
// any other.
func unixType(n uint64) string {
	switch n {
	case sockStream:
		return "stream"
	case sockSeqpacket:
		return "seqpacket"
	}
	return ""
}

// unixName returns the name of a unix socket as [UnixAddr].Path has it. b is
// sun_path: a path to its NUL, or a NUL and the bytes of an abstract name.
func unixName(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if b[0] == 0 {
		return "@" + string(b[1:])
	}
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	if b[0] == '@' {
		return "./" + string(b)
	}
	return string(b)
}

// parsePacketDiag adds to list the socket of one message, where it can see
// frames: a packet socket of protocol 0 sees none (packet(7)), and none does
// whose interface was removed.
func parsePacketDiag(list *socketList, data []byte, link func(uint32) string) error {
	if len(data) < localMsgLen {
		return errTruncated
	}
	ethertype := binary.NativeEndian.Uint16(data[2:])
	if data[0] != afPacket || ethertype == 0 {
		return nil
	}
	s := Socket{Protocol: Packet, Namespace: "host", UID: -1, Cookie: cookie(data[8:])}
	s.Inode = uint64(binary.NativeEndian.Uint32(data[4:]))
	s.Packet = &PacketAddr{Type: packetType(uint64(data[1])), EtherType: ethertype}
	index := uint32(0)
	if err := eachAttr(data[localMsgLen:], func(attr uint16, v []byte) {
		switch {
		case attr == packetAttrInfo && len(v) >= packetInfoLen:
			index = binary.NativeEndian.Uint32(v)
		case attr == packetAttrUID && len(v) >= 4:
			s.UID = int64(binary.NativeEndian.Uint32(v))
		}
	}); err != nil {
		return err
	}
	switch index {
	case noInterface:
		return nil
	case 0:
	default:
		s.Device = link(index)
	}
	list.add(&s)
	return nil
}

// packetType returns the word for a type of packet socket. The obsolete
// SOCK_PACKET has whole frames like SOCK_RAW.
func packetType(n uint64) string {
	if n == sockDgram {
		return "dgram"
	}
	return "raw"
}

// parseVSockDiag adds to list the socket of one message, where it listens. Who
// owns it vsock_diag does not tell.
func parseVSockDiag(list *socketList, data []byte) error {
	if len(data) < vsockMsgLen {
		return errTruncated
	}
	if data[0] != afVSock || data[2] != stateListen {
		return nil
	}
	s := Socket{Protocol: VSock, Namespace: "host", UID: -1, Cookie: cookie(data[24:])}
	s.Inode = uint64(binary.NativeEndian.Uint32(data[20:]))
	s.VSock = &VSockAddr{CID: binary.NativeEndian.Uint32(data[4:]), Port: binary.NativeEndian.Uint32(data[8:])}
	list.add(&s)
	return nil
}
