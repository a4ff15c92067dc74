package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/scanner"
)

// What is found of two listeners is the same when each pair is looked at.
func TestCrowd(t *testing.T) {
	addrs := []netip.Addr{
		netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"),
		netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("::1"),
	}
	rapid.Check(t, func(rt *rapid.T) {
		number := func(label string, most int) int { return rapid.IntRange(0, most).Draw(rt, label) }
		var listeners []annotate.Listener
		for range number("listeners", 12) {
			var holders []*scanner.Process
			for range number("holders", 2) {
				program, uid := number("program", 2), number("uid", 2)
				p := process(100+program*10+uid*3+number("worker", 2), "/srv/"+string(rune('a'+program)), "")
				p.UID, p.Unit = int64(uid), ""
				holders = append(holders, p)
			}
			l := listener(addrs[number("address", len(addrs)-1)].String(), 80, holders...)
			l.UID, l.V6Only = int64(number("owner", 1)), number("only", 1) == 1
			l.Device = []string{"", "eth0"}[number("device", 1)]
			listeners = append(listeners, l)
		}
		c, naive := &checker{at: map[place]*crowd{}}, &checker{at: map[place]*crowd{}}
		each := &crowd{at: map[netip.Addr][]member{}}
		for i := range listeners {
			l := &listeners[i]
			c.join(l)
			m := member{l, usersOf(l)}
			each.all, each.at[l.Addr] = append(each.all, m), append(each.at[l.Addr], m)
			if l.Family == scanner.IPv4 {
				each.over4 = append(each.over4, m)
			}
			naive.at[placeOf(l)] = each
		}
		for i := range listeners {
			l := &listeners[i]
			for name, check := range map[string]func(*checker, *annotate.Listener) string{
				"sharedByUsers": (*checker).sharedByUsers, "unrelated": (*checker).unrelated, "openOverIPv6": (*checker).openOverIPv6,
			} {
				if got, want := check(c, l), check(naive, l); (got == "") != (want == "") {
					rt.Fatalf("%s(%s) = %q, and %q where each pair is looked at", name, describe(l), got, want)
				}
			}
			near := each.near(l)
			for _, m := range each.all {
				if overlap(l, m.Listener) && !slices.ContainsFunc(near, func(n member) bool { return n.Listener == m.Listener }) {
					rt.Fatalf("%s is not near %s", describe(m.Listener), describe(l))
				}
			}
		}
	})
}

// Anyone can open as many sockets at one port as they like.
func BenchmarkCheckCrowd(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		worker, other := process(10, "/srv/a", "bob"), process(11, "/srv/b", "eve")
		worker.UID, other.UID = 1000, 1001
		var shared, spread []annotate.Listener
		for i := range n {
			p := []*scanner.Process{worker, other}[i%2]
			shared = append(shared, listener("0.0.0.0", 8000, p))
			spread = append(spread, listener(netip.AddrFrom4([4]byte{127, 0, byte(i >> 8), byte(i)}).String(), 8000, p))
		}
		for name, list := range map[string][]annotate.Listener{"reuseport": shared, "addresses": spread} {
			b.Run(fmt.Sprintf("%s-%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Check(&Scene{Listeners: list})
				}
			})
		}
	}
}
