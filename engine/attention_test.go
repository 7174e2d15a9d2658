package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

const tokens, heads, width = 37, 3, 10 // of the attention in tests

// attention is that of a transformer in reals, or in codes with the zero point zero: queries, keys and values are
// slices of its input.
func attention(codes bool, zero int32) *graph.Graph { return attentionWith(codes, zero, "", nil) }

// attentionWith is attention whose scores are multiplied or divided by a number and get a mask of that shape of an example, the second
// input, where these are given.
func attentionWith(codes bool, zero int32, scale graph.Op, mask tensor.Shape) *graph.Graph {
	b := newBuilder("attention")
	b.AddInput("x", tensor.Shape{graph.Batch, tokens, 3 * heads * width})
	params := func(scale float64, zero int32) *quant.Params {
		p := quant.TensorParams(quant.Uint(8), scale, zero)
		return &p
	}
	node := func(op graph.Op, name string, attrs graph.Attrs, p *quant.Params, inputs ...string) string {
		b.AddNode(op, name, name, attrs, inputs...)
		if codes {
			b.Values[name].Quant = p
		}
		return name
	}
	own, x := params(0.01, zero), "x"
	if codes {
		x = node(graph.QuantizeLinear, "codes", nil, own, x)
	}
	var parts []string
	for i, name := range []string{"q", "k", "v"} {
		part := node(graph.Slice, name+".slice", graph.Attrs{
			"starts": []int{i * heads * width}, "ends": []int{(i + 1) * heads * width}, "axes": []int{2}, "steps": []int{1},
		}, own, x)
		part = node(graph.Reshape, name+".split", graph.Attrs{"shape": []int{0, tokens, heads, width}}, own, part)
		parts = append(parts, node(graph.Transpose, name, graph.Attrs{"perm": []int{0, 2, 1, 3}}, own, part))
	}
	k := node(graph.Transpose, "k.turned", graph.Attrs{"perm": []int{0, 1, 3, 2}}, own, parts[1])
	hidden := ""
	if mask != nil {
		n, _ := mask.Elements()
		b.AddInput("mask", tensor.Shape{graph.Batch, n})
		hidden = b.AddNode(graph.Reshape, "hidden", "hidden", graph.Attrs{"shape": append([]int{0}, mask...)}, "mask")
	}
	y := node(graph.MatMul, "scores", nil, params(0.05, 100), parts[0], k)
	if codes {
		b.AddNode(graph.DequantizeLinear, "scores.reals", "scores.reals", nil, y)
		y = "scores.reals"
	}
	if scale != "" {
		b.AddConst("number", mustTensor(tensor.Shape{1}, []float32{0.37}))
		y = b.AddNode(scale, "scaled", "scaled", nil, y, "number")
	}
	if mask != nil {
		y = b.AddNode(graph.Add, "masked", "masked", nil, y, hidden)
	}
	y = b.AddNode(graph.Softmax, "softmax", "softmax", graph.Attrs{"axis": 3}, y)
	if codes {
		y = node(graph.QuantizeLinear, "weights", nil, params(1.0/255, 0), y)
	}
	y = node(graph.MatMul, "values", nil, own, y, parts[2])
	y = node(graph.Transpose, "joined", graph.Attrs{"perm": []int{0, 2, 1, 3}}, own, y)
	y = node(graph.Reshape, "out", graph.Attrs{"shape": []int{0, tokens, heads * width}}, own, y)
	if codes {
		y = b.AddNode(graph.DequantizeLinear, "out.reals", "out.reals", nil, y)
	}
	b.Outputs = []string{y}
	return b.Graph
}

// Attention in codes gives the evaluator's bits on every tier, however it is divided; in reals it is near. Nothing is
// allocated.
func TestAttention(t *testing.T) {
	const batch = 3
	x := pictures(batch, tokens*3*heads*width)
	for _, test := range []struct {
		name  string
		codes bool
		zero  int32
	}{{"reals", false, 0}, {"codes", true, 120}, {"symmetric", true, 128}, {"no zero point", true, 0}} {
		g := attention(test.codes, test.zero)
		want, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{
			"x": mustTensor(tensor.Shape{batch, tokens, 3 * heads * width}, x),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		reference, err := want[g.Outputs[0]].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for _, tier := range someTiers() {
			for threads := 1; threads <= 2; threads++ {
				t.Run(fmt.Sprintf("%s/%v/%d threads", test.name, tier, threads), func(t *testing.T) {
					p, err := engine.Compile(t.Context(), g, engine.Config{CPU: tier.String(), Threads: threads})
					if err != nil {
						t.Fatal(err)
					}
					if threads > 1 {
						engine.Divide(p)
					}
					y, inputs := roomFor(p, batch), [][]float32{x}
					run := func() {
						if err := p.Run(context.Background(), y, inputs); err != nil {
							t.Fatal(err)
						}
					}
					run()
					engine.Poison(p)
					run()
					if test.codes && !slices.Equal(y[0], reference) {
						t.Errorf("%v, want %v", y[0], reference)
					}
					near(t, "out", y[0], reference)
					if threads == 1 && !raceEnabled {
						if n := testing.AllocsPerRun(5, run); n != 0 {
							t.Errorf("%v allocations a run", n)
						}
					}
				})
			}
		}
	}
}

// Products, scale, mask and Softmax of attention are one step where nobody sees what lies between, with the bits that they have as steps
// of their own.
func TestAttentionIsOneStep(t *testing.T) {
	const batch = 2
	x := pictures(batch, tokens*3*heads*width)
	for _, test := range []struct {
		codes bool
		scale graph.Op
		mask  tensor.Shape
		want  string
	}{
		{false, "", nil, "MatMul+Softmax+MatMul+Transpose"},
		{false, graph.Mul, nil, "MatMul+Mul+Softmax+MatMul+Transpose"},
		{false, graph.Div, tensor.Shape{1, 1, tokens}, "MatMul+Div+Add+Softmax+MatMul+Transpose"},
		{false, "", tensor.Shape{heads, tokens, tokens}, "MatMul+Add+Softmax+MatMul+Transpose"},
		{true, "", nil, "MatMul+Softmax+MatMul+Transpose"},
		{true, graph.Div, tensor.Shape{1, tokens, tokens}, "MatMul+Div+Add+Softmax+MatMul+Transpose"},
	} {
		g := attentionWith(test.codes, 120, test.scale, test.mask)
		inputs := [][]float32{x}
		if test.mask != nil {
			n, _ := test.mask.Elements()
			inputs = append(inputs, pictures(batch, n))
		}
		for _, tier := range someTiers() {
			compile := func(cfg engine.Config) *engine.Program {
				cfg.CPU = tier.String()
				p, err := engine.Compile(t.Context(), g, cfg)
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			run := func(p *engine.Program) []float32 {
				y := roomFor(p, batch)
				if err := p.Run(t.Context(), y, inputs); err != nil {
					t.Fatal(err)
				}
				return y[0]
			}
			apart := compile(engine.Config{KeepAll: true})
			want := run(apart)
			for threads := 1; threads <= 3; threads++ {
				p := compile(engine.Config{Threads: threads})
				var ops []string
				for _, s := range p.Steps() {
					ops = append(ops, s.Op)
				}
				if !slices.Contains(ops, test.want) {
					t.Fatalf("steps %v, want %s", ops, test.want)
				}
				if test.codes && slices.Contains(ops, "Slice") {
					t.Fatalf("steps %v: slices are views", ops)
				}
				if len(apart.Steps()) < len(ops)+3 {
					t.Fatalf("%d steps apart, %d together", len(apart.Steps()), len(ops))
				}
				engine.Divide(p)
				engine.Poison(p)
				if got := run(p); !slices.Equal(got, want) {
					t.Errorf("%s in codes %v, %v, %d threads: %v, want %v", test.want, test.codes, tier, threads, got[:9], want[:9])
				}
			}
		}
	}
}

// A Slice that only a product reads, through Reshapes and Transposes, is a view where all of these have strides, and gives what a copy
// gives.
func TestSlicesThatAreMultiplied(t *testing.T) {
	const batch = 2
	slice := func(axis, start, end, step int) graph.Attrs {
		return graph.Attrs{"starts": []int{start}, "ends": []int{end}, "axes": []int{axis}, "steps": []int{step}}
	}
	reshape := func(shape ...int) graph.Attrs { return graph.Attrs{"shape": append([]int{0}, shape...)} }
	turn := func(perm ...int) graph.Attrs { return graph.Attrs{"perm": perm} }
	type node struct {
		op    graph.Op
		attrs graph.Attrs
	}
	for _, test := range []struct {
		name   string
		first  bool // it is the first operand
		nodes  []node
		slices int // steps
	}{
		{"one of three", false, []node{
			{graph.Slice, slice(2, 1, 2, 1)}, {graph.Reshape, reshape(20, 4, 6)}, {graph.Transpose, turn(0, 2, 3, 1)},
		}, 0},
		{"one of three, first", true, []node{
			{graph.Slice, slice(2, 2, 3, 1)}, {graph.Reshape, reshape(20, 4, 6)}, {graph.Transpose, turn(0, 2, 1, 3)},
		}, 0},
		{"every second row", true, []node{
			{graph.Slice, slice(1, 1, 20, 2)}, {graph.Reshape, reshape(10, 12, 6)}, {graph.Transpose, turn(0, 2, 1, 3)},
		}, 0},
		{"backwards", true, []node{
			{graph.Slice, slice(1, 19, 2, -1)}, {graph.Reshape, reshape(17, 12, 6)}, {graph.Transpose, turn(0, 2, 1, 3)},
		}, 1},
		{"every second column, first", true, []node{
			{graph.Slice, slice(4, 0, 6, 2)}, {graph.Reshape, reshape(20, 12, 3)}, {graph.Transpose, turn(0, 2, 1, 3)},
		}, 1},
		{"every second column", false, []node{
			{graph.Slice, slice(4, 0, 6, 2)}, {graph.Reshape, reshape(20, 12, 3)}, {graph.Transpose, turn(0, 2, 3, 1)},
		}, 0},
		{"heads without strides", false, []node{
			{graph.Slice, slice(3, 1, 3, 1)}, {graph.Reshape, reshape(20, 6, 6)}, {graph.Transpose, turn(0, 2, 3, 1)},
		}, 1},
		{"a slice of a slice", false, []node{
			{graph.Slice, slice(2, 1, 2, 1)},
			{graph.Slice, slice(3, 1, 3, 1)},
			{graph.Reshape, reshape(20, 2, 6)},
			{graph.Transpose, turn(0, 2, 3, 1)},
		}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBuilder("slices")
			b.AddInput("x", tensor.Shape{graph.Batch, 20, 3, 4, 6})
			y := b.AddNode(graph.Neg, "neg", "neg", nil, "x")
			for i, n := range test.nodes {
				name := fmt.Sprint(n.op, i)
				y = b.AddNode(n.op, name, name, n.attrs, y)
			}
			b.Outputs = []string{y} // to learn its shape
			shapes, err := graph.Eval(t.Context(), b.Graph, map[string]tensor.Tensor{
				"x": mustTensor(tensor.Shape{1, 20, 3, 4, 6}, make([]float32, 1440)),
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			shape := shapes[y].Shape[1:]
			other := tensor.Shape{graph.Batch, shape[0], 5, shape[1]}
			if test.first {
				other = tensor.Shape{graph.Batch, shape[0], shape[2], 9}
			}
			b.AddInput("other", other)
			operands := []string{b.AddNode(graph.Neg, "second", "second", nil, "other"), y}
			if test.first {
				slices.Reverse(operands)
			}
			b.Outputs = []string{b.AddNode(graph.MatMul, "product", "product", nil, operands...)}
			inputs := [][]float32{pictures(batch, 1440), pictures(batch, other[1]*other[2]*other[3])}
			run := func(cfg engine.Config) ([]float32, int) {
				p, err := engine.Compile(t.Context(), b.Graph, cfg)
				if err != nil {
					t.Fatal(err)
				}
				y, count := roomFor(p, batch), 0
				if err := p.Run(t.Context(), y, inputs); err != nil {
					t.Fatal(err)
				}
				for _, s := range p.Steps() {
					if s.Op == "Slice" {
						count++
					}
				}
				return y[0], count
			}
			want, _ := run(engine.Config{KeepAll: true})
			got, count := run(engine.Config{})
			if count != test.slices {
				t.Errorf("%d slices are steps, want %d", count, test.slices)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}
