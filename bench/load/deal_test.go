package load

import "testing"

// The scenarios are the ones that the bar was set for.
func TestScenarios(t *testing.T) {
	tests := []struct {
		name                                  string
		procs, listeners, conns, sockets, fds int
	}{
		{"S0", 0, 0, 0, 0, 0},
		{"S1", 150, 40, 300, 640, 5_000},
		{"S2", 300, 200, 49_900, 100_000, 111_000},
		{"S3", 3_000, 2_000, 0, 2_000, 61_000},
		{"S4", 50, 20_000, 0, 20_000, 20_147},
		{"N100", 101, 300, 0, 300, 1_000},
	}
	if got := len(Scenarios()); got != len(tests) {
		t.Errorf("there are %d scenarios, want %d", got, len(tests))
	}
	for _, tt := range tests {
		s, ok := Find(tt.name)
		if !ok {
			t.Errorf("Find(%q) finds nothing", tt.name)
			continue
		}
		want := Counts{Procs: tt.procs, Listeners: tt.listeners, Conns: tt.conns, Sockets: tt.sockets, FDs: tt.fds}
		if got := s.Counts(); got != want {
			t.Errorf("%s = %v, want %v", tt.name, got, want)
		}
		if err := s.check(); err != nil {
			t.Errorf("%s cannot be made: %v", tt.name, err)
		}
	}
	if _, ok := Find("S5"); ok {
		t.Error("there is an S5")
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		s  Scenario
		ok bool
	}{
		{Scenario{Host: true}, true},
		{Scenario{Procs: 2, Listeners: 1, FDs: 4}, true},
		{Scenario{Procs: 2, Listeners: 1, FDs: 3}, false},
		{Scenario{Procs: 1, Listeners: 1, FDs: 100}, false},
		{Scenario{Procs: 2, FDs: 100}, false},
		{Scenario{Procs: 2, Listeners: 1, Conns: 1, FDs: 100}, false},
		{Scenario{Procs: 2, Listeners: 2, Conns: 1, FDs: 7}, true},
		{Scenario{Procs: 3, Listeners: 2, Namespaces: 2, FDs: 8}, true},
		{Scenario{Procs: 4, Listeners: 2, Namespaces: 2, FDs: 100}, false},
		{Scenario{Procs: 3, Listeners: 1, Namespaces: 2, FDs: 100}, false},
		{Scenario{Procs: 2, Listeners: 30_768, FDs: 100_000}, true},
		{Scenario{Procs: 2, Listeners: 30_769, FDs: 100_000}, false},
	}
	for _, tt := range tests {
		if err := tt.s.check(); (err == nil) != tt.ok {
			t.Errorf("%+v: check() = %v, want ok %v", tt.s, err, tt.ok)
		}
	}
}

// Every socket goes to a holder, and to one only; the holders have all the
// descriptors together, and none has much more than another.
func TestTeams(t *testing.T) {
	odd := []Scenario{
		{Name: "least", Procs: 2, Listeners: 1, FDs: 4},
		{Name: "few listeners", Procs: 100, Listeners: 3, Conns: 50, FDs: 1_000},
		{Name: "uneven", Procs: 48, Listeners: 13, Conns: 77, FDs: 501},
	}
	for _, s := range append(odd, Scenarios()[1:]...) {
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		listeners, servers, clients := map[int]int{}, map[int]int{}, map[int]int{}
		holders, fds, files := 0, 0, span{1 << 30, 0}
		for _, team := range teams(s) {
			// As forms has it: the fifth of five is UDP.
			var tcp []int
			for i := range team.listeners.len() {
				if (team.listeners.first+i)%5 != 4 {
					tcp = append(tcp, i)
				}
			}
			team.deal(tcp)
			if len(team.shares) > teamSize && s.Name != "few listeners" && s.Name != "uneven" {
				t.Errorf("%s: a team of %d", s.Name, len(team.shares))
			}
			for _, sh := range team.shares {
				holders++
				fds += 3 + len(sh.listeners) + len(sh.servers) + len(sh.clients) + sh.files
				files = span{min(files.first, sh.files), max(files.last, sh.files)}
				for _, i := range sh.listeners {
					listeners[team.listeners.first+i]++
				}
				for _, i := range sh.servers {
					servers[team.conns.first+i]++
					if to := team.listeners.first + serverOf(i, tcp); to%5 == 4 {
						t.Errorf("%s: connection %d goes to a UDP listener", s.Name, i)
					}
				}
				for _, i := range sh.clients {
					clients[team.conns.first+i]++
				}
			}
		}
		if holders != s.Holders() || fds != s.FDs {
			t.Errorf("%s: %d holders with %d descriptors, want %d with %d", s.Name, holders, fds, s.Holders(), s.FDs)
		}
		if files.len() > 1 {
			t.Errorf("%s: a holder has %d files, and another %d", s.Name, files.first, files.last)
		}
		once(t, s.Name+": listener", listeners, s.Listeners)
		once(t, s.Name+": accepted end", servers, s.Conns)
		once(t, s.Name+": connecting end", clients, s.Conns)
	}
}

// once fails unless each of the numbers from 0 to n-1 was dealt once.
func once(t *testing.T, what string, dealt map[int]int, n int) {
	t.Helper()
	if len(dealt) != n {
		t.Errorf("%s: %d were dealt, want %d", what, len(dealt), n)
	}
	for i := range n {
		if dealt[i] != 1 {
			t.Errorf("%s %d has %d holders, want 1", what, i, dealt[i])
			return
		}
	}
}
