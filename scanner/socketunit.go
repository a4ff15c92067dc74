package scanner

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A listenAddress is an address at which a socket unit has systemd listen:
// systemd.socket(5).
type listenAddress struct {
	protocol Protocol
	addr     netip.Addr // zero for every address
	port     uint16
	path     string // of a unix socket, whose type is kind
	kind     string
}

// parseSocketUnit returns the addresses in a socket unit: its file and then its
// drop-ins, in their order. What has a specifier in it is not known here, and is
// left out.
func parseSocketUnit(files [][]byte) []listenAddress {
	var list []listenAddress
	stream, datagram := TCP, UDP
	for _, file := range files {
		section := ""
		// A line goes on after a "\" at its end.
		file = bytes.ReplaceAll(file, []byte("\\\n"), []byte(" "))
		for line := range strings.Lines(string(file)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' || line[0] == ';' {
				continue
			}
			if line[0] == '[' {
				section = line
				continue
			}
			key, value, ok := strings.Cut(line, "=")
			if !ok || section != "[Socket]" {
				continue
			}
			key, value = strings.TrimSpace(key), strings.TrimSpace(value)
			one := listenAddress{}
			switch key {
			case "ListenStream":
				one.protocol, one.kind = TCP, "stream"
			case "ListenDatagram":
				one.protocol, one.kind = UDP, "dgram"
			case "ListenSequentialPacket":
				one.protocol, one.kind = SCTP, "seqpacket"
			case "SocketProtocol":
				switch value {
				case "sctp":
					stream = SCTP
				case "udplite":
					datagram = UDPLite
				}
				continue
			default:
				continue
			}
			if value == "" {
				list = nil // forgets every address before, of any kind
				continue
			}
			if one.parse(value) {
				list = append(list, one)
			}
		}
	}
	// SocketProtocol= may stand behind the addresses.
	for i := range list {
		switch list[i].protocol {
		case TCP:
			list[i].protocol = stream
		case UDP:
			list[i].protocol = datagram
		}
	}
	return list
}

// parse reads an address: a port, "ADDRESS:PORT", a path, or "@" and a name.
func (l *listenAddress) parse(s string) bool {
	if strings.Contains(s, "%") {
		return false
	}
	if s[0] == '/' || s[0] == '@' {
		l.protocol, l.path = Unix, s
		return l.kind != "dgram"
	}
	l.kind = ""
	if port, err := strconv.ParseUint(s, 10, 16); err == nil {
		l.port = uint16(port)
		return port > 0
	}
	at, err := netip.ParseAddrPort(s)
	l.addr, l.port = at.Addr(), at.Port()
	return err == nil && l.port > 0
}

// is reports whether systemd made the socket for this address.
func (l *listenAddress) is(s *Socket) bool {
	switch {
	case l.protocol != s.Protocol:
		return false
	case l.protocol == Unix:
		return s.Unix != nil && s.Unix.Path == l.path && s.Unix.Type == l.kind
	case l.port != s.Port:
		return false
	case l.addr.IsValid():
		return l.addr == s.Addr.WithZone("")
	}
	return s.Addr.IsUnspecified()
}

// socketUnits are the socket units of a host and where they listen.
type socketUnits map[string][]listenAddress

// of returns the only unit that listens where the socket is; empty where there
// is none, or where it could be several.
func (us socketUnits) of(s *Socket) string {
	found := ""
	for name, listens := range us {
		if slices.ContainsFunc(listens, func(l listenAddress) bool { return l.is(s) }) {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}
