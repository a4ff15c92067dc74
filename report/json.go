package report

import (
	"cmp"
	"io"
	"strings"

	"github.com/whatslistening/whatslistening/annotate"
)

// writeJSON writes r as one JSON document. [Read] takes it back.
func writeJSON(w io.Writer, r *Report, _ *Options) error {
	return writeDocument(w, r, pretty)
}

// writeYAML writes r as one YAML document, with the keys and values of JSON.
func writeYAML(w io.Writer, r *Report, _ *Options) error {
	return writeDocument(w, r, yaml)
}

func writeDocument(w io.Writer, r *Report, s style) error {
	e := newEncoder(w, s)
	e.document(newReportRecord(r, inOrder(r.Listeners)))
	return e.close()
}

// writeJSONL writes a line of JSON for each listener. Every line stands alone:
// it has the keys that a listener has in JSON, behind the schema, the host's
// name, the time of the scan and whether that was complete.
func writeJSONL(w io.Writer, r *Report, _ *Options) error {
	e := newEncoder(w, compact)
	line := lineOf(r)
	for _, l := range inOrder(r.Listeners) {
		line.fill(l)
		e.document(line)
	}
	return e.close()
}

// compareListeners orders listeners by what identifies them.
func compareListeners(a, b *annotate.Listener) int {
	return cmp.Or(
		cmp.Compare(a.Port, b.Port),
		cmp.Compare(a.Protocol, b.Protocol),
		a.Addr.Compare(b.Addr),
		cmp.Compare(a.Family, b.Family),
		strings.Compare(a.Device, b.Device),
		strings.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Inode, b.Inode),
		cmp.Compare(a.Cookie, b.Cookie),
	)
}
