package ptq_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/ptq"
	"linquant/tensor"
)

// nameless is a network of a layer without a bias and a Softmax, neither of which has a name, as ONNX allows.
func nameless(t testing.TB) *graph.Graph {
	n := newNet(t, 12)
	n.AddNode(graph.Gemm, "", "fc.y", graph.Attrs{"transB": 1}, "x", n.constant("w", tensor.Shape{16, 12}))
	n.AddNode(graph.Softmax, "", "y", nil, "fc.y")
	return n.done("y")
}

// Nodes without a name are known by their first output, in reports, overrides, errors and the names that are made of it.
func TestNodesWithoutNames(t *testing.T) {
	g := nameless(t)
	q, report := quantizeNet(t, g, ptq.Config{Overrides: []ptq.Override{{Pattern: "fc.y", WeightBits: 4}}})
	dynamic, dynamicReport, err := ptq.Dynamic(t.Context(), g, ptq.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range []*ptq.NetworkReport{report, dynamicReport} {
		if len(r.Layers) != 1 || r.Layers[0].Node != "fc.y" || r.Layers[0].Bits != []int{4, 8}[i] {
			t.Errorf("layers %+v", r.Layers)
		}
	}
	if len(report.Float) != 1 || report.Float[0].Node != "y" {
		t.Errorf("what stays float: %+v", report.Float)
	}
	for _, g := range []*graph.Graph{q, dynamic} {
		for _, n := range g.Nodes {
			if n.Name != "" && n.Op != graph.QuantizeLinear && n.Op != graph.DequantizeLinear {
				t.Errorf("%v got a name", n)
			}
		}
	}
	cfg := ptq.Config{WeightMethod: odd{refuses: errors.New("not this one")}}
	_, _, err = ptq.Quantize(t.Context(), g, spread(t, g, cfg), cfg)
	if err == nil || !strings.Contains(err.Error(), `Gemm node "fc.y"`) {
		t.Errorf("error %v does not say which node", err)
	}
}

// Where the method gives a layer without a bias one, that is a constant called after the layer.
func TestBiasesThatMethodsGive(t *testing.T) {
	examples, _ := examplesOf(t)
	cfg := ptq.Config{WeightMethod: odd{bias: make([]float32, 16)}, Examples: examples}
	named := newNet(t, 12)
	weight := named.constant("w", tensor.Shape{16, 12})
	for name, g := range map[string]*graph.Graph{
		"fc.y": nameless(t), "fc": named.done(named.op(graph.Gemm, "fc", graph.Attrs{"transB": 1}, "x", weight)),
	} {
		q, _ := quantizeNet(t, g, cfg)
		dynamic, _, err := ptq.Dynamic(t.Context(), g, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for want, g := range map[string]*graph.Graph{name + "_bias": q, name + "_bias_channels": dynamic} {
			for _, n := range g.Nodes {
				if n.Op != graph.Gemm {
					continue
				}
				if v := g.Value(n.Input(2)); n.Input(2) != want || v == nil || !v.Const.Shape.Equal(tensor.Shape{16}) {
					t.Errorf("the bias is %q, want a constant of 16 elements called %q", n.Input(2), want)
				}
			}
		}
	}
}

// refusing is an Observer that takes nothing.
type refusing struct{ pairs }

func (*refusing) Observe([]float32) error { return errors.New("not these") }

// An observer's error says which value it was shown, and of which network.
func TestErrorsOfWatching(t *testing.T) {
	examples, _ := examplesOf(t)
	for in, shown := range map[ptq.Network]string{
		ptq.InFloat: "x", ptq.InQuantized: "x, quantized", ptq.InBoth: "x, real and quantized",
	} {
		cfg := ptq.Config{WeightMethod: odd{needs: []ptq.Watch{{in, &refusing{}}}}, Examples: examples}
		_, _, err := ptq.Dynamic(t.Context(), chain(t), cfg)
		want := fmt.Sprintf(`Gemm node "a": weight "a.w": calibration batch 0: value %q: not these`, shown)
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
