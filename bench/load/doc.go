// Package load makes a host that is busy in a known way, and runs programs in
// it.
//
// A [Scenario] says how many processes, listeners, connections and open
// descriptors there are. [Start] makes them in namespaces of their own: a network
// namespace, a PID namespace with its own /proc, and a mount namespace. A program
// run there with [Load.Run] sees the load and nothing else of the host.
//
// # Who is there
//
// Process 1 of the PID namespace is this program again. It opens every socket,
// and hands each to one of the holders: real processes (sleep(1)) that inherit
// descriptors and cost next to nothing. Then it has none of them itself, counts
// what the namespaces hold by reading /proc, and refuses to go on unless the
// count is the scenario's to the last descriptor. Afterwards it starts the
// programs that are measured, one at a time, and does nothing in between.
//
// So a scenario of 150 processes is process 1 and 149 holders; the program that
// looks at them is one more, as it is on any host.
//
// # Nothing stays behind
//
// The kernel kills every process of a PID namespace when its process 1 dies, and
// lets the parent reap that process only when all the others are gone. Process 1
// dies with the program that started it, however that ends (PR_SET_PDEATHSIG),
// and when its standard input closes. The namespaces have no other name, so
// they go with their last process.
package load
