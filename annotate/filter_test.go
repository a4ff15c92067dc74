package annotate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
	"pgregory.net/rapid"
)

// fleet are listeners of many kinds, by a name for each.
func fleet(t *testing.T) (names []string, listeners []annotate.Listener) {
	t.Helper()
	snap := &scanner.Snapshot{Host: linux}
	add := func(name, address, port string, change func(*scanner.Socket), programs ...string) {
		s := at(t, port, programs...)
		b := bound(address)
		s.Addr, s.Device, s.Family, s.V6Only = b.Addr, b.Device, b.Family, b.V6Only
		if change != nil {
			change(&s)
		}
		names = append(names, name)
		snap.Sockets = append(snap.Sockets, s)
	}
	root := func(s *scanner.Socket) { s.UID, s.User = 0, "root" }
	add("sshd", "0.0.0.0", "tcp/22", root, "/usr/sbin/sshd")
	add("dns", "127.0.0.53", "udp/53", func(s *scanner.Socket) { s.UID, s.User = 101, "systemd-resolve" }, "/usr/lib/systemd/systemd-resolved")
	add("dns-tcp", "127.0.0.53", "tcp/53", nil, "/usr/lib/systemd/systemd-resolved")
	add("web", "::", "tcp/80", func(s *scanner.Socket) {
		root(s)
		s.Holders[0].UID, s.Holders[0].User = 33, "www-data"
		s.Holders[0].Unit = "nginx.service"
	}, "/usr/sbin/nginx")
	add("db", "10.1.2.3", "tcp/5432", func(s *scanner.Socket) { s.UID, s.User = 112, "postgres" }, "/usr/lib/postgresql/15/bin/postgres")
	add("prometheus", "127.0.0.1", "tcp/9090", nil, "/usr/bin/prometheus")
	add("cockpit", "127.0.0.2", "tcp/9090", nil, "/usr/lib/cockpit/cockpit-tls")
	add("published", "0.0.0.0", "tcp/9090", nil, "/usr/bin/docker-proxy")
	add("app", "0.0.0.0", "tcp/8000", func(s *scanner.Socket) { s.UID = 4242 }, "/usr/bin/python3.12 /srv/shop/serve.py")
	add("wireguard", "0.0.0.0", "udp/51820", func(s *scanner.Socket) { s.Why = scanner.Kernel; s.UID = -1 })
	add("container", "0.0.0.0", "tcp/80", func(s *scanner.Socket) { s.Namespace = "web" }, "/usr/sbin/apache2")
	add("raw", "0.0.0.0", "tcp/22", func(s *scanner.Socket) { s.Protocol = scanner.Raw })
	return names, annotate.Snapshot(snap, portdb.Default(), nil)
}

// terms parses the terms.
func terms(t *testing.T, words ...string) []annotate.Term {
	t.Helper()
	var all []annotate.Term
	for _, w := range words {
		term, err := annotate.ParseTerm(w, portdb.Default())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, term)
	}
	return all
}

func TestFilter(t *testing.T) {
	names, listeners := fleet(t)
	tests := []struct {
		name   string
		filter annotate.Filter
		want   string
	}{
		{"nothing asked", annotate.Filter{}, strings.Join(names, " ")},

		{"port", annotate.Filter{Terms: terms(t, "5432")}, "db"},
		{"port, not of a raw socket", annotate.Filter{Terms: terms(t, ":22")}, "sshd"},
		{"run of ports", annotate.Filter{Terms: terms(t, "8000-9090")}, "prometheus cockpit published app"},
		{"transport", annotate.Filter{Terms: terms(t, "udp/53")}, "dns"},
		{"two ports", annotate.Filter{Terms: terms(t, "22", "80")}, "sshd web container"},
		{"address and port", annotate.Filter{Terms: terms(t, "127.0.0.1:9090")}, "prometheus published"},
		{"an address that a wildcard stands for", annotate.Filter{Terms: terms(t, "10.1.2.3:1-9999")}, "sshd web db published app"},
		{"loopback", annotate.Filter{Terms: terms(t, "127.0.0.2:9090")}, "cockpit published"},
		{"an address of another host", annotate.Filter{Terms: terms(t, "8.8.8.8:22", "[2001:db8:ffff::1]:80")}, ""},
		{"an address", annotate.Filter{Terms: terms(t, "127.0.0.53")}, "sshd dns dns-tcp web published app wireguard"},
		{"IPv6", annotate.Filter{Terms: terms(t, "[::1]:1-9999")}, "web"},
		{"the wildcard, which a dual stack is too", annotate.Filter{Terms: terms(t, "0.0.0.0:80")}, "web container"},
		{"the wildcard of IPv6", annotate.Filter{Terms: terms(t, "[::]:80", "::")}, "web"},
		{"v4-mapped", annotate.Filter{Terms: terms(t, "[::ffff:127.0.0.53]:53")}, "dns dns-tcp"},
		{"port or word", annotate.Filter{Terms: terms(t, "22", "postgres")}, "sshd db"},

		{"service", annotate.Filter{Terms: terms(t, "postgresql")}, "db"},
		{"service, whatever the case", annotate.Filter{Terms: terms(t, "PostgreSQL")}, "db"},
		{"program", annotate.Filter{Terms: terms(t, "postgres")}, "db"},
		{"program, whatever the case", annotate.Filter{Terms: terms(t, "NGINX")}, "web"},
		{"alias", annotate.Filter{Terms: terms(t, "www-http")}, "web container"},
		{"service on both transports", annotate.Filter{Terms: terms(t, "domain")}, "dns dns-tcp"},
		{"service with a slash, which is nowhere here", annotate.Filter{Terms: terms(t, "cl/1")}, ""},
		{"unit", annotate.Filter{Terms: terms(t, "nginx.service")}, "web"},
		{"script", annotate.Filter{Terms: terms(t, "serve.py")}, "app"},
		{"script without its ending", annotate.Filter{Terms: terms(t, "serve")}, "app"},
		{"script's path", annotate.Filter{Terms: terms(t, "/srv/shop/serve.py")}, "app"},
		{"program's path", annotate.Filter{Terms: terms(t, "/usr/sbin/nginx")}, "web"},
		{"interpreter", annotate.Filter{Terms: terms(t, "python3.12")}, "app"},
		{"label of the common layer", annotate.Filter{Terms: terms(t, "wireguard")}, "wireguard"},
		{"what IANA says", annotate.Filter{Terms: terms(t, "websm")}, "prometheus cockpit published"},
		{"what is usual there, but not what is known to be another", annotate.Filter{Terms: terms(t, "prometheus")}, "prometheus published"},
		{"no part of a word", annotate.Filter{Terms: terms(t, "ngin", "postgre")}, ""},
		{"nobody", annotate.Filter{Terms: terms(t, "no-such-thing")}, ""},

		{"exposed", annotate.Filter{Exposed: true}, "sshd web db published app wireguard raw"},
		{"protocol", annotate.Filter{Protocols: []scanner.Protocol{scanner.UDP}}, "dns wireguard"},
		{"protocols", annotate.Filter{Protocols: []scanner.Protocol{scanner.UDP, scanner.Raw}}, "dns wireguard raw"},
		{"user of the socket", annotate.Filter{Users: []string{"root"}}, "sshd web"},
		{"user of the holder", annotate.Filter{Users: []string{"www-data"}}, "web"},
		{"uid of the holder", annotate.Filter{Users: []string{"33"}}, "web"},
		{"uid without a name", annotate.Filter{Users: []string{"4242"}}, "app"},
		{"a uid that is not known is nobody's", annotate.Filter{Users: []string{"-1", ""}}, ""},
		{"range", annotate.Filter{Ranges: []portdb.Range{portdb.WellKnown}}, "sshd dns dns-tcp web container"},
		{"ranges", annotate.Filter{Ranges: []portdb.Range{portdb.Registered, portdb.Dynamic}}, "db prometheus cockpit published app wireguard"},

		{"kinds are joined by and", annotate.Filter{Terms: terms(t, "80", "9090"), Exposed: true}, "web published"},
		{"all kinds", annotate.Filter{
			Terms: terms(t, "nginx", "postgres"), Exposed: true, Protocols: []scanner.Protocol{scanner.TCP},
			Users: []string{"postgres"}, Ranges: []portdb.Range{portdb.Registered},
		}, "db"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for i := range listeners {
				if tt.filter.Match(&listeners[i]) {
					got = append(got, names[i])
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("the filter takes %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseTermErrors(t *testing.T) {
	for _, s := range []string{"", "70000", "9-1", ":", "tcp/70000", "xyz/22", "1-2-3", "127.0.0.1:70000", "[::1]:9-1"} {
		if term, err := annotate.ParseTerm(s, portdb.Default()); err == nil {
			t.Errorf("ParseTerm(%q) = %+v, want an error", s, term)
		}
	}
}

// TestFilterNarrows: a further kind never takes more, a further term never less,
// and a filter of a listener's own port takes it.
func TestFilterNarrows(t *testing.T) {
	_, listeners := fleet(t)
	words := []string{"22", "80", "udp/53", "1-65535", "nginx", "http", "prometheus", "serve"}
	rapid.Check(t, func(rt *rapid.T) {
		chosen := rapid.SliceOf(rapid.SampledFrom(words)).Draw(rt, "terms")
		users := rapid.SliceOf(rapid.SampledFrom([]string{"root", "33", "postgres"})).Draw(rt, "users")
		few := annotate.Filter{Terms: terms(t, chosen...)}
		more := annotate.Filter{Terms: terms(t, append(slices.Clone(chosen), "443", "9090")...)}
		narrow := annotate.Filter{Terms: few.Terms, Users: users, Exposed: rapid.Bool().Draw(rt, "exposed")}
		for i := range listeners {
			l := &listeners[i]
			if narrow.Match(l) && !few.Match(l) {
				rt.Fatalf("users %v of terms %v take %v, terms alone do not", users, chosen, l.Socket)
			}
			if len(chosen) > 0 && few.Match(l) && !more.Match(l) {
				rt.Fatalf("terms %v take %v, with more terms not", chosen, l.Socket)
			}
		}
	})
}
