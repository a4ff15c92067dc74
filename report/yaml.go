package report

import (
	"io"

	"go.yaml.in/yaml/v3"
)

// writeYAML writes r as one YAML document.
func writeYAML(w io.Writer, r *Report, _ *Options) error {
	e := yaml.NewEncoder(w)
	if err := e.Encode(r); err != nil {
		return err
	}
	return e.Close()
}
