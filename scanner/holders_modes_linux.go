package scanner

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socket is always open for reading and for writing (net/socket.c:
// sock_alloc_file), and the mode of the link of a descriptor says how that is
// open (fs/proc/fd.c: tid_fd_update_inode). To ask for the mode costs half of
// reading the link. So a descriptor that is likely to be open for one of the two
// alone, a file or the end of a pipe, is asked for its mode first; only what the
// answer cannot rule out has its link read. A wrong guess costs time and nothing
// else.

// modes guesses how descriptors are open. What processes start with, and what
// those of one program have, stands at the same numbers; above these a
// descriptor is like the one before it.
type modes struct {
	// score is by number, and the last one by what came before: from 0, likely
	// both ways, to modeSure, likely one way.
	score [modeNumbers + 1]modeScore
	// asks reports whether this procfs tells modes and statx(2) may be called.
	asks bool
	st   unix.Statx_t
}

// A modeScore says how likely a descriptor is open one way alone.
type modeScore uint8

const (
	modeNumbers           = 64
	modeSure    modeScore = 3
	modeHalf    modeScore = 2 // from here on one way is the likelier
)

// at returns the score for a descriptor.
func (m *modes) at(fd int) *modeScore { return &m.score[min(fd, modeNumbers)] }

// oneWay reports whether a descriptor is likely open one way.
func (m *modes) oneWay(fd int) bool { return m.asks && *m.at(fd) >= modeHalf }

// rulesOut reports whether a descriptor is open for reading or for writing alone,
// and therefore is no socket. One opened with O_PATH is open for neither and may
// be. The error is that of a descriptor or a process that is gone.
func (m *modes) rulesOut(dir, fd int, name *byte) (bool, unix.Errno) {
	var e unix.Errno
	for {
		_, _, e = unix.RawSyscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(name)),
			unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MODE, uintptr(unsafe.Pointer(&m.st)), 0)
		if e != unix.EINTR {
			break
		}
	}
	switch e {
	case 0:
	case unix.ENOENT, unix.ESRCH:
		return false, e
	default:
		m.asks = false // an old kernel, a seccomp profile: the links tell it all
		return false, 0
	}
	read, write := m.st.Mode&unix.S_IRUSR != 0, m.st.Mode&unix.S_IWUSR != 0
	if read != write {
		*m.at(fd) = modeSure
		return true, 0
	}
	*m.at(fd) = 0
	return false, 0
}

// learn makes what it can of a link that was read without asking: sockets, epoll
// and the like are open both ways, pipes and most files one way.
func (m *modes) learn(fd int, link []byte) {
	if len(link) == 0 {
		return
	}
	score := m.at(fd)
	switch link[0] {
	case 's', 'a': // "socket:[", "anon_inode:"
		*score = 0
	case 'p': // "pipe:["
		*score = modeSure
	default:
		*score = min(*score+1, modeSure)
	}
}
