package scanner

import (
	"strings"
)

// cgroupFacts are what the control group of a process tells of it.
type cgroupFacts struct {
	unit      string // systemd.unit(5): "nginx.service"; empty for none
	runtime   string // of the container: "docker", "podman"; empty for none
	container string // id or name
}

// parseCgroup parses /proc/PID/cgroup: a line "id:controllers:path" for each
// hierarchy, cgroups(7). systemd's own hierarchy tells the unit: the unified one
// ("0::"), or "name=systemd" of version 1, which the hybrid layout has beside an
// often empty "0::". The container is taken from any of them, since a runtime
// may have no part in systemd's.
func parseCgroup(b []byte) cgroupFacts {
	var facts cgroupFacts
	named := false
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		_, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		controllers, path, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		path = strings.TrimSuffix(path, deletedMark)
		if unit := unitOf(path); unit != "" && (facts.unit == "" || !named) {
			if controllers == "" || controllers == "name=systemd" {
				facts.unit = unit
				named = true
			} else if facts.unit == "" {
				facts.unit = unit
			}
		}
		if facts.container == "" {
			facts.runtime, facts.container = containerOf(path)
		}
	}
	return facts
}

// unitOf returns the unit of a path: the first folder below the slices that is
// named like one, and below user@UID.service the unit of that user's manager.
// It follows cg_path_get_unit of systemd.
func unitOf(path string) string {
	manager, rest := firstUnit(path)
	if !strings.HasPrefix(manager, "user@") {
		return manager
	}
	// The manager itself is in init.scope of its own tree.
	if unit, _ := firstUnit(rest); unit != "" && unit != "init.scope" {
		return unit
	}
	return manager
}

// firstUnit passes over slices and returns the unit that follows, and the path
// below it.
func firstUnit(path string) (unit, rest string) {
	for part := range strings.SplitSeq(path, "/") {
		path = path[min(len(part)+1, len(path)):]
		// A folder whose name could be taken for a file of the kernel's has a
		// "_" in front (cg_escape).
		name := strings.TrimPrefix(part, "_")
		switch {
		case part == "" || part == "..": // ".." leads out of a cgroup namespace
		case isUnit(name, ".slice"):
		case isUnit(name, ".service"), isUnit(name, ".scope"), isUnit(name, ".socket"),
			isUnit(name, ".mount"), isUnit(name, ".swap"):
			return name, path
		default:
			return "", ""
		}
	}
	return "", ""
}

// isUnit reports whether a name is that of a unit of a kind: at most 255
// characters of those that systemd allows, and something before the kind.
func isUnit(name, kind string) bool {
	if !strings.HasSuffix(name, kind) || len(name) == len(kind) || len(name) > 255 {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte(":-_.\\@", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// containerOf returns the runtime and the id of the container that a path lies
// in: the innermost, for containers in containers.
func containerOf(path string) (runtime, id string) {
	before := "" // the folder above
	pod := false
	for part := range strings.SplitSeq(path, "/") {
		// A unit of the kubelet that runs without systemd's driver has three
		// fields in one name: "….slice:cri-containerd:ID".
		if fields := strings.Split(part, ":"); len(fields) == 3 && isContainerID(fields[2]) {
			if runtime, id = runtimeOf(fields[1]), fields[2]; runtime == "" {
				runtime = "kubernetes" // one that has no name here
			}
			before = part
			continue
		}
		if r, i, monitor := scopeOf(part); r != "" {
			runtime, id = r, i
		} else if monitor {
			// conmon and the lxc monitor run on the host.
			return "", ""
		} else if isContainerID(part) {
			switch {
			case pod:
				// cgroupfs driver: /kubepods/burstable/podUID/ID names no runtime.
				runtime, id = "kubernetes", part
			case before == "docker", before == "buildkit":
				runtime, id = before, part
			case before == "libpod_parent", before == "libpod":
				runtime, id = "podman", part
			case strings.HasPrefix(path, "/ecs/"):
				runtime, id = "docker", part
			case id == "" && before != "":
				runtime, id = "containerd", part // /NAMESPACE/ID of ctr and nerdctl
			}
		} else if before == "lxc" || before == "lxc.payload" {
			runtime, id = "lxc", part
		} else if name, ok := machineService(before); ok && part == "payload" {
			runtime, id = "systemd-nspawn", name
		}
		if strings.HasPrefix(part, "kubepods") || strings.HasPrefix(part, "pod") && before != "" && strings.HasPrefix(path, "/kubepods") {
			pod = true
		}
		before = part
	}
	return runtime, id
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

// unescapeUnit undoes the escapes of a unit name: "\x2d" is "-". A broken escape
// stays as it is. systemd.unit(5), "String escaping".
func unescapeUnit(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) && i+3 < len(s) {
			hi, ok := hexDigit(s[i+2])
			lo, ok2 := hexDigit(s[i+3])
			if ok && ok2 {
				b.WriteByte(hi<<4 | lo)
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func cutLast(s, sep string) (before, after string, ok bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}
