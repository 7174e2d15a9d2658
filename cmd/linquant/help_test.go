package main

import (
	"bytes"
	"strings"
	"testing"

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
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > helpWidth {
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

func TestWrap(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"one two three", "one two\nthree"},
		{"one\n\ntwo three four", "one\n\ntwo three\nfour"},
		{"  a  one two three", "  a  one\n     two\n     three"},
		{"incomprehensibilities one", "incomprehensibilities one"},
		{"0123456789", "0123456789"},
		{"012345678 0", "012345678\n0"},
	} {
		if got := wrap(tt.text, 10); got != tt.want {
			t.Errorf("wrap(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}
