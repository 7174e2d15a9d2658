package cli

import (
	"bytes"
	"testing"
)

// The name of a file has no control characters.
func TestSaved(t *testing.T) {
	var out bytes.Buffer
	if err := Saved(&out, "\x1b[31m.png"); err != nil || out.String() != "Saved: \"\\x1b[31m.png\"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
