package scanner

import (
	"context"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLongAnswersAtTheSameTime asks for many sockets of both families: with a
// second conversation, without one, and where there can be none. The answer is
// the same, each socket once.
func TestLongAnswersAtTheSameTime(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		const each = 600 // over nlLong datagrams
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			for range each {
				fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer unix.Close(fd)
				// The kernel picks a port for one that is not bound.
				if err := unix.Listen(fd, 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		opened := 0
		tests := []struct {
			name    string
			another func() (*netlinkConn, error)
			opened  int
		}{
			{"one", nil, 0},
			{"two", func() (*netlinkConn, error) { opened++; return dialNetlink(unix.NETLINK_SOCK_DIAG) }, 1},
			{"refused", func() (*netlinkConn, error) { opened++; return nil, errors.New("refused") }, 1},
		}
		for _, tt := range tests {
			opened = 0
			conn, err := dialNetlink(unix.NETLINK_SOCK_DIAG)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.close()
			conn.another = tt.another
			c := Coverage{Complete: true}
			socks, err := listDiag(context.Background(), conn, &Options{}, &c)
			if err != nil || !c.Complete {
				t.Fatalf("%s: %v, coverage %+v", tt.name, err, c)
			}
			families := make(map[Family]int)
			cookies := make([]uint64, 0, len(socks))
			for i := range socks {
				families[socks[i].Family]++
				cookies = append(cookies, socks[i].Cookie)
			}
			slices.Sort(cookies)
			if n := len(slices.Compact(cookies)); n != 2*each || families[IPv4] != each || families[IPv6] != each {
				t.Errorf("%s: %d sockets, by family %v, want %d of each", tt.name, n, families, each)
			}
			if opened != tt.opened {
				t.Errorf("%s: %d more conversations opened, want %d", tt.name, opened, tt.opened)
			}
		}
	})
}
