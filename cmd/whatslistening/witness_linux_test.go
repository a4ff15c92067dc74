package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// hidePort lays a folder over the tables of a process that lacks a port.
func hidePort(t *testing.T, pid int, port uint16) {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/net", pid)
	copies := t.TempDir()
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6", "udplite", "udplite6"} {
		b, err := os.ReadFile(folder + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var kept string
		for line := range strings.Lines(string(b)) {
			if !strings.Contains(line, fmt.Sprintf(":%04X ", port)) {
				kept += line
			}
		}
		if err := os.WriteFile(copies+"/"+name, []byte(kept), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount(copies, folder, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}

// The witnesses agree, or do not: in every format, with the exit code, and read
// back. A folder over the tables of one process hides a listener from them.
func TestVerify(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		pid := spawn(t, self(t), "listen", "tcp,0.0.0.0:31337", "udp,[::]:53")
		agree := command(t, nil, "--verify", "--netns", "own")
		if agree.code != exitClean || !strings.Contains(agree.stdout, "\nthe witnesses agree: netlink, gopsutil, procfs (2 sockets)\n") {
			t.Errorf("%+v, want agreement", agree)
		}
		if probed := command(t, nil, "--probe", "--proto", "tcp", "--netns", "own"); !strings.Contains(probed.stdout, "procfs, bind (1 socket)") {
			t.Errorf("%+v, want agreement with bind", probed)
		}
		if got := command(t, nil, "--verify", "--json", "--netns", "own"); got.code != exitClean || !strings.Contains(got.stdout, `"discrepancies": []`) {
			t.Errorf("%+v, want no discrepancies", got)
		}
		if got := command(t, nil, "--json"); strings.Contains(got.stdout, "discrepancies") {
			t.Errorf("%s, want no word of what was not asked for", got.stdout)
		}

		hidePort(t, pid, 31337)
		const what, mark = "hidden from /proc/net: tcp 0.0.0.0:31337, seen by netlink, gopsutil, procfs, bind, not by procfs/", "hidden-from-proc"
		for _, tt := range []struct {
			args           []string
			stdout, stderr string
		}{
			{nil, "\n" + what, ""},
			{nil, "WITNESSES", ""},
			{[]string{"-o", "tree"}, "hidden from /proc/net", ""},
			{[]string{"-o", "markdown"}, "hidden from", ""},
			{[]string{"-o", "json"}, `"kind": "` + mark + `"`, ""},
			{[]string{"-o", "yaml"}, "kind: " + mark, ""},
			{[]string{"-o", "csv"}, "," + mark + "\n", "whatslistening: " + what},
			{[]string{"-o", "jsonl"}, "31337", "whatslistening: " + what},
			{[]string{"--no-header"}, "hidden from /proc/net", "whatslistening: " + what},
			{[]string{"--strict", "--exit-code"}, what, ""},
			{[]string{"53"}, what, ""},
			{[]string{"9999"}, "", "whatslistening: " + what},
		} {
			got := command(t, nil, append([]string{"--verify", "--netns", "own"}, tt.args...)...)
			if got.code != exitFindings || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("%q: %+v, want exit %d, %q and on stderr %q", tt.args, got, exitFindings, tt.stdout, tt.stderr)
			}
		}
		// A saved report tells the same, and is no finding of its own.
		saved := command(t, nil, "--verify", "--netns", "own", "--json")
		file := t.TempDir() + "/saved.json"
		if err := os.WriteFile(file, []byte(saved.stdout), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := command(t, nil, "--from", file); got.code != exitClean || !strings.Contains(got.stdout, what) {
			t.Errorf("--from: %+v", got)
		}
		if got := command(t, nil, "--from", file, "--verify"); got.code != exitUsage || !strings.Contains(got.stderr, "--verify has no use with --from") {
			t.Errorf("--from --verify: %+v", got)
		}
	})
}
