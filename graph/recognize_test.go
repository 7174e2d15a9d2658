package graph_test

import (
	"math"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// Every spelling of an operator becomes that operator alone, and computes the same.
func TestRecognize(t *testing.T) {
	const c, w = 4, 5
	for name, test := range map[string]struct {
		want  graph.Op
		build func(p *spelled) string
	}{
		"hard-sigmoid divided": {graph.HardSigmoid, func(p *spelled) string {
			return p.op(graph.Div, p.relu6(), p.number(6))
		}},
		"hard-sigmoid multiplied": {graph.HardSigmoid, func(p *spelled) string {
			return p.op(graph.Mul, p.number(1.0/6), p.relu6())
		}},
		"hard-swish with a Relu": {graph.HardSwish, func(p *spelled) string {
			r := p.op(graph.Relu, p.op(graph.Add, "x", p.number(3)))
			return p.op(graph.Div, p.op(graph.Mul, "x", p.with(graph.Clip, graph.Attrs{"max": float32(6)}, r)), p.number(6))
		}},
		"hard-swish with a Relu and a bound of no effect": {graph.HardSwish, func(p *spelled) string {
			r := p.op(graph.Relu, p.op(graph.Add, "x", p.number(3)))
			clip := p.with(graph.Clip, graph.Attrs{"min": float32(-math.MaxFloat32), "max": float32(6)}, r)
			return p.op(graph.Div, p.op(graph.Mul, "x", clip), p.number(6))
		}},
		"hard-swish of pieces": {graph.HardSwish, func(p *spelled) string {
			return p.op(graph.Mul, "x", p.op(graph.Div, p.relu6(), p.number(6)))
		}},
		"hard-swish divided last": {graph.HardSwish, func(p *spelled) string {
			return p.op(graph.Div, p.op(graph.Mul, "x", p.relu6()), p.number(6))
		}},
		"hard-swish multiplied last": {graph.HardSwish, func(p *spelled) string {
			return p.op(graph.Mul, p.op(graph.Mul, p.relu6(), "x"), p.number(0.16667))
		}},
		"hard-swish of a hard-sigmoid": {graph.HardSwish, func(p *spelled) string {
			return p.op(graph.Mul, p.with(graph.HardSigmoid, graph.Attrs{"alpha": float32(1.0 / 6)}, "x"), "x")
		}},
		"swish": {graph.Swish, func(p *spelled) string { return p.op(graph.Mul, "x", p.op(graph.Sigmoid, "x")) }},
		"mish": {graph.Mish, func(p *spelled) string {
			return p.op(graph.Mul, "x", p.op(graph.Tanh, p.op(graph.Softplus, "x")))
		}},
		"gelu halved last": {graph.Gelu, func(p *spelled) string {
			return p.op(graph.Mul, p.op(graph.Mul, "x", p.erf()), p.number(0.5))
		}},
		"gelu divided last": {graph.Gelu, func(p *spelled) string {
			return p.op(graph.Div, p.op(graph.Mul, p.erf(), "x"), p.number(2))
		}},
		"gelu halved first": {graph.Gelu, func(p *spelled) string {
			return p.op(graph.Mul, p.op(graph.Mul, "x", p.number(0.5)), p.erf())
		}},
		"gelu of half the gate": {graph.Gelu, func(p *spelled) string {
			return p.op(graph.Mul, p.op(graph.Mul, p.number(0.5), p.erf()), "x")
		}},
		"gelu by tanh": {graph.Gelu, func(p *spelled) string {
			return p.op(graph.Mul, p.op(graph.Mul, "x", p.number(0.5)), p.tanh(p.op(graph.Pow, "x", p.number(3))))
		}},
		"gelu by tanh of products": {graph.Gelu, func(p *spelled) string {
			return p.op(graph.Mul, p.number(0.5), p.op(graph.Mul, "x", p.tanh(p.op(graph.Mul, p.op(graph.Mul, "x", "x"), "x"))))
		}},
		"layer normalization": {graph.LayerNormalization, func(p *spelled) string {
			return p.op(graph.Add, p.op(graph.Mul, p.normalized(-1, "pow"), p.vector(w, 3)), p.vector(w, 5))
		}},
		"layer normalization of a product, in another order": {graph.LayerNormalization, func(p *spelled) string {
			return p.op(graph.Add, p.vector(w, 5), p.op(graph.Mul, p.vector(w, 3), p.normalized(2, "product")))
		}},
		"layer normalization without bias": {graph.LayerNormalization, func(p *spelled) string {
			return p.op(graph.Mul, p.normalized(-1, "pow"), p.vector(w, 3))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newSpelled(t, c, w)
			p.g.Outputs = []string{test.build(p)}
			g, err := graph.Fold(t.Context(), p.g)
			if err != nil {
				t.Fatal(err)
			}
			if len(g.Nodes) != 1 || g.Nodes[0].Op != test.want {
				t.Fatalf("became %v, want %v", ops(g), test.want)
			}
			in := map[string]tensor.Tensor{"x": of(t, tensor.Shape{2, c, w}, pseudo(2*c*w, 1, -128))}
			want, got := floats(t, eval(t, p.g, in)), floats(t, eval(t, g, in))
			for i := range want {
				if d := math.Abs(float64(want[i] - got[i])); d > 1e-4 { // some constants have few digits
					t.Errorf("element %d is %v, and was %v", i, got[i], want[i])
				}
			}
		})
	}
}

// What only looks like an operator stays as it is.
func TestRecognizeNothing(t *testing.T) {
	const c, w = 4, 5
	for name, build := range map[string]func(p *spelled) string{
		"a shift of 2": func(p *spelled) string {
			return p.op(graph.Div, p.clip(p.op(graph.Add, "x", p.number(2)), 6), p.number(6))
		},
		"a clip to 5": func(p *spelled) string {
			return p.op(graph.Div, p.clip(p.op(graph.Add, "x", p.number(3)), 5), p.number(6))
		},
		"no lower bound": func(p *spelled) string {
			clip := p.with(graph.Clip, graph.Attrs{"max": float32(6)}, p.op(graph.Add, "x", p.number(3)))
			return p.op(graph.Div, clip, p.number(6))
		},
		"the constant is divided": func(p *spelled) string {
			return p.op(graph.Div, p.number(1.0/6), p.op(graph.Exponential, "x"))
		},
		"the gate of another value": func(p *spelled) string {
			return p.op(graph.Mul, p.op(graph.Neg, "x"), p.op(graph.Sigmoid, "x"))
		},
		"a hard-sigmoid with ONNX's alpha": func(p *spelled) string {
			return p.op(graph.Mul, "x", p.op(graph.HardSigmoid, "x"))
		},
		"an erf of x": func(p *spelled) string {
			return p.op(graph.Mul, p.op(graph.Mul, "x", p.op(graph.Add, p.op(graph.Erf, "x"), p.number(1))), p.number(0.5))
		},
		"a mean over channels": func(p *spelled) string { return p.op(graph.Mul, p.normalized(1, "pow"), p.vector(w, 3)) },
		"cubes in the variance": func(p *spelled) string {
			return p.op(graph.Mul, p.normalized(-1, "cube"), p.vector(w, 3))
		},
		"a scale for all": func(p *spelled) string { return p.op(graph.Mul, p.normalized(-1, "pow"), p.number(2)) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newSpelled(t, c, w)
			p.g.Outputs = []string{build(p)}
			g, err := graph.InferShapes(p.g)
			if err != nil {
				t.Fatal(err)
			}
			found, err := graph.Recognize(g)
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Nodes) != len(g.Nodes) {
				t.Errorf("%v became %v", ops(g), ops(found))
			}
		})
	}
}

// A piece that somebody else reads stays, beside the operator.
func TestRecognizeShared(t *testing.T) {
	p := newSpelled(t, 4, 5)
	s := p.op(graph.Sigmoid, "x")
	p.g.Outputs = []string{p.op(graph.Mul, "x", s), s}
	g, err := graph.Fold(t.Context(), p.g)
	if err != nil {
		t.Fatal(err)
	}
	if got := ops(g); len(got) != 2 || got[0] != graph.Sigmoid || got[1] != graph.Swish {
		t.Errorf("%v", got)
	}
}

// spelled builds a network of one input, x.
type spelled struct {
	t *testing.T
	g *graph.Graph
}

func newSpelled(t *testing.T, channels, width int) *spelled {
	g := graph.New("spelled")
	g.AddInput("x", tensor.Shape{graph.Batch, channels, width})
	return &spelled{t, g}
}

func (p *spelled) with(op graph.Op, attrs graph.Attrs, inputs ...string) string {
	return p.g.AddNode(op, "", p.g.Unique("v"), attrs, inputs...)
}

func (p *spelled) op(op graph.Op, inputs ...string) string {
	return p.with(op, graph.Attrs{}, inputs...)
}

func (p *spelled) number(v float32) string {
	name := p.g.Unique("c")
	p.g.AddConst(name, of(p.t, tensor.Shape{}, []float32{v}))
	return name
}

func (p *spelled) vector(n, seed int) string {
	name := p.g.Unique("c")
	p.g.AddConst(name, of(p.t, tensor.Shape{n}, pseudo(n, seed, -100)))
	return name
}

func (p *spelled) clip(x string, most float32) string {
	return p.with(graph.Clip, graph.Attrs{"min": float32(0), "max": most}, x)
}

func (p *spelled) relu6() string { return p.clip(p.op(graph.Add, p.number(3), "x"), 6) }

func (p *spelled) erf() string {
	return p.op(graph.Add, p.op(graph.Erf, p.op(graph.Div, "x", p.number(math.Sqrt2))), p.number(1))
}

// tanh is the gate of the other Gelu, of x³.
func (p *spelled) tanh(cube string) string {
	sum := p.op(graph.Add, "x", p.op(graph.Mul, p.number(0.044715), cube))
	return p.op(graph.Add, p.number(1), p.op(graph.Tanh, p.op(graph.Mul, sum, p.number(0.7978846))))
}

// normalized is x less its mean over the deviation, over an axis; square says how the variance is spelled.
func (p *spelled) normalized(axis int, square string) string {
	mean := func(v string) string {
		return p.with(graph.ReduceMean, graph.Attrs{"axes": []int{axis}, "keepdims": 1}, v)
	}
	d := p.op(graph.Sub, "x", mean("x"))
	squares := map[string]func() string{
		"pow":     func() string { return p.op(graph.Pow, d, p.number(2)) },
		"product": func() string { return p.op(graph.Mul, d, d) },
		"cube":    func() string { return p.op(graph.Pow, d, p.number(3)) },
	}
	variance := p.op(graph.Add, mean(squares[square]()), p.number(1e-5))
	return p.op(graph.Div, d, p.op(graph.Sqrt, variance))
}
