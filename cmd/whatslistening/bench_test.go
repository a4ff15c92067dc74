package main

import (
	"context"
	"io"
	"strings"
	"testing"
)

// What the command adds to a scan: flags, commands, and what reads them.
func BenchmarkStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newRoot(&app{}, nil)
	}
}

func BenchmarkStartWithCommands(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		err := run(context.Background(), func(string) string { return "" }, strings.NewReader(""), io.Discard, io.Discard, []string{"--version"})
		if err != nil {
			b.Fatal(err)
		}
	}
}
