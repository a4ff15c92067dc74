package portdb

// A Transport is a set of transport protocols of IANA's port registry. The
// zero Transport means "not stated": the entry speaks of the port whatever the
// transport.
type Transport uint8

// The transports of RFC 6335, section 6.
const (
	TCP Transport = 1 << iota
	UDP
	SCTP
	DCCP
)

// A Source is the layer of the registry that an entry comes from.
type Source uint8

// The layers, in no order of rank: see [DB.Lookup] for which one names a port.
const (
	IANA     Source = iota // IANA's Service Name and Transport Protocol Port Number Registry
	Appendix               // the appendix of 431 well-known and registered ports
	Common                 // what really listens there, kept by hand
	Local                  // the operator's own services(5) file
)

// A Status is the assignment status of a port (RFC 6335, section 8).
type Status uint8

// The statuses that the registry's rows have.
const (
	Assigned Status = iota
	Unassigned
	Reserved
	Deregistered
)

// An Entry is what one layer says of a port, or of a run of ports.
type Entry struct {
	Source    Source
	Transport Transport
	// First and Last are the ports that the entry speaks of; both are 0 in an
	// entry without a port (HasPort is false), as for a service that IANA
	// registered by name alone.
	First, Last uint16
	HasPort     bool
	Status      Status
	// Name is the service name; empty where the layer gives none. The appendix
	// has no service names: there Name is the wording, as Description, or empty
	// in an entry that says Unassigned or Reserved.
	Name        string
	Aliases     []string // further names for the same port, in the layer's order
	Description string   // the layer's own wording, in one line
	Reference   string   // RFCs and other documents, as "RFC9110; RFC8446"; may be empty
	// Unauthorized is IANA's column of known unauthorized uses.
	Unauthorized string
	// Note is IANA's assignment note, the reason of a line of the common layer,
	// or what is odd about an entry of the appendix.
	Note string
}
