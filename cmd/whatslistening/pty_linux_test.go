package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
	"github.com/creack/pty"

	"github.com/whatslistening/whatslistening/report"
)

// onTerminal runs the command on a terminal of so many columns and returns what
// the terminal was sent, its line ends as "\n".
func onTerminal(t *testing.T, columns uint16, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(self(t), args...)
	// A binary made for coverage that has no place for it says so on the terminal.
	cmd.Env = append([]string{envRole + "=main", "TERM=xterm-256color", "PATH=" + os.Getenv("PATH"), "GOCOVERDIR=" + t.TempDir(), "GORACE=" + os.Getenv("GORACE")}, env...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: columns})
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	defer f.Close()
	out, err := io.ReadAll(f) // EIO is how a terminal ends
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	_ = err
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Colour on a terminal: --color > NO_COLOR > FORCE_COLOR, CLICOLOR_FORCE >
// CLICOLOR=0 > TERM=dumb > it is a terminal.
func TestColorOnTerminal(t *testing.T) {
	path := saved(t)
	tests := []struct {
		env  []string
		args []string
		want bool
	}{
		{nil, nil, true},
		{[]string{"NO_COLOR=1"}, nil, false},
		{[]string{"NO_COLOR="}, nil, true},
		{[]string{"CLICOLOR=0"}, nil, false},
		{[]string{"CLICOLOR=0", "CLICOLOR_FORCE=1"}, nil, true},
		{[]string{"NO_COLOR=1", "FORCE_COLOR=1"}, nil, false},
		{[]string{"TERM=dumb"}, nil, false},
		{[]string{"TERM=dumb", "FORCE_COLOR=1"}, nil, true},
		{[]string{"NO_COLOR=1"}, []string{"--color=always"}, true},
		{nil, []string{"--color", "never"}, false},
		{nil, []string{"-o", "json"}, false},
		{nil, []string{"-o", "csv", "--color=always"}, false},
	}
	for _, tt := range tests {
		out := onTerminal(t, 120, tt.env, append([]string{"--from", path}, tt.args...)...)
		if got := sgr.MatchString(out); got != tt.want {
			t.Errorf("%q %q: colour %v, want %v\n%q", tt.env, tt.args, got, tt.want, out)
		}
	}
	// In a pipe: none, unless it is asked for.
	for _, tt := range []struct {
		env  []string
		args []string
		want bool
	}{
		{nil, nil, false},
		{[]string{"CLICOLOR_FORCE=1"}, nil, true},
		{[]string{"CLICOLOR_FORCE=0"}, nil, false},
		{nil, []string{"--color=always"}, true},
	} {
		cmd := exec.Command(self(t), append([]string{"--from", path}, tt.args...)...)
		cmd.Env = append([]string{envRole + "=main"}, tt.env...)
		if out := resultOf(t, cmd).stdout; sgr.MatchString(out) != tt.want {
			t.Errorf("in a pipe, %q %q: want colour %v\n%q", tt.env, tt.args, tt.want, out)
		}
	}
	// Colour is never the only signal: without it the text is the same.
	plain := onTerminal(t, 120, []string{"NO_COLOR=1"}, "--from", path)
	if got := sgr.ReplaceAllString(onTerminal(t, 120, nil, "--from", path), ""); got != plain {
		t.Errorf("in colour:\n%s\nwithout:\n%s", got, plain)
	}
}

// Lines fit the terminal, by shortening cells and never by wrapping rows; a pipe
// has them whole; --width overrules both.
func TestFitsTerminal(t *testing.T) {
	path := saved(t)
	whole := resultOf(t, asSelf(t, "--from", path)).stdout
	for _, columns := range []uint16{40, 60, 80, 100, 200} {
		out := onTerminal(t, columns, nil, "--from", path)
		for line := range strings.Lines(sgr.ReplaceAllString(out, "")) {
			if w := displaywidth.String(strings.TrimSuffix(line, "\n")); w > int(columns) {
				t.Errorf("%d columns: a line of %d: %q", columns, w, line)
			}
		}
		if got, want := strings.Count(out, "\ntcp "), strings.Count(whole, "\ntcp "); got != want {
			t.Errorf("%d columns: %d rows, want %d\n%s", columns, got, want, out)
		}
	}
	if got := sgr.ReplaceAllString(onTerminal(t, 200, nil, "--from", path, "--no-trunc"), ""); got != whole {
		t.Errorf("wide terminal:\n%s\npipe:\n%s", got, whole)
	}
	narrow := resultOf(t, asSelf(t, "--from", path, "--width", "50")).stdout
	for line := range strings.Lines(narrow) {
		if w := displaywidth.String(strings.TrimSuffix(line, "\n")); w > 50 {
			t.Errorf("--width 50: a line of %d: %q", w, line)
		}
	}
	if !strings.Contains(narrow, "…") {
		t.Errorf("--width 50 shortens nothing:\n%s", narrow)
	}
	// A terminal that does not know its width is asked of the shell.
	for line := range strings.Lines(sgr.ReplaceAllString(onTerminal(t, 0, []string{"COLUMNS=60"}, "--from", path), "")) {
		if w := displaywidth.String(strings.TrimSuffix(line, "\n")); w > 60 {
			t.Errorf("COLUMNS=60: a line of %d: %q", w, line)
		}
	}
}

func asSelf(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.Command(self(t), args...)
	cmd.Env = append([]string{envRole + "=main"}, os.Environ()...)
	return cmd
}

// Ctrl-C while it waits: it is gone at once, by the signal, with nothing on the
// terminal but the terminal's own echo.
func TestInterrupt(t *testing.T) {
	// A shell has SIGINT ignored for what it runs in the background, and so would
	// be the command, unless the signal is caught here.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt)
	defer signal.Stop(caught)
	cmd := exec.Command(self(t), "--from", "-")
	cmd.Env = []string{envRole + "=main", "TERM=xterm"}
	f, err := pty.Start(cmd)
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	defer f.Close()
	if _, err := f.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	out, _ := io.ReadAll(f)
	_ = cmd.Wait()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v, want the signal interrupt", cmd.ProcessState)
	}
	if got := strings.TrimSpace(strings.ReplaceAll(string(out), "^C", "")); got != "" {
		t.Errorf("on the terminal: %q", got)
	}
}

// hostile are names that a process can give itself, or its file.
var hostile = []string{
	"\x1b[2J\x1b[1;1Hpwn",
	"a\rb\nc",
	"::error::x",
	"x\u202egnp.exe",
	"\xff\xfe\x80",
	"\x9b31m\u009b1m",
	"z\u200bw\u200d",
	"=cmd|'/c'!A1",
	"`|<b>@all",
	"tab\there  ",
}

// Real processes with hostile names, in a terminal and every format: the name
// moves nothing, colours nothing, hides nothing and starts no line.
func TestHostileNames(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		port := 2000
		spec := func() string {
			port++
			return "tcp,127.0.0.1:" + strconv.Itoa(port)
		}
		sockets := 0
		for _, name := range hostile {
			comm := name
			if len(comm) > 15 {
				comm = comm[:15]
			}
			spawn(t, self(t), "named", comm, spec())
			sockets++
			if !strings.Contains(name, "/") {
				spawn(t, everyone(t, name), "listen", spec())
				sockets++
			}
		}
		for _, f := range listFormats() {
			extras := [][]string{{"--args", "--all", "--no-trunc"}}
			if f == report.Table {
				extras = append(extras, nil)
			}
			for _, extra := range extras {
				args := append([]string{"-o", f.String(), "--color=never"}, extra...)
				out := onTerminal(t, 160, nil, args...)
				safe(t, strings.Join(args, " "), out)
				if f == report.Table || f == report.Wide || f == report.Markdown {
					n := 0
					for line := range strings.Lines(out) {
						if strings.Contains(line, "127.0.0.1") {
							n++
						}
					}
					if n != sockets {
						t.Errorf("%q: %d rows, want %d\n%s", args, n, sockets, out)
					}
				}
				// What is in colour is the same text: no name brought its own.
				args[2] = "--color=always"
				if got := sgr.ReplaceAllString(onTerminal(t, 160, nil, args...), ""); f != report.JSON && f != report.JSONL && f != report.YAML && f != report.HTML && f != report.Prometheus && got != out {
					t.Errorf("%q: in colour:\n%q\nwithout:\n%q", args, got, out)
				}
			}
		}
		for _, f := range auditFormats {
			what := "audit -o " + f.String()
			safe(t, what, command(t, nil, "audit", "-o", f.String(), "--fail-on=error").stdout)
		}
		out := onTerminal(t, 160, nil, "explain", "2001", "--color=never")
		safe(t, "explain", out)
		safe(t, "no match", command(t, nil, "\x1b[31mred\u202e").stderr)
		safe(t, "unknown flag", command(t, nil, "--\x1b[31mred").stderr)
		// Nor does one reach a command line by way of completion.
		got := command(t, nil, "__complete", "").stdout
		for line := range strings.Lines(got) {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); strings.ContainsAny(word, "=`|<>@'\" \x1b\\") {
				t.Errorf("completion offers %q", line)
			}
		}
	})
}

// safe fails where out has a character that does more than stand in its place.
func safe(t *testing.T, what, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("%s: not UTF-8: %q", what, out)
	}
	for line := range strings.Lines(out) {
		body := strings.TrimSuffix(line, "\n")
		if i := strings.IndexFunc(body, func(r rune) bool {
			return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError
		}); i >= 0 && !strings.HasPrefix(what, "no ") && !strings.HasPrefix(what, "unknown ") {
			t.Errorf("%s: %q has %q", what, body, body[i:])
		}
		if strings.ContainsAny(body, "\x1b\r\u202e\u009b") {
			t.Errorf("%s: %q", what, body)
		}
		if strings.HasPrefix(body, "::") || strings.HasPrefix(body, "##vso[") {
			t.Errorf("%s: a line that a CI system obeys: %q", what, body)
		}
	}
	if len(bytes.TrimSpace([]byte(out))) == 0 {
		t.Errorf("%s: nothing was printed", what)
	}
}
