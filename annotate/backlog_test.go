package annotate_test

import (
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// TestBacklog: the kernel lets one more wait than the limit says.
func TestBacklog(t *testing.T) {
	tests := []struct {
		name      string
		q         scanner.Queue
		overflows uint64
		want      annotate.Backlog
	}{
		{"no queue", scanner.Queue{}, 0, annotate.BacklogOK},
		{"empty", scanner.Queue{Limit: 128}, 7, annotate.BacklogOK},
		{"room for one more", scanner.Queue{Length: 128, Limit: 128}, 0, annotate.BacklogOK},
		{"full", scanner.Queue{Length: 129, Limit: 128}, 0, annotate.BacklogFull},
		{"full, limit 0", scanner.Queue{Length: 1}, 0, annotate.BacklogFull},
		{"full, and has dropped", scanner.Queue{Length: 2, Limit: 1, Dropped: 3}, 3, annotate.BacklogFull},
		{"was full", scanner.Queue{Limit: 1, Dropped: 3}, 3, annotate.BacklogWasFull},
		{"a port scan left drops", scanner.Queue{Limit: 1, Dropped: 3}, 0, annotate.BacklogOK},
		{"another listener's overflow", scanner.Queue{Limit: 1}, 3, annotate.BacklogOK},
	}
	for _, tt := range tests {
		for _, namespace := range []string{"host", "web"} {
			s := at(t, "tcp/80", "/usr/sbin/nginx")
			s.Queue, s.Namespace = tt.q, namespace
			snap := &scanner.Snapshot{
				Host: linux, Sockets: []scanner.Socket{s, at(t, "tcp/81")},
				// The counters of every other namespace are not to be taken for it.
				Namespaces: []scanner.Namespace{{Name: "host"}, {Name: "db", Overflows: 9}, {Name: "web"}},
			}
			if tt.q.Dropped == 0 && !tt.q.Full() {
				snap.Namespaces[0].Overflows = tt.overflows
			}
			for i := range snap.Namespaces {
				if snap.Namespaces[i].Name == namespace {
					snap.Namespaces[i].Overflows = tt.overflows
				}
			}
			ls := annotate.Snapshot(snap, portdb.Default(), nil)
			if got := ls[0].Backlog; got != tt.want {
				t.Errorf("%s, in %s: %v, want %v", tt.name, namespace, got, tt.want)
			}
			if ls[1].Backlog != annotate.BacklogOK {
				t.Errorf("%s, in %s: the other listener is %v", tt.name, namespace, ls[1].Backlog)
			}
		}
	}
}

// TestEphemeralOfNamespaces: each network namespace has its own range.
func TestEphemeralOfNamespaces(t *testing.T) {
	snap := &scanner.Snapshot{Host: linux, Namespaces: []scanner.Namespace{
		{Name: "host", Ephemeral: linux.Ephemeral, Reserved: linux.Reserved},
		{Name: "web", Ephemeral: scanner.PortRange{First: 2000, Last: 2999}, Reserved: []scanner.PortRange{{First: 2049, Last: 2049}}},
		{Name: "unknown"},
	}}
	tests := []struct {
		namespace, port string
		want            bool
	}{
		{"host", "tcp/45700", true},
		{"host", "tcp/34998", false},
		{"host", "tcp/2500", false},
		{"web", "tcp/2500", true},
		{"web", "tcp/2049", false},
		{"web", "tcp/45700", false},
		{"unknown", "tcp/45700", false},
		{"not in the snapshot", "tcp/45700", false},
	}
	for _, tt := range tests {
		s := at(t, tt.port)
		s.Namespace = tt.namespace
		snap.Sockets = append(snap.Sockets, s)
	}
	for i, l := range annotate.Snapshot(snap, portdb.Default(), nil) {
		if tt := tests[i]; l.Ephemeral != tt.want {
			t.Errorf("%s of %q is ephemeral: %v, want %v", tt.port, tt.namespace, l.Ephemeral, tt.want)
		}
	}
}
