package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// groups are the flags of a command, as its help shows them.
type groups []struct {
	title string
	flags *pflag.FlagSet
}

// add begins a group.
func (g *groups) add(title string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(title, pflag.ContinueOnError)
	fs.SortFlags = false
	*g = append(*g, struct {
		title string
		flags *pflag.FlagSet
	}{title, fs})
	return fs
}

// attach gives the flags to cmd, and -h, and writes its help.
func (g groups) attach(cmd *cobra.Command) {
	last := g[len(g)-1].flags
	last.BoolP("help", "h", false, "this text")
	for _, group := range g {
		cmd.Flags().AddFlagSet(group.flags)
	}
	cmd.Flags().SortFlags = false
	// Cobra's own templates would bring text/template in, and with it all of
	// what the linker otherwise leaves out.
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { g.help(cmd) })
	cmd.SetUsageFunc(func(cmd *cobra.Command) error { g.help(cmd); return nil })
}

// help writes the help of cmd: what it does, examples, usage, commands, flags.
func (g groups) help(cmd *cobra.Command) {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = strings.ToUpper(cmd.Short[:1]) + cmd.Short[1:] + "."
	}
	fmt.Fprintf(&b, "%s\n", about)
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	fmt.Fprintf(&b, "\nUsage:\n  %s\n", cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND [flags]\n\nCommands:\n", cmd.CommandPath())
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-12s %s\n", c.Name(), c.Short)
			}
		}
	}
	g.flags(&b)
	if !cmd.HasParent() {
		b.WriteString(exitCodesHelp)
	}
	_, _ = io.WriteString(cmd.OutOrStdout(), b.String())
}

// flags writes a line for each flag: what it is called, what it takes, and what
// it does. The usage of a flag begins with what it takes, in backquotes.
func (g groups) flags(b *strings.Builder) {
	left := func(f *pflag.Flag) (name, usage string) {
		what, usage := pflag.UnquoteUsage(f)
		usage = strings.TrimPrefix(usage, what+": ")
		name = "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		if f.Value.Type() != "bool" {
			name += " " + what
		}
		return name, usage
	}
	wide := 0
	for _, group := range g {
		group.flags.VisitAll(func(f *pflag.Flag) {
			name, _ := left(f)
			wide = max(wide, len(name))
		})
	}
	for _, group := range g {
		fmt.Fprintf(b, "\n%s:\n", group.title)
		group.flags.VisitAll(func(f *pflag.Flag) {
			name, usage := left(f)
			usage = strings.ReplaceAll(usage, "\n", "\n"+strings.Repeat(" ", 2+wide+2))
			fmt.Fprintf(b, "  %-*s  %s\n", wide, name, usage)
		})
	}
}

const exitCodesHelp = `
Exit codes:
  0  done
  1  an audit's findings; no match (--exit-code); a hidden socket (--verify)
  2  wrong usage, or a file that cannot be used
  3  the scan or the output failed
  4  not everything could be seen, with --strict; a report of a fleet left out
`

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError("", "%s takes no argument, but there is %q", cmd.Name(), args[0])
	}
	return nil
}

// flagError words a mistake in a flag: the parser's own message, and the flag
// that may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("%s --help shows every flag", cmd.CommandPath())
	name, unknown := unknownFlag(err)
	if unknown {
		near, ok := nearest(name, func(yield func(string) bool) {
			done := false
			cmd.Flags().VisitAll(func(f *pflag.Flag) { done = done || !f.Hidden && !yield(f.Name) })
		})
		if ok {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
	}
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &invalid):
		f, value := invalid.GetFlag(), invalid.GetValue()
		switch f.Value.Type() {
		case "bool":
			return usageError(fmt.Sprintf("--%s needs no value: it is on, or left out", f.Name), "--%s: %q is neither true nor false", f.Name, value)
		case "int":
			return usageError(hint, "--%s: %q is no whole number", f.Name, value)
		}
	case errors.As(err, &missing):
		return usageError(takes(missing.GetFlag()), "--%s: a value is missing", missing.GetFlag().Name)
	}
	return usageError(hint, "%w", err)
}

// takes says what a flag takes, as the help does: "--sort a,-b: sort by …".
func takes(f *pflag.Flag) string {
	what, usage := pflag.UnquoteUsage(f)
	usage, _, _ = strings.Cut(strings.TrimPrefix(usage, what+": "), "\n")
	return fmt.Sprintf("--%s %s: %s", f.Name, what, usage)
}

// noneEmpty refuses flags that were given an empty value. It is a variable of a
// script that was not set, and to go on as if the flag had not been given would look
// elsewhere than asked: --from "" at this host, --netns "" everywhere.
func noneEmpty(cmd *cobra.Command, _ []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		list, ok := f.Value.(pflag.SliceValue)
		if err == nil && (f.Value.String() == "" || ok && len(list.GetSlice()) == 0) {
			err = usageError(takes(f), "--%s: the value is empty", f.Name)
		}
	})
	return err
}

func newHelp() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "help on a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if len(args) == 0 {
				for _, c := range cmd.Root().Commands() {
					if c.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if len(args) == 0 {
				return root.Help()
			}
			for _, c := range root.Commands() {
				if c.Name() == args[0] {
					return c.Help()
				}
			}
			return unknownCommand(root, args[0])
		},
	}
	g := groups{}
	g.add("Flags")
	g.attach(cmd)
	return cmd
}

// unknownCommand is the error for a word that is no command.
func unknownCommand(root *cobra.Command, word string) error {
	hint := ""
	if near, ok := nearCommand(root, word); ok {
		hint = fmt.Sprintf("did you mean %s %s?", root.Name(), near)
	}
	return usageError(hint, "unknown command %q", word)
}

func nearCommand(root *cobra.Command, word string) (string, bool) {
	return nearest(word, func(yield func(string) bool) {
		for _, c := range root.Commands() {
			if c.IsAvailableCommand() && !yield(c.Name()) {
				return
			}
		}
	})
}
