package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/internal/near"
)

// Aliases gives flags of c further names, by which they were called before: old names to the names that they have now. Help
// does not show them.
func Aliases(c *cobra.Command, names map[string]string) {
	c.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if now, ok := names[name]; ok {
			name = now
		}
		return pflag.NormalizedName(name)
	})
}

// valuesKey is the annotation of a flag that holds the values that it takes.
const valuesKey = "linquant.values"

// Values says which values the flag of that name takes, one or several with commas between: shells complete them, and an
// error about another names the one that was meant.
func Values(c *cobra.Command, name string, values ...string) {
	annotate(c.Flags().Lookup(name), valuesKey, values)
	_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// Prefixes says how the values of a flag begin that go on with the name of a file or folder: "cifar10:".
func Prefixes(c *cobra.Command, name string, prefixes ...string) {
	_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(prefixes, cobra.ShellCompDirectiveNoSpace))
}

func annotate(f *pflag.Flag, key string, values []string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[key] = values
}

// CheckValues refuses values of flags that resemble those that there are, and says which. What resembles none is left to
// who reads the flag.
func CheckValues(c *cobra.Command, args []string) error {
	if slices.Contains(args, "") && c.Name() != cobra.ShellCompRequestCmd {
		return Usagef("%s: an argument is empty: is a variable of the shell not set?", c.CommandPath())
	}
	var wrong error
	c.Flags().Visit(func(f *pflag.Flag) {
		values := f.Annotations[valuesKey]
		if len(values) == 0 || wrong != nil {
			return
		}
		for value := range strings.SplitSeq(f.Value.String(), ",") {
			value = strings.TrimSpace(value)
			if meant := near.Meant(value, values); !slices.Contains(values, value) && meant != "" {
				wrong = Usagef("--%s %q: use %s%s", f.Name, value, strings.Join(values, ", "), meant)
			}
		}
	})
	return wrong
}

// ExplainFlag makes an error about the flags of c a UsageError, with the name of the flag that was meant.
func ExplainFlag(c *cobra.Command, err error) error {
	if args := c.Flags().Args(); c.HasAvailableSubCommands() && len(args) > 0 {
		return Usagef("there is no command %q%s", args[0], MeantCommand(c, args[0])) // whose flags these would be
	}
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		return Usagef("--%s %q: use %s", value.GetFlag().Name, value.GetValue(), wanted(value.GetFlag()))
	}
	var none *pflag.ValueRequiredError
	if errors.As(err, &none) {
		word, usage := pflag.UnquoteUsage(none.GetFlag())
		return Usagef("--%s wants a %s behind it: %s", none.GetFlag().Name, word, usage)
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedName() == "" || len(unknown.GetSpecifiedName()) == 1 {
		return UsageError{err}
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	name := unknown.GetSpecifiedName()
	found := near.Names(name, names)
	if other := otherFlags[name]; len(found) == 0 && slices.Contains(names, other) {
		found = []string{other}
	}
	if len(found) == 0 {
		return UsageError{err}
	}
	return Usagef("%w; did you mean --%s?", err, found[0])
}

// wanted says which values a flag takes.
func wanted(f *pflag.Flag) string {
	word, usage := pflag.UnquoteUsage(f)
	kind := "a " + word
	switch kindOf := f.Value.Type(); {
	case strings.HasPrefix(kindOf, "int"):
		kind = "a whole number"
	case strings.HasPrefix(kindOf, "float"):
		kind = "a number without a unit, such as 5 or 0.5"
	case kindOf == "bool":
		kind = "true or false, or the flag alone"
	}
	return kind + " (" + usage + ")"
}

// otherFlags are names by which other programs, or other verbs, call what a verb has a flag for.
var otherFlags = map[string]string{
	"data": "calib", "dataset": "data", "calibration": "calib", "limit": "calib-size", "num-samples": "limit", "bits": "weight-bits",
	"output": "out", "normalize": "preprocess", "scale": "divide", "granularity": "per", "group": "group-size", "nthreads": "threads",
}

// MeantCommand is what an error about a verb that c does not have says at its end: the verb that was meant, or nothing.
func MeantCommand(c *cobra.Command, name string) string {
	var names []string
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			names = append(names, below.Name())
		}
	}
	return near.Meant(name, names)
}
