package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whatslistening/whatslistening/annotate"
	"github.com/whatslistening/whatslistening/portdb"
	"github.com/whatslistening/whatslistening/report"
	"github.com/whatslistening/whatslistening/scanner"
)

// maxNames is how many names of the registry a shell is given: more than these
// are no choice, and a longer word has fewer.
const maxNames = 200

// words completes a value with one of list.
func words(list ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// commaWords completes the last item of a list with commas with one of list
// that is not in it yet. Each may have a description after a tab.
func commaWords(list ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		i := strings.LastIndexByte(toComplete, ',') + 1
		head, last := toComplete[:i], toComplete[i:]
		sign := ""
		if last != "" && strings.ContainsRune("+-", rune(last[0])) {
			sign, last = last[:1], last[1:]
		}
		had := strings.Split(strings.NewReplacer("+", "", "-", "").Replace(head), ",")
		var out []string
		for _, w := range list {
			word, _, _ := strings.Cut(w, "\t")
			if strings.HasPrefix(word, last) && !slices.Contains(had, strings.ReplaceAll(word, "-", "")) {
				out = append(out, head+sign+w)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveKeepOrder
	}
}

// completeFlag sets how the value of a flag is completed.
func completeFlag(cmd *cobra.Command, name string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(name, f); err != nil {
		panic(err) // a flag that this command does not have
	}
}

// complete completes the values of the flags.
func (f *listFlags) complete(a *app, cmd *cobra.Command) {
	f.write.complete(cmd, listFormats())
	columns := func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		var list []string
		for _, c := range report.Columns() {
			list = append(list, cobra.CompletionWithDesc(c.Key, c.Help))
		}
		return commaWords(list...)(cmd, args, toComplete)
	}
	completeFlag(cmd, "columns", columns)
	completeFlag(cmd, "sort", columns)
	var protocols []string
	for p := scanner.TCP; p <= scanner.Unix; p++ {
		protocols = append(protocols, p.String())
	}
	completeFlag(cmd, "proto", commaWords(protocols...))
	var ranges []string
	for r := portdb.WellKnown; r <= portdb.Dynamic; r++ {
		first, last := r.Bounds()
		ranges = append(ranges, cobra.CompletionWithDesc(r.String(), fmt.Sprintf("%d-%d", first, last)))
	}
	completeFlag(cmd, "range", commaWords(ranges...))
	f.gatherFlags.complete(cmd)
	completeFlag(cmd, "user", a.completeUsers)
}

// completeNetNS completes the network namespaces that have names.
func completeNetNS(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	o := offers{prefix: toComplete}
	o.add(scanner.NetNSOwn, "that of this process")
	o.add(scanner.NetNSAll, "every one however hard to find")
	for _, name := range scanner.NetNSNames() {
		o.add(name, "")
	}
	return o.list, cobra.ShellCompDirectiveNoFileComp
}

// completeTerms completes what list takes: what listens now, by port, service
// and program, and then the registry's names.
func (a *app) completeTerms(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	o := offers{prefix: toComplete}
	for _, l := range a.listening(cmd) {
		o.add(strconv.Itoa(int(l.Port)), l.Service.Name)
		o.add(":"+strconv.Itoa(int(l.Port)), l.Service.Name)
		o.add(fmt.Sprintf("%v/%d", l.Protocol, l.Port), l.Service.Name)
		o.add(l.Service.Name, "port "+strconv.Itoa(int(l.Port)))
		for _, p := range l.Holders {
			o.add(p.Name, "program")
		}
	}
	o.services()
	return o.list, cobra.ShellCompDirectiveNoFileComp
}

// completeServices completes what explain takes.
func (a *app) completeServices(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	o := offers{prefix: toComplete}
	o.services()
	return o.list, cobra.ShellCompDirectiveNoFileComp
}

// services adds names of services, the first of them. An empty prefix asks for no
// name in particular.
func (o *offers) services() {
	if o.prefix == "" {
		return
	}
	db, most := portdb.Default(), len(o.list)+maxNames
	for name := range db.Names(o.prefix) {
		// The shells tell upper from lower case where the registry does not.
		if strings.HasPrefix(name, o.prefix) && !o.had[name] {
			o.add(name, describe(db, name))
		}
		if len(o.list) == most {
			return
		}
	}
}

// describe returns the ports of a service, or nothing.
func describe(db *portdb.DB, name string) string {
	for _, e := range db.Search(name) {
		if e.HasPort {
			return fmt.Sprintf("port %d", e.First)
		}
	}
	return ""
}

// completeUsers completes the names of those who own a listener now.
func (a *app) completeUsers(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	o := offers{prefix: toComplete}
	for _, l := range a.listening(cmd) {
		o.add(l.User, "")
		for _, p := range l.Holders {
			o.add(p.User, "")
		}
	}
	return o.list, cobra.ShellCompDirectiveNoFileComp
}

// listening is what listens now; nothing where that cannot be told.
func (a *app) listening(cmd *cobra.Command) []annotate.Listener {
	snap, err := scanner.Scan(cmd.Context(), nil)
	if err != nil {
		return nil
	}
	return annotate.Snapshot(snap, portdb.Default(), nil)
}

// offers are completions of a prefix, each word once.
type offers struct {
	prefix string
	list   []string
	had    map[string]bool
}

// add adds a word that begins with the prefix. A name that a shell could take for
// more than a name is not offered at all: whoever runs a process chooses its name,
// and here it would land on the command line of another.
func (o *offers) add(word, description string) {
	if word == "" || !strings.HasPrefix(word, o.prefix) || o.had[word] || !plain(word) {
		return
	}
	if o.had == nil {
		o.had = map[string]bool{}
	}
	o.had[word] = true
	if description != "" && plain(strings.ReplaceAll(description, " ", "")) {
		word = cobra.CompletionWithDesc(word, description)
	}
	o.list = append(o.list, word)
}

// plain reports whether a word is of letters, digits and a few signs that mean
// nothing to a shell, and no flag.
func plain(word string) bool {
	if word == "" || word[0] == '-' {
		return false
	}
	for _, c := range []byte(word) {
		if c < '0' && !strings.ContainsRune("+-./", rune(c)) || c > 'z' ||
			c > '9' && c < 'A' && c != ':' && c != '@' || c > 'Z' && c < 'a' && c != '_' {
			return false
		}
	}
	return true
}
