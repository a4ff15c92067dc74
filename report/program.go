package report

import (
	"encoding/binary"
	"slices"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// programs numbers the programs that hold the listeners. Processes are of one
// program where all that is said of them is the same but for what is theirs
// alone: the pid, the parent, the start.
type programs struct {
	// of is the number of the program of each listener, by index: of the set of
	// its programs, where it has several; -1 where it has none.
	of []int32
	// n is how many programs there are, one that runs as several users counted
	// once; sets of them are not counted.
	n int
}

// A program is what processes of one program have in common.
type program struct {
	name, exe, script, user, unit, runtime, container string
	uid                                               int64
	deleted, replaced                                 bool
}

// newPrograms numbers the programs of those listeners that order has.
func newPrograms(ls []annotate.Listener, order []int32) programs {
	ps := programs{of: make([]int32, len(ls))}
	byProcess := make(map[*scanner.Process]int32)
	byProgram := make(map[program]int32)
	number := func(p *scanner.Process) int32 {
		if n, ok := byProcess[p]; ok {
			return n
		}
		k := program{p.Name, p.Exe, p.Script, p.User, p.Unit, p.Runtime, p.Container, p.UID, p.Deleted, p.Replaced}
		n, ok := byProgram[k]
		if !ok {
			n = int32(len(byProgram))
			byProgram[k] = n
		}
		byProcess[p] = n
		return n
	}
	var (
		sets map[string]int32
		ids  []int32
		key  []byte
	)
	for _, i := range order {
		hs := ls[i].Holders
		switch len(hs) {
		case 0:
			ps.of[i] = -1
			continue
		case 1:
			ps.of[i] = number(hs[0])
			continue
		}
		ids = ids[:0]
		for _, p := range hs {
			ids = append(ids, number(p))
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if len(ids) == 1 {
			ps.of[i] = ids[0]
			continue
		}
		key = key[:0]
		for _, n := range ids {
			key = binary.BigEndian.AppendUint32(key, uint32(n))
		}
		n, ok := sets[string(key)]
		if !ok {
			if sets == nil {
				sets = make(map[string]int32)
			}
			n = int32(1)<<30 + int32(len(sets))
			sets[string(key)] = n
		}
		ps.of[i] = n
	}
	// A server whose workers have dropped root is one program all the same.
	users := make(map[program]struct{}, len(byProgram))
	for k := range byProgram {
		k.user, k.uid = "", 0
		users[k] = struct{}{}
	}
	ps.n = len(users)
	return ps
}
