package pipeline_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"linquant/dataset"
	"linquant/eval"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
)

// vectors are 16 examples of 4 numbers.
type vectors struct{ dataset.Set }

func (vectors) Name() string        { return "vectors" }
func (vectors) Len() int            { return 16 }
func (vectors) Shape() tensor.Shape { return tensor.Shape{4} }
func (vectors) Pixels() bool        { return false }
func (vectors) Classes() []string   { return nil }
func (vectors) Close() error        { return nil }

func (vectors) Read(_ context.Context, i int, dst []float32) (int, error) {
	for k := range dst {
		dst[k] = float32(math.Sin(float64(7*i + 3*k)))
	}
	return -1, nil
}

// outlier is a network whose first layer makes one channel 10,000 times the size of the others, which the second layer
// does not read.
func outlier(t *testing.T) *pipeline.Network {
	t.Helper()
	g := graph.New("outlier")
	g.AddInput("x", tensor.Shape{graph.Batch, 4})
	weight := func(name string, w ...float32) string {
		c, err := tensor.Of(tensor.Shape{4, 4}, w)
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst(name, c)
		return name
	}
	linear := graph.Attrs{"transB": 1}
	g.AddNode(graph.Gemm, "first", "f", linear, "x", weight("t", 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1))
	g.AddNode(graph.Gemm, "large", "a", linear, "f", weight("w", 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1e4))
	g.AddNode(graph.Gemm, "small", "b", linear, "a", weight("v", 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, -1, 0))
	g.AddNode(graph.Gemm, "next", "c", linear, "b", weight("u", 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, -1, 0))
	g.AddNode(graph.Gemm, "last", "d", linear, "c", weight("s", 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, -1, 0))
	g.Outputs = []string{"d"}
	n, err := pipeline.NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A value that integers have ruined is named, where it happened, with overrides that mend it.
func TestLowSQNR(t *testing.T) {
	n := outlier(t)
	cfg := pipeline.Config{Network: n, Calibration: pipeline.Calibration{Data: pipeline.Data{Set: vectors{}}}}
	lost := func() []pipeline.LowSQNR {
		t.Helper()
		r, err := pipeline.Quantize(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var list []pipeline.LowSQNR
		for _, w := range r.Warnings {
			if w, ok := w.(pipeline.LowSQNR); ok {
				list = append(list, w)
			}
		}
		return list
	}
	list := lost()
	if len(list) != 1 || list[0].Node != "small" || list[0].Value != "b" || !(list[0].SQNR < pipeline.LeastSQNR) || list[0].Others > 0 {
		t.Fatalf("warnings %+v, want one of small, as the next is as bad for the same reason", list)
	}
	if text := list[0].Warning(); !strings.Contains(text, `Gemm node "small"`) || !strings.Contains(text, "small=float") || strings.Contains(text, "--") {
		t.Error(text)
	}
	cfg.Quant.Overrides = overrides(t, list[0].Overrides)
	if list := lost(); len(list) > 0 {
		t.Errorf("%v do not mend it: %+v", cfg.Quant.Overrides, list)
	}
}

// With few bits more of them are the remedy.
func TestLowSQNROfFewBits(t *testing.T) {
	g := graph.New("narrow")
	g.AddInput("x", tensor.Shape{graph.Batch, 4})
	w, err := tensor.Of(tensor.Shape{2, 4}, []float32{1, 0.3, -0.35, 0.2, -1, 0.4, 0.45, -0.3})
	if err != nil {
		t.Fatal(err)
	}
	g.AddConst("w", w)
	g.AddNode(graph.Gemm, "layer", "y", graph.Attrs{"transB": 1}, "x", "w")
	g.AddNode(graph.Relu, "relu", "z", nil, "y") // the layer clamps, and is what has bits
	g.Outputs = []string{"z"}
	n, err := pipeline.NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	cfg := pipeline.Config{Network: n, Calibration: pipeline.Calibration{Data: pipeline.Data{Set: vectors{}}}, Quant: ptq.Config{WeightBits: 2, ActBits: 2, WeightMethod: ptq.AbsMax{}}}
	r, err := pipeline.Quantize(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	i := slices.IndexFunc(r.Warnings, func(w pipeline.Warning) bool { _, ok := w.(pipeline.LowSQNR); return ok })
	if i < 0 {
		t.Fatalf("no warning: %v", r.Warnings)
	}
	if got := r.Warnings[i].(pipeline.LowSQNR).Overrides; !slices.Equal(got, []string{"layer=w8", "layer=a8"}) {
		t.Errorf("overrides %v", got)
	}
}

// overrides are those that texts say.
func overrides(t *testing.T, texts []string) []ptq.Override {
	t.Helper()
	var list []ptq.Override
	for _, text := range texts {
		name, what, _ := strings.Cut(text, "=")
		o := ptq.Override{Pattern: name, Float: what == "float"}
		if bits, err := strconv.Atoi(what[1:]); err == nil && what[0] == 'w' {
			o.WeightBits = bits
		} else if err == nil {
			o.ActBits = bits
		}
		list = append(list, o)
	}
	return list
}

// Where weights have few bits in most of a network, that is said, and of its layers as many are named as there is room for.
func TestLowSQNRTold(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := pipeline.Config{Network: n, Quant: ptq.Config{WeightBits: 2, WeightMethod: ptq.AbsMax{}}}
	cfg.Calibration.Data = pipeline.Data{Spec: pipeline.Builtin, Limit: 16}
	r, err := pipeline.Quantize(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var list []pipeline.LowSQNR
	for _, w := range r.Warnings {
		if w, ok := w.(pipeline.LowSQNR); ok {
			list = append(list, w)
		}
	}
	if len(list) != 3 || !slices.Equal(list[0].Overrides, []string{"backbone.conv0=w8"}) || !slices.Equal(list[1].Overrides, []string{"backbone.conv1=w8"}) {
		t.Fatalf("warnings %+v", list)
	}
	last := list[2].Warning()
	for _, want := range []string{"would help", "other values as bad", "most of the network", "give all of it more bits"} {
		if !strings.Contains(last, want) {
			t.Errorf("%q says nothing of %q", last, want)
		}
	}
	a := &eval.Accuracy{N: 100, Top1: 10, Classes: 10}
	if w := pipeline.WarnChance(r.Network, a); len(w) != 1 || !strings.Contains(w[0].Warning(), "codes of 2 bits may be too few") {
		t.Errorf("near chance: %v", w)
	}
	if w := pipeline.WarnChance(n, a); len(w) != 1 || strings.Contains(w[0].Warning(), "bits") {
		t.Errorf("floats near chance: %v", w)
	}
}

// Where there are too few examples to tell a layer's inputs apart it is said how many would do; where there are enough nothing is.
func TestFewSamples(t *testing.T) {
	warnings := func(limit int) (list []pipeline.FewSamples) {
		cfg := pipeline.Config{Model: pipeline.Builtin, Quant: ptq.Config{WeightBits: 3}}
		cfg.Calibration.Data = pipeline.Data{Spec: pipeline.Builtin, Limit: limit}
		r, err := pipeline.Quantize(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for _, w := range r.Warnings {
			if w, ok := w.(pipeline.FewSamples); ok {
				list = append(list, w)
			}
		}
		return list
	}
	list := warnings(1)
	// The last layer has 64 inputs and one place. Five convolutions have fewer places than inputs: 256 for 288, 64 for 288 and 576, 16 for 576.
	want := pipeline.FewSamples{Node: "classifier", Samples: 1, Inputs: 64, Examples: 1, Others: 5}
	if len(list) != 1 || list[0] != want {
		t.Fatalf("%+v, want %+v", list, want)
	}
	if text := list[0].Warning(); text != `layer "classifier" was reconstructed from 1 sample for 64 inputs of an output, of 1 example: `+
		`calibrate on 64 or more (5 other layers with too few)` {
		t.Error(text)
	}
	if list := warnings(64); len(list) > 0 {
		t.Errorf("of 64 examples: %+v", list)
	}
}
