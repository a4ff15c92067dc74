package scanner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// An inquiry asks the witnesses of one network namespace. Its methods run in a
// thread that is in the namespace and stays there.
type inquiry struct {
	o *Options // of the protocols that can be compared
	// namespace is what the namespace is called; own says that it is the scan's.
	namespace string
	own       bool
	// net is the folder of this thread's tables, common the folder in which
	// gopsutil accounts for "net".
	net, common string
	// ident and files are the inodes of the namespace and of a file of its tables;
	// 0 where that is not known.
	ident, files uint64
	// pid is another process in the namespace; 0 where there is none.
	pid int
	// silent is why a witness did not answer.
	silent [witnesses]error
	// answered are those that ever did.
	answered [witnesses]bool
}

// comparable are the protocols that all kinds of witness know.
var comparable = [...]Protocol{TCP, UDP, UDPLite}

// newInquiry prepares an inquiry into the namespace of this thread.
func newInquiry(o *Options, namespace string) *inquiry {
	one := *o
	one.Protocols = nil
	for _, p := range o.protocols() {
		if slices.Contains(comparable[:], p) {
			one.Protocols = append(one.Protocols, p)
		}
	}
	root := o.procfs()
	q := &inquiry{o: &one, namespace: namespace, own: namespace == OwnNamespace, net: root + "/thread-self/net", common: root + "/thread-self"}
	if q.own && !exists(q.net) { // a copy of a procfs
		q.net, q.common = root+"/net", root
	} else if q.own && exists(root+"/self/net") {
		// What "/proc/net" leads to; everybody reads that.
		q.common = root + "/self"
	}
	q.ident, q.files = inodeOf(root+"/thread-self/ns/net"), inodeOf(q.net+"/dev")
	q.pid = q.another()
	return q
}

// inodeOf returns the inode number of a file, 0 where it cannot be seen.
func inodeOf(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

// has reports whether a process is in the namespace. Where one may not be asked
// for its namespaces, its tables tell: every network namespace has its own, whose
// files have inodes of their own (proc_alloc_inum).
func (q *inquiry) has(pid int) bool {
	if n := inodeOf(fmt.Sprintf("%s/%d/ns/net", q.o.procfs(), pid)); n != 0 && q.ident != 0 {
		return n == q.ident
	}
	n := inodeOf(q.folderOf(pid) + "/dev")
	return n != 0 && n == q.files
}

// another returns a process in the namespace that is neither this one nor, where
// that can be, pid 1: what hides from a reader may go by where it reads. It is 0
// where there is none.
func (q *inquiry) another() int {
	names, err := os.ReadDir(q.o.procfs())
	if err != nil {
		return 0
	}
	first := 0
	for _, e := range names {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !q.has(pid) {
			continue
		}
		if pid != 1 {
			return pid
		}
		first = pid
	}
	return first
}

// folderOf is where the tables of a process are.
func (q *inquiry) folderOf(pid int) string { return fmt.Sprintf("%s/%d/net", q.o.procfs(), pid) }

// turn asks every witness once. before is netlink's last account; the zero account
// where there is none. Where there is doubt already, what gopsutil reads is read
// by other means as well: a row that it loses is none that is hidden from it.
func (q *inquiry) turn(ctx context.Context, before account, doubt bool) (*turn, error) {
	t := new(turn)
	var err error
	if t.accounts[byNetlink] = before; !before.answered() {
		if t.accounts[byNetlink], err = q.netlink(ctx); err != nil {
			q.silent[byNetlink] = err
		}
	}
	if t.accounts[byGopsutil], err = q.gopsutil(ctx, doubt); err != nil {
		q.silent[byGopsutil] = err
	}
	if t.accounts[bySelf], err = q.tables(q.net); err != nil {
		q.silent[bySelf] = err
	}
	if q.pid != 0 {
		if t.accounts[byOther], err = q.tables(q.folderOf(q.pid)); err != nil {
			// It has ended, or has gone to another namespace.
			q.pid = q.another()
		} else if !q.has(q.pid) {
			t.accounts[byOther] = account{}
		}
	}
	if t.accounts[byNetlink].answered() {
		if t.after, err = q.netlink(ctx); err != nil {
			q.silent[byNetlink] = err
			t.accounts[byNetlink] = account{}
		}
	}
	for w := range t.accounts {
		q.answered[w] = q.answered[w] || t.accounts[w].answered()
	}
	return t, ctx.Err()
}

// netlink asks sock_diag.
func (q *inquiry) netlink(ctx context.Context) (account, error) {
	var c Coverage
	for range nlTries {
		conn, err := dialNetlink(unix.NETLINK_SOCK_DIAG)
		if err != nil {
			return account{}, err
		}
		// The kernel fills datagrams of the size that is read, so that with
		// another size each time the seams are elsewhere.
		conn.buf = conn.buf[:nlRoom/2+rand.IntN(nlRoom/2)]
		c = Coverage{Complete: true}
		socks, err := listDiag(ctx, conn, q.o, &c)
		conn.close()
		if err != nil {
			return account{}, err
		}
		if c.Complete {
			return accountOf(socks), nil
		}
	}
	return account{}, errLost
}

// accountOf is the account of one who saw socks.
func accountOf(socks []Socket) account {
	l := newAccount()
	for i := range socks {
		l.add(&socks[i])
	}
	return l
}

// gopsutil asks gopsutil.
func (q *inquiry) gopsutil(ctx context.Context, twice bool) (account, error) {
	kind, _ := gopsutilKind(q.o.protocols())
	if kind == "" {
		return account{}, nil
	}
	// Below the folder of a process there are no others, so that it accounts for no
	// holders.
	conns, err := gopsutilConns(pinned(ctx, q.common), kind)
	if err != nil {
		return account{}, err
	}
	l := account{places: make(map[place]int)}
	socks, _ := fromGopsutil(conns, false)
	for i := range socks {
		l.places[place{socks[i].Protocol, socks[i].Port, socks[i].Addr}] = 1
	}
	if twice {
		own, err := q.tables(q.common + "/net")
		if err != nil {
			return account{}, err
		}
		for p := range own.places {
			l.places[p] = 1
		}
	}
	return l, nil
}

// tables reads the tables of a folder.
func (q *inquiry) tables(folder string) (account, error) {
	l := newAccount()
	for _, p := range q.o.protocols() {
		for _, f := range [...]Family{IPv4, IPv6} {
			err := readProcTable(tableName(folder, p, f), f, func(r procRow) {
				if r.state != p.state() {
					return
				}
				l.add(&Socket{
					Protocol: p, Family: f, Addr: r.addr, Port: r.port,
					UID: int64(r.uid), Inode: r.inode, Namespace: q.namespace,
				})
			})
			if err != nil && !optional(err, p, f) {
				return account{}, err
			}
		}
	}
	return l, nil
}

// tableName is the path of a table.
func tableName(folder string, p Protocol, f Family) string {
	name := folder + "/" + p.String()
	if f == IPv6 {
		name += "6"
	}
	return name
}

// optional reports whether a table may be missing: a kernel without IPv6, or
// without UDP-Lite, has no such table.
func optional(err error, p Protocol, f Family) bool {
	return errors.Is(err, os.ErrNotExist) && (f == IPv6 || p == UDPLite)
}

// readProcTable reads a table of /proc/net.
func readProcTable(path string, f Family, take func(procRow)) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	t := procTable{family: f, take: take}
	var buf [4 << 10]byte
	// The kernel fills a page with rows, or as much as is asked for. Where the
	// first seam is sets where all are.
	room := 256 + rand.IntN(len(buf)-256)
	for {
		n, e := readSome(fd, buf[:room])
		if e != 0 {
			return &os.PathError{Op: "read", Path: path, Err: e}
		}
		if n == 0 {
			break
		}
		if err := t.write(buf[:n]); err != nil {
			return &os.PathError{Op: "read", Path: path, Err: err}
		}
		room = len(buf)
	}
	if err := t.end(); err != nil {
		return &os.PathError{Op: "read", Path: path, Err: err}
	}
	return nil
}

// look holds the witnesses against each other. It returns what is in doubt to
// the end, and those of rows that are no more.
func (q *inquiry) look(ctx context.Context, rows []*Socket) (list []*doubt, gone []*Socket, err error) {
	t, err := q.turn(ctx, account{}, false)
	if err != nil {
		return nil, nil, err
	}
	ds := newDoubts(t)
	gone = notIn(t, rows)
	for n := 1; n < turns && len(ds.list)+len(gone) > 0; n++ {
		if t, err = q.turn(ctx, t.after, true); err != nil {
			return nil, nil, err
		}
		ds.weigh(t)
		gone = notIn(t, gone)
	}
	return ds.verdicts(), gone, nil
}

// notIn returns the sockets of rows that no witness saw in a turn.
func notIn(t *turn, rows []*Socket) []*Socket {
	var list []*Socket
next:
	for _, r := range rows {
		s := sightOf(r)
		if r.Cookie == 0 && r.Inode == 0 { // gopsutil told of it
			s = sight{place: s.place}
		}
		for w := byNetlink; w < witnesses; w++ {
			if t.shows(w, s) && (w != byGopsutil || s.family == 0) {
				continue next
			}
		}
		list = append(list, r)
	}
	return list
}
