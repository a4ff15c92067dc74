package audit

import (
	"slices"
	"testing"

	"github.com/whatslistening/whatslistening/scanner"
)

// What a scan did not look for is not absent, and a rule about it was not asked.
func TestUnasked(t *testing.T) {
	everything := seen(nil).Scope.Protocols
	tests := []struct {
		name      string
		scope     Scope
		root      bool
		witnesses bool
		unasked   []string
		absent    []int // the lines of the entries
	}{
		{"everything", Scope{NetNS: scanner.NetNSAll, Protocols: everything}, true, true, nil, []int{3, 4, 5, 6}},
		{"a list", Scope{}, true, false, []string{"WL028", "WL034", "WL035", "WL037"}, []int{3, 5, 6}},
		{"a list of an ordinary user", Scope{}, false, true, []string{"WL034", "WL035", "WL037"}, []int{3}},
		{"the own namespace", Scope{NetNS: scanner.NetNSOwn, Protocols: everything}, true, true, nil, []int{3, 4}},
		{"another namespace", Scope{NetNS: "blue", Protocols: everything}, true, true, nil, []int{6}},
		{"a part", Scope{NetNS: scanner.NetNSAll, Protocols: everything, Narrowed: true}, true, true, []string{"WL105"}, nil},
	}
	p := register(t,
		"port: 443, exposure: all",
		"path: /run/docker.sock, protocol: unix",
		"port: 443, exposure: all, container: web",
		"port: 443, exposure: all, namespace: blue",
	)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Scan{Time: today, Scope: tt.scope, Coverage: new(scanner.Coverage)}
			if tt.root {
				s.Coverage.Privileges = "root"
			}
			var unasked []string
			for _, u := range s.Unasked(tt.witnesses) {
				unasked = append(unasked, u.Rule)
			}
			if !slices.Equal(unasked, tt.unasked) {
				t.Errorf("Unasked() = %v, want %v", unasked, tt.unasked)
			}
			var absent []int
			for _, f := range p.Judge(s).Findings {
				if f.Rule == ruleAbsent {
					absent = append(absent, f.Decided.Line)
				}
			}
			slices.Sort(absent)
			if !slices.Equal(absent, tt.absent) {
				t.Errorf("the entries of lines %v are absent, want %v", absent, tt.absent)
			}
		})
	}
}
