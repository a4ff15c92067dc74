package report

import (
	"encoding/json"
	"io"
)

// writeJSON writes r as one JSON document.
func writeJSON(w io.Writer, r *Report, _ *Options) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// writeJSONL writes r as JSON, one listener a line.
func writeJSONL(w io.Writer, r *Report, _ *Options) error {
	e := json.NewEncoder(w)
	for i := range r.Listeners {
		if err := e.Encode(&r.Listeners[i]); err != nil {
			return err
		}
	}
	return nil
}
