//go:build unix

// Again times a series of scans in one process: the first, and those after it,
// which look again only into processes that have run in the meantime.
//
//	go build -o bin/again ./bench/again
//	go run ./bench -scenario S2 -- bin/again
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/whatslistening/whatslistening/scanner"
)

// rounds is how often a series is begun anew, and again how many scans follow
// the first.
const (
	rounds = 11
	again  = 21
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "again:", err)
		os.Exit(1)
	}
}

func run() error {
	var alone, first, second, later []spent
	sockets, holders := 0, 0
	for range rounds {
		if _, err := scan(&alone, nil); err != nil {
			return err
		}
		s, err := scan(&first, new(scanner.Snapshot))
		if err != nil {
			return err
		}
		if s, err = scan(&second, s); err != nil {
			return err
		}
		for range again {
			if s, err = scan(&later, s); err != nil {
				return err
			}
		}
		sockets, holders = len(s.Sockets), s.Coverage.Processes
	}
	fmt.Printf("%d sockets, %d processes\n", sockets, holders)
	base := median(first)
	for _, m := range []struct {
		name  string
		spent []spent
	}{{"alone", alone}, {"first", first}, {"second", second}, {"later", later}} {
		got := median(m.spent)
		fmt.Printf("%-7s %10v  %.4f × the first;  CPU %10v  %.4f\n", m.name,
			got.wall, float64(got.wall)/float64(base.wall), got.cpu, float64(got.cpu)/float64(base.cpu))
	}
	return nil
}

// A spent is what a scan took: the CPU's time is that of all its threads, and says
// more on a busy host.
type spent struct{ wall, cpu time.Duration }

// scan scans once and notes what it took.
func scan(took *[]spent, previous *scanner.Snapshot) (*scanner.Snapshot, error) {
	begin, used := time.Now(), cpu()
	s, err := scanner.Scan(context.Background(), &scanner.Options{Previous: previous})
	*took = append(*took, spent{time.Since(begin), cpu() - used})
	return s, err
}

// cpu returns what this process has used of the processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// median returns the values in the middle, each by itself.
func median(list []spent) spent {
	middle := func(of func(spent) time.Duration) time.Duration {
		d := make([]time.Duration, len(list))
		for i, s := range list {
			d[i] = of(s)
		}
		slices.Sort(d)
		return d[len(d)/2].Round(time.Microsecond)
	}
	return spent{middle(func(s spent) time.Duration { return s.wall }), middle(func(s spent) time.Duration { return s.cpu })}
}
