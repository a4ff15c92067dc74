package report

import (
	"encoding/json"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/whatslistening/whatslistening/audit"
	"github.com/whatslistening/whatslistening/scanner"
)

// SARIF 2.1.0 (OASIS standard, with errata 01), as far as GitHub code scanning
// and other readers use it. Text from the host stands in message.text and in
// names, escaped; never in markdown, and in a URI with percent signs.

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	projectURI  = "https://github.com/whatslistening/whatslistening"
	// sarifRoot is the base of the paths that are absolute on the host.
	sarifRoot = "ROOT"
	// maxSARIF is how many results GitHub takes in a run. The worst come first.
	maxSARIF = 25000
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool                `json:"tool"`
	Automation  sarifAutomation          `json:"automationDetails"`
	Invocations []sarifInvocation        `json:"invocations"`
	Bases       map[string]sarifArtifact `json:"originalUriBaseIds,omitempty"`
	ColumnKind  string                   `json:"columnKind"`
	Results     []sarifResult            `json:"results"`
	Properties  sarifFacts               `json:"properties"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string            `json:"name"`
	Organization   string            `json:"organization"`
	Version        string            `json:"version"`
	InformationURI string            `json:"informationUri"`
	Rules          []sarifDescriptor `json:"rules"`
}

// sarifDescriptor is a rule.
type sarifDescriptor struct {
	ID         string           `json:"id"`
	Name       string           `json:"name,omitempty"`
	Short      *sarifText       `json:"shortDescription,omitempty"`
	Full       *sarifText       `json:"fullDescription,omitempty"`
	HelpURI    string           `json:"helpUri,omitempty"`
	Help       *sarifText       `json:"help,omitempty"`
	Default    *sarifDefault    `json:"defaultConfiguration,omitempty"`
	Properties *sarifProperties `json:"properties,omitempty"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifProperties struct {
	Tags []string `json:"tags"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifInvocation struct {
	Successful bool   `json:"executionSuccessful"`
	End        string `json:"endTimeUtc"`
	Machine    string `json:"machine,omitempty"`
	// Overrides are the rules that the register disables or re-grades.
	Overrides     []sarifOverride     `json:"ruleConfigurationOverrides,omitempty"`
	Notifications []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Descriptor sarifReference `json:"descriptor"`
	Level      string         `json:"level"`
	Message    sarifText      `json:"message"`
}

type sarifReference struct {
	ID string `json:"id"`
}

type sarifArtifact struct {
	URI  string `json:"uri"`
	Base string `json:"uriBaseId,omitempty"`
}

type sarifResult struct {
	Rule         string            `json:"ruleId"`
	Index        int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints sarifFingerprints `json:"partialFingerprints"`
	// Suppressions are there of all the results of a run or of none (3.27.23).
	Suppressions []sarifSuppression `json:"suppressions,omitzero"`
	Properties   sarifSubject       `json:"properties"`
}

// sarifSuppression says that the register accepts a result.
type sarifSuppression struct {
	Kind          string       `json:"kind"`
	Status        string       `json:"status"`
	Justification string       `json:"justification"`
	Properties    sarifReasons `json:"properties"`
}

type sarifFingerprints struct {
	V1 string `json:"whatslistening/v1"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifRegion struct {
	Line int `json:"startLine"`
}

type sarifLogical struct {
	Name     string `json:"name"`
	FullName string `json:"fullyQualifiedName"`
	Kind     string `json:"kind"`
}

// sarifSubject is what a result is about.
type sarifSubject struct {
	Host      string   `json:"host"`
	Namespace string   `json:"namespace"`
	Protocol  string   `json:"protocol"`
	Address   string   `json:"address"`
	Port      uint32   `json:"port"`
	Programs  []string `json:"programs"`
	User      string   `json:"user"`
	Next      string   `json:"next"`
	Controls  []string `json:"controls"`
}

// sarifFacts are what is said of the run as a whole.
type sarifFacts struct {
	Schema     string `json:"schema"`
	Host       string `json:"host"`
	Registry   string `json:"registry"`
	Complete   bool   `json:"complete"`
	Privileges string `json:"privileges"`
	Listeners  int    `json:"listeners"`
}

// writeSARIF writes the findings of r as one SARIF log of one run.
func writeSARIF(w io.Writer, r *Report) error {
	s := &sarif{r: r, host: Escape(r.Host.Name)}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{s.run()}})
}

// A sarif is a run in the making.
type sarif struct {
	r    *Report
	host string
	// rooted says that a path stands on sarifRoot.
	rooted bool
}

func (s *sarif) run() sarifRun {
	r, findings := s.r, s.r.judged()
	driver := sarifDriver{
		Name: toolName, Organization: toolName, Version: numeric(r.Tool), InformationURI: projectURI,
		Rules: sarifRules(findings),
	}
	index := make(map[string]int, len(driver.Rules))
	for i := range driver.Rules {
		index[driver.Rules[i].ID] = i
	}
	limits := slices.Clone(r.Coverage.Limitations)
	if more := len(findings) - maxSARIF; more > 0 {
		findings = findings[:maxSARIF]
		limits = append(limits, scanner.Limitation{
			Code: "results-left-out", Text: strconv.Itoa(more) + " findings, the least severe, are left out: more than GitHub takes",
			Remedy: "write them as JSON",
		})
	}
	results := make([]sarifResult, len(findings))
	for i := range findings {
		f := &findings[i]
		results[i] = s.result(f, index[Escape(f.Rule)])
		if r.Accepted != nil {
			results[i].Suppressions = suppressions(f)
		}
	}
	invocation := sarifInvocation{
		Successful: true, Machine: s.host, End: r.Time.UTC().Format(time.RFC3339),
		Notifications: make([]sarifNotification, len(limits)),
	}
	invocation.Overrides = s.overrides(index)
	for i, l := range limits {
		text := l.Text
		if l.Remedy != "" {
			text += ": " + l.Remedy
		}
		invocation.Notifications[i] = sarifNotification{sarifReference{Escape(l.Code)}, "warning", sarifText{sentence(text)}}
	}
	run := sarifRun{
		Tool: sarifTool{driver},
		// GitHub takes what stands before the last slash for the category: the
		// results of one host replace those of its last run, and no others.
		Automation:  sarifAutomation{toolName + "/" + segment(r.Host.Name, "host") + "/" + invocation.End},
		Invocations: []sarifInvocation{invocation},
		ColumnKind:  "utf16CodeUnits",
		Results:     results,
		Properties: sarifFacts{
			Schema: Schema, Host: s.host, Registry: Escape(r.Registry), Complete: r.Coverage.Complete,
			Privileges: Escape(r.Coverage.Privileges), Listeners: len(r.Listeners),
		},
	}
	if s.rooted {
		run.Bases = map[string]sarifArtifact{sarifRoot: {URI: "file:///"}}
	}
	return run
}

// sarifRules returns the rules that there are, and those of findings that are
// not among them: a saved report may be of another version.
func sarifRules(findings []audit.Finding) []sarifDescriptor {
	rules := audit.Rules()
	had := make(map[string]bool, len(rules))
	for i := range rules {
		had[rules[i].ID] = true
	}
	for i := range findings {
		if f := &findings[i]; !had[f.Rule] {
			had[f.Rule] = true
			rules = append(rules, audit.Rule{ID: f.Rule, Title: f.Title, Severity: f.Severity, Next: f.Next, Controls: f.Controls})
		}
	}
	list := make([]sarifDescriptor, len(rules))
	for i := range rules {
		list[i] = sarifRule(&rules[i])
	}
	return list
}

func sarifRule(r *audit.Rule) sarifDescriptor {
	help := r.Title
	if r.Help != "" {
		help = r.Help
	}
	d := sarifDescriptor{
		ID: Escape(r.ID), Name: pascal(r.Title),
		Short: &sarifText{sentence(r.Title)}, Full: &sarifText{sentence(help)},
		HelpURI: projectURI + "/blob/main/docs/rules.md#" + pathOf(strings.ToLower(r.ID), ""),
		Help:    &sarifText{sentence(help) + " Next: " + sentence(r.Next)},
		Default: &sarifDefault{r.Severity.String()}, Properties: &sarifProperties{Tags: []string{"security"}},
	}
	for _, c := range r.Controls {
		d.Properties.Tags = append(d.Properties.Tags, Escape(c.String()))
	}
	return d
}

func (s *sarif) result(f *audit.Finding, index int) sarifResult {
	sub := &f.Subject
	res := sarifResult{
		Rule: Escape(f.Rule), Index: index, Level: f.Severity.String(),
		Message:      sarifText{sentence(f.Message)},
		Fingerprints: sarifFingerprints{Escape(f.Fingerprint)},
		Properties: sarifSubject{
			Host: s.host, Namespace: Escape(sub.Namespace), Protocol: sub.Protocol.String(), Address: shown(sub, (*page).place),
			Port: sub.Port, Programs: []string{}, User: Escape(sub.User), Next: Escape(f.Next), Controls: []string{},
		},
	}
	for _, p := range sub.Programs {
		res.Properties.Programs = append(res.Properties.Programs, Escape(p))
	}
	for _, c := range f.Controls {
		res.Properties.Controls = append(res.Properties.Controls, Escape(c.String()))
	}
	name := shown(sub, (*page).subject)
	at := sarifLocation{Physical: s.place(f.Decided)}
	if name != "" {
		at.Logical = []sarifLogical{{Name: name, FullName: s.host + "/" + Escape(sub.Namespace) + "/" + name, Kind: "resource"}}
	}
	res.Locations = []sarifLocation{at}
	return res
}

// suppressions returns what the register says of a finding that it accepts; an
// empty list for another.
func suppressions(f *audit.Finding) []sarifSuppression {
	a := &f.Accepted
	if *a == (audit.Approval{}) {
		return []sarifSuppression{}
	}
	return []sarifSuppression{{
		"external", "accepted", Escape(a.Reason),
		sarifReasons{Escape(a.Reason), Escape(a.Owner), Escape(a.Ticket), Escape(a.Expires)},
	}}
}

// place returns the file and line of a result, which GitHub wants of each: that
// of the entry that decided; the register's first line, where one may be
// written; and without a register a path made of the host's name, which is no
// file.
func (s *sarif) place(at audit.Position) sarifPhysical {
	if at.File == "" && s.r.Register != nil && len(s.r.Register.Files) > 0 {
		at.File = s.r.Register.Files[0].Path
	}
	out := sarifPhysical{Region: sarifRegion{max(at.Line, 1)}}
	switch file := path.Clean(strings.ReplaceAll(at.File, `\`, "/")); {
	case at.File == "":
		out.Artifact.URI = "hosts/" + segment(s.r.Host.Name, "host")
	case strings.HasPrefix(file, "/"):
		out.Artifact, s.rooted = sarifArtifact{pathOf(strings.TrimLeft(file, "/"), "register"), sarifRoot}, true
	default:
		out.Artifact.URI = pathOf(file, "register")
	}
	return out
}
