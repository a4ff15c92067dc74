package portdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The most that [ParseServices] takes: of one line, and of a file. Debian's
// /etc/services, the longest in wide use, has 13 kB and no line above 100 bytes.
const (
	maxServicesLine = 4096
	maxServicesFile = 4 << 20
)

// ParseServices reads the local layer from r in the syntax of services(5): a
// name, a port and its protocol joined by "/", then aliases; "#" starts a
// comment, which becomes the entry's description. Each line is an entry, in the
// file's order. Names and comments are kept byte for byte, hostile as they may
// be.
//
// The protocols are tcp, udp, sctp, dccp, and udplite, which has UDP's ports
// (RFC 3828, section 6). A line of ddp, which /etc/services has for AppleTalk's
// sockets, speaks of no port of these and is left out. services(5) knows no
// ranges of ports: one is an error.
//
// An error is one line, "name:line: what is wrong", and is the first in the
// file. A line above 4096 bytes or a file above 4 MiB is an error.
func ParseServices(r io.Reader, name string) ([]Entry, error) {
	var entries []Entry
	// One byte more than a file may have tells a file that is too long from one
	// that just fits.
	limited := &io.LimitedReader{R: r, N: maxServicesFile + 1}
	lines := bufio.NewReaderSize(limited, maxServicesLine)
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("%s:%d: line is longer than %d bytes", name, number, maxServicesLine)
		case err != nil && err != io.EOF:
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		case limited.N == 0:
			return nil, fmt.Errorf("%s:%d: file is longer than %d bytes", name, number, maxServicesFile)
		}
		e, ok, lineErr := parseService(string(line))
		if lineErr != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, lineErr)
		}
		if ok {
			entries = append(entries, e)
		}
		if err == io.EOF {
			return entries, nil
		}
	}
}

// parseService reads one line. A line without an entry is not ok.
func parseService(line string) (e Entry, ok bool, err error) {
	rule, comment, _ := strings.Cut(line, "#")
	fields := strings.FieldsFunc(rule, isServiceSpace)
	if len(fields) == 0 {
		return Entry{}, false, nil
	}
	if len(fields) == 1 {
		return Entry{}, false, fmt.Errorf("service %q has no port and protocol, as 8080/tcp", fields[0])
	}
	number, protocol, slash := strings.Cut(fields[1], "/")
	if !slash {
		return Entry{}, false, fmt.Errorf("%q is not a port and its protocol, as 8080/tcp", fields[1])
	}
	if first, last, run := strings.Cut(number, "-"); run && first != "" && last != "" {
		return Entry{}, false, fmt.Errorf("%q: services(5) has no ranges of ports: write a line for each port", fields[1])
	}
	port, err := parsePort(number)
	if err != nil {
		return Entry{}, false, err
	}
	e = Entry{
		Source: Local, First: port, Last: port, HasPort: true,
		Name: fields[0], Description: strings.TrimFunc(comment, isServiceSpace),
	}
	if len(fields) > 2 {
		e.Aliases = fields[2:]
	}
	switch protocol {
	case "ddp":
		return Entry{}, false, nil
	case "udplite":
		e.Transport = UDP
		return e, true, nil
	case "tcp", "udp", "sctp", "dccp":
		e.Transport, err = ParseTransport(protocol)
		return e, true, err
	}
	return Entry{}, false, fmt.Errorf("unknown protocol %q: want tcp, udp, sctp or dccp", protocol)
}

// isServiceSpace reports whether c separates the fields of a line: isspace(3)
// in the C locale. Unicode's spaces are part of a name there.
func isServiceSpace(c rune) bool {
	return c == ' ' || '\t' <= c && c <= '\r'
}
