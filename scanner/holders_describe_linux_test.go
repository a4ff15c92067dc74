package scanner

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// The first and the last of a group of cgroups speak for the others when they say
// the same.
func TestCgroupGroups(t *testing.T) {
	web, db := &cgroupFacts{unitFacts: unitFacts{unit: "web.service"}}, &cgroupFacts{unitFacts: unitFacts{unit: "db.service"}}
	webToo := *web
	tests := []struct {
		name        string
		first, last *cgroupFacts
		want        string
	}{
		{"agree", web, &webToo, "web.service"},
		{"one has moved", db, web, ""},
		{"one has ended", nil, web, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, err := openProc("/proc")
			if err != nil {
				t.Fatal(err)
			}
			defer root.close()
			// There are no such processes; the one between is asked itself, and ended.
			var all walker
			d := describing{root: root, groups: make(map[uint64]*cgroupGroup)}
			for i, c := range []*cgroupFacts{tt.first, nil, tt.last} {
				p := &holder{Process: Process{PID: 1<<31 - 1 - i}, cgroups: 7, cgroup: c, noCgroup: i == 1}
				all.found = append(all.found, found{p, i})
			}
			between := all.found[1].p
			d.groups[7] = &cgroupGroup{all.found[0].p, all.found[2].p}
			d.share(&all)
			if between.Unit != tt.want || between.ended != (tt.want == "") {
				t.Errorf("the one between has unit %q and has ended: %v; want %q", between.Unit, between.ended, tt.want)
			}
		})
	}
}

// Of many processes the workers describe each, once, and drop those that have
// ended.
func TestDescribing(t *testing.T) {
	child := spawn(t, "wait")
	root, err := openProc("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	buf := make([]byte, 1<<10)
	stat, ok := parseStat(readSmall(fmt.Sprintf("/proc/%d/stat", child.PID), &buf))
	if !ok {
		t.Fatal("no stat of the child")
	}
	var all walker
	d := describing{root: root, groups: make(map[uint64]*cgroupGroup)}
	for i := range 300 {
		p := &holder{Process: Process{PID: child.PID, UID: 0}, start: stat.start, cgroups: uint64(i % 3)}
		if i%4 == 0 {
			p.start++ // of another process with that pid
		}
		all.found = append(all.found, found{p, len(all.hits)})
		all.hits = append(all.hits, int32(i))
		d.give(p)
	}
	d.finish(&all)
	if len(all.found) != 225 || len(all.hits) != 225 {
		t.Fatalf("%d processes with %d sockets are left, want 225", len(all.found), len(all.hits))
	}
	for i, f := range all.found {
		if want := int32(i/3*4 + i%3 + 1); f.from != i || all.hits[i] != want {
			t.Errorf("process %d holds %d from %d, want %d", i, all.hits[i], f.from, want)
		}
		if f.p.Exe == "" || f.p.PPID != os.Getpid() || f.p.start != stat.start || f.p.Unit != all.found[0].p.Unit {
			t.Errorf("process %d is described as %+v", i, f.p.Process)
		}
	}
}

// What ended processes held is given to nobody else.
func TestDropEnded(t *testing.T) {
	tests := []struct {
		ended []bool
		pids  []int
		from  []int
		hits  []int32
	}{
		{ended: []bool{false, false, false}, pids: []int{1, 2, 3}, from: []int{0, 2, 3}, hits: []int32{10, 11, 20, 30, 31}},
		{ended: []bool{true, false, false}, pids: []int{2, 3}, from: []int{0, 1}, hits: []int32{20, 30, 31}},
		{ended: []bool{false, true, false}, pids: []int{1, 3}, from: []int{0, 2}, hits: []int32{10, 11, 30, 31}},
		{ended: []bool{false, false, true}, pids: []int{1, 2}, from: []int{0, 2}, hits: []int32{10, 11, 20}},
		{ended: []bool{true, true, true}},
	}
	for _, tt := range tests {
		w := walker{hits: []int32{10, 11, 20, 30, 31}}
		for i, from := range []int{0, 2, 3} {
			w.found = append(w.found, found{&holder{Process: Process{PID: i + 1}, ended: tt.ended[i]}, from})
		}
		w.dropEnded()
		var pids, from []int
		for _, f := range w.found {
			pids, from = append(pids, f.p.PID), append(from, f.from)
		}
		if !slices.Equal(pids, tt.pids) || !slices.Equal(from, tt.from) || !slices.Equal(w.hits, tt.hits) {
			t.Errorf("with %v ended, %v from %v of %v are left, want %v from %v of %v", tt.ended, pids, from, w.hits, tt.pids, tt.from, tt.hits)
		}
	}
}
