package scanner

import (
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A row is what ss(8) and a scan must agree on.
type row struct {
	proto  string // "tcp", "udp"
	addr   string // as netip writes it, unmapped, without a zone
	device string // of SO_BINDTODEVICE or the zone
	v6only bool
	port   uint16
	pids   string // sorted, with commas
}

var ssPID = regexp.MustCompile(`pid=(\d+)`)

// ssRows asks ss(8) for every listening socket of the namespace.
func ssRows(t testing.TB, options ...string) []row {
	t.Helper()
	ss, err := exec.LookPath("ss")
	if err != nil {
		t.Skip("needs ss(8) of iproute2, the oracle")
	}
	out, err := exec.Command(ss, append(options, "-Htulnp")...).Output()
	if err != nil {
		t.Fatalf("ss: %v", err)
	}
	var rows []row
	for line := range strings.Lines(string(out)) {
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
		r := row{proto: f[0], port: uint16(port), device: strings.TrimSuffix(device, "]"), v6only: host[0] == '['}
		if host == "*" { // "::" that answers IPv4 too
			host = "::"
		}
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil {
			t.Fatalf("ss: %q: %v", line, err)
		}
		r.v6only = r.v6only && a.IsUnspecified()
		r.addr = a.Unmap().String()
		var pids []int
		for _, m := range ssPID.FindAllStringSubmatch(line, -1) {
			pid, _ := strconv.Atoi(m[1])
			pids = append(pids, pid)
		}
		r.pids = joinPIDs(pids)
		rows = append(rows, r)
	}
	sortRows(rows)
	return rows
}

// rowsOf are the rows of a scan, as ss would have them.
func rowsOf(socks []Socket) []row {
	var rows []row
	for i := range socks {
		s := &socks[i]
		r := row{
			proto: s.Protocol.String(), addr: s.Addr.WithZone("").String(), device: s.Device, port: s.Port,
			v6only: s.V6Only && s.Addr.IsUnspecified(),
		}
		if z := s.Addr.Zone(); z != "" {
			r.device = z
		}
		var pids []int
		for _, p := range s.Holders {
			pids = append(pids, p.PID)
		}
		r.pids = joinPIDs(pids)
		rows = append(rows, r)
	}
	sortRows(rows)
	return rows
}

func joinPIDs(pids []int) string {
	slices.Sort(pids)
	var s []string
	for _, p := range slices.Compact(pids) {
		s = append(s, strconv.Itoa(p))
	}
	return strings.Join(s, ",")
}

func sortRows(rows []row) {
	key := func(r row) string {
		return strings.Join([]string{r.proto, r.addr, r.device, strconv.Itoa(int(r.port)), strconv.FormatBool(r.v6only), r.pids}, " ")
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(key(a), key(b)) })
}
