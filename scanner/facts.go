package scanner

import (
	"bytes"
	"strings"
	"time"
)

// statFacts are the fields of /proc/PID/stat that are used: proc_pid_stat(5).
type statFacts struct {
	comm  []byte // a part of what was parsed
	ppid  int
	start uint64 // in clock ticks since the start of the system
}

// parseStat parses /proc/PID/stat. The name in parentheses may hold anything,
// ") " and line breaks too, so the fields are counted from the last
// parenthesis; what follows it is numbers and one letter.
func parseStat(b []byte) (statFacts, bool) {
	var s statFacts
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return s, false
	}
	s.comm = b[open+1 : end]
	rest := b[end+1:]
	// Field 3 is the first after the name.
	for field := 3; ; field++ {
		rest = bytes.TrimLeft(rest, " ")
		word := rest
		if at := bytes.IndexAny(rest, " \n"); at >= 0 {
			word, rest = rest[:at], rest[at:]
		} else {
			rest = nil
		}
		switch field {
		case 4:
			n, ok := parseDecimal(word)
			if !ok || n > 1<<31-1 {
				return s, false
			}
			s.ppid = int(n)
		case 22:
			var ok bool
			s.start, ok = parseDecimal(word)
			return s, ok
		}
		if len(rest) == 0 {
			return s, false
		}
	}
}

// parseRealUID returns the real user of /proc/PID/status: the first number of
// the line "Uid:", proc_pid_status(5). The line of the name cannot be mistaken
// for it: the kernel writes line breaks in names as "\n" there.
func parseRealUID(b []byte) (int64, bool) {
	const key = "\nUid:\t"
	at := bytes.Index(b, []byte(key))
	if at < 0 {
		return -1, false
	}
	b = b[at+len(key):]
	if at = bytes.IndexAny(b, "\t\n"); at < 0 {
		return -1, false
	}
	uid, ok := parseDecimal(b[:at])
	if !ok || uid > 1<<32-1 {
		return -1, false
	}
	return int64(uid), true
}

// parseBootTime returns the line "btime" of /proc/stat: seconds since the epoch.
func parseBootTime(b []byte) (int64, bool) {
	const key = "\nbtime "
	at := bytes.Index(b, []byte(key))
	if at < 0 {
		return 0, false
	}
	b = b[at+len(key):]
	if at = bytes.IndexByte(b, '\n'); at >= 0 {
		b = b[:at]
	}
	n, ok := parseDecimal(b)
	if !ok || n > 1<<40 {
		return 0, false
	}
	return int64(n), true
}

// startTime is when a process began, from the boot time in seconds and the
// ticks since then. A tick is 10 ms for every program of every architecture
// that Go runs on (USER_HZ).
func startTime(boot int64, ticks uint64) time.Time {
	const hz = 100
	return time.Unix(boot+int64(ticks/hz), int64(ticks%hz)*int64(time.Second/hz)).UTC()
}

// deletedMark is what the kernel puts behind the path of a file that has been
// removed (fs/d_path.c). A file may also be called so.
const deletedMark = " (deleted)"

// baseName returns what follows the last slash of a path.
func baseName(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

// maxArgs is how many arguments of a process are read. They may be nothing but NULs.
const maxArgs = 1 << 13

// splitArgs splits the contents of /proc/PID/cmdline: arguments that each end
// in a NUL. A process may write over them, so the last NUL can be missing, and
// many programs write one text with spaces; then that is the only argument.
func splitArgs(b []byte) []string {
	b = bytes.TrimRight(b, "\x00")
	if len(b) == 0 {
		return nil
	}
	words := strings.SplitN(string(b), "\x00", maxArgs+1)
	return words[:min(len(words), maxArgs)]
}
