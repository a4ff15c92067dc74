package annotate_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// published is a host with a port forwarder at 17070 and sockets in a namespace
// "web", each "[!]ADDRESS:PORT", with "!" for IPV6_V6ONLY.
func published(t *testing.T, forward scanner.Forward, inside ...string) []annotate.Listener {
	t.Helper()
	from := forward.From
	snap := &scanner.Snapshot{Host: linux, Sockets: []scanner.Socket{{
		Protocol: scanner.TCP, Family: scanner.IPv4, Addr: from.Addr(), Port: from.Port(), Namespace: "host",
		Holders: []*scanner.Process{{PID: 10, Name: "conmon", Forwards: []scanner.Forward{forward}}},
	}}}
	for i, text := range inside {
		s := scanner.Socket{Protocol: scanner.TCP, Namespace: "web", Family: scanner.IPv4, Inode: uint64(i)}
		if s.V6Only = text[0] == '!'; s.V6Only {
			text = text[1:]
		}
		ap := netip.MustParseAddrPort(text)
		if s.Addr, s.Port = ap.Addr(), ap.Port(); s.Addr.Is6() {
			s.Family = scanner.IPv6
		}
		snap.Sockets = append(snap.Sockets, s)
	}
	return annotate.Snapshot(snap, portdb.Default(), nil)
}

func TestPublished(t *testing.T) {
	const from = "0.0.0.0:17070"
	forward := func(to string) scanner.Forward {
		f := scanner.Forward{Protocol: scanner.TCP, From: netip.MustParseAddrPort(from), Namespace: "web"}
		if to != "" {
			f.To = netip.MustParseAddrPort(to)
		}
		return f
	}
	anywhere := forward("")
	anywhere.To = netip.AddrPortFrom(netip.Addr{}, 7070)
	udp, elsewhere, other := forward("10.88.0.2:7070"), forward("10.88.0.2:7070"), forward("10.88.0.2:7070")
	udp.Protocol, elsewhere.Namespace = scanner.UDP, ""
	other.From = netip.MustParseAddrPort("127.0.0.1:17071")
	tests := []struct {
		name    string
		forward scanner.Forward
		inside  []string
		want    []string // of inside, those that it leads to
	}{
		{"a wildcard", forward("10.88.0.2:7070"), []string{"0.0.0.0:7070"}, []string{"0.0.0.0:7070"}},
		{"both IP versions", forward("10.88.0.2:7070"), []string{"[::]:7070"}, []string{"[::]:7070"}},
		{"IPv6 alone", forward("10.88.0.2:7070"), []string{"![::]:7070"}, nil},
		{"IPv6", forward("[fd00::2]:7070"), []string{"![::]:7070", "0.0.0.0:7070"}, []string{"[::]:7070"}},
		{"the address", forward("10.88.0.2:7070"), []string{"10.88.0.2:7070", "10.88.0.3:7070"}, []string{"10.88.0.2:7070"}},
		{"loopback of the container", forward("10.88.0.2:7070"), []string{"127.0.0.1:7070"}, nil},
		{"any address of the container", anywhere, []string{"127.0.0.1:7070", "0.0.0.0:7070"}, []string{"0.0.0.0:7070", "127.0.0.1:7070"}},
		{"another port", forward("10.88.0.2:7070"), []string{"0.0.0.0:7071"}, nil},
		{"workers are one end", forward("10.88.0.2:7070"), []string{"0.0.0.0:7070", "0.0.0.0:7070"}, []string{"0.0.0.0:7070"}},
		{"another protocol", udp, []string{"0.0.0.0:7070"}, nil},
		{"no namespace is known", elsewhere, []string{"0.0.0.0:7070"}, nil},
		{"no port is known", forward(""), []string{"0.0.0.0:7070"}, nil},
		{"nobody listens", forward("10.88.0.2:7070"), nil, nil},
	}
	texts := func(es []annotate.Endpoint) (all []string) {
		for _, e := range es {
			all = append(all, netip.AddrPortFrom(e.Addr, e.Port).String())
		}
		slices.Sort(all)
		return all
	}
	for _, tt := range tests {
		ls := published(t, tt.forward, tt.inside...)
		if got := texts(ls[0].LeadsTo); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %s leads to %v, want %v", tt.name, from, got, tt.want)
		}
		for _, l := range ls[1:] {
			at := netip.AddrPortFrom(l.Addr, l.Port).String()
			got, want := texts(l.PublishedAs), []string(nil)
			if slices.Contains(tt.want, at) {
				want = []string{from}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s is published as %v, want %v", tt.name, at, got, want)
			}
		}
	}
	// A forwarder's other ports are not led there.
	ls := published(t, forward("10.88.0.2:7070"), "0.0.0.0:7070")
	ls[0].Holders[0].Forwards = append(ls[0].Holders[0].Forwards, other)
	n := 0
	for range ls[0].Forwards() {
		n++
	}
	if n != 1 {
		t.Errorf("%s has %d forwards of its own, want 1", from, n)
	}
}

// A host that publishes nothing pays nothing for it.
func TestPublishedAllocs(t *testing.T) {
	snap := &scanner.Snapshot{Host: linux}
	for port := range uint16(200) {
		snap.Sockets = append(snap.Sockets, scanner.Socket{Port: port, Namespace: "host", Holders: []*scanner.Process{{PID: 1, Name: "x"}}})
	}
	ls := annotate.Snapshot(snap, portdb.Default(), nil)
	if n := testing.AllocsPerRun(10, func() {
		for i := range ls {
			for f := range ls[i].Forwards() {
				t.Error(f)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations for %d listeners without forwards", n, len(ls))
	}
}

// A person finds both ends of a published port by the container.
func TestMatchContainer(t *testing.T) {
	const id = "c7bed02ba17aa12fe6639beafa767e50c5d56a5560ef8677936813ed375e572a"
	ls := published(t, scanner.Forward{
		Protocol: scanner.TCP, From: netip.MustParseAddrPort("0.0.0.0:17070"), To: netip.MustParseAddrPort("10.88.0.2:7070"),
		Namespace: "web", Container: id, ContainerName: "shop",
	}, "0.0.0.0:7070", "0.0.0.0:7071")
	ls[1].Holders = []*scanner.Process{{PID: 20, Name: "app", Container: id, ContainerName: "shop", Pod: "1e597579-417e", UserUnit: "sync.service"}}
	tests := []struct{ word, want string }{
		{"shop", "[17070 7070]"},
		{"Shop", "[17070 7070]"},
		{id, "[17070 7070]"},
		{id[:12], "[17070 7070]"},
		{id[:11], "[]"},
		{"sho", "[]"},
		{"1e597579-417e", "[7070]"},
		{"sync", "[7070]"},
		{"sync.service", "[7070]"},
	}
	for _, tt := range tests {
		f := annotate.Filter{Terms: terms(t, tt.word)}
		ports := []uint16{}
		for i := range ls {
			if f.Match(&ls[i]) {
				ports = append(ports, ls[i].Port)
			}
		}
		if got := fmt.Sprint(ports); got != tt.want {
			t.Errorf("%q matches %v, want %v", tt.word, got, tt.want)
		}
	}
}
