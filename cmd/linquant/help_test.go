package main

import (
	"bytes"
	"strings"
	"testing"

	"linquant/cmd/linquant/internal/text"

	"github.com/spf13/cobra"
)

// Help fits a terminal, for every command.
func TestHelpFits(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		var out, stderr bytes.Buffer
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		if status := run(t.Context(), args, nil, &out, &stderr); status != exitOK || stderr.Len() > 0 {
			t.Errorf("linquant %v: exit status %d, %q", args, status, stderr.String())
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > text.Width {
				t.Errorf("linquant %v: a line of %d characters: %q", args, n, line)
			}
		}
		for _, below := range c.Commands() {
			if below.Name() != "completion" && below.Name() != "help" { // cobra's own texts
				visit(below)
			}
		}
	}
	visit(newRoot())
}
