package graph_test

import (
	"fmt"
	"math"
	"testing"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// one returns a graph of one node with the given inputs: x0 is an input of the graph, as are all with the symbolic
// batch; the others are constants of zeros.
func one(t testing.TB, op graph.Op, attrs graph.Attrs, shapes ...tensor.Shape) *graph.Graph {
	t.Helper()
	g := graph.New("test")
	var names []string
	for i, shape := range shapes {
		name := fmt.Sprintf("x%d", i)
		if i == 0 || len(shape) > 0 && shape[0] == graph.Batch {
			g.AddInput(name, shape)
		} else {
			g.AddConst(name, of(t, shape, make([]float32, elements(shape))))
		}
		names = append(names, name)
	}
	g.Outputs = []string{g.AddNode(op, "node", "y", attrs, names...)}
	return g
}

// What would move, merge or mix the batch, and what fits no operator, is an error that names the node and a remedy.
func TestShapeErrors(t *testing.T) {
	const b = graph.Batch
	type (
		S = tensor.Shape
		A = graph.Attrs
		I = []int
	)
	for _, c := range []struct {
		op     graph.Op
		attrs  A
		shapes []S
		says   string
	}{
		{graph.Conv, nil, []S{{b, 3, 8}, {4, 3, 3}}, "must be [batch, channels, height, width]"},
		{graph.Conv, nil, []S{{b, 3, 8, 8}, {4, 3, 3}}, "convolutions here are 2-D"},
		{graph.Conv, nil, []S{{b, 3, 8, 8}, {4, 4, 3, 3}}, "do not fit with group 1"},
		{graph.Conv, A{"group": 2}, []S{{b, 3, 8, 8}, {4, 1, 3, 3}}, "do not fit with group 2"},
		{graph.Conv, A{"group": 0}, []S{{b, 3, 8, 8}, {4, 1, 3, 3}}, "group is 0"},
		{graph.Conv, nil, []S{{b, 3, 8, 8}, {4, 3, 3, 3}, {5}}, "must be [4], one element for each channel"},
		{graph.Conv, nil, []S{{b, 3, 8, 2}, {4, 3, 3, 3}}, "the kernel spans 3 elements across, and the padded input has 2"},
		{graph.Conv, A{"dilations": I{9, 1}}, []S{{b, 3, 8, 8}, {4, 3, 3, 3}}, "spans 19 elements down"},
		{graph.Conv, A{"strides": I{0, 1}}, []S{{b, 3, 8, 8}, {4, 3, 3, 3}}, "strides has the number 0"},
		{graph.Conv, A{"strides": I{1}}, []S{{b, 3, 8, 8}, {4, 3, 3, 3}}, "windows here are 2-D"},
		{graph.Conv, A{"pads": I{1, -1, 0, 0}}, []S{{b, 3, 8, 8}, {4, 3, 3, 3}}, "pads has the number -1"},
		{graph.Conv, A{"auto_pad": "SAME"}, []S{{b, 3, 8, 8}, {4, 3, 3, 3}}, `auto_pad is "SAME"`},
		{graph.Conv, A{"kernel_shape": I{5, 5}}, []S{{b, 3, 8, 8}, {4, 3, 3, 3}}, "differs from the weight's"},
		{graph.Conv, A{"strides": "1"}, []S{{b, 3, 8, 8}, {4, 3, 3, 3}}, "the attribute strides is a string: make it a []int"},
		{graph.MaxPool, nil, []S{{b, 3, 8, 8}}, "no kernel_shape"},
		{graph.MaxPool, A{"kernel_shape": I{2, 2}, "pads": I{2, 0, 0, 0}}, []S{{b, 3, 8, 8}}, "window 0 down lies in the padding alone"},
		{graph.AveragePool, A{"kernel_shape": I{2, 2}, "pads": I{0, 0, 0, 2}}, []S{{b, 3, 8, 8}}, "across lies in the padding alone"},
		{graph.MaxPool, A{"kernel_shape": I{2, 1}, "pads": I{1, 0, 1, 0}, "dilations": I{2, 1}}, []S{{b, 3, 1, 1}}, "lies in the padding alone"},
		{graph.MaxPool, A{"kernel_shape": I{1 << 30, 2}}, []S{{b, 3, 8, 8}}, "kernel_shape has the number 1073741824"},
		{graph.GlobalAveragePool, nil, []S{{b, 3}}, "must be [batch, channels, height, width]"},
		{graph.BatchNormalization, nil, []S{{b, 3, 4}, {3}, {3}, {4}, {3}}, `"x3" is [4]: it must be [3]`},
		{graph.BatchNormalization, nil, []S{{b}, {3}, {3}, {3}, {3}}, "channels are dimension 1"},
		{graph.Gemm, nil, []S{{b, 3, 4}, {4, 2}}, "both must be matrices"},
		{graph.Gemm, nil, []S{{b, 3}, {4, 2}}, "inner dimensions are 3 and 4"},
		{graph.Gemm, A{"transA": 1}, []S{{b, 3}, {4, 2}}, "the sum would run over the batch"},
		{graph.Gemm, nil, []S{{b, 3}, {3, 2}, {3}}, "does not broadcast to the output [batch, 2]"},
		{graph.MatMul, nil, []S{{b, 3}, {4, 2}}, "inner dimensions are 3 and 4"},
		{graph.MatMul, nil, []S{{b, 3}, {b, 3}}, "the sum would run over the batch"},
		{graph.MatMul, nil, []S{{b, 3}, {2, 3, 4}}, "the batch would move"},
		{graph.MatMul, nil, []S{{b, 2, 3}, {2, 3, 4}}, "does not broadcast with a fixed number of examples"},
		{graph.MatMul, nil, []S{{b}, {4}}, "the sum would run over the batch"},
		{graph.Add, nil, []S{{b, 3}, {4}}, "[batch, 3] and [4] do not broadcast"},
		{graph.Add, nil, []S{{b, 3}, {2, 3}}, "does not broadcast with a fixed number of examples"},
		{graph.Add, nil, []S{{b, 3}, {1, 1, 3}}, "the batch would move"},
		{graph.Concat, A{"axis": 0}, []S{{b, 3}, {b, 3}}, "axis 0 of [batch, 3] is the batch"},
		{graph.Concat, A{"axis": 1}, []S{{b, 3, 2}, {b, 3, 3}}, "cannot be joined along axis 1"},
		{graph.Concat, A{"axis": 3}, []S{{b, 3, 2}, {b, 3, 2}}, "use -3 to 2"},
		{graph.Pad, A{"pads": I{1, 1}}, []S{{b, 3}}, "one before and one after for each dimension, 4"},
		{graph.Pad, A{"pads": I{1, 0, 0, 0}}, []S{{b, 3}}, "would add examples to the batch"},
		{graph.Pad, A{"pads": I{0, -1, 0, 0}}, []S{{b, 3}}, "crop with Slice"},
		{graph.Pad, A{"pads": I{0, 3, 0, 0}, "mode": "reflect"}, []S{{b, 3}}, "more elements than dimension 1"},
		{graph.Pad, A{"pads": I{0, 0, 0, 0}, "mode": "wrap"}, []S{{b, 3}}, `mode is "wrap"`},
		{graph.Pad, A{"pads": I{0, math.MaxInt32, 0, 1}}, []S{{b, 3}}, "longer than"},
		{graph.Concat, A{"axis": 1}, []S{{b, 3, 2}, {2, 3, 2}}, "cannot be joined along axis 1"},
		{graph.Gather, A{"indices": I{0}}, []S{{b, 3}}, "axis 0 of [batch, 3] is the batch"},
		{graph.Gather, A{"indices": I{2, 3}, "axis": 1}, []S{{b, 3}}, "index 3 is not in dimension 1"},
		{graph.Gather, A{"indices": I{-4}, "axis": -1}, []S{{b, 3}}, "index -4 is not in dimension 1"},
		{graph.Gather, A{"axis": 1}, []S{{b, 3}}, "no indices"},
		{graph.Gather, A{"axis": 2, "indices": I{0}}, []S{{b, 3}}, "use -2 to 1"},
		{graph.Expand, A{"shape": I{2, 3}}, []S{{b, 3}}, "does not broadcast with a fixed number of examples"},
		{graph.Expand, A{"shape": I{1, 1, 3}}, []S{{b, 3}}, "the batch would move"},
		{graph.Expand, A{"shape": I{-1, 3}}, []S{{1, 3}}, "needs no Expand"},
		{graph.Expand, A{"shape": I{0, 3}}, []S{{b, 3}}, "its attribute shape: dimension 0"},
		{graph.Expand, nil, []S{{b, 3}}, "no attribute shape"},
		{graph.Tile, A{"repeats": I{2, 1}}, []S{{b, 3}}, "would repeat the examples of the batch"},
		{graph.Tile, A{"repeats": I{1}}, []S{{b, 3}}, "one for each dimension"},
		{graph.Tile, A{"repeats": I{1, 0}}, []S{{b, 3}}, "each is at least 1"},
		{graph.Tile, A{"repeats": I{1, math.MaxInt32}}, []S{{b, 3}}, "a dimension at most"},
		{graph.Slice, A{"starts": I{1}, "ends": I{9}}, []S{{b, 3}}, "would choose examples from the batch"},
		{graph.Slice, A{"starts": I{1}, "ends": I{1}, "axes": I{1}}, []S{{b, 3}}, "takes nothing of dimension 1"},
		{graph.Slice, A{"starts": I{0}, "ends": I{1}, "axes": I{2}}, []S{{b, 3}}, "is no dimension"},
		{graph.Slice, A{"starts": I{0}, "ends": I{1}, "axes": I{1}, "steps": I{0}}, []S{{b, 3}}, "a step other than 0"},
		{graph.Slice, A{"starts": I{0, 0}, "ends": I{1}}, []S{{b, 3}}, "must have one length"},
		{graph.Flatten, A{"axis": 2}, []S{{b, 3, 4}}, "would merge the batch with other dimensions: use axis 1"},
		{graph.Flatten, A{"axis": 0}, []S{{b, 3, 4}}, "use axis 1"},
		{graph.Flatten, A{"axis": 4}, []S{{b, 3, 4}}, "use -3 to 3"},
		{graph.Reshape, A{"shape": I{1, 12}}, []S{{b, 3, 4}}, "let it start with 0 or -1"},
		{graph.Reshape, A{"shape": I{-1, 5}}, []S{{b, 3, 4}}, "shape [-1 5] does not fit [batch, 3, 4]"},
		{graph.Reshape, A{"shape": I{0, -1, -1}}, []S{{b, 3, 4}}, "more than one -1"},
		{graph.Reshape, A{"shape": I{0, 0, 0, 0}}, []S{{b, 3, 4}}, "copies dimension 3"},
		{graph.Reshape, A{"shape": I{0, -2}}, []S{{b, 3, 4}}, "dimension 1 would be -2"},
		{graph.Reshape, A{"shape": I{-1, 65536, 65536}}, []S{{b, 3, 4}}, "more than 2147483647 elements"},
		{graph.Reshape, nil, []S{{b, 3, 4}}, "no attribute shape"},
		{graph.Transpose, A{"perm": I{1, 0}}, []S{{b, 3}}, "would move the batch"},
		{graph.Transpose, nil, []S{{b, 3}}, "would move the batch"},
		{graph.Transpose, A{"perm": I{0, 0}}, []S{{b, 3}}, "is no permutation"},
		{graph.Squeeze, A{"axes": I{0}}, []S{{b, 1, 3}}, "dimension 0 of [batch, 1, 3] is not 1"},
		{graph.Squeeze, A{"axes": I{2}}, []S{{b, 1, 3}}, "is not 1"},
		{graph.Unsqueeze, A{"axes": I{0}}, []S{{b, 3}}, "would move the batch"},
		{graph.Unsqueeze, A{"axes": I{1, -3}}, []S{{b, 3}}, "names dimension 1 twice"},
		{graph.Softmax, A{"axis": 0}, []S{{b, 3}}, "axis 0 of [batch, 3] is the batch"},
		{graph.Softmax, A{"axis": 2}, []S{{b, 3}}, "use -2 to 1"},
		{graph.Relu, nil, []S{{b, 0, 3}}, "every dimension is at least 1"},
		{graph.Relu, nil, []S{{b, b, 3}}, "only the first may be the batch"},
		{graph.Relu, nil, []S{{b, 1 << 20, 1 << 20}}, "more than 2147483647 elements"},
		{graph.Relu, nil, []S{nil}, "has no shape"},
		{graph.Relu, nil, []S{{b, 3}, {b, 3}}, "has 2 inputs, not 1"},
		{graph.Op("Loop"), nil, []S{{b, 3}}, `Loop node "node"`},
		{graph.Pad, A{"pads": I{0, 0, 0, 0, 1 << 20, 1 << 20}}, []S{{b, 3, 4}}, "more than 2147483647 elements"},
		{graph.Conv, A{"pads": I{1 << 24, 1 << 24, 1 << 24, 1 << 24}}, []S{{b, 3, 8, 8}, {4, 3, 3, 3}}, "more than 2147483647 elements"},
	} {
		t.Run(fmt.Sprintf("%s %v %v", c.op, c.attrs, c.shapes), func(t *testing.T) {
			_, err := graph.InferShapes(one(t, c.op, c.attrs, c.shapes...))
			contains(t, err, c.says)
		})
	}
}

// Inference leaves the graph alone, and passes quantization on where the operator does.
func TestInferShapesPassesQuantization(t *testing.T) {
	g := graph.New("test")
	g.AddInput("x", tensor.Shape{graph.Batch, 3, 4, 4})
	g.AddNode(graph.QuantizeLinear, "q", "q", nil, "x")
	quantize(g, "q", quant.TensorParams(quant.Uint(8), 0.1, 7))
	g.AddNode(graph.Relu, "relu", "r", nil, "q")
	g.AddNode(graph.MaxPool, "pool", "p", graph.Attrs{"kernel_shape": []int{2, 2}}, "r")
	g.AddNode(graph.Flatten, "flat", "f", nil, "p")
	g.Outputs = []string{g.AddNode(graph.DequantizeLinear, "d", "y", nil, "f")}
	inferred, err := graph.InferShapes(g)
	if err != nil {
		t.Fatal(err)
	}
	if !graph.SameParams(inferred.Value("f").Quant, g.Value("q").Quant) || inferred.Value("f").DType != tensor.Uint8 {
		t.Errorf("f is %v with %v, want what q has", inferred.Value("f").DType, inferred.Value("f").Quant)
	}
	if y := inferred.Value("y"); y.Quant != nil || y.DType != tensor.Float32 || !y.Shape.Equal(tensor.Shape{graph.Batch, 27}) {
		t.Errorf("y is %v %v with %v, want reals", y.DType, y.Shape, y.Quant)
	}
	if g.Value("f").Shape != nil || g.Value("f").Quant != nil {
		t.Error("InferShapes changed its argument")
	}
	if err := graph.Check(inferred); err != nil {
		t.Error(err)
	}
}
