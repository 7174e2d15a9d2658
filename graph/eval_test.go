package graph_test

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/checkpoint"
	"linquant/graph"
	"linquant/internal/integer"
	"linquant/internal/testing/datadir"
	"linquant/models"
	"linquant/quant"
	"linquant/tensor"
	"linquant/vision"
)

func TestEvalErrors(t *testing.T) {
	type inputs = map[string]tensor.Tensor
	x := of(t, tensor.Shape{2, 3}, make([]float32, 6))
	g := newNet(t, 3)
	g.AddInput("z", tensor.Shape{graph.Batch, 3})
	g.outputs(g.node(graph.Add, "y", nil, "x", "z"))
	for _, c := range []struct {
		says   string
		inputs inputs
		keep   []string
	}{
		{`input "z" is missing`, inputs{"x": x}, nil},
		{`no input "q"`, inputs{"x": x, "z": x, "q": x}, nil},
		{`input "z" has the shape [1, 3]`, inputs{"x": x, "z": of(t, tensor.Shape{1, 3}, make([]float32, 3))}, nil},
		{`input "x" has the shape [6]`, inputs{"x": of(t, tensor.Shape{6}, make([]float32, 6)), "z": x}, nil},
		{`input "x" has the shape [0, 3]`, inputs{"x": of(t, tensor.Shape{0, 3}, []float32{}), "z": x}, nil},
		{`input "x" is int32: the graph wants float32`, inputs{"x": of(t, tensor.Shape{2, 3}, make([]int32, 6)), "z": x}, nil},
		{`input "x": `, inputs{"x": {DType: tensor.Float32, Shape: tensor.Shape{2, 3}}, "z": x}, nil},
		{`value "q" is to be kept`, inputs{"x": x, "z": x}, []string{"q"}},
	} {
		_, err := graph.Eval(t.Context(), g.Graph, c.inputs, c.keep)
		contains(t, err, c.says)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := graph.Eval(ctx, g.Graph, inputs{"x": x, "z": x}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Codes beside each other: what is copied, and what is brought to the output's parameters.
func TestConcatOfCodes(t *testing.T) {
	shape := tensor.Shape{1, 3}
	a, b := code{8, true, 0.5, 10}, code{8, false, 0.25, -3}
	g := graphOn(t, graph.Concat, graph.Attrs{"axis": 1}, "onnx", shape, a, a, b)
	got := eval(t, g, map[string]tensor.Tensor{"x0": a.tensor(t, shape, []int32{0, 10, 255}), "x1": b.tensor(t, shape, []int32{-3, 0, 127})})
	// 0, 0.75 and 32.5 are 10, 10 + RNE(1.5) and 10 + 65.
	if diff := cmp.Diff([]int32{0, 10, 255, 10, 12, 75}, codesOf(t, got)); diff != "" {
		t.Error(diff)
	}
}

func TestPadAndPoolOfCodes(t *testing.T) {
	p := code{8, true, 0.5, 10}
	shape := tensor.Shape{1, 1, 2, 2}
	x := map[string]tensor.Tensor{"x0": p.tensor(t, shape, []int32{1, 2, 3, 4})}
	g := graphOn(t, graph.Pad, graph.Attrs{"pads": []int{0, 0, 0, 1, 0, 0, 0, 0}}, "onnx", shape, p, p)
	if diff := cmp.Diff([]int32{10, 1, 2, 10, 3, 4}, codesOf(t, eval(t, g, x))); diff != "" {
		t.Errorf("padded with 0: %s", diff)
	}
	g.Nodes[0].Attrs["value"] = float32(-1.3) // −2.6 steps
	if diff := cmp.Diff([]int32{7, 1, 2, 7, 3, 4}, codesOf(t, eval(t, g, x))); diff != "" {
		t.Errorf("padded with −1.3: %s", diff)
	}
	g = graphOn(t, graph.MaxPool, graph.Attrs{"kernel_shape": []int{2, 2}, "pads": []int{1, 1, 0, 0}}, "onnx", shape, p, p)
	if diff := cmp.Diff([]int32{1, 2, 3, 4}, codesOf(t, eval(t, g, x))); diff != "" {
		t.Errorf("padding counts in the maximum: %s", diff)
	}
}

// A quantized network with real inputs and outputs is quantize, integers, dequantize; every value can be kept.
func TestEvalKeeps(t *testing.T) {
	g := quantized(t)
	x := of(t, tensor.Shape{1, 3}, []float32{1, -1, 200})
	out, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": x}, []string{"x_quantized", "y_quantized", "w"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int32{12, 8, 255}, codesOf(t, out["x_quantized"])); diff != "" {
		t.Error(diff)
	}
	// Σ (q − 10)·w + b: 2 + 4 + 735 + 4 = 745 at 1/8 a step of 2, and 8 − 10 − 1470 + 16 = −1456 at 1/16.
	if diff := cmp.Diff([]int32{193, 9}, codesOf(t, out["y_quantized"])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float32{186, -182}, floats(t, out["y"])); diff != "" {
		t.Error(diff)
	}
	if len(out) != 4 {
		t.Errorf("%d values, want the output and three", len(out))
	}
	if storage := out["x_quantized"].DType; storage != tensor.Uint8 || out["w"].DType != tensor.Int8 {
		t.Errorf("codes are stored as %v", storage)
	}
}

func TestCodeTableErrors(t *testing.T) {
	one := func(x float32) float32 { return x }
	good := quant.TensorParams(quant.Uint(8), 1, 0)
	_, err := integer.Table(one, perChannel(8, 1, 2), good)
	contains(t, err, "scale")
	_, err = integer.Table(one, good, quant.TensorParams(quant.Int(32), 1, 0))
	contains(t, err, "32 bits")
	_, err = integer.NewAdder(quant.Fixed, quant.TensorParams(quant.Uint(8), 1e30, 0), quant.TensorParams(quant.Uint(8), 1e-30, 0), good)
	contains(t, err, "second operand", "no usable scale")
	operand, none := &graph.Value{Quant: &good}, quant.TensorParams(quant.Uint(8), 0, 0)
	for _, attrs := range []graph.Attrs{nil, graph.SetQLinear(graph.Mul, nil)} {
		_, err = graph.PairCode(&graph.Node{Op: graph.Mul, Attrs: attrs}, quant.ONNX, operand, operand, &graph.Value{Quant: &none})
		contains(t, err, "result", "no usable scale")
	}
	_, err = integer.Average(quant.ONNX, good, good, 1<<24)
	contains(t, err, "int32 accumulator")
}

// A real ResNet: folding does not change what it says of real images, and it is right about them.
func TestFoldOfResNet(t *testing.T) {
	if testing.Short() {
		t.Skip("evaluates a whole network")
	}
	f, err := checkpoint.Open(datadir.File(t, "models/resnet20-12fca82f.th"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, _, err := models.Build(f.Tensors(), "")
	if err != nil {
		t.Fatal(err)
	}
	folded, err := graph.Fold(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(ops(folded), graph.BatchNormalization) {
		t.Error("a batch norm is left")
	}
	if macs, err := graph.MACs(folded); err != nil || macs != 40551040 {
		t.Errorf("%d multiplications, want 40551040 (%v)", macs, err)
	}

	const images, pixels = 2, 3 * 32 * 32
	data, err := os.ReadFile(datadir.File(t, "cifar10/test_batch.bin")) // of each image its label, then its pixels
	if err != nil {
		t.Fatal(err)
	}
	x, right := make([]float32, images*pixels), 0
	pre, err := vision.Of(folded)
	if err != nil {
		t.Fatal(err)
	}
	for i := range images {
		image := x[i*pixels : (i+1)*pixels]
		for j := range image {
			image[j] = float32(data[i*(pixels+1)+1+j])
		}
		if err := pre.Apply(image, image, tensor.Shape{3, 32, 32}); err != nil {
			t.Fatal(err)
		}
	}
	input := of(t, tensor.Shape{images, 3, 32, 32}, x)
	logits := floats(t, eval(t, folded, map[string]tensor.Tensor{g.Inputs[0]: input}))
	for i, want := range floats(t, eval(t, g, map[string]tensor.Tensor{g.Inputs[0]: input})) {
		if math.Abs(float64(logits[i]-want)) > 2e-5 {
			t.Errorf("logit %d is %g, before folding %g", i, logits[i], want)
		}
	}
	for i := range images {
		row := logits[i*10 : (i+1)*10]
		if slices.Index(row, slices.Max(row)) == int(data[i*(pixels+1)]) {
			right++
		}
	}
	if right < images {
		t.Errorf("%d of %d images are recognised", right, images)
	}
}
