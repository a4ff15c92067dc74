package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/bench/load"
)

// peakRounds is how often the peak resident set is read; the median counts. It
// varies little.
const peakRounds = 3

// patience is how long one run may take.
const patience = 2 * time.Minute

// compare measures the contenders in each scenario, and writes its table as soon
// as it is complete. It reports whether every bar was met.
func compare(ctx context.Context, req request, stdout, stderr io.Writer) (bool, error) {
	dir, err := os.MkdirTemp("", "whatslistening-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	field, err := prepare(ctx, req, dir)
	if err != nil {
		return false, err
	}
	fmt.Fprint(stdout, preamble(req))
	met := true
	for _, s := range req.scenarios {
		begin := time.Now()
		l, err := load.Start(ctx, s)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(stderr, "bench: %s: made in %.1f s: %s\n", s.Name, time.Since(begin).Seconds(), describe(s, l.Counts))
		here := field
		if s.Namespaces > 0 {
			here = inNamespaces(field)
		}
		rows, err := measure(ctx, l, s, here, req)
		if err := errors.Join(err, l.Stop()); err != nil {
			return false, fmt.Errorf("scenario %s: %w", s.Name, err)
		}
		v := judge(s.Name, rows, req.pin)
		met = met && v.met
		sec := section{fmt.Sprintf("%s: %s", s.Name, describe(s, l.Counts)), rows, v}
		text := sec.String()
		if req.markdown {
			text = sec.markdown()
		}
		if _, err := io.WriteString(stdout, text); err != nil {
			return false, err
		}
	}
	return met, nil
}

// prepare builds and finds the contenders.
func prepare(ctx context.Context, req request, dir string) ([]contender, error) {
	whatslistening, err := req.bin, error(nil)
	if whatslistening == "" {
		if whatslistening, err = build(ctx, dir, oursPath); err != nil {
			return nil, err
		}
	}
	gopsutil, err := build(ctx, dir, gopsutilPath)
	if err != nil {
		return nil, err
	}
	field := choose(contenders(whatslistening, gopsutil), req.only)
	locate(field)
	return field, nil
}

// A runner runs a command where the load is.
type runner interface {
	Run(context.Context, load.Command) (load.Result, error)
}

// A row is what was measured of one contender in one scenario.
type row struct {
	contender string
	failed    string // why it was not measured, or empty
	code      int    // its exit code
	lines     int    // that it printed
	short     bool   // fewer than there are listeners
	wall      spread // milliseconds
	cpu       spread // milliseconds
	compared  bool   // whether there is a ratio
	ratio     spread // to ss, round by round
	peak      int64  // resident set, bytes
}

// measure runs the contenders in turn: once to see that they work, then the
// rounds against the clock, then for their memory.
func measure(ctx context.Context, l runner, s load.Scenario, field []contender, req request) ([]row, error) {
	rows := make([]row, len(field))
	for i, c := range field {
		rows[i] = row{contender: c.name, failed: c.absent}
		if c.absent != "" {
			continue
		}
		r, err := one(ctx, l, c, load.Output, req.pin)
		if err != nil {
			return nil, err
		}
		rows[i].code = r.ExitCode
		rows[i].lines = bytes.Count(r.Output, []byte("\n"))
		rows[i].short = rows[i].lines < s.Listeners
		if r.ExitCode != 0 && r.ExitCode != c.fruitless {
			first, _, _ := strings.Cut(strings.TrimSpace(string(r.Stderr)), "\n")
			rows[i].failed = fmt.Sprintf("exit code %d: %q", r.ExitCode, first)
		}
	}
	walls, cpus, err := race(ctx, l, field, rows, req)
	if err != nil {
		return nil, err
	}
	if err := weigh(ctx, l, field, rows, req); err != nil {
		return nil, err
	}
	var base []float64
	for i, c := range field {
		if c.base && rows[i].failed == "" {
			base = walls[i]
		}
	}
	for i := range rows {
		if rows[i].failed != "" {
			continue
		}
		rows[i].wall, rows[i].cpu = spreadOf(walls[i]), spreadOf(cpus[i])
		if base != nil {
			rows[i].compared, rows[i].ratio = true, spreadOf(ratios(walls[i], base))
		}
	}
	return rows, nil
}

// race runs the contenders round by round, each round beginning with another of
// them, and returns the wall and the CPU times of each, in milliseconds.
func race(ctx context.Context, l runner, field []contender, rows []row, req request) (walls, cpus [][]float64, err error) {
	walls, cpus = make([][]float64, len(field)), make([][]float64, len(field))
	for round := range req.rounds {
		for n := range field {
			i := (round + n) % len(field)
			if rows[i].failed != "" {
				continue
			}
			r, err := one(ctx, l, field[i], load.Time, req.pin)
			if err != nil {
				return nil, nil, err
			}
			walls[i] = append(walls[i], float64(r.Wall)/float64(time.Millisecond))
			cpus[i] = append(cpus[i], float64(r.CPU)/float64(time.Millisecond))
			rows[i].expect(r)
		}
	}
	return walls, cpus, nil
}

// weigh reads the peak resident set of each contender.
func weigh(ctx context.Context, l runner, field []contender, rows []row, req request) error {
	for i, c := range field {
		var peaks []float64
		for range peakRounds {
			if rows[i].failed != "" {
				break
			}
			r, err := one(ctx, l, c, load.Peak, req.pin)
			if err != nil {
				return err
			}
			peaks = append(peaks, float64(r.PeakRSS))
			rows[i].expect(r)
		}
		if rows[i].failed == "" {
			rows[i].peak = int64(spreadOf(peaks).median)
		}
	}
	return nil
}

// expect marks the row as failed when a run did not end as the first one did:
// it may have done less.
func (r *row) expect(got load.Result) {
	if got.ExitCode != r.code {
		r.failed = fmt.Sprintf("exit code %d, after %d in the first run", got.ExitCode, r.code)
	}
}

// one runs a contender once.
func one(ctx context.Context, l runner, c contender, kind load.Kind, pin bool) (load.Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%s took longer than %v", c.name, patience))
	defer cancel()
	return l.Run(ctx, load.Command{Kind: kind, Args: c.args, Pin: pin})
}
