package report

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// The elements and attributes of the schema of Jenkins' xUnit plugin
// (junit-10.xsd), as far as they are written. What else stands in a file is an
// error of Strict decoding below.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Name    string       `xml:"name,attr"`
	Suites  []junitSuite `xml:"testsuite"`
	Other   []junitOther `xml:",any"`
	Attrs   []xml.Attr   `xml:",any,attr"`
}

type junitSuite struct {
	Name      string       `xml:"name,attr"`
	ID        int          `xml:"id,attr"`
	Package   string       `xml:"package,attr"`
	Tests     int          `xml:"tests,attr"`
	Failures  int          `xml:"failures,attr"`
	Errors    int          `xml:"errors,attr"`
	Skipped   int          `xml:"skipped,attr"`
	Time      string       `xml:"time,attr"`
	Timestamp string       `xml:"timestamp,attr"`
	Hostname  string       `xml:"hostname,attr"`
	Cases     []junitCase  `xml:"testcase"`
	Other     []junitOther `xml:",any"`
	Attrs     []xml.Attr   `xml:",any,attr"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Class     string        `xml:"classname,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitFailure `xml:"failure"`
	Skipped   *junitFailure `xml:"skipped"`
	SystemOut string        `xml:"system-out"`
	Other     []junitOther  `xml:",any"`
	Attrs     []xml.Attr    `xml:",any,attr"`
}

type junitFailure struct {
	Type    string     `xml:"type,attr"`
	Message string     `xml:"message,attr"`
	Text    string     `xml:",chardata"`
	Attrs   []xml.Attr `xml:",any,attr"`
}

type junitOther struct{ XMLName xml.Name }

// The schemas want a time without a zone.
var junitTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$`)

// junitOf writes r as JUnit, reads it back and holds it against the schema.
func junitOf(t tester, r *Report, o Options) []junitSuite {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, JUnit, &o); err != nil {
		t.Fatal(err)
	}
	checkShown(t, JUnit, b.Bytes())
	if bytes.Contains(b.Bytes(), []byte("[[")) {
		t.Errorf("two brackets, with which readers are told to fetch a file")
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "::") || strings.Contains(line, "##vso[") || strings.Contains(line, "##[") {
			t.Errorf("a line that a CI system obeys: %q", line)
		}
	}
	var all junitSuites
	if err := xml.Unmarshal(b.Bytes(), &all); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	if len(all.Other) > 0 || len(all.Attrs) > 0 {
		t.Errorf("testsuites has %v %v", all.Other, all.Attrs)
	}
	for i, s := range all.Suites {
		failures, skipped := 0, 0
		known := map[[2]string]bool{}
		for _, c := range s.Cases {
			// GitLab's parser knows a test by these, and keeps the last of two.
			name := [2]string{c.Class, c.Name}
			if known[name] {
				t.Errorf("%s: there are two tests %q", s.Name, name)
			}
			known[name] = true
			outcomes := 0
			for _, there := range [...]bool{c.Failure != nil, c.Skipped != nil, c.SystemOut != ""} {
				if there {
					outcomes++
				}
			}
			if outcomes > 1 || c.Failure != nil && c.Failure.Text == "" || c.Time != "0" {
				t.Errorf("%s: the test %+v", s.Name, c)
			}
			if c.Failure != nil {
				failures++
			}
			if c.Skipped != nil {
				skipped++
			}
			if c.Name == "" || c.Class == "" || len(c.Other) > 0 || len(c.Attrs) > 0 {
				t.Errorf("%s: the test %+v", s.Name, c)
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Skipped != skipped || s.Errors != 0 || s.ID != i || s.Time != "0" || s.Name == "" || s.Package == "" || !junitTime.MatchString(s.Timestamp) ||
			len(s.Other) > 0 || len(s.Attrs) > 0 {
			t.Errorf("suite %s: %d tests, %d failures, %d skipped at %q: want %d, %d, %d; and %v %v",
				s.Name, s.Tests, s.Failures, s.Skipped, s.Timestamp, len(s.Cases), failures, skipped, s.Other, s.Attrs)
		}
	}
	return all.Suites
}

func TestJUnit(t *testing.T) {
	r := hostileAudit()
	r.Listeners, r.Approvals = r.Listeners[:6:6], r.Approvals[:6:6]
	// One finding is on a listener, one on an entry, and one of a rule.
	s := audit.SubjectOf(&r.Listeners[3])
	rule, _ := audit.RuleByID("WL001")
	r.Findings = []audit.Finding{
		{Rule: "WL101", Title: "Listener without an approval", Severity: audit.Error, Message: "no entry\nspeaks ]]> of it", Next: "stop <it>", Subject: s},
		{Rule: rule.ID, Title: rule.Title, Severity: audit.Warning, Message: "::error:: telnet", Controls: rule.Controls},
		{Rule: "WL105", Title: "Approved, and does not listen", Severity: audit.Note, Message: "gone", Decided: audit.Position{File: "p.yaml", Line: 3}},
	}
	suites := junitOf(t, r, Options{FailOn: audit.Warning})
	var names []string
	failed := map[string]string{}
	for _, s := range suites {
		names = append(names, s.Name)
		for _, c := range s.Cases {
			if c.Failure != nil {
				failed[c.Name] = c.Failure.Type + " " + c.Failure.Message
				if s.Name == "register" && c.Failure.Text != "error WL101: no entry\\x0aspeaks ]]> of it\nnext: stop <it>" {
					t.Errorf("the failure says %q", c.Failure.Text)
				}
			}
			if c.SystemOut != "" && c.SystemOut != "note WL105: gone\nat: p.yaml:3" {
				t.Errorf("a note says %q", c.SystemOut)
			}
		}
	}
	if want := []string{"register", "rules", "coverage"}; !slices.Equal(names, want) {
		t.Errorf("the suites are %v, want %v", names, want)
	}
	want := map[string]string{
		"tcp 127.0.0.53:53 (systemd-resolved of systemd-resolve)": "WL101 no entry\\x0aspeaks ]]> of it",
		"WL001 " + rule.Title: "WL001 \\x3a:error:: telnet",
	}
	if len(failed) != len(want) {
		t.Errorf("%q fail, want %q", failed, want)
	}
	for name, message := range want {
		if failed[name] != message {
			t.Errorf("%q fails with %q, want %q", name, failed[name], message)
		}
	}
	r.Baseline = new(audit.Baseline)
	suites = junitOf(t, r, Options{FailOn: audit.Warning})
	if i := slices.IndexFunc(suites, func(s junitSuite) bool { return s.Name == "drift" }); i < 0 || suites[i].Tests == 0 || suites[i].Failures != 0 {
		t.Errorf("with a baseline and no drift the suites are %+v", suites)
	}
	// A drift shows that there was a baseline; and from note on, all fails.
	r.Findings[2].Rule = "WL201"
	suites = junitOf(t, r, Options{})
	if i := slices.IndexFunc(suites, func(s junitSuite) bool { return s.Name == "drift" }); i < 0 || suites[i].Failures != 1 {
		t.Errorf("the drift is %+v", suites)
	}
}

// Whatever a host calls its things, the file can be read and counts are right.
func TestJUnitHostile(t *testing.T) {
	junitOf(t, hostileAudit(), Options{})
	junitOf(t, everyRule(), Options{})
	r := hostileAudit()
	r.Findings[0].Message = "[[ATTACHMENT|/etc/shadow]] and [[[x"
	r.Coverage.Limitations = []scanner.Limitation{{Code: "probe", Text: "no tcp port"}, {Code: "x"}, {Code: "probe", Text: "no udp port", Remedy: "as root"}}
	suites := junitOf(t, r, Options{FailOn: audit.Error + 1})
	last := suites[len(suites)-1].Cases
	if len(last) != 2 || last[0].Skipped.Message != "no tcp port, and 1 more" || last[0].Skipped.Text != "no tcp port\nno udp port: as root" {
		t.Errorf("what could not be seen is %+v", last)
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := anyReport().Draw(rt, "report")
		junitOf(rt, r, Options{FailOn: audit.Severity(rapid.IntRange(0, 2).Draw(rt, "failOn"))})
	})
}
