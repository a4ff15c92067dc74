package main

import (
	"bytes"
	"context"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

var update = flag.Bool("update", false, "rewrite what the scripts in testdata/script expect")

func TestMain(m *testing.M) {
	if atStart != nil {
		atStart()
	}
	testscript.Main(m, map[string]func(){"whatslistening": main})
}

// atStart is what the tests of a system do before any test runs: play the role
// of another process, or enter a namespace.
var atStart func()

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TERM", "xterm-256color")
			e.Setenv("GORACE", os.Getenv("GORACE")) // how long a command made for -race waits at its end
			return os.WriteFile(filepath.Join(e.WorkDir, "report.json"), savedReport(), 0o600)
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "devfull":
				_, err := os.Stat("/dev/full")
				return err == nil, nil
			case "bash-completion":
				// The scripts of bash lean on it; it is a package of its own.
				_, err := os.Stat("/usr/share/bash-completion/bash_completion")
				return err == nil, nil
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, nil
		},
	})
}

// savedReport is a report of a host that never changes, as JSON.
func savedReport() []byte {
	started := time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	sshd := &scanner.Process{PID: 812, PPID: 1, Started: started, Name: "sshd", Exe: "/usr/sbin/sshd", User: "root", Parent: "systemd", Unit: "ssh.service"}
	db := &scanner.Process{PID: 1204, PPID: 1, Started: started, Name: "postgres", Exe: "/usr/lib/postgresql/16/bin/postgres", UID: 105, User: "postgres"}
	web := &scanner.Process{PID: 2001, PPID: 1, Started: started, Name: "prometheus", Exe: "/usr/bin/prometheus", UID: 990, User: "prometheus"}
	dig := &scanner.Process{PID: 3000, PPID: 1, Started: started, Name: "some-client", Exe: "/usr/bin/some-client", UID: 1000, User: "alice"}
	evil := &scanner.Process{PID: 666, PPID: 1, Started: started, Name: "ev\x1b[31mil\n::error::\u202e", Exe: "/tmp/x", UID: 1000, User: "alice"}
	snap := &scanner.Snapshot{
		Host: scanner.Host{
			Name: "web1", OS: "linux", Kernel: "6.1.0", BootID: "00000000-0000-4000-8000-000000000000",
			Interfaces: []scanner.Interface{{Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}}},
			Ephemeral:  scanner.PortRange{First: 32768, Last: 60999},
		},
		Coverage: scanner.Coverage{Complete: true, Sources: []string{"netlink"}, Privileges: "root", Processes: 120},
		Sockets: []scanner.Socket{
			{Family: scanner.IPv4, Port: 22, Addr: netip.IPv4Unspecified(), Namespace: "host", User: "root", Inode: 100, Queue: scanner.Queue{Limit: 128}, Holders: []*scanner.Process{sshd}},
			{Family: scanner.IPv6, V6Only: true, Port: 22, Addr: netip.IPv6Unspecified(), Namespace: "host", User: "root", Inode: 101, Queue: scanner.Queue{Limit: 128}, Holders: []*scanner.Process{sshd}},
			{Family: scanner.IPv4, Port: 5432, Addr: netip.MustParseAddr("127.0.0.1"), Namespace: "host", UID: 105, User: "postgres", Inode: 102, Queue: scanner.Queue{Limit: 244}, Holders: []*scanner.Process{db}},
			{Family: scanner.IPv6, Port: 9090, Addr: netip.IPv6Unspecified(), Namespace: "host", UID: 990, User: "prometheus", Inode: 103, Queue: scanner.Queue{Limit: 4096}, Holders: []*scanner.Process{web}},
			{Protocol: scanner.UDP, Family: scanner.IPv4, Port: 40123, Addr: netip.IPv4Unspecified(), Namespace: "host", UID: 1000, User: "alice", Inode: 104, Holders: []*scanner.Process{dig}},
			{Family: scanner.IPv4, Port: 31337, Addr: netip.IPv4Unspecified(), Namespace: "host", UID: 1000, User: "alice", Inode: 105, Queue: scanner.Queue{Limit: 10}, Holders: []*scanner.Process{evil}},
		},
	}
	r := &report.Report{
		Tool: "1.0.0", Registry: "2026-09-17", Time: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC),
		Host: snap.Host, Coverage: snap.Coverage,
		Listeners: annotate.Snapshot(snap, portdb.Default(), &annotate.Options{Opinions: true}),
	}
	var b bytes.Buffer
	if err := report.Write(&b, r, report.JSON, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// saved returns the path of a file with that report.
func saved(t *testing.T) string {
	t.Helper()
	path := t.TempDir() + "/report.json"
	if err := os.WriteFile(path, savedReport(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A result is what a run of the command left behind.
type result struct {
	stdout, stderr string
	code           int
}

// runHere runs the command in the test's own process.
func runHere(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := run(context.Background(), func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr, args)
	return result{stdout.String(), stderr.String(), exitCode(err)}
}
