package cli

import (
	"bytes"
	"testing"

	"github.com/spf13/cobra"
)

// The name of a file has no control characters.
func TestSaved(t *testing.T) {
	var out bytes.Buffer
	if err := Saved(&cobra.Command{}, &out, "\x1b[31m.png"); err != nil || out.String() != "Saved: \"\\x1b[31m.png\"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
