package scanner

import (
	"encoding/binary"
	"errors"
	"syscall"
)

// Netlink's framing, as in <linux/netlink.h>: messages follow one another in a
// datagram, attributes follow one another in a message, and both are padded to
// four bytes. Numbers are in host byte order. The parsers here never read past
// what they are given; what does not fit is errTruncated.

const (
	nlHeaderLen   = 16 // struct nlmsghdr
	nlAttrLen     = 4  // struct nlattr
	nlAttrTypeMax = 0x3fff

	nlNoop    = 1 // NLMSG_NOOP
	nlError   = 2 // NLMSG_ERROR
	nlDone    = 3 // NLMSG_DONE
	nlOverrun = 4 // NLMSG_OVERRUN

	nlFlagRequest = 0x1   // NLM_F_REQUEST
	nlFlagIntr    = 0x10  // NLM_F_DUMP_INTR
	nlFlagDump    = 0x300 // NLM_F_DUMP
)

// errTruncated is a message or attribute that claims more bytes than there are.
var errTruncated = errors.New("truncated netlink message")

// A nlMessage is one netlink message. Data is without header and padding, and
// aliases the datagram.
type nlMessage struct {
	typ, flags uint16
	seq        uint32
	data       []byte
}

// nextMessage splits the first message off b. At the end of b ok is false.
func nextMessage(b []byte) (m nlMessage, rest []byte, ok bool, err error) {
	if len(b) == 0 {
		return m, nil, false, nil
	}
	if len(b) < nlHeaderLen {
		return m, nil, false, errTruncated
	}
	n := binary.NativeEndian.Uint32(b)
	if n < nlHeaderLen || uint64(n) > uint64(len(b)) {
		return m, nil, false, errTruncated
	}
	m = nlMessage{
		typ:   binary.NativeEndian.Uint16(b[4:]),
		flags: binary.NativeEndian.Uint16(b[6:]),
		seq:   binary.NativeEndian.Uint32(b[8:]),
		data:  b[nlHeaderLen:n:n],
	}
	return m, b[min(nlAlign(int(n)), len(b)):], true, nil
}

// nextAttr splits the first attribute off b. At the end of b ok is false.
func nextAttr(b []byte) (typ uint16, data, rest []byte, ok bool, err error) {
	if len(b) == 0 {
		return 0, nil, nil, false, nil
	}
	if len(b) < nlAttrLen {
		return 0, nil, nil, false, errTruncated
	}
	n := int(binary.NativeEndian.Uint16(b))
	if n < nlAttrLen || n > len(b) {
		return 0, nil, nil, false, errTruncated
	}
	// The two high bits of the type are flags: NLA_F_NESTED, NLA_F_NET_BYTEORDER.
	typ = binary.NativeEndian.Uint16(b[2:]) & nlAttrTypeMax
	return typ, b[nlAttrLen:n:n], b[min(nlAlign(n), len(b)):], true, nil
}

// eachAttr calls f with every attribute of b. It errs on one that is cut short,
// after those before it.
func eachAttr(b []byte, f func(typ uint16, v []byte)) error {
	for {
		typ, v, rest, ok, err := nextAttr(b)
		if !ok || err != nil {
			return err
		}
		f(typ, v)
		b = rest
	}
}

// nlAlign rounds n up to netlink's alignment (NLMSG_ALIGN, NLA_ALIGN).
func nlAlign(n int) int { return (n + 3) &^ 3 }

// errorCode returns the errno of an NLMSG_ERROR or NLMSG_DONE message: both
// begin with a negative errno, 0 for success. A DONE of old kernels is empty.
func (m nlMessage) errorCode() (int, error) {
	if len(m.data) < 4 {
		if m.typ == nlDone {
			return 0, nil
		}
		return 0, errTruncated
	}
	return -int(int32(binary.NativeEndian.Uint32(m.data))), nil
}

// errInterrupted is a dump during which the table changed (NLM_F_DUMP_INTR).
var errInterrupted = errors.New("table changed while it was read")

// errLost is a dump that lost messages on the way (ENOBUFS, NLMSG_OVERRUN, a
// message cut short).
var errLost = errors.New("messages lost")

// errEnough is what a reader of messages returns that wants no more of them. What
// is left of the answer stays in the conversation, which is of no use any more.
var errEnough = errors.New("enough")

// incomplete reports whether an answer came, but not all of it.
func incomplete(err error) bool { return errors.Is(err, errInterrupted) || errors.Is(err, errLost) }

// A nlErrno is an errno with which the kernel refused a request.
type nlErrno int

func (e nlErrno) Error() string { return syscall.Errno(e).Error() }

func (e nlErrno) Unwrap() error { return syscall.Errno(e) }

// readDatagram gives take the messages of a datagram that answer the request
// with a sequence number; others are left over from an earlier one. Done is the
// end of the answer. The error is nlErrno, or errEnough where take says so, or
// tells that the answer is incomplete: also when take errs.
func readDatagram(b []byte, seq uint32, take func(nlMessage) error) (done bool, err error) {
	for {
		m, rest, ok, err1 := nextMessage(b)
		if err1 != nil {
			return done, errLost
		}
		if !ok {
			return done, err
		}
		b = rest
		if m.seq != seq {
			continue
		}
		if m.flags&nlFlagIntr != 0 {
			err = errInterrupted
		}
		switch m.typ {
		case nlNoop:
		case nlOverrun:
			err = errLost
		case nlError, nlDone:
			done = true
			if code, err1 := m.errorCode(); err1 != nil {
				err = errLost
			} else if code != 0 {
				return true, nlErrno(code)
			}
		default:
			switch err1 := take(m); {
			case err1 == errEnough:
				return true, errEnough
			case err1 != nil:
				err = errLost
			}
		}
	}
}

// appendRequest appends the header of a dump request with n bytes to follow.
func appendRequest(b []byte, typ uint16, seq uint32, n int) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(nlHeaderLen+n))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, nlFlagRequest|nlFlagDump)
	b = binary.NativeEndian.AppendUint32(b, seq)
	return binary.NativeEndian.AppendUint32(b, 0) // from whom: the kernel fills it in
}
