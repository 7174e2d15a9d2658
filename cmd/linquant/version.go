package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	var verbose bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, and with -v what it was built with",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w := c.OutOrStdout()
			_, err := fmt.Fprintln(w, versionLine())
			info, ok := debug.ReadBuildInfo()
			if !verbose || !ok || err != nil {
				return err
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
			return nil
		},
	}
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "also print the build settings and the modules")
	return c
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
