package scanner

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	// nlLong is how many datagrams an answer has, some 80 sockets each, before it
	// counts as long.
	nlLong = 4
)

// A netlinkConn is a conversation with one family of the kernel's netlink.
type netlinkConn struct {
	fd       int
	seq      uint32
	req, buf []byte
	patience time.Duration // how long an answer may stay away
	// long is called once in an answer that turns out to be a long one.
	long func()
	// another opens one more such conversation; nil where there is to be none.
	another func() (*netlinkConn, error)
}

// dialNetlink opens a conversation: family is NETLINK_SOCK_DIAG or
// NETLINK_ROUTE.
func dialNetlink(family int) (*netlinkConn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return nil, os.NewSyscallError("netlink socket", err)
	}
	c := &netlinkConn{fd: fd, buf: make([]byte, nlRoom), patience: nlPatience}
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

// dump asks for a table and gives take the messages of the answer. An incomplete
// answer is asked for again; reset is called before each try, and take begins
// anew. After nlTries answers dump keeps the last one and returns errInterrupted
// or errLost. With any other error reset is called last.
func (c *netlinkConn) dump(ctx context.Context, request func(b []byte, seq uint32) []byte, reset func(), take func(nlMessage) error) error {
	for try := 1; ; try++ {
		reset()
		c.seq++
		c.req = request(c.req[:0], c.seq)
		err := c.send()
		if err == nil {
			err = c.receive(ctx, take)
		}
		if try > 1 && errors.Is(err, unix.EBUSY) {
			// The answer before stood still where a datagram was lost, and is not at
			// its end (__netlink_dump_start).
			c.drain()
			err = errLost
		}
		if err != nil && !incomplete(err) {
			reset()
		}
		if !incomplete(err) || try == nlTries {
			return err
		}
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

// drain reads what there is. To read a datagram has an answer that stood still go on
// (netlink_recvmsg).
func (c *netlinkConn) drain() {
	for {
		_, _, err := unix.Recvfrom(c.fd, c.buf, 0)
		if err != nil && err != unix.EINTR && err != unix.ENOBUFS {
			return
		}
	}
}

// receive reads datagrams until the answer is whole. The kernel has the next one
// ready whenever it is asked, so that a context which has ended does not cut an answer
// off: the sockets are there, and what is left out is who holds them.
func (c *netlinkConn) receive(ctx context.Context, take func(nlMessage) error) error {
	var lacks error
	datagrams := 0
	for deadline := time.Now().Add(c.patience); ; {
		// MSG_TRUNC makes the kernel say how long the datagram was.
		n, _, err := unix.Recvfrom(c.fd, c.buf, unix.MSG_TRUNC)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			if err := ctx.Err(); err != nil {
				return err
			}
			if lacks != nil { // the end of the answer was among what was lost
				return lacks
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("netlink: no answer within %v", c.patience)
			}
			continue
		case err == unix.ENOBUFS:
			lacks = errLost
			continue
		case err != nil:
			return os.NewSyscallError("netlink receive", err)
		case n == 0:
			return errors.New("netlink: the kernel hung up")
		case n > len(c.buf):
			lacks = errLost
			n = len(c.buf)
		}
		done, err := readDatagram(c.buf[:n], c.seq, take)
		switch {
		case incomplete(err):
			lacks = err
		case err != nil:
			return fmt.Errorf("netlink: %w", err)
		}
		if done {
			return lacks
		}
		if datagrams++; datagrams == nlLong && c.long != nil {
			c.long()
			c.long = nil
		}
	}
}
