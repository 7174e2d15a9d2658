package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// Text from a file reaches a terminal as one line without control characters, those of one byte (U+009B) included.
func TestTextFromFiles(t *testing.T) {
	if got := oneLine(errors.New("a\nb\tc\x1b[31m\x7f\u009b31m é")); got != "a b c[31m31m é" {
		t.Errorf("one line %q", got)
	}
	for name, want := range map[string]string{
		"conv1.weight": "conv1.weight", "é层": "é层", "": `""`, "a\nb": `"a\nb"`, "\u009b31m": `"\u009b31m"`, "\u202eabc": `"\u202eabc"`,
	} {
		if got := printable(name); got != want {
			t.Errorf("printable(%q) = %s, want %s", name, got, want)
		}
	}
	var out bytes.Buffer
	if err := saved(&out, "\x1b[31m.png"); err != nil || out.String() != "Saved: \"\\x1b[31m.png\"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if got := plural(int64(1), "element") + plural(2000, "element"); got != "1 element2,000 elements" {
		t.Errorf("plural: %q", got)
	}
}

// The progress line has no control characters of the name's and stays within a terminal's width.
func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out} // begun long ago
	long := "\x1b[31m" + strings.Repeat("x", 200)
	for want, show := range map[string]func(){
		"3 of 7  ": func() { p.step(3, 7, long) },
		"[#########-----------] 4321 of 10000 images, ": func() { p.rate(4321, 10000, "images", long) },
	} {
		out.Reset()
		p.last = time.Time{}
		show()
		line, ok := strings.CutPrefix(out.String(), "\r\x1b[K")
		if !ok || !strings.HasPrefix(line, want) || strings.Contains(line, "\x1b") || len(line) > 79 {
			t.Errorf("progress %q, want it to begin with %q", out.String(), want)
		}
	}
}
