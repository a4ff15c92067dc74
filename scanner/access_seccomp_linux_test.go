package scanner

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Where seccomp forbids netlink, every table of sock_diag says so, and gopsutil
// answers; where /proc shows processes alone as well, the sockets are there all
// the same, without their holders.
func TestAccessSeccomp(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7041")
		forbidNetlink(t)
		s := scan(t, &Options{Access: true})
		a := s.Coverage.Access
		if d := a.source(t, "sock_diag tcp"); d.OK || !strings.Contains(d.Why, "operation not permitted") || a.Seccomp != "filter" || !a.source(t, "gopsutil").OK {
			t.Errorf("%+v, %+v", d, a)
		}
		if a.Processes < 1 || a.Unreadable != 0 {
			t.Errorf("%d processes, %d unreadable", a.Processes, a.Unreadable)
		}
		if got := strings.Join(s.Coverage.Blind(), "; "); !strings.Contains(got, "netlink alone") {
			t.Errorf("blind to %q", got)
		}
		mountProc(t, "subset=pid")
		s = scan(t, &Options{Access: true})
		if got := one(t, s, 7041); got.Why != NotTold || len(got.Holders) != 0 {
			t.Errorf("why %v, %d holders, want not-told", got.Why, len(got.Holders))
		}
		if l := limitation(t, s, LimitSubset); !strings.Contains(l.Remedy, "ProcSubset=all") {
			t.Errorf("limitation %+v", l)
		}
	})
}

// A filter that kills whoever makes a call is no trap: what a scan can do without
// is not tried.
func TestAccessDeadlyFilter(t *testing.T) {
	inNetns(t, func(t *testing.T) {
		listen(t, "tcp,127.0.0.1:7051")
		filterCalls(t, []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_BPF, Jf: 1},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		})
		s := scan(t, &Options{Access: true})
		one(t, s, 7051)
		if b := s.Coverage.Access.source(t, "bpf"); b.OK || !strings.Contains(b.Why, "not tried") && !strings.Contains(b.Why, "takes") {
			t.Errorf("source %+v, want one that was not tried", b)
		}
	})
}
