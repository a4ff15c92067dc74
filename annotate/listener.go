package annotate

import (
	"net/netip"

	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// A Listener is a socket and what it means.
type Listener struct {
	*scanner.Socket
	// Service is the label of the port.
	Service Service
	// Opinions are what every layer of the registry says of the port; filled
	// only where asked for.
	Opinions []portdb.Entry
	// Range is the IANA range of the port.
	Range portdb.Range
	// Exposure is who can reach the socket.
	Exposure Exposure
	// Addresses are the host's addresses that a wildcard stands for, or the one
	// address that the socket is bound to. The slice is shared: do not change it.
	Addresses []netip.Addr
	// Ephemeral reports whether the port lies in the range that the kernel
	// gives to clients and is not reserved there.
	Ephemeral bool
	// MaybeClient marks a UDP socket that is likely a client waiting for its
	// answer: ephemeral port, and no known service or program.
	MaybeClient bool
	// Program is the program held against the registration of the port.
	Program Verdict
	// KnownAs is what the program is known to serve at this port, where that is
	// not what the port is registered for: "prometheus" on 9090 (websm).
	KnownAs string
}

// A Service is the label of a port.
type Service struct {
	Name        string
	Description string
	Source      portdb.Source
}

// An Exposure is the widest class of peers that can reach a socket.
type Exposure uint8

// The classes, from the narrowest.
const (
	Loopback  Exposure = iota // this host only
	Container                 // a container bridge of this host
	LinkLocal                 // the same link
	Private                   // RFC 1918 or ULA
	Shared                    // 100.64.0.0/10 (RFC 6598): carrier NAT, tailnets
	Public                    // a global address
	All                       // a wildcard: every address of the host
)

// A Verdict is a program held against the registration of its port.
type Verdict uint8

// The verdicts.
const (
	Unknown      Verdict = iota // program or its services are not known; the default
	Matches                     // the program serves what the port is registered for
	Differs                     // the program serves something else
	Unregistered                // the port is registered for nothing
)
