package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/cmd/linquant/internal/text"
)

// headingKey is the annotation of a flag that holds the heading under which it is listed.
const headingKey = "linquant.heading"

// Under lists the flags that add adds to c under a heading of their own, after those that have none, and returns them.
func Under(c *cobra.Command, heading string, add func()) *pflag.FlagSet {
	before := map[*pflag.Flag]bool{}
	c.Flags().VisitAll(func(f *pflag.Flag) { before[f] = true })
	add()
	added := unsorted()
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !before[f] {
			annotate(f, headingKey, []string{heading})
			added.AddFlag(f)
		}
	})
	return added
}

// unsorted returns a set that keeps its flags in the order in which they were added.
func unsorted() *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	return set
}

// FormatHelp makes the help of c and of all commands below it come out as usage writes it, with c's own under the headings
// of the groups.
func FormatHelp(c *cobra.Command, groups []cobra.Group) {
	c.Flags().SortFlags = false
	c.SetUsageFunc(func(c *cobra.Command) error { return usage(c, groups) })
	c.Long = text.Wrap(c.Long, text.Width)
	for _, below := range c.Commands() {
		FormatHelp(below, groups)
	}
}

// PlainUsages takes the marks of the words that stand for values out of what flags of c, and of the commands below it, say
// of themselves: shells that complete a flag show it as it is.
func PlainUsages(c *cobra.Command) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") })
	for _, below := range c.Commands() {
		PlainUsages(below)
	}
}

// usage writes how a command is called: what cobra writes, but flags and commands under headings and in lines that fit.
func usage(c *cobra.Command, groups []cobra.Group) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", c.UseLine())
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND --help\n", c.CommandPath())
	}
	if c.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", c.Example)
	}
	listCommands(&b, c, groups)
	listFlags(&b, c.LocalFlags())
	_, err := fmt.Fprint(c.OutOrStderr(), b.String())
	return err
}

// listCommands lists the commands below c.
func listCommands(b *strings.Builder, c *cobra.Command, groups []cobra.Group) {
	if c.HasParent() {
		groups = []cobra.Group{{Title: "Commands:"}}
	}
	for _, group := range groups {
		heading := "\n" + group.Title + "\n"
		for _, below := range c.Commands() {
			if below.GroupID == group.ID && (below.IsAvailableCommand() || below.Name() == "help") {
				fmt.Fprintf(b, "%s  %-*s  %s\n", heading, below.NamePadding(), below.Name(), below.Short)
				heading = ""
			}
		}
	}
}

// listFlags lists flags under their headings.
func listFlags(b *strings.Builder, all *pflag.FlagSet) {
	const first = "Flags"
	headings := []string{first}
	flags := map[string]*pflag.FlagSet{first: unsorted()}
	all.VisitAll(func(f *pflag.Flag) {
		heading := first
		if own := f.Annotations[headingKey]; len(own) > 0 {
			heading = own[0]
		}
		if flags[heading] == nil {
			flags[heading] = unsorted()
			headings = append(headings, heading)
		}
		flags[heading].AddFlag(f)
	})
	for _, heading := range headings {
		if flags[heading].HasFlags() {
			fmt.Fprintf(b, "\n%s:\n%s", heading, flags[heading].FlagUsagesWrapped(text.Width))
		}
	}
}
