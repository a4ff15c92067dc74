package scanner

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Container engines tell the names of their containers at unix sockets, in HTTP.
// What is asked is one plain GET, which changes nothing, written by hand: an HTTP
// client would be the largest part of this program. What answers may be anyone's:
// it has a bounded time and size, and whatever it says is only text.

// The bounds of an answer. maxReply is several thousand containers.
const (
	engineTime = time.Second
	maxReply   = 4 << 20
	maxHead    = 64 << 10
)

var errLargeReply = fmt.Errorf("an answer of more than %d MiB", maxReply>>20)

// askEngine gets a path from the engine at a unix socket.
func askEngine(socket, path string, until time.Time) ([]byte, error) {
	c, err := (&net.Dialer{Deadline: until}).Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(until); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n"); err != nil {
		return nil, err
	}
	return readReply(c)
}

// readReply reads an answer of HTTP/1.1 (RFC 9112) and returns its body. Every
// status but 200 is an error, one that names another place too.
func readReply(r io.Reader) ([]byte, error) {
	limited := &io.LimitedReader{R: r, N: maxHead + maxReply + maxReply/8}
	b := bufio.NewReader(limited)
	status, err := readHead(b)
	if err != nil {
		return nil, err
	}
	version, rest, _ := strings.Cut(status, " ")
	code, _, _ := strings.Cut(rest, " ")
	if !strings.HasPrefix(version, "HTTP/1.") {
		return nil, errors.New("an answer that is not HTTP")
	}
	length, chunked := int64(-1), false
	for head := 0; ; {
		line, err := readHead(b)
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		if head += len(line); head > maxHead {
			return nil, errLargeReply
		}
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); strings.ToLower(name) {
		case "content-length":
			if length, err = strconv.ParseInt(value, 10, 64); err != nil || length < 0 {
				return nil, fmt.Errorf("a length of %q", value)
			}
		case "transfer-encoding":
			if chunked = strings.EqualFold(value, "chunked"); !chunked {
				return nil, fmt.Errorf("an encoding of %q", value)
			}
		}
	}
	if code != "200" {
		return nil, fmt.Errorf("status %q", code)
	}
	switch {
	case chunked:
		return readChunks(b)
	case length > maxReply:
		return nil, errLargeReply
	case length >= 0:
		body := make([]byte, length)
		_, err := io.ReadFull(b, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(b, maxReply+1))
	if len(body) > maxReply {
		return nil, errLargeReply
	}
	return body, err
}

// readHead reads a line of the head of an answer, without its end.
func readHead(b *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxHead:
			return "", errLargeReply
		case err == nil:
			return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", unexpected(err)
		}
	}
}

// readChunks reads a body in chunks: RFC 9112, section 7.1.
func readChunks(b *bufio.Reader) ([]byte, error) {
	var body []byte
	for {
		line, err := readHead(b)
		if err != nil {
			return nil, err
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 31)
		switch {
		case err != nil:
			return nil, fmt.Errorf("a chunk of %q bytes", digits)
		case size == 0:
			return body, nil
		case int(size) > maxReply-len(body):
			return nil, errLargeReply
		}
		at := len(body)
		body = append(body, make([]byte, size)...)
		if _, err := io.ReadFull(b, body[at:]); err != nil {
			return nil, unexpected(err)
		}
		if line, err := readHead(b); err != nil || line != "" {
			return nil, errors.New("a chunk without an end")
		}
	}
}

// unexpected is err, where an end comes too early that it does.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A containerName is what an engine says of a container.
type containerName struct {
	name, image string
	ports       []forwardRule
}

// parseContainers reads the answer of docker and podman to "/containers/json".
// An entry of another shape than expected is passed over.
func parseContainers(b []byte) (map[string]containerName, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, errors.New("an answer that is no list of containers")
	}
	found := make(map[string]containerName, len(list))
	for _, raw := range list {
		var c struct {
			ID    string `json:"Id"`
			Names []string
			Image string
			Ports []struct {
				IP                      string
				PrivatePort, PublicPort uint16
				Type                    string
			}
		}
		if json.Unmarshal(raw, &c) != nil || c.ID == "" {
			continue
		}
		one := containerName{image: c.Image}
		// Further names are those by which others link to it: "/other/alias".
		for _, name := range c.Names {
			if name = strings.TrimPrefix(name, "/"); one.name == "" || strings.Contains(one.name, "/") {
				one.name = name
			}
		}
		var f forwarding
		for _, p := range c.Ports {
			m := portMapping{HostIP: p.IP, HostPort: p.PublicPort, ContainerPort: p.PrivatePort, Protocol: p.Type}
			m.add(&f, netip.Addr{}, netip.Addr{})
		}
		one.ports = f.rules
		found[c.ID] = one
	}
	return found, nil
}

// parseCRIO reads the answer of CRI-O to "/containers/ID": a name in the form
// "k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT", and labels that say it better.
func parseCRIO(b []byte) (containerName, error) {
	var c struct {
		Name   string            `json:"name"`
		Image  string            `json:"image"`
		Labels map[string]string `json:"labels"`
	}
	if json.Unmarshal(b, &c) != nil || c.Name == "" {
		return containerName{}, errors.New("an answer that is no container")
	}
	one := containerName{name: c.Name, image: c.Image}
	if name := c.Labels["io.kubernetes.container.name"]; name != "" {
		one.name = name
	}
	return one, nil
}

// parseStorage reads the file in which podman's storage keeps its containers:
// containers.json.
func parseStorage(b []byte) map[string]containerName {
	var list []struct {
		ID       string   `json:"id"`
		Names    []string `json:"names"`
		Metadata string   `json:"metadata"`
	}
	if json.Unmarshal(b, &list) != nil {
		return nil
	}
	found := make(map[string]containerName, len(list))
	for _, c := range list {
		var meta struct {
			Image string `json:"image-name"`
		}
		_ = json.Unmarshal([]byte(c.Metadata), &meta)
		if c.ID != "" && len(c.Names) > 0 {
			found[c.ID] = containerName{name: c.Names[0], image: meta.Image}
		}
	}
	return found
}
