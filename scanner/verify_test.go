package scanner

import (
	"net/netip"
	"slices"
	"testing"
)

// at makes sockets of the inodes, all of 127.0.0.1 at the port of the inode, or,
// from 1000 on, of port 80.
func at(inodes ...uint64) []Socket {
	var list []Socket
	for _, n := range inodes {
		port := uint16(n)
		if n >= 1000 {
			port = 80
		}
		list = append(list, Socket{Protocol: TCP, Family: IPv4, Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Port: port, Inode: n, UID: 0})
	}
	return list
}

// saw makes the account of one who saw sockets; of a nil list, of one who did
// not answer.
func saw(inodes []uint64) account {
	if inodes == nil {
		return account{}
	}
	a := newAccount()
	for _, s := range at(inodes...) {
		a.add(&s)
	}
	return a
}

// round is what all witnesses saw in a turn: netlink before and after, gopsutil's
// places, and both readings of the tables.
type round struct{ before, gopsutil, self, other, after []uint64 }

func (r round) turn() *turn {
	t := &turn{after: saw(r.after)}
	t.accounts[byNetlink], t.accounts[bySelf], t.accounts[byOther] = saw(r.before), saw(r.self), saw(r.other)
	if g := saw(r.gopsutil); r.gopsutil != nil {
		t.accounts[byGopsutil] = account{places: g.places}
	}
	return t
}

// What is missing in every turn is found, and nothing else.
func TestDoubts(t *testing.T) {
	type ids = []uint64
	same := func(r round) []round { return slices.Repeat([]round{r}, turns) }
	all := ids{7, 8, 9}
	tests := []struct {
		name   string
		rounds []round
		want   ids       // inodes left in doubt
		unseen []witness // who has not seen the first of them
	}{
		{"at rest", same(round{all, all, all, all, all}), nil, nil},
		{"no other process", same(round{all, all, all, nil, all}), nil, nil},
		{"hidden from netlink", same(round{ids{7, 9}, all, all, all, ids{7, 9}}), ids{8}, []witness{byNetlink}},
		{"hidden from all tables", same(round{all, ids{7}, ids{7}, ids{7}, all}), ids{8, 9}, []witness{byGopsutil, bySelf, byOther}},
		{"hidden from everybody's path", same(round{all, ids{7, 8}, all, all, all}), ids{9}, []witness{byGopsutil}},
		{"hidden from one process", same(round{all, all, all, ids{8, 9}, all}), ids{7}, []witness{byOther}},
		{"only gopsutil sees it", same(round{ids{7}, ids{7, 8}, ids{7}, ids{7}, ids{7}}), ids{0}, []witness{byNetlink, bySelf, byOther}},
		{"without netlink", same(round{nil, all, ids{7, 9}, all, nil}), ids{8}, []witness{bySelf}},
		{
			"one of three that share an address",
			same(round{ids{1000, 1001, 1002}, ids{1000}, ids{1000, 1002}, ids{1000, 1001, 1002}, ids{1000, 1001, 1002}}),
			ids{1001},
			[]witness{bySelf},
		},
		{
			// One reading of many loses a row at the seam of two pieces.
			"seen once", append(same(round{all, all, ids{7}, all, all})[1:], round{all, all, all, all, all}), nil, nil,
		},
		{"netlink saw it once", append(same(round{ids{7}, all, all, all, ids{7}})[1:], round{ids{7}, all, all, all, all}), nil, nil},
		{
			"opened in between", append([]round{{ids{7}, ids{7}, ids{7}, ids{7}, ids{7, 8}}}, same(round{ids{7, 8}, ids{7, 8}, ids{7, 8}, ids{7, 8}, ids{7, 8}})[1:]...),
			nil, nil,
		},
		{"closed in between", append([]round{{all, ids{7}, ids{7}, ids{7}, ids{7}}}, same(round{ids{7}, ids{7}, ids{7}, ids{7}, ids{7}})[1:]...), nil, nil},
		{
			// Another socket takes the place of the last each time.
			"always another", []round{
				{ids{7, 1001}, ids{7}, ids{7}, ids{7}, ids{7, 1002}},
				{ids{7, 1002}, ids{7}, ids{7}, ids{7}, ids{7, 1003}},
				{ids{7, 1003}, ids{7}, ids{7}, ids{7}, ids{7, 1004}},
				{ids{7, 1004}, ids{7}, ids{7}, ids{7}, ids{7, 1005}},
				{ids{7, 1005}, ids{7}, ids{7}, ids{7}, ids{7, 1006}},
				{ids{7, 1006}, ids{7}, ids{7}, ids{7}, ids{7, 1007}},
			}, nil, nil,
		},
		{
			// A listener that is never there both before and after a reading.
			"never there for long", []round{
				{ids{8}, ids{}, ids{}, ids{}, ids{}},
				{ids{}, ids{}, ids{}, ids{}, ids{8}},
				{ids{8}, ids{}, ids{}, ids{}, ids{}},
				{ids{}, ids{}, ids{}, ids{}, ids{8}},
				{ids{8}, ids{}, ids{}, ids{}, ids{}},
				{ids{}, ids{}, ids{}, ids{}, ids{8}},
			}, nil, nil,
		},
	}
	for _, tt := range tests {
		ds := newDoubts(tt.rounds[0].turn())
		for _, r := range tt.rounds[1:] {
			ds.weigh(r.turn())
		}
		var got ids
		for _, d := range ds.verdicts() {
			got = append(got, d.inode)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: in doubt %v, want %v", tt.name, got, tt.want)
			continue
		}
		if len(got) == 0 {
			continue
		}
		d := ds.verdicts()[0]
		var unseen []witness
		for w := range witnesses {
			if tt.rounds[0].turn().accounts[w].answered() && !d.seen[w] {
				unseen = append(unseen, w)
			}
		}
		if !slices.Equal(unseen, tt.unseen) {
			t.Errorf("%s: not seen by %v, want %v", tt.name, unseen, tt.unseen)
		}
	}
}

// Sockets without an inode are told apart by their number: three are not two.
func TestAccountWithoutInodes(t *testing.T) {
	three, two := saw([]uint64{0, 0, 0}), saw([]uint64{0, 0})
	r := &turn{after: three}
	r.accounts[byNetlink], r.accounts[bySelf] = three, two
	if ds := newDoubts(r); len(ds.list) != 1 {
		t.Errorf("%d in doubt, want 1", len(ds.list))
	}
	// A table that changes as it is read may show a socket twice.
	if a := saw([]uint64{7, 7}); len(a.sights) != 1 || a.places[sightOf(&at(7)[0]).place] != 1 {
		t.Errorf("a socket that was seen twice counts as %d", len(a.sights))
	}
}

// The words of every kind are there, and tell the kinds apart.
func TestDiscrepancyWords(t *testing.T) {
	phrases := make(map[string]bool)
	for k := HiddenFromProc; k <= HiddenFromAll; k++ {
		if p := k.Phrase(); p == "" || phrases[p] || p == k.String() && k != ReservedPort {
			t.Errorf("the phrase of %v is %q", k, p)
		}
		phrases[k.Phrase()] = true
		if k.Hidden() != (k == HiddenFromProc || k == HiddenFromNetlink || k == HiddenFromAll) {
			t.Errorf("%v hides: %v", k, k.Hidden())
		}
		if k.Hidden() && k.Next() == "" {
			t.Errorf("%v has no next step", k)
		}
	}
	d := Discrepancy{
		Kind: HiddenFromNetlink, Namespace: "web", Protocol: UDP, Family: IPv6, Addr: netip.IPv6Unspecified(), Port: 31337,
		Seen: []string{"procfs", "bind"}, Missing: []string{"netlink"}, Benign: []string{"a sandbox", "a copy"},
	}
	want := "hidden from netlink: udp [::]:31337 in the network namespace web, seen by procfs, bind, not by netlink; may be harmless: a sandbox, a copy"
	if got := d.Sentence(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
