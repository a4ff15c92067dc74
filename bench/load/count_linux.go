package load

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// count reads from /proc what there is in this process's namespaces, and in the
// network namespaces of other processes. The
// descriptors of process skip are left out.
func count(skip int) (Counts, error) {
	var c Counts
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return c, err
	}
	sockets := make(map[string]struct{})
	namespaces := make(map[string]string) // a process in each
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		c.Procs++
		if ns, err := os.Readlink("/proc/" + p.Name() + "/ns/net"); err == nil && namespaces[ns] == "" {
			namespaces[ns] = p.Name()
		}
		if pid == skip {
			continue
		}
		// One that has ended meanwhile has no descriptors.
		fds, _ := os.ReadDir("/proc/" + p.Name() + "/fd")
		c.FDs += len(fds)
		for _, fd := range fds {
			if to, err := os.Readlink("/proc/" + p.Name() + "/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, "socket:") {
				sockets[to] = struct{}{}
			}
		}
	}
	c.Sockets = len(sockets)
	var ends int
	for _, pid := range namespaces {
		for _, t := range []string{"tcp", "tcp6", "udp", "udp6"} {
			l, e, err := countTable("/proc/" + pid + "/net/" + t)
			if err != nil {
				return c, err
			}
			c.Listeners += l
			ends += e
		}
	}
	c.Conns = ends / 2
	return c, nil
}

// countTable counts the listeners and the ends of established connections in one
// of the socket tables of proc_net(5). A table that the kernel lacks is empty.
func countTable(path string) (listeners, ends int, err error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	udp := strings.Contains(path, "udp")
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// sl local_address rem_address st …, numbers in hexadecimal.
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 {
			return 0, 0, fmt.Errorf("%s: line %q has no state", path, lines.Text())
		}
		// The states are those of include/net/tcp_states.h.
		switch state, remote := fields[3], fields[2]; {
		case !udp && state == "0A":
			listeners++
		case !udp && state == "01":
			ends++
		case udp && strings.Trim(remote, "0:") == "":
			listeners++
		}
	}
	return listeners, ends, lines.Err()
}
