package e2e

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/datadir"
	"linquant/internal/testing/ort"
	"linquant/onnx"
	"linquant/ptq"
	"linquant/tensor"
)

// compareDynamic compares every layer that quantizes its input while it runs with ONNX Runtime, given ONNX Runtime's
// input of the layer, and the outputs of the network. The batch is one: ONNX Runtime's ranges are of whole tensors.
//
// Without optimizations ONNX Runtime converts the sums, multiplies them by the product of the scales and adds the bias in
// nodes of their own, so that the reals have the same bits exactly where codes, zero points, scales and sums are equal.
// Its fused operators may multiply and add in one rounding: they may be 2^-22 of the largest real away, which is less
// than one in any sum.
func compareDynamic(t *testing.T, path string) {
	t.Helper()
	n := foreign(t, path)
	compareDynamicFile(t, n, path)
	t.Run("exported", func(t *testing.T) {
		again := filepath.Join(t.TempDir(), "model.onnx")
		write(t, again, n.float, onnx.ExportConfig{})
		m := foreign(t, again)
		x := n.images(t, 1)
		before := logits(t, compile(t, n.float, engine.Config{}), x, 1)
		if d := difference(logits(t, compile(t, m.float, engine.Config{}), x, 1), before); d != 0 {
			t.Errorf("outputs are %.2g of the largest away from those before", d)
		}
		compareDynamicFile(t, m, again)
	})
}

func compareDynamicFile(t *testing.T, n *network, path string) {
	t.Helper()
	g := n.float
	layers, names := dynamicLayers(g)
	if len(layers) == 0 {
		t.Fatal("no dynamic layers")
	}
	x := n.images(t, 1)
	inputs := map[string]tensor.Tensor{g.Inputs[0]: mustOf(t, concrete(g.Values[g.Inputs[0]].Shape), x)}
	ours := logits(t, compile(t, g, engine.Config{}), x, 1)
	for _, optimized := range []bool{false, true} {
		opt := ort.Options{DisableOptimizations: !optimized, IgnoreMissing: true}
		r := ort.Run(t, path, inputs, slices.Concat(names, g.Outputs), opt)
		r[g.Inputs[0]] = inputs[g.Inputs[0]]
		compared, elements, apart := 0, 0, 0
		for _, layer := range layers {
			in, out := dynamicOperand(g, r, layer.Inputs[0]), dynamicOperand(g, r, layer.Outputs[0])
			if in == nil || out == nil {
				continue // of one dimension in the file and two here, with names of their own
			}
			compared++
			got, want := alone(t, g, layer, in), floatsOf(t, *out)
			elements += len(want)
			most := 0.0
			for _, v := range want {
				most = max(most, math.Abs(float64(v)))
			}
			for i, v := range want {
				d := math.Abs(float64(got[i]) - float64(v))
				if d != 0 {
					apart++
				}
				if !optimized && d != 0 || !(d <= 0x1p-22*most) {
					t.Fatalf("%v, optimizations %v: element %d is %g, ONNX Runtime's %g", layer, optimized, i, got[i], v)
				}
			}
		}
		theirs := floatsOf(t, r[g.Outputs[0]])
		d := difference(ours, theirs)
		t.Logf("optimizations %v: %d of %d layers compared, %d of %d reals differ in the last bits; outputs are %.2g of the "+
			"largest away", optimized, compared, len(layers), apart, elements, d)
		if compared < (len(layers)+1)/2 && !optimized {
			t.Errorf("%d of %d layers could be compared", compared, len(layers))
		}
		if !(d <= 0.02) { // a last bit before a layer may be a step of a code in it
			t.Errorf("outputs are %.2g of the largest away\n%v\n%v", d, ours, theirs)
		}
	}
}

// dynamicLayers returns the dynamic layers and the values that they read and compute.
func dynamicLayers(g *graph.Graph) (layers []*graph.Node, names []string) {
	for _, n := range g.Nodes {
		if !graph.IsDynamic(n) {
			continue
		}
		layers = append(layers, n)
		for _, name := range []string{n.Inputs[0], n.Outputs[0]} {
			if name = oneDimensional(name); !slices.Contains(g.Inputs, name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return layers, names
}

// dynamicOperand returns what ONNX Runtime has computed for a value, in the shape that it has here.
func dynamicOperand(g *graph.Graph, values map[string]tensor.Tensor, name string) *tensor.Tensor {
	v, ok := values[oneDimensional(name)]
	want := concrete(g.Values[name].Shape)
	if n, err := want.Elements(); !ok || err != nil || v.Elements() != n {
		return nil
	}
	v.Shape = want
	return &v
}

// alone computes one layer of a network.
func alone(t *testing.T, g *graph.Graph, n *graph.Node, x *tensor.Tensor) []float32 {
	t.Helper()
	one := graph.New(n.Name)
	one.AddInput(n.Inputs[0], g.Values[n.Inputs[0]].Shape)
	for _, name := range n.Inputs[1:] {
		one.Values[name] = g.Values[name]
	}
	one.AddNode(n.Op, n.Name, n.Outputs[0], n.Attrs, n.Inputs...)
	one.Outputs = n.Outputs
	p := compile(t, one, engine.Config{})
	size, err := p.Outputs()[0].Shape.Elements()
	must(t, err)
	y := make([]float32, size)
	must(t, p.Run(context.Background(), [][]float32{y}, [][]float32{floatsOf(t, *x)}))
	return y
}

func concrete(s tensor.Shape) tensor.Shape { return append(tensor.Shape{1}, s[1:]...) }

func floatsOf(t *testing.T, v tensor.Tensor) []float32 {
	t.Helper()
	x, err := v.Float32s()
	must(t, err)
	return x
}

func mustOf(t *testing.T, shape tensor.Shape, x []float32) tensor.Tensor {
	t.Helper()
	v, err := tensor.Of(shape, x)
	must(t, err)
	return v
}

// The real dynamically quantized network, from the file to its result, on generated images.
func TestRealDynamicONNX(t *testing.T) {
	path := datadir.File(t, "models/edgeopt_model_int8.onnx")
	n := foreign(t, path)
	logits(t, compile(t, n.float, engine.Config{}), n.images(t, 2), 2)
	ort.Require(t)
	compareDynamic(t, path)
}

// Networks that are made dynamic here lose no more than a percent of the answers, and are the same in ONNX Runtime.
func TestDynamicNetworks(t *testing.T) {
	for name, images := range map[string]int{"builtin": 400, "resnet20": 500} {
		t.Run(name, func(t *testing.T) {
			if slow() {
				if images = 100; name != "builtin" {
					t.Skip("it takes long here")
				}
			}
			n := load(t, name)
			q, report, err := ptq.Dynamic(t.Context(), n.float, ptq.Config{})
			must(t, err)
			if len(report.Float) > 0 {
				t.Errorf("in floating point: %+v", report.Float)
			}
			float, dynamic := n.right(t, n.float, images), n.right(t, q, images)
			t.Logf("%d of %d images are right, float %d", dynamic, images, float)
			if d := float - dynamic; d*100 > images || -d*100 > images {
				t.Errorf("%d of %d images are right, float %d", dynamic, images, float)
			}
			ort.Require(t)
			path := filepath.Join(t.TempDir(), "model.onnx")
			write(t, path, q, onnx.ExportConfig{})
			compareDynamicFile(t, foreign(t, path), path)
		})
	}
}
