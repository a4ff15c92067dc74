package scanner

import (
	"os"

	"golang.org/x/sys/unix"
)

// kernelBTF is where the kernel describes itself: Linux 5.4 and newer, built
// with CONFIG_DEBUG_INFO_BTF.
const kernelBTF = "/sys/kernel/btf/vmlinux"

// find looks through a BTF file. It maps the file, which sysfs allows since
// Linux 6.16; before, it reads it, which costs a call for each page.
func (s *btfSearch) find(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	var head [btfHeaderLen]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return err
	}
	h, err := parseBTFHeader(head[:], fi.Size())
	if err != nil {
		return err
	}
	all, err := unix.Mmap(fd, 0, int(fi.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err == nil {
		defer unix.Munmap(all)
		return s.search(all[h.strings:][:h.stringsLen], all[h.types:][:h.typesLen])
	}
	// Outside the heap, since it is megabytes that nobody needs afterwards.
	names, err := unix.Mmap(-1, 0, h.stringsLen, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	defer unix.Munmap(names)
	return s.stream(f, h, names)
}
