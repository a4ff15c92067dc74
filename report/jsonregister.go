package report

import "github.com/whatslistening/whatslistening/audit"

// The records of an approval register and of what it says, as in jsonrecord.go,
// and both ways between them and values.

// approvalRecord is what an approval register says of a listener.
type approvalRecord struct {
	Verdict audit.Verdict `json:"verdict" enum:"not-judged,approved,unapproved,other-program,other-user,other-unit,other-container,wider,expired,unconfirmed,client"`
	// The file and line of the entry that decided; null for none.
	Decided positionRecord `json:"decided" null:"zero"`
	// What the entry says.
	Reason string `json:"reason"`
	Owner  string `json:"owner"`
	Ticket string `json:"ticket"`
	// The last day on which the approval is good, in UTC, as 2027-06-30; empty for no end.
	Expires string `json:"expires"`
}

// policyRecord is an approval register.
type policyRecord struct {
	// The files that it was read from, in order.
	Files []policyFileRecord `json:"files"`
	// Its entries, in order.
	Approvals []registerEntryRecord `json:"approvals"`
	// The rules that do not hold here, or weigh otherwise.
	Exceptions []exceptionRecord `json:"exceptions"`
}

// policyFileRecord is a file of an approval register.
type policyFileRecord struct {
	Path string `json:"path"`
	// Of its bytes, in hexadecimal digits.
	SHA256 string `json:"sha256"`
	// How many entries it has.
	Entries int `json:"entries"`
}

// registerEntryRecord is an entry of an approval register.
type registerEntryRecord struct {
	// Where it stands.
	Position positionRecord `json:"position"`
	// What it approves, in one line.
	Approves string `json:"approves"`
	Reason   string `json:"reason"`
	Owner    string `json:"owner"`
	Ticket   string `json:"ticket"`
	// The last day on which it is good, in UTC; empty for no end.
	Expires string `json:"expires"`
	// How many listeners it approved.
	Listeners int `json:"listeners"`
	// The rules whose findings on these are accepted.
	Accepts []string `json:"accepts,omitempty"`
}

// exceptionRecord is a rule that does not hold on this host, or weighs otherwise.
type exceptionRecord struct {
	// Where it stands.
	Position positionRecord `json:"position"`
	// The id of the rule.
	Rule     string `json:"rule"`
	Disabled bool   `json:"disabled"`
	// Of its findings, where it is not disabled.
	Severity audit.Severity `json:"severity" enum:"note,warning,error"`
	Reason   string         `json:"reason"`
	Owner    string         `json:"owner"`
	Ticket   string         `json:"ticket"`
	// The last day on which it is good, in UTC; empty for no end.
	Expires string `json:"expires"`
}

// newApprovalRecord returns the record of a; the zero record for nil.
func newApprovalRecord(a *audit.Approval) approvalRecord {
	if a == nil {
		return approvalRecord{}
	}
	return approvalRecord{a.Verdict, positionRecord(a.Decided), a.Reason, a.Owner, a.Ticket, a.Expires}
}

func (rec *approvalRecord) approval() audit.Approval {
	return audit.Approval{
		Verdict: rec.Verdict, Decided: audit.Position(rec.Decided),
		Reason: rec.Reason, Owner: rec.Owner, Ticket: rec.Ticket, Expires: rec.Expires,
	}
}

// newPolicyRecord returns the record of r; the zero record for nil.
func newPolicyRecord(r *audit.Register) policyRecord {
	if r == nil {
		return policyRecord{}
	}
	return policyRecord{
		Files: records(r.Files, func(f *audit.PolicyFile) policyFileRecord { return policyFileRecord(*f) }),
		Approvals: records(r.Approvals, func(e *audit.RegisterEntry) registerEntryRecord {
			return registerEntryRecord{positionRecord(e.Position), e.Approves, e.Reason, e.Owner, e.Ticket, e.Expires, e.Listeners, e.Accepts}
		}),
		Exceptions: records(r.Exceptions, func(x *audit.Exception) exceptionRecord {
			return exceptionRecord{positionRecord(x.Position), x.Rule, x.Disabled, x.Severity, x.Reason, x.Owner, x.Ticket, x.Expires}
		}),
	}
}

// register returns the register of rec; nil for the zero record.
func (rec *policyRecord) register() *audit.Register {
	if rec.Files == nil && rec.Approvals == nil && rec.Exceptions == nil {
		return nil
	}
	return &audit.Register{
		Files: records(rec.Files, func(f *policyFileRecord) audit.PolicyFile { return audit.PolicyFile(*f) }),
		Approvals: records(rec.Approvals, func(e *registerEntryRecord) audit.RegisterEntry {
			return audit.RegisterEntry{
				Position: audit.Position(e.Position), Approves: e.Approves,
				Reason: e.Reason, Owner: e.Owner, Ticket: e.Ticket, Expires: e.Expires, Listeners: e.Listeners, Accepts: e.Accepts,
			}
		}),
		Exceptions: records(rec.Exceptions, func(x *exceptionRecord) audit.Exception {
			return audit.Exception{
				Position: audit.Position(x.Position), Rule: x.Rule, Disabled: x.Disabled, Severity: x.Severity,
				Reason: x.Reason, Owner: x.Owner, Ticket: x.Ticket, Expires: x.Expires,
			}
		}),
	}
}
