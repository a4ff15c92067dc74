package scanner

import (
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fakeKernel returns a conversation whose other end is answer: it is given the
// requests in turn and returns the datagrams to send. After nil it is silent.
func fakeKernel(t *testing.T, answer func(n int, seq uint32) [][]byte) *netlinkConn {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := setTick(fds[0]); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for n := 1; ; n++ {
			k, err := unix.Read(fds[1], buf)
			if k <= 0 || err != nil {
				return
			}
			for _, d := range answer(n, binary.NativeEndian.Uint32(buf[8:])) {
				if _, err := unix.Write(fds[1], d); err != nil {
					return
				}
			}
		}
	}()
	t.Cleanup(func() {
		unix.Shutdown(fds[0], unix.SHUT_RDWR)
		<-ended
		unix.Close(fds[0])
		unix.Close(fds[1])
	})
	return &netlinkConn{fd: fds[0], buf: make([]byte, nlRoom), patience: nlPatience}
}

// listener is the message of a TCP socket; end the last of an answer.
func listener(seq uint32, flags, port uint16) []byte {
	d := diagMsg{family: afInet, state: stateListen, port: port, addr: "127.0.0.1", inode: uint32(port), cookie: uint64(port)}
	return message(diagByFamily, flags, seq, d.bytes())
}

func end(seq uint32, flags uint16, code int) []byte {
	return message(nlDone, flags, seq, nativeUint32(uint32(-code)))
}

func refusal(seq uint32, code int) []byte {
	return message(nlError, 0, seq, nativeUint32(uint32(-code)), make([]byte, nlHeaderLen))
}

// askTCP asks for the TCP sockets and returns their ports.
func askTCP(ctx context.Context, c *netlinkConn) (ports []uint16, err error) {
	q := diagQuery{TCP, IPv4}
	var list socketList
	err = c.dump(ctx, q.appendTo, func() { list.truncate(0) }, func(m nlMessage) error { return parseDiag(&list, q, m.data, link7) })
	for _, s := range joinLists(&list) {
		ports = append(ports, s.Port)
	}
	return ports, err
}

// Case 33: what goes wrong while the kernel answers is asked for again, a
// bounded number of times, and then said.
func TestCase33Netlink(t *testing.T) {
	whole := func(seq uint32) [][]byte {
		return [][]byte{listener(seq, 2, 1), append(listener(seq, 2, 2), end(seq, 2, 0)...)}
	}
	tests := []struct {
		name   string
		answer func(n int, seq uint32) [][]byte
		ports  []uint16
		asked  int
		err    error
	}{
		{"all is well", func(_ int, seq uint32) [][]byte { return whole(seq) }, []uint16{1, 2}, 1, nil},
		{"interrupted once", func(n int, seq uint32) [][]byte {
			if n == 1 {
				return [][]byte{listener(seq, nlFlagIntr|2, 9), end(seq, 2, 0)}
			}
			return whole(seq)
		}, []uint16{1, 2}, 2, nil},
		{"interrupted always", func(_ int, seq uint32) [][]byte {
			return [][]byte{listener(seq, 2, 9), end(seq, nlFlagIntr|2, 0)}
		}, []uint16{9}, nlTries, errInterrupted},
		{"overrun once", func(n int, seq uint32) [][]byte {
			if n == 1 {
				return [][]byte{listener(seq, 2, 9), message(nlOverrun, 2, seq), end(seq, 2, 0)}
			}
			return whole(seq)
		}, []uint16{1, 2}, 2, nil},
		{"a message cut short once", func(n int, seq uint32) [][]byte {
			if n == 1 {
				return [][]byte{listener(seq, 2, 9)[:40], end(seq, 2, 0)}
			}
			return whole(seq)
		}, []uint16{1, 2}, 2, nil},
		{"a datagram longer than the room", func(n int, seq uint32) [][]byte {
			if n == 1 {
				return [][]byte{append(message(nlNoop, 2, seq, make([]byte, 2*nlRoom)), listener(seq, 2, 9)...), end(seq, 2, 0)}
			}
			return whole(seq)
		}, []uint16{1, 2}, 2, nil},
		{"stood still, and busy with that", func(n int, seq uint32) [][]byte {
			switch n {
			case 1: // and then a datagram was lost, and no other made
				return [][]byte{listener(seq, 2, 9), listener(seq, 2, 9)[:40]}
			case 2:
				return [][]byte{refusal(seq, int(unix.EBUSY)), listener(seq-1, 2, 9), end(seq-1, 2, 0)}
			}
			return whole(seq)
		}, []uint16{1, 2}, 3, nil},
		{"busy for another reason", func(_ int, seq uint32) [][]byte { return [][]byte{refusal(seq, int(unix.EBUSY))} }, nil, 1, unix.EBUSY},
		{"left over of another question", func(_ int, seq uint32) [][]byte {
			return append([][]byte{listener(seq-1, 2, 9), end(seq-1, 2, 0), refusal(seq-1, 5)}, whole(seq)...)
		}, []uint16{1, 2}, 1, nil},
		{"refused", func(_ int, seq uint32) [][]byte { return [][]byte{refusal(seq, int(unix.ENOENT))} }, nil, 1, unix.ENOENT},
		{"failed at the end", func(_ int, seq uint32) [][]byte {
			return [][]byte{listener(seq, 2, 9), end(seq, 2, int(unix.EACCES))}
		}, nil, 1, unix.EACCES},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			c := fakeKernel(t, func(n int, seq uint32) [][]byte { asked.Store(int32(n)); return tt.answer(n, seq) })
			ports, err := askTCP(t.Context(), c)
			if !errors.Is(err, tt.err) {
				t.Fatalf("dump: %v, want %v", err, tt.err)
			}
			if !slices.Equal(ports, tt.ports) || int(asked.Load()) != tt.asked {
				t.Errorf("ports %v after %d questions, want %v after %d", ports, asked.Load(), tt.ports, tt.asked)
			}
		})
	}
}

// Case 33: a kernel that does not answer hangs nothing.
func TestCase33Silence(t *testing.T) {
	silent := func(int, uint32) [][]byte { return nil }
	c := fakeKernel(t, silent)
	c.patience = time.Millisecond
	if _, err := askTCP(t.Context(), c); err == nil || !strings.Contains(err.Error(), "no answer within 1ms") {
		t.Errorf("a silent kernel: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	long := func(_ int, seq uint32) [][]byte {
		return append(slices.Repeat([][]byte{listener(seq, 2, 9)}, 1000), end(seq, 2, 0))
	}
	if socks, err := askTCP(ctx, fakeKernel(t, long)); err != nil || len(socks) != 1000 {
		t.Errorf("an answer that the kernel has ready, and a context that has ended: %d sockets, %v", len(socks), err)
	}
	if _, err := askTCP(ctx, fakeKernel(t, silent)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// Case 33: a signal in the middle of the waiting (EINTR; Go itself sends them).
func TestCase33Signal(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, tid := unix.Getpid(), unix.Gettid()
	c := fakeKernel(t, func(_ int, seq uint32) [][]byte {
		for range 50 {
			unix.Tgkill(pid, tid, unix.SIGURG)
			runtime.Gosched()
		}
		return [][]byte{listener(seq, 2, 1), end(seq, 2, 0)}
	})
	if ports, err := askTCP(t.Context(), c); err != nil || len(ports) != 1 {
		t.Errorf("dump: ports %v, %v", ports, err)
	}
}

// Case 33: an answer that stays incomplete is used, and said to be.
func TestCase33Coverage(t *testing.T) {
	c := fakeKernel(t, func(_ int, seq uint32) [][]byte {
		return [][]byte{listener(seq, nlFlagIntr, 7), end(seq, 0, 0)}
	})
	cov := Coverage{Complete: true}
	socks, err := listDiag(t.Context(), c, &Options{Protocols: []Protocol{TCP}, ProcFS: t.TempDir()}, &cov)
	if err != nil || len(socks) != 1 {
		t.Fatalf("listDiag: %+v, %v, want the one IPv4 socket", socks, err)
	}
	if cov.Complete || len(cov.Limitations) != 1 || cov.Limitations[0].Code != LimitNetlinkPartial {
		t.Errorf("coverage %+v, want incomplete and %s", cov, LimitNetlinkPartial)
	}
}

// Case 32: a kernel without IPv6, or without a protocol, is no failure; one
// without TCP's part of sock_diag is.
func TestCase32Kernel(t *testing.T) {
	answer := func(refuse func(asked int) int) func(n int, seq uint32) [][]byte {
		return func(n int, seq uint32) [][]byte {
			if code := refuse(n); code != 0 {
				return [][]byte{refusal(seq, code)}
			}
			return [][]byte{listener(seq, 0, 7), end(seq, 0, 0)}
		}
	}
	for _, errno := range []unix.Errno{unix.ENOENT, unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT} {
		no6 := fakeKernel(t, answer(func(n int) int {
			if n == 2 {
				return int(errno)
			}
			return 0
		}))
		cov := Coverage{Complete: true}
		socks, err := listDiag(t.Context(), no6, &Options{Protocols: []Protocol{TCP}, ProcFS: t.TempDir()}, &cov)
		if err != nil || len(socks) != 1 || !cov.Complete || len(cov.Limitations) != 0 {
			t.Errorf("IPv6 %v: %d sockets, %v, %+v", errno, len(socks), err, cov)
		}
		none := fakeKernel(t, answer(func(int) int { return int(errno) }))
		if _, err := listDiag(t.Context(), none, &Options{}, &cov); !errors.Is(err, errno) {
			t.Errorf("TCP %v: error %v", errno, err)
		}
		cov = Coverage{Complete: true}
		socks, err = listDiag(t.Context(), none, &Options{Protocols: []Protocol{SCTP, DCCP}, ProcFS: t.TempDir()}, &cov)
		if err != nil || len(socks) != 0 || !cov.Complete {
			t.Errorf("SCTP and DCCP %v: %v, %+v", errno, err, cov)
		}
	}
}
