package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// debugger says that l is a debug port: one of a program that is a debugger, or of an
// interpreter that was told to listen for one.
func (c *checker) debugger(l *annotate.Listener, reachable bool) string {
	if l.MaybeClient || l.Protocol != scanner.TCP || l.Exposure.Reachable() != reachable {
		return ""
	}
	if says := c.what.among([]string{"delve"}, []string{"gdbserver", "lldb-server", "debugpy", "debugpy.adapter", "ptvsd", "pydevd"}, l); says != "" && !c.what.byPort {
		return says
	}
	for _, p := range l.Holders {
		switch name := base(p.Exe); {
		case name == "java" && c.debugs(l, p, "jdwp", "-agentlib:jdwp", "-Xrunjdwp"):
			return "is where " + name + " waits for a debugger (JDWP), " + whereOf(l)
		case (name == "node" || name == "nodejs") && c.debugs(l, p, "node-inspector", "--inspect"):
			return "is the inspector of " + name + ", " + whereOf(l)
		}
	}
	return ""
}

// debugs reports whether an interpreter listens for a debugger at l: where its
// arguments are known, one of them begins with one of flags and names the port
// or is without one at the usual port; where they are not, the port is the
// usual one of a service.
func (c *checker) debugs(l *annotate.Listener, p *scanner.Process, service string, flags ...string) bool {
	usual := slices.ContainsFunc(c.what.names, func(name string) bool { return name == service })
	if p.Args == nil {
		return usual
	}
	port := strconv.Itoa(int(l.Port))
	return slices.ContainsFunc(p.Args, func(arg string) bool {
		return slices.ContainsFunc(flags, func(flag string) bool {
			return strings.HasPrefix(arg, flag) && (usual || slices.Contains(strings.FieldsFunc(arg, notDigit), port))
		})
	})
}

func notDigit(c rune) bool { return c < '0' || c > '9' }

// differs says that the program of a well-known port serves something else.
func (c *checker) differs(l *annotate.Listener) string {
	if l.Program != annotate.Differs || l.Range != portdb.WellKnown || !l.Protocol.HasPorts() {
		return ""
	}
	return l.Sentence(nil)
}

// The uids of people: UID_MIN to UID_MAX of login.defs(5) on Debian, and those
// that systemd-homed(8) gives behind them.
const firstPerson, lastPerson = 1000, 60513

// ordinaryUser says that a person has a well-known port.
func (c *checker) ordinaryUser(l *annotate.Listener) string {
	if l.Range != portdb.WellKnown || !l.Protocol.HasPorts() || l.Port == 0 {
		return ""
	}
	uid, user := l.UID, l.User
	for _, p := range l.Holders {
		if uid < 0 {
			uid, user = p.UID, p.User
		}
		// The uids of a container may be others outside it, and who may write a
		// unit of the system may give any port to anyone.
		if p.Container != "" || isSystemService(p) {
			return ""
		}
	}
	if uid < firstPerson || uid > lastPerson {
		return ""
	}
	if user == "" {
		return fmt.Sprintf("is held by uid %d", uid)
	}
	return "is held by the user " + user
}

// isSystemService reports whether a unit of the system started p, and no user's
// own systemd or login.
func isSystemService(p *scanner.Process) bool {
	return p.UserUnit == "" && strings.HasSuffix(p.Unit, ".service") && !strings.HasPrefix(p.Unit, "user@")
}

// deleted says that the file of a program is gone.
func (c *checker) deleted(l *annotate.Listener) string {
	for _, p := range l.Holders {
		if p.Deleted && !p.Replaced && !inMemory(p.Exe) {
			return p.Exe + " was deleted while it ran"
		}
	}
	return ""
}

// outdated says that another file is in the place of the program's.
func (c *checker) outdated(l *annotate.Listener) string {
	for _, p := range l.Holders {
		if p.Deleted && p.Replaced {
			return p.Exe + " has been replaced since the process began"
		}
	}
	return ""
}

// inMemory reports whether a program is a file that memfd_create(2) made.
func inMemory(exe string) bool { return strings.HasPrefix(exe, "/memfd:") }

// writableByAll are folders that everyone can write to on a usual Linux system:
// file-hierarchy(7), hier(7).
var writableByAll = [...]string{"/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/", "/run/lock/", "/var/lock/", "/dev/mqueue/"}

// isWritable reports whether a path lies in a folder that everyone can write to.
func isWritable(path string) bool {
	return slices.ContainsFunc(writableByAll[:], func(folder string) bool { return strings.HasPrefix(path, folder) })
}

// writableProgram says that a program lies where everyone can put one.
func (c *checker) writableProgram(l *annotate.Listener) string {
	for _, p := range l.Holders {
		switch {
		case inMemory(p.Exe):
			return "its program is in memory alone: " + p.Exe
		case isWritable(p.Exe):
			return "its program is " + p.Exe
		}
	}
	return ""
}

// writableScript says that the script of an interpreter lies where everyone can
// put one.
func (c *checker) writableScript(l *annotate.Listener) string {
	for _, p := range l.Holders {
		if isWritable(p.Script) || strings.HasPrefix(p.Script, "/proc/") || strings.HasPrefix(p.Script, "/dev/fd/") {
			return p.Name + " runs " + p.Script
		}
	}
	return ""
}

// inKernel are services that the kernel serves by itself, and does not say so:
// LIO, nvmet, DLM and RDS.
var inKernel = [...]string{"iscsi-target", "nvme", "nvme-disc", "dlm", "rds-ib", "rds-ip"}

// ownerless says that no process holds l.
func (c *checker) ownerless(l *annotate.Listener) string {
	switch {
	case len(l.Holders) > 0 || l.Protocol == scanner.Unix:
	case l.Why == scanner.NotFound:
		return "no process holds it"
	case l.Why == scanner.Kernel && l.KernelUse == "" && l.Protocol.HasPorts():
		for _, name := range c.what.names {
			if slices.Contains(inKernel[:], name) {
				return ""
			}
		}
		return "no process holds it, and the kernel is not known to use it for anything"
	}
	return ""
}

// fromSession says that a reachable service was started from a login.
func (c *checker) fromSession(l *annotate.Listener) string {
	if l.MaybeClient || !l.Protocol.HasPorts() || !l.Exposure.Reachable() || len(l.Holders) == 0 {
		return ""
	}
	for _, p := range l.Holders {
		if p.Container != "" || !strings.HasPrefix(p.Unit, "session-") || !strings.HasSuffix(p.Unit, ".scope") {
			return ""
		}
	}
	return "was started in the login session " + l.Holders[0].Unit + ", and listens " + whereOf(l)
}

// readsFrames are programs that are known to need a packet socket, or a raw one:
// DHCP, routing, link discovery, Wi-Fi, VPN, high availability, sensors, and those
// that ping (pinger is squid's).
var readsFrames = [...]string{
	"dhclient", "dhcpcd", "dhcpd", "udhcpc", "udhcpd", "kea-dhcp4", "kea-dhcp6", "dnsmasq", "systemd-networkd", "NetworkManager", "connmand", "odhcp6c",
	"lldpd", "lldpad", "ladvd", "cdpd", "wpa_supplicant", "hostapd", "iwd", "pppd", "pppoe", "pppoe-server", "rp-pppoe", "avahi-autoipd", "avahi-daemon", "ifplugd", "teamd",
	"bird", "zebra", "ospfd", "ospf6d", "isisd", "ripd", "eigrpd", "pimd", "pim6d", "ldpd", "bfdd", "babeld", "vrrpd", "keepalived", "ucarp", "corosync",
	"radvd", "rdisc", "ndppd", "igmpproxy", "smcroute", "smcrouted", "mrouted", "miniupnpd", "charon", "charon-systemd", "pluto", "openvpn", "xl2tpd", "pptpd", "pptpctrl",
	"ptp4l", "suricata", "snort", "zeek", "arpwatch", "arpalert", "mstpd", "ovs-vswitchd", "vpp", "systemd-resolved", "fping", "smokeping", "mtr-packet",
	"cilium-agent", "calico-node", "speaker", "kube-vip", "kube-router", "weaver", "qemu-system-x86_64", "qemu-kvm", "passt", "passt.avx2", "pasta", "pasta.avx2",
	"slirp4netns", "netavark", "tailscaled", "netbird", "bird6", "nhrpd", "fabricd", "olsrd", "dhcrelay", "dhcp-helper", "rdnssd", "wickedd-dhcp4", "wickedd-dhcp6",
	"pinger", "blackbox_exporter", "prometheus-blackbox-exporter", "telegraf", "collectd", "packetbeat", "hsflowd", "softflowd",
}

// sniffer says that a program which is not known to need it sees frames.
func (c *checker) sniffer(l *annotate.Listener) string { return unexpected(l, scanner.Packet) }

// rawSocket says that a program which is not known to need it has a raw socket.
func (c *checker) rawSocket(l *annotate.Listener) string { return unexpected(l, scanner.Raw) }

// unexpected names the program of a socket of a protocol that few programs need.
func unexpected(l *annotate.Listener, protocol scanner.Protocol) string {
	if l.Protocol != protocol {
		return ""
	}
	for _, p := range holdersOf(l) {
		// The file says more than the name, which a process can change.
		name := p.Name
		if p.Exe != "" {
			name = base(p.Exe)
		}
		if !slices.Contains(readsFrames[:], name) {
			return name + " is not known to need such a socket"
		}
	}
	return ""
}

// controls are unix sockets through which a container engine is told what to do.
var controls = [...]string{"docker.sock", "podman.sock", "containerd.sock", "crio.sock", "buildkitd.sock"}

// openControl says that everyone may tell a container engine what to do.
func (c *checker) openControl(l *annotate.Listener) string {
	if l.Unix == nil || l.Unix.Gone || l.Unix.Mode&0o002 == 0 || !slices.Contains(controls[:], base(l.Unix.Path)) {
		return ""
	}
	return fmt.Sprintf("its mode is %04o", l.Unix.Mode)
}
