package scanner

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

type holders struct {
	root string
	st   holderStats
}

func newHolders(procfs string, args bool) *holders { return &holders{root: procfs} }
func (h *holders) attach(ctx context.Context, socks []Socket) error {
	by := map[string][]int{}
	for i := range socks {
		by[fmt.Sprintf("socket:[%d]", socks[i].Inode)] = append(by[fmt.Sprintf("socket:[%d]", socks[i].Inode)], i)
	}
	ds, _ := os.ReadDir(h.root)
	for _, d := range ds {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		h.st.Processes++
		fds, err := os.ReadDir(h.root + "/" + d.Name() + "/fd")
		if err != nil && strings.Contains(err.Error(), "denied") {
			h.st.Unreadable++
		}
		seen := map[int]bool{}
		for _, f := range fds {
			l, _ := os.Readlink(h.root + "/" + d.Name() + "/fd/" + f.Name())
			for _, i := range by[l] {
				if !seen[i] {
					seen[i] = true
					socks[i].Holders = append(socks[i].Holders, &Process{PID: pid})
				}
			}
		}
	}
	for i := range socks {
		slices.SortFunc(socks[i].Holders, func(a, b *Process) int { return a.PID - b.PID })
	}
	return nil
}
func (h *holders) again(ctx context.Context, socks []Socket) error { return nil }
func (h *holders) describe(ctx context.Context) error              { return nil }
func (h *holders) stats() holderStats                              { return h.st }
