package load

// teamSize is how many holders are made at a time, at most. Process 1 has only
// their sockets open then: some thousands, where a limit of open descriptors
// that not even root may raise could forbid a hundred thousand.
const teamSize = 20

// A span is the whole numbers from first to last-1.
type span struct{ first, last int }

func (s span) len() int { return s.last - s.first }

// part returns the i-th of n parts of the numbers from 0 to total-1.
func part(total, i, n int) span { return span{total * i / n, total * (i + 1) / n} }

// A team is some holders, and the sockets that they hold among themselves: both
// ends of a connection, and the listener that it goes to, are in one team.
type team struct {
	listeners, conns span
	shares           []share
}

// A share is what one holder of a team is given, besides the standard streams.
type share struct {
	listeners []int // counted from the team's first
	servers   []int // connections, the accepted end, counted from the team's first
	clients   []int // connections, the connecting end, counted so too
	files     int   // descriptors of no interest
}

// teams shares a scenario out among its holders, as evenly as it goes.
func teams(s Scenario) []team {
	holders := s.Holders()
	n := (holders + teamSize - 1) / teamSize
	if s.Conns > 0 {
		// A team with connections needs a TCP listener, which is among any two.
		n = max(1, min(n, s.Listeners/2))
	}
	if s.Namespaces > 0 {
		n = s.Namespaces
	}
	files := s.FDs - 3*holders - s.Sockets()
	all := make([]team, n)
	for i := range all {
		t := &all[i]
		t.listeners, t.conns = part(s.Listeners, i, n), part(s.Conns, i, n)
		members := part(holders, i, n)
		t.shares = make([]share, members.len())
		for j := range t.shares {
			t.shares[j].files = part(files, members.first+j, holders).len()
		}
	}
	return all
}

// deal gives the team's sockets to its holders: the listeners in turn, the
// accepted end of a connection to the holder of its listener, the other end to
// each in turn. tcp are the team's listeners that take connections, which do so
// in turn.
func (t *team) deal(tcp []int) {
	n := len(t.shares)
	for i := range t.listeners.len() {
		h := &t.shares[i%n]
		h.listeners = append(h.listeners, i)
	}
	for i := range t.conns.len() {
		h := &t.shares[serverOf(i, tcp)%n]
		h.servers = append(h.servers, i)
		h = &t.shares[(i+1)%n]
		h.clients = append(h.clients, i)
	}
}

// serverOf returns the listener that connection i of a team goes to.
func serverOf(i int, tcp []int) int { return tcp[i%len(tcp)] }
