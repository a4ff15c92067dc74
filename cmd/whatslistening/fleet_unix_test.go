//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// writeFleet writes the reports of so many hosts with 60 listeners each: fifty
// that all have, a few at ports of the kernel's choice, and on every hundredth
// host something that the others have not.
func writeFleet(tb testing.TB, dir string, hosts int) {
	tb.Helper()
	db := portdb.Default()
	at := time.Now().UTC().Truncate(time.Second)
	for n := range hosts {
		snap := &scanner.Snapshot{
			Host: scanner.Host{
				Name: fmt.Sprintf("host%04d", n), OS: "linux", Kernel: "6.18.0", BootID: fmt.Sprintf("boot-%d", n),
				Interfaces: []scanner.Interface{{Name: "eth0", Addrs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)}), 16)}}},
				Ephemeral:  scanner.PortRange{First: 32768, Last: 60999},
			},
			Coverage: scanner.Coverage{Complete: n%50 != 0, Privileges: "root", Sources: []string{"netlink"}},
		}
		for i := range 60 {
			port, addr := uint16(20+i*7), netip.IPv4Unspecified()
			switch {
			case i >= 50:
				port = uint16(33000 + (n*131+i*17)%25000)
			case i%2 == 1:
				addr = netip.MustParseAddr("127.0.0.1")
			}
			if n%100 == 7 && i == 49 {
				port = uint16(4000 + n)
			}
			name := fmt.Sprintf("program%d", i)
			snap.Sockets = append(snap.Sockets, scanner.Socket{
				Protocol: scanner.TCP, Family: scanner.IPv4, Addr: addr, Port: port, Namespace: "host", Inode: uint64(1000 + i), Queue: scanner.Queue{Limit: 128},
				Holders: []*scanner.Process{{
					PID: 500 + i, PPID: 1, Name: name, Exe: "/usr/sbin/" + name, User: "root", Parent: "systemd", Started: at,
					Unit: name + ".service", Slice: "system.slice",
				}},
			})
		}
		r := &report.Report{
			Tool: "test", Registry: db.Date(), Time: at, Host: snap.Host, Coverage: snap.Coverage,
			Listeners: annotate.Snapshot(snap, db, &annotate.Options{Opinions: true}),
		}
		f, err := os.Create(filepath.Join(dir, snap.Host.Name+".json"))
		if err != nil {
			tb.Fatal(err)
		}
		if err := report.Write(f, r, report.JSON, nil); err != nil {
			tb.Fatal(err)
		}
		if err := f.Close(); err != nil {
			tb.Fatal(err)
		}
	}
}

// mergeOf runs the program on a folder and returns its peak resident memory in
// bytes.
func mergeOf(tb testing.TB, dir string, args ...string) int64 {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"whatslistening", "report", "--merge", dir}, args...) // the name says what TestMain is to be
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("report --merge = %v\n%.500s", err, out)
	}
	unit := int64(1 << 10)
	if runtime.GOOS == "darwin" {
		unit = 1 // getrusage(2) of macOS has bytes
	}
	return int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) * unit
}

// BenchmarkFleet merges 1,000 reports of 60 listeners, as the program does it
// for a person: the time is that of the whole process.
func BenchmarkFleet(b *testing.B) {
	dir := b.TempDir()
	writeFleet(b, dir, 1000)
	for _, f := range report.FleetFormats() {
		b.Run(f.String(), func(b *testing.B) {
			var most int64
			for b.Loop() {
				most = max(most, mergeOf(b, dir, "-o", f.String(), "--output-file", filepath.Join(b.TempDir(), "out")))
			}
			b.ReportMetric(float64(most)/(1<<20), "MiB-peak")
		})
	}
}

// TestFleetMemory merges the reports of 200 hosts: the program reads one after
// the other, and keeps little of each.
func TestFleetMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 200 reports")
	}
	dir := t.TempDir()
	writeFleet(t, dir, 200)
	if got := mergeOf(t, dir, "-o", "json", "--output-file", filepath.Join(t.TempDir(), "out")); got > 300<<20 {
		t.Errorf("a fleet of 200 takes %d MiB, want at most 300", got>>20)
	}
}

// TestFleetFiles merges what is no report: links, a FIFO, a file that is too
// large. None is waited for or read, and each is named.
func TestFleetFiles(t *testing.T) {
	dir := t.TempDir()
	writeFleet(t, dir, 2)
	if err := os.Symlink(filepath.Join(dir, "host0000.json"), filepath.Join(dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	large, err := os.Create(filepath.Join(dir, "large.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(large.Truncate(maxMerged+1), large.Close()); err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	err = run(t.Context(), func(string) string { return "" }, nil, &out, &stderr, []string{"report", "--merge", dir, filepath.Join(dir, "fifo.json")})
	if code := exitCode(err); code != exitIncomplete {
		t.Errorf("exit code %d, want %d", code, exitIncomplete)
	}
	for _, want := range []string{"link.json\": not a regular file\n", "fifo.json\": not a regular file\n", "large.json\": it is larger than 64 MiB\n", "reports left out: 4; hosts merged: 2\n"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr has no %q:\n%s", want, stderr.String())
		}
	}
	if !strings.HasPrefix(out.String(), "2 hosts, ") {
		t.Errorf("stdout begins %.40q", out.String())
	}
}

// TestDocuments takes streams apart.
func TestDocuments(t *testing.T) {
	tests := []struct {
		stream string
		want   []string // the line, and the report
	}{
		{"", nil},
		{"\n \n", nil},
		{"{}", []string{"1 {}"}},
		{"{1}\n{2}\n", []string{"1 {1}\n", "2 {2}\n"}},
		{"\n{\n  {}\n}\n{2}", []string{"2 {\n  {}\n}\n", "5 {2}"}},
		{"{\"cut\n{2}\n", []string{"1 {\"cut\n", "2 {2}\n"}},
		{"junk\n{2}\n", []string{"1 junk\n", "2 {2}\n"}},
		{"{" + strings.Repeat("x", 100<<10) + "\n{2}", []string{"1 {" + strings.Repeat("x", 100<<10) + "\n", "2 {2}"}},
		{"{" + strings.Repeat("x", maxMerged) + "\n{2}", []string{"1 it is larger than 64 MiB", "2 {2}"}},
	}
	for _, tt := range tests {
		var got []string
		for s := range documents(strings.NewReader(tt.stream)) {
			text := string(s.data)
			if s.err != nil {
				text = s.err.Error()
			}
			got = append(got, strings.TrimPrefix(s.name, "standard input, line ")+" "+text)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("documents(%.40q) = %.80q, want %.80q", tt.stream, got, tt.want)
		}
	}
}
