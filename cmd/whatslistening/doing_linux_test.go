package main

import (
	"os"
	"strings"
	"testing"
)

// What does not go well is said below the table with the next step, and again
// where somebody asks about the port.
func TestDoing(t *testing.T) {
	inNamespaces(t, func(t *testing.T) {
		sysctl := func(name, value string) {
			if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		fillQueue(t, 8080) // before the range is what it is: its clients have ports too
		sysctl("ip_local_port_range", "7000 7999")
		sysctl("ip_local_reserved_ports", "7100,7200-7210")
		// 7001 has a name, 7211 two families, 7100 is reserved; of 7650 nothing
		// tells whether it was asked for.
		spawn(t, self(t), "listen", "tcp,127.0.0.1:7001", "tcp,127.0.0.1:7211", "tcp,[::1]:7211", "tcp,127.0.0.1:7100", "tcp,127.0.0.1:7650")

		got := command(t, nil, "-o", "wide")
		program := "whatslistening.test"
		for _, want := range []string{
			"\n! tcp/8080: the accept queue is full (2/1); hint: " + program + " accepts too slowly",
			"\n! tcp/7001, tcp/7211 may fail to start: the kernel gives the ports to clients too; hint: add them to " +
				"net.ipv4.ip_local_reserved_ports: sysctl -w net.ipv4.ip_local_reserved_ports=7001,7100,7200-7211\n",
			" BACKLOG", " full ",
		} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("no %q in\n%s%s", want, got.stdout, got.stderr)
			}
		}
		for _, tt := range []struct{ port, want string }{
			{"8080", "! tcp: the accept queue is full (2/1)"},
			{"7001", "! may fail to start when a client has the port; hint: add it to net.ipv4.ip_local_reserved_ports"},
		} {
			if got := command(t, nil, "explain", tt.port); !strings.Contains(got.stdout, tt.want) {
				t.Errorf("explain %s: no %q in\n%s%s", tt.port, tt.want, got.stdout, got.stderr)
			}
		}
		if got := command(t, nil, "explain", "7650"); strings.Contains(got.stdout, "! ") {
			t.Errorf("explain 7650:\n%s", got.stdout)
		}
		// The value in the hint is one that the kernel takes, and it helps.
		sysctl("ip_local_reserved_ports", "7001,7100,7200-7211")
		if got := command(t, nil); strings.Contains(got.stdout, "may fail to start") {
			t.Errorf("reserved, and still\n%s", got.stdout)
		}
	})
}
