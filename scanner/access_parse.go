package scanner

import (
	"bytes"
	"strconv"
	"strings"
)

// capabilities are the names of the capabilities by number, as in
// <linux/capability.h>.
var capabilities = [...]string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
	"CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
	"CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
	"CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// capabilityNames returns the names of a set of capabilities, by number. One
// that is newer than this list is its number: "CAP_41".
func capabilityNames(set uint64) []string {
	var names []string
	for n := range 64 {
		switch {
		case set&(1<<n) == 0:
		case n < len(capabilities):
			names = append(names, capabilities[n])
		default:
			names = append(names, "CAP_"+strconv.Itoa(n))
		}
	}
	return names
}

// parseProcMount looks in a mountinfo (proc_pid_mountinfo(5)) for the last mount at
// a path, which is the one on top, and returns the values of hidepid and subset
// (proc(5)), empty for none.
func parseProcMount(b []byte, path string) (hidepid, subset string) {
	for line := range bytes.Lines(b) {
		mount, super, ok := strings.Cut(strings.TrimSpace(string(line)), " - ")
		f := strings.Fields(mount)
		if !ok || len(f) < 5 || f[4] != path {
			continue
		}
		hidepid, subset = "", ""
		for opt := range strings.SplitSeq(super[strings.LastIndexByte(super, ' ')+1:], ",") {
			if v, ok := strings.CutPrefix(opt, "hidepid="); ok {
				hidepid = v
			}
			if v, ok := strings.CutPrefix(opt, "subset="); ok {
				subset = v
			}
		}
	}
	return hidepid, subset
}

// parseSeccomp returns the mode of seccomp that a status of a process has
// (proc_pid_status(5)); empty where it has none.
func parseSeccomp(b []byte) string {
	for line := range bytes.Lines(b) {
		v, ok := bytes.CutPrefix(line, []byte("Seccomp:"))
		if !ok {
			continue
		}
		switch string(bytes.TrimSpace(v)) {
		case "0":
			return "disabled"
		case "1":
			return "strict"
		case "2":
			return "filter"
		}
	}
	return ""
}

// parseLockdown returns the mode in brackets of /sys/kernel/security/lockdown,
// "none [integrity] confidentiality"; empty for anything else.
func parseLockdown(b []byte) string {
	_, b, _ = bytes.Cut(b, []byte("["))
	mode, _, _ := bytes.Cut(b, []byte("]"))
	switch m := string(mode); m {
	case "none", "integrity", "confidentiality":
		return m
	}
	return ""
}

// parseYama returns kernel.yama.ptrace_scope; -1 for anything else.
func parseYama(b []byte) int {
	n, err := strconv.Atoi(string(bytes.TrimSpace(b)))
	if err != nil || n < 0 || n > 3 {
		return -1
	}
	return n
}
