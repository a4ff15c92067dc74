package load

import "time"

// A Kind says what is wanted of a run.
type Kind uint8

// The kinds of run.
const (
	// Output keeps what the program wrote, up to 64 MiB of it.
	Output Kind = iota
	// Time measures the wall time, from before fork to the end of the output and
	// of the process.
	Time
	// Peak measures the peak resident set. The program is stopped once, at its
	// end, so such a run is not timed.
	Peak
)

// A Command is a program to run in the load's namespaces. It writes to a pipe
// that is read as fast as it is filled.
type Command struct {
	Kind Kind
	// Args are the program's absolute path, and its arguments.
	Args []string
	// Pin runs it on one CPU.
	Pin bool
}

// A Result is what came of a run.
type Result struct {
	Wall     time.Duration // of Time
	CPU      time.Duration // of Time: in user and in kernel mode, with the children it waited for
	PeakRSS  int64         // of Peak, in bytes
	Bytes    int64         // how much was written to standard output
	Output   []byte        // of Output
	Stderr   []byte        // of Output
	ExitCode int           // 128 + the signal if one ended it
}
