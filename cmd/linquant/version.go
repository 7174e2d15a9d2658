package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/internal/cpu"
)

func versionCommand() *cobra.Command {
	var verbose bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version; with -v also the build and the processor",
		Args:  cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w := c.OutOrStdout()
			if _, err := fmt.Fprintln(w, versionLine()); !verbose || err != nil {
				return err
			}
			printBuild(w)
			return printInstructions(w)
		},
	}
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "also print the build settings, the modules and the processor's instructions")
	return c
}

// printBuild prints what the Go command recorded about the build.
func printBuild(w io.Writer) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	fmt.Fprintf(w, "built with %s\n", info.GoVersion)
	for _, s := range info.Settings {
		if s.Value != "" {
			fmt.Fprintf(w, "  %s=%s\n", s.Key, s.Value)
		}
	}
	for _, m := range info.Deps {
		fmt.Fprintf(w, "  %s %s\n", m.Path, m.Version)
	}
}

// printInstructions prints the tiers of instructions that this processor has kernels for, and the one that is used.
func printInstructions(w io.Writer) error {
	var names []string
	for _, t := range cpu.Available() {
		names = append(names, t.String())
	}
	fmt.Fprintf(w, "instructions found: %s\n", strings.Join(names, ", "))
	chosen, err := cpu.FromEnv()
	if err != nil {
		return err
	}
	why := "the most capable; " + cpu.Variable + " chooses another"
	if os.Getenv(cpu.Variable) != "" {
		why = "as " + cpu.Variable + " says"
	}
	_, err = fmt.Fprintf(w, "instructions used: %v (%s)\n", chosen, why)
	return err
}

func versionLine() string {
	return fmt.Sprintf("linquant %s %s/%s", version(), runtime.GOOS, runtime.GOARCH)
}

// version returns the module's version as the Go command recorded it, "devel" for a build from a checkout.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
