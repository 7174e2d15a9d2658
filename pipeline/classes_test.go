package pipeline_test

import (
	"testing"

	"linquant/dataset"
	"linquant/eval"
	"linquant/pipeline"
)

// called is a set whose classes have other names.
type called struct {
	dataset.Set
	names []string
}

func (c called) Classes() []string { return c.names }

// Labels follow the names of the classes: where these are not the network's outputs, it is said.
func TestWarnClasses(t *testing.T) {
	n := silent(t)
	p := n.Preprocess()
	p.Labels = []string{"ant", "bee", "cow"}
	if err := n.SetPreprocess(p); err != nil {
		t.Fatal(err)
	}
	set := images(t, "builtin:test", 1)
	for _, c := range []struct {
		names []string
		want  string // "" for no warning
	}{
		{nil, ""},
		{[]string{"ant", "bee", "cow"}, ""},
		{[]string{"x", "bee", "ant"}, ""},
		{[]string{"ant", "cow"}, "its 2 classes stand for the first of the 3 outputs of silent"},
		{[]string{"ant"}, "its 1 class stand"},
		{[]string{"ant", "bee", "cow", "dog"}, "its 4 classes"},
		{[]string{"ant", "cow", "bee"}, `class "cow" is number 1 of builtin test and output 2 of silent`},
	} {
		warnings := n.WarnClasses(called{set, c.names}, &eval.Accuracy{Classes: 3})
		if c.want == "" && len(warnings) > 0 || c.want != "" && !says(warnings, c.want) {
			t.Errorf("%q: %v, want %q", c.names, warnings, c.want)
		}
	}
	d, err := pipeline.Measure(t.Context(), n, n, called{images(t, "builtin:test", 4), []string{"one"}}, pipeline.MeasureConfig{})
	if err != nil || !says(d.Warnings, "10 outputs") {
		t.Errorf("%v, %v", d, err)
	}
}

// A guess that becomes nodes is told of, once, and stays one.
func TestGuessBecomesNodes(t *testing.T) {
	for name, cfg := range map[string]pipeline.Config{
		"dynamic":    {Dynamic: true},
		"calibrated": {Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: pipeline.Builtin, Limit: 4}}},
	} {
		cfg.Network, cfg.Pixels = silent(t), true
		r := quantized(t, cfg)
		told := 0
		for _, w := range r.Warnings {
			if _, ok := w.(pipeline.AssumedPreprocess); ok {
				told++
			}
		}
		if told != 1 || !r.Network.Preprocess().Assumed || len(r.Network.Preparation(nil).Warnings()) != 1 {
			t.Errorf("%s: told %d times, %+v", name, told, r.Network.Preprocess())
		}
		if r.TakesPixels() && !says(r.Network.Preparation(nil).Warnings(), "which its own nodes compute") {
			t.Errorf("%s: %v", name, r.Network.Preparation(nil).Warnings())
		}
	}
}
