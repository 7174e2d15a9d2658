package main

import (
	_ "embed"
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

// notices are the licences of what is linked in; tools/notices writes them.
//
//go:embed THIRD_PARTY_NOTICES.txt
var notices string

func versionCommand() *cobra.Command {
	var verbose, licences bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print version and commit; with -v the build and the processor",
		Args:  cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w := c.OutOrStdout()
			if licences {
				_, err := io.WriteString(w, notices)
				return err
			}
			if _, err := fmt.Fprintf(w, "%s\n%s\n", versionLine(), commitLine()); !verbose || err != nil {
				return err
			}
			printBuild(w)
			return printInstructions(w)
		},
	}
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "also print the build settings, the modules and the processor's instructions")
	c.Flags().BoolVar(&licences, "notices", false, "print the licences of the software and the fonts in this binary instead")
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

// commitLine says of which commit the binary is. The Go command records it for a build in a clone, unless it was told not to.
func commitLine() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return describeCommit(nil)
	}
	return describeCommit(info.Settings)
}

func describeCommit(settings []debug.BuildSetting) string {
	recorded := map[string]string{}
	for _, s := range settings {
		recorded[s.Key] = s.Value
	}
	if recorded["vcs.revision"] == "" {
		return "commit unknown: built outside a clone, or with -buildvcs=false"
	}
	line := "commit " + recorded["vcs.revision"]
	if t := recorded["vcs.time"]; t != "" {
		line += " of " + t
	}
	if recorded["vcs.modified"] == "true" {
		line += ", with changes that are not committed"
	}
	return line
}
