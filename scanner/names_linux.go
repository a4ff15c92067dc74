package scanner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The sockets of the engines ([socketAt]), below the root of the host, and below the folder of
// a user those of rootless ones.
const (
	dockerSocket = "/run/docker.sock"
	podmanSocket = "/run/podman/podman.sock"
	crioSocket   = "/run/crio/crio.sock"

	userFolders      = "/run/user"
	userDockerSocket = "/docker.sock"
	userPodmanSocket = "/podman/podman.sock"

	containersStorage = "/var/lib/containers/storage"
)

// nameContainers asks the engines of the host for the names of the containers
// that the snapshot speaks of, once it has its holders and namespaces. All of
// them together have [engineTime].
func (s *Snapshot) nameContainers(ctx context.Context, o *Options) {
	ns := s.wantNames()
	if len(ns.wanted) > 0 {
		until := time.Now().Add(engineTime)
		if d, ok := ctx.Deadline(); ok && d.Before(until) {
			until = d
		}
		ns.ask(o.hostRoot(), until)
		ns.readStorage(o.hostRoot())
		s.askMonitors(ctx, o, ns)
		ns.limits(&s.Coverage)
	}
	ns.apply(s)
}

// An engineReply is what came of asking one engine.
type engineReply struct {
	runtime, user string
	names         map[string]containerName
	err           error
}

// ask asks the engines of the runtimes whose containers have no name yet. An
// engine that runs nothing is left alone: to ask may start it.
func (ns *nameSearch) ask(root string, until time.Time) {
	var asked int
	replies := make(chan engineReply, 64)
	ask := func(runtime, user string, get func() (map[string]containerName, error)) {
		if asked == cap(replies) {
			return
		}
		asked++
		go func() {
			names, err := get()
			replies <- engineReply{runtime, user, names, err}
		}()
	}
	list := func(socket string) (map[string]containerName, error) {
		b, err := askEngine(socket, "/containers/json", until)
		if err != nil {
			return nil, err
		}
		return parseContainers(b)
	}
	for _, e := range [...]struct{ runtime, socket, userSocket string }{
		{"docker", dockerSocket, userDockerSocket}, {"podman", podmanSocket, userPodmanSocket},
	} {
		ids := ns.missing(e.runtime)
		if len(ids) == 0 {
			continue
		}
		ask(e.runtime, "", func() (map[string]containerName, error) { return list(socketAt(root, e.socket)) })
		for _, user := range namesIn(root + userFolders) {
			slice := "user-" + user + ".slice"
			if slices.ContainsFunc(ids, func(id string) bool { return ns.wanted[id].slice == slice }) {
				ask(e.runtime, user, func() (names map[string]containerName, err error) {
					err = atUserSocket(root, user, e.userSocket, func(socket string) error {
						names, err = list(socket)
						return err
					})
					return names, err
				})
			}
		}
	}
	if ids := ns.missing("cri-o"); len(ids) > 0 {
		ask("cri-o", "", func() (map[string]containerName, error) { return askCRIO(socketAt(root, crioSocket), ids, until) })
	}
	got := make([]engineReply, 0, asked)
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for range asked {
		select {
		case r := <-replies:
			got = append(got, r)
			continue
		case <-timer.C:
		}
		break
	}
	// The system's engine first, in whichever order they answered.
	slices.SortFunc(got, func(a, b engineReply) int { return strings.Compare(a.user, b.user) })
	for _, r := range got {
		ns.learn(r.user, r.names)
		if r.err != nil && (ns.failed[r.runtime] == nil || r.user == "") {
			ns.failed[r.runtime] = r.err
		}
	}
}

// socketAt returns where a socket in /run is: in /var/run where that is a folder of
// its own. As a rule it is a link to "/run", which below another root leads to ours.
func socketAt(root, socket string) string {
	if !exists(root+socket) && exists(root+"/var"+socket) {
		return root + "/var" + socket
	}
	return root + socket
}

// atUserSocket calls ask with a path that leads to a socket in the folder of a user
// below userFolders. It is the user who decides what stands there: what is not a
// socket of that user's own is not asked, nor is what a link leads to. Otherwise the
// rights of this process could be lent to reach a socket that is not for the user.
func atUserSocket(root, user, socket string, ask func(path string) error) error {
	whole := userFolders + "/" + user + socket
	at, err := unix.Open(root+userFolders, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: root + userFolders, Err: err}
	}
	defer func() { unix.Close(at) }()
	for name := range strings.SplitSeq(user+socket, "/") {
		next, err := unix.Openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: root + whole, Err: err}
		}
		unix.Close(at)
		at = next
	}
	var st unix.Stat_t
	if err := unix.Fstat(at, &st); err != nil {
		return &os.PathError{Op: "stat", Path: root + whole, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || strconv.FormatUint(uint64(st.Uid), 10) != user {
		return fmt.Errorf("%q is no socket of that user", root+whole)
	}
	err = ask("/proc/self/fd/" + strconv.Itoa(at))
	if e := (*net.OpError)(nil); errors.As(err, &e) {
		e.Addr = &net.UnixAddr{Name: root + whole, Net: "unix"}
	}
	return err
}

// askCRIO asks CRI-O for each container.
func askCRIO(socket string, ids []string, until time.Time) (map[string]containerName, error) {
	found := make(map[string]containerName)
	for _, id := range ids {
		b, err := askEngine(socket, "/containers/"+id, until)
		if err != nil {
			return found, err
		}
		if found[id], err = parseCRIO(b); err != nil {
			return found, err
		}
	}
	return found, nil
}

// readStorage takes the names that podman's storage has, which are to be read
// where its service does not run.
func (ns *nameSearch) readStorage(root string) {
	if len(ns.missing("podman", "cri-o")) == 0 {
		return
	}
	for _, name := range namesIn(root + containersStorage) {
		if strings.HasSuffix(name, "-containers") { // of each storage driver
			ns.learn("", parseStorage(readHostFile(root+containersStorage+"/"+name+"/containers.json")))
		}
	}
}

// askMonitors takes the names that are still missing from the arguments of
// conmon: podman and CRI-O have one above the processes of each container, a
// rootless podman too.
func (s *Snapshot) askMonitors(ctx context.Context, o *Options, ns *nameSearch) {
	if len(ns.missing("podman", "cri-o")) == 0 {
		return
	}
	root, err := openProc(o.procfs())
	if err != nil {
		return
	}
	defer root.close()
	above := parents{root: root}
	monitors := make(map[int]*holder)
	for i := range s.Sockets {
		for _, p := range s.Sockets[i].Holders {
			if p.Container == "" && forwarderOf(p.Name) != conmon {
				continue
			}
			q := above.of(p.PID, 1<<64-1)
			for n := 0; q != nil && forwarderOf(q.name) != conmon && n < maxAncestors; n++ {
				q = above.of(q.ppid, q.start)
			}
			if q != nil && forwarderOf(q.name) == conmon {
				monitors[q.pid] = &holder{Process: Process{PID: q.pid, Name: q.name, Container: p.Container, UID: p.UID}, start: q.start}
			}
		}
	}
	list := slices.Collect(maps.Values(monitors))
	askAll(ctx, &Options{ProcFS: o.ProcFS, root: o.root}, list)
	for _, m := range list {
		f := m.forwards
		if f == nil || f.name == "" {
			continue
		}
		// Anybody's program may be called conmon. One that stands above the
		// container is its own; others speak for the containers of their user.
		user := ""
		if m.Container != f.container && m.UID != 0 {
			user = strconv.FormatInt(m.UID, 10)
		}
		ns.learn(user, map[string]containerName{f.container: {name: f.name}})
	}
}
