package engine_test

import (
	"fmt"
	"math"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
	"linquant/ptq"
	"linquant/tensor"
)

// What no number can be made of is NaN at the end of a network of dynamic layers, as ONNX's reference says, and no bias or
// zero: infinities make NaNs of the first layer, which are all that the second sees. The evaluator says the same. (A NaN among
// numbers ONNX Runtime 1.32 takes for the least or the greatest element by where it stands, which vectors and ends decide.)
func TestDynamicOfNoNumbers(t *testing.T) {
	for _, c := range []struct{ in, hidden, group, kernel, side int }{
		{3, 4, 1, 3, 6}, {16, 16, 16, 3, 8}, {8, 8, 4, 3, 8}, {32, 64, 1, 1, 16}, // more than a block of elements between them
	} {
		g := graph.New("dynamic")
		g.AddInput("x", tensor.Shape{graph.Batch, c.in, c.side, c.side})
		conv := func(name, x string, from, to, group int) string {
			w := make([]float32, to*from/group*c.kernel*c.kernel)
			for i := range w {
				w[i] = float32(math.Sin(float64(i)))
			}
			for what, v := range map[string]tensor.Tensor{".w": of(t, tensor.Shape{to, from / group, c.kernel, c.kernel}, w), ".b": of(t, tensor.Shape{to}, make([]float32, to))} {
				g.AddConst(name+what, v)
			}
			p := c.kernel / 2
			return g.AddNode(graph.Conv, name, name+".y", graph.Attrs{"group": group, "pads": []int{p, p, p, p}}, x, name+".w", name+".b")
		}
		y := g.AddNode(graph.Relu, "relu", "relu.y", nil, conv("a", "x", c.in, c.hidden, c.group))
		g.Outputs = []string{conv("b", y, c.hidden, c.hidden, c.group)}
		g, err := graph.InferShapes(g)
		if err != nil {
			t.Fatal(err)
		}
		q, _, err := ptq.Dynamic(t.Context(), g, ptq.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for name, set := range map[string]func(x []float32){
			"infinite":          func(x []float32) { x[5] = float32(math.Inf(1)) },
			"minus infinite":    func(x []float32) { x[len(x)-1] = float32(math.Inf(-1)) },
			"beyond float32":    func(x []float32) { x[5], x[6] = 3e38, -3e38 },
			"NaNs":              func(x []float32) { fillWith(x, float32(math.NaN())) },
			"one NaN":           func(x []float32) { x[len(x)/3] = float32(math.NaN()) },
			"a NaN at the end":  func(x []float32) { x[len(x)-1] = float32(math.NaN()) },
			"zeros and one NaN": func(x []float32) { fillWith(x, 0); x[len(x)/2] = float32(math.NaN()) },
		} {
			x := make([]float32, c.in*c.side*c.side)
			for i := range x {
				x[i] = float32(i%7) - 3
			}
			set(x)
			out, err := graph.Eval(t.Context(), q, map[string]tensor.Tensor{"x": of(t, tensor.Shape{1, c.in, c.side, c.side}, x)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := out[q.Outputs[0]].Float32s()
			allNaN(t, fmt.Sprintf("%+v, %s: the evaluator", c, name), want)
			kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
				p, err := engine.Compile(t.Context(), q, engine.Config{Threads: 2, CPU: tier.String()})
				if err != nil {
					t.Fatal(err)
				}
				y := make([]float32, len(want))
				if err := p.Run(t.Context(), [][]float32{y}, [][]float32{x}); err != nil {
					t.Fatal(err)
				}
				allNaN(t, fmt.Sprintf("%+v, %s", c, name), y)
			})
		}
	}
}

func of(t *testing.T, shape tensor.Shape, x []float32) tensor.Tensor {
	t.Helper()
	v, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func fillWith(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

func allNaN(t *testing.T, what string, x []float32) {
	t.Helper()
	for i, v := range x {
		if v == v {
			t.Errorf("%s: element %d of %d is %v", what, i, len(x), v)
			return
		}
	}
}
