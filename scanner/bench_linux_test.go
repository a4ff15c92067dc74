package scanner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

// benchNetns runs body on a thread in a network namespace of its own, which ends
// with the thread. It is for what asks the kernel on the caller's thread alone.
func benchNetns(b *testing.B, body func()) {
	b.Helper()
	if os.Geteuid() != 0 {
		b.Skip("needs root, to make a network namespace of its own")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)      // also when body ends by b.Fatal
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = netnstest.LinkUp("lo")
		}
		if err != nil {
			b.Error(err)
			return
		}
		body()
	}()
	<-done
}

// room lets the process have n descriptors.
func room(b *testing.B, n int) {
	b.Helper()
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		b.Fatal(err)
	}
	if r.Cur >= uint64(n) {
		return
	}
	if r.Max < uint64(n) {
		b.Skipf("needs %d descriptors, and %d are allowed", n, r.Max)
	}
	r.Cur = r.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkNetlink lists sockets without their holders.
func BenchmarkNetlink(b *testing.B) {
	for _, n := range []int{0, 40, 2000, 20000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchNetns(b, func() {
				room(b, n+100)
				for i := range n {
					listen(b, fmt.Sprintf("tcp,127.0.0.1:%d,backlog=1", 20000+i))
				}
				o := new(Options)
				b.ReportAllocs()
				for b.Loop() {
					c := Coverage{Complete: true}
					socks, err := listNetlink(context.Background(), o, &c)
					if err != nil || len(socks) != n {
						b.Fatalf("%d sockets, %v, want %d", len(socks), err, n)
					}
				}
			})
		})
	}
}

// BenchmarkHost reads what a scan tells of the machine.
func BenchmarkHost(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		c := Coverage{}
		readHost(context.Background(), new(Options), &c)
	}
}

// BenchmarkScan is a whole scan of this host, holders and all.
func BenchmarkScan(b *testing.B) {
	for _, src := range []Source{Netlink, Gopsutil} {
		b.Run(src.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Scan(context.Background(), &Options{Source: src}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParse turns 1,000 messages of a dump into sockets.
func BenchmarkParse(b *testing.B) {
	var buf []byte
	for i := range 1000 {
		d := diagMsg{family: afInet6, state: stateListen, port: uint16(i), addr: "::", attrs: append(attr(8, 0), append(attr(diagAttrV6Only, 1), attr(diagAttrCgroup, 1, 2, 3, 4, 5, 6, 7, 8)...)...)}
		buf = append(buf, message(diagByFamily, 2, 1, d.bytes())...)
	}
	q := diagQuery{protocol: TCP, family: IPv6}
	b.ReportAllocs()
	for b.Loop() {
		var list socketList
		_, err := readDatagram(buf, 1, func(m nlMessage) error { return parseDiag(&list, q, m.data, link7) })
		if err != nil || len(joinLists(&list)) != 1000 {
			b.Fatal(list.size(), err)
		}
	}
}

// BenchmarkAgain scans beside 40 processes that sleep with 250 sockets each: by
// itself, and as one of a series.
func BenchmarkAgain(b *testing.B) {
	for _, name := range []string{"alone", "again"} {
		b.Run(name, func(b *testing.B) {
			benchNetns(b, func() {
				room(b, 1000)
				for i := range 40 {
					defer sleeper(b, 7000+i, 250)()
				}
				o := Options{NetNS: NetNSOwn, Holders: HoldersProc}
				look := func() *Snapshot {
					s, err := Scan(context.Background(), &o)
					if err != nil || len(s.Sockets) != 40 {
						b.Fatal(len(s.Sockets), err)
					}
					return s
				}
				if name == "again" {
					o.Previous = new(Snapshot)
					o.Previous = look()
				}
				b.ReportAllocs()
				for b.Loop() {
					if s := look(); o.Previous != nil {
						o.Previous = s
					}
				}
			})
		})
	}
}

// sleeper starts a process that sleeps with n sockets, of which one listens at a
// port. It returns what ends it.
func sleeper(b *testing.B, port, n int) func() {
	b.Helper()
	cmd := exec.Command("sleep", "infinity")
	for i := range n {
		spec := "udp,127.0.0.1:0,connect=127.0.0.1:9"
		if i == 0 {
			spec = fmt.Sprintf("tcp,127.0.0.1:%d", port)
		}
		fd, err := openSocket(spec)
		if err != nil {
			b.Fatal(err)
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(uintptr(fd), "socket"))
	}
	err := cmd.Start()
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
}
