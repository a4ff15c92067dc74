package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// sort puts the rows in order: by the columns called keys, "-" before one for
// descending, and then by network namespace, port, protocol and address. No two
// sockets are equal to it, so that equal listeners make equal bytes.
func (v *view) sort(keys []string) error {
	compare, err := orderBy(keys)
	if err != nil {
		return err
	}
	slices.SortFunc(v.rows, func(x, y row) int {
		return compare(v.first(x), v.first(y))
	})
	return nil
}

// orderBy returns the order of listeners by the columns called keys.
func orderBy(keys []string) (func(a, b *annotate.Listener) int, error) {
	type by struct {
		compare func(a, b *annotate.Listener) int
		sign    int
	}
	var bys []by
	for _, k := range keys {
		b := by{sign: 1}
		if rest, ok := strings.CutPrefix(k, "-"); ok {
			k, b.sign = rest, -1
		}
		c, err := find(k)
		if err != nil {
			return nil, err
		}
		if b.compare = c.compare; b.compare == nil {
			b.compare = byText(c)
		}
		bys = append(bys, b)
	}
	return func(a, b *annotate.Listener) int {
		for _, by := range bys {
			if c := by.compare(a, b); c != 0 {
				return c * by.sign
			}
		}
		return natural(a, b)
	}, nil
}

// natural is the total order of listeners: by network namespace, port, protocol
// and address, and then by whatever else tells two sockets apart.
func natural(a, b *annotate.Listener) int {
	if a.Namespace != b.Namespace {
		return byNamespace(a, b)
	}
	if a.Protocol > scanner.DCCP || b.Protocol > scanner.DCCP {
		// Behind those with ports, by protocol.
		if c := cmp.Compare(max(a.Protocol, scanner.DCCP), max(b.Protocol, scanner.DCCP)); c != 0 {
			return c
		}
	}
	if x, y := number(a), number(b); x != y {
		return cmp.Compare(x, y)
	}
	if a.Protocol != b.Protocol {
		return cmp.Compare(a.Protocol, b.Protocol)
	}
	return cmp.Or(
		byAddress(a, b),
		cmp.Compare(a.Family, b.Family),
		compareBool(a.V6Only, b.V6Only),
		comparePIDs(a.Socket, b.Socket),
		cmp.Compare(a.UID, b.UID),
		cmp.Compare(a.Inode, b.Inode),
		cmp.Compare(a.Cookie, b.Cookie),
		// The portable source knows no inode: by what is shown, then.
		cmp.Compare(a.User, b.User),
		cmp.Compare(a.Why, b.Why),
		cmp.Compare(a.Service.Name, b.Service.Name),
		cmp.Compare(a.Service.Description, b.Service.Description),
		cmp.Compare(a.KnownAs, b.KnownAs),
		cmp.Compare(a.Program, b.Program),
		compareBool(a.MaybeClient, b.MaybeClient),
	)
}

// byNamespace orders by network namespace: that of the scan first, the others by
// name.
func byNamespace(a, b *annotate.Listener) int {
	return cmp.Or(
		-compareBool(a.Namespace == scanner.OwnNamespace, b.Namespace == scanner.OwnNamespace),
		cmp.Compare(a.Namespace, b.Namespace),
	)
}

// byAddress orders by address: a wildcard first, IPv4 before IPv6, and by
// number.
func byAddress(a, b *annotate.Listener) int {
	if c := -compareBool(a.Addr.IsUnspecified(), b.Addr.IsUnspecified()); c != 0 {
		return c
	}
	return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Device, b.Device), comparePortless(a.Socket, b.Socket))
}

// byProcess orders by the name of the first holder, without regard to case,
// and then its pid. A socket without a holder comes last.
func byProcess(a, b *annotate.Listener) int {
	if len(a.Holders) == 0 || len(b.Holders) == 0 {
		return -cmp.Compare(min(len(a.Holders), 1), min(len(b.Holders), 1))
	}
	p, q := a.Holders[0], b.Holders[0]
	return cmp.Or(
		compareFold(p.Name, q.Name),
		cmp.Compare(p.Name, q.Name),
		cmp.Compare(p.Script, q.Script),
		cmp.Compare(p.PID, q.PID),
	)
}

// byPID orders by the pid of the first holder; none comes last.
func byPID(a, b *annotate.Listener) int {
	if len(a.Holders) == 0 || len(b.Holders) == 0 {
		return -cmp.Compare(min(len(a.Holders), 1), min(len(b.Holders), 1))
	}
	return cmp.Compare(a.Holders[0].PID, b.Holders[0].PID)
}

// byStart orders by the time at which the first holder began.
func byStart(a, b *annotate.Listener) int {
	if len(a.Holders) == 0 || len(b.Holders) == 0 {
		return -cmp.Compare(min(len(a.Holders), 1), min(len(b.Holders), 1))
	}
	return a.Holders[0].Started.Compare(b.Holders[0].Started)
}

// byAge orders by how old the first holder is; none comes last.
func byAge(a, b *annotate.Listener) int {
	if len(a.Holders) == 0 || len(b.Holders) == 0 {
		return byStart(a, b)
	}
	return byStart(b, a)
}

// byQueue orders by how full the accept queue is, and then by its length.
func byQueue(a, b *annotate.Listener) int {
	return cmp.Or(
		fuller(a.Queue, b.Queue),
		cmp.Compare(a.Queue.Length, b.Queue.Length),
		cmp.Compare(a.Queue.Limit, b.Queue.Limit),
	)
}

// byText orders by what the cell of c says of one socket.
func byText(c *column) func(a, b *annotate.Listener) int {
	var x, y page
	v := &view{raw: true}
	return func(a, b *annotate.Listener) int {
		x.cut(0)
		y.cut(0)
		c.cell(&x, &group{v: v, l: a, row: row{0, 1, answersOf(a.Socket)}, holders: a.Holders})
		c.cell(&y, &group{v: v, l: b, row: row{0, 1, answersOf(b.Socket)}, holders: b.Holders})
		return strings.Compare(string(x.buf), string(y.buf))
	}
}

// compareFold orders ASCII text without regard to case.
func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if c := cmp.Compare(lower(a[i]), lower(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// lower returns c in lower case, where it is a letter of ASCII.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
