package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// Fingerprint returns the fingerprint of a rule's finding on a subject: the
// first 32 hexadecimal digits of a SHA-256. more is what else tells the finding
// from others on the same subject.
//
// It is made of what stays the same from one scan to the next: the namespace,
// protocol, family, address, device, port, path, programs and user. The pid or
// inode in the name of a namespace that has no other is left out.
func Fingerprint(rule string, s *Subject, more ...string) string {
	parts := append([]string{
		rule, LastingNamespace(s.Namespace), s.Protocol.String(), strconv.Itoa(int(s.Family)), s.Addr.String(), s.Device,
		strconv.FormatUint(uint64(s.Port), 10), s.Path, s.User, strconv.Itoa(len(s.Programs)),
	}, slices.Sorted(slices.Values(s.Programs))...)
	h := sha256.New()
	for _, part := range append(parts, more...) {
		// The length in front, so that no two lists of parts are the same bytes.
		h.Write([]byte(strconv.Itoa(len(part))))
		h.Write([]byte{':'})
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// Sort puts findings in the order in which they are read: the worst first, then
// by rule and by what they are about.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		s, t := &a.Subject, &b.Subject
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(s.Namespace, t.Namespace),
			cmp.Compare(s.Port, t.Port),
			cmp.Compare(s.Protocol, t.Protocol),
			cmp.Compare(s.Family, t.Family),
			s.Addr.Compare(t.Addr),
			cmp.Compare(s.Path, t.Path),
			cmp.Compare(a.Decided.File, b.Decided.File),
			cmp.Compare(a.Decided.Line, b.Decided.Line),
			cmp.Compare(a.Fingerprint, b.Fingerprint),
		)
	})
}
