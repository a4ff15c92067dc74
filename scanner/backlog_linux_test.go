package scanner

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

func init() { roles["overflow"] = roleOverflow }

// roleOverflow overflows the accept queue of a listener: limit 0, two clients.
func roleOverflow(r *role, args []string) error {
	if err := netnstest.LinkUp("lo"); err != nil {
		return err
	}
	if _, err := openSocket(args[0] + ",backlog=0"); err != nil {
		return err
	}
	for range 2 {
		if _, err := knock(args[0][len("tcp,"):]); err != nil {
			return err
		}
	}
	return r.Hold()
}

// knock begins a connection and does not wait for it.
func knock(addr string) (int, error) {
	ap := netip.MustParseAddrPort(addr)
	domain := unix.AF_INET6
	if ap.Addr().Is4() {
		domain = unix.AF_INET
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Connect(fd, sockaddr(ap, domain)); err != nil && err != unix.EINPROGRESS {
		return -1, err
	}
	return fd, nil
}

// untilQueue scans until the only socket at a port is as wanted: the kernel makes
// connections in its own time.
func untilQueue(t *testing.T, port uint16, want string, is func(*Snapshot, Socket) bool) (s *Snapshot) {
	t.Helper()
	until(t, func() error {
		s = scan(t, nil)
		if got := one(t, s, port); !is(s, got) {
			return fmt.Errorf("the queue of port %d is %+v, want %s", port, got.Queue, want)
		}
		return nil
	})
	return s
}

// The kernel lets in one more than the limit: a queue is full when it reads
// 129/128, and the next connection is dropped only then.
func TestQueueFull(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		for p, protocol := range []string{"tcp", "mptcp"} {
			for limit := range uint32(3) {
				port := uint16(8000 + 10*p + int(limit))
				addr := "127.0.0.1:" + strconv.Itoa(int(port))
				listen(t, protocol+","+addr+",backlog="+strconv.Itoa(int(limit)))
				for n := range limit + 1 {
					if q := one(t, scan(t, nil), port).Queue; q.Full() || q.Limit != limit {
						t.Errorf("%s, %d connections waiting: full %v with %+v, limit %d", protocol, n, q.Full(), q, limit)
					}
					if _, err := knock(addr); err != nil {
						t.Fatal(err)
					}
					untilQueue(t, port, "one more", func(_ *Snapshot, s Socket) bool { return s.Queue.Length == n+1 })
				}
				got := one(t, scan(t, nil), port)
				if want := (Queue{Length: limit + 1, Limit: limit}); got.Queue != want || !got.Queue.Full() || got.MPTCP != (protocol == "mptcp") {
					t.Errorf("%s: %+v, full %v, want %+v", protocol, got, got.Queue.Full(), want)
				}
				if _, err := knock(addr); err != nil {
					t.Fatal(err)
				}
				untilQueue(t, port, "one dropped", func(s *Snapshot, one Socket) bool {
					return one.Queue.Dropped > 0 && one.Queue.Length == limit+1 && s.Namespaces[0].Overflows > 0
				})
			}
		}
	})
}

// A queue that was full and is drained shows by what was dropped, here and in the
// namespace.
func TestQueueWasFull(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		fd := listen(t, "tcp,[::1]:8000,backlog=0")
		listen(t, "tcp,[::1]:8001,backlog=0")
		before := scan(t, nil)
		if n := before.Namespaces[0]; n.Overflows != 0 || n.Drops != 0 {
			t.Errorf("before: %+v", n)
		}
		var clients []int
		for range 3 {
			c, err := knock("[::1]:8000")
			if err != nil {
				t.Fatal(err)
			}
			clients = append(clients, c)
		}
		untilQueue(t, 8000, "two dropped", func(_ *Snapshot, s Socket) bool { return s.Queue.Full() && s.Queue.Dropped >= 2 })
		for _, c := range clients { // those that wait would come again
			unix.Close(c)
		}
		if c, _, err := unix.Accept(fd); err != nil {
			t.Fatal(err)
		} else {
			unix.Close(c)
		}
		s := scan(t, nil)
		got, n := one(t, s, 8000), s.Namespaces[0]
		if got.Queue.Length != 0 || got.Queue.Full() || got.Queue.Dropped < 2 {
			t.Errorf("drained: %+v", got.Queue)
		}
		if n.Overflows < 2 || n.Drops < n.Overflows {
			t.Errorf("the namespace: %d overflows, %d drops", n.Overflows, n.Drops)
		}
		if q := one(t, s, 8001).Queue; q != (Queue{}) {
			t.Errorf("the other listener: %+v", q)
		}
	})
}

// What a port scan leaves behind is dropped too, and no queue was full.
func TestQueueStray(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:8000,backlog=7")
		raw, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
		if err != nil {
			t.Fatal(err)
		}
		const syn = 2 // the kernel answers the answer to it with a reset
		if err := unix.Sendto(raw, tcpHeader(5001, 8000, syn), 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		s := untilQueue(t, 8000, "one dropped", func(_ *Snapshot, s Socket) bool { return s.Queue.Dropped > 0 })
		if n := s.Namespaces[0]; n.Overflows != 0 {
			t.Errorf("the namespace: %d overflows, %d drops, want none", n.Overflows, n.Drops)
		}
	})
}

// tcpHeader is a segment from 127.0.0.1 to itself without data (RFC 9293).
func tcpHeader(from, to uint16, flags byte) []byte {
	h := make([]byte, 20)
	binary.BigEndian.PutUint16(h, from)
	binary.BigEndian.PutUint16(h[2:], to)
	h[12], h[13] = 5<<4, flags
	binary.BigEndian.PutUint16(h[14:], 1000)
	sum := uint32(2*(127<<8+1) + unix.IPPROTO_TCP + len(h)) // of the pseudo header
	for i := 0; i < len(h); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(h[16:], ^uint16(sum))
	return h
}

// Each namespace has counters and a range of its own.
func TestOverflowsElsewhere(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		cmd := exec.Command(self(t), "tcp,127.0.0.1:8000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		spawnCmd(t, cmd, "overflow")
		listen(t, "tcp,127.0.0.1:8001")
		until(t, func() error {
			s := scan(t, &Options{NetNS: NetNSAll})
			own := s.Namespaces[0]
			other := slices.IndexFunc(s.Namespaces, func(n Namespace) bool { return n.Name == one(t, s, 8000).Namespace })
			if other <= 0 {
				t.Fatalf("namespaces %+v", s.Namespaces)
			}
			if own.Overflows != 0 || own.Drops != 0 {
				t.Fatalf("the scan's own: %+v", own)
			}
			if s.Namespaces[other].Overflows == 0 {
				return fmt.Errorf("the other: %+v", s.Namespaces[other])
			}
			return nil
		})
	})
}
