package vision

import (
	"strings"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// A list of labels has at most a million lines.
func TestReadLabelsLimits(t *testing.T) {
	const most = 1_000_000
	labels, err := ReadLabels(strings.NewReader(strings.Repeat("a\n", most)))
	if len(labels) != most || err != nil {
		t.Errorf("%d labels: %v", len(labels), err)
	}
	for what, text := range map[string]string{
		"more than a million lines": strings.Repeat("a\n", most+1), "more than 16.8 MB": strings.Repeat("a", 16<<20+1),
	} {
		if _, err := ReadLabels(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), what) ||
			!strings.Contains(err.Error(), "give a text file") {
			t.Errorf("error %v, want %q", err, what)
		}
	}
}

// What does not read is said without names of Go's.
func TestOfErrorsArePlain(t *testing.T) {
	for text, want := range map[string]string{
		`{"divisor":"x"}`:       "divisor is given as string",
		`{"mean":{}}`:           "mean is given as object",
		`7`:                     "it is given as number and no object",
		`{"divisor":1,"odd":1}`: "odd",
		`{"divisor":`:           "unexpected EOF",
		`{"mean":["a"]}`:        "mean is given as string",
	} {
		_, err := Of(&graph.Graph{Metadata: map[string]string{Key: text}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "correct or remove it") {
			t.Errorf("%s: error %v, want %q", text, err, want)
			continue
		}
		for _, name := range []string{"Go ", "Preprocess", "float32", "json:", "struct"} {
			if strings.Contains(err.Error(), name) {
				t.Errorf("%s: error %v", text, err)
			}
		}
	}
}

// Images, and vectors that are square ones.
func TestImageShape(t *testing.T) {
	for _, c := range []struct {
		in      tensor.Shape
		last    bool
		c, h, w int
	}{
		{tensor.Shape{784}, false, 1, 28, 28},
		{tensor.Shape{3072}, false, 3, 32, 32},
		{tensor.Shape{3, 5, 7}, false, 3, 5, 7},
		{tensor.Shape{5, 7, 3}, true, 3, 5, 7},
		{tensor.Shape{1, 5, 1}, true, 1, 1, 5},
	} {
		if ch, h, w, ok := ImageShape(c.in, c.last); !ok || ch != c.c || h != c.h || w != c.w {
			t.Errorf("%v, channels last %v: %d×%d×%d, %v; want %d×%d×%d", c.in, c.last, ch, h, w, ok, c.c, c.h, c.w)
		}
	}
}

// What is no image is none.
func TestShapesOfNoImage(t *testing.T) {
	for _, in := range []tensor.Shape{{10}, {2, 3, 4}, {3, 4}, {}} {
		if c, h, w, ok := ImageShape(in, false); ok {
			t.Errorf("%v is %d×%d×%d", in, c, h, w)
		}
	}
	for _, in := range []tensor.Shape{{3, 5, 3}, {1, 5, 1}, {3, 5, 1}, {2, 5, 2}, {5, 3}} {
		if ChannelsLast(in) {
			t.Errorf("%v has its channels last", in)
		}
	}
}
