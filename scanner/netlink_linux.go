package scanner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// nlRoom is the most that the kernel puts in one datagram of a dump
	// (netlink_dump: never over 32 KiB).
	nlRoom = 32 << 10
	// nlPatience is how long an answer may take to be whole. The kernel answers as
	// it is asked, so that in truth nothing is ever waited for.
	nlPatience = 5 * time.Second
	// nlTries is how often a dump is asked for that the kernel says is not
	// consistent, or that lost messages.
	nlTries = 4
)

// errInterrupted is a dump during which the table changed (NLM_F_DUMP_INTR).
var errInterrupted = errors.New("table changed while it was read")

// errLost is a dump that lost messages on the way (ENOBUFS, NLMSG_OVERRUN).
var errLost = errors.New("messages lost")

// A netlinkConn is a conversation with one family of the kernel's netlink.
type netlinkConn struct {
	fd       int
	seq      uint32
	req      []byte
	patience time.Duration // how long an answer may stay away
}

// dialNetlink opens a conversation: family is NETLINK_SOCK_DIAG or
// NETLINK_ROUTE.
func dialNetlink(family int) (*netlinkConn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return nil, os.NewSyscallError("netlink socket", err)
	}
	c := &netlinkConn{fd: fd, patience: nlPatience}
	// A connected netlink socket takes messages from the kernel alone.
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		c.close()
		return nil, os.NewSyscallError("netlink connect", err)
	}
	if err := setTick(fd); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// setTick makes a blocked reading look up often, so that a context that has
// ended is soon obeyed.
func setTick(fd int) error {
	tv := unix.NsecToTimeval(int64(100 * time.Millisecond))
	return os.NewSyscallError("netlink timeout", unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
}

func (c *netlinkConn) close() { unix.Close(c.fd) }

// dump asks for a table and appends the datagrams of the answer to buf. The
// request is made anew for each try, as its sequence number tells the answers
// apart. After nlTries incomplete answers it returns the last one together with
// errInterrupted or errLost; with any other error it appends nothing.
func (c *netlinkConn) dump(ctx context.Context, buf []byte, request func(b []byte, seq uint32) []byte) ([]byte, error) {
	start := len(buf)
	for try := 1; ; try++ {
		c.seq++
		c.req = request(c.req[:0], c.seq)
		if err := c.send(); err != nil {
			return buf[:start], err
		}
		b, err := c.receive(ctx, buf[:start])
		incomplete := errors.Is(err, errInterrupted) || errors.Is(err, errLost)
		if err != nil && !incomplete {
			return buf[:start], err
		}
		if err == nil || try == nlTries {
			return b, err
		}
		buf = b
	}
}

func (c *netlinkConn) send() error {
	for {
		_, err := unix.Write(c.fd, c.req)
		if err == unix.EINTR {
			continue
		}
		return os.NewSyscallError("netlink send", err)
	}
}

// receive appends datagrams to buf until the answer is whole.
func (c *netlinkConn) receive(ctx context.Context, buf []byte) ([]byte, error) {
	var incomplete error
	for deadline := time.Now().Add(c.patience); ; {
		buf = slices.Grow(buf, nlRoom)
		// MSG_TRUNC makes the kernel say how long the datagram was.
		n, _, err := unix.Recvfrom(c.fd, buf[len(buf):cap(buf)], unix.MSG_TRUNC)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			if err := ctx.Err(); err != nil {
				return buf, err
			}
			if incomplete != nil { // the end of the answer was among what was lost
				return buf, incomplete
			}
			if time.Now().After(deadline) {
				return buf, fmt.Errorf("netlink: no answer within %v", c.patience)
			}
			continue
		case err == unix.ENOBUFS:
			incomplete = errLost
			continue
		case err != nil:
			return buf, os.NewSyscallError("netlink receive", err)
		case n == 0:
			return buf, errors.New("netlink: the kernel hung up")
		case n > cap(buf)-len(buf):
			incomplete = errLost
			n = cap(buf) - len(buf)
		}
		datagram := buf[len(buf) : len(buf)+n]
		done, err := c.inspect(datagram)
		if errors.Is(err, errInterrupted) || errors.Is(err, errLost) {
			incomplete, err = err, nil
		}
		if err != nil {
			return buf, err
		}
		buf = buf[:len(buf)+n]
		if done {
			return buf, incomplete
		}
	}
}

// inspect looks for the end of the answer in a datagram. Messages with another
// sequence number are left of an earlier try: they are made into no-ops.
func (c *netlinkConn) inspect(b []byte) (done bool, err error) {
	var incomplete error
	for {
		m, rest, ok, err := nextMessage(b)
		if err != nil {
			return done, errLost
		}
		if !ok {
			return done, incomplete
		}
		switch {
		case m.seq != c.seq:
			discard(b)
		case m.typ == nlOverrun:
			incomplete = errLost
		case m.typ == nlError, m.typ == nlDone:
			code, err := m.errorCode()
			if err != nil {
				return true, errLost
			}
			if code != 0 {
				return true, os.NewSyscallError("netlink", unix.Errno(code))
			}
			done = true
		}
		if m.flags&nlFlagIntr != 0 && m.seq == c.seq {
			incomplete = errInterrupted
		}
		b = rest
	}
}
