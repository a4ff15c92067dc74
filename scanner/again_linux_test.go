package scanner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A scanSeries scans again and again, and holds each scan against one by itself.
type scanSeries struct {
	t    *testing.T
	o    Options
	last *Snapshot
}

func newScanSeries(t *testing.T, o Options) *scanSeries {
	o.NetNS = NetNSOwn
	return &scanSeries{t, o, new(Snapshot)}
}

// scan scans and fails the test where the series does not show what a scan by
// itself shows.
func (s *scanSeries) scan(what string) *Snapshot {
	s.t.Helper()
	o := s.o
	o.Previous = s.last
	got, err := Scan(context.Background(), &o)
	if err != nil {
		s.t.Fatal(err)
	}
	want, err := Scan(context.Background(), &s.o)
	if err != nil {
		s.t.Fatal(err)
	}
	if g, w := show(got), show(want); g != w {
		s.t.Fatalf("%s: the series shows\n%s\na scan by itself\n%s", what, g, w)
	}
	s.last = got
	return got
}

// show writes all that a snapshot says.
func show(s *Snapshot) string {
	socks := slices.Clone(s.Sockets)
	slices.SortFunc(socks, func(a, b Socket) int { return int(a.Inode) - int(b.Inode) })
	var b strings.Builder
	for _, one := range socks {
		holders := one.Holders
		one.Holders = nil
		fmt.Fprintf(&b, "%+v\n", one)
		for _, p := range holders {
			fmt.Fprintf(&b, "\t%+v\n", *p)
		}
	}
	fmt.Fprintf(&b, "%+v\n%+v", s.Namespaces, s.Coverage)
	return b.String()
}

// kept returns how many processes the last scan of the series did not look into
// because they were as they were.
func kept(before, after *Snapshot) int {
	n := 0
	for i := range after.memory.records {
		r := &after.memory.records[i]
		old := before.memory.find(int(r.pid))
		if old != nil && len(r.sockets) > 0 && len(old.sockets) > 0 && &r.sockets[0] == &old.sockets[0] {
			n++
		}
	}
	return n
}

// Whatever changes between two scans, the second shows it as a scan by itself
// does; and what does not change is not looked into again.
func TestAgain(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a, b := newActor(t), newActor(t)
		first := a.do("open tcp,127.0.0.1:7000")
		asleep, err := strconv.Atoi(a.do("inherit"))
		if err != nil {
			t.Fatal(err)
		}
		settled(t, asleep)
		s := newScanSeries(t, Options{Args: true})
		s.scan("at first")
		before := s.last
		if got := s.scan("nothing"); kept(before, got) == 0 {
			t.Fatal("nothing was kept")
		}
		step := func(what string, f func()) {
			t.Helper()
			f()
			settled(t, a.PID)
			settled(t, b.PID)
			s.scan(what)
		}
		var fd, other, spare string
		step("a new socket", func() { fd = a.do("open udp,127.0.0.1:7001") })
		step("sent to another", func() { a.do("send %s %d", fd, b.PID); other = b.do("recv") })
		step("closed by the first", func() { a.do("close %s", fd) })
		step("closed by the last", func() { b.do("close %s", other) })
		step("a descriptor of no interest", func() { spare = b.do("file") })
		step("as many as before: one closed, an old socket received", func() {
			a.do("send %s %d", first, b.PID)
			other = b.do("swap %s", spare)
		})
		step("in flight", func() {
			fd = a.do("open tcp,127.0.0.1:7002")
			a.do("send %s %d", fd, b.PID)
			a.do("close %s", fd)
		})
		step("arrived", func() { fd = b.do("recv") })
		step("bound only", func() { b.do("close %s", fd); fd = b.do("open tcp,127.0.0.1:7003,bound") })
		var heir int
		step("inherited before it listens", func() { heir, _ = strconv.Atoi(b.do("inherit")); settled(t, heir) })
		step("listens, and the heir has not run", func() { b.do("listen %s", fd) })
		if got := one(t, s.last, 7003); len(got.Holders) != 2 {
			t.Errorf("port 7003 is held by %v, want %d and %d", pidsOf(got), b.PID, heir)
		}
		step("with a peer", func() {
			fd = a.do("open udp,127.0.0.1:7004")
			asleep, _ = strconv.Atoi(a.do("inherit"))
			settled(t, asleep)
			a.do("connect %s 127.0.0.1:9", fd)
		})
		step("without the peer, and the heir has not run", func() { a.do("disconnect %s", fd) })
		if got := one(t, s.last, 7004); len(got.Holders) != 2 {
			t.Errorf("port 7004 is held by %v, want %d and %d", pidsOf(got), a.PID, asleep)
		}
		step("the heir's end", func() { kill(t, heir) })
		step("another program", func() { b.do("inherit") })
		step("a thread's own table", func() { a.do("thread tcp,127.0.0.1:7005") })
		step("no change to a thread's table", func() {})
		step("the end of a parent", func() { a.Stop() })
		if got := one(t, s.last, 7000); !slices.ContainsFunc(got.Holders, func(p *Process) bool { return p.PID == asleep && p.PPID == 1 }) {
			t.Errorf("%+v", got.Holders)
		}
	})
}

// kill ends a process that the test has made somebody start, and waits until it
// is seen no more.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, func() error {
		if exists(fmt.Sprintf("/proc/%d/fd", pid)) {
			return fmt.Errorf("process %d has not ended", pid)
		}
		return nil
	})
}

// Many changes, one after the other and several at once, in an order drawn anew.
func TestAgainRandom(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		seed := uint64(time.Now().UnixNano())
		if os.Getenv("AGAIN_SEED") != "" {
			seed, _ = strconv.ParseUint(os.Getenv("AGAIN_SEED"), 10, 64)
		}
		t.Logf("AGAIN_SEED=%d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		type has struct {
			by int
			fd string
		}
		var actors []actor
		var open []has
		var heirs []int
		port, keptSome := 7000, 0
		for range 3 {
			actors = append(actors, newActor(t))
		}
		s := newScanSeries(t, Options{})
		s.scan("at first")
		for step := range 80 {
			var acts []string
			for range 1 + random.IntN(3) {
				by := random.IntN(len(actors))
				a := actors[by]
				pick := -1
				if len(open) > 0 {
					pick = random.IntN(len(open))
				}
				switch act := random.IntN(9); {
				case act < 2 || pick < 0:
					port++
					spec := []string{"tcp,127.0.0.1:%d", "udp,127.0.0.1:%d", "tcp,[::]:%d", "udp,127.0.0.1:%d,connect=127.0.0.1:9"}[random.IntN(4)]
					open = append(open, has{by, a.do("open "+spec, port)})
					acts = append(acts, "open "+spec)
				case act < 4:
					h := open[pick]
					actors[h.by].do("close %s", h.fd)
					open = slices.Delete(open, pick, pick+1)
					acts = append(acts, "close")
				case act < 6:
					h := open[pick]
					actors[h.by].do("send %s %d", h.fd, a.PID)
					open = append(open, has{by, a.do("recv")})
					acts = append(acts, "send")
				case act == 6:
					h, spare := open[pick], a.do("file")
					s.scan("a spare descriptor")
					actors[h.by].do("send %s %d", h.fd, a.PID)
					open = append(open, has{by, a.do("swap %s", spare)})
					acts = append(acts, "swap")
				case act == 7:
					pid, err := strconv.Atoi(a.do("inherit"))
					if err != nil {
						t.Fatal(err)
					}
					heirs = append(heirs, pid)
					settled(t, pid)
					acts = append(acts, "inherit")
				case len(heirs) > 0:
					i := random.IntN(len(heirs))
					kill(t, heirs[i])
					heirs = slices.Delete(heirs, i, i+1)
					acts = append(acts, "kill")
				}
			}
			for _, a := range actors {
				settled(t, a.PID)
			}
			before := s.last
			keptSome += kept(before, s.scan(fmt.Sprintf("step %d, %v, seed %d", step, acts, seed)))
		}
		if keptSome == 0 {
			t.Error("nothing was ever kept")
		}
	})
}

// A process that is stuck is asked once, each scan says so, and when it has
// answered at last it is asked again.
func TestAgainStuck(t *testing.T) {
	files := make(map[string]string)
	holds(files, 60, 7, "python3", 100, "")
	holds(files, 62, 7, "python3", 100, "python3\x00good.py\x00")
	root := fixture(t, files)
	path := filepath.Join(root, "60", "cmdline")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil { // to open it waits for a writer
		t.Fatal(err)
	}
	previous := new(Snapshot)
	look := func() (slow int, scripts string) {
		t.Helper()
		socks := []Socket{{Inode: 7}}
		o := &Options{ProcFS: root, Previous: previous}
		h := newHolders(o)
		h.series = newSeries(o)
		if err := h.attach(t.Context(), socks); err != nil {
			t.Fatal(err)
		}
		if err := h.describe(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, p := range socks[0].Holders {
			scripts += fmt.Sprintf("%d %s,", p.PID, p.Script)
		}
		previous = &Snapshot{memory: h.remember(socks)}
		return h.stats().Slow, scripts
	}
	if slow, scripts := look(); slow != 1 || scripts != "60 ,62 good.py," {
		t.Fatalf("at first: %d slow, %q", slow, scripts)
	}
	waiting := runtime.NumGoroutine()
	for range 3 {
		if slow, scripts := look(); slow != 1 || scripts != "60 ,62 good.py," {
			t.Fatalf("again: %d slow, %q", slow, scripts)
		}
	}
	// Who has answered may still be on the way out; who waits for the pipe stays.
	until(t, func() error {
		if n := runtime.NumGoroutine(); n > waiting {
			return fmt.Errorf("%d goroutines, %d after the first scan", n, waiting)
		}
		return nil
	})
	stuck := previous.memory.stuck
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader, which is there
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	until(t, func() error {
		if stuck[0].owes() {
			return errors.New("the reader has not come back")
		}
		return nil
	})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("python3\x00late.py\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if slow, scripts := look(); slow != 0 || scripts != "60 late.py,62 good.py," {
		t.Errorf("at last: %d slow, %q", slow, scripts)
	}
}

// A snapshot is the same to whoever compares it, remembered or not.
func TestAgainLeavesPreviousAlone(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		a := newActor(t)
		a.do("open tcp,127.0.0.1:7000")
		s := newScanSeries(t, Options{})
		first := s.scan("at first")
		said, records := show(first), slices.Clone(first.memory.records)
		a.do("open tcp,127.0.0.1:7001")
		s.scan("one more")
		if show(first) != said || !reflect.DeepEqual(first.memory.records, records) {
			t.Error("the earlier snapshot was changed")
		}
		// Two scans may go on from one snapshot.
		s.last = first
		s.scan("from the first again")
	})
}
