package scanner

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// Tables as Linux 6.18 writes them.
const (
	tableTCP = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n" +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 00000000113d95de 100 0 0 10 0                      \n" +
		"   1: 0100007F:1F90 0100007F:D431 06 00000000:00000000 03:00000A2B 00000000     0        0 0 3 00000000820c82df                                      \n"
	tableTCP6 = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 00000000000000000000000000000000:1BBE 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22462573 1 000000007be9a9a2 100 0 0 10 0\n" +
		"   1: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 4294967294        0 4294967295 1 0000000000000000 100 0 0 10 0\n"
	tableUDP = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            \n" +
		"12345: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 778 2 0000000000000000 0             \n"
)

// rowsIn reads a table in pieces of n bytes.
func rowsIn(table string, f Family, n int) (rows []procRow, err error) {
	t := procTable{family: f, take: func(r procRow) { rows = append(rows, r) }}
	for b := []byte(table); len(b) > 0; b = b[min(n, len(b)):] {
		if err := t.write(b[:min(n, len(b))]); err != nil {
			return rows, err
		}
	}
	return rows, t.end()
}

func TestProcTable(t *testing.T) {
	at := netip.MustParseAddr
	four, six := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	tests := []struct {
		name  string
		table string
		f     Family
		want  []procRow
		err   error
	}{
		{"tcp", tableTCP, IPv4, []procRow{
			{at("127.0.0.1"), four, 8080, 10, 1000, 12345},
			{at("127.0.0.1"), at("127.0.0.1"), 8080, 6, 0, 0},
		}, nil},
		{"tcp6", tableTCP6, IPv6, []procRow{
			{six, six, 7102, 10, 0, 22462573},
			{at("127.0.0.1"), six, 80, 10, 4294967294, 4294967295},
		}, nil},
		{"udp", tableUDP, IPv4, []procRow{{four, four, 53, 7, 101, 778}}, nil},
		{"titles alone", strings.SplitAfter(tableTCP, "\n")[0], IPv4, nil, nil},
		{"nothing", "", IPv4, nil, errProcTable},
		{"no titles", strings.SplitAfter(tableTCP, "\n")[1], IPv4, nil, errProcTable},
		{"cut short", tableTCP[:len(tableTCP)-1], IPv4, []procRow{{at("127.0.0.1"), four, 8080, 10, 1000, 12345}}, errProcTable},
		{"of the other family", tableTCP, IPv6, nil, errProcRow},
		{"a line without end", tableTCP + strings.Repeat("x", 2*maxProcLine), IPv4, []procRow{
			{at("127.0.0.1"), four, 8080, 10, 1000, 12345},
			{at("127.0.0.1"), at("127.0.0.1"), 8080, 6, 0, 0},
		}, errProcTable},
	}
	for _, tt := range tests {
		for _, n := range []int{1, 2, 7, 150, 151, 4096} {
			got, err := rowsIn(tt.table, tt.f, n)
			if !reflect.DeepEqual(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("%s in pieces of %d: %v, %v, want %v, %v", tt.name, n, got, err, tt.want, tt.err)
			}
		}
	}
}

func TestParseProcRow(t *testing.T) {
	good := strings.Split(tableTCP, "\n")[1]
	if _, ok := parseProcRow([]byte(good), IPv4); !ok {
		t.Fatalf("%q is no row", good)
	}
	tests := [][2]string{
		{"   0:", "   0"},
		{"   0:", "   x:"},
		{"0100007F:1F90", "0100007F:1F9"},
		{"0100007F:1F90", "0100007G:1F90"},
		{"0100007F:1F90", "0100007F-1F90"},
		{"00000000:0000 0A", "0000000:0000 0A"},
		{" 0A ", " 100 "},
		{" 0A ", " -1 "},
		{" 1000 ", " 4294967296 "},
		{" 1000 ", " -1 "},
		{" 12345 ", " 0x1 "},
		{" 12345 1 00000000113d95de 100 0 0 10 0", ""},
	}
	for _, tt := range tests {
		bad := strings.Replace(good, tt[0], tt[1], 1)
		if r, ok := parseProcRow([]byte(bad), IPv4); ok {
			t.Errorf("parseProcRow(%q) = %+v, want nothing", bad, r)
		}
	}
}

// However a table is cut in pieces, it is the same table, and every row of it is
// one that the kernel could have written.
func FuzzProcTable(f *testing.F) {
	f.Add(tableTCP, false, 4096)
	f.Add(tableTCP6, true, 3)
	f.Add(tableUDP, false, 128)
	f.Add("sl local_address\n0: 00000000:0000 00000000:0000 0A x x x 0 0 0", false, 1)
	f.Fuzz(func(t *testing.T, table string, six bool, n int) {
		family := IPv4
		if six {
			family = IPv6
		}
		whole, err := rowsIn(table, family, len(table)+1)
		parts, err2 := rowsIn(table, family, max(1, n&0xfff))
		// A line that is too long is noticed where a piece ends.
		if !errors.Is(err, errProcTable) && !errors.Is(err2, errProcTable) && (!reflect.DeepEqual(whole, parts) || fmt.Sprint(err) != fmt.Sprint(err2)) {
			t.Fatalf("%q: %v, %v; in pieces of %d: %v, %v", table, whole, err, n, parts, err2)
		}
		for _, r := range whole {
			if !r.addr.IsValid() || r.addr.Is4In6() || family == IPv4 && !r.addr.Is4() {
				t.Fatalf("%q: row %+v", table, r)
			}
		}
	})
}
