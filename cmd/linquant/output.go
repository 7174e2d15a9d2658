package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"linquant/internal/atomicfile"
)

// standardStream is the file name that stands for standard input or standard output.
const standardStream = "-"

// writeFile writes path whole or not at all, or to stdout if path is "-". It stops at an interrupt.
func writeFile(ctx context.Context, path string, stdout io.Writer, fill func(w io.Writer) error) error {
	if path == standardStream {
		return fill(interruptible{ctx, stdout})
	}
	return atomicfile.Write(path, func(w io.Writer) error { return fill(interruptible{ctx, w}) })
}

// interruptible refuses to write once its context has ended, so that an interrupted command cleans up behind itself.
type interruptible struct {
	ctx context.Context
	w   io.Writer
}

func (i interruptible) Write(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.w.Write(p)
}

// checkEnding refuses a file name that promises another format, before any work is done for it.
func checkEnding(path string, endings ...string) error { return checkEndingOf("-o", path, endings...) }

// checkEndingOf is checkEnding for the file that another flag names.
func checkEndingOf(flag, path string, endings ...string) error {
	if path == standardStream || slices.Contains(endings, strings.ToLower(filepath.Ext(path))) {
		return nil
	}
	return usagef("%s %s: end the name in %s", flag, printable(path), strings.Join(endings, " or "))
}

// checkFolder refuses a file whose folder is missing, or that is one, before any work is done for it.
func checkFolder(path string) error {
	if path == "" || path == standardStream {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s: it is a folder; name a file", printable(path))
	}
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no folder %s; create it first", printable(path), printable(folder))
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s: %s is no folder", printable(path), printable(folder))
	}
	return nil
}

// saved announces a file that has been written.
func saved(w io.Writer, path string) error {
	_, err := fmt.Fprintf(w, "Saved: %s\n", printable(filepath.ToSlash(path)))
	return err
}

// makeDir creates the folder of a file that is about to be written.
func makeDir(path string) error {
	if path == standardStream {
		return nil
	}
	return os.MkdirAll(filepath.Dir(path), 0o777)
}

// jsonFlag adds --json.
func jsonFlag(c *cobra.Command, asJSON *bool) {
	c.Flags().BoolVar(asJSON, "json", false, "print one JSON object instead of a table")
}

// writeJSON prints v as one indented JSON value.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// finite returns v for JSON, which has no infinities and no NaN: they become null.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}

// table prints rows in aligned columns; the first row is the heading. Columns whose heading ends in ">" are aligned
// right.
func table(w io.Writer, rows [][]string) error {
	widths := make([]int, len(rows[0]))
	right := make([]bool, len(rows[0]))
	for i, head := range rows[0] {
		rows[0][i], right[i] = strings.CutSuffix(head, ">")
	}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = cell
			if right[i] {
				cells[i] = strings.Repeat(" ", widths[i]-len([]rune(cell))) + cell
			}
		}
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(cells, "\t"), " \t"))
	}
	return tw.Flush()
}

// thousands formats n with a comma after every three digits.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// megabytes formats a number of bytes for people, in units of 1000.
func megabytes(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// multiplyAccumulates formats how many of them an example takes.
func multiplyAccumulates(n int64) string {
	if n >= 1e6 {
		return fmt.Sprintf("%.1f million multiply-accumulates an example", float64(n)/1e6)
	}
	return thousands(n) + " multiply-accumulates an example"
}

// plural returns "1 tensor", "2 tensors".
func plural[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(int64(n)) + " " + what + "s"
}

// decibels formats a signal-to-noise ratio.
func decibels(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "exact"
	case math.IsNaN(v):
		return "-"
	}
	return fmt.Sprintf("%.1f dB", v)
}
