package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/whatslistening/whatslistening/scanner"
)

// gatherFlags say where listeners come from. Their defaults are those of add
// alone: every command that gathers declares them there.
type gatherFlags struct {
	source  string
	netns   string
	holders string
	from    string
	procfs  string
	ports   string
	args    bool
	names   bool
	unix    bool // declared by list
	verify  bool
	probe   bool
}

// scanFlags are the names of the flags that ask something of a scan: they have
// no use with a saved report.
var scanFlags = [...]string{"source", "holders", "netns", "procfs", "ports", "args", "unix", "container-names", "verify", "probe"}

// add gives the flags to a command.
func (f *gatherFlags) add(g *groups) {
	fs := g.add("Where from")
	fs.StringVar(&f.from, "from", "", "`FILE`: a saved JSON report, - for standard input; no scan")
	fs.StringVar(&f.source, "source", scanner.Auto.String(), "`SOURCE`: auto, netlink, gopsutil")
	fs.StringVar(&f.netns, "netns", "", "`NETNS`: own, all, or the name or a pid of a network namespace")
	fs.StringVar(&f.holders, "holders", scanner.HoldersAuto.String(), "`WAY`: how holders are found: auto, proc, bpf")
	fs.StringVar(&f.ports, "ports", "", "`FILE`: your own services(5) names, first of all")
	fs.StringVar(&f.procfs, "procfs", "", "`DIR`: read processes there, not in /proc; the report says so")
	fs.BoolVar(&f.args, "args", false, "arguments of the processes too, secrets taken out")
	fs.BoolVar(&f.names, "container-names", false, "ask the container engines for names and images")
}

// complete completes the flags' values.
func (f *gatherFlags) complete(cmd *cobra.Command) {
	completeFlag(cmd, "source", words(scanner.Auto.String(), scanner.Netlink.String(), scanner.Gopsutil.String()))
	completeFlag(cmd, "netns", completeNetNS)
	completeFlag(cmd, "holders", words(scanner.HoldersAuto.String(), scanner.HoldersProc.String(), scanner.HoldersBPF.String()))
	completeFlag(cmd, "procfs", completeFolder)
	completeFlag(cmd, "from", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"json"}, cobra.ShellCompDirectiveFilterFileExt
	})
}

// completeFolder completes a value that is a folder.
func completeFolder(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// alone refuses what asks something of a scan where there is none, and a probe
// without the verification that it is a part of.
func (f *gatherFlags) alone(cmd *cobra.Command) error {
	if f.from != "" {
		for _, name := range scanFlags {
			if cmd.Flags().Changed(name) {
				return usageError("leave out one of the two", "--%s has no use with --from: a saved report is shown as it is", name)
			}
		}
	}
	if f.probe && !f.verify && cmd.Flags().Changed("verify") {
		return usageError("leave out one of the two", "--probe is a part of --verify, which is off")
	}
	return nil
}

// noUse refuses the flags that a command was given beside mode, but for those
// that are named: what asks for nothing there would seem to have been done.
func noUse(cmd *cobra.Command, mode string, but ...string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Name != mode && !slices.Contains(but, f.Name) {
			err = usageError("leave out one of the two", "--%s has no use with --%s", f.Name, mode)
		}
	})
	return err
}
