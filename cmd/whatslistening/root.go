package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/whatslistening/whatslistening/portdb"
)

// newRoot returns the command, which is list on its own, with what of it args
// can ask for: a scan takes so little that the other commands and what completes
// their flags would be seen beside it.
func newRoot(a *app, args []string) *cobra.Command {
	var f listFlags
	var showVersion bool
	root := &cobra.Command{
		Use: "whatslistening [PORT | FIRST-LAST | PROTOCOL/PORT | NAME]... [flags]",
		Long: `Whatslistening lists what listens on this host: the port and the service that
it is registered for, the process that holds it, and who can reach it.`,
		Example: `  whatslistening                 everything that accepts TCP or UDP traffic
  whatslistening 5432            who has port 5432
  whatslistening :443 udp/53     two ports
  whatslistening 8000-9000       a run of ports
  whatslistening nginx           what a program or a service listens on
  whatslistening --exposed       what other machines can reach
  whatslistening --json          for programs; --from reads it back
  whatslistening diff OLD.json   what changed since
  whatslistening explain 5432    what the port registry says`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if showVersion {
				return a.deliver(fmt.Appendf(nil, "whatslistening %s (registry %s)\n", toolVersion(), portdb.Default().Date()))
			}
			return a.list(cmd, args, &f)
		},
		PersistentPreRunE: noneEmpty,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		ValidArgsFunction: a.completeTerms,
	}
	g := f.groups()
	g[len(g)-1].flags.BoolVar(&showVersion, "version", false, "the version, and the date of the registry")
	g.attach(root)
	root.SetFlagErrorFunc(flagError)
	if len(args) == 0 {
		return root
	}
	completes := strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
	if completes {
		f.complete(a, root)
	}
	root.AddCommand(newList(a, completes), newExplain(a, completes), newDoctor(a, completes), newAudit(a, completes), newDiff(a, completes), newReport(a, completes), newCompletion(a), newVersion(a))
	root.SetHelpCommand(newHelp())
	return root
}

// unknownFlag returns the name of the flag that err says does not exist.
func unknownFlag(err error) (name string, ok bool) {
	var e *pflag.NotExistError
	if !errors.As(err, &e) {
		return "", false
	}
	return strings.TrimLeft(e.GetSpecifiedName(), "-"), true
}

func newCompletion(a *app) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "write the completion script of a shell",
		Example: `  source <(whatslistening completion bash)
  whatslistening completion zsh > "${fpath[1]}/_whatslistening"
  whatslistening completion fish | source
  whatslistening completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError("name one of "+strings.Join(shells, ", "), "completion takes the name of one shell")
			}
			var b strings.Builder
			var err error
			switch root := cmd.Root(); args[0] {
			case "bash":
				err = root.GenBashCompletionV2(&b, true)
			case "zsh":
				err = root.GenZshCompletion(&b)
			case "fish":
				err = root.GenFishCompletion(&b, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(&b)
			default:
				hint := "name one of " + strings.Join(shells, ", ")
				if near, ok := nearest(args[0], slices.Values(shells)); ok {
					hint = fmt.Sprintf("did you mean %s?", near)
				}
				return usageError(hint, "no completion for the shell %q", args[0])
			}
			if err != nil {
				return failure("", "completion: %w", err)
			}
			return a.deliver([]byte(b.String()))
		},
	}
	g := groups{}
	g.add("Flags")
	g.attach(cmd)
	return cmd
}
