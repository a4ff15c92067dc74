package scanner

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestInodeSetEqualsMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 10, 11, 500, 20000} {
		socks := make([]Socket, n)
		want := make(map[uint64]map[int32]bool)
		for i := range socks {
			// Close together, so that some share an inode and some are 0.
			inode := rnd.Uint64N(uint64(2*n + 1))
			socks[i].Inode = inode
			if inode == 0 {
				continue
			}
			if want[inode] == nil {
				want[inode] = make(map[int32]bool)
			}
			want[inode][int32(i)] = true
		}
		s := newInodeSet(socks, func(*Socket) bool { return true })
		if s.n != len(want) {
			t.Errorf("%d sockets: %d inodes, want %d", n, s.n, len(want))
		}
		for inode := uint64(1); inode < uint64(2*n+10); inode++ {
			got := make(map[int32]bool)
			for i := s.find(inode); i >= 0; i = s.after(i) {
				got[i] = true
			}
			if len(got) != len(want[inode]) {
				t.Fatalf("%d sockets: find(%d) = %v, want %v", n, inode, got, want[inode])
			}
			for i := range got {
				if !want[inode][i] {
					t.Fatalf("%d sockets: find(%d) = %v, want %v", n, inode, got, want[inode])
				}
			}
		}
	}
}

func TestInodeSetKeep(t *testing.T) {
	socks := []Socket{{Inode: 7}, {Inode: 8, Holders: []*Process{{PID: 1}}}, {}}
	s := newInodeSet(socks, func(s *Socket) bool { return len(s.Holders) == 0 })
	if s.find(7) != 0 || s.find(8) != -1 {
		t.Errorf("find(7) = %v, find(8) = %v, want 0 and -1", s.find(7), s.find(8))
	}
}

func TestParseSocketLink(t *testing.T) {
	tests := []struct {
		in   string
		want uint64
	}{
		{"socket:[1]", 1},
		{"socket:[4294967295]", math.MaxUint32},
		{"socket:[18446744073709551615]", math.MaxUint64},
		{"socket:[18446744073709551616]", 0},
		{"socket:[184467440737095516150]", 0},
		{"socket:[12", 0}, // cut short
		{"socket:[]", 0},
		{"socket:[0]", 0},
		{"socket:[-1]", 0},
		{"socket:[1a]", 0},
		{"socket:[12] (deleted)", 0},
		{"/socket:[12]", 0},
		{"pipe:[12]", 0},
		{"anon_inode:[eventfd]", 0},
		{"", 0},
	}
	for _, tt := range tests {
		if got := parseSocketLink([]byte(tt.in)); got != tt.want {
			t.Errorf("parseSocketLink(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	f.Add("0")
	f.Add("18446744073709551615")
	f.Add("18446744073709551616")
	f.Add("+1")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseDecimal([]byte(s))
		want, err := strconv.ParseUint(s, 10, 64)
		if len(s) > 20 {
			return // refused without a look: leading zeros
		}
		if ok != (err == nil) || ok && got != want {
			t.Errorf("parseDecimal(%q) = %v, %v, want %v, %v", s, got, ok, want, err)
		}
	})
}
