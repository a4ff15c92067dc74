package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/whatslistening/whatslistening/bench/load"
)

// The exit codes.
const (
	exitOK     = 0
	exitMissed = 1 // a bar was missed, and -bar was given
	exitUsage  = 2
	exitFailed = 3 // no measurement: no root, no namespaces, no build, an interrupt
)

func main() {
	if load.IsInit() {
		os.Exit(load.Init())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// A request is what the command line asks for.
type request struct {
	scenarios []load.Scenario
	rounds    int
	pin       bool
	markdown  bool
	list      bool
	bar       bool
	bin       string
	only      []string
	command   []string // to run in each scenario in place of the comparison
}

// parse reads the command line. What is wrong with it is already on stderr when
// there is an error.
func parse(args []string, stderr io.Writer) (request, error) {
	var r request
	var scenarios, only string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, "usage: go run ./bench [flags] [-- command to run in each scenario]\n\n")
		f.PrintDefaults()
	}
	f.StringVar(&scenarios, "scenario", "S0,S1", "the scenarios, with a comma between; \"all\" for all")
	f.IntVar(&r.rounds, "rounds", 21, "how often each contender is timed")
	f.BoolVar(&r.pin, "pin", false, "run every contender on one CPU, and judge by the bar for one")
	f.BoolVar(&r.markdown, "markdown", false, "write the table as Markdown")
	f.BoolVar(&r.list, "list", false, "list the scenarios, the bars and the contenders, and measure nothing")
	f.BoolVar(&r.bar, "bar", false, "exit with 1 when a bar is missed or could not be judged")
	f.StringVar(&r.bin, "bin", "", "measure this whatslistening; without it, one is built")
	f.StringVar(&only, "only", "", "measure only the contenders whose name holds one of these words, and ss")
	if err := f.Parse(args); err != nil {
		return r, err
	}
	r.command = f.Args()
	if only != "" {
		r.only = strings.Split(only, ",")
	}
	fail := func(format string, a ...any) (request, error) {
		err := fmt.Errorf(format, a...)
		fmt.Fprintln(stderr, "bench:", err)
		return r, err
	}
	if r.rounds < 1 {
		return fail("-rounds %d: at least one is needed", r.rounds)
	}
	if scenarios == "all" {
		r.scenarios = load.Scenarios()
		return r, nil
	}
	for _, name := range strings.Split(scenarios, ",") {
		s, ok := load.Find(strings.ToUpper(strings.TrimSpace(name)))
		if !ok {
			return fail("no scenario %q: -list names them", name)
		}
		r.scenarios = append(r.scenarios, s)
	}
	return r, nil
}

// run is the whole program but for the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	req, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage
	}
	if req.list {
		list(stdout)
		return exitOK
	}
	met := true
	switch {
	case os.Geteuid() != 0:
		// Before anything is built.
		err = load.ErrRoot
	case len(req.command) > 0:
		err = runCommand(ctx, req, stdout, stderr)
	default:
		met, err = compare(ctx, req, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		if errors.Is(err, load.ErrRoot) {
			fmt.Fprintln(stderr, "hint: sudo env PATH=\"$PATH\" go run ./bench")
		}
		return exitFailed
	}
	if req.bar && !met {
		return exitMissed
	}
	return exitOK
}

// list writes what there is to measure.
func list(w io.Writer) {
	for _, s := range load.Scenarios() {
		fmt.Fprintf(w, "%s  %s\n", s.Name, describe(s, s.Counts()))
		if b, ok := barOf(s.Name); ok {
			fmt.Fprintf(w, "    the bar: %.2f × ss, %.2f on one CPU, %d MB\n", b.ratio, b.pinned, b.peak/megabyte)
		}
	}
	fmt.Fprintln(w)
	for _, c := range contenders("whatslistening", "gopsutil") {
		fmt.Fprintf(w, "%-32s %s\n", c.name, strings.Join(c.args, " "))
	}
}

// describe says what a scenario is made of.
func describe(s load.Scenario, c load.Counts) string {
	if s.Host && c == (load.Counts{}) {
		return "this host as it is"
	}
	if s.Host {
		return "this host as it is: " + c.String()
	}
	if s.Namespaces > 0 {
		return fmt.Sprintf("%d network namespaces, %v", s.Namespaces, c)
	}
	return c.String()
}

// runCommand runs a command of the user's in each scenario, and shows its output.
func runCommand(ctx context.Context, req request, stdout, stderr io.Writer) error {
	path, err := lookPath(req.command[0])
	if err != nil {
		return err
	}
	for _, s := range req.scenarios {
		l, err := load.Start(ctx, s)
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "bench: %s: %s\n", s.Name, describe(s, l.Counts))
		r, err := l.Run(ctx, load.Command{
			Kind: load.Output,
			Args: append([]string{path}, req.command[1:]...),
			Pin:  req.pin,
		})
		if err := errors.Join(err, l.Stop()); err != nil {
			return err
		}
		stdout.Write(r.Output)
		stderr.Write(r.Stderr)
		if r.ExitCode != 0 {
			fmt.Fprintf(stderr, "bench: %s: exit code %d\n", req.command[0], r.ExitCode)
		}
	}
	return nil
}
