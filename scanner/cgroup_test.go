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
		want     string
	}{
		{"v2 service", "0::/system.slice/nginx.service\n", "unit=nginx.service slice=system.slice"},
		{"v2 service with sub-group", "0::/system.slice/postgresql@15-main.service/worker\n", "unit=postgresql@15-main.service slice=system.slice"},
		{"instance in a slice of its template", "0::/system.slice/system-getty.slice/getty@tty1.service\n", "unit=getty@tty1.service slice=system-getty.slice"},
		{"escapes stay", "0::/system.slice/system-foo\\x2dbar.slice/foo\\x2dbar@a\\x2db.service\n", `unit=foo\x2dbar@a\x2db.service slice=system-foo\x2dbar.slice`},
		{"nested slices", "0::/a.slice/a-b.slice/a-b-c.slice/x.service\n", "unit=x.service slice=a-b-c.slice"},
		{"escaped folder", "0::/system.slice/_cpu.service\n", "unit=cpu.service slice=system.slice"},
		{"user service", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service\n", "unit=user@1000.service user=syncthing.service slice=user-1000.slice"},
		{"user scope", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-code-4711.scope\n", "unit=user@1000.service user=app-gnome-code-4711.scope slice=user-1000.slice"},
		{"user manager itself", "0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", "unit=user@1000.service slice=user-1000.slice"},
		{"login session", "0::/user.slice/user-1000.slice/session-3.scope\n", "unit=session-3.scope slice=user-1000.slice"},
		{"pid 1, which holds the sockets of .socket units", "0::/init.scope\n", "unit=init.scope slice=-.slice"},
		{"socket unit that runs a control process", "0::/system.slice/docker.socket\n", "unit=docker.socket slice=system.slice"},
		{"mount", "0::/system.slice/proc-sys-fs-binfmt_misc.mount\n", "unit=proc-sys-fs-binfmt_misc.mount slice=system.slice"},
		{"removed group", "0::/system.slice/nginx.service (deleted)\n", "unit=nginx.service slice=system.slice"},
		{"seen from a cgroup namespace beside it", "0::/../../system.slice/nginx.service\n", "unit=nginx.service slice=system.slice"},
		{"root", "0::/\n", ""},
		{"slice alone", "0::/system.slice\n", "slice=system.slice"},
		{"no unit's name", "0::/system.slice/not a unit.service\n", "slice=system.slice"},
		{"kind alone", "0::/system.slice/.service\n", "slice=system.slice"},
		{"a folder of no unit above", "0::/mine/nginx.service\n", ""},

		{"v1", "12:cpuset:/\n11:memory:/system.slice/nginx.service\n2:cpu,cpuacct:/system.slice/nginx.service\n1:name=systemd:/system.slice/nginx.service\n", "unit=nginx.service slice=system.slice"},
		{"v1, controllers elsewhere", "11:memory:/other.slice/other.service\n1:name=systemd:/system.slice/nginx.service\n", "unit=nginx.service slice=system.slice"},
		{"hybrid, empty 0::", "1:name=systemd:/system.slice/nginx.service\n0::/\n", "unit=nginx.service slice=system.slice"},
		{"hybrid", "4:memory:/system.slice/nginx.service\n1:name=systemd:/system.slice/nginx.service\n0::/system.slice/nginx.service\n", "unit=nginx.service slice=system.slice"},
		{"colon in a path", "0::/system.slice/a:b.service\n", "unit=a:b.service slice=system.slice"},

		{"docker, systemd driver", "0::/system.slice/docker-" + id1 + ".scope\n", "unit=docker-id1.scope slice=system.slice docker id=id1"},
		{"docker, cgroupfs driver", "11:memory:/docker/" + id1 + "\n1:name=systemd:/docker/" + id1 + "\n", "docker id=id1"},
		{"docker in docker", "0::/docker/" + id1 + "/docker/" + id2 + "\n", "docker id=id2"},
		{"docker with systemd inside", "0::/system.slice/docker-" + id1 + ".scope/system.slice/nginx.service\n", "unit=docker-id1.scope slice=system.slice docker id=id1"},
		{"podman", "0::/machine.slice/libpod-" + id1 + ".scope/container\n", "unit=libpod-id1.scope slice=machine.slice podman id=id1"},
		{"podman, rootless", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id1 + ".scope\n", "unit=user@1000.service user=libpod-id1.scope slice=user-1000.slice podman id=id1"},
		{"podman, cgroupfs manager", "0::/libpod_parent/libpod-" + id1 + "\n", "podman id=id1"},
		{"podman in a pod", "0::/machine.slice/machine-libpod_pod_" + id2 + ".slice/libpod-" + id1 + ".scope/container\n", "unit=libpod-id1.scope slice=machine-libpod_pod_id2.slice podman id=id1"},
		{"podman's monitor is on the host", "0::/machine.slice/libpod-conmon-" + id1 + ".scope\n", "unit=libpod-conmon-id1.scope slice=machine.slice"},
		{"podman's monitor, cgroupfs manager", "0::/libpod_parent/conmon\n", ""},
		{"quadlet", "0::/system.slice/web.service/libpod-payload-" + id1 + "\n", "unit=web.service slice=system.slice podman id=id1"},
		{"containerd CRI", "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234abcd_5678.slice/cri-containerd-" + id1 + ".scope\n", "unit=cri-containerd-id1.scope slice=kubepods-burstable-pod1234abcd_5678.slice containerd id=id1 pod=1234abcd-5678 qos=burstable"},
		{"containerd CRI, three fields", "0::/system.slice/containerd.service/kubepods-besteffort-podaaaa.slice:cri-containerd:" + id1 + "\n", "unit=containerd.service slice=system.slice containerd id=id1 pod=aaaa qos=besteffort"},
		{"kubelet, cgroupfs driver", "1:name=systemd:/kubepods/burstable/pod2c48913c-b29f-11e7-9350-020968147796/" + id1 + "\n", "kubernetes id=id1 pod=2c48913c-b29f-11e7-9350-020968147796 qos=burstable"},
		{"kubelet, guaranteed", "0::/kubepods/pod2c48913c-b29f-11e7-9350-020968147796/" + id1 + "\n", "kubernetes id=id1 pod=2c48913c-b29f-11e7-9350-020968147796 qos=guaranteed"},
		{"kind", "0::/docker/" + id1 + "/kubelet/kubepods/burstable/pod2c48913c/" + id2 + "\n", "kubernetes id=id2 pod=2c48913c qos=burstable"},
		{"CRI-O", "0::/kubepods.slice/kubepods-podaaaa.slice/crio-" + id1 + ".scope\n", "unit=crio-id1.scope slice=kubepods-podaaaa.slice cri-o id=id1 pod=aaaa qos=guaranteed"},
		{"CRI-O's monitor", "0::/kubepods.slice/kubepods-podaaaa.slice/crio-conmon-" + id1 + ".scope\n", "unit=crio-conmon-id1.scope slice=kubepods-podaaaa.slice"},
		{"docker under kubelet", "0::/kubepods.slice/kubepods-podaaaa.slice/docker-" + id1 + ".scope\n", "unit=docker-id1.scope slice=kubepods-podaaaa.slice docker id=id1 pod=aaaa qos=guaranteed"},
		{"nerdctl", "0::/system.slice/nerdctl-" + id1 + ".scope\n", "unit=nerdctl-id1.scope slice=system.slice containerd id=id1"},
		{"nerdctl, cgroupfs", "0::/default/" + id1 + "\n", "containerd id=id1"},
		{"ECS", "4:memory:/ecs/0e44ee3f-29d1-44b1-9c6e-0b1d1a9c2e10/" + id1 + "\n", "docker id=id1"},
		{"buildkit", "0::/docker/buildkit/" + id1 + "\n", "buildkit id=id1"},
		{"lxc 4 and later, incus", "0::/lxc.payload.web1\n", "lxc id=web1"},
		{"lxc, systemd inside", "0::/lxc.payload.web1/system.slice/nginx.service\n", "lxc id=web1"},
		{"lxc 3", "1:name=systemd:/lxc/web1\n", "lxc id=web1"},
		{"lxc 3.1", "1:name=systemd:/lxc.payload/web1\n", "lxc id=web1"},
		{"lxc's monitor", "0::/lxc.monitor.web1\n", ""},
		{"docker in lxc", "0::/lxc.payload.web1/docker/" + id1 + "\n", "docker id=id1"},
		{"nspawn", "0::/machine.slice/machine-web\\x2d1.scope/payload\n", `unit=machine-web\x2d1.scope slice=machine.slice systemd-nspawn id=web-1`},
		{"nspawn service", "0::/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service\n", "unit=systemd-nspawn@web.service slice=machine.slice systemd-nspawn id=web"},
		{"nspawn's own process", "0::/machine.slice/systemd-nspawn@web.service/supervisor\n", "unit=systemd-nspawn@web.service slice=machine.slice"},
		{"virtual machine", "0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator\n", `unit=machine-qemu\x2d1\x2dvm.scope slice=machine.slice`},
		{"kind, systemd driver (containerd/nri#227)", "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod1e597579_417e_482f_bf65_5fe170c3aebd.slice/cri-containerd-a09bc17f5aa29b0dbdec9ede5f46cf1396d2405917ab02e6f1eb1019f388396e.scope\n", "unit=cri-containerd-a09bc17f5aa29b0dbdec9ede5f46cf1396d2405917ab02e6f1eb1019f388396e.scope slice=kubelet-kubepods-besteffort-pod1e597579_417e_482f_bf65_5fe170c3aebd.slice containerd id=a09bc17f5aa29b0dbdec9ede5f46cf1396d2405917ab02e6f1eb1019f388396e pod=1e597579-417e-482f-bf65-5fe170c3aebd qos=besteffort"},
		{"CRI-O on version 1 (opencontainers/runc#4620)", "13:freezer:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda5c1f8d5_1919_434d_add7_4afaafdaef89.slice/crio-5eed917563583925ffdbd40a64efb2aaffe58638e57add8becaf460fe74f5b1c.scope\n11:files:/\n1:name=systemd:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda5c1f8d5_1919_434d_add7_4afaafdaef89.slice/crio-5eed917563583925ffdbd40a64efb2aaffe58638e57add8becaf460fe74f5b1c.scope\n", "unit=crio-5eed917563583925ffdbd40a64efb2aaffe58638e57add8becaf460fe74f5b1c.scope slice=kubepods-burstable-poda5c1f8d5_1919_434d_add7_4afaafdaef89.slice cri-o id=5eed917563583925ffdbd40a64efb2aaffe58638e57add8becaf460fe74f5b1c pod=a5c1f8d5-1919-434d-add7-4afaafdaef89 qos=burstable"},
		{"containerd without systemd's driver (open-telemetry/opentelemetry-java#4507)", "11:perf_event:/kubepods-besteffort-pod0125ec2f_b64a_4868_8f5b_94b56cbab864.slice:cri-containerd:ee4b20e90ac7f42a10bd004d05646b13d8ab5e2c5e7cbc01abf8006bac016459\n10:blkio:/system.slice/containerd.service/kubepods-besteffort-pod0125ec2f_b64a_4868_8f5b_94b56cbab864.slice:cri-containerd:ee4b20e90ac7f42a10bd004d05646b13d8ab5e2c5e7cbc01abf8006bac016459\n", "unit=containerd.service slice=system.slice containerd id=ee4b20e90ac7f42a10bd004d05646b13d8ab5e2c5e7cbc01abf8006bac016459 pod=0125ec2f-b64a-4868-8f5b-94b56cbab864 qos=besteffort"},
		{"docker under kubelet (lxc/lxc#3890)", "12:rdma:/\n11:freezer:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod7d4424e6_bb13_42f4_a47a_45a4828bf54d.slice/docker-d0b3604b67ac7930dd34ba3a796627e3e4717d12309e90a4afe3f38b6816ac98.scope\n", "unit=docker-d0b3604b67ac7930dd34ba3a796627e3e4717d12309e90a4afe3f38b6816ac98.scope slice=kubepods-burstable-pod7d4424e6_bb13_42f4_a47a_45a4828bf54d.slice docker id=d0b3604b67ac7930dd34ba3a796627e3e4717d12309e90a4afe3f38b6816ac98 pod=7d4424e6-bb13-42f4-a47a-45a4828bf54d qos=burstable"},
		{"a pod of a file on the node (netdata/netdata#4868)", "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8daa50c3a64c9ff60bb9eab7b44b56fd.slice/cri-containerd-2884d57c0e100d7a9a2f9487ce0bc2986bca3430e988af7a4865aff061f51ac5.scope\n", "unit=cri-containerd-2884d57c0e100d7a9a2f9487ce0bc2986bca3430e988af7a4865aff061f51ac5.scope slice=kubepods-burstable-pod8daa50c3a64c9ff60bb9eab7b44b56fd.slice containerd id=2884d57c0e100d7a9a2f9487ce0bc2986bca3430e988af7a4865aff061f51ac5 pod=8daa50c3a64c9ff60bb9eab7b44b56fd qos=burstable"},
		{"podman of this Debian, version 1 beside 2", "9:name=systemd:/libpod_parent/libpod-" + id1 + "\n4:memory:/libpod_parent/libpod-" + id1 + "\n0::/libpod_parent/libpod-" + id1 + "\n", "podman id=id1"},
		{"its monitor", "9:name=systemd:/\n8:pids:/libpod_parent/conmon\n0::/\n", ""},
		{"podman's monitor, rootless", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-conmon-" + id1 + ".scope\n", "unit=user@1000.service user=libpod-conmon-id1.scope slice=user-1000.slice"},
		{"docker, rootless", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + id1 + ".scope\n", "unit=user@1000.service user=docker-id1.scope slice=user-1000.slice docker id=id1"},
		{"lxc of a user", "0::/user.slice/user-1000.slice/session-2.scope/lxc.payload.web1\n", "unit=session-2.scope slice=user-1000.slice lxc id=web1"},
		{"lxc as a service", "0::/system.slice/lxc@web1.service/lxc.payload.web1/init.scope\n", "unit=lxc@web1.service slice=system.slice lxc id=web1"},
		{"lxc 3, systemd inside (netdata/netdata#1178)", "8:freezer:/lxc/mysql-1/system.slice/mysql.service\n1:name=systemd:/lxc/mysql-1/system.slice/mysql.service\n", "lxc id=mysql-1"},
		{"nspawn's own process in a scope", "0::/machine.slice/machine-web.scope/supervisor\n", "unit=machine-web.scope slice=machine.slice"},
		{"a job of a forge", "0::/actions_job/" + id1 + "\n", "docker id=id1"},
		{"class without a pod", "0::/kubepods.slice/kubepods-burstable.slice\n", "slice=kubepods-burstable.slice"},
		{"63 digits are no id", "0::/docker/" + id1[1:] + "\n", ""},

		{"nothing", "", ""},
		{"no colon", "system.slice\n", ""},
		{"one colon", "0:/system.slice/x.service\n", ""},
		{"cut in the middle", "1:name=systemd:/system.slice/nginx.serv", "slice=system.slice"},
	}
	for _, tt := range tests {
		if got := describe(parseCgroup([]byte(tt.in))); got != tt.want {
			t.Errorf("%s: parseCgroup(%q) = %s, want %s", tt.name, tt.in, got, tt.want)
		}
	}
}

// describe writes what is known as key=value, ids by their names here.
func describe(f cgroupFacts) string {
	var words []string
	for _, w := range []struct{ key, value string }{
		{"unit", f.unit},
		{"user", f.userUnit},
		{"slice", f.slice},
		{"", f.runtime},
		{"id", f.container},
		{"pod", f.pod},
		{"qos", f.qos},
	} {
		if w.value != "" {
			words = append(words, strings.TrimPrefix(w.key+"="+w.value, "="))
		}
	}
	return strings.NewReplacer(id1, "id1", id2, "id2").Replace(strings.Join(words, " "))
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
