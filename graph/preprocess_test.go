package graph_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/tensor"
)

func TestPreprocess(t *testing.T) {
	shape := tensor.Shape{3, 1, 2}
	pixels := []float32{0, 51, 102, 153, 204, 255} // 0, 0.2, 0.4, 0.6, 0.8, 1
	for _, c := range []struct {
		name string
		p    graph.Preprocess
		want []float32
	}{
		{"zero", graph.Preprocess{}, []float32{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{"divisor", graph.Preprocess{Divisor: 1}, pixels},
		{"mean and std", graph.Preprocess{Mean: []float32{0, 0.5, 1}, Std: []float32{1, 0.5, 0.25}}, []float32{0, 0.2, (float32(0.4) - 0.5) / 0.5, (float32(0.6) - 0.5) / 0.5, (float32(0.8) - 1) / 0.25, 0}},
		{"BGR", graph.Preprocess{BGR: true}, []float32{0.8, 1, 0.4, 0.6, 0, 0.2}},
		{"channels last", graph.Preprocess{ChannelsLast: true}, []float32{0, 0.4, 0.8, 0.2, 0.6, 1}},
	} {
		got := make([]float32, len(pixels))
		if err := c.p.Apply(got, pixels, shape); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	var p graph.Preprocess
	contains(t, p.Apply(make([]float32, 6), pixels, tensor.Shape{6}), "[channels, height, width]")
	contains(t, p.Apply(make([]float32, 5), pixels, shape), "for 5 inputs")
	p.Mean = []float32{1}
	contains(t, p.Apply(make([]float32, 6), pixels, shape), "1 values for 3 channels")
	for _, p := range []graph.Preprocess{{Divisor: -1}, {Std: []float32{1, 1, 0}}, {Std: []float32{1, 1, float32(math.NaN())}}} {
		contains(t, p.Apply(make([]float32, 6), pixels, shape), "the divisor is positive, and no deviation is 0")
	}
}
