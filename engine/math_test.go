package engine_test

import (
	"fmt"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// mathCase is one operator of mathematics on a value that is large enough for every way of going through it.
type mathCase struct {
	op     graph.Op
	attrs  graph.Attrs
	shape  tensor.Shape // of one example
	consts []tensor.Shape
}

var mathCases = []mathCase{
	{graph.Softmax, graph.Attrs{"axis": -1}, tensor.Shape{40, 50}, nil},
	{graph.Softmax, graph.Attrs{"axis": -1}, tensor.Shape{6, 20, 70}, nil},
	{graph.Softmax, graph.Attrs{"axis": 1}, tensor.Shape{20, 7, 9}, nil},
	{graph.Softmax, graph.Attrs{"axis": 2}, tensor.Shape{7, 300, 5}, nil},
	{graph.Softmax, graph.Attrs{"axis": 1}, tensor.Shape{1100, 33}, nil},
	{graph.LogSoftmax, graph.Attrs{"axis": -1}, tensor.Shape{6, 20, 70}, nil},
	{graph.LayerNormalization, nil, tensor.Shape{40, 65}, []tensor.Shape{{65}, {65}}},
	{graph.LayerNormalization, graph.Attrs{"axis": 2}, tensor.Shape{5, 12, 9}, []tensor.Shape{{12, 9}}},
	{graph.RMSNormalization, nil, tensor.Shape{40, 65}, []tensor.Shape{{65}}},
	{graph.InstanceNormalization, nil, tensor.Shape{24, 15, 13}, []tensor.Shape{{24}, {24}}},
	{graph.GroupNormalization, graph.Attrs{"num_groups": 4}, tensor.Shape{24, 15, 13}, []tensor.Shape{{24}, {24}}},
	{graph.ReduceMean, graph.Attrs{"axes": []int{-1}}, tensor.Shape{40, 65}, nil},
	{graph.ReduceSum, graph.Attrs{"axes": []int{1}}, tensor.Shape{40, 65}, nil},
	{graph.ReduceMax, graph.Attrs{"axes": []int{2, 3}}, tensor.Shape{24, 15, 13}, nil},
	{graph.ReduceL2, graph.Attrs{"axes": []int{1}, "keepdims": 0}, tensor.Shape{24, 15, 13}, nil},
	{graph.Resize, graph.Attrs{"mode": "linear", "scales": []float32{1, 1, 2, 1.7}}, tensor.Shape{24, 15, 13}, nil},
	{graph.Resize, graph.Attrs{"mode": "linear", "scales": []float32{1, 1, 2, 1.7}}, tensor.Shape{1, 35, 43}, nil},
	{graph.Resize, graph.Attrs{"mode": "cubic", "scales": []float32{1, 1, 0.6, 1.7}}, tensor.Shape{24, 15, 13}, nil},
	{graph.Resize, graph.Attrs{"scales": []float32{1, 1, 2, 2}}, tensor.Shape{24, 15, 13}, nil},
	{graph.Gelu, nil, tensor.Shape{40, 65}, nil},
	{graph.HardSwish, nil, tensor.Shape{40, 65}, nil},
	{graph.Div, nil, tensor.Shape{24, 15, 13}, []tensor.Shape{{}}},
	{graph.Sub, nil, tensor.Shape{24, 15, 13}, []tensor.Shape{{24, 1, 1}}},
	{graph.Pow, nil, tensor.Shape{40, 65}, []tensor.Shape{{40, 65}}},
}

// network returns the operator on reals, or with codes behind a DequantizeLinear and before a QuantizeLinear.
func (c mathCase) network(codes bool) *graph.Graph {
	g := graph.New("math")
	g.AddInput("x", append(tensor.Shape{graph.Batch}, c.shape...))
	in := []string{"x"}
	if codes {
		q := quant.TensorParams(quant.Uint(8), 0.02, 120)
		g.AddNode(graph.QuantizeLinear, "q", "codes", nil, "x")
		g.Values["codes"].Quant = &q
		in[0] = g.AddNode(graph.DequantizeLinear, "d", "reals", nil, "codes")
	}
	for i, shape := range c.consts {
		n, _ := shape.Elements()
		v := make([]float32, n)
		for k := range v {
			v[k] = 0.3 + float32(k*31%17)/16
		}
		in = append(in, fmt.Sprintf("c%d", i))
		g.AddConst(in[i+1], mustTensor(shape, v))
	}
	g.Outputs = []string{g.AddNode(c.op, "n", "y", c.attrs, in...)}
	if codes {
		q := quant.TensorParams(quant.Int(8), 0.017, -3)
		g.AddNode(graph.QuantizeLinear, "qy", "y_codes", nil, "y")
		g.Values["y_codes"].Quant = &q
		g.Outputs[0] = "y_codes"
	}
	return g
}

// Rows, neighbours and functions give the bits of the reference evaluator, whatever the layout and the number of
// workers.
func TestMathBits(t *testing.T) {
	for _, c := range mathCases {
		for _, codes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v%v,codes=%v", c.op, c.shape, codes), func(t *testing.T) {
				g := c.network(codes)
				b := builder{seed: 7}
				n, _ := c.shape.Elements()
				x := b.reals(2*n, 2)
				want, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": mustTensor(append(tensor.Shape{2}, c.shape...), x)}, nil)
				if err != nil {
					t.Fatal(err)
				}
				reference, err := realsOf(g.Values[g.Outputs[0]], want[g.Outputs[0]])
				if err != nil {
					t.Fatal(err)
				}
				for _, threads := range []int{1, 3} {
					p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads})
					if err != nil {
						t.Fatal(err)
					}
					engine.Divide(p)
					y := roomFor(p, 2)
					if err := p.Run(t.Context(), y, [][]float32{x}); err != nil {
						t.Fatal(err)
					}
					if err := sameElements("y", mustTensor(reference.Shape, y[0]), reference); err != nil {
						t.Errorf("%d threads: it differs from the reference", threads)
					}
				}
			})
		}
	}
}
