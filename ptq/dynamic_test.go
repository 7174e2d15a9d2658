package ptq_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linquant/engine"
	"linquant/graph"
	_ "linquant/internal/testing/seeds"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// What layers become, and what stays.
func TestDynamicStructure(t *testing.T) {
	n := newNet(t, 3, 4, 4)
	y := n.op(graph.Relu, "relu", nil, n.conv("conv", "x", 3, 4))
	y = n.op(graph.Add, "add", nil, n.conv("skipped", y, 4, 4), y)
	y = n.gemm("fc", n.op(graph.Flatten, "flatten", nil, y), 64, 5)
	g := n.done(n.op(graph.Softmax, "softmax", nil, y))
	before := dump(g) + bytesOf(g)
	q, report, err := ptq.Dynamic(t.Context(), g, ptq.Config{Overrides: []ptq.Override{{Pattern: "skip*", Float: true}, {Pattern: "fc", WeightBits: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, dump(g)+bytesOf(g)); diff != "" {
		t.Errorf("the float network has changed:\n%s", diff)
	}
	want := `
x -> softmax.y, onnx
Conv conv: x conv.w{int8 ×4 axis 0} conv.b -> conv.y
Relu relu: conv.y -> relu.y
Conv skipped: relu.y skipped.w skipped.b -> skipped.y
Add add: skipped.y relu.y -> add.y
Flatten flatten: add.y -> flatten.y
Gemm fc: flatten.y fc.w{int4 ×5 axis 0} fc.b -> fc.y
Softmax softmax: fc.y -> softmax.y
`
	if diff := cmp.Diff(want, "\n"+dump(q)); diff != "" {
		t.Error(diff)
	}
	for i, dynamic := range []bool{true, false, false, false, false, true, false} {
		if graph.IsDynamic(q.Nodes[i]) != dynamic {
			t.Errorf("%v is dynamic: %v", q.Nodes[i], !dynamic)
		}
	}
	if len(report.Layers) != 2 || !report.Layers[0].Dynamic || report.Layers[1].Bits != 4 || !(report.Layers[1].Weight.SQNR > 10) {
		t.Errorf("layers: %+v", report.Layers)
	}
	if conv, fc := report.Layers[0].BiasBytes, report.Layers[1].BiasBytes; conv != 4*4 || fc != 5*4 {
		t.Errorf("biases of 4 and 5 floats have %d and %d bytes", conv, fc)
	}
	if diff := cmp.Diff([]ptq.Island{{Node: "skipped", Op: graph.Conv, Reason: "left in floating point as the configuration asks"}}, report.Float); diff != "" {
		t.Error(diff)
	}
	if report.FloatBytes <= report.WeightBytes || report.WeightBytes <= report.PackedBytes {
		t.Errorf("%d bytes became %d, packed %d", report.FloatBytes, report.WeightBytes, report.PackedBytes)
	}
}

// A weight that a layer and another node read is there twice; two layers of the same settings share the codes.
func TestDynamicSharedWeight(t *testing.T) {
	n := newNet(t, 4)
	w := n.constant("w", tensor.Shape{4, 4})
	a := n.op(graph.MatMul, "a", nil, "x", w)
	b := n.op(graph.MatMul, "b", nil, a, w)
	c := n.op(graph.MatMul, "c", nil, b, w)
	g := n.done(n.op(graph.Add, "sum", nil, a, c))
	q, _, err := ptq.Dynamic(t.Context(), g, ptq.Config{Overrides: []ptq.Override{{Pattern: "c", Float: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if in := []string{q.Nodes[0].Inputs[1], q.Nodes[1].Inputs[1], q.Nodes[2].Inputs[1]}; in[0] != in[1] || in[0] == "w" || in[2] != "w" {
		t.Errorf("weights: %q", in)
	}
}

func TestDynamicErrors(t *testing.T) {
	network := func() *graph.Graph {
		n := newNet(t, 4)
		return n.done(n.gemm("fc", "x", 4, 3))
	}
	empty := newNet(t, 4)
	quantized, _ := quantizeNet(t, network(), ptq.Config{})
	for name, c := range map[string]struct {
		g    *graph.Graph
		cfg  ptq.Config
		says string
	}{
		"bits":          {network(), ptq.Config{WeightBits: 9}, "weights of 9 bits are not supported: use 2 to 8"},
		"activations":   {network(), ptq.Config{ActBits: 4}, "dynamic quantization has activations of 8 bits, unsigned and affine: leave the configuration of activations out"},
		"signed":        {network(), ptq.Config{ActSigned: true}, "dynamic quantization has activations of 8 bits, unsigned and affine: leave the configuration of activations out"},
		"symmetric":     {network(), ptq.Config{ActSymmetric: true}, "dynamic quantization has activations of 8 bits, unsigned and affine: leave the configuration of activations out"},
		"convention":    {network(), ptq.Config{Requant: quant.Torch}, "dynamic quantization brings sums to reals, and has no convention of requantization: leave it out"},
		"override":      {network(), ptq.Config{Overrides: []ptq.Override{{Pattern: "fc", ActBits: 4}}}, `override of "fc": dynamic quantization has activations of 8 bits`},
		"everything":    {network(), ptq.Config{Overrides: []ptq.Override{{Pattern: "*", Float: true}}}, "the network has no layer that can be dynamic: no Conv, Gemm or MatMul with a constant weight, no recurrent layer, no table of embeddings"},
		"nothing":       {empty.done(empty.op(graph.Relu, "relu", nil, "x")), ptq.Config{}, "the network has no layer that can be dynamic: no Conv, Gemm or MatMul with a constant weight, no recurrent layer, no table of embeddings"},
		"quantized":     {quantized, ptq.Config{}, "the network is quantized already: quantize the float network that it was made from"},
		"not a network": {nil, ptq.Config{}, "there is no network to quantize"},
	} {
		if _, _, err := ptq.Dynamic(t.Context(), c.g, c.cfg); err == nil || err.Error() != c.says {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Weights are those of static quantization, every layer is dynamic or says why not, and the result runs.
func TestDynamicRandomNetworks(t *testing.T) {
	layers := 0
	rapid.Check(t, func(r *rapid.T) {
		g := randomNet(t, r)
		cfg := ptq.Config{
			WeightBits: rapid.IntRange(2, 8).Draw(r, "bits"), PerTensor: rapid.Bool().Draw(r, "per tensor"),
			KeepEdges: rapid.Bool().Draw(r, "edges"),
		}
		before := bytesOf(g)
		static, staticReport := quantizeNet(t, g, cfg)
		q, report, err := ptq.Dynamic(r.Context(), g, cfg)
		if err != nil {
			if len(staticReport.Layers) > 0 {
				r.Fatal(err)
			}
			return
		}
		if bytesOf(g) != before {
			r.Fatal("the float network was changed")
		}
		weights, raised := map[string]*graph.Value{}, map[string]bool{}
		for _, n := range static.Nodes {
			weights[n.Name] = static.Value(n.Input(1))
		}
		for _, l := range staticReport.Layers {
			raised[l.Node] = l.Raised > 0
		}
		seen := 0
		for _, n := range q.Nodes {
			if !graph.IsDynamic(n) {
				continue
			}
			seen++
			w, want := q.Value(n.Input(1)), weights[n.Name]
			if !raised[n.Name] && (!bytes.Equal(w.Const.Data, want.Const.Data) || !graph.SameParams(w.Quant, want.Quant)) {
				r.Errorf("%v: other codes than static quantization makes", n)
			}
		}
		if seen != len(report.Layers) || seen != len(staticReport.Layers) {
			r.Errorf("%d dynamic layers, %d in the report, %d static ones", seen, len(report.Layers), len(staticReport.Layers))
		}
		layers += seen
		p, err := engine.Compile(r.Context(), q, engine.Config{Threads: 1})
		if err != nil {
			r.Fatal(err)
		}
		for _, l := range report.Float {
			r.Logf("%+v", l)
		}
		if got := len(p.Outputs()); got != len(q.Outputs) {
			r.Errorf("%d outputs", got)
		}
	})
	if layers == 0 {
		t.Error("no layers")
	}
}
