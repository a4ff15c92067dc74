package report

import (
	"fmt"
	"io"
	"testing"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/scanner"
)

// crowd is a report of n listeners held by 50 processes, in no order.
func crowd(n int) *Report {
	ps := make([]*scanner.Process, 50)
	for i := range ps {
		ps[i] = process(1000+i, fmt.Sprintf("worker-%d", i), "www-data")
	}
	r := &Report{Registry: "2026-09-17", Time: scanned, Listeners: make([]annotate.Listener, n)}
	for i := range r.Listeners {
		port := uint16(1024 + i*7919%60000)
		r.Listeners[i] = listener(scanner.TCP, fmt.Sprintf("127.0.%d.%d", i/60000, 1+i%200), port, "service", ps[i%len(ps)])
		r.Listeners[i].Range = portdb.RangeOf(port)
	}
	return r
}

func BenchmarkPeople(b *testing.B) {
	for _, n := range []int{40, 2000, 20000} {
		r := crowd(n)
		for _, f := range []Format{Table, Wide, Tree, CSV, Markdown} {
			o := Options{}
			if f != CSV {
				o = Options{Width: 120, Color: true}
			}
			b.Run(fmt.Sprintf("%v/%d", f, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := Write(io.Discard, r, f, &o); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkText(b *testing.B) {
	for _, s := range []string{"systemd-resolved", "Web Content", "a\x1b[31m\u202eb"} {
		b.Run(fmt.Sprintf("%q", s), func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]byte, 0, 128)
			for b.Loop() {
				dst = appendText(dst[:0], s)
			}
		})
	}
}
