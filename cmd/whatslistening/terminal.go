package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// terminal returns the descriptor of w, and whether w is a terminal.
func terminal(w any) (fd int, ok bool) {
	f, ok := w.(*os.File)
	if !ok {
		return -1, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// width is how many cells a line of stdout may take: what --width says, else
// the terminal's own (or COLUMNS, where the terminal does not know); 0, no
// limit, for a pipe or a file.
func (a *app) width(flag int) int {
	if flag > 0 {
		return flag
	}
	fd, ok := terminal(a.stdout)
	if !ok {
		return 0
	}
	if w, _, err := term.GetSize(fd); err == nil && w > 0 {
		return w
	}
	if w, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && w > 0 {
		return w
	}
	return 80
}

// patience is how long work may take before its progress is shown.
const patience = 500 * time.Millisecond

// progress shows on stderr, where that is a terminal, that what is going on
// until the returned function is called. The line is gone afterwards.
func (a *app) progress(ctx context.Context, what string) (done func()) {
	if _, ok := terminal(a.stderr); !ok || a.getenv("TERM") == "dumb" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		spin(ctx, a.stderr, what)
	}()
	return func() {
		cancel()
		<-gone
	}
}

func spin(ctx context.Context, w io.Writer, what string) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(patience):
	}
	start, n := time.Now().Add(-patience), 0
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		// The line is cleared with spaces: a terminal of any kind knows those.
		line := fmt.Sprintf("%s … %.1f s", what, time.Since(start).Seconds())
		fmt.Fprintf(w, "\r%s", line)
		n = max(n, len([]rune(line)))
		select {
		case <-ctx.Done():
			fmt.Fprintf(w, "\r%s\r", strings.Repeat(" ", n))
			return
		case <-tick.C:
		}
	}
}
