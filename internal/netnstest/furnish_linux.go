package netnstest

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Furnish finishes what clone(2) began in a process with mount, pid and network
// namespaces of its own: mounts that do not reach the host's, a /proc that shows
// its pid namespace, and a loopback interface that is up.
func Furnish() error {
	// Or the mounts below would reach the host's /proc: mount_namespaces(7).
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := leaveNetns(); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return LinkUp("lo")
}

// leaveNetns takes the network namespaces that others have mounted on the host
// out of the mount tree of the caller: proc_pid_mountinfo(5). Those on one place
// lie one over the other, the last on top.
func leaveNetns() error {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for _, line := range slices.Backward(strings.Split(string(b), "\n")) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.Contains(line, " - nsfs ") {
			continue
		}
		path := unescape.Replace(f[4])
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", path, err)
		}
	}
	return nil
}

// LinkUp sets an interface of the thread's network namespace up.
func LinkUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("setting %s up: %w", name, err)
	}
	return nil
}
