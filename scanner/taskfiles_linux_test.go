package scanner

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// An answer that is wrong about this process itself is not taken.
func TestTaskFilesWitness(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to load a BPF program")
	}
	needBPF(t)
	right, err := findTaskFileLayout(kernelBTF)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	set := newInodeSet([]Socket{{Inode: st.Ino}}, everySocket)
	tests := []struct {
		name  string
		wrong func(l *taskFileLayout)
		ok    bool
	}{
		{"as it is", func(*taskFileLayout) {}, true},
		{"the start", func(l *taskFileLayout) { l.taskStart += 8 }, false},
		{"the inode", func(l *taskFileLayout) { l.inodeNumber += 8 }, false},
		{"the magic", func(l *taskFileLayout) { l.superMagic += 8 }, false},
		{"the numbers", func(l *taskFileLayout) { l.pidNumbers += 4 }, false},
		{"the function", func(l *taskFileLayout) { l.function-- }, false},
		{"a pointer", func(l *taskFileLayout) { l.fileInode += 4 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			layout := *right
			tt.wrong(&layout)
			var pids []int
			err := readTaskFiles(t.Context(), &layout, set, func(f taskFile) {
				if f.inode == st.Ino && !slices.Contains(pids, f.pid) {
					pids = append(pids, f.pid)
				}
			})
			if (err == nil) != tt.ok {
				t.Errorf("readTaskFiles: %v, want an error: %v", err, !tt.ok)
			}
			if tt.ok && !slices.Equal(pids, []int{os.Getpid()}) {
				t.Errorf("the socket is held by %v, want %d", pids, os.Getpid())
			}
		})
	}
}

// The kernel's types are found by reading their file as they are by mapping it.
func TestFindTaskFileLayout(t *testing.T) {
	mapped, err := findTaskFileLayout(kernelBTF)
	if os.IsNotExist(err) {
		t.Skip("the kernel does not describe itself")
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(kernelBTF)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, btfHeaderLen)
	if _, err := f.ReadAt(head, 0); err != nil {
		t.Fatal(err)
	}
	h, err := parseBTFHeader(head, fi.Size())
	if err != nil {
		t.Fatal(err)
	}
	var read taskFileLayout
	s := taskFileSearch(&read)
	if err := s.stream(f, h, make([]byte, h.stringsLen)); err != nil {
		t.Fatal(err)
	}
	read.function = s.id
	if read != *mapped {
		t.Errorf("by reading %+v, by mapping %+v", read, *mapped)
	}
}

// Every inode of a set has its bit, and few others do.
func TestInodeBits(t *testing.T) {
	for _, n := range []int{1, 200, 20000, 300000} {
		b := newInodeBits(n)
		has := func(inode uint64) bool {
			bit := inode * inodeFactor >> b.shift
			return b.bytes[bit/8]&(1<<(bit%8)) != 0
		}
		for i := range n {
			b.add(uint64(i) * 3)
		}
		for i := range n {
			if !has(uint64(i) * 3) {
				t.Fatalf("of %d inodes, %d has no bit", n, i*3)
			}
		}
		others := 0
		for i := range 10000 {
			if has(uint64(i)*3 + 1) {
				others++
			}
		}
		if others > 2000 {
			t.Errorf("of %d inodes, %d others in 10,000 have a bit", n, others)
		}
	}
}
