package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
	"github.com/whatslistening/whatslistening/report"
)

// auditOf returns the report of an audit of this network namespace, and which of
// its ports a rule has found.
func auditOf(t *testing.T, rule string) (r *report.Report, ports []uint32) {
	t.Helper()
	got := command(t, nil, "audit", "--netns", "own", "-o", "json")
	r, err := report.Read(strings.NewReader(got.stdout))
	if err != nil {
		t.Fatalf("%v\n%+v", err, got)
	}
	for _, f := range r.Findings {
		if f.Rule == rule {
			ports = append(ports, f.Subject.Port)
		}
	}
	return r, ports
}

// WL027: a listener that is on its way from one process to another has no owner,
// until it is there. That takes a scan which sees every process of the machine:
// in a pid namespace one outside may have it.
func TestRuleWithoutOwner(t *testing.T) {
	netnstest.InHostPIDs(t, func(t *testing.T) {
		leaveClosed(t)
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := netnstest.Open("tcp,127.0.0.1:4005")
		if err != nil {
			t.Fatal(err)
		}
		// What root has without an owner may be the kernel's.
		if err := unix.Fchown(fd, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if err := unix.Sendmsg(pair[0], []byte{1}, unix.UnixRights(fd), nil, 0); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		r, ports := auditOf(t, "WL027")
		if r.Coverage.Unreadable > 0 {
			t.Skipf("%d processes of this machine keep even root out: any of them may have it", r.Coverage.Unreadable)
		}
		if !slices.Equal(ports, []uint32{4005}) {
			t.Errorf("in flight, the rule finds the ports %v, want 4005", ports)
		}
		if _, _, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), make([]byte, unix.CmsgSpace(4)), unix.MSG_CMSG_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		if _, ports := auditOf(t, "WL027"); len(ports) > 0 {
			t.Errorf("received, the rule finds the ports %v", ports)
		}
	})
}

// leaveClosed takes the processes that keep even root out from the sight of this
// thread, which it locks, and of what it starts: any of them might have a socket
// that nobody else has.
func leaveClosed(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range folders {
		if _, err := os.Readlink(dir + "/fd/0"); errors.Is(err, os.ErrPermission) {
			if err := unix.Mount("none", dir, "tmpfs", unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// WL036: what a login session has started is told by its control group, which is
// all that logind makes of a session here.
func TestRuleLoginSession(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		root := t.TempDir()
		if err := unix.Mount("none", root, "cgroup2", 0, ""); err != nil {
			t.Skipf("no control groups of version 2: %v", err)
		}
		t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
		slice, err := os.MkdirTemp(root, "whatslistening*.slice")
		if err != nil {
			t.Skipf("no control group can be made: %v", err)
		}
		t.Cleanup(func() { os.Remove(slice) })
		put := func(pid int, unit string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(slice, unit, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
				t.Fatal(err)
			}
		}
		for _, unit := range []string{"session-3.scope", "app.service"} {
			dir := filepath.Join(slice, unit)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(dir) })
		}
		put(spawn(t, self(t), "listen", "tcp,0.0.0.0:8090", "tcp,127.0.0.1:8091"), "session-3.scope")
		put(spawn(t, self(t), "listen", "tcp,0.0.0.0:8092"), "app.service")
		if _, ports := auditOf(t, "WL036"); !slices.Equal(ports, []uint32{8090}) {
			t.Errorf("the rule finds the ports %v, want 8090", ports)
		}
	})
}
