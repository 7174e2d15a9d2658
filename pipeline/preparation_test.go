package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"linquant/pipeline"
	"linquant/vision"
)

// silent returns the built-in network as one whose file says nothing of pixels.
func silent(t *testing.T) *pipeline.Network {
	t.Helper()
	b, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	g := b.Graph().Clone()
	delete(g.Metadata, vision.Key)
	g.Name = "silent"
	n, err := pipeline.NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// says reports whether a warning begins so.
func says(warnings []pipeline.Warning, text string) bool {
	return slices.ContainsFunc(warnings, func(w pipeline.Warning) bool { return strings.Contains(w.Warning(), text) })
}

// Whoever uses the library is told of a guess, and two networks are measured on pixels that are prepared in one way.
func TestPreparation(t *testing.T) {
	test := images(t, "builtin:test", 16)
	named, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	pre := vision.Preprocess{Mean: []float32{0.1, 0.1, 0.1}}
	if err := named.SetPreprocess(pre); err != nil {
		t.Fatal(err)
	}
	measure := func(a, b *pipeline.Network) *pipeline.Difference {
		t.Helper()
		d, err := pipeline.Measure(t.Context(), a, b, test, pipeline.MeasureConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := measure(silent(t), named); len(d.Warnings) > 0 || !slices.Equal(d.Network.Predicted, d.Reference.Predicted) || d.N != 16 {
		t.Errorf("one says how: %+v", d)
	}
	if d := measure(silent(t), silent(t)); !says(d.Warnings, "silent does not say how pixels become its input") {
		t.Errorf("none says how: %v", d.Warnings)
	}
	other, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if d := measure(named, other); !says(d.Warnings, "prepare pixels differently, each as it says: pixels/255 - 0.1, and pixels/255 (unit)") {
		t.Errorf("each says another: %v", d.Warnings)
	}
	n := silent(t)
	if p := n.Preparation(test); p.By != pipeline.SaidByNobody || len(p.Warnings()) != 1 || !n.Preprocess().Assumed {
		t.Errorf("%+v", p)
	}
	p := n.Preprocess()
	p.Mean = []float32{0.5, 0.5, 0.5}
	if err := n.SetPreprocess(p); err != nil || n.Preprocess().Assumed || n.Preparation(nil).By != pipeline.SaidByCaller {
		t.Errorf("%+v, %v", n.Preparation(nil), err)
	}
}

// A guess that ranges were measured on is written as one; what was said is written as said.
func TestPreparationIsWritten(t *testing.T) {
	calibration := pipeline.Calibration{Data: pipeline.Data{Spec: pipeline.Builtin, Limit: 4}}
	for _, c := range []struct {
		pre  *vision.Preprocess
		want string
	}{
		{nil, `{"divisor":255,"assumed":true}`},
		{&vision.Preprocess{}, `{"divisor":255}`},
		{&vision.Preprocess{Divisor: 1}, `{"divisor":1}`},
	} {
		r := quantized(t, pipeline.Config{Network: silent(t), Preprocess: c.pre, Calibration: calibration})
		if got := r.Graph().Metadata[vision.Key]; got != c.want {
			t.Errorf("%+v: %q, want %q", c.pre, got, c.want)
		}
		if warned := says(r.Warnings, "is a guess"); warned != (c.pre == nil) {
			t.Errorf("%+v: %v", c.pre, r.Warnings)
		}
		back, err := pipeline.Read(t.Context(), exported(t, r.Network), "back", pipeline.OpenConfig{})
		if err != nil || back.Preprocess().Assumed != (c.pre == nil) {
			t.Errorf("%+v: %+v, %v", c.pre, back.Preprocess(), err)
		}
	}
}
