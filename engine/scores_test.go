package engine_test

import (
	"fmt"
	"math"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/tensor"
)

// Scores that are divided, masked and normalized are one step where nobody sees what lies between, with the evaluator's bits,
// however rows are divided; where it is not what stands there it is not.
func TestScores(t *testing.T) {
	type maskOf = tensor.Shape // of an example
	for _, test := range []struct {
		name  string
		scale graph.Op
		first bool // the number is the first operand
		mask  maskOf
		axis  int
		want  string // the operator of a step
	}{
		{"divided", graph.Div, false, nil, -1, "Div+Softmax"},
		{"multiplied", graph.Mul, false, nil, 4, "Mul+Softmax"},
		{"multiplied, number first", graph.Mul, true, nil, -1, "Mul+Softmax"},
		{"number divided", graph.Div, true, nil, -1, "Div"},
		{"mask of the row", graph.Div, false, maskOf{1, 1, 1, 300}, -1, "Div+Add+Softmax"},
		{"mask of each head", graph.Mul, false, maskOf{2, 3, 1, 300}, -1, "Mul+Add+Softmax"},
		{"mask of each row", graph.Div, false, maskOf{1, 1, 7, 300}, -1, "Div+Add+Softmax"},
		{"mask of all", graph.Div, false, maskOf{2, 3, 7, 300}, -1, "Div+Add+Softmax"},
		{"only masked", "", false, maskOf{2, 1, 7, 300}, -1, "Add+Softmax"},
		{"mask of columns", graph.Div, false, maskOf{1, 3, 7, 1}, -1, "Add"},
		{"along the other axis", graph.Div, false, maskOf{1, 1, 1, 300}, 2, "Softmax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, b := graph.New("scores"), builder{seed: 3}
			g.AddInput("x", tensor.Shape{graph.Batch, 2, 3, 7, 300})
			y := g.AddNode(graph.Relu, "relu", "relu", nil, "x")
			inputs, shapes := []string{"x"}, []tensor.Shape{{2, 3, 7, 300}}
			var mask string
			if test.mask != nil {
				g.AddInput("m", append(tensor.Shape{graph.Batch}, test.mask...))
				mask = g.AddNode(graph.Neg, "neg", "neg", nil, "m")
				inputs, shapes = append(inputs, "m"), append(shapes, test.mask)
			}
			if test.scale != "" {
				g.AddConst("n", mustTensor(tensor.Shape{}, []float32{5.7}))
				operands := []string{y, "n"}
				if test.first {
					operands = []string{"n", y}
				}
				y = g.AddNode(test.scale, "scale", "scale", nil, operands...)
			}
			if mask != "" {
				y = g.AddNode(graph.Add, "add", "add", nil, y, mask)
			}
			g.Outputs = []string{g.AddNode(graph.Softmax, "softmax", "y", graph.Attrs{"axis": test.axis}, y)}

			const batch = 2
			given, x := map[string]tensor.Tensor{}, [][]float32{}
			for i, name := range inputs {
				n, _ := shapes[i].Elements()
				v := b.reals(batch*n, 9)
				if name == "m" {
					v[0] = float32(math.Inf(1)) // hides the first
				}
				given[name] = mustTensor(append(tensor.Shape{batch}, shapes[i]...), v)
				x = append(x, v)
			}
			want, err := graph.Eval(t.Context(), g, given, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, threads := range []int{1, 3} {
				p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads})
				if err != nil {
					t.Fatal(err)
				}
				var ops []string
				found := false
				for _, s := range p.Steps() {
					ops = append(ops, s.Op)
					found = found || s.Op == test.want
				}
				if !found {
					t.Fatalf("steps %v, want %s", ops, test.want)
				}
				engine.Divide(p)
				got := roomFor(p, batch)
				if err := p.Run(t.Context(), got, x); err != nil {
					t.Fatal(err)
				}
				if err := sameElements("y", mustTensor(want["y"].Shape, got[0]), want["y"]); err != nil {
					t.Errorf("%d threads: %v", threads, fmt.Sprint(err)[:80])
				}
			}
		})
	}
}
