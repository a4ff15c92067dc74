package portdb

// A Range is one of the three ranges into which IANA divides the port numbers
// (RFC 6335, section 6).
type Range uint8

// The ranges. RFC 6335 calls them System, User, and Dynamic or Private Ports.
const (
	WellKnown  Range = iota // 0–1023
	Registered              // 1024–49151
	Dynamic                 // 49152–65535
)

// RangeOf returns the IANA range that port lies in.
func RangeOf(port uint16) Range {
	switch {
	case port < 1024:
		return WellKnown
	case port < 49152:
		return Registered
	}
	return Dynamic
}

// String returns the range's short name: "well-known", "registered" or
// "dynamic".
func (r Range) String() string {
	return word(rangeNames[:], "range", int(r))
}

// Title returns the range's name in a sentence: "Well Known", "Registered" or
// "Dynamic/Private".
func (r Range) Title() string {
	return [...]string{"Well Known", "Registered", "Dynamic/Private"}[r]
}

// RFC6335 returns RFC 6335's name of the range: "System Ports", "User Ports" or
// "Dynamic Ports".
func (r Range) RFC6335() string {
	return [...]string{"System Ports", "User Ports", "Dynamic Ports"}[r]
}

// Bounds returns the first and the last port of the range.
func (r Range) Bounds() (first, last uint16) {
	b := [...][2]uint16{{0, 1023}, {1024, 49151}, {49152, 65535}}[r]
	return b[0], b[1]
}
