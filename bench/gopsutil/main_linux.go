// Gopsutil is the least program that lists listening sockets with gopsutil v3,
// for the comparison with whatslistening.
//
// Its argument is the call to make: "Connections" or "ConnectionsWithoutUids".
// It prints protocol, address, port and pid, and asks for nothing else:
// no name, no user, no executable.
package main

import (
	"bufio"
	"fmt"
	"os"
	"syscall"

	"github.com/shirou/gopsutil/v3/net"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gopsutil:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one argument wanted: the call to make")
	}
	var conns []net.ConnectionStat
	var err error
	switch args[0] {
	case "Connections":
		conns, err = net.Connections("inet")
	case "ConnectionsWithoutUids":
		conns, err = net.ConnectionsWithoutUids("inet")
	default:
		return fmt.Errorf("unknown call %q", args[0])
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for _, c := range conns {
		proto := "tcp"
		switch {
		case c.Type == syscall.SOCK_DGRAM && c.Raddr.Port == 0:
			proto = "udp"
		case c.Status != "LISTEN":
			continue
		}
		fmt.Fprintf(out, "%s %s %d %d\n", proto, c.Laddr.IP, c.Laddr.Port, c.Pid)
	}
	return out.Flush()
}
