package scanner

import (
	"context"
	"strconv"

	"golang.org/x/sys/unix"
)

// The arguments of a process lie in its own memory, and the kernel waits for
// that memory: for a lock that another thread holds while it waits for a dead
// file server (mmap_lock), or for a page that a FUSE server does not deliver.
// Such a wait cannot be broken off, and is left to [askEach]: what is asked opens
// its files by name and closes them itself.

// A question is what is asked about one process.
type question struct {
	pid   int
	start uint64
	name  string // of the program
	exe   string // as the kernel gave it, less deletedMark
	args  bool
	named bool // whether exe may really end in deletedMark
	// forwarder is which one it is, and root where the host's files are.
	forwarder forwarder
	root      string
}

// An answer is what came of a question.
type answer struct {
	ok      bool // the process was still the same one
	script  string
	args    []string
	present bool // exe is there and its name ends in deletedMark
	// replaced: another file is where exe was.
	replaced bool
	forwards *forwarding
}

// A silence is what came of questions that were not answered.
type silence struct {
	slow int     // how many processes did not answer
	owed []stuck // those of them that somebody waits for still
}

// askAll completes the processes that have a script, arguments or a doubtful
// program, and returns those that did not answer.
func askAll(ctx context.Context, o *Options, procs []*holder) (silent silence) {
	var asked []*holder
	var questions []question
	owed := o.owed()
	for _, p := range procs {
		if p.answer.ok {
			p.take(p.answer) // it has not run since
			continue
		}
		forwards := forwarderOf(p.Name)
		if !p.maybeGone && !o.Args && forwards == noForwarder && interpreterOf(p.Name) == notInterpreter {
			continue
		}
		if s, ok := isStuck(owed, p); ok {
			silent.slow++
			silent.owed = append(silent.owed, s)
			continue
		}
		asked = append(asked, p)
		questions = append(questions, question{
			pid: p.PID, start: p.start, name: p.Name, exe: p.Exe, args: o.Args, named: p.maybeGone,
			forwarder: forwards, root: o.hostRoot(),
		})
	}
	procfs := o.procfs()
	waits := make([]wait, len(questions))
	answerer := func() func(int) answer {
		var buf []byte
		return func(i int) (got answer) {
			waits[i].begun.Store(true)
			got, buf = ask(procfs, &questions[i], buf)
			waits[i].done.Store(true)
			return got
		}
	}
	silent.slow += askEach(ctx, len(questions), answerer, func(i int, a answer) { asked[i].take(a) })
	for i := range waits {
		if s := (stuck{questions[i].pid, questions[i].start, &waits[i]}); s.owes() {
			silent.owed = append(silent.owed, s)
		}
	}
	return silent
}

// take puts an answer into the process.
func (p *holder) take(a answer) {
	if !a.ok {
		return // another process has the pid now
	}
	p.answer = a
	p.Script, p.Args, p.forwards, p.Replaced = a.script, a.args, a.forwards, a.replaced
	if a.present {
		p.Exe += deletedMark
		p.Deleted, p.Replaced = false, false
		p.Name = baseName(p.Exe)
	}
}

// ask answers one question, with a buffer to use and to hand back.
func ask(procfs string, q *question, buf []byte) (answer, []byte) {
	// An open folder stays tied to its process, whoever has the pid later.
	dir, err := unix.Open(procfs+"/"+strconv.Itoa(q.pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return answer{}, buf
	}
	defer unix.Close(dir)
	var got answer
	if kind := interpreterOf(q.name); q.args || kind != notInterpreter || q.forwarder != noForwarder {
		var n int
		n, buf = readWhole(dir, "cmdline", buf)
		words := splitArgs(buf[:n])
		got.script = scriptOf(kind, words)
		got.forwards = readForwarding(q.forwarder, words, procfs, q.root, q.pid, dir)
		if q.args {
			got.args = redactArgs(words)
		}
	}
	if q.named {
		got.present = sameFile(dir, "exe", "root"+q.exe+deletedMark)
		var st unix.Stat_t
		got.replaced = unix.Fstatat(dir, "root"+q.exe, &st, 0) == nil
	}
	n, buf := readWhole(dir, "stat", buf)
	s, ok := parseStat(buf[:n])
	got.ok = ok && s.start == q.start
	return got, buf
}

// sameFile reports whether two names are one file.
func sameFile(dir int, a, b string) bool {
	var x, y unix.Stat_t
	return unix.Fstatat(dir, a, &x, 0) == nil && unix.Fstatat(dir, b, &y, 0) == nil &&
		x.Dev == y.Dev && x.Ino == y.Ino
}

// argsLimit is how much of the arguments is read. The class path of a Java
// program can be tens of kilobytes; an argument is at most 128 KiB (execve(2)).
const argsLimit = 256 << 10

// readWhole reads a file of a process, up to argsLimit, into a buffer that
// grows as it has to.
func readWhole(dir int, name string, buf []byte) (int, []byte) {
	if buf == nil {
		buf = make([]byte, 4<<10)
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, buf
	}
	defer unix.Close(fd)
	n := 0
	for {
		if n == len(buf) {
			if n >= argsLimit {
				return n, buf
			}
			buf = append(buf, make([]byte, 3*len(buf))...)
		}
		m, e := readSome(fd, buf[n:])
		if e != 0 || m == 0 {
			return n, buf
		}
		n += m
	}
}
