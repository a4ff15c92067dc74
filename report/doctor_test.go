package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/scanner"
)

// diagnoses are what a doctor says of three hosts: to root, to an ordinary user,
// and in a container whose kernel has hostile words for everything.
func diagnoses() map[string]*Diagnosis {
	rights := func(have bool) []scanner.Right {
		return []scanner.Right{
			{Capabilities: []string{"CAP_SYS_PTRACE"}, Buys: "which processes of other users hold a socket", Have: have},
			{Capabilities: []string{"CAP_SYS_ADMIN"}, Buys: "other network namespaces: containers, ip netns", Have: have},
			{Capabilities: []string{"CAP_BPF", "CAP_PERFMON"}, Buys: "the fast way, where there are many descriptors", Have: have},
		}
	}
	host := scanner.Host{Name: "web1", OS: "linux", Kernel: "6.18.0"}
	return map[string]*Diagnosis{
		"root": {
			Tool: "test", Time: scanned, Host: host, Rights: rights(true),
			Coverage: scanner.Coverage{Complete: true, Privileges: "root", Processes: 152, Access: &scanner.Access{
				Capabilities: []string{"CAP_SYS_PTRACE", "CAP_SYS_ADMIN"}, InitialUser: true, InitialPID: true,
				HidePID: "invisible", Seccomp: "disabled", Yama: 1, Lockdown: "integrity", Processes: 152,
				Sources: []scanner.SourceState{
					{Name: "sock_diag tcp", OK: true},
					{Name: "sock_diag udp", OK: true},
					{Name: "sock_diag sctp", Why: "the kernel has no such sockets"},
					{Name: "sock_diag dccp", Why: "the kernel has no such sockets"},
					{Name: "sock_diag raw", Why: "the kernel is without raw_diag"},
					{Name: "procfs", OK: true},
					{Name: "gopsutil", OK: true},
				},
			}},
		},
		"nobody": {
			Tool: "test", Time: scanned, Host: host, Rights: rights(false),
			BlindTo: []string{"26 of 28 processes", "other network namespaces"},
			Remedies: []scanner.Remedy{
				{Text: "run as root", Lines: []string{"sudo whatslistening"}},
				{Text: "or give the program what it takes, and with it everyone who may run it", Lines: []string{"sudo setcap cap_sys_ptrace,cap_dac_read_search+ep /usr/local/bin/whatslistening"}},
				{Text: "or a unit of systemd", Lines: []string{"[Service]", "User=whatslistening"}},
			},
			Coverage: scanner.Coverage{Privileges: "user", Processes: 28, Unreadable: 26, Access: &scanner.Access{
				UID: 65534, InitialUser: true, InitialPID: true, Seccomp: "disabled", Yama: -1, Processes: 28, Unreadable: 26,
				Sources: []scanner.SourceState{
					{Name: "sock_diag tcp", OK: true},
					{Name: "procfs", OK: true},
					{Name: "network namespaces", Why: "setns: operation not permitted"},
					{Name: "bpf", Why: "it takes CAP_BPF and CAP_PERFMON"},
				},
			}},
		},
		"hostile": {
			Tool: "test", Time: scanned, Host: host, Rights: rights(true),
			BlindTo:  []string{"\x1b[2J::error::x", "what the kernel tells by netlink alone"},
			Remedies: []scanner.Remedy{{Text: "\u202ereboot", Lines: []string{"rm\r-rf\x00", " \u200b\xff"}}},
			Coverage: scanner.Coverage{Privileges: "root", Access: &scanner.Access{
				Capabilities: []string{"CAP_\n41"}, HidePID: "4\x1b[31m", Subset: "pid\npid", Seccomp: "filter", Yama: -1, Lockdown: "\x9b1m", Processes: 1,
				Sources: []scanner.SourceState{
					{Name: "sock_diag tcp", Why: "no\x1b]0;title\a"}, {Name: "sock_diag udp", Why: "no\x1b]0;title\a"}, {Name: "pro\tcfs", Why: "a\nb"},
				},
			}},
		},
		"elsewhere": { // a system other than Linux, which has no capabilities
			Tool: "test", Time: scanned, Host: scanner.Host{Name: "pc", OS: "windows"},
			Coverage: scanner.Coverage{Complete: true, Privileges: "user", Access: &scanner.Access{
				UID: -1, InitialUser: true, InitialPID: true, Yama: -1, Sources: []scanner.SourceState{{Name: "gopsutil", OK: true}},
			}},
		},
	}
}

func diagnosis(t *testing.T, d *Diagnosis, f Format, o *Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteDiagnosis(&b, d, f, o); err != nil {
		t.Fatalf("WriteDiagnosis(%v) = %v", f, err)
	}
	return b.Bytes()
}

func TestDiagnosis(t *testing.T) {
	if *update {
		if err := os.MkdirAll("testdata/doctor", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	v := newValidator(t)
	for name, d := range diagnoses() {
		for _, f := range []Format{Table, JSON, YAML} {
			t.Run(name+"/"+f.String(), func(t *testing.T) {
				got := diagnosis(t, d, f, nil)
				checkGolden(t, "testdata/doctor/"+name+"."+f.String(), got)
				checkShown(t, f, got)
				if f == JSON {
					v.check(t, "diagnosis", got)
					compareYAML(t, diagnosis(t, d, YAML, nil), got)
				}
			})
		}
		checkGolden(t, "testdata/doctor/"+name+"-colour.txt", diagnosis(t, d, Table, &Options{Color: true, Width: 60}))
	}
}

// It ends with what all of it comes to: one line that a script can look for too.
func TestDiagnosisEnd(t *testing.T) {
	for name, want := range map[string]string{
		"root":   "\n\ncomplete\n",
		"nobody": "\n\nblind to: 26 of 28 processes; other network namespaces\n",
	} {
		if got := diagnosis(t, diagnoses()[name], Table, nil); !bytes.HasSuffix(got, []byte(want)) {
			t.Errorf("%s ends in %q, want %q", name, got[max(0, len(got)-80):], want)
		}
	}
}

// TestDiagnosisWidth: no line is wider than the terminal but those to paste,
// which are never broken; nothing is lost, and no line ends in a space.
func TestDiagnosisWidth(t *testing.T) {
	for name, d := range diagnoses() {
		words := strings.Fields(string(diagnosis(t, d, Table, nil)))
		for _, width := range []int{30, 40, 60, 80, 120} {
			t.Run(fmt.Sprintf("%s/%d", name, width), func(t *testing.T) {
				out := string(diagnosis(t, d, Table, &Options{Width: width}))
				for line := range strings.Lines(out) {
					line = strings.TrimSuffix(line, "\n")
					if n := span(line).width(); n > width && !strings.HasPrefix(line, "      ") {
						t.Errorf("a line of %d cells: %q", n, line)
					}
					if strings.HasSuffix(line, " ") {
						t.Errorf("a space at the end of %q", line)
					}
				}
				for _, r := range d.Remedies {
					for _, l := range r.Lines {
						var p page
						p.text(l)
						if !strings.Contains(out, "\n      "+string(p.rest(0))+"\n") {
							t.Errorf("%q does not stand in a line of its own", l)
						}
					}
				}
				if got := strings.Fields(out); name != "hostile" && strings.Join(got, " ") != strings.Join(words, " ") {
					t.Errorf("the words change:\n%s", out)
				}
			})
		}
	}
}

func TestDiagnosisErrors(t *testing.T) {
	d := diagnoses()["nobody"]
	for _, f := range []Format{CSV, JSONL, Markdown, Wide, Tree} {
		if err := WriteDiagnosis(io.Discard, d, f, nil); err == nil || !strings.Contains(err.Error(), f.String()) {
			t.Errorf("WriteDiagnosis(%s) = %v, want an error that names it", f, err)
		}
	}
	for _, f := range []Format{Table, JSON, YAML} {
		if err := WriteDiagnosis(&brokenWriter{room: 10}, d, f, nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("WriteDiagnosis(%s) to a closed pipe = %v, want %v", f, err, io.ErrClosedPipe)
		}
	}
}
