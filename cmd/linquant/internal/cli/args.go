// Package cli is what the verbs of the command have in common: arguments, help, files that appear whole or not at all.
package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// UsageError is a command line that asks for something that does not exist, as opposed to a command that failed.
type UsageError struct{ Err error }

// Error is that of Err.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// NoCommand is for a command that has only verbs: whatever argument is left is none of them.
func NoCommand(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("there is no command %q%s", args[0], MeantCommand(c, args[0]))
	}
	return nil
}

// OneArg wants exactly one argument and says what it is when it is missing.
func OneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return Usagef("%s: %s is missing", c.CommandPath(), what)
		case len(args) > 1:
			return Usagef("%s: one argument is wanted, %s; %q is too many", c.CommandPath(), what, args[1])
		}
		return nil
	}
}

// NoArgs wants no argument.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("%s: %q: no argument is wanted here", c.CommandPath(), args[0])
	}
	return nil
}

// OutFlag adds -o, --out.
func OutFlag(c *cobra.Command, out *string, value, usage string) {
	c.Flags().StringVarP(out, "out", "o", value, usage)
	MarkOutput(c, "out")
}

// RequiredOutFlag adds -o, --out to a command that does not run without it.
func RequiredOutFlag(c *cobra.Command, out *string, usage string) {
	OutFlag(c, out, "", usage)
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if !c.Flags().Changed("out") {
			return Usagef("%s: -o is missing: the FILE to write", c.CommandPath())
		}
		return nil
	}
}

// JSONFlag adds --json.
func JSONFlag(c *cobra.Command, asJSON *bool) {
	c.Flags().BoolVar(asJSON, "json", false, "print one JSON object instead of a table")
}
