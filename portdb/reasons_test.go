package portdb_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/whatslistening/whatslistening/portdb"
)

// cells returns the lines of a hand-kept file, cut at the tabs.
func cells(t *testing.T, name string) [][]string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			lines = append(lines, strings.Split(line, "\t"))
		}
	}
	return lines
}

// TestReasonsAreTrue: where a reason of the common layer ends with what IANA
// says, IANA says so; and where IANA has that very name, the line is not needed.
func TestReasonsAreTrue(t *testing.T) {
	checked := 0
	for _, line := range cells(t, "common.tsv") {
		port, transports, name, reason := line[0], line[1], line[2], line[4]
		spec, err := portdb.ParseSpec(port)
		if err != nil {
			t.Fatal(err)
		}
		if spec.First != spec.Last {
			continue
		}
		for _, word := range strings.Split(transports, ",") {
			transport, err := portdb.ParseTransport(word)
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			var status portdb.Status
			for _, e := range portdb.Default().Entries(nil, transport, spec.First) {
				if e.Source == portdb.IANA && (said == "" || e.Name != "") {
					said, status = e.Name, e.Status
					break
				}
			}
			if said == name {
				t.Errorf("%s/%s: IANA says %s itself", port, word, name)
			}
			i := strings.LastIndex(reason, "IANA ")
			if i < 0 {
				t.Errorf("%s/%s %s: the reason does not say what IANA says", port, word, name)
				continue
			}
			claim, ok := strings.CutPrefix(reason[i:], "IANA says ")
			switch {
			case strings.Contains(claim, " on "): // one name for each transport
			case ok && !strings.EqualFold(claim, said),
				!ok && said != "",
				reason[i:] == "IANA has it unassigned" && status != portdb.Unassigned,
				reason[i:] == "IANA has it reserved" && status != portdb.Reserved:
				t.Errorf("%s/%s %s: %q, but IANA says %q (%v)", port, word, name, reason[i:], said, status)
			}
			checked++
		}
	}
	if checked < 400 {
		t.Errorf("only %d reasons were held against IANA", checked)
	}
}

// TestProgramsThatRunAnything: what a program that runs others serves cannot be
// told from its name.
func TestProgramsThatRunAnything(t *testing.T) {
	for _, line := range cells(t, "programs.tsv") {
		program := line[0]
		if slices.Contains([]string{
			"python", "python3", "java", "node", "nodejs", "ruby", "perl", "php", "bash", "sh", "systemd", "init", "inetd",
			"xinetd", "launchd", "docker-proxy", "conmon", "rootlessport", "socat", "ssh", "stunnel", "stunnel4", "busybox",
			"svchost", "svchost.exe", "kubectl", "nc", "ncat",
		}, program) {
			t.Errorf("programs.tsv lists %s", program)
		}
		for _, service := range strings.Fields(line[1]) {
			if len(portdb.Default().Search(service)) == 0 {
				t.Errorf("%s serves %s, which no layer has", program, service)
			}
		}
	}
}
