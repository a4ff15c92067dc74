package scanner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The container of a namespace is the one that its processes are in, or the oldest
// of those; each of them is a name for it.
func TestNamespaceContainer(t *testing.T) {
	a, b := strings.Repeat("a1", 32), strings.Repeat("b2", 32)
	docker := func(id string) string { return "0::/system.slice/docker-" + id + ".scope\n" }
	tests := []struct {
		name    string
		cgroups []string
		starts  []int // of the processes; 0 for one that has ended since
		want    string
	}{
		{"none", []string{"0::/user.slice\n", "0::/\n"}, nil, ""},
		{"one", []string{docker(a), docker(a)}, nil, "docker " + a},
		{"one, and a process of the host", []string{"0::/\n", docker(a)}, nil, "docker " + a},
		{"two, as in a pod", []string{docker(a), docker(b), docker(a)}, []int{500, 600, 700}, "docker " + a},
		{"two, of which the first has the later pid", []string{docker(a), docker(b)}, []int{600, 500}, "docker " + b},
		{"two, of which one has just ended", []string{docker(a), docker(b)}, []int{0, 500}, "docker " + b},
		{"a process that is gone", []string{"", docker(b)}, nil, "docker " + b},
	}
	for _, tt := range tests {
		root := t.TempDir()
		n := &netNS{Namespace: Namespace{Inode: 7}, fd: -1}
		for i, text := range tt.cgroups {
			dir := filepath.Join(root, strconv.Itoa(10+i))
			n.pids = append(n.pids, int32(10+i))
			if text == "" {
				continue
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "cgroup"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if tt.starts == nil || tt.starts[i] == 0 {
				continue
			}
			stat := fmt.Sprintf("%d (pause) S %s %d 0\n", 10+i, strings.Repeat("1 ", 18), tt.starts[i])
			if err := os.WriteFile(filepath.Join(dir, "stat"), []byte(stat), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		n.contained(root)
		if got := strings.TrimSpace(n.Runtime + " " + n.Container); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		for _, id := range []string{a, b, a[:shortID], a[:shortID-1], "a1"} {
			search := netSearch{found: map[uint64]*netNS{7: n}}
			found, err := search.pick(t.Context(), &Options{ProcFS: root, NetNS: id})
			want := len(id) >= shortID && slices.Contains(tt.cgroups, docker((id + strings.Repeat(id[:2], 32))[:64]))
			if (found == n) != want || (err == nil) != want {
				t.Errorf("%s: %q is %v, %v, want %v", tt.name, id, found, err, want)
			}
		}
	}
}

// Where the engines are asked, the name that one has for a container leads to its
// namespace.
func TestNamespaceByContainerName(t *testing.T) {
	id3 := "9" + id1[1:]
	proc := fixture(t, map[string]string{
		"10/cgroup": "0::/system.slice/docker-" + id1 + ".scope\n", "10/stat": statOf(10, "pause", 1, 5),
		"11/cgroup": "0::/system.slice/docker-" + id2 + ".scope\n", "11/stat": statOf(11, "app", 1, 6),
		"20/cgroup": "0::/system.slice/docker-" + id3 + ".scope\n", "20/stat": statOf(20, "app", 1, 7),
	})
	container := func(id, name string) string { return `{"Id":"` + id + `","Names":["/` + name + `"]}` }
	root := shortDir(t)
	newEngine(t, root+dockerSocket, map[string]string{
		"/containers/json": "[" + container(id1, "pod") + "," + container(id2, "shop") + "," + container(id3, "bank") + "]",
	})
	newEngine(t, root+"/twins"+dockerSocket, map[string]string{"/containers/json": "[" + container(id1, "shop") + "," + container(id3, "shop") + "]"})
	tests := []struct {
		name, root string
		ask        bool
		inode      uint64
		err        string
	}{
		{"pod", root, true, 7, ""},
		{"shop", root, true, 7, ""}, // another container of the pod
		{"bank", root, true, 8, ""},
		{"bank", root, false, 0, `no such network namespace: "bank"`},
		{"none", root, true, 0, `no such network namespace: "none"`},
		{"shop", root + "/twins", true, 0, `no such network namespace: "shop" is more than one`},
		{"shop", root + "/none", true, 0, `no such network namespace: "shop"; the names of 3 containers of docker are not known: the engine did not answer`},
	}
	for _, tt := range tests {
		search := netSearch{found: map[uint64]*netNS{
			7: {Namespace: Namespace{Inode: 7}, fd: -1, pids: []int32{10, 11}}, 8: {Namespace: Namespace{Inode: 8}, fd: -1, pids: []int32{20}},
		}}
		found, err := search.pick(t.Context(), &Options{ProcFS: proc, NetNS: tt.name, ContainerNames: tt.ask, root: tt.root})
		if tt.inode == 0 {
			if !errors.Is(err, ErrNoNamespace) || !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("%q, asked %v: %v, %v, want %q", tt.name, tt.ask, found, err, tt.err)
			}
			continue
		}
		if err != nil || found.Inode != tt.inode {
			t.Errorf("%q: %v, %v, want %d", tt.name, found, err, tt.inode)
		}
	}
}

// What would let a scan into a namespace depends on who asks: root is not told to
// become root.
func TestNamespaceErrorRemedy(t *testing.T) {
	tests := []struct {
		who  privileges
		want string
	}{
		{privileges{uid: 1000, initial: true}, "run as root"},
		{privileges{ptrace: true, search: true, initial: true}, "--cap-add SYS_ADMIN"},
		{privileges{ptrace: true, search: true, admin: true, initial: true}, "security module"},
		{privileges{ptrace: true, search: true, admin: true}, "root of the host"},
	}
	for _, tt := range tests {
		err := tt.who.refused(fmt.Errorf("network namespace %q: %w", "red", os.ErrPermission))
		var e *NamespaceError
		if !errors.As(err, &e) || !strings.Contains(e.Remedy, tt.want) || !errors.Is(err, os.ErrPermission) {
			t.Errorf("%+v: %#v, want the remedy %q", tt.who, err, tt.want)
		}
	}
	if err := (privileges{}).refused(ErrNoNamespace); err != ErrNoNamespace {
		t.Errorf("another error is %v", err)
	}
	if err := (privileges{}).refused(nil); err != nil {
		t.Errorf("no error is %v", err)
	}
}
