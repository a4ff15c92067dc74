package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/internal/netnstest"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// A watch tells what happens in a folder: inotify(7).
type watch struct {
	f *os.File
}

// watchFolder begins to watch a folder for events.
func watchFolder(t *testing.T, dir string, events uint32) *watch {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Skipf("inotify: %v", err)
	}
	f := os.NewFile(uintptr(fd), "inotify")
	t.Cleanup(func() { f.Close() })
	if _, err := unix.InotifyAddWatch(fd, dir, events); err != nil {
		t.Fatal(err)
	}
	return &watch{f}
}

// next returns the names that events came for, once there are some before the
// time is over.
func (w *watch) next(t *testing.T, until time.Time) []string {
	t.Helper()
	if err := w.f.SetReadDeadline(until); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	n, err := w.f.Read(buf)
	if err != nil {
		return nil
	}
	var names []string
	for buf = buf[:n]; len(buf) >= unix.SizeofInotifyEvent; {
		e := (*unix.InotifyEvent)(unsafe.Pointer(&buf[0]))
		end := unix.SizeofInotifyEvent + int(e.Len)
		names = append(names, string(bytes.TrimRight(buf[unix.SizeofInotifyEvent:end], "\x00")))
		buf = buf[end:]
	}
	return names
}

// The command reads nothing from the folder that it is run in, and runs nothing
// from PATH: an audit by root in a folder that someone filled for it is the
// audit anywhere else.
func TestAuditHostileFolder(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		spawn(t, self(t), "listen", "tcp,127.0.0.1:5432", "tcp,0.0.0.0:443")
		trap := t.TempDir()
		const bait = "version: 1\nrules:\n  WL025: {disable: true, reason: trap}\n"
		for _, name := range []string{
			"policy.yaml", "policy.yml", "whatslistening.yaml", ".whatslistening.yaml", "whatslistening", "services",
			".env", "report.json", "baseline.json", "manifest.json", "proc/net/tcp", "policy.d/10-trap.yaml",
			".config/whatslistening/policy.yaml", "etc/whatslistening/policy.d/10-trap.yaml", "docker", "podman", "ss", "lsof", "ip", "sh",
		} {
			path := filepath.Join(trap, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			text := bait
			if !strings.Contains(name, ".") {
				text = "#!/bin/sh\ntouch " + trap + "/was-run\n"
			}
			if err := os.WriteFile(path, []byte(text), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		var watches []*watch
		for _, dir := range []string{".", "policy.d", "proc", ".config", "etc"} {
			watches = append(watches, watchFolder(t, filepath.Join(trap, dir), unix.IN_OPEN|unix.IN_ACCESS|unix.IN_CREATE|unix.IN_MODIFY|unix.IN_DELETE))
		}
		audit := func(dir string, env ...string) string {
			t.Helper()
			cmd := exec.Command(self(t), "audit", "--netns", "own", "-o", "json")
			cmd.Dir = dir
			cmd.Env = append(append(os.Environ(), envRole+"=main"), env...)
			got := resultOf(t, cmd)
			r, err := report.Read(strings.NewReader(got.stdout))
			if err != nil {
				t.Fatalf("%v\n%+v", err, got)
			}
			var b strings.Builder
			for i := range r.Findings {
				fmt.Fprintln(&b, r.Findings[i].Rule, r.Findings[i].Message)
			}
			fmt.Fprintln(&b, got.code, len(r.Listeners), r.Coverage.Complete, len(r.Coverage.Limitations), r.Register)
			return b.String()
		}
		want := audit("/")
		if !strings.Contains(want, "WL025") {
			t.Fatalf("the listeners of a test are in /tmp, and no finding says so:\n%s", want)
		}
		for _, env := range [][]string{
			nil,
			{"PATH=" + trap, "HOME=" + trap, "XDG_CONFIG_HOME=" + trap + "/.config"},
			// gopsutil would read these folders in place of the host's.
			{"HOST_PROC=" + trap + "/proc", "HOST_SYS=" + trap, "HOST_ETC=" + trap + "/etc", "HOST_VAR=" + trap, "HOST_RUN=" + trap, "HOST_DEV=" + trap, "HOST_ROOT=" + trap},
		} {
			if got := audit(trap, env...); got != want {
				t.Errorf("in the trap with %q:\n%s\nelsewhere:\n%s", env, got, want)
			}
		}
		for _, w := range watches {
			if names := w.next(t, time.Now()); len(names) > 0 {
				t.Errorf("the folder was looked into: %q", names)
			}
		}
		if _, err := os.Stat(filepath.Join(trap, "was-run")); err == nil {
			t.Error("a program of the folder was run")
		}
	})
}

// bigReport is a report that takes a while to write.
func bigReport(t *testing.T, dir string) string {
	t.Helper()
	snap := &scanner.Snapshot{Host: scanner.Host{Name: "big", OS: "linux"}, Coverage: scanner.Coverage{Complete: true, Privileges: "root"}}
	for i := range 6000 {
		snap.Sockets = append(snap.Sockets, scanner.Socket{
			Family: scanner.IPv4, Port: uint16(i%65535) + 1, Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Namespace: "host", User: "root", Inode: uint64(i) + 1,
		})
	}
	r := &report.Report{Tool: "1", Registry: "2026-09-17", Time: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), Host: snap.Host, Coverage: snap.Coverage, Listeners: annotate.Snapshot(snap, portdb.Default(), nil)}
	path := filepath.Join(dir, "big.json")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := report.Write(f, r, report.JSON, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// Killed in the middle of a write, an audit leaves no evidence and no report
// under its name, or the one that was there before; and the next one is whole.
func TestKilledWhileWriting(t *testing.T) {
	dir := own(t)
	from, policy := bigReport(t, dir), registerOf(t, dir, smallRegister)
	keep := filepath.Join(dir, "evidence")
	if err := os.Mkdir(keep, 0o700); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(keep, "audit.json")
	const before = "the report of yesterday"
	if err := os.WriteFile(out, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	// killed runs the command and kills it when something begins to exist in keep;
	// it returns whether the signal came first.
	killed := func(args ...string) bool {
		t.Helper()
		w := watchFolder(t, keep, unix.IN_CREATE)
		cmd := asSelf(t, append([]string{"audit", "--from", from, "--policy", policy}, args...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		names := w.next(t, time.Now().Add(time.Minute))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if names == nil {
			t.Fatalf("%q began to write nothing", args)
		}
		ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		return ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL
	}
	// The command may be done before the signal gets there: again, until it is not.
	cutOff := func(f func() bool) {
		t.Helper()
		n := 0
		netnstest.Until(t, func() error {
			if f() {
				n++
			}
			if n < 2 {
				return fmt.Errorf("%d writes were cut off, want 2", n)
			}
			return nil
		})
	}
	left := 0 // folders that are not finished
	cutOff(func() bool {
		killed("--evidence", keep)
		folders, err := filepath.Glob(filepath.Join(keep, "big-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			if got := runHere(t, "audit", "--check", folder); got.code != exitClean {
				t.Errorf("half an evidence: %+v", got)
			}
		}
		parts, err := filepath.Glob(filepath.Join(keep, ".big-*.part"))
		if err != nil {
			t.Fatal(err)
		}
		grown := len(parts) > left
		left = len(parts)
		return grown
	})
	cutOff(func() bool {
		inTime := killed("-o", "json", "--output-file", out)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != before {
			if _, err := report.Read(bytes.NewReader(data)); err != nil {
				t.Errorf("half a report: %v", err)
			}
		}
		return inTime
	})
	got := resultOf(t, asSelf(t, "audit", "--from", from, "--policy", policy, "--evidence", keep))
	folders, _ := filepath.Glob(filepath.Join(keep, "big-*"))
	if got.code != exitFindings || len(folders) == 0 {
		t.Fatalf("the next one: exit %d, %s", got.code, got.stderr)
	}
	if got := runHere(t, "audit", "--check", folders[len(folders)-1]); got.code != exitClean {
		t.Errorf("the next one: %+v", got)
	}
}

// What someone else could have put in root's way is refused, whether a file that
// is read or a folder that is written to.
func TestPlantedForRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, in whose way it is")
	}
	dir, from := own(t), saved(t)
	good := registerOf(t, dir, smallRegister)
	shared, err := os.MkdirTemp("/tmp", "whatslistening-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(shared) })
	if err := os.Chmod(shared, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	theirs := func(name string) string { return filepath.Join(shared, name) }
	must := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	must(
		os.Symlink(good, theirs("link.yaml")), os.Lchown(theirs("link.yaml"), nobody, nobody),
		os.Symlink(dir, theirs("way")), os.Lchown(theirs("way"), nobody, nobody),
		os.Symlink(good, theirs("own-link.yaml")),
		os.WriteFile(theirs("own.yaml"), []byte(smallRegister), 0o600),
		os.Mkdir(theirs("folder"), 0o700), os.Chown(theirs("folder"), nobody, nobody),
		unix.Mkfifo(theirs("fifo"), 0o600),
		os.Symlink("loop", filepath.Join(dir, "loop")),
	)
	// Some filesystems have no hard links from one to another: /tmp may be one of
	// its own.
	linked := os.Link(theirs("own.yaml"), theirs("hard.yaml")) == nil
	must(os.WriteFile(theirs("single.yaml"), []byte(smallRegister), 0o600))
	// A baseline decides what counts as a change.
	base, group, listed := filepath.Join(dir, "base.json"), filepath.Join(dir, "group.json"), filepath.Join(dir, "listed.json")
	// user::rw-, user:65534:rw-, group::---, mask::rw-, other::--- as acl(5) is
	// stored (include/uapi/linux/posix_acl_xattr.h).
	const writableByNobody = "\x02\x00\x00\x00" + "\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x06\x00\xfe\xff\x00\x00" +
		"\x04\x00\x00\x00\xff\xff\xff\xff" + "\x10\x00\x06\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"
	must(
		os.WriteFile(base, savedReport(), 0o600),
		os.WriteFile(theirs("base.json"), savedReport(), 0o600),
		os.WriteFile(theirs("foreign.json"), savedReport(), 0o600), os.Chown(theirs("foreign.json"), nobody, nobody),
		os.WriteFile(theirs("open.json"), savedReport(), 0o600), os.Chmod(theirs("open.json"), 0o666),
		os.WriteFile(group, savedReport(), 0o600), os.Chown(group, 0, nobody), os.Chmod(group, 0o660),
		os.WriteFile(listed, savedReport(), 0o600),
		os.Symlink(base, theirs("base-link.json")), os.Lchown(theirs("base-link.json"), nobody, nobody),
	)
	if unix.Setxattr(listed, "system.posix_acl_access", []byte(writableByNobody), 0) != nil {
		must(os.Chmod(listed, 0o660)) // a filesystem without lists
	}
	tests := []struct {
		name string
		args []string
		want string // in the message; empty where it is taken
	}{
		{"a register of root's own", []string{"--policy", good}, ""},
		{"one in a folder as /tmp", []string{"--policy", theirs("single.yaml")}, ""},
		{"a link of root's own", []string{"--policy", theirs("own-link.yaml")}, ""},
		{"another's link", []string{"--policy", theirs("link.yaml")}, `link.yaml" belongs to uid 65534`},
		{"another's link on the way", []string{"--policy", theirs("way/policy.yaml")}, `way" belongs to uid 65534`},
		{"another's services file", []string{"--policy", good, "--ports", theirs("link.yaml")}, "no use with --from"},
		{"a link in a circle", []string{"--policy", filepath.Join(dir, "loop")}, "too many levels"},
		{"a FIFO", []string{"--policy", theirs("fifo")}, "is not a regular file"},
		{"a baseline of root's own", []string{"--baseline", base}, ""},
		{"one in a folder as /tmp", []string{"--baseline", theirs("base.json")}, ""},
		{"another's baseline", []string{"--baseline", theirs("foreign.json")}, `foreign.json" belongs to uid 65534`},
		{"one that everyone can write", []string{"--baseline", theirs("open.json")}, `open.json" can be written by everyone`},
		{"one that a group can write", []string{"--baseline", group}, `group.json" can be written by gid 65534`},
		{"one that an access control list lets someone write", []string{"--baseline", listed}, `listed.json" can be written by gid 0`},
		{"a baseline behind another's link", []string{"--baseline", theirs("base-link.json")}, `base-link.json" belongs to uid 65534`},
		{"one behind another's link on the way", []string{"--baseline", theirs("way/base.json")}, `way" belongs to uid 65534`},
		{"a baseline that is a FIFO", []string{"--baseline", theirs("fifo")}, "is not a regular file"},
		{"a baseline in a circle", []string{"--baseline", filepath.Join(dir, "loop")}, "too many levels"},
		{"evidence in a folder of everyone", []string{"--policy", good, "--evidence", shared}, "can be written by everyone"},
		{"evidence in another's folder", []string{"--policy", good, "--evidence", theirs("folder")}, "belongs to uid 65534"},
		{"evidence behind another's link", []string{"--policy", good, "--evidence", theirs("way/evidence")}, `way" belongs to uid 65534`},
		{"evidence at another's link", []string{"--policy", good, "--evidence", theirs("way")}, "is a symbolic link"},
		{"evidence at a FIFO", []string{"--policy", good, "--evidence", theirs("fifo")}, "is no folder"},
		{"the report at another's link", []string{"--policy", good, "-o", "json", "--output-file", theirs("link.yaml")}, "is a symbolic link"},
		{"the report at a FIFO", []string{"--policy", good, "-o", "json", "--output-file", theirs("fifo")}, "is a FIFO"},
	}
	if linked {
		tests = append(tests, struct {
			name string
			args []string
			want string
		}{"a name that anyone may have given it", []string{"--policy", theirs("hard.yaml")}, "has other names"})
	}
	for _, tt := range tests {
		got := runHere(t, append([]string{"audit", "--from", from}, tt.args...)...)
		if tt.want == "" {
			if got.code != exitFindings || got.stderr != "" {
				t.Errorf("%s: exit %d, %s", tt.name, got.code, got.stderr)
			}
			continue
		}
		if got.code != exitUsage || !strings.Contains(got.stderr, tt.want) || got.stdout != "" {
			t.Errorf("%s: exit %d, %q, want %q", tt.name, got.code, got.stderr, tt.want)
		}
	}
	// So is a baseline of diff, whatever it is compared with.
	for _, name := range []string{"foreign.json", "open.json", "base-link.json", "way/base.json", "fifo"} {
		if got := runHere(t, "diff", theirs(name), from); got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, filepath.Base(name)) && !strings.Contains(got.stderr, `way"`) {
			t.Errorf("diff %s: %+v", name, got)
		}
	}
	if got := runHere(t, "diff", theirs("base.json"), from); got.code != exitClean || got.stderr != "" {
		t.Errorf("diff of root's own: %+v", got)
	}
	// A report over a hard link leaves the file of the other name as it was.
	if linked {
		if got := runHere(t, "audit", "--from", from, "--policy", good, "-o", "json", "--output-file", theirs("hard.yaml")); got.code != exitFindings {
			t.Errorf("over a hard link: %+v", got)
		}
		if data, err := os.ReadFile(theirs("own.yaml")); err != nil || string(data) != smallRegister {
			t.Errorf("the other name has %.40q, %v", data, err)
		}
	}
	if data, err := os.ReadFile(good); err != nil || string(data) != smallRegister {
		t.Errorf("the register has %.40q, %v", data, err)
	}
}
