package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/whatslistening/whatslistening/report"
)

// maxMerged is the size in bytes of the largest report of a fleet. One of 20,000
// listeners has 30 MB.
const maxMerged = 64 << 20

// stdinName is what a report on standard input is called.
const stdinName = "standard input"

// A large report is read alone: several at once would be the memory of them all.
const largeReport = 4 << 20

// A source is a report to merge.
type source struct {
	name string
	// path is a file; empty for data that was read already.
	path string
	data []byte
	err  error
}

// sources yields the reports that args name, in their order: files, the *.json
// files of folders, and for "-" those on standard input.
func (a *app) sources(args []string) (iter.Seq[source], error) {
	folders, stdin := map[string]bool{}, false
	for _, arg := range args {
		if arg == "-" {
			if stdin {
				return nil, usageError("leave out one of the two", "standard input is named twice")
			}
			stdin = true
			continue
		}
		// A file that is not there is most likely a slip of the pen, and not a
		// host without a report.
		fi, err := os.Stat(arg)
		if err != nil {
			return nil, usageError("", "--merge: %w", err)
		}
		folders[arg] = fi.IsDir()
	}
	return func(yield func(source) bool) {
		for _, arg := range args {
			var list iter.Seq[source]
			switch {
			case arg == "-":
				list = documents(a.stdin)
			case folders[arg]:
				list = reportsIn(arg)
			default:
				list = func(yield func(source) bool) { yield(source{name: arg, path: arg}) }
			}
			for s := range list {
				if !yield(s) {
					return
				}
			}
		}
	}, nil
}

// reportsIn yields the *.json files of a folder, by name. Whoever can put a link
// there would choose among the files of who merges: it is left out, and said.
func reportsIn(dir string) iter.Seq[source] {
	return func(yield func(source) bool) {
		entries, err := os.ReadDir(dir) // sorted
		if err != nil {
			yield(source{name: dir, err: err})
			return
		}
		for _, e := range entries {
			name := e.Name()
			if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".json") || e.IsDir() {
				continue
			}
			s := source{name: filepath.Join(dir, name)}
			if s.path = s.name; !e.Type().IsRegular() {
				s.err = errors.New("not a regular file")
			}
			if !yield(s) {
				return
			}
		}
	}
}

// documents yields the reports of a stream, each from a line that begins with
// "{" to the next such line. That is one of JSONL, and one that is spread over
// lines, whose inner lines are indented; and after one that is cut short the
// next is whole.
func documents(r io.Reader) iter.Seq[source] {
	return func(yield func(source) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		var data []byte
		n, begun, first, large := 0, 0, true, false
		flush := func() bool {
			ok := true
			if len(bytes.TrimSpace(data)) > 0 {
				s := source{name: fmt.Sprintf("%s, line %d", stdinName, begun), data: data}
				if large {
					s.data, s.err = nil, tooLarge()
				}
				ok = yield(s)
			}
			data, large, begun = nil, false, n
			return ok
		}
		for {
			// A line may be of any length: what is too large is not gathered.
			part, err := in.ReadSlice('\n')
			if first {
				n++
				if len(part) > 0 && part[0] == '{' && !flush() {
					return
				}
			}
			if begun == 0 {
				begun = n
			}
			if large = large || len(data)+len(part) > maxMerged; !large {
				data = append(data, part...)
			}
			first = err == nil
			switch {
			case err == nil || errors.Is(err, bufio.ErrBufferFull):
			case errors.Is(err, io.EOF):
				flush()
				return
			default:
				if flush() {
					yield(source{name: stdinName, err: err})
				}
				return
			}
		}
	}
}

func tooLarge() error { return fmt.Errorf("it is larger than %d MiB", maxMerged>>20) }

// merge reads sources, several at once, and adds them to the fleet in their
// order.
func merge(ctx context.Context, fleet *report.Fleet, sources iter.Seq[source]) error {
	type result struct {
		r   *report.Report
		err error
	}
	type job struct {
		source
		done chan result
	}
	workers := min(runtime.GOMAXPROCS(0), 8)
	jobs, order := make(chan job), make(chan job, workers)
	var large sync.Mutex
	for range workers {
		go func() {
			for j := range jobs {
				r, err := j.read(&large)
				j.done <- result{r, err}
			}
		}()
	}
	go func() {
		defer close(order)
		defer close(jobs)
		for s := range sources {
			j := job{s, make(chan result, 1)}
			select {
			case order <- j:
			case <-ctx.Done():
				return
			}
			jobs <- j
		}
	}()
	for j := range order {
		got := <-j.done
		if got.err != nil {
			fleet.Skipped = append(fleet.Skipped, report.Skipped{Source: j.name, Problem: problem(got.err)})
			continue
		}
		fleet.Add(got.r, j.name)
	}
	return ctx.Err()
}

// read reads the report of a source, a large one only when no other large one is
// read.
func (s *source) read(large *sync.Mutex) (*report.Report, error) {
	alone := func(size int64) func() {
		if size < largeReport {
			return func() {}
		}
		large.Lock()
		return large.Unlock
	}
	switch {
	case s.err != nil:
		return nil, s.err
	case s.path == "":
		defer alone(int64(len(s.data)))()
		return report.Read(bytes.NewReader(s.data))
	}
	// A FIFO or a device is never waited for.
	f, err := openNoWait(s.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !fi.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case fi.Size() > maxMerged:
		return nil, tooLarge()
	}
	defer alone(fi.Size())()
	// A file that grows meanwhile is cut off, and so no report.
	return report.Read(io.LimitReader(f, maxMerged))
}
