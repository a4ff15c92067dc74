package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// The names that the judgement knows.
const (
	ours      = "whatslistening"
	yardstick = "ss -tulnpH"
)

// The import paths of what is built.
const (
	oursPath     = "github.com/whatslistening/whatslistening/cmd/whatslistening"
	gopsutilPath = "github.com/whatslistening/whatslistening/bench/gopsutil"
)

// A contender is a program that lists listening sockets with their processes.
type contender struct {
	name string
	args []string
	// fruitless is an exit code, besides 0, with which it says that it found
	// nothing (or, lsof, not everything that it was asked for).
	fruitless int
	// base marks the one that the others are compared with.
	base bool
	// absent says why it cannot be measured here, or is empty.
	absent string
}

// contenders returns all of them, given the paths of those that are built.
func contenders(whatslistening, gopsutil string) []contender {
	return []contender{
		{name: ours, args: []string{whatslistening}},
		{name: yardstick, args: []string{"ss", "-tulnpH"}, base: true},
		{name: "lsof", args: []string{"lsof", "-nP", "-iTCP", "-sTCP:LISTEN", "-iUDP"}, fruitless: 1},
		{name: "netstat -tulpn", args: []string{"netstat", "-tulpn"}},
		{name: "gopsutil Connections", args: []string{gopsutil, "Connections"}},
		{name: "gopsutil ConnectionsWithoutUids", args: []string{gopsutil, "ConnectionsWithoutUids"}},
	}
}

// inNamespaces returns the contenders for a scenario of many network namespaces.
// The others know one, and are run in each.
func inNamespaces(field []contender) []contender {
	loop := func(command string) []string {
		return []string{"sh", "-c", "for n in /run/netns/*; do n=${n##*/}; " + command + "; done"}
	}
	var all []contender
	for _, c := range field {
		if c.name == ours {
			all = append(all, c)
		}
	}
	all = append(all,
		contender{name: "ip netns exec ss, in a loop", args: loop("ip netns exec $n ss -tulnpH"), base: true},
		contender{name: "ss -N, in a loop", args: loop("ss -tulnpH -N $n")})
	locate(all)
	return all
}

// choose keeps the contenders whose name holds one of the words, and ss, without
// which there is no ratio. No words keep all.
func choose(all []contender, words []string) []contender {
	if len(words) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(c contender) bool {
		return !c.base && !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(c.name, w) })
	})
}

// locate makes the contenders' paths absolute, and marks those that are absent.
func locate(all []contender) {
	for i := range all {
		c := &all[i]
		path, err := lookPath(c.args[0])
		if err != nil {
			c.absent = "not installed"
			continue
		}
		c.args[0] = path
	}
}

// lookPath finds a program and makes its path absolute: it is run elsewhere.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// build builds a program of this module in a folder, as it is shipped, and returns
// its path.
func build(ctx context.Context, dir, pkg string) (string, error) {
	path := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}
