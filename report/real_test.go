package report

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// TestRealHost scans this host with listeners of its own on it: what is written
// of it is valid, and comes back the same.
func TestRealHost(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	snap, err := scanner.Scan(t.Context(), &scanner.Options{Args: true, NetNS: scanner.NetNSOwn})
	if err != nil {
		t.Skipf("this host cannot be scanned: %v", err)
	}
	db := portdb.Default()
	want := &Report{
		Tool: "test", Registry: db.Date(), Time: time.Now().UTC(),
		Host: snap.Host, Coverage: snap.Coverage, Listeners: annotate.Snapshot(snap, db, nil),
	}
	ports := map[uint16]bool{}
	for i := range want.Listeners {
		l := &want.Listeners[i]
		l.Opinions = db.Entries(nil, 0, l.Port)
		ports[l.Port] = true
	}
	for _, a := range []net.Addr{tcp.Addr(), udp.LocalAddr()} {
		if port := uint16(portOf(a)); !ports[port] {
			t.Fatalf("no listener on port %d of this test", port)
		}
	}
	v := newValidator(t)
	data := written(t, want, JSON)
	v.check(t, "report", data)
	v.checkLines(t, "line", written(t, want, JSONL))
	compareYAML(t, written(t, want, YAML), data)
	got, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	sortListeners(want)
	if diff := cmp.Diff(want, got, sameReport); diff != "" {
		t.Errorf("the report came back changed (-want +got):\n%s", diff)
	}
	for _, f := range Formats() {
		checkShown(t, f, written(t, want, f))
		if a, b := written(t, want, f), written(t, got, f); !bytes.Equal(a, b) {
			t.Errorf("%s of a saved report differs from that of the scan:\n%s", f, cmp.Diff(string(a), string(b)))
		}
	}
}

func portOf(a net.Addr) int {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.Port
	case *net.UDPAddr:
		return a.Port
	}
	return 0
}
