package text

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// Text from a file reaches a terminal as one line without control characters, those of one byte (U+009B) included.
func TestTextFromFiles(t *testing.T) {
	if got := OneLine(errors.New("a\nb\tc\x1b[31m\x7f\u009b31m é")); got != "a b c[31m31m é" {
		t.Errorf("one line %q", got)
	}
	for name, want := range map[string]string{
		"conv1.weight": "conv1.weight", "é层": "é层", "": `""`, "a\nb": `"a\nb"`, "\u009b31m": `"\u009b31m"`, "\u202eabc": `"\u202eabc"`,
	} {
		if got := Printable(name); got != want {
			t.Errorf("Printable(%q) = %s, want %s", name, got, want)
		}
	}
	if got := Plural(int64(1), "element") + Plural(2000, "element"); got != "1 element2,000 elements" {
		t.Errorf("plural: %q", got)
	}
}

// The progress line has no control characters of the name's and stays within a terminal's width.
func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{w: &out} // begun long ago
	long := "\x1b[31m" + strings.Repeat("x", 200)
	for want, show := range map[string]func(){
		"3 of 7  ": func() { p.Step(3, 7, long) },
		"[#########-----------] 4321 of 10000 images, ": func() { p.Rate(4321, 10000, "images", long) },
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
		if got := Wrap(tt.text, 10); got != tt.want {
			t.Errorf("Wrap(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}
