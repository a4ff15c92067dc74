package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/whatslistening/whatslistening/portdb"
)

// version is the version of the program, set by the linker:
//
//	go build -ldflags "-X main.version=1.2.3"
//
// Empty, the module's version or the commit that Go recorded counts.
var version string

// toolVersion returns the version of the program; "devel" where nobody knows.
func toolVersion() string {
	if version != "" {
		return version
	}
	bi, ok := debug.ReadBuildInfo()
	if !ok || bi.Main.Version == "" || bi.Main.Version == "(devel)" {
		return "devel"
	}
	return bi.Main.Version
}

// A versionInfo is what `version --json` prints.
type versionInfo struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Registry string `json:"registry"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func newVersion(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "the version, and the date of the port registry",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{"whatslistening", toolVersion(), portdb.Default().Date(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			var b bytes.Buffer
			if asJSON {
				enc := json.NewEncoder(&b)
				if err := enc.Encode(v); err != nil {
					return failure("", "%w", err)
				}
			} else {
				fmt.Fprintf(&b, "%s %s\nregistry %s\n%s %s/%s\n", v.Name, v.Version, v.Registry, v.Go, v.OS, v.Arch)
			}
			return a.deliver(b.Bytes())
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	g := groups{}
	g.add("Flags").BoolVar(&asJSON, "json", false, "as JSON")
	g.attach(cmd)
	return cmd
}
