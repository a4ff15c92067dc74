package scanner

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The folders of units shadow each other by name, a link to /dev/null masks.
func TestReadSocketUnits(t *testing.T) {
	const lib, etc, run = "usr/lib/systemd/system/", "etc/systemd/system/", "run/systemd/generator/"
	root := fixture(t, map[string]string{
		lib + "ssh.socket":                        "[Socket]\nListenStream=22\n",
		run + "ssh.socket.d/addresses.conf":       "[Socket]\nListenStream=\nListenStream=0.0.0.0:2222\n",
		lib + "web.socket":                        "[Socket]\nListenStream=80\n",
		etc + "web.socket":                        "[Socket]\nListenStream=8080\n",
		lib + "web.socket.d/50-more.conf":         "[Socket]\nListenStream=1\n",
		etc + "web.socket.d/50-more.conf":         "[Socket]\nListenStream=8081\n",
		etc + "web.socket.d/60-more.conf":         "[Socket]\nListenStream=8082\n",
		etc + "web.socket.d/README":               "[Socket]\nListenStream=2\n",
		lib + "off.socket":                        "[Socket]\nListenStream=99\n",
		etc + "off.socket":                        "-> /dev/null",
		etc + "alias.socket":                      "-> /usr/lib/systemd/system/ssh.socket",
		etc + "linked.socket":                     "-> /opt/linked.socket",
		"opt/linked.socket":                       "[Socket]\nListenStream=70\n",
		lib + "template@.socket":                  "[Socket]\nListenStream=71\n",
		lib + "ssh.service":                       "[Socket]\nListenStream=72\n",
		lib + "sockets.target.wants/other.socket": "[Socket]\nListenStream=73\n",
	})
	var got []string
	units := readSocketUnits(root)
	for port := range uint16(9000) {
		if unit := units.of(&Socket{Protocol: TCP, Addr: netip.IPv4Unspecified(), Port: port}); unit != "" {
			got = append(got, fmt.Sprintf("%d %s", port, unit))
		}
	}
	if text, want := strings.Join(got, ", "), "70 linked.socket, 2222 ssh.socket, 8080 web.socket, 8081 web.socket, 8082 web.socket"; text != want {
		t.Errorf("units = %s, want %s", text, want)
	}
}

// Case 28: what pid 1 holds for a service is named after the socket unit; each
// socket has its own, and the process is as it was else.
func TestActivated(t *testing.T) {
	root := fixture(t, map[string]string{
		"usr/lib/systemd/system/ssh.socket": "[Socket]\nListenStream=22\n",
		"usr/lib/systemd/system/web.socket": "[Socket]\nListenStream=80\n",
	})
	init := &Process{PID: 1, Name: "systemd", Unit: "init.scope", Slice: "-.slice"}
	sshd := &Process{PID: 900, Name: "sshd", Unit: "ssh.service"}
	socket := func(port uint16, holders ...*Process) Socket {
		return Socket{Protocol: TCP, Addr: netip.IPv6Unspecified(), Port: port, Holders: holders}
	}
	s := Snapshot{Sockets: []Socket{
		socket(22, init, sshd), socket(80, init), socket(80, init), socket(81, init), socket(22, &Process{PID: 1, Name: "tini"}), socket(22, &Process{PID: 2, Name: "systemd"}),
	}}
	s.activated(&Options{root: root})
	want := []string{"ssh.socket ssh.service", "web.socket", "web.socket", "init.scope", "", ""}
	for i := range s.Sockets {
		var units []string
		for _, p := range s.Sockets[i].Holders {
			units = append(units, p.Unit)
		}
		if got := strings.Join(units, " "); got != want[i] {
			t.Errorf("port %d: units = %q, want %q", s.Sockets[i].Port, got, want[i])
		}
	}
	if init.Unit != "init.scope" || s.Sockets[1].Holders[0] != s.Sockets[2].Holders[0] || s.Sockets[1].Holders[0].Slice != "-.slice" {
		t.Error("a process is not what it was")
	}
}

// A real socket tells the control group that it was made in.
func TestSocketCgroup(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		mount := ""
		for _, name := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
			var fs unix.Statfs_t
			if unix.Statfs(name, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
				mount = name
			}
		}
		if mount == "" {
			t.Skip("needs control groups of version 2")
		}
		dir := filepath.Join(mount, "whatslistening-test.slice", fmt.Sprintf("case28-%d.socket", os.Getpid()))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Skipf("cannot make a control group: %v", err)
		}
		t.Cleanup(func() { os.Remove(dir); os.Remove(filepath.Dir(dir)) })
		move := func(to string) {
			if err := os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
				t.Skipf("cannot enter a control group: %v", err)
			}
		}
		move(dir)
		listen(t, "tcp,127.0.0.1:80")
		move(mount)
		s := one(t, scan(t, nil), 80)
		var names cgroupNames
		defer names.close()
		if s.CgroupID == 0 {
			t.Skip("the kernel does not tell the control group of a socket")
		}
		want := "/whatslistening-test.slice/" + filepath.Base(dir)
		if got := names.path(s.CgroupID); got != want {
			t.Errorf("the control group %d is %q, want %q", s.CgroupID, got, want)
		}
		one := s
		one.Holders = []*Process{{PID: 1, Name: "systemd"}}
		snap := Snapshot{Sockets: []Socket{one}}
		if snap.activated(&Options{root: t.TempDir()}); snap.Sockets[0].Holders[0].Unit != filepath.Base(dir) {
			t.Errorf("unit = %q, want %q", snap.Sockets[0].Holders[0].Unit, filepath.Base(dir))
		}
		if got := names.path(1<<63 | 1); got != "" {
			t.Errorf("a control group that is not there is %q", got)
		}
	})
}
