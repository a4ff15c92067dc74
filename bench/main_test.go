package main

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/bench/load"
)

// TestMain lets the test binary be process 1 of a load.
func TestMain(m *testing.M) {
	if load.IsInit() {
		os.Exit(load.Init())
	}
	os.Exit(m.Run())
}

func names(ss []load.Scenario) []string {
	var ns []string
	for _, s := range ss {
		ns = append(ns, s.Name)
	}
	return ns
}

func TestParse(t *testing.T) {
	tests := []struct {
		args      string
		scenarios string
		want      request
	}{
		{"", "S0 S1", request{rounds: 21}},
		{"-scenario S2", "S2", request{rounds: 21}},
		{"-scenario s4,S3 -rounds 3 -pin", "S4 S3", request{rounds: 3, pin: true}},
		{"-scenario all -markdown -bar", "S0 S1 S2 S3 S4 N100", request{rounds: 21, markdown: true, bar: true}},
		{"-bin ./x -only whats,gopsutil", "S0 S1", request{rounds: 21, bin: "./x", only: []string{"whats", "gopsutil"}}},
		{"-scenario S1 -- ss -tulnp", "S1", request{rounds: 21, command: []string{"ss", "-tulnp"}}},
		{"-list", "S0 S1", request{rounds: 21, list: true}},
	}
	for _, tt := range tests {
		var stderr bytes.Buffer
		got, err := parse(strings.Fields(tt.args), &stderr)
		if err != nil {
			t.Errorf("parse(%q) = %v", tt.args, err)
			continue
		}
		if s := strings.Join(names(got.scenarios), " "); s != tt.scenarios {
			t.Errorf("parse(%q) has scenarios %q, want %q", tt.args, s, tt.scenarios)
		}
		got.scenarios = nil
		if len(got.command) == 0 {
			got.command = nil
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("parse(%q) = %+v, want %+v", tt.args, got, tt.want)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	tests := []struct{ args, says string }{
		{"-scenario S9", `bench: no scenario "S9": -list names them`},
		{"-scenario S1,", `bench: no scenario "": -list names them`},
		{"-rounds 0", "bench: -rounds 0: at least one is needed"},
		{"-rounds x", "invalid value"},
		{"-nonsense", "flag provided but not defined"},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), strings.Fields(tt.args), &stdout, &stderr); code != exitUsage {
			t.Errorf("bench %s: exit code %d, want %d", tt.args, code, exitUsage)
		}
		if !strings.Contains(stderr.String(), tt.says) {
			t.Errorf("bench %s says %q, want %q in it", tt.args, &stderr, tt.says)
		}
		if stdout.Len() > 0 {
			t.Errorf("bench %s writes %q to stdout", tt.args, &stdout)
		}
	}
}

func TestList(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"-list"}, &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	for _, want := range []string{
		"S0  this host as it is\n    the bar: 0.85 × ss, 1.00 on one CPU, 14 MB\n",
		"S2  300 processes, 200 listeners, 49900 connections, 100000 sockets, 111000 descriptors\n    the bar: 0.09 × ss, 0.50 on one CPU, 14 MB\n",
		"the bar: 0.18 × ss, 0.40 on one CPU, 24 MB\n",
		"lsof -nP -iTCP -sTCP:LISTEN -iUDP\n",
		"netstat -tulpn\n",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("-list does not say %q:\n%s", want, &stdout)
		}
	}
}

// Without root nothing is measured, and the exit code says so.
func TestNoRoot(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("this is root")
	}
	for _, args := range []string{"-scenario S1", "-scenario S0 -- true"} {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), strings.Fields(args), &stdout, &stderr); code != exitFailed {
			t.Errorf("bench %s: exit code %d, want %d", args, code, exitFailed)
		}
		if !strings.Contains(stderr.String(), "needs root") || !strings.Contains(stderr.String(), "hint: sudo") {
			t.Errorf("bench %s says %q", args, &stderr)
		}
	}
}

// A command after the flags runs in the scenario: there it sees ss, the load, and
// no process of the host.
func TestCommand(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a load needs root")
	}
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), []string{"-scenario", "S1", "--", "sh", "-c", "set -- /proc/[0-9]*; echo $#; echo aside >&2; exit 7"}, &stdout, &stderr)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	// 150 and the shell.
	if got := stdout.String(); got != "151\n" {
		t.Errorf("it sees %q processes, want 151", got)
	}
	for _, want := range []string{"bench: S1: 150 processes, 40 listeners", "aside\n", "exit code 7"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr lacks %q: %s", want, &stderr)
		}
	}
}
