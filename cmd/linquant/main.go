// Command linquant quantizes neural networks: it opens a checkpoint, measures it, turns it into integers and shows what
// that cost. Run it without arguments for its verbs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second signal ends the process at once.
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if strings.HasPrefix(err.Error(), "required flag") { // there is no other
		err = usagef("%s: -o is missing: the FILE to write", command.CommandPath())
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(stderr, "linquant: %v\n", oneLine(err))
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(stderr, "Run '%s --help' for its usage.\n", command.CommandPath())
		return exitUsage
	}
	return exitFailed
}

// oneLine keeps an error that carries text from a file from breaking the terminal's lines.
func oneLine(err error) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, err.Error())
}

// usageError is a command line that asks for something that does not exist, as opposed to a command that failed.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "linquant",
		Short: "Linear quantization for neural networks",
		Long: "linquant opens a float network, turns it into integers and shows what that cost.\n" +
			"Begin with 'linquant demo', which needs no files.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       versionLine(),
		Args:          noCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	for i := range commandGroups {
		if commandGroups[i].ID != "" {
			root.AddGroup(&commandGroups[i])
		}
	}
	addGroup := func(id string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = id
		}
		root.AddCommand(commands...)
	}
	addGroup("look", inspectCommand(), histCommand())
	addGroup("integers", quantizeCommand(), sweepCommand(), exportCommand(), tensorCommand())
	addGroup("cost", evalCommand(), compareCommand(), benchCommand(), runCommand())
	addGroup("", demoCommand(), versionCommand())
	refuseUnknownTopics(root)
	formatHelp(root)
	return root
}

// noCommand is for a command that has only verbs: whatever argument is left is none of them.
func noCommand(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("there is no command %q", args[0])
	}
	return nil
}

// refuseUnknownTopics makes the commands that cobra adds refuse what they do not know; they would print help and
// succeed.
func refuseUnknownTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Args = func(c *cobra.Command, args []string) error {
				if topic, _, err := root.Find(args); err != nil || topic == root {
					return noCommand(c, args)
				}
				return nil
			}
		case "completion":
			c.Args = func(_ *cobra.Command, args []string) error {
				if len(args) > 0 {
					return usagef("there is no completion for the shell %q: use bash, fish, powershell or zsh", args[0])
				}
				return nil
			}
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// oneArg wants exactly one argument and says what it is when it is missing.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usagef("%s: %s is missing", c.CommandPath(), what)
		case len(args) > 1:
			return usagef("%s: one argument is wanted, %s; %q is too many", c.CommandPath(), what, args[1])
		}
		return nil
	}
}

// noArgs wants no argument.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s: %q: no argument is wanted here", c.CommandPath(), args[0])
	}
	return nil
}

// outFlag adds -o, --out.
func outFlag(c *cobra.Command, out *string, value, usage string) {
	c.Flags().StringVarP(out, "out", "o", value, usage)
}
