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
