package load

import "fmt"

// A Scenario is a host that is busy in a known way.
type Scenario struct {
	// Name is how it is asked for: "S1".
	Name string
	// Host means the host as it is, in its own namespaces and with nothing
	// added. The numbers below are then zero, and not checked.
	Host bool
	// Procs is the number of processes, with process 1 of the namespace.
	Procs int
	// Listeners is the number of sockets that accept traffic. Of five, four
	// are TCP (every IPv4 address, 127.0.0.1, dual stack, ::1) and one is UDP.
	Listeners int
	// Conns is the number of established TCP connections over loopback. Each is
	// two sockets, held by two processes.
	Conns int
	// Namespaces is the number of network namespaces besides that of process 1,
	// each with a name of ip-netns(8). Where there are any, the listeners and one
	// other process each are in these.
	Namespaces int
	// FDs is the number of descriptors that the holders have open: three of the
	// standard streams each, the sockets, and files of no interest.
	FDs int
}

// Scenarios returns the five scenarios that speed is judged in, and one of many
// network namespaces.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "S0", Host: true},
		{Name: "S1", Procs: 150, Listeners: 40, Conns: 300, FDs: 5_000},
		{Name: "S2", Procs: 300, Listeners: 200, Conns: 49_900, FDs: 111_000},
		{Name: "S3", Procs: 3_000, Listeners: 2_000, FDs: 61_000},
		{Name: "S4", Procs: 50, Listeners: 20_000, FDs: 20_147},
		{Name: "N100", Procs: 101, Listeners: 300, Namespaces: 100, FDs: 1_000},
	}
}

// Find returns the scenario of that name, and reports whether there is one.
func Find(name string) (Scenario, bool) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}

// Sockets returns how many sockets the scenario has.
func (s Scenario) Sockets() int { return s.Listeners + 2*s.Conns }

// Holders returns how many processes hold something: all but process 1.
func (s Scenario) Holders() int { return max(s.Procs-1, 0) }

// Counts returns what the scenario promises, in the form of what is counted.
func (s Scenario) Counts() Counts {
	return Counts{Procs: s.Procs, Listeners: s.Listeners, Conns: s.Conns, Sockets: s.Sockets(), FDs: s.FDs}
}

// check says why the scenario cannot be made, or nil.
func (s Scenario) check() error {
	switch {
	case s.Host:
		return nil
	case s.Procs < 2:
		return fmt.Errorf("scenario %s: %d processes: at least 2 are needed", s.Name, s.Procs)
	case s.Listeners < 1:
		return fmt.Errorf("scenario %s: it has no listener", s.Name)
	case s.Listeners > maxPort-firstPort+1:
		return fmt.Errorf("scenario %s: %d listeners: at most %d have a port of their own", s.Name, s.Listeners, maxPort-firstPort+1)
	case s.Conns > 0 && s.Listeners < 2:
		return fmt.Errorf("scenario %s: connections need 2 listeners, for one in five is not TCP", s.Name)
	case s.Namespaces > 0 && (s.Procs != s.Namespaces+1 || s.Listeners < s.Namespaces || s.Conns > 0):
		return fmt.Errorf("scenario %s: a namespace has one process, a listener at least, and no connection", s.Name)
	case s.FDs < 3*s.Holders()+s.Sockets():
		return fmt.Errorf("scenario %s: %d descriptors: %d are needed", s.Name, s.FDs, 3*s.Holders()+s.Sockets())
	}
	return nil
}

// Counts are what is there, counted by reading /proc.
type Counts struct {
	Procs     int // processes
	Listeners int // TCP sockets in state LISTEN and unconnected UDP sockets
	Conns     int // pairs of established TCP sockets
	Sockets   int // distinct sockets that some process holds
	FDs       int // open descriptors
}

// String says the counts in words.
func (c Counts) String() string {
	return fmt.Sprintf("%d processes, %d listeners, %d connections, %d sockets, %d descriptors",
		c.Procs, c.Listeners, c.Conns, c.Sockets, c.FDs)
}

// Listeners have the ports from firstPort to maxPort: above those that need a
// privilege, and below 32768, where Linux begins to give ports to clients.
const (
	firstPort = 2000
	maxPort   = 32767
)
