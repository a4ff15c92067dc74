package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// listenerSource is the program in the container.
const listenerSource = `package main

import (
	"fmt"
	"net"
)

func main() {
	l, err := net.Listen("tcp", ":7070")
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	for {
		if c, err := l.Accept(); err == nil {
			c.Close()
		}
	}
}
`

// A real container of a real podman: the published port that conmon holds and
// the port inside are both there, and know each other.
func TestPodman(t *testing.T) {
	for _, program := range []string{"podman", "runc", "iptables", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s (packages podman, runc, containernetworking-plugins, iptables): %v", program, err)
		}
	}
	if _, err := os.Stat("/usr/lib/cni/portmap"); err != nil {
		t.Skipf("needs the package containernetworking-plugins: %v", err)
	}
	inNamespaces(t, func(t *testing.T) {
		// What podman keeps goes with the mounts of this namespace.
		for _, dir := range []string{"/run", "/var/lib", "/var/tmp"} {
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
				t.Fatal(err)
			}
		}
		root := t.TempDir()
		source := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(source, []byte(listenerSource), 0o600); err != nil {
			t.Fatal(err)
		}
		build := exec.Command("go", "build", "-o", filepath.Join(root, "bin", "listener"), source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build the listener: %v\n%s", err, out)
		}
		podman(t, "run", "-d", "--name", "shop", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096",
			"-p", "17070:7070", "--rootfs", root+":O", "/bin/listener")
		t.Cleanup(func() { podman(t, "rm", "-f", "-t", "0", "shop") })
		id := strings.TrimSpace(podman(t, "inspect", "--format", "{{.Id}}", "shop"))
		awaitReady(t)

		got := command(t, nil, "17070", "7070")
		for _, want := range []string{"conmon → " + id[:12] + ":7070 (", "listener, published as 17070 ("} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("no %q in:\n%s%s", want, got.stdout, got.stderr)
			}
		}
		got = command(t, nil, "-o", "tree", id[:12])
		for _, want := range []string{"→ " + id[:12] + ":7070, listener (", "published as 17070\n"} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("no %q in:\n%s%s", want, got.stdout, got.stderr)
			}
		}

		outside, inside := ends(t)
		if len(outside.LeadsTo) != 1 || outside.LeadsTo[0] != (end{inside.Namespace, "tcp", inside.Address, 7070}) {
			t.Errorf("port 17070 leads to %+v, want port 7070 in %q", outside.LeadsTo, inside.Namespace)
		}
		if len(inside.PublishedAs) != 1 || inside.PublishedAs[0] != (end{"host", "tcp", outside.Address, 17070}) {
			t.Errorf("port 7070 is published as %+v, want port 17070 of the host", inside.PublishedAs)
		}
		in, out := inside.Processes[0], outside.Processes[0]
		if in.Runtime != "podman" || in.Container != id || in.ContainerName != "" || inside.Exposure != "container" {
			t.Errorf("inside = %+v, want a process of the container %s", inside, id)
		}
		if !slices.ContainsFunc(in.Ancestors, func(a ancestor) bool { return a.PID == out.PID && a.Name == "conmon" }) {
			t.Errorf("ancestors = %+v, want conmon %d among them", in.Ancestors, out.PID)
		}
		if f := out.Forwards; len(f) != 1 || f[0].Container != id || f[0].ToPort != 7070 || f[0].Namespace != inside.Namespace || out.Container != "" {
			t.Errorf("forwards = %+v of container %q", f, out.Container)
		}

		// Without podman's service its files tell the name, with it the service.
		for _, service := range []bool{false, true} {
			if service {
				podmanService(t)
			}
			if outside, inside = ends(t, "--container-names"); inside.Processes[0].ContainerName != "shop" || outside.Processes[0].Forwards[0].ContainerName != "shop" {
				t.Errorf("service %v: names %q and %q, want shop", service, inside.Processes[0].ContainerName, outside.Processes[0].Forwards[0].ContainerName)
			}
		}
		if got = command(t, nil, "--container-names", "--netns", "shop"); !strings.Contains(got.stdout, " 7070 ") || strings.Contains(got.stdout, "17070  ") {
			t.Errorf("the namespace by the name of the container:\n%s%s", got.stdout, got.stderr)
		}
		got = command(t, nil, "--container-names", "shop")
		if !strings.Contains(got.stdout, "conmon → shop:7070 (") || !strings.Contains(got.stdout, "  shop\n") || strings.Contains(got.stdout, "not known") {
			t.Errorf("the list by the name of the container:\n%s%s", got.stdout, got.stderr)
		}
	})
}

// podman runs podman, and returns what it says.
func podman(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("podman", append([]string{"--runtime", "/usr/sbin/runc", "--cgroup-manager", "cgroupfs"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("podman %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// awaitReady waits until the program in the container says that it listens.
func awaitReady(t *testing.T) {
	t.Helper()
	cmd := exec.Command("podman", "logs", "--follow", "shop")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if line != "ready\n" {
		t.Fatalf("the container said %q (%v), want ready", line, err)
	}
}

// podmanService starts podman's service at its usual socket, as systemd does,
// and waits until it answers.
func podmanService(t *testing.T) {
	t.Helper()
	const socket = "/run/podman/podman.sock"
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec podman system service --time=0")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		l.Close()
	})
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /_ping HTTP/1.0\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "200") {
		t.Fatalf("podman's service said %q (%v)", line, err)
	}
}

// What is read here of a report.
type (
	published struct {
		Namespace, Address, Exposure string
		Port                         int
		LeadsTo                      []end `json:"leads_to"`
		PublishedAs                  []end `json:"published_as"`
		Processes                    []struct {
			PID                int
			Runtime, Container string
			ContainerName      string `json:"container_name"`
			Ancestors          []ancestor
			Forwards           []struct {
				Container, Namespace string
				ContainerName        string `json:"container_name"`
				ToPort               int    `json:"to_port"`
			}
		}
	}
	end struct {
		Namespace, Protocol, Address string
		Port                         int
	}
	ancestor struct {
		PID  int
		Name string
	}
)

// ends returns the two ends of the published port, of which there is one each.
func ends(t *testing.T, args ...string) (outside, inside published) {
	t.Helper()
	got := command(t, nil, append([]string{"-o", "json", "17070", "7070"}, args...)...)
	var r struct{ Listeners []published }
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil {
		t.Fatalf("%v in:\n%s%s", err, got.stdout, got.stderr)
	}
	for _, l := range r.Listeners {
		switch {
		case l.Port == 17070 && len(l.Processes) > 0:
			outside = l
		case l.Port == 7070 && len(l.Processes) > 0:
			inside = l
		}
	}
	if len(r.Listeners) != 2 || outside.Port == 0 || inside.Port == 0 {
		t.Fatalf("not the two ends of the port:\n%s", got.stdout)
	}
	return outside, inside
}
