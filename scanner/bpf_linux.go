package scanner

import (
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bpf(2) has one argument of many shapes (union bpf_attr, <linux/bpf.h>). Those
// below are as long as they have to be: the kernel takes the rest for zero. The
// pointers in them are as wide as the kernel wants them on 64-bit machines alone.

// bpfCall calls bpf(2) and returns the new descriptor, where there is one.
func bpfCall(cmd int, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	for {
		n, _, e := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		if e != unix.EINTR {
			return int(n), e
		}
	}
}

// newBPFArray makes a map with the one element value, and returns its descriptor.
func newBPFArray(value []byte) (int, error) {
	create := struct{ kind, keySize, valueSize, maxEntries uint32 }{
		unix.BPF_MAP_TYPE_ARRAY, 4, uint32(len(value)), 1,
	}
	fd, e := bpfCall(unix.BPF_MAP_CREATE, unsafe.Pointer(&create), unsafe.Sizeof(create))
	if e != 0 {
		return -1, os.NewSyscallError("bpf map", e)
	}
	var key uint32
	update := struct {
		fd         uint32
		_          uint32
		key, value unsafe.Pointer
		flags      uint64
	}{fd: uint32(fd), key: unsafe.Pointer(&key), value: unsafe.Pointer(&value[0])}
	_, e = bpfCall(unix.BPF_MAP_UPDATE_ELEM, unsafe.Pointer(&update), unsafe.Sizeof(update))
	runtime.KeepAlive(value)
	if e != 0 {
		closeFile(fd)
		return -1, os.NewSyscallError("bpf map update", e)
	}
	return fd, nil
}

// loadBPFIterator has the kernel check a program that is to be called for each
// object of an iterator, whose function has the type id, and returns its
// descriptor.
func loadBPFIterator(program []bpfInstruction, id uint32) (int, error) {
	license := []byte(bpfLicense + "\x00")
	load := struct {
		kind, count         uint32
		program, license    unsafe.Pointer
		logLevel, logSize   uint32
		log                 unsafe.Pointer
		kernel, flags       uint32
		name                [unix.BPF_OBJ_NAME_LEN]byte
		ifindex, attachType uint32
		btf, funcInfoSize   uint32
		funcInfo            unsafe.Pointer
		funcInfos, lineSize uint32
		lineInfo            unsafe.Pointer
		lineInfos, attachID uint32
	}{
		kind: unix.BPF_PROG_TYPE_TRACING, attachType: unix.BPF_TRACE_ITER, attachID: id,
		count: uint32(len(program)), program: unsafe.Pointer(&program[0]), license: unsafe.Pointer(&license[0]),
	}
	copy(load.name[:], "whatslistening")
	// A signal breaks the check off, and the runtime sends them to its threads.
	const tries = 5
	for try := 1; ; try++ {
		fd, e := bpfCall(unix.BPF_PROG_LOAD, unsafe.Pointer(&load), unsafe.Sizeof(load))
		runtime.KeepAlive(program)
		runtime.KeepAlive(license)
		switch {
		case e == 0:
			return fd, nil
		case e != unix.EAGAIN || try == tries:
			return -1, os.NewSyscallError("bpf program", e)
		}
	}
}

// openBPFIterator returns a descriptor to read what the loaded program writes.
func openBPFIterator(program int) (int, error) {
	link := struct{ program, target, attachType, flags uint32 }{uint32(program), 0, unix.BPF_TRACE_ITER, 0}
	linked, e := bpfCall(unix.BPF_LINK_CREATE, unsafe.Pointer(&link), unsafe.Sizeof(link))
	if e != 0 {
		return -1, os.NewSyscallError("bpf link", e)
	}
	defer closeFile(linked)
	iter := struct{ link, flags uint32 }{uint32(linked), 0}
	fd, e := bpfCall(unix.BPF_ITER_CREATE, unsafe.Pointer(&iter), unsafe.Sizeof(iter))
	if e != 0 {
		return -1, os.NewSyscallError("bpf iterator", e)
	}
	return fd, nil
}

// A bpfReader reads the records that an iterator's program writes.
type bpfReader struct {
	fd, size int // of a record
	buf      []byte
}

// newBPFReader reads fd, which stays the caller's. The kernel gives no more at once
// than 8 pages (bpf_seq_read), which are half a megabyte on some machines: there it
// cuts where the room ends, so that this is of whole records.
func newBPFReader(fd, size int) *bpfReader {
	return &bpfReader{fd, size, make([]byte, 32<<10/size*size)}
}

// next returns the next records, good until it is called again, and whether there
// may be more: there may be where it has none, after a million things that the
// program wrote nothing of.
func (r *bpfReader) next() (records []byte, more bool, err error) {
	n, e := readSome(r.fd, r.buf)
	switch {
	case e == unix.EAGAIN:
		return nil, true, nil
	case e != 0:
		return nil, false, os.NewSyscallError("read of the bpf iterator", e)
	case n%r.size != 0:
		return nil, false, errors.New("bpf: a record is cut short")
	}
	return r.buf[:n], n > 0, nil
}
