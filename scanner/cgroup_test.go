package scanner

import (
	"strings"
	"testing"
)

const (
	id1 = "3f4e1e1c0e7d0d3c5a9b7f6e5d4c3b2a19081706f5e4d3c2b1a0918273645546"
	id2 = "a0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccddeeff"
)

// The paths are those that the runtimes write; where a form is told from
// memory of the project's source, its file is named.
func TestParseCgroup(t *testing.T) {
	tests := []struct {
		name, in string
		want     cgroupFacts
	}{
		{"v2 service", "0::/system.slice/nginx.service\n", cgroupFacts{unit: "nginx.service"}},
		{"v2 service with sub-group", "0::/system.slice/postgresql@15-main.service/worker\n", cgroupFacts{unit: "postgresql@15-main.service"}},
		{"instance in a slice of its template", "0::/system.slice/system-getty.slice/getty@tty1.service\n", cgroupFacts{unit: "getty@tty1.service"}},
		{"escapes stay", "0::/system.slice/system-foo\\x2dbar.slice/foo\\x2dbar@a\\x2db.service\n", cgroupFacts{unit: `foo\x2dbar@a\x2db.service`}},
		{"nested slices", "0::/a.slice/a-b.slice/a-b-c.slice/x.service\n", cgroupFacts{unit: "x.service"}},
		{"escaped folder", "0::/system.slice/_cpu.service\n", cgroupFacts{unit: "cpu.service"}},
		{"user service", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service\n", cgroupFacts{unit: "syncthing.service"}},
		{"user scope", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-code-4711.scope\n", cgroupFacts{unit: "app-gnome-code-4711.scope"}},
		{"user manager itself", "0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", cgroupFacts{unit: "user@1000.service"}},
		{"login session", "0::/user.slice/user-1000.slice/session-3.scope\n", cgroupFacts{unit: "session-3.scope"}},
		{"pid 1, which holds the sockets of .socket units", "0::/init.scope\n", cgroupFacts{unit: "init.scope"}},
		{"socket unit that runs a control process", "0::/system.slice/docker.socket\n", cgroupFacts{unit: "docker.socket"}},
		{"mount", "0::/system.slice/proc-sys-fs-binfmt_misc.mount\n", cgroupFacts{unit: "proc-sys-fs-binfmt_misc.mount"}},
		{"removed group", "0::/system.slice/nginx.service (deleted)\n", cgroupFacts{unit: "nginx.service"}},
		{"seen from a cgroup namespace beside it", "0::/../../system.slice/nginx.service\n", cgroupFacts{unit: "nginx.service"}},
		{"root", "0::/\n", cgroupFacts{}},
		{"slice alone", "0::/system.slice\n", cgroupFacts{}},
		{"no unit's name", "0::/system.slice/not a unit.service\n", cgroupFacts{}},
		{"kind alone", "0::/system.slice/.service\n", cgroupFacts{}},
		{"a folder of no unit above", "0::/mine/nginx.service\n", cgroupFacts{}},

		{"v1", "12:cpuset:/\n11:memory:/system.slice/nginx.service\n2:cpu,cpuacct:/system.slice/nginx.service\n1:name=systemd:/system.slice/nginx.service\n", cgroupFacts{unit: "nginx.service"}},
		{"v1, controllers elsewhere", "11:memory:/other.slice/other.service\n1:name=systemd:/system.slice/nginx.service\n", cgroupFacts{unit: "nginx.service"}},
		{"hybrid, empty 0::", "1:name=systemd:/system.slice/nginx.service\n0::/\n", cgroupFacts{unit: "nginx.service"}},
		{"hybrid", "4:memory:/system.slice/nginx.service\n1:name=systemd:/system.slice/nginx.service\n0::/system.slice/nginx.service\n", cgroupFacts{unit: "nginx.service"}},
		{"colon in a path", "0::/system.slice/a:b.service\n", cgroupFacts{unit: "a:b.service"}},

		{"docker, systemd driver", "0::/system.slice/docker-" + id1 + ".scope\n", cgroupFacts{"docker-" + id1 + ".scope", "docker", id1}},
		{"docker, cgroupfs driver", "11:memory:/docker/" + id1 + "\n1:name=systemd:/docker/" + id1 + "\n", cgroupFacts{"", "docker", id1}},
		{"docker in docker", "0::/docker/" + id1 + "/docker/" + id2 + "\n", cgroupFacts{"", "docker", id2}},
		{"docker with systemd inside", "0::/system.slice/docker-" + id1 + ".scope/system.slice/nginx.service\n", cgroupFacts{"docker-" + id1 + ".scope", "docker", id1}},
		{"podman", "0::/machine.slice/libpod-" + id1 + ".scope/container\n", cgroupFacts{"libpod-" + id1 + ".scope", "podman", id1}},
		{"podman, rootless", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id1 + ".scope\n", cgroupFacts{"libpod-" + id1 + ".scope", "podman", id1}},
		{"podman, cgroupfs manager", "0::/libpod_parent/libpod-" + id1 + "\n", cgroupFacts{"", "podman", id1}},
		{"podman in a pod", "0::/machine.slice/machine-libpod_pod_" + id2 + ".slice/libpod-" + id1 + ".scope/container\n", cgroupFacts{"libpod-" + id1 + ".scope", "podman", id1}},
		{"podman's monitor is on the host", "0::/machine.slice/libpod-conmon-" + id1 + ".scope\n", cgroupFacts{"libpod-conmon-" + id1 + ".scope", "", ""}},
		{"podman's monitor, cgroupfs manager", "0::/libpod_parent/conmon\n", cgroupFacts{}},
		{"quadlet", "0::/system.slice/web.service/libpod-payload-" + id1 + "\n", cgroupFacts{"web.service", "podman", id1}},
		{"containerd CRI", "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234abcd_5678.slice/cri-containerd-" + id1 + ".scope\n", cgroupFacts{"cri-containerd-" + id1 + ".scope", "containerd", id1}},
		{"containerd CRI, three fields", "0::/system.slice/containerd.service/kubepods-besteffort-podaaaa.slice:cri-containerd:" + id1 + "\n", cgroupFacts{"containerd.service", "containerd", id1}},
		{"kubelet, cgroupfs driver", "1:name=systemd:/kubepods/burstable/pod2c48913c-b29f-11e7-9350-020968147796/" + id1 + "\n", cgroupFacts{"", "kubernetes", id1}},
		{"kubelet, guaranteed", "0::/kubepods/pod2c48913c-b29f-11e7-9350-020968147796/" + id1 + "\n", cgroupFacts{"", "kubernetes", id1}},
		{"kind", "0::/docker/" + id1 + "/kubelet/kubepods/burstable/pod2c48913c/" + id2 + "\n", cgroupFacts{"", "kubernetes", id2}},
		{"CRI-O", "0::/kubepods.slice/kubepods-podaaaa.slice/crio-" + id1 + ".scope\n", cgroupFacts{"crio-" + id1 + ".scope", "cri-o", id1}},
		{"CRI-O's monitor", "0::/kubepods.slice/kubepods-podaaaa.slice/crio-conmon-" + id1 + ".scope\n", cgroupFacts{"crio-conmon-" + id1 + ".scope", "", ""}},
		{"docker under kubelet", "0::/kubepods.slice/kubepods-podaaaa.slice/docker-" + id1 + ".scope\n", cgroupFacts{"docker-" + id1 + ".scope", "docker", id1}},
		{"nerdctl", "0::/system.slice/nerdctl-" + id1 + ".scope\n", cgroupFacts{"nerdctl-" + id1 + ".scope", "containerd", id1}},
		{"nerdctl, cgroupfs", "0::/default/" + id1 + "\n", cgroupFacts{"", "containerd", id1}},
		{"ECS", "4:memory:/ecs/0e44ee3f-29d1-44b1-9c6e-0b1d1a9c2e10/" + id1 + "\n", cgroupFacts{"", "docker", id1}},
		{"buildkit", "0::/docker/buildkit/" + id1 + "\n", cgroupFacts{"", "buildkit", id1}},
		{"lxc 4 and later, incus", "0::/lxc.payload.web1\n", cgroupFacts{"", "lxc", "web1"}},
		{"lxc, systemd inside", "0::/lxc.payload.web1/system.slice/nginx.service\n", cgroupFacts{"", "lxc", "web1"}},
		{"lxc 3", "1:name=systemd:/lxc/web1\n", cgroupFacts{"", "lxc", "web1"}},
		{"lxc 3.1", "1:name=systemd:/lxc.payload/web1\n", cgroupFacts{"", "lxc", "web1"}},
		{"lxc's monitor", "0::/lxc.monitor.web1\n", cgroupFacts{}},
		{"docker in lxc", "0::/lxc.payload.web1/docker/" + id1 + "\n", cgroupFacts{"", "docker", id1}},
		{"nspawn", "0::/machine.slice/machine-web\\x2d1.scope/payload\n", cgroupFacts{`machine-web\x2d1.scope`, "systemd-nspawn", "web-1"}},
		{"nspawn service", "0::/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service\n", cgroupFacts{"systemd-nspawn@web.service", "systemd-nspawn", "web"}},
		{"nspawn's own process", "0::/machine.slice/systemd-nspawn@web.service/supervisor\n", cgroupFacts{unit: "systemd-nspawn@web.service"}},
		{"virtual machine", "0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator\n", cgroupFacts{unit: `machine-qemu\x2d1\x2dvm.scope`}},
		{"63 digits are no id", "0::/docker/" + id1[1:] + "\n", cgroupFacts{}},

		{"nothing", "", cgroupFacts{}},
		{"no colon", "system.slice\n", cgroupFacts{}},
		{"one colon", "0:/system.slice/x.service\n", cgroupFacts{}},
		{"cut in the middle", "1:name=systemd:/system.slice/nginx.serv", cgroupFacts{}},
	}
	for _, tt := range tests {
		if got := parseCgroup([]byte(tt.in)); got != tt.want {
			t.Errorf("%s: parseCgroup(%q) = %+v, want %+v", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestUnescapeUnit(t *testing.T) {
	tests := []struct{ in, want string }{
		{"web", "web"}, {`a\x2db`, "a-b"}, {`\x2d`, "-"}, {`a\x2`, `a\x2`}, {`a\xzz`, `a\xzz`}, {`\x5cx2d`, `\x2d`}, {`\`, `\`},
	}
	for _, tt := range tests {
		if got := unescapeUnit(tt.in); got != tt.want {
			t.Errorf("unescapeUnit(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzParseCgroup(f *testing.F) {
	f.Add("0::/system.slice/nginx.service\n")
	f.Add("1:name=systemd:/docker/" + id1 + "\n0::/\n")
	f.Add("0::/machine.slice/machine-web\\x2d1.scope/payload\n")
	f.Add("0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n")
	f.Fuzz(func(t *testing.T, in string) {
		got := parseCgroup([]byte(in))
		if !strings.Contains(in, got.unit) {
			t.Errorf("parseCgroup(%q).unit = %q, which is not in it", in, got.unit)
		}
		if (got.runtime == "") != (got.container == "") {
			t.Errorf("parseCgroup(%q) = %+v: a container has both", in, got)
		}
		if strings.ContainsAny(got.container, "/\n") && !strings.Contains(in, `\x`) {
			t.Errorf("parseCgroup(%q).container = %q", in, got.container)
		}
	})
}
