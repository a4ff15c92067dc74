package scanner

import "strings"

// containerFacts say which container a process is in.
type containerFacts struct {
	runtime   string // "docker", "podman"; empty for none
	container string // id or name
	pod, qos  string // the uid of the Kubernetes pod, and its class
}

// containerOf returns the container that a path of a control group lies in: the
// innermost, for containers in containers.
func containerOf(path string) containerFacts {
	var c containerFacts
	before := ""        // the folder above
	kubernetes := false // whether it is below the folder of the pods
	for part := range strings.SplitSeq(path, "/") {
		kubernetes = c.below(part, kubernetes)
		// A unit of the kubelet that runs without systemd's driver has three
		// fields in one name: "….slice:cri-containerd:ID".
		if fields := strings.Split(part, ":"); len(fields) == 3 && isContainerID(fields[2]) {
			if c.runtime, c.container = runtimeOf(fields[1]), fields[2]; c.runtime == "" {
				c.runtime = "kubernetes" // one that has no name here
			}
		} else if r, id, monitor := scopeOf(part); r != "" {
			c.runtime, c.container = r, id
		} else if monitor {
			return containerFacts{} // conmon and the lxc monitor run on the host
		} else if isContainerID(part) {
			switch {
			case kubernetes:
				// cgroupfs driver: /kubepods/burstable/podUID/ID names no runtime.
				c.runtime, c.container = "kubernetes", part
			case before == "docker", before == "buildkit":
				c.runtime, c.container = before, part
			case before == "libpod_parent", before == "libpod":
				c.runtime, c.container = "podman", part
			case strings.HasPrefix(path, "/ecs/"), before == "actions_job":
				c.runtime, c.container = "docker", part
			case c.container == "" && before != "":
				c.runtime, c.container = "containerd", part // /NAMESPACE/ID of ctr and nerdctl
			}
		} else if (before == "lxc" || before == "lxc.payload") && part != "" {
			c.runtime, c.container = "lxc", part
		} else if name, ok := machineService(before); ok && part == "payload" {
			c.runtime, c.container = "systemd-nspawn", name
		} else if part == "supervisor" && c.runtime == "systemd-nspawn" {
			return containerFacts{} // systemd-nspawn itself
		}
		before = part
	}
	if c.pod == "" {
		c.qos = ""
	}
	return c
}

// below notes what a folder says of a Kubernetes pod, and reports whether what
// lies below is of pods. The kubelet's driver for systemd writes the uid with
// "_" for "-", and every name in full:
//
//	/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice
//	/kubepods/burstable/podUID
//
// A guaranteed pod is in no folder of its class. kind puts "kubelet" in front.
func (c *containerFacts) below(part string, kubernetes bool) bool {
	name, _, _ := strings.Cut(part, ".slice")
	name = strings.TrimPrefix(name, "kubelet-")
	if rest, ok := strings.CutPrefix(name, "kubepods"); ok {
		// Pods of a node that is a container itself count, not the node's.
		kubernetes, name = true, strings.TrimPrefix(rest, "-")
		c.pod, c.qos = "", ""
	}
	if !kubernetes {
		return false
	}
	for _, class := range [...]string{"burstable", "besteffort"} {
		if rest, ok := strings.CutPrefix(name, class); ok {
			c.qos, name = class, strings.TrimPrefix(rest, "-")
		}
	}
	if uid, ok := strings.CutPrefix(name, "pod"); ok && isPodUID(uid) {
		c.pod = strings.ReplaceAll(uid, "_", "-")
		if c.qos == "" {
			c.qos = "guaranteed"
		}
	}
	return true
}

// isPodUID reports whether a name is the uid of a pod: hexadecimal digits, in
// groups for those that the API server made, without for those of files on the
// node.
func isPodUID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "0123456789abcdef-_") == ""
}

// scopeOf tells a container by the name of one folder, or that it is the
// monitor of one.
func scopeOf(part string) (runtime, id string, monitor bool) {
	name, isScope := strings.CutSuffix(part, ".scope")
	if rest, ok := strings.CutPrefix(name, "lxc.payload."); ok && rest != "" {
		return "lxc", rest, false
	}
	if strings.HasPrefix(name, "lxc.monitor") {
		return "", "", true
	}
	if machine, ok := strings.CutPrefix(name, "machine-"); ok && isScope && machine != "" {
		machine = unescapeUnit(machine)
		// libvirt: machine-qemu\x2d1\x2dNAME.scope is a virtual machine, which
		// is no container: its process runs on the host.
		if strings.HasPrefix(machine, "qemu-") {
			return "", "", false
		}
		if rest, ok := strings.CutPrefix(machine, "lxc-"); ok {
			return "libvirt-lxc", rest, false
		}
		return "systemd-nspawn", machine, false
	}
	kind, hex, ok := cutLast(name, "-")
	if !ok || !isContainerID(hex) {
		return "", "", false
	}
	switch kind {
	case "libpod-conmon", "crio-conmon":
		return "", "", true
	}
	runtime = runtimeOf(kind)
	if runtime == "" {
		return "", "", false
	}
	return runtime, hex, false
}

// runtimeOf returns the runtime of the prefix of a scope.
func runtimeOf(kind string) string {
	switch kind {
	case "docker":
		return "docker"
	case "libpod", "libpod-payload":
		return "podman"
	case "cri-containerd", "containerd", "nerdctl":
		return "containerd"
	case "crio":
		return "cri-o"
	case "buildkit":
		return "buildkit"
	}
	return ""
}

// machineService returns the name of systemd-nspawn@NAME.service.
func machineService(part string) (string, bool) {
	name, ok := strings.CutPrefix(part, "systemd-nspawn@")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, ".service")
	return unescapeUnit(name), ok && name != ""
}

// isContainerID reports whether a name is the id that the OCI engines give: 64
// hexadecimal digits.
func isContainerID(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func cutLast(s, sep string) (before, after string, ok bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}
