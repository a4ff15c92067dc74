// Package annotate says what a listening socket means: which service its port
// is registered for, who can reach it, and whether the program that holds it is
// one that the port is registered for.
//
// Its functions are pure: they look at a [scanner.Snapshot] and a [portdb.DB]
// and at nothing else, neither the clock nor the environment nor the network.
//
// Text that comes from the host (names of processes, units, users, devices) is
// kept byte for byte as it was read. Whoever prints it must escape it.
package annotate
