package scanner

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Namespaces that come and go under the scan are no failure, and what stays is
// right every time.
func TestNamespaceChurn(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		addNetns(t, "red")
		stays := spawnInside(t, "red", "listen", "tcp,127.0.0.1:7023")
		spawn(t, "pass", "tcp,127.0.0.1:7024", "udp,127.0.0.1:7024")
		spawn(t, "pass", "tcp,127.0.0.1:7025")
		met := 0
		for range 30 {
			s := scan(t, &Options{NetNS: NetNSAll})
			if got := one(t, s, 7023); got.Namespace != "red" || !slices.Equal(pidsOf(got), []int{stays.PID}) {
				t.Fatalf("what stays is in %q and held by %v", got.Namespace, pidsOf(got))
			}
			met += len(s.Namespaces) - 2
			for _, l := range s.Coverage.Limitations {
				if l.Code != LimitNetNSGone {
					t.Errorf("limitation %+v", l)
				}
			}
		}
		if met == 0 {
			t.Error("no namespace ever came")
		}
	})
}

// Hundreds of namespaces are no failure.
func TestNamespaceHundreds(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		if err := unix.Mount("tmpfs", "/mnt", "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		const many = 200
		for i := range many {
			path := fmt.Sprintf("/mnt/%d", i)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := inNew(func() error {
				if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
					return err
				}
				return openAll("tcp,127.0.0.1:" + strconv.Itoa(8000+i))
			}); err != nil {
				t.Fatal(err)
			}
		}
		s := scan(t, &Options{NetNS: NetNSAll})
		if len(s.Namespaces) != many+1 || len(s.Sockets) != many || !s.Coverage.Complete {
			t.Fatalf("%d namespaces, %d sockets, coverage %+v", len(s.Namespaces), len(s.Sockets), s.Coverage)
		}
		for i := range many {
			if got := one(t, s, uint16(8000+i)); got.Namespace != fmt.Sprintf("/mnt/%d", i) || len(got.Holders) != 1 {
				t.Errorf("port %d is in %q, held by %v", 8000+i, got.Namespace, pidsOf(got))
			}
		}
	})
}
