package report

import (
	"net/netip"

	"pgregory.net/rapid"

	"github.com/whatslistening/whatslistening/audit"
)

func anyFinding() *rapid.Generator[audit.Finding] {
	return rapid.Custom(func(t *rapid.T) audit.Finding {
		text := func(label string) string { return anyText().Draw(t, label) }
		return audit.Finding{
			Rule: text("rule"), Title: text("title"), Severity: audit.Severity(rapid.IntRange(0, 2).Draw(t, "severity")),
			Message: text("message"), Next: text("next"), Fingerprint: text("fingerprint"),
			Subject: audit.Subject{
				Namespace: text("namespace"), Protocol: anyProtocol(t), Family: anyFamily(t),
				Addr: rapid.OneOf(anyAddr(), rapid.Just(netip.Addr{})).Draw(t, "addr"), Device: text("device"), Port: rapid.Uint32().Draw(t, "port"),
				Path: text("path"), Programs: rapid.SliceOfN(anyText(), 0, 2).Draw(t, "programs"), User: text("user"),
			},
			Controls: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.Control {
				return audit.Control{Framework: anyText().Draw(t, "framework"), Version: anyText().Draw(t, "version"), ID: anyText().Draw(t, "id")}
			}), 0, 2).Draw(t, "controls"),
			Decided: audit.Position{File: text("file"), Line: rapid.IntRange(0, 1<<20).Draw(t, "line")},
			Was:     text("was"), Now: text("now"),
		}
	})
}

func anyAccepted() *rapid.Generator[audit.Finding] {
	return rapid.Custom(func(t *rapid.T) audit.Finding {
		f := anyFinding().Draw(t, "finding")
		f.Accepted = anyApproval().Draw(t, "accepted")
		return f
	})
}

func anyScope(t *rapid.T) audit.Scope {
	return audit.Scope{
		Protocols: rapid.SliceOfN(rapid.Custom(anyProtocol), 0, 2).Draw(t, "protocols"),
		NetNS:     anyText().Draw(t, "netns"), Narrowed: rapid.Bool().Draw(t, "narrowed"),
	}
}

func anyBaseline(t *rapid.T) *audit.Baseline {
	if rapid.Bool().Draw(t, "no baseline") {
		return nil
	}
	return &audit.Baseline{
		Host: anyText().Draw(t, "host"), Tool: anyText().Draw(t, "tool"), Time: anyTime().Draw(t, "time"),
		Unchanged: rapid.IntRange(0, 1<<20).Draw(t, "unchanged"),
		Caveats: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.Caveat {
			return audit.Caveat{Wrong: rapid.Bool().Draw(t, "wrong"), Text: anyText().Draw(t, "text")}
		}), 0, 2).Draw(t, "caveats"),
	}
}

func anyPosition(t *rapid.T) audit.Position {
	return audit.Position{File: anyText().Draw(t, "file"), Line: rapid.IntRange(0, 1<<20).Draw(t, "line")}
}

func anyApproval() *rapid.Generator[audit.Approval] {
	return rapid.Custom(func(t *rapid.T) audit.Approval {
		text := func(label string) string { return anyText().Draw(t, label) }
		return audit.Approval{
			Verdict: audit.Verdict(rapid.IntRange(1, int(audit.Client)).Draw(t, "verdict")), Decided: anyPosition(t),
			Reason: text("reason"), Owner: text("owner"), Ticket: text("ticket"), Expires: text("expires"),
		}
	})
}

func anyRegister() *rapid.Generator[*audit.Register] {
	return rapid.Custom(func(t *rapid.T) *audit.Register {
		if rapid.Bool().Draw(t, "no register") {
			return nil
		}
		return &audit.Register{
			Files: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.PolicyFile {
				return audit.PolicyFile{Path: anyText().Draw(t, "path"), SHA256: anyText().Draw(t, "sha256"), Entries: rapid.IntRange(0, 1<<20).Draw(t, "entries")}
			}), 1, 2).Draw(t, "files"),
			Approvals: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.RegisterEntry {
				text := func(label string) string { return anyText().Draw(t, label) }
				return audit.RegisterEntry{
					Position: anyPosition(t), Approves: text("approves"), Listeners: rapid.IntRange(0, 1<<20).Draw(t, "listeners"),
					Reason: text("reason"), Owner: text("owner"), Ticket: text("ticket"), Expires: text("expires"),
					Accepts: rapid.SliceOfN(anyText(), 0, 2).Draw(t, "accepts"),
				}
			}), 0, 2).Draw(t, "approvals"),
			Exceptions: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.Exception {
				text := func(label string) string { return anyText().Draw(t, label) }
				return audit.Exception{
					Position: anyPosition(t), Rule: text("rule"), Disabled: rapid.Bool().Draw(t, "disabled"), Severity: audit.Severity(rapid.IntRange(0, 2).Draw(t, "severity")),
					Reason: text("reason"), Owner: text("owner"), Ticket: text("ticket"), Expires: text("expires"),
				}
			}), 0, 2).Draw(t, "exceptions"),
		}
	})
}
