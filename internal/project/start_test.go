package project

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What a package may allocate before main runs, in every run of the program,
// whatever it is asked for: a table that is built or a regular expression that is
// compiled there takes more. A list on an idle host takes some 4 ms in all.
const (
	maxInit      = 32  // of a package
	maxInitOurs  = 8   // of one of this module: errors
	maxInitWhole = 512 // of all
)

// dearInits are the packages that take more, and how much: 0.1 to 0.2 ms.
var dearInits = map[string]int{
	"go.yaml.in/yaml/v3": 280, // two regular expressions
}

// TestStart counts what the packages of the program allocate to begin with, as the
// runtime tells it. That is the same each time, which the time taken is not.
func TestStart(t *testing.T) {
	cmd := exec.Command(filepath.Join(build(t), "whatslistening"), "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, trace.String())
	}
	lines := regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, (\d+) allocs$`).FindAllStringSubmatch(trace.String(), -1)
	if len(lines) < 10 {
		t.Fatalf("no trace of the packages in\n%s", trace.String())
	}
	whole := 0
	for _, l := range lines {
		allocs, err := strconv.Atoi(l[3])
		if err != nil {
			t.Fatal(err)
		}
		whole += allocs
		most, dear := dearInits[l[1]]
		switch {
		case dear:
		case strings.HasPrefix(l[1], module+"/"):
			most = maxInitOurs
		default:
			most = maxInit
		}
		if allocs > most {
			t.Errorf("package %s allocates %d times (%s bytes) before main, and %d is the most", l[1], allocs, l[2], most)
		}
	}
	if whole > maxInitWhole {
		t.Errorf("all packages allocate %d times before main, and %d is the most", whole, maxInitWhole)
	}
}

// TestLinkedMethods proves that nothing in the program calls methods by a name
// that is made up as it runs, as text/template does: the linker would have to keep
// every exported method of every package, 1.7 MB of them.
func TestLinkedMethods(t *testing.T) {
	out, err := exec.Command("go", "tool", "nm", filepath.Join(build(t), "whatslistening")).Output()
	if err != nil {
		t.Fatal(err)
	}
	symbols := string(out)
	if !strings.Contains(symbols, " reflect.Value.NumMethod\n") {
		t.Fatal("the program has no symbols to look at")
	}
	for _, s := range []string{"reflect.Value.MethodByName", "reflect.Value.Method", "reflect.(*rtype).MethodByName", "reflect.(*rtype).Method"} {
		if strings.Contains(symbols, " "+s+"\n") {
			t.Errorf("the program calls %s", s)
		}
	}
}
