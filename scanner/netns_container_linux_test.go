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
			found, err := search.pick(&Options{ProcFS: root, NetNS: id})
			want := len(id) >= shortID && slices.Contains(tt.cgroups, docker((id + strings.Repeat(id[:2], 32))[:64]))
			if (found == n) != want || (err == nil) != want {
				t.Errorf("%s: %q is %v, %v, want %v", tt.name, id, found, err, want)
			}
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
