package graph_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

// Whatever the attributes and shapes, a node is either refused by InferShapes or evaluates to the shape inferred; and
// folding it does not panic.
func TestInferShapesIsRightOrRefuses(t *testing.T) {
	all := []graph.Op{
		graph.Add, graph.AveragePool, graph.BatchNormalization, graph.Clip, graph.Concat, graph.Conv, graph.Dropout, graph.Flatten, graph.Gemm,
		graph.GlobalAveragePool, graph.HardSigmoid, graph.HardSwish, graph.Identity, graph.LeakyRelu, graph.MatMul, graph.MaxPool, graph.Mul,
		graph.Pad, graph.Relu, graph.Reshape, graph.Sigmoid, graph.Slice, graph.Softmax, graph.Squeeze, graph.Transpose, graph.Unsqueeze, graph.Gather, graph.Expand, graph.Tile, graph.Where,
		graph.Sub, graph.Pow, graph.Max, graph.PRelu, graph.Gelu, graph.Elu, graph.LogSoftmax, graph.GlobalMaxPool,
		graph.ReduceMean, graph.ReduceMax, graph.ReduceLogSumExp, graph.Resize, graph.Resize, graph.Resize,
		graph.LayerNormalization, graph.RMSNormalization, graph.InstanceNormalization, graph.GroupNormalization,
	}
	ok := 0
	rapid.Check(t, func(rt *rapid.T) {
		g := graph.New("test")
		inputs := map[string]tensor.Tensor{}
		var names []string
		for i := range rapid.IntRange(1, 3).Draw(rt, "inputs") {
			name := fmt.Sprint("x", i)
			shape := tensor.Shape(rapid.SliceOfN(rapid.IntRange(1, 4), 0, 5).Draw(rt, name))
			x := of(t, shape, pseudo(elements(shape), i, 0))
			switch {
			case i > 0 && rapid.Bool().Draw(rt, "constant"):
				g.AddConst(name, x)
			case len(shape) > 0 && rapid.Bool().Draw(rt, "batched"):
				shape[0] = 2
				x = of(t, shape, pseudo(elements(shape), i, 0))
				g.AddInput(name, batch(shape))
				inputs[name] = x
			default:
				g.AddInput(name, shape)
				inputs[name] = x
			}
			names = append(names, name)
		}
		op := rapid.SampledFrom(all).Draw(rt, "op")
		attrs := graph.Attrs{}
		small := rapid.IntRange(-2, 3)
		for _, name := range []string{"axis", "group", "transA", "transB", "ceil_mode", "count_include_pad", "allowzero", "keepdims", "noop_with_empty_axes", "num_groups", "antialias", "exclude_outside"} {
			if rapid.IntRange(0, 3).Draw(rt, "has "+name) == 0 {
				attrs[name] = small.Draw(rt, name)
			}
		}
		for _, name := range []string{"kernel_shape", "strides", "pads", "dilations", "starts", "ends", "axes", "steps", "shape", "perm", "indices", "repeats", "sizes"} {
			if rapid.IntRange(0, 2).Draw(rt, "has "+name) > 0 {
				attrs[name] = rapid.SliceOfN(small, 0, 4).Draw(rt, name)
			}
		}
		for _, name := range []string{"scales", "roi"} {
			if rapid.IntRange(0, 2).Draw(rt, "has "+name) > 0 {
				attrs[name] = rapid.SliceOfN(rapid.Float32Range(-0.5, 3), 0, 8).Draw(rt, name)
			}
		}
		if rapid.Bool().Draw(rt, "has mode") {
			attrs["mode"] = rapid.SampledFrom([]string{"constant", "linear", "cubic"}).Draw(rt, "mode")
		}
		if rapid.Bool().Draw(rt, "crops") {
			attrs["coordinate_transformation_mode"] = "tf_crop_and_resize"
		}
		g.Outputs = []string{g.AddNode(op, "node", "y", attrs, names...)}

		inferred, err := graph.InferShapes(g)
		if err != nil {
			if _, err := graph.Eval(t.Context(), g, inputs, nil); err == nil {
				rt.Fatal("Eval runs what InferShapes refuses")
			}
			return
		}
		ok++
		out, err := graph.Eval(t.Context(), g, inputs, nil)
		if err != nil {
			rt.Fatal(err)
		}
		want := append(tensor.Shape{}, inferred.Value("y").Shape...)
		if len(want) > 0 && want[0] == graph.Batch {
			want[0] = 2
		}
		if got := out["y"].Shape; !got.Equal(want) {
			rt.Fatalf("%s became %v, inferred %v", op, got, want)
		}
		if _, err := graph.Fold(rt.Context(), g); err != nil {
			rt.Fatal(err)
		}
	})
	t.Logf("%d graphs were right", ok)
}
