package main

import (
	"bytes"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/internal/netnstest"
	"github.com/whatslistening/whatslistening/report"
)

// ourRows are the rows of a report in JSON, as ss(8) would have them.
func ourRows(t *testing.T, stdout string) []netnstest.Row {
	t.Helper()
	r, err := report.Read(bytes.NewReader([]byte(stdout)))
	if err != nil {
		t.Fatalf("reading our own report: %v\n%s", err, stdout)
	}
	return rowsOf(r, func(*annotate.Listener) bool { return true })
}

// rowsOf are the same of the listeners that keep admits.
func rowsOf(r *report.Report, keep func(*annotate.Listener) bool) []netnstest.Row {
	var rows []netnstest.Row
	for i := range r.Listeners {
		l := &r.Listeners[i]
		if !keep(l) {
			continue
		}
		var pids []int
		for _, p := range l.Holders {
			pids = append(pids, p.PID)
		}
		rows = append(rows, netnstest.RowOf(l.Protocol.String(), l.Addr, l.Device, l.Port, l.V6Only, pids))
	}
	netnstest.SortRows(rows)
	return rows
}

// The host that the issue names: dual-stack, v6-only, device-bound,
// SO_REUSEPORT, pre-fork, UDP, MPTCP and ownerless sockets. Every (protocol,
// address, port, pid) that ss shows is shown, and no other.
func TestAgreesWithSS(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		spawn(t, self(t), "listen", "tcp,[::]:8080", "tcp,[::]:8081,v6only", "tcp,0.0.0.0:8081", "tcp,127.0.0.1:5432", "tcp,[::1]:5432")
		spawn(t, self(t), "listen", "tcp,0.0.0.0:8082,device=lo", "udp,0.0.0.0:53,device=lo", "udp,[::]:5353", "udp,127.0.0.1:323")
		for range 3 {
			spawn(t, self(t), "listen", "tcp,0.0.0.0:443,reuseport", "udp,0.0.0.0:443,reuseport")
		}
		spawn(t, self(t), "prefork", "5", "tcp,0.0.0.0:80", "tcp,[::]:81")
		spawn(t, self(t), "listen", "mptcp,0.0.0.0:9000", "mptcp,[::]:9001")
		spawn(t, self(t), "orphan", "tcp,0.0.0.0:7070", "udp,0.0.0.0:7071")
		spawn(t, self(t), "drop", "65534", "tcp,0.0.0.0:111")

		const sockets = 5 + 4 + 6 + 2 + 2 + 2 + 1
		want := netnstest.SS(t)
		if len(want) != sockets {
			t.Fatalf("ss shows %d sockets, want %d: %v", len(want), sockets, want)
		}
		got := command(t, nil, "--json", "--strict")
		if rows := ourRows(t, got.stdout); !slices.Equal(rows, want) {
			t.Errorf("whatslistening --json: %v\nss -Htulnp: %v", rows, want)
		}
		if !strings.Contains(got.stdout, `"mptcp": true`) && !strings.Contains(got.stdout, `"mptcp":true`) {
			t.Error("no listener is marked as MPTCP")
		}
		// The table with every folding off has a row for each socket.
		table := command(t, nil, "--all", "--no-header")
		n := 0
		for line := range strings.Lines(table.stdout) {
			if strings.HasPrefix(line, "tcp ") || strings.HasPrefix(line, "udp ") {
				n++
			}
		}
		if n != sockets {
			t.Errorf("--all has %d rows, want one for each of the %d sockets:\n%s", n, sockets, table.stdout)
		}
	})
}

// HOST_PROC and its kin would let whoever sets the environment hide everything.
func TestIgnoresHostProc(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		pid := spawn(t, self(t), "listen", "tcp,127.0.0.1:8080")
		empty := t.TempDir()
		for _, args := range [][]string{{"--json"}, {"--json", "--source", "gopsutil"}} {
			got := command(t, []string{"HOST_PROC=" + empty, "HOST_SYS=" + empty, "HOST_ETC=" + empty}, args...)
			want := []netnstest.Row{{Proto: "tcp", Addr: "127.0.0.1", Port: 8080, PIDs: strconv.Itoa(pid)}}
			if rows := ourRows(t, got.stdout); !slices.Equal(rows, want) {
				t.Errorf("%q: %v, want %v\n%s", args, rows, want, got.stderr)
			}
		}
	})
}

// Nothing is read from the current folder, whatever lies there.
func TestHostileFolder(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		spawn(t, self(t), "listen", "tcp,127.0.0.1:5432")
		dir := t.TempDir()
		for _, name := range []string{"services", "whatslistening.yaml", ".whatslistening", "passwd", "proc"} {
			if out, err := exec.Command("mkfifo", dir+"/"+name).CombinedOutput(); err != nil {
				t.Skipf("mkfifo: %v %s", err, out)
			}
		}
		cmd := exec.Command(self(t), "-o", "csv", "--columns", "port,service")
		cmd.Dir = dir
		cmd.Env = append(cmd.Environ(), envRole+"=main")
		if got := resultOf(t, cmd); got.code != 0 || !strings.Contains(got.stdout, "5432,postgresql") {
			t.Errorf("in a folder of FIFOs: %+v", got)
		}
	})
}
