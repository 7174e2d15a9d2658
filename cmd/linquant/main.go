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
	"sync/atomic"
	"syscall"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"

	"github.com/spf13/cobra"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	notifyMore(signals)
	go func() {
		s := <-signals
		signal.Stop(signals) // A second signal ends the process at once.
		cancel(signalled{s})
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, &broken{Writer: os.Stdout, cancel: cancel}, os.Stderr))
}

// broken ends the command when nobody reads any more what it writes.
type broken struct {
	io.Writer
	cancel context.CancelCauseFunc
	is     atomic.Bool // nobody reads
}

func (b *broken) Write(p []byte) (int, error) {
	n, err := b.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		b.is.Store(true)
		b.cancel(errors.New("nobody reads the output"))
	}
	return n, err
}

// signalled is why a command ended that was sent a signal.
type signalled struct{ os.Signal }

func (s signalled) Error() string { return "interrupted" }

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

	exitUndecided = 3 // of check alone

	exitInterrupted = 128 + int(syscall.SIGINT) // as shells say it; 143 after SIGTERM, 129 after SIGHUP
	exitUnread      = 128 + 13                  // where nobody reads the output: SIGPIPE
)

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		cli.PlainUsages(root)
	}
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if b, ok := stdout.(*broken); ok && b.is.Load() {
		return exitUnread // as SIGPIPE would end it, without a word
	}
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "linquant: interrupted")
		var s signalled
		if errors.As(context.Cause(ctx), &s) {
			if number, ok := s.Signal.(syscall.Signal); ok {
				return 128 + int(number)
			}
		}
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "linquant: %v\n", text.Message(err))
	var usage cli.UsageError
	if errors.As(err, &usage) {
		fmt.Fprintf(stderr, "Run '%s --help' for its usage.\n", command.CommandPath())
		return exitUsage
	}
	if errors.As(err, &undecided{}) {
		return exitUndecided
	}
	return exitFailed
}

// The headings of the commands in the list of all.
var commandGroups = []cobra.Group{
	{ID: "look", Title: "Look at a network:"},
	{ID: "integers", Title: "Turn it into integers:"},
	{ID: "cost", Title: "See what that cost:"},
	{ID: "", Title: "And:"},
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "linquant",
		Short: "Linear quantization for neural networks",
		Long: "linquant opens a float network, turns it into integers and shows what that cost.\n" +
			"Begin with 'linquant demo', which needs no files.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       versionLine(),
		Args:          cli.NoCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(cli.ExplainFlag)
	root.PersistentPreRunE = cli.CheckValues
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
	addGroup("integers", quantizeCommand(), recipeCommand(), sweepCommand(), exportCommand(), extractCommand(), tensorCommand())
	addGroup("cost", evalCommand(), checkCommand(), diagnoseCommand(), compareCommand(), benchCommand(), runCommand())
	addGroup("", demoCommand(), versionCommand())
	refuseUnknownTopics(root)
	cli.FormatHelp(root, commandGroups)
	return root
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
					return cli.NoCommand(root, args)
				}
				return nil
			}
		case "completion":
			c.Args = func(_ *cobra.Command, args []string) error {
				if len(args) > 0 {
					return cli.Usagef("there is no completion for the shell %q: use bash, fish, powershell or zsh", args[0])
				}
				return nil
			}
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}
