package scanner

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestCapabilityNames(t *testing.T) {
	tests := []struct {
		set  uint64
		want string
	}{
		{0, ""},
		{1 << 19, "CAP_SYS_PTRACE"},
		{1<<2 | 1<<19, "CAP_DAC_READ_SEARCH CAP_SYS_PTRACE"},
		{1<<12 | 1<<21, "CAP_NET_ADMIN CAP_SYS_ADMIN"},
		{1<<38 | 1<<39 | 1<<40 | 1<<41 | 1<<63, "CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE CAP_41 CAP_63"},
	}
	for _, tt := range tests {
		if got := strings.Join(capabilityNames(tt.set), " "); got != tt.want {
			t.Errorf("capabilityNames(%#x) = %q, want %q", tt.set, got, tt.want)
		}
	}
}

const mountinfo = "22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n" +
	"30 22 0:30 / /proc/sys/fs/binfmt_misc rw - autofs x rw,hidepid=9,subset=all\n" +
	"31 22 0:31 / /proc rw,relatime - proc proc rw,gid=4,hidepid=invisible,subset=pid\n" +
	"32 22 0:32 / /other rw - proc proc rw,hidepid=ptraceable\n" +
	"33 22 0:33 / /over rw - proc proc rw,hidepid=ptraceable\n" +
	"34 22 0:34 / /over rw - proc proc rw,subset=pid\n" +
	"short\n"

func TestParseProcMount(t *testing.T) {
	tests := []struct{ path, hidepid, subset string }{
		{"/proc", "invisible", "pid"},
		{"/other", "ptraceable", ""},
		{"/over", "", "pid"}, // the mount on top counts
		{"/none", "", ""},
	}
	for _, tt := range tests {
		if hidepid, subset := parseProcMount([]byte(mountinfo), tt.path); hidepid != tt.hidepid || subset != tt.subset {
			t.Errorf("parseProcMount(%q) = %q, %q, want %q, %q", tt.path, hidepid, subset, tt.hidepid, tt.subset)
		}
	}
}

func TestParseSmallFacts(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n", "filter"},
		{"Seccomp:\t0\n", "disabled"},
		{"Seccomp:\t1\n", "strict"},
		{"Seccomp:\t7\n", ""},
		{"Name:\tSeccomp:\t2\n", ""},
		{"", ""},
	} {
		if got := parseSeccomp([]byte(tt.in)); got != tt.want {
			t.Errorf("parseSeccomp(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, tt := range []struct{ in, want string }{
		{"[none] integrity confidentiality\n", "none"},
		{"none [integrity] confidentiality\n", "integrity"},
		{"none integrity [confidentiality]\n", "confidentiality"},
		{"none integrity confidentiality\n", ""},
		{"[\x1b[31m]\n", ""},
		{"", ""},
	} {
		if got := parseLockdown([]byte(tt.in)); got != tt.want {
			t.Errorf("parseLockdown(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, tt := range []struct {
		in   string
		want int
	}{{"0\n", 0}, {"3\n", 3}, {"4\n", -1}, {"-2\n", -1}, {"", -1}, {"x", -1}} {
		if got := parseYama([]byte(tt.in)); got != tt.want {
			t.Errorf("parseYama(%q) = %d, want %d", tt.in, got, tt.want)
		}
	}
}

func FuzzAccessFacts(f *testing.F) {
	f.Add([]byte(mountinfo), "/proc")
	f.Add([]byte("none [integrity] confidentiality\n"), "RAW")
	f.Add([]byte("Seccomp:\t2\n"), "Seccomp:")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		if hidepid, subset := parseProcMount(b, name); strings.ContainsAny(hidepid+subset, ", \n") {
			t.Errorf("parseProcMount = %q, %q: not an option", hidepid, subset)
		}
		if s := parseSeccomp(b); s != "" && !slices.Contains([]string{"disabled", "strict", "filter"}, s) {
			t.Errorf("parseSeccomp = %q", s)
		}
		if s := parseLockdown(b); s != "" && !slices.Contains([]string{"none", "integrity", "confidentiality"}, s) {
			t.Errorf("parseLockdown = %q", s)
		}
		if n := parseYama(b); n < -1 || n > 3 {
			t.Errorf("parseYama = %d", n)
		}
	})
}

// What a scan lacks says what to do, and doctor says the same first.
func TestRemedies(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux knows what a process lacks")
	}
	both := []string{capSysPtrace, capDACReadSearch}
	tests := []struct {
		standing standing
		nets     bool   // other network namespaces too
		want     string // in one line
		more     int    // other ways
	}{
		{standing{uid: 1000, initial: true, lacks: both}, false, "run as root (sudo whatslistening)", 3},
		{standing{uid: 1000, initial: true, lacks: both[1:]}, false, "run as root (sudo whatslistening)", 3},
		{standing{uid: 1000, initial: true}, false, "a security module keeps it out: look at the audit log of SELinux or AppArmor", 0},
		{standing{uid: 0, initial: true}, false, "a security module keeps it out: look at the audit log of SELinux or AppArmor", 0},
		{standing{uid: 0, initial: true, lacks: both[:1]}, false, "root lacks CAP_SYS_PTRACE here: add it to the container or unit (--cap-add SYS_PTRACE)", 0},
		{standing{uid: 0, initial: true, lacks: both[1:]}, false, "root lacks CAP_DAC_READ_SEARCH here: add it to the container or unit (--cap-add DAC_READ_SEARCH)", 0},
		{
			standing{uid: 0, initial: true, lacks: both},
			false,
			"root lacks CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH here: add them to the container or unit (--cap-add SYS_PTRACE --cap-add DAC_READ_SEARCH)", 0,
		},
		{standing{uid: 0, initial: true, lacks: []string{capSysAdmin}}, true, "root lacks CAP_SYS_ADMIN here: add it to the container or unit (--cap-add SYS_ADMIN)", 0},
		{standing{uid: 0, initial: true, lacks: []string{capSysAdmin}}, false, "a security module keeps it out: look at the audit log of SELinux or AppArmor", 0},
		{standing{uid: 1000, initial: true, lacks: []string{capSysAdmin}}, true, "run as root (sudo whatslistening)", 3},
		{standing{uid: 0}, false, "this is root of a user namespace: run as root of the host", 0},
		{standing{uid: 1000, lacks: both}, false, "this is a user namespace: run as root of the host", 0},
	}
	for _, tt := range tests {
		got := tt.standing.remedies("/opt/bin/whatslistening", tt.nets)
		if got[0].String() != tt.want || len(got) != 1+tt.more {
			t.Errorf("%+v: %q and %d more, want %q and %d", tt.standing, got[0], len(got)-1, tt.want, tt.more)
		}
	}
}

// A path that a shell or systemd would read as something else is not pasted.
func TestPasteable(t *testing.T) {
	tests := []struct {
		path string
		want bool
	}{
		{"/usr/local/bin/whatslistening", true},
		{"/opt/a_b-1.2+3/w", true},
		{"", false},
		{"whatslistening", false},
		{"/tmp/a b", false},
		{"/tmp/$(reboot)", false},
		{"/tmp/a;b", false},
		{"/tmp/100%", false},
		{"/tmp/a:b", false},
		{"/tmp/\x1b[31m", false},
		{"/tmp/é", false},
	}
	for _, tt := range tests {
		if got := pasteable(tt.path); got != tt.want {
			t.Errorf("pasteable(%q) = %v, want %v", tt.path, got, tt.want)
		}
	}
}

func TestBlind(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux counts what it cannot see")
	}
	nobody := &Access{UID: 65534, InitialUser: true, Processes: 28, Unreadable: 26}
	root := &Access{InitialUser: true, Capabilities: []string{capSysPtrace, capDACOverride}, Processes: 28}
	const ways = "run as root; or give the program what it takes, and with it everyone who may run it; " +
		"or a unit of systemd, which gives it to a user of its own; or a container, with --security-opt apparmor=unconfined too where AppArmor guards it"
	tests := []struct {
		name            string
		c               Coverage
		blind, remedies string
	}{
		{"nothing is missing", Coverage{Complete: true, Access: root}, "", ""},
		{"nor is an address", Coverage{Complete: true, Access: root, Limitations: []Limitation{{LimitInterfaces, "no addresses", "x"}}}, "", ""},
		{
			"nothing listens, and who would hold it is not to be seen",
			Coverage{Complete: true, Access: nobody},
			"26 of 28 processes", ways,
		},
		{
			"two reasons, one remedy", Coverage{Access: root, Limitations: []Limitation{
				{LimitNetlinkUnavailable, "gopsutil was asked", "allow netlink"},
				{LimitGopsutil, "gopsutil shows less", "allow netlink"},
			}}, "what the kernel tells by netlink alone", "allow netlink",
		},
		{
			"a system that gopsutil alone knows", Coverage{Access: root, Limitations: []Limitation{
				{LimitGopsutil, "gopsutil does not tell which processes hold the sockets on OpenBSD", ""},
			}}, "what gopsutil does not tell of sockets and their holders", "",
		},
		{
			"processes and namespaces", Coverage{Access: nobody, Limitations: []Limitation{
				{LimitUnreadable, "26 of 28 processes did not show their sockets", "run as root (sudo whatslistening)"},
				{LimitNetNS, "1 other network namespace was not looked into", "run as root (sudo whatslistening)"},
			}}, "26 of 28 processes; other network namespaces", strings.Replace(ways, "run it;", "run it; CAP_SYS_ADMIN, for other network namespaces, is nearly root;", 1),
		},
		{
			"words of another part", Coverage{Access: root, Limitations: []Limitation{
				{LimitPIDNamespace, "1 socket has no holder", "run in the pid namespace of the host"}, {"else", "something else", ""},
			}}, "the processes outside this pid namespace; something else", "run in the pid namespace of the host",
		},
		{
			"a saved coverage",
			Coverage{Limitations: []Limitation{{LimitUnreadable, "1 of 2 processes did not show its sockets", "run as root (sudo whatslistening)"}}},
			"processes of other users", "run as root (sudo whatslistening)",
		},
		{
			"things, not sentences",
			Coverage{Access: root, Limitations: []Limitation{
				{LimitProtocol, "sctp sockets are not listed: the kernel is without sctp_diag", "modprobe sctp_diag"},
				{LimitInterfaces, "the addresses of this host are not known: permission denied", ""},
				{LimitSubset, "the ports that the kernel gives to clients are not known: /proc shows processes alone (subset=pid)", "mount"},
				{LimitSubset, "/proc shows processes alone (subset=pid): gopsutil does not tell which of them hold the sockets", "mount"},
				{LimitSlow, "2 processes did not answer in time", ""},
			}},
			"sctp sockets; the addresses of this host; what /proc has beside processes (subset=pid); processes that did not answer in time", "modprobe sctp_diag; mount",
		},
	}
	for _, tt := range tests {
		var texts []string
		for _, r := range tt.c.Remedies("/w") {
			texts = append(texts, r.Text)
		}
		if got := strings.Join(tt.c.Blind(), "; "); got != tt.blind {
			t.Errorf("%s: blind to %q, want %q", tt.name, got, tt.blind)
		}
		if got := strings.Join(texts, "; "); got != tt.remedies {
			t.Errorf("%s: remedies %q, want %q", tt.name, got, tt.remedies)
		}
	}
}
