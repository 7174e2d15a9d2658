package pattern

import (
	"path"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"conv1", "conv1", true},
		{"conv1", "conv10", false},
		{"*", "", true},
		{"*", "/layer1/layer1.0/conv1/Conv", true},
		{"*conv1*", "/layer1/layer1.0/conv1/Conv", true},
		{"/layer1/*/Conv", "/layer1/layer1.0/conv1/Conv", true},
		{"layer?.0", "layer1.0", true},
		{"layer?.0", "layer/.0", true},
		{"conv[1-3]", "conv2", true},
		{"conv[^1-3]", "conv2", false},
		{"conv[^1-3]", "conv4", true},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{`a\,b`, "a,b", true},
		{"[,]", ",", true},
		{"Käf?r", "Käfer", true},
		{"a[0],b", "a[0],b", true},
		{"!conv1", "conv1", false},
		{"!conv1", "fc", true},
		{"conv*,!conv1", "conv1", false},
		{"conv*,!conv1", "conv2", true},
		{"conv*,!conv1", "fc", false},
		{"!*,fc", "fc", true},
		{"!*,fc", "conv", false},
		{"!conv*,conv1", "conv1", true}, // the last decides
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZd", false},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
		} else if got := p.Match(c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
	p, err := Parse("*,!value")
	if err != nil || p.Match("node", "value") || !p.Match("node", "other") {
		t.Errorf("one of several names: %v", err)
	}
	for _, bad := range []string{"", ",", "a,", "!", "[a", "[]", "[b-a]", `a\`, "a,[", "[-]"} {
		if p, err := Parse(bad); err == nil {
			t.Errorf("%q is a pattern: %+v", bad, p)
		}
	}
}

// A pattern of many stars takes no more than the product of the lengths.
func TestMatchTakesLittleTime(t *testing.T) {
	p, err := Parse(strings.Repeat("a*", 1000) + "b")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if p.Match(strings.Repeat("a", 20000)) {
		t.Error("matches")
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
}

// Of one glob and a name without slashes the standard library says the same.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{"a*b?[c-e]", "axbyd"}, {`\*[^\]]`, "*x"}, {"**", ""}, {"[ä-ö]", "ö"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, glob, name string) {
		p, err := Parse(glob)
		if err != nil || len(p.globs) != 1 || p.globs[0].exclude || strings.ContainsAny(glob+name, "/") ||
			!utf8.ValidString(glob) || !utf8.ValidString(name) {
			return
		}
		want, err := path.Match(glob, name)
		if err != nil || glob == name {
			return
		}
		if got := p.Match(name); got != want {
			t.Errorf("%q matches %q: %v, path.Match says %v", glob, name, got, want)
		}
	})
}
