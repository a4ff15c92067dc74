package project

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
)

const prometheus = "../../examples/prometheus"

// The alert rules of the example do what their cases say.
func TestAlertRules(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip(err)
	}
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = prometheus
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// A new listener becomes an alert at a webhook, by way of the textfile,
// node_exporter, Prometheus and Alertmanager.
func TestPrometheusEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	program := filepath.Join(t.TempDir(), "whatslistening")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/whatslistening").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(prometheus, "e2e.sh"), program).CombinedOutput()
	const missing = 77
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == missing {
		t.Skipf("%s", out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
