package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// root is the folder of the project.
const root = "../.."

// command is the command, built once for all tests.
var command = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+"/", "./cmd/whatslistening")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return filepath.Join(dir, "whatslistening"), nil
})

// TestMain takes the built command away again.
func TestMain(m *testing.M) {
	code := m.Run()
	if bin, err := command(); err == nil {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// report runs the command in the project's folder and returns the path of the
// page that it writes.
func report(t *testing.T, args ...string) string {
	t.Helper()
	return write(t, "html", args...)
}

// write runs the command in the project's folder and returns the path of the
// file that it writes.
func write(t *testing.T, format string, args ...string) string {
	t.Helper()
	bin, err := command()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report."+format)
	cmd := exec.Command(bin, append(args, "-o", format, "--output-file", path)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: findings
		t.Fatalf("whatslistening %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return path
}

// example is the page of an audit of the host of the documents.
func example(t *testing.T) string {
	t.Helper()
	return report(t, "audit", "--from", "docs/example.json", "--policy", "docs/example-policy.yaml")
}

// A tab is a page in a browser, and what it did that it must not do.
type tab struct {
	context.Context
	t  *testing.T
	mu sync.Mutex
	// requests are the addresses that were asked for, messages what the console
	// shows, violations of the page's own policy among it.
	requests, messages []string
}

// newTab opens an empty page in a browser of its own.
func newTab(t *testing.T) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if path, err = exec.LookPath("google-chrome"); err != nil {
			t.Skip("there is no chromium here (apt-get install chromium)")
		}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &tab{Context: ctx, t: t}
	must(t, chromedp.Do(ctx))
	must(t, chromedp.Listen(ctx, b.hear))
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, struct{}{})
	return b
}

// hear keeps what the page did.
func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, "data:") {
			b.requests = append(b.requests, ev.Request.URL)
		}
	case *log.EventEntryAdded:
		b.messages = append(b.messages, ev.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		b.messages = append(b.messages, fmt.Sprintf("console: %v", ev.Args))
	case *runtime.EventExceptionThrown:
		b.messages = append(b.messages, ev.ExceptionDetails.Text)
	}
}

// open opens the page at path, as a double click on the file does.
func (b *tab) open(path string) {
	b.t.Helper()
	b.mu.Lock()
	b.requests = nil
	b.mu.Unlock()
	must(b.t, chromedp.Do(b, chromedp.Navigate("file://"+path)))
}

// calm fails where the page asked for anything but itself, or the console has
// anything to say.
func (b *tab) calm() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range b.requests {
		if i > 0 || !strings.HasPrefix(r, "file://") {
			b.t.Errorf("the page asked for %s", r)
		}
	}
	for _, m := range b.messages {
		b.t.Errorf("the console says %s", m)
	}
}

// scheme makes the browser's user prefer light or dark.
func (b *tab) scheme(name string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// size gives the page a width and a height.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	must(b.t, chromedp.Do(b, chromedp.EmulateViewport(width, height)))
}

// eval returns what an expression, or its promise, comes to in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
