package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

// The harness, by the names that it goes by in this package.
var (
	inNamespaces = netnstest.In
	self         = netnstest.Self
	everyone     = netnstest.Everyone
)

const envRole = netnstest.EnvRole

// roles are what a process can do beside the roles of the harness: "main" is the
// command itself. Other files add theirs.
var roles = map[string]func(r *netnstest.Role, args []string) error{
	"main": func(*netnstest.Role, []string) error { main(); return nil },
}

func init() {
	atStart = func() { netnstest.Start(roles) }
}

// as makes cmd the command of this project, run by uid.
func as(cmd *exec.Cmd, uid uint32) *exec.Cmd {
	cmd.Env = append(cmd.Environ(), envRole+"=main")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

// command runs the command in a process of its own, with more environment.
func command(t *testing.T, env []string, args ...string) result {
	t.Helper()
	cmd := exec.Command(self(t), args...)
	cmd.Env = append(append(os.Environ(), envRole+"=main"), env...)
	return resultOf(t, cmd)
}

func resultOf(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// spawn starts exe in a role and returns its pid once it is ready. It ends with
// the test.
func spawn(t *testing.T, exe, role string, args ...string) int {
	t.Helper()
	return spawnBy(t, []string{exe}, role, args...)
}

// spawnBy starts a role by a command that ends in the execve(2) of an
// executable: "ip netns exec NAME EXE".
func spawnBy(t *testing.T, by []string, role string, args ...string) int {
	t.Helper()
	cmd := exec.Command(by[0], append(slices.Clone(by[1:]), args...)...)
	return netnstest.SpawnCmd(t, cmd, role).PID
}
