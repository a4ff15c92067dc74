package netnstest

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	envInside   = "WHATSLISTENING_TEST_INSIDE"    // the test whose body runs here
	envHostPIDs = "WHATSLISTENING_TEST_HOST_PIDS" // set: the processes are the host's
)

// In runs body in namespaces of its own. Without root the test is skipped. A
// test (or subtest) calls it once, as its last act.
func In(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	inside(t, syscall.CLONE_NEWNET|syscall.CLONE_NEWNS|syscall.CLONE_NEWPID, "", body)
}

// InHostPIDs is [In] among the host's processes, which are all there are.
func InHostPIDs(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	inside(t, syscall.CLONE_NEWNET, envHostPIDs+"=1", body)
}

func inside(t *testing.T, flags uintptr, env string, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(envInside) == t.Name() {
		body(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a network namespace of its own")
	}
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	timeout := "0"
	if end, ok := t.Deadline(); ok {
		timeout = (time.Until(end) * 9 / 10).String() // so that it tells where it was
	}
	cmd := exec.Command(Self(t), "-test.run="+strings.Join(parts, "/"), "-test.v", "-test.count=1", "-test.timeout="+timeout)
	// Without the second that the race detector waits at the end of a process.
	cmd.Env = append(os.Environ(), envInside+"="+t.Name(), "GORACE=atexit_sleep_ms=0", env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	out = bytes.TrimSpace(out)
	switch {
	case err != nil:
		t.Fatalf("in a network namespace of its own: %v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP: "+t.Name()+" ")):
		t.Skipf("%s", out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")):
		t.Fatalf("the test did not run inside:\n%s", out)
	case testing.Verbose():
		t.Logf("%s", out)
	}
}

// enter makes the process that a test's body runs in ready.
func enter() error {
	if os.Getenv(envHostPIDs) != "" {
		return LinkUp("lo")
	}
	return Furnish()
}

// Self is the path of the test binary.
func Self(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// Everyone returns a path of the test binary that every user can reach. With
// capabilities it is a copy that has them, as setcap(8) gives them with +ep, or
// the test is skipped.
func Everyone(t testing.TB, name string, caps ...int) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "whatslistening-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if len(caps) == 0 && os.Link(Self(t), path) == nil {
		return path
	}
	b, err := os.ReadFile(Self(t))
	if err == nil {
		err = os.WriteFile(path, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(caps) > 0 {
		if err := unix.Setxattr(path, "security.capability", capData(caps), 0); err != nil {
			t.Skipf("capabilities of a file in %s: %v", dir, err)
		}
	}
	return path
}

// capData is the struct vfs_cap_data of <linux/capability.h>, revision 2: the
// lower halves of the sets, then the upper ones.
func capData(caps []int) []byte {
	const revision2, effective = 0x02000000, 1
	var set uint64
	for _, c := range caps {
		set |= 1 << c
	}
	b := binary.LittleEndian.AppendUint32(nil, revision2|effective)
	b = binary.LittleEndian.AppendUint32(b, uint32(set))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(set>>32))
	return binary.LittleEndian.AppendUint32(b, 0)
}
