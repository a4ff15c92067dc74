package report

import "io"

// writeJSON writes r as one JSON document. [Read] takes it back.
func writeJSON(w io.Writer, r *Report, o *Options) error {
	return writeDocument(w, r, o, pretty)
}

// writeYAML writes r as one YAML document, with the keys and values of JSON.
func writeYAML(w io.Writer, r *Report, o *Options) error {
	return writeDocument(w, r, o, yaml)
}

func writeDocument(w io.Writer, r *Report, o *Options, s style) error {
	list, err := inOrder(r.Listeners, o.Sort)
	if err != nil {
		return err
	}
	e := newEncoder(w, s)
	e.document(newReportRecord(r, list))
	return e.close()
}

// writeJSONL writes a line of JSON for each listener. Every line stands alone:
// it has the keys that a listener has in JSON, behind the schema, the host's
// name, the time of the scan and whether that was complete.
func writeJSONL(w io.Writer, r *Report, o *Options) error {
	list, err := inOrder(r.Listeners, o.Sort)
	if err != nil {
		return err
	}
	e := newEncoder(w, compact)
	line, approvals := lineOf(r), r.approvals()
	for _, l := range list {
		line.fill(l)
		line.Approval = newApprovalRecord(approvals[l])
		e.document(line)
	}
	return e.close()
}
