package audit

// The rules of the drift from a baseline.
const (
	ruleAppeared  = "WL201"
	ruleGone      = "WL202"
	ruleMoved     = "WL203"
	ruleReplaced  = "WL204"
	ruleRestarted = "WL205"
	ruleOwner     = "WL206"
)

// changeControl are the controls that ask for a baseline, and for every change
// of it to be known.
var changeControl = []Control{
	{nist, "", "CM-2"},
	{nist, "", "CM-3"},
}

// driftRules are the rules of the drift from a baseline. Their severity is the
// worst that a finding of theirs has.
var driftRules = [...]Rule{
	{
		ID: ruleAppeared, Title: "Listener that was not there", Severity: Error,
		Help: "Something listens that did not at the time of the baseline. It is an error where other machines " +
			"can reach it, and a warning where this host alone can.",
		Next:     "find out who started it; then stop it, or make a new baseline",
		Controls: changeControl,
	},
	{
		ID: ruleGone, Title: "Listener that is there no more", Severity: Warning,
		Help: "Something listened at the time of the baseline and does no more. The service was removed, is " +
			"stopped, or could not start.",
		Next:     "start it, or make a new baseline",
		Controls: changeControl,
	},
	{
		ID: ruleMoved, Title: "Listener that moved", Severity: Error,
		Help: "The same program listens at another address or port. It is an error where more peers can reach it " +
			"now, a note where fewer can, or where it took another of the ports that the kernel picks, as it does " +
			"at every start; and a warning otherwise.",
		Next:     "bind the service to where it was, or make a new baseline",
		Controls: changeControl,
	},
	{
		ID: ruleReplaced, Title: "Listener of another program than before", Severity: Error,
		Help: "Another program listens where one listened at the time of the baseline. An update can change the " +
			"path of a program; so can something that took its place. It is an error where other machines can " +
			"reach it, and a warning where this host alone can.",
		Next:     "find out who changed it; then put it back, or make a new baseline",
		Controls: changeControl,
	},
	{
		ID: ruleRestarted, Title: "Listener that was started again", Severity: Note,
		Help: "The same program listens at the same place, and none of its processes is one of those before: it " +
			"was started again, or its container was made anew.",
		Next:     "nothing, where the restart was wanted",
		Controls: changeControl,
	},
	{
		ID: ruleOwner, Title: "Listener of another owner than before", Severity: Error,
		Help: "The same program listens at the same place for another user, or is of another systemd unit. It is " +
			"an error where it runs as root now and did not, and a warning otherwise.",
		Next:     "find out who changed it; then put it back, or make a new baseline",
		Controls: changeControl,
	},
}
