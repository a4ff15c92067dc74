package scanner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An engine is a fake one, at a unix socket below a root folder.
type engine struct {
	asked atomic.Int32
}

// newEngine starts an engine that gives an answer to each path; to any other
// "404", and to an answer of "" nothing at all.
func newEngine(t *testing.T, socket string, answers map[string]string) *engine {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	e := new(engine)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			e.asked.Add(1)
			go func() {
				defer c.Close()
				b := bufio.NewReader(c)
				line, _ := b.ReadString('\n')
				f := strings.Fields(line)
				if len(f) != 3 || f[0] != "GET" {
					fmt.Fprintf(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
					return
				}
				answer, ok := answers[f[1]]
				switch {
				case !ok:
					fmt.Fprintf(c, "HTTP/1.1 404 Not Found\r\n\r\n")
				case answer == "":
					_, _ = b.WriteTo(new(strings.Builder)) // until the other side gives up
				default:
					fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(answer), answer)
				}
			}()
		}
	}()
	return e
}

// shortDir is a folder with a path that a unix socket can have.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "wl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// inContainers is a snapshot with a process in each container, "RUNTIME ID
// [SLICE]".
func inContainers(containers ...string) *Snapshot {
	s := &Snapshot{Coverage: Coverage{Complete: true}, Namespaces: []Namespace{{Name: "host"}}}
	for i, text := range containers {
		f := strings.Fields(text + " -")
		s.Namespaces = append(s.Namespaces, Namespace{Name: f[1], Runtime: f[0], Container: f[1]})
		s.Sockets = append(s.Sockets, Socket{Namespace: f[1], Holders: []*Process{{PID: 100 + i, PPID: 1, Runtime: f[0], Container: f[1], Slice: f[2]}}})
	}
	return s
}

// namesOf are the names that nameContainers gave, by process and by namespace,
// and the limitations.
func namesOf(t *testing.T, s *Snapshot, root string, files map[string]string) string {
	t.Helper()
	if files == nil {
		files = map[string]string{"1/stat": statOf(1, "systemd", 0, 1)}
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(engineTime))
	defer cancel()
	s.nameContainers(ctx, &Options{ProcFS: fixture(t, files), root: root, ContainerNames: true})
	var b strings.Builder
	for i := range s.Sockets {
		p := s.Sockets[i].Holders[0]
		if s.Namespaces[i+1].ContainerName != p.ContainerName {
			t.Errorf("the namespace is of %q, the process of %q", s.Namespaces[i+1].ContainerName, p.ContainerName)
		}
		fmt.Fprintf(&b, "%q %q; ", p.ContainerName, p.Image)
	}
	for _, l := range s.Coverage.Limitations {
		fmt.Fprintf(&b, "%s: %s. %s; ", l.Code, l.Text, l.Remedy)
	}
	if s.Coverage.Complete != (len(s.Coverage.Limitations) == 0) {
		t.Errorf("complete = %v with limitations %v", s.Coverage.Complete, s.Coverage.Limitations)
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func TestContainerNames(t *testing.T) {
	list := func(id, name string) map[string]string {
		return map[string]string{"/containers/json": `[{"Id":"` + id + `","Names":["/` + name + `"],"Image":"img"}]`}
	}
	me := strconv.Itoa(os.Getuid())
	conmonFiles := map[string]string{
		"1/stat":     statOf(1, "systemd", 0, 1),
		"90/stat":    statOf(90, "conmon", 1, 5),
		"90/cmdline": "/usr/bin/conmon\x00-c\x00" + id1 + "\x00-n\x00web\x00",
		"95/stat":    statOf(95, "sh", 90, 6),
		"100/stat":   statOf(100, "app", 95, 9),
	}
	tests := []struct {
		name       string
		containers []string
		engines    map[string]map[string]string
		files      map[string]string // below the root
		procs      map[string]string
		want       string
	}{
		{"docker", []string{"docker " + id1}, map[string]map[string]string{dockerSocket: list(id1, "web")}, nil, nil, `"web" "img"`},
		{"podman", []string{"podman " + id1}, map[string]map[string]string{podmanSocket: list(id1, "web")}, nil, nil, `"web" "img"`},
		{
			"CRI-O",
			[]string{"cri-o " + id1},
			map[string]map[string]string{crioSocket: {"/containers/" + id1: `{"name":"k8s_web","labels":{"io.kubernetes.container.name":"web"},"image":"img"}`}},
			nil, nil, `"web" "img"`,
		},
		{"those whose id is their name", []string{"lxc web1", "systemd-nspawn db"}, nil, nil, nil, `"web1" ""; "db" ""`},
		{"a user's own", []string{"podman " + id1 + " user-" + me + ".slice"}, map[string]map[string]string{"/run/user/" + me + "/podman/podman.sock": list(id1, "web")}, nil, nil, `"web" "img"`},
		{
			"a user does not speak for another's",
			[]string{"podman " + id1 + " user-" + me + ".slice", "podman " + id2 + " machine.slice"},
			map[string]map[string]string{"/run/user/" + me + "/podman/podman.sock": list(id2, "mine"), podmanSocket: list(id1, "web")},
			nil, nil,
			`"web" "img"; "" ""; container-names: the name of 1 container of podman is not known: the engine that answered does not know it. `,
		},
		{
			"nobody answers",
			[]string{"docker " + id1, "docker " + id2, "podman f" + id1[1:]},
			nil, nil, nil,
			`"" ""; "" ""; "" ""; container-names: the names of 2 containers of docker are not known: the engine did not answer (dial unix ROOT/run/docker.sock: connect: no such file or directory). systemctl start docker; ` +
				`container-names: the name of 1 container of podman is not known: the engine did not answer (dial unix ROOT/run/podman/podman.sock: connect: no such file or directory). systemctl start podman.socket (for a user's containers: systemctl --user start podman.socket)`,
		},
		{
			"containerd",
			[]string{"containerd " + id1},
			nil, nil, nil,
			`"" ""; container-names: the name of 1 container of containerd is not known: it has no interface that could be asked here. crictl ps, or nerdctl ps, says them`,
		},
		{
			"an answer that is none",
			[]string{"docker " + id1},
			map[string]map[string]string{dockerSocket: {"/containers/json": "<html>"}},
			nil, nil,
			`"" ""; container-names: the name of 1 container of docker is not known: the engine did not answer (an answer that is no list of containers). systemctl start docker`,
		},
		{
			"an engine that says no",
			[]string{"docker " + id1},
			map[string]map[string]string{dockerSocket: nil},
			nil, nil,
			`"" ""; container-names: the name of 1 container of docker is not known: the engine did not answer (status "404"). systemctl start docker`,
		},
		{
			"podman's storage",
			[]string{"podman " + id1},
			nil,
			map[string]string{containersStorage + "/overlay-containers/containers.json": `[{"id":"` + id1 + `","names":["web"],"metadata":"{\"image-name\":\"img\"}"}]`},
			nil, `"web" "img"`,
		},
		{"podman's monitor", []string{"podman " + id1}, nil, nil, conmonFiles, `"web" ""`},
		{
			"the monitor of another",
			[]string{"podman " + id2},
			nil, nil, conmonFiles,
			`"" ""; container-names: the name of 1 container of podman is not known: the engine did not answer (dial unix ROOT/run/podman/podman.sock: connect: no such file or directory). systemctl start podman.socket (for a user's containers: systemctl --user start podman.socket)`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := shortDir(t)
			for socket, answers := range tt.engines {
				newEngine(t, root+socket, answers)
			}
			for name, text := range tt.files {
				if err := os.MkdirAll(filepath.Dir(root+name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(root+name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := inContainers(tt.containers...)
			if tt.name == "the monitor of another" {
				// A program of a user's that is called conmon.
				s.Sockets[0].Holders[0].PPID = 1
				s.Sockets = append(s.Sockets, Socket{Holders: []*Process{{PID: 90, Name: "conmon", UID: 7}}})
				s.Namespaces = append(s.Namespaces, Namespace{Name: "x"})
				conmonFiles["90/cmdline"] = strings.ReplaceAll(conmonFiles["90/cmdline"], id1, id2)
				conmonFiles["100/stat"] = statOf(100, "app", 1, 9)
				tt.want = strings.Replace(tt.want, `"" ""`, `"" ""; "" ""`, 1)
			}
			if got := strings.ReplaceAll(namesOf(t, s, root, tt.procs), root, "ROOT"); got != tt.want {
				t.Errorf("names:\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// To ask an engine may start it: one that runs nothing is left alone.
func TestContainerNamesLeftAlone(t *testing.T) {
	root := shortDir(t)
	docker, podman := newEngine(t, root+dockerSocket, nil), newEngine(t, root+podmanSocket, nil)
	user := newEngine(t, root+"/run/user/8/podman/podman.sock", nil)
	namesOf(t, inContainers("podman "+id1+" user-7.slice"), root, nil)
	namesOf(t, inContainers(), root, nil)
	if docker.asked.Load() != 0 || podman.asked.Load() != 1 || user.asked.Load() != 0 {
		t.Errorf("docker was asked %d times, podman %d, another user's %d; want 0, 1, 0", docker.asked.Load(), podman.asked.Load(), user.asked.Load())
	}
}

// A user decides what stands in the user's own folder: what leads to the socket of
// another is not asked, by whichever part of the path.
func TestContainerNamesUserSocket(t *testing.T) {
	me := strconv.Itoa(os.Getuid())
	tests := []struct {
		name  string
		user  string
		place func(root, folder string) error
		asked int32
	}{
		{"their own", me, func(root, folder string) error {
			return os.Rename(root+"/run/engine", folder+"/podman")
		}, 1},
		{"a link to another's", me, func(root, folder string) error {
			return errors.Join(os.Mkdir(folder+"/podman", 0o755), os.Symlink(root+"/run/engine/podman.sock", folder+userPodmanSocket))
		}, 0},
		{"a folder that is a link", me, func(root, folder string) error {
			return os.Symlink(root+"/run/engine", folder+"/podman")
		}, 0},
		{"a socket of another", "4242", func(root, folder string) error {
			return os.Rename(root+"/run/engine", folder+"/podman")
		}, 0},
		{"a file", me, func(_, folder string) error {
			return errors.Join(os.Mkdir(folder+"/podman", 0o755), os.WriteFile(folder+userPodmanSocket, nil, 0o600))
		}, 0},
	}
	for _, tt := range tests {
		root := shortDir(t)
		e := newEngine(t, root+"/run/engine/podman.sock", map[string]string{"/containers/json": `[{"Id":"` + id1 + `","Names":["web"]}]`})
		folder := root + userFolders + "/" + tt.user
		if err := errors.Join(os.MkdirAll(folder, 0o755), tt.place(root, folder)); err != nil {
			t.Fatal(err)
		}
		got := namesOf(t, inContainers("podman "+id1+" user-"+tt.user+".slice"), root, nil)
		if e.asked.Load() != tt.asked || strings.HasPrefix(got, `"web"`) != (tt.asked == 1) {
			t.Errorf("%s: asked %d times, want %d; names %s", tt.name, e.asked.Load(), tt.asked, got)
		}
	}
}

// The error of a user's engine names the place, not the way to it.
func TestContainerNamesUserSocketError(t *testing.T) {
	me, root := strconv.Itoa(os.Getuid()), shortDir(t)
	newEngine(t, root+podmanSocket, map[string]string{"/containers/json": "[]"})
	path := root + userFolders + "/" + me + userPodmanSocket
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	want := "(dial unix " + path + ": connect: connection refused)"
	if got := namesOf(t, inContainers("podman "+id1+" user-"+me+".slice"), root, nil); !strings.Contains(got, want) {
		t.Errorf("no %q in %s", want, got)
	}
}

// An engine that never answers costs a bounded time, and those that do answer
// are heard.
func TestContainerNamesSilent(t *testing.T) {
	root := shortDir(t)
	newEngine(t, root+dockerSocket, map[string]string{"/containers/json": ""})
	newEngine(t, root+podmanSocket, map[string]string{"/containers/json": `[{"Id":"` + id2 + `","Names":["db"]}]`})
	got := namesOf(t, inContainers("docker "+id1, "podman "+id2), root, nil)
	if !strings.HasPrefix(got, `"" ""; "db" ""; container-names: the name of 1 container of docker is not known`) {
		t.Errorf("names = %s", got)
	}
}

// An engine that knows the ports says where a forward leads of which only the
// container was known.
func TestContainerNamesPorts(t *testing.T) {
	root := shortDir(t)
	newEngine(t, root+podmanSocket, map[string]string{"/containers/json": `[{"Id":"` + id1 + `","Names":["web"],"Ports":[{"IP":"","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}]}]`})
	s := inContainers("podman " + id1)
	from := netip.MustParseAddrPort("0.0.0.0:8080")
	s.Sockets[0].Holders[0].Forwards = []Forward{{Protocol: TCP, From: from, Container: id1}, {Protocol: UDP, From: from, Container: id1}}
	namesOf(t, s, root, nil)
	fs := s.Sockets[0].Holders[0].Forwards
	if fs[0].ContainerName != "web" || fs[0].To.Port() != 80 || fs[1].ContainerName != "web" || fs[1].To.Port() != 0 {
		t.Errorf("forwards = %+v", fs)
	}
}

// Below another root /var/run is a link that leads to this one: the socket is looked
// for where it leads to there. Where /var/run is a folder, it is there.
func TestSocketBelowAnotherRoot(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"/run", "/var/run"} {
		if err := os.MkdirAll(root+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(root+"/var"+dockerSocket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := socketAt(root, dockerSocket); got != root+"/var/run/docker.sock" {
		t.Errorf("a folder: %q", got)
	}
	if err := os.WriteFile(root+dockerSocket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := socketAt(root, dockerSocket); got != root+"/run/docker.sock" {
		t.Errorf("a link: %q", got)
	}
}
