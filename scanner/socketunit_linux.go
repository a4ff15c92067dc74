package scanner

import (
	"encoding/binary"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unitFolders are where systemd looks for the units of the system, the first
// that has a name first: systemd.unit(5), "Unit File Load Path".
var unitFolders = [...]string{
	"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/generator.early",
	"/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system", "/run/systemd/system.attached", "/run/systemd/generator",
	"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
}

// activated names the socket unit of each socket that systemd holds for a
// service, which it starts when somebody comes. The socket's control group tells
// it where systemd made the socket in that of the unit, and else the unit files,
// where one alone has its address.
func (s *Snapshot) activated(o *Options) {
	var cgroups cgroupNames
	defer cgroups.close()
	var units socketUnits
	named := make(map[string]*Process)
	for i := range s.Sockets {
		one := &s.Sockets[i]
		for k, p := range one.Holders {
			if p.PID != 1 || p.Name != "systemd" {
				continue
			}
			unit := unitsOf(cgroups.path(one.CgroupID)).unit
			if !isUnit(unit, ".socket") {
				if units == nil {
					units = readSocketUnits(o.hostRoot())
				}
				unit = units.of(one)
			}
			if unit == "" {
				continue
			}
			if named[unit] == nil {
				q := *p
				q.Unit = unit
				named[unit] = &q
			}
			one.Holders = slices.Clone(one.Holders)
			one.Holders[k] = named[unit]
		}
	}
}

// cgroupNames finds control groups of version 2 by their ids.
type cgroupNames struct {
	mount  int // an open descriptor; 0 before the first question, -1 for none
	prefix string
	known  map[uint64]string
}

// path returns the path of a control group below its mount; empty where it is
// gone, or may not be asked for (CAP_DAC_READ_SEARCH).
func (c *cgroupNames) path(id uint64) string {
	if id == 0 {
		return ""
	}
	if c.mount == 0 {
		c.open()
	}
	name, ok := c.known[id]
	if !ok && c.mount > 0 {
		name = c.look(id)
		c.known[id] = name
	}
	return name
}

// open opens the mount of version 2: the whole of /sys/fs/cgroup, or a folder in
// it where version 1 is mounted too.
func (c *cgroupNames) open() {
	c.mount, c.known = -1, make(map[uint64]string)
	for _, name := range [...]string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var fs unix.Statfs_t
		if unix.Fstatfs(fd, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			c.mount, c.prefix = fd, name
			return
		}
		unix.Close(fd)
	}
}

// look opens a control group by its id, which is its handle in the filesystem
// (FILEID_KERNFS, <linux/exportfs.h>), and reads where that is.
func (c *cgroupNames) look(id uint64) string {
	const fileidKernfs = 0xfe
	fd, err := unix.OpenByHandleAt(c.mount, unix.NewFileHandle(fileidKernfs, binary.NativeEndian.AppendUint64(nil, id)), unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || strings.HasSuffix(target, deletedMark) {
		return ""
	}
	name, _ := strings.CutPrefix(target, c.prefix)
	return name
}

func (c *cgroupNames) close() {
	if c.mount > 0 {
		unix.Close(c.mount)
	}
}

// readSocketUnits reads the socket units of the host.
func readSocketUnits(root string) socketUnits {
	files := make(map[string]string)              // of units, by name
	dropIns := make(map[string]map[string]string) // by unit and name
	for _, folder := range unitFolders {
		for _, name := range namesIn(root + folder) {
			at := root + folder + "/" + name
			if unit, ok := strings.CutSuffix(name, ".d"); ok && isUnit(unit, ".socket") {
				for _, conf := range namesIn(at) {
					if !strings.HasSuffix(conf, ".conf") || dropIns[unit][conf] != "" {
						continue
					}
					if dropIns[unit] == nil {
						dropIns[unit] = make(map[string]string)
					}
					dropIns[unit][conf] = at + "/" + conf
				}
			} else if isUnit(name, ".socket") && files[name] == "" {
				files[name] = at
			}
		}
	}
	units := make(socketUnits, len(files))
	for unit, file := range files {
		body := readUnitFile(root, file)
		if body == nil || strings.HasSuffix(unit, "@.socket") { // a template
			continue
		}
		texts := [][]byte{body}
		confs := make([]string, 0, len(dropIns[unit]))
		for conf := range dropIns[unit] {
			confs = append(confs, conf)
		}
		slices.Sort(confs)
		for _, conf := range confs {
			texts = append(texts, readUnitFile(root, dropIns[unit][conf]))
		}
		units[unit] = parseSocketUnit(texts)
	}
	return units
}

// readUnitFile reads a unit file; nil where it is masked, or another name of a
// unit that is read by its own.
func readUnitFile(root, file string) []byte {
	if target, err := os.Readlink(file); err == nil {
		if path.Base(target) != path.Base(file) {
			return nil
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(file), target)
		} else {
			target = root + target
		}
		file = target
	}
	return readHostFile(file)
}
