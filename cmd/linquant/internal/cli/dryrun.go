package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/text"
)

const dryRunFlag = "dry-run"

// dryRun is the value of --dry-run, and knows how large the files are that the command wrote, or would have written.
type dryRun struct {
	on    bool
	makes bool             // folders that are missing would be made
	bytes map[string]int64 // by path
}

func (d *dryRun) String() string   { return strconv.FormatBool(d.on) }
func (d *dryRun) Type() string     { return "bool" }
func (d *dryRun) IsBoolFlag() bool { return true }

func (d *dryRun) Set(s string) (err error) {
	d.on, err = strconv.ParseBool(s)
	return err
}

func addDryRun(c *cobra.Command) {
	f := c.Flags().VarPF(&dryRun{bytes: map[string]int64{}}, dryRunFlag, "", "do everything but write, and say what would be written")
	f.NoOptDefVal = "true"
}

// dryRunOf returns the --dry-run of c, or one that is off where c has none.
func dryRunOf(c *cobra.Command) *dryRun {
	if f := c.Flags().Lookup(dryRunFlag); f != nil {
		if d, ok := f.Value.(*dryRun); ok {
			return d
		}
	}
	return &dryRun{bytes: map[string]int64{}}
}

// DryRun reports whether c writes nothing.
func DryRun(c *cobra.Command) bool { return dryRunOf(c).on }

// FileBytes returns how large the file is that c wrote to path with WriteFile, or would have written.
func FileBytes(c *cobra.Command, path string) int64 { return dryRunOf(c).bytes[path] }

// Saved announces on w a file that WriteFile has written, or would have.
func Saved(c *cobra.Command, w io.Writer, path string) error {
	d, name := dryRunOf(c), text.Printable(filepath.ToSlash(path))
	if d.on {
		_, err := fmt.Fprintf(w, "Would save: %s (%s bytes)\n", name, text.Thousands(d.bytes[path]))
		return err
	}
	_, err := fmt.Fprintf(w, "Saved: %s\n", name)
	return err
}

// counter counts the bytes that are written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
