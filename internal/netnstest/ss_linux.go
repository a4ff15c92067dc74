package netnstest

import (
	"cmp"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A Row is what ss(8) and a scan must agree on.
type Row struct {
	Proto  string // "tcp", "udp"
	Addr   string // as netip writes it, unmapped, without a zone
	Device string // of SO_BINDTODEVICE or the zone
	V6Only bool   // of a wildcard
	Port   uint16
	PIDs   string // sorted, with commas
}

var pidOf = regexp.MustCompile(`pid=(\d+)`)

// SS asks ss(8) for every listening socket of a network namespace. by is a command
// that runs another one in it, such as "ip netns exec NAME"; without it the
// namespace is the test's.
func SS(t testing.TB, by ...string) []Row {
	t.Helper()
	out, err := oracle(t, by, "ss", "-Htulnp")
	if err != nil {
		t.Fatalf("ss: %v", err)
	}
	var rows []Row
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 6 {
			t.Fatalf("ss: %q", line)
		}
		i := strings.LastIndexByte(f[4], ':')
		port, err := strconv.ParseUint(f[4][i+1:], 10, 16)
		if err != nil {
			t.Fatalf("ss: %q: %v", line, err)
		}
		host, device, _ := strings.Cut(f[4][:i], "%")
		v6only := host[0] == '['
		if host == "*" { // "::" that answers IPv4 too
			host = "::"
		}
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil {
			t.Fatalf("ss: %q: %v", line, err)
		}
		var pids []int
		for _, m := range pidOf.FindAllStringSubmatch(line, -1) {
			pid, _ := strconv.Atoi(m[1])
			pids = append(pids, pid)
		}
		rows = append(rows, RowOf(f[0], a.Unmap(), strings.TrimSuffix(device, "]"), uint16(port), v6only, pids))
	}
	SortRows(rows)
	return rows
}

// LSOF returns the processes that lsof(8) finds to listen on TCP, sorted. by is as
// with [SS].
func LSOF(t testing.TB, by ...string) []int {
	t.Helper()
	out, _ := oracle(t, by, "lsof", "-nP", "-iTCP", "-sTCP:LISTEN", "-Fp") // 1 where nothing is found
	var pids []int
	for line := range strings.Lines(out) {
		if pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "p"))); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// oracle returns what a program writes, run by a command that leads to it. Where
// it is not installed the test is skipped.
func oracle(t testing.TB, by []string, program string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("needs %s(8), the oracle", program)
	}
	all := slices.Concat(by, []string{path}, args)
	out, err := exec.Command(all[0], all[1:]...).Output()
	return string(out), err
}

// RowOf is what ss would have of a socket. v6only counts for wildcards alone, and
// a zone is a device.
func RowOf(proto string, addr netip.Addr, device string, port uint16, v6only bool, pids []int) Row {
	if z := addr.Zone(); z != "" {
		device = z
	}
	return Row{
		Proto: proto, Addr: addr.WithZone("").String(), Device: device, Port: port,
		V6Only: v6only && addr.IsUnspecified(), PIDs: joinPIDs(pids),
	}
}

func joinPIDs(pids []int) string {
	slices.Sort(pids)
	var s []string
	for _, p := range slices.Compact(pids) {
		s = append(s, strconv.Itoa(p))
	}
	return strings.Join(s, ",")
}

// SortRows puts rows into the order of [SS].
func SortRows(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Addr, b.Addr),
			cmp.Compare(a.Device, b.Device), cmp.Compare(a.PIDs, b.PIDs),
			cmp.Compare(strconv.FormatBool(a.V6Only), strconv.FormatBool(b.V6Only)),
		)
	})
}
