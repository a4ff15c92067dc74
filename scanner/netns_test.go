package scanner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParseNetMounts(t *testing.T) {
	const text = `24 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 24 0:22 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,mode=755
41 40 0:22 /netns /run/netns rw,nosuid shared:5 - tmpfs tmpfs rw,mode=755
300 41 0:4 net:[4026532281] /run/netns/blue rw shared:200 - nsfs nsfs rw
301 41 0:4 net:[4026532300] /run/netns/a\040b\134c rw - nsfs nsfs rw
302 24 0:4 mnt:[4026532302] /run/snapd/ns/lxd.mnt rw - nsfs nsfs rw
303 24 0:4 net:[4026532303] /run/docker/netns/1-abc rw shared:9 master:2 - nsfs nsfs rw
304 24 0:5 net:[4026532304] /srv/lie rw - tmpfs nsfs rw
305 24 0:4 net:[x] /srv/broken rw - nsfs nsfs rw
306 0:4 - nsfs
`
	want := []nsMount{
		{4026532281, "/run/netns/blue"},
		{4026532300, `/run/netns/a b\c`},
		{4026532303, "/run/docker/netns/1-abc"},
	}
	if got := parseNetMounts([]byte(text)); !slices.Equal(got, want) {
		t.Errorf("parseNetMounts = %+v, want %+v", got, want)
	}
}

func FuzzParseNetMounts(f *testing.F) {
	f.Add([]byte("300 41 0:4 net:[4026532281] /run/netns/blue rw shared:200 - nsfs nsfs rw\n"))
	f.Add([]byte(`1 2 3 net:[1] /\040\1 - nsfs `))
	f.Add([]byte("1 2 3 4 \\777 - nsfs \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list := parseNetMounts(b)
		if len(list) > strings.Count(string(b), " - nsfs ") {
			t.Errorf("%q has %d mounts", b, len(list))
		}
		for _, m := range list {
			if m.inode == 0 || m.path == "" || len(m.path) > len(b) {
				t.Errorf("parseNetMounts(%q) = %+v", b, m)
			}
		}
	})
}

func TestNamespaceNames(t *testing.T) {
	id := strings.Repeat("3f", 32)
	const madeUp = "/run/netns/cni-0c5ff3e4-9d4b-2d1e-7c11-5a1e0f9d8c7b"
	tests := []struct {
		name string
		n    netNS
		want string
	}{
		{"ip-netns", netNS{mount: "/run/netns/blue", Namespace: Namespace{PID: 7, Container: id}}, "blue"},
		{"where /var/run is a folder", netNS{mount: "/var/run/netns/blue"}, "blue"},
		{"a name that a program made up", netNS{mount: madeUp, Namespace: Namespace{Container: id}}, id},
		{"made up, for a pod", netNS{mount: madeUp, Namespace: Namespace{PID: 7}}, madeUp[len("/run/netns/"):]},
		{"like one made up", netNS{mount: "/run/netns/cni-lab", Namespace: Namespace{Container: id}}, "cni-lab"},
		{"a container", netNS{mount: "/run/docker/netns/5c1e", Namespace: Namespace{PID: 7, Container: id}}, id},
		{"a container without processes", netNS{mount: "/run/docker/netns/5c1e"}, "/run/docker/netns/5c1e"},
		{"below the folder of ip-netns", netNS{mount: "/run/netns/a/b"}, "/run/netns/a/b"},
		{"processes alone", netNS{Namespace: Namespace{PID: 7}}, "pid 7"},
		{"a descriptor alone", netNS{keeper: 9}, "held by pid 9"},
		{"nothing", netNS{Namespace: Namespace{Inode: 4026532281}}, "net:[4026532281]"},
		{"called like the scan's own", netNS{mount: "/run/netns/host"}, "/run/netns/host"},
	}
	for _, tt := range tests {
		n := tt.n
		nameAll([]*netNS{&n}, map[string]*netNS{OwnNamespace: nil})
		if n.Name != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, n.Name, tt.want)
		}
	}
}

// Each name is given once, and to the same namespace whatever the order.
func TestNamespaceNamesOnce(t *testing.T) {
	id := strings.Repeat("3f", 32)
	want := []string{id + " 3", "/run/netns/pid 30 9", "held by pid 8 2", "net:[4] 4", "pid 30 5"}
	slices.Sort(want)
	for turn := range 5 {
		nets := []*netNS{
			{Namespace: Namespace{Inode: 5, PID: 30, Container: id}},
			{Namespace: Namespace{Inode: 3, PID: 20, Container: id}},
			{Namespace: Namespace{Inode: 9}, mount: "/run/netns/pid 30"},
			{Namespace: Namespace{Inode: 4}, keeper: 8},
			{Namespace: Namespace{Inode: 2}, keeper: 8},
		}
		nets = append(nets[turn:], nets[:turn]...)
		nameAll(nets, map[string]*netNS{OwnNamespace: nil})
		var got []string
		for _, n := range nets {
			got = append(got, fmt.Sprintf("%s %d", n.Name, n.Inode))
		}
		if !slices.Equal(got, want) {
			t.Errorf("named %q, want %q", got, want)
		}
	}
}

func TestBetterMount(t *testing.T) {
	order := []string{"/run/netns/a", "/run/netns/b", "/run/netns/aa", "/var/run/netns/a", "/a", "/b", "/run/netns"}
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; !betterMount(a, b) || betterMount(b, a) {
			t.Errorf("betterMount(%q, %q) = %v, the other way %v", a, b, betterMount(a, b), betterMount(b, a))
		}
	}
	if betterMount("/a", "/a") {
		t.Error("a place is better than itself")
	}
}
