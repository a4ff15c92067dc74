package scanner

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"os"
	"slices"
	"sync"
)

// A users finds the names of users in a passwd(5) file, without cgo. The file is
// read when the first name is asked for, and not again.
type users struct {
	path    string
	mu      sync.Mutex
	loaded  bool
	entries []userEntry // by uid, the first of each
	names   []byte      // the names, one behind the other
	cache   map[int64]string
}

// A userEntry is one line of the file, small because a file of a hundred
// thousand lines must not cost more memory than the scan.
type userEntry struct {
	uid, at uint32
	n       uint8
}

// passwd is where the users are, below the root of the host.
const passwd = "/etc/passwd"

// newUsers returns the users of the host whose processes o reads; those of this
// system where that file is not to be seen.
func newUsers(o *Options) *users {
	if root := o.hostRoot(); root != "" {
		if _, err := os.Stat(root + passwd); err == nil {
			return &users{path: root + passwd}
		}
	}
	return &users{path: passwd}
}

// name returns the name of a user, empty when there is no entry for it.
func (u *users) name(uid int64) string {
	if uid < 0 || uid > 1<<32-1 {
		return ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if name, ok := u.cache[uid]; ok {
		return name
	}
	if !u.loaded {
		u.loaded = true
		u.load()
	}
	name := ""
	if at, ok := slices.BinarySearchFunc(u.entries, uint32(uid), func(e userEntry, uid uint32) int {
		return cmp.Compare(e.uid, uid)
	}); ok {
		e := u.entries[at]
		name = string(u.names[e.at:][:e.n])
	}
	if u.cache == nil {
		u.cache = make(map[int64]string)
	}
	u.cache[uid] = name
	return name
}

// load reads the file. Without one every user is a number, which is no error:
// a container may have none.
func (u *users) load() {
	f, err := os.Open(u.path)
	if err != nil {
		return
	}
	defer f.Close()
	u.parse(f)
}

// parse reads entries until the end or the first error. A line that is none is
// passed over: comments, NIS marks ("+", "-"), numbers out of range. Of a line
// longer than the buffer the start is enough.
func (u *users) parse(r io.Reader) {
	lines := bufio.NewReaderSize(r, 8<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if name, uid, ok := parsePasswd(line); ok {
			u.entries = append(u.entries, userEntry{uid, uint32(len(u.names)), uint8(len(name))})
			u.names = append(u.names, name...)
		}
		for err == bufio.ErrBufferFull {
			_, err = lines.ReadSlice('\n')
		}
		if err != nil {
			break
		}
	}
	// The first entry of a uid gives the name, as in getpwuid(3).
	slices.SortStableFunc(u.entries, func(a, b userEntry) int { return cmp.Compare(a.uid, b.uid) })
	u.entries = slices.CompactFunc(u.entries, func(a, b userEntry) bool { return a.uid == b.uid })
}

// parsePasswd parses a line: name:password:uid:…
func parsePasswd(line []byte) (name []byte, uid uint32, ok bool) {
	name, rest, _ := bytes.Cut(line, []byte(":"))
	if len(name) == 0 || len(name) > 255 || name[0] == '+' || name[0] == '-' || name[0] == '#' {
		return nil, 0, false
	}
	_, rest, _ = bytes.Cut(rest, []byte(":"))
	number, _, found := bytes.Cut(rest, []byte(":"))
	n, isNumber := parseDecimal(number)
	if !found || !isNumber || n > 1<<32-1 {
		return nil, 0, false
	}
	return name, uint32(n), true
}
