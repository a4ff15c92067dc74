package scanner

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// How long the scan waits without a single answer before it takes what is being
// asked for stuck, how long it waits in all, how many goroutines may be stuck, and
// how often it lets them go first before it begins to wait.
const (
	askPatience = 500 * time.Millisecond
	askBudget   = 2 * time.Second
	askWorkers  = 64
	askFirst    = 4
)

// askEach has each of n questions answered by a few goroutines and gives take the
// answers, in the goroutine of the caller. It returns how many did not come in
// time. A question may take for ever: what is asked must share nothing with the
// scan that is written to, and is abandoned when it does not answer. Each
// goroutine answers by a function of its own, which may keep a buffer.
func askEach[A any](ctx context.Context, n int, answerer func() func(i int) A, take func(i int, a A)) (left int) {
	if n == 0 {
		return 0
	}
	type answer struct {
		at int
		is A
	}
	// It has room for all, so that those who are abandoned never block.
	answers := make(chan answer, n)
	var next atomic.Int64
	var over atomic.Bool
	defer over.Store(true)
	hired := 0
	hire := func(more int) {
		hired += more
		for range more {
			go func() {
				f := answerer()
				for !over.Load() {
					at := int(next.Add(1)) - 1
					if at >= n {
						return
					}
					answers <- answer{at, f(at)}
				}
			}()
		}
	}
	// drain takes the answers that are there and reports whether any was. The scan
	// itself may have been kept from running for as long as it waits.
	drain := func() bool {
		before := left
		for len(answers) > 0 {
			got := <-answers
			left--
			take(got.at, got.is)
		}
		return left < before
	}
	hire(min(runtime.GOMAXPROCS(0), n))
	// Most answers are a matter of microseconds, and clocks and waiting threads cost
	// more than that: those who are asked get this thread first.
	left = n
	for range askFirst {
		runtime.Gosched()
		for came := true; came && left > 0; {
			select {
			case got := <-answers:
				left--
				take(got.at, got.is)
			default:
				came = false
			}
		}
		if left == 0 {
			return 0
		}
	}
	patience, budget := time.NewTimer(askPatience), time.NewTimer(askBudget)
	defer patience.Stop()
	defer budget.Stop()
	for left > 0 {
		select {
		case got := <-answers:
			left--
			patience.Reset(askPatience)
			take(got.at, got.is)
		case <-patience.C:
			if drain() {
				patience.Reset(askPatience)
				continue
			}
			// Whoever works now is stuck. Others go on with the rest.
			if int(next.Load()) >= n || hired >= askWorkers {
				return left
			}
			hire(hired)
			patience.Reset(askPatience)
		case <-budget.C:
			drain()
			return left
		case <-ctx.Done():
			return left
		}
	}
	return 0
}
