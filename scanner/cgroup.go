package scanner

import (
	"strings"
)

// cgroupFacts are what the control group of a process tells of it.
type cgroupFacts struct {
	unitFacts
	containerFacts
}

// unitFacts are what systemd made of a process. Names stand as systemd writes
// them, escapes and all.
type unitFacts struct {
	unit     string // systemd.unit(5): "nginx.service"; empty for none
	userUnit string // of the user's own manager: "syncthing.service"
	slice    string // that the unit is in: "system.slice"
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
		own := controllers == "" || controllers == "name=systemd"
		if facts.unit == "" || own && !named {
			if units := unitsOf(path); units.unit != "" || facts.unit == "" && units.slice != "" {
				facts.unitFacts, named = units, own
			}
		}
		if facts.container == "" {
			facts.containerFacts = containerOf(path)
		}
	}
	return facts
}

// unitsOf returns the unit of a path: the first folder below the slices that is
// named like one, and below user@UID.service the unit of that user's manager. It
// follows cg_path_get_unit, cg_path_get_user_unit and cg_path_get_slice of
// systemd.
func unitsOf(path string) unitFacts {
	unit, slice, rest := firstUnit(path)
	if slice == "" && unit != "" {
		slice = "-.slice"
	}
	facts := unitFacts{unit: unit, slice: slice}
	if strings.HasPrefix(unit, "user@") {
		// The manager itself is in init.scope of its own tree.
		if facts.userUnit, _, _ = firstUnit(rest); facts.userUnit == "init.scope" {
			facts.userUnit = ""
		}
	}
	return facts
}

// firstUnit passes over slices and returns the unit that follows, the last of
// the slices, and the path below the unit.
func firstUnit(path string) (unit, slice, rest string) {
	for part := range strings.SplitSeq(path, "/") {
		path = path[min(len(part)+1, len(path)):]
		// A folder whose name could be taken for a file of the kernel's has a
		// "_" in front (cg_escape).
		name := strings.TrimPrefix(part, "_")
		switch {
		case part == "" || part == "..": // ".." leads out of a cgroup namespace
		case isUnit(name, ".slice"):
			slice = name
		case isUnit(name, ".service"), isUnit(name, ".scope"), isUnit(name, ".socket"),
			isUnit(name, ".mount"), isUnit(name, ".swap"):
			return name, slice, path
		default:
			return "", slice, ""
		}
	}
	return "", slice, ""
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
