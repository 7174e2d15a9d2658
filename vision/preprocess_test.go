package vision_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/tensor"
	"linquant/vision"
)

func contains(t testing.TB, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error %v, want %q", err, part)
	}
}

func TestPreprocess(t *testing.T) {
	shape := tensor.Shape{3, 1, 2}
	pixels := []float32{0, 51, 102, 153, 204, 255} // 0, 0.2, 0.4, 0.6, 0.8, 1
	for _, c := range []struct {
		name string
		p    vision.Preprocess
		want []float32
	}{
		{"zero", vision.Preprocess{}, []float32{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{"divisor", vision.Preprocess{Divisor: 1}, pixels},
		{"mean and std", vision.Preprocess{Mean: []float32{0, 0.5, 1}, Std: []float32{1, 0.5, 0.25}}, []float32{0, 0.2, (float32(0.4) - 0.5) / 0.5, (float32(0.6) - 0.5) / 0.5, (float32(0.8) - 1) / 0.25, 0}},
		{"BGR", vision.Preprocess{BGR: true}, []float32{0.8, 1, 0.4, 0.6, 0, 0.2}},
		{"channels last", vision.Preprocess{ChannelsLast: true}, []float32{0, 0.4, 0.8, 0.2, 0.6, 1}},
	} {
		got := make([]float32, len(pixels))
		if err := c.p.Apply(got, pixels, shape); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	var p vision.Preprocess
	contains(t, p.Apply(make([]float32, 6), pixels, tensor.Shape{6}), "[channels, height, width]")
	contains(t, p.Apply(make([]float32, 5), pixels, shape), "for 5 inputs")
	p.Mean = []float32{1}
	contains(t, p.Apply(make([]float32, 6), pixels, shape), "1 values for 3 channels")
	for _, p := range []vision.Preprocess{{Divisor: -1}, {Std: []float32{1, 1, 0}}, {Std: []float32{1, 1, float32(math.NaN())}}} {
		contains(t, p.Apply(make([]float32, 6), pixels, shape), "the divisor is positive, and no deviation is 0")
	}
}

// What a graph says survives its metadata, and every pass that clones it.
func TestMetadata(t *testing.T) {
	g := graph.New("images")
	for _, want := range []vision.Preprocess{
		{},
		{Resize: 256, Divisor: 0.1},
		{
			Divisor: 1, Mean: []float32{0.1, 0.2, 0.3}, Std: []float32{1e-7, 3.4e38, 1}, BGR: true, ChannelsLast: true,
			Labels: []string{"cat", "Käfer"},
		},
		{Labels: []string{"cat"}, Assumed: true},
		{Divisor: 1, Inside: &vision.Preprocess{Divisor: 255, Mean: []float32{0.5}}},
		{Assumed: true},
	} {
		if err := want.Store(g); err != nil {
			t.Fatal(err)
		}
		got, err := vision.Of(g.Clone())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	}
	if len(g.Metadata) != 0 {
		t.Errorf("what says nothing left %v", g.Metadata)
	}
	g.Metadata["author"] = "somebody"
	if err := (vision.Preprocess{}).Store(g); err != nil || g.Metadata["author"] != "somebody" || len(g.Metadata) != 2 {
		t.Errorf("%v, beside another entry: %v", err, g.Metadata)
	}
	var bare graph.Graph
	if err := (vision.Preprocess{}).Store(&bare); err != nil || len(bare.Metadata) != 1 {
		t.Errorf("%v, of a graph without entries: %v", err, bare.Metadata)
	}
	g.Metadata[vision.Key] = "mean=1"
	_, err := vision.Of(g)
	contains(t, err, "metadata linquant.preprocess does not read")
	for text, part := range map[string]string{
		`{"std":[0.2,0,0.2]}`: "no deviation is 0", `{"divisor":-1}`: "the divisor is positive", `{"resize":-2}`: "-2 pixels",
		`{"layout":"xyz"}`: `"layout"`, `{}{}`: "follows",
		`{"divisor":1,"inside":{"std":[0]}}`: "no preparation of them", `{"inside":{"inside":{}}}`: "no preparation of them",
	} {
		g.Metadata[vision.Key] = text
		_, err := vision.Of(g)
		contains(t, err, part)
	}
	contains(t, vision.Preprocess{Std: []float32{0}}.Store(g), "no deviation is 0")
	for text, assumed := range map[string]bool{`{"labels":["a"]}`: true, `{"bgr":true}`: true, `{"divisor":255}`: false, `{"mean":[0]}`: false} {
		g.Metadata[vision.Key] = text
		if p, err := vision.Of(g); err != nil || p.Assumed != assumed {
			t.Errorf("%s: assumed %v, want %v (%v)", text, p.Assumed, assumed, err)
		}
	}
	contains(t, vision.Preprocess{Divisor: float32(math.NaN())}.Store(g), "cannot be written")
}

// Undo finds the pixels in every order of elements.
func TestUndo(t *testing.T) {
	pixels := make([]float32, 3*16*16)
	for i := range pixels {
		pixels[i] = float32(i % 256)
	}
	for _, p := range []vision.Preprocess{
		{},
		{Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225}},
		{Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225}, ChannelsLast: true},
	} {
		shape := tensor.Shape{3, 16, 16}
		x, want := make([]float32, len(pixels)), make([]float32, len(pixels))
		if err := p.Apply(x, pixels, shape); err != nil {
			t.Fatal(err)
		}
		if err := (vision.Preprocess{Divisor: 1, ChannelsLast: p.ChannelsLast}).Apply(want, pixels, shape); err != nil {
			t.Fatal(err)
		}
		if p.ChannelsLast {
			shape = tensor.Shape{16, 16, 3}
		}
		p.Undo(x, shape)
		if diff := cmp.Diff(want, x); diff != "" {
			t.Errorf("%+v: %s", p, diff)
		}
	}
}
