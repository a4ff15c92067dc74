package scanner_test

import (
	"context"
	"fmt"
	"net"

	"github.com/whatslistening/whatslistening/scanner"
)

// A listener that this process has opened is found, with this process as its
// holder.
func ExampleScan() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port

	snap, err := scanner.Scan(context.Background(), &scanner.Options{NetNS: scanner.NetNSOwn})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range snap.Sockets {
		if int(s.Port) == port && s.Protocol == scanner.TCP {
			fmt.Println(s.Protocol, s.Addr, len(s.Holders))
		}
	}
	// Output: tcp 127.0.0.1 1
}

func ExampleParseProtocol() {
	p, err := scanner.ParseProtocol("udplite")
	fmt.Println(p, err)
	_, err = scanner.ParseProtocol("tcp4")
	fmt.Println(err)
	// Output:
	// udplite <nil>
	// no protocol "tcp4": want one of tcp, udp, udplite, sctp, dccp, raw, ping, packet, vsock, unix
}
