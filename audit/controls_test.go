package audit

import (
	"regexp"
	"slices"
	"testing"
)

// citable are the frameworks, the form that their controls have, and the controls
// that were looked up: in the published catalogue, or in the checks that others
// publish for a benchmark. One that is cited for the first time is looked up
// first, and then put here.
var citable = []struct {
	framework, version, form string
	controls                 []string
}{
	// The control files cis_debian12 and cis_ubuntu2404 of ComplianceAsCode, and the
	// playbooks of Ansible Lockdown for both.
	{cisDebian, cisDebianVersion, `^\d+(\.\d+){2,3}$`, []string{
		"2.1.2", "2.1.6", "2.1.7", "2.1.8", "2.1.9", "2.1.11", "2.1.12", "2.1.13", "2.1.14", "2.1.15", "2.1.16", "2.1.17", "2.1.19",
		"2.1.20", "2.1.21", "2.1.22",
	}},
	{cisUbuntu, cisUbuntuVersion, `^\d+(\.\d+){2,3}$`, []string{
		"2.1.2", "2.1.6", "2.1.7", "2.1.8", "2.1.9", "2.1.11", "2.1.12", "2.1.13", "2.1.14", "2.1.15", "2.1.16", "2.1.17", "2.1.19",
		"2.1.20", "2.1.21", "2.1.22",
	}},
	// The catalogue that NIST publishes in OSCAL; none of these is withdrawn.
	{nist, "", `^[A-Z]{2}-[1-9]\d*(\([1-9]\d*\))?$`, []string{
		"AC-3", "AC-6", "AC-17", "AC-17(2)", "CM-2", "CM-3", "CM-7", "CM-7(1)", "CM-7(2)", "CM-8(3)", "CM-11", "IA-5(1)",
		"SC-4", "SC-5", "SC-7", "SC-8", "SI-2", "SI-4", "SI-7",
	}},
	// The control file pcidss_4 of ComplianceAsCode, at 4.0; 4.0.1 has the same numbers.
	{pci, pciVersion, `^[1-9]\d?(\.[1-9]\d?){2,3}$`, []string{"1.2.5", "1.2.6", "1.4.4", "2.2.4", "2.2.5", "2.2.7", "6.3.3"}},
	// The list of control correlation identifiers that DISA publishes: they are of
	// IA-5(1), CM-7 a, CM-7 b and CM-7(2).
	{stig, "", `^CCI-\d{6}$`, []string{"CCI-000197", "CCI-000381", "CCI-000382", "CCI-001764"}},
	// The control file stig_ubuntu2404 of ComplianceAsCode.
	{stigUbuntu, stigUbuntuVersion, `^UBTU-24-\d{6}$`, []string{"UBTU-24-100030", "UBTU-24-100040", "UBTU-24-100050"}},
}

// Every control that a rule cites was looked up, has the form that its framework
// gives to controls, and stands there once.
func TestControls(t *testing.T) {
	cited := map[Control]bool{}
	for _, r := range Rules() {
		for i, c := range r.Controls {
			cited[c] = true
			if slices.Contains(r.Controls[:i], c) {
				t.Errorf("%s cites %v twice", r.ID, c)
			}
		}
	}
	for _, f := range citable {
		form := regexp.MustCompile(f.form)
		for _, id := range f.controls {
			c := Control{f.framework, f.version, id}
			if !form.MatchString(id) {
				t.Errorf("%v is not of the form %s", c, f.form)
			}
			if !cited[c] {
				t.Errorf("no rule cites %v", c)
			}
			delete(cited, c)
		}
	}
	for c := range cited {
		t.Errorf("%v is cited and was not looked up", c)
	}
}
