package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Case 29 and 17: every network namespace is listed, its sockets are told apart,
// and none of them counts as reachable from outside.
func TestNetworkNamespaces(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		nsenter, err := exec.LookPath("nsenter")
		if err != nil {
			t.Skip("needs nsenter(1) of util-linux")
		}
		if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"blue", "red"} {
			if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
				t.Skipf("ip netns: %v %s", err, out)
			}
		}
		inside := spawn(t, nsenter, "listen", "--net=/run/netns/blue", self(t), "tcp,0.0.0.0:8080", "tcp,127.0.0.1:22")
		spawn(t, self(t), "listen", "tcp,0.0.0.0:9000")

		rows := func(args ...string) string {
			t.Helper()
			got := command(t, nil, append(args, "-o", "csv", "--columns", "namespace,port,exposure,pid")...)
			if got.code != 0 {
				t.Errorf("%q: exit code %d\n%s", args, got.code, got.stderr)
			}
			_, list, _ := strings.Cut(got.stdout, "\n")
			return strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(list, "\r", "")), "\n", " ")
		}
		pid := strconv.Itoa(inside)
		there := "blue,22,loopback," + pid + " blue,8080,container," + pid
		if got := rows(); !strings.HasPrefix(got, "host,9000,all,") || !strings.HasSuffix(got, " "+there) {
			t.Errorf("rows %q, want the host's and %q", got, there)
		}
		for _, args := range [][]string{{"--netns", "blue"}, {"--netns", pid}, {"--netns=all", "nosuchname", "8080", "22"}} {
			if got := rows(args...); got != there {
				t.Errorf("%q: %q, want %q", args, got, there)
			}
		}
		if got := rows("--exposed"); !strings.HasPrefix(got, "host,9000,") || strings.Contains(got, "blue") {
			t.Errorf("reachable from outside is %q", got)
		}

		if got := command(t, nil, "--netns", "red"); got.code != exitClean || got.stdout != "nothing is listening in the network namespace red\n" {
			t.Errorf("--netns red: %+v", got)
		}
		// nobody may not ask that process, and is told what would help: root is told
		// something else.
		mine := strconv.Itoa(os.Getpid())
		got := resultOf(t, as(exec.Command(everyone(t, "whatslistening"), "--netns", mine), nobody))
		if got.code != exitFailed || !strings.Contains(got.stderr, "--netns: network namespace of pid "+mine+": ") || !strings.Contains(got.stderr, "\nhint: run as root") {
			t.Errorf("--netns %s as nobody: %+v", mine, got)
		}
		// A path is looked for among unix sockets, which are not listed unasked.
		if got := command(t, nil, "/run/nothing.sock"); !strings.Contains(got.stderr, "\nhint: --unix lists unix sockets\n") {
			t.Errorf("a path: %+v", got)
		}
		if got := command(t, nil, "--unix", "/run/nothing.sock"); strings.Contains(got.stderr, "--unix") {
			t.Errorf("a path with --unix: %+v", got)
		}

		table := command(t, nil, "--width", "80").stdout
		if !strings.Contains(table, "NAMESPACE\n") || !strings.Contains(table, "3 listeners of 1 program in 2 network namespaces, none reachable from outside, 1\n") {
			t.Errorf("table:\n%s", table)
		}
		if table := command(t, nil, "--netns", "own").stdout; strings.Contains(table, "NAMESPACE") || strings.Contains(table, "8080") {
			t.Errorf("own:\n%s", table)
		}

		var r struct {
			Namespaces []struct {
				Name      string
				Inode     uint64
				Processes int
			}
		}
		if err := json.Unmarshal([]byte(command(t, nil, "--json").stdout), &r); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, n := range r.Namespaces {
			names = append(names, n.Name+" "+strconv.Itoa(n.Processes))
			if n.Inode == 0 {
				t.Errorf("namespace %q has no inode", n.Name)
			}
		}
		// In that of the host are the test, the listener and the command.
		if !slices.Equal(names, []string{"host 3", "blue 1", "red 0"}) {
			t.Errorf("namespaces %q", names)
		}

		got = command(t, nil, "--netns", "green")
		if got.code != exitUsage || !strings.Contains(got.stderr, `no such network namespace: "green"`) || !strings.Contains(got.stderr, `ip-netns(8) has "blue", "red"`) {
			t.Errorf("an unknown one: exit code %d\n%s", got.code, got.stderr)
		}
		if got := command(t, nil, "__complete", "--netns", "").stdout; !strings.Contains(got, "\nblue\nred\n") {
			t.Errorf("completed to %q", got)
		}
	})
}
