package scanner

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// listTasks has the kernel list the processes.
func listTasks(t *testing.T) (*taskLister, tasks) {
	t.Helper()
	needBPF(t)
	l, err := newTaskLister()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	list, err := l.list(0)
	if err != nil {
		t.Fatal(err)
	}
	return l, list
}

// fileTask is what the files of /proc tell of a process; false where it is gone.
func fileTask(pid int32) (task, bool) {
	dir := "/proc/" + strconv.Itoa(int(pid))
	text, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return task{}, false
	}
	s, ok := parseStat(text)
	one := task{pid: pid, ppid: int32(s.ppid), start: s.start, netns: parseNetLink([]byte(readlink(dir + "/ns/net")))}
	copy(one.comm[:], s.comm)
	return one, ok
}

// Of every process the kernel tells what the files do.
func TestTasks(t *testing.T) {
	inHostPIDs(t, func(t *testing.T) {
		spawnUnshared(t, "listen", "tcp,127.0.0.1:80")
		spawn(t, "leaderless", "tcp,127.0.0.1:81")
		root, err := openProc("/proc")
		if err != nil {
			t.Fatal(err)
		}
		defer root.close()
		pids, err := root.pids()
		if err != nil {
			t.Fatal(err)
		}
		before := make(map[int32]task, len(pids))
		for _, pid := range pids {
			if one, ok := fileTask(pid); ok {
				before[pid] = one
			}
		}
		_, list := listTasks(t)
		same, leaderless, kernel := 0, 0, 0
		for pid, one := range before {
			after, ok := fileTask(pid)
			if !ok || after != one {
				continue // it ended, or became another program
			}
			got := list.find(int(pid))
			if got == nil && one.netns == 0 {
				continue // a security module keeps it out
			}
			if got == nil {
				t.Errorf("the kernel does not list %+v", one)
				continue
			}
			if got.kernel {
				// The file has more than comm of a worker (wq_worker_comm).
				kernel++
				one.kernel, one.comm = true, got.comm
			}
			if *got != one {
				t.Errorf("the kernel tells %+v of process %d, and the files %+v", *got, pid, one)
			}
			if one.netns == 0 {
				leaderless++
			}
			same++
		}
		if same < 5 || leaderless == 0 || list.find(2) != nil && kernel == 0 {
			t.Errorf("of %d processes %d stayed as they were, %d of them without a main thread, %d the kernel's", len(before), same, leaderless, kernel)
		}
	})
}

// The first process of a pid namespace has its parent outside.
func TestTasksInside(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		child := spawn(t, "listen", "tcp,127.0.0.1:80")
		_, list := listTasks(t)
		for _, want := range []struct{ pid, ppid int }{{1, 0}, {child.PID, os.Getpid()}} {
			if got := list.find(want.pid); got == nil || int(got.ppid) != want.ppid || got.kernel {
				t.Errorf("process %d is %+v, want one whose parent is %d", want.pid, got, want.ppid)
			}
		}
		if list.find(2) != nil && list.find(2).kernel {
			t.Error("a thread of the kernel's is in the namespace")
		}
	})
}

// An answer that is wrong about this process is not believed.
func TestTasksCheck(t *testing.T) {
	_, list := listTasks(t)
	self := list.find(unix.Getpid())
	right := *self
	for name, change := range map[string]func(){
		"start":   func() { self.start++ },
		"netns":   func() { self.netns++ },
		"parent":  func() { self.ppid++ },
		"name":    func() { self.comm[0]++ },
		"kind":    func() { self.kernel = true },
		"missing": func() { self.pid = -1 },
	} {
		change()
		if list.check() == nil {
			t.Errorf("an answer with another %s is believed", name)
		}
		*self = right
	}
	if err := list.check(); err != nil {
		t.Error(err)
	}
}

// Where the kernel does not answer the search reads files, and finds the same.
func TestTasksFallBack(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		elsewhere := spawnUnshared(t, "listen", "tcp,127.0.0.1:80")
		root, err := openProc("/proc")
		if err != nil {
			t.Fatal(err)
		}
		defer root.close()
		l, list := listTasks(t)
		for _, broken := range []bool{false, true} {
			if broken {
				l.close()
			}
			s := &netSearch{found: make(map[uint64]*netNS), lister: l}
			s.askKernel(root)
			n := s.found[list.find(elsewhere.PID).netns]
			if len(s.found) != 2 || n == nil || n.PID != elsewhere.PID || n.Processes != 1 || !slices.Contains(s.pids, int32(elsewhere.PID)) {
				t.Errorf("broken %v: processes %v, namespaces %+v", broken, s.pids, s.found)
			}
			if (s.lister == nil) != broken || (s.tasks == nil) != broken {
				t.Errorf("broken %v: lister %v, %d tasks", broken, s.lister, len(s.tasks))
			}
		}
	})
}

// The list comes last, and takes out who has ended, also where another process has
// the pid now.
func TestDescribingList(t *testing.T) {
	l, list := listTasks(t)
	self := list.find(unix.Getpid())
	named := func(pid int, start uint64) found {
		return found{p: &holder{Process: Process{PID: pid, Exe: "/bin/tool"}, start: start}}
	}
	root, err := openProc("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	all := &walker{found: []found{named(int(self.pid), self.start), named(int(self.pid), self.start-1), named(1<<22+1, 5)}}
	d := &describing{root: root, lister: l}
	if err := d.list(all); err != nil {
		t.Fatal(err)
	}
	if p := all.found[0].p; p.ended || p.PPID != os.Getppid() || p.Name != "tool" || p.comm != string(self.name()) {
		t.Errorf("this process is %+v", p)
	}
	for _, f := range all.found[1:] {
		if !f.p.ended {
			t.Errorf("%+v has not ended", f.p)
		}
	}
}
