package annotate

import "github.com/whatslistening/whatslistening/scanner"

// backlogOf returns how an accept queue is doing. overflows is how often one was
// found full in its network namespace.
//
// A listener's own count is of everything that it dropped, what a port scan leaves
// behind too, and the namespace's is of all its listeners, those that are no more
// too. So "was full" is said where both have something, and is a likelihood;
// "full" is a fact.
func backlogOf(q scanner.Queue, overflows uint64) Backlog {
	switch {
	case q.Full():
		return BacklogFull
	case q.Dropped > 0 && overflows > 0:
		return BacklogWasFull
	}
	return BacklogOK
}
