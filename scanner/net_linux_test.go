package scanner

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// ip runs ip(8) in the namespace of the test.
func ip(t testing.TB, args string) {
	t.Helper()
	path, err := exec.LookPath("ip")
	if err != nil {
		t.Skip("needs ip(8) of iproute2, to make network interfaces")
	}
	if out, err := exec.Command(path, strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", args, err, out)
	}
}

// pair makes two network interfaces with a cable between them, both up.
func pair(t testing.TB, a, b string) {
	t.Helper()
	ip(t, "link add "+a+" type veth peer name "+b)
	ip(t, "link set "+a+" up")
	ip(t, "link set "+b+" up")
}

func linkDown(t testing.TB, name string) {
	t.Helper()
	ip(t, "link set "+name+" down")
}

// addAddr gives an interface an address that is usable at once: without
// duplicate address detection.
func addAddr(t testing.TB, name, prefix string) {
	t.Helper()
	nodad := ""
	if strings.Contains(prefix, ":") {
		nodad = " nodad"
	}
	ip(t, "addr add "+prefix+" dev "+name+nodad)
}

func closeFD(fd int) { unix.Close(fd) }

// spawnHolding starts a process that inherits a descriptor and holds it.
func spawnHolding(t *testing.T, fd int) *proc {
	t.Helper()
	dup, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(dup), "inherited")
	defer f.Close()
	cmd := exec.Command(self(t))
	cmd.ExtraFiles = []*os.File{f}
	return spawnCmd(t, cmd, "wait")
}
