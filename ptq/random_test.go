package ptq_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// randomNet draws a network of up to a dozen nodes on values [batch, 3, 6, 6], so that any of them can be combined.
func randomNet(t testing.TB, r *rapid.T) *graph.Graph {
	n := newNet(t, 3, 6, 6)
	n.seed = rapid.Uint32().Draw(r, "seed")
	square := []string{"x"}
	pick := func(what string) string { return rapid.SampledFrom(square).Draw(r, what) }
	for i := range rapid.IntRange(1, 12).Draw(r, "nodes") {
		name := fmt.Sprintf("n%d", i)
		kind := rapid.SampledFrom([]string{
			"conv", "conv", "conv", "relu", "relu", "clip", "add", "constant", "mul", "concat", "max", "average", "transpose", "pad",
			"reorder", "tile", "split", "token",
			"reshape", "sigmoid", "leaky", "softmax", "batchnorm", "shared", "dynamic", "gelu", "sub", "minimum", "prelu", "tanh",
			"halve", "gather", "norm", "exp",
		}).Draw(r, "kind")
		in, y := pick("input"), ""
		window := graph.Attrs{"kernel_shape": []int{3, 3}, "pads": []int{1, 1, 1, 1}}
		switch kind {
		case "conv":
			y = n.conv(name, in, 3, 3)
		case "shared": // with the weight of another layer
			if n.Value("w") == nil {
				n.constant("w", tensor.Shape{3, 3, 1, 1})
			}
			y = n.op(graph.Conv, name, nil, in, "w")
		case "dynamic": // a product of two activations
			y = n.op(graph.MatMul, name, nil, in, pick("other"))
		case "relu":
			y = n.op(graph.Relu, name, nil, in)
		case "clip":
			y = n.op(graph.Clip, name, graph.Attrs{"min": float32(-0.5), "max": float32(3)}, in)
		case "add":
			y = n.op(graph.Add, name, nil, in, pick("other"))
		case "mul":
			y = n.op(graph.Mul, name, nil, pick("other"), in)
		case "constant":
			y = n.op(graph.Add, name, nil, in, n.constant(name+".k", tensor.Shape{3, 1, 1}))
		case "concat":
			wide := n.op(graph.Concat, name+".cat", graph.Attrs{"axis": 1}, in, pick("other"))
			y = n.op(graph.Slice, name, graph.Attrs{"starts": []int{1}, "ends": []int{4}, "axes": []int{1}, "steps": []int{1}}, wide)
		case "max":
			y = n.op(graph.MaxPool, name, window, in)
		case "average":
			y = n.op(graph.AveragePool, name, window, in)
		case "transpose":
			y = n.op(graph.Transpose, name, graph.Attrs{"perm": []int{0, 1, 3, 2}}, in)
		case "pad":
			larger := n.op(graph.Pad, name+".pad", graph.Attrs{"pads": []int{0, 0, 1, 1, 0, 0, 1, 1}}, in)
			y = n.op(graph.MaxPool, name, graph.Attrs{"kernel_shape": []int{3, 3}}, larger)
		case "reorder":
			y = n.op(graph.Gather, name, graph.Attrs{"axis": 1, "indices": []int{2, 0, -1}}, in)
		case "tile":
			wide := n.op(graph.Tile, name+".tile", graph.Attrs{"repeats": []int{1, 1, 2, 1}}, in)
			y = n.op(graph.Gather, name, graph.Attrs{"axis": 2, "indices": []int{0, 3, 6, 7, 9, 11}}, wide)
		case "split":
			a := n.op(graph.Slice, name+".a", graph.Attrs{"starts": []int{0}, "ends": []int{1}, "axes": []int{1}, "steps": []int{1}}, in)
			y = n.op(graph.Expand, name, graph.Attrs{"shape": []int{graph.Batch, 3, 6, 6}}, a)
		case "token": // a constant in front of every example
			token := n.constant(name+".token", tensor.Shape{1, 1, 6, 6})
			wide := n.op(graph.Concat, name+".cat", graph.Attrs{"axis": 1}, token, in)
			y = n.op(graph.Slice, name, graph.Attrs{"starts": []int{0}, "ends": []int{3}, "axes": []int{1}, "steps": []int{1}}, wide)
		case "reshape":
			flat := n.op(graph.Flatten, name+".flat", nil, in)
			y = n.op(graph.Reshape, name, graph.Attrs{"shape": []int{-1, 3, 6, 6}}, flat)
		case "sigmoid":
			y = n.op(graph.Sigmoid, name, nil, in)
		case "leaky":
			y = n.op(graph.LeakyRelu, name, graph.Attrs{"alpha": float32(0.1)}, in)
		case "gelu":
			y = n.op(graph.Gelu, name, nil, in)
		case "tanh":
			y = n.op(graph.Tanh, name, nil, in)
		case "sub":
			y = n.op(graph.Sub, name, nil, in, pick("other"))
		case "minimum":
			y = n.op(graph.Min, name, nil, in, pick("other"))
		case "prelu":
			y = n.op(graph.PRelu, name, nil, in, n.constant(name+".slope", tensor.Shape{3, 1, 1}))
		case "halve":
			y = n.op(graph.Div, name, nil, in, n.constant(name+".two", tensor.Shape{}, 2))
		case "gather":
			y = n.op(graph.Gather, name, graph.Attrs{"axis": 1, "indices": []int{2, 0, 0}}, in)
		case "norm":
			y = n.op(graph.LayerNormalization, name, nil, in, n.constant(name+".scale", tensor.Shape{6}))
		case "exp":
			y = n.op(graph.Exponential, name, nil, n.op(graph.Sigmoid, name+".s", nil, in))
		case "softmax":
			y = n.op(graph.Softmax, name, graph.Attrs{"axis": 1}, in)
		case "batchnorm":
			one := n.constant(name+".one", tensor.Shape{3}, 1, 2, 3)
			y = n.op(graph.BatchNormalization, name, nil, in, one, one, one, one)
		}
		square = append(square, y)
	}
	outputs := []string{square[len(square)-1]}
	if other := pick("output"); other != outputs[0] && other != "x" {
		outputs = append(outputs, other)
	}
	return n.done(outputs...)
}

func randomConfig(r *rapid.T, g *graph.Graph) ptq.Config {
	var overrides []ptq.Override
	for range rapid.IntRange(0, 3).Draw(r, "overrides") {
		overrides = append(overrides, ptq.Override{
			Pattern: rapid.SampledFrom(g.Nodes).Draw(r, "node").Name[:2] + "*", ActBits: rapid.IntRange(2, 8).Draw(r, "override"),
			Float: rapid.Bool().Draw(r, "float"),
		})
	}
	return ptq.Config{
		WeightBits:   rapid.SampledFrom([]int{0, 2, 3, 4, 5, 6, 7, 8}).Draw(r, "weight bits"),
		ActBits:      rapid.SampledFrom([]int{0, 2, 3, 4, 5, 6, 7, 8}).Draw(r, "act bits"),
		PerTensor:    rapid.Bool().Draw(r, "per tensor"),
		ActSigned:    rapid.Bool().Draw(r, "signed"),
		ActSymmetric: rapid.Bool().Draw(r, "symmetric"),
		KeepEdges:    rapid.Bool().Draw(r, "edges"),
		WeightMethod: rapid.SampledFrom([]ptq.WeightMethod{ptq.AbsMax{}, ptq.LeastSquares{}}).Draw(r, "range"),
		Requant:      rapid.SampledFrom([]quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble}).Draw(r, "requant"),
		Overrides:    overrides,
	}
}

// Whatever the network and the configuration: the result is sound and runs, its bits depend on nothing else, and
// Points lists what is needed and no more.
func TestRandomNetworks(t *testing.T) {
	integers, islands := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		g := randomNet(t, r)
		cfg := randomConfig(r, g)
		before := bytesOf(g)
		points, err := ptq.Points(g, cfg)
		if err != nil {
			r.Fatal(err)
		}
		ranges := spread(t, g, cfg)
		q, report, err := ptq.Quantize(r.Context(), g, ranges, cfg)
		if err != nil {
			r.Fatal(err)
		}
		if bytesOf(g) != before {
			r.Error("the float network was changed")
		}
		again, _, err := ptq.Quantize(r.Context(), g, ranges, cfg)
		if err != nil {
			r.Fatal(err)
		}
		if bytesOf(q) != bytesOf(again) {
			r.Error("twice the same gives different bits")
		}
		checkNetwork(r, g, q, report)
		x := make([]float32, 2*3*6*6)
		for i := range x {
			x[i] = float32(i%41)/20 - 1
		}
		want := evaluate(t, q, tensor.Shape{2, 3, 6, 6}, x)
		program, err := engine.Compile(r.Context(), q, engine.Config{Threads: 1})
		if err != nil {
			r.Fatal(err)
		}
		var outputs [][]float32
		for _, out := range q.Outputs {
			outputs = append(outputs, make([]float32, want[out].Elements()))
		}
		if err := program.Run(context.Background(), outputs, [][]float32{x}); err != nil {
			r.Fatal(err)
		}
		if len(report.Float) == 0 { // the two sum floats differently
			for i, out := range q.Outputs {
				if diff := cmp.Diff(codesOf[float32](t, want[out]), outputs[i]); diff != "" {
					r.Errorf("the engine's %q (-evaluator +engine):\n%s", out, diff)
				}
			}
		}
		for _, p := range calib.Values(points) {
			fewer := maps.Clone(ranges)
			delete(fewer, p)
			if _, _, err := ptq.Quantize(r.Context(), g, fewer, cfg); err == nil {
				r.Errorf("%q is a point, and its range is not needed", p)
			}
		}
		islands += len(report.Float)
		integers += len(g.Nodes) - len(report.Float)
	})
	// Of the few networks of a short test the proportion says nothing.
	if !testing.Short() && (integers < islands/2 || islands == 0) {
		t.Errorf("%d nodes became integers and %d did not: the networks test too little", integers, islands)
	}
}

// checkNetwork checks a quantized network against the float one that it was made from.
func checkNetwork(r *rapid.T, g, q *graph.Graph, report *ptq.NetworkReport) {
	shaped, err := graph.InferShapes(q)
	if err != nil {
		r.Fatal(err)
	}
	for name, v := range shaped.Values {
		if had := q.Value(name); had == nil || !had.Shape.Equal(v.Shape) || had.DType != v.DType {
			r.Errorf("value %q: shape %v and type %v, want %v and %v", name, had.Shape, had.DType, v.Shape, v.DType)
		}
	}
	for _, name := range slices.Concat(g.Inputs, g.Outputs) {
		if q.Value(name).Quant != nil {
			r.Errorf("%q is codes", name)
		}
	}
	nodes := map[string]*graph.Node{}
	for _, n := range q.Nodes {
		nodes[n.Name] = n
	}
	if len(nodes) != len(q.Nodes) {
		r.Error("two nodes have one name")
	}
	floats := map[string]bool{}
	for _, i := range report.Float {
		floats[i.Node] = true
		if i.Reason == "" {
			r.Errorf("no reason why %q is no integers", i.Node)
		}
	}
	for _, n := range g.Nodes {
		m := nodes[n.Name]
		if m == nil || m.Op != n.Op {
			r.Errorf("%v is lost", n)
			continue
		}
		if codes := q.Value(m.Outputs[0]).Quant != nil; codes == floats[n.Name] {
			r.Errorf("%v: its output is codes: %v, it is reported to be float: %v", n, codes, floats[n.Name])
		}
	}
	used := map[string]bool{}
	for _, n := range q.Nodes {
		for _, name := range slices.Concat(n.Inputs, n.Outputs) {
			used[name] = true
		}
	}
	for name := range q.Values {
		if !used[name] && !q.IsOutput(name) && !slices.Contains(q.Inputs, name) {
			r.Errorf("value %q is of no use", name)
		}
	}
}
