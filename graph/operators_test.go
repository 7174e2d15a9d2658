package graph_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// attribute is one of testdata/operators.json, with its type.
type attribute struct {
	I  *int
	F  *float32
	S  *string
	Is []int
	Fs []float32
}

func attrsOf(typed map[string]attribute) graph.Attrs {
	attrs := graph.Attrs{}
	for name, a := range typed {
		switch {
		case a.I != nil:
			attrs[name] = *a.I
		case a.F != nil:
			attrs[name] = *a.F
		case a.S != nil:
			attrs[name] = *a.S
		case a.Fs != nil:
			attrs[name] = a.Fs
		default:
			attrs[name] = a.Is
		}
	}
	return attrs
}

// operatorCase is a node of reals and what ONNX Runtime makes of it.
type operatorCase struct {
	Name   string
	Op     graph.Op
	Attrs  map[string]attribute
	Inputs []tensor.Shape // nil for one that is left out
	Low    map[string]int
	Shape  tensor.Shape
	Want   []float32
}

// integerCase is a QLinearConv or QLinearMatMul.
type integerCase struct {
	Name         string
	Op           graph.Op
	Attrs        map[string]attribute
	X, W         tensor.Shape
	Types        []string
	Scales       []float32
	Zeros        []int32
	Bias         bool
	WeightScales []float32 `json:"weight_scales"`
	PerChannel   bool      `json:"per_channel"`
	Shape        tensor.Shape
	Want         []int32
}

func operatorCases(t *testing.T) (cases struct {
	Operators []operatorCase
	Integers  []integerCase
},
) {
	t.Helper()
	readJSON(t, "testdata/operators.json", &cases)
	return cases
}

// build returns the case as a graph whose inputs of four or more dimensions, or all where there are none such, have the
// symbolic batch; the first input always has it where batched is set.
func (c operatorCase) build(t *testing.T, batched bool) (*graph.Graph, map[string]tensor.Tensor) {
	t.Helper()
	g, inputs, names := graph.New("test"), map[string]tensor.Tensor{}, []string{}
	for i, shape := range c.Inputs {
		if shape == nil && c.Op == graph.Conv {
			names = append(names, "")
			continue
		}
		low, ok := c.Low[fmt.Sprint(i)]
		if !ok {
			low = -128
		}
		name, x := fmt.Sprintf("x%d", i), of(t, shape, pseudo(elements(shape), 11*i+1, low))
		_, pair := graph.Binary(c.Op)
		together := pair || c.Op == graph.Concat || c.Op == graph.MatMul
		joins := i > 0 && together && len(shape) == len(c.Inputs[0]) && shape[0] == c.Inputs[0][0] && len(shape) > 2
		switch {
		case batched && (i == 0 || joins):
			g.AddInput(name, batch(shape))
			inputs[name] = x
		case i == 0:
			g.AddInput(name, shape)
			inputs[name] = x
		default:
			g.AddConst(name, x)
		}
		names = append(names, name)
	}
	g.Outputs = []string{g.AddNode(c.Op, "node", "y", attrsOf(c.Attrs), names...)}
	return g, inputs
}

// Every operator on reals gives ONNX Runtime's results, with a fixed number of examples and with a symbolic one, and
// folded where its inputs are constants.
func TestOperators(t *testing.T) {
	fixed := map[string]bool{"Gemm transA": true, "Gemm with a column": true} // that cannot have a batch
	for _, c := range operatorCases(t).Operators {
		for _, batched := range []bool{false, true} {
			if batched && fixed[c.Name] {
				continue
			}
			t.Run(fmt.Sprintf("%s/batch=%v", c.Name, batched), func(t *testing.T) {
				g, inputs := c.build(t, batched)
				inferred, err := graph.InferShapes(g)
				if err != nil {
					t.Fatal(err)
				}
				want := c.Shape
				if batched {
					want = batch(want)
				}
				if got := inferred.Value("y").Shape; !got.Equal(want) {
					t.Errorf("inferred %v, want %v", got, want)
				}
				near(t, eval(t, g, inputs), c.Shape, c.Want)
			})
		}
		t.Run(c.Name+"/folded", func(t *testing.T) {
			g, inputs := c.build(t, false)
			for name, x := range inputs {
				g.AddConst(name, x)
			}
			g.Inputs = nil
			folded, err := graph.Fold(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			if len(folded.Nodes) != 0 {
				t.Fatalf("%d nodes are left", len(folded.Nodes))
			}
			near(t, *folded.Value("y").Const, c.Shape, c.Want)
		})
	}
}

// near compares with results that ONNX Runtime computed in float32.
func near(t *testing.T, got tensor.Tensor, shape tensor.Shape, want []float32) {
	t.Helper()
	if !got.Shape.Equal(shape) || got.DType != tensor.Float32 {
		t.Fatalf("got %v %v, want float32 %v", got.DType, got.Shape, shape)
	}
	for i, x := range floats(t, got) {
		if d := math.Abs(float64(x) - float64(want[i])); !(d <= 2e-6+2e-6*math.Abs(float64(want[i]))) {
			t.Fatalf("element %d is %g, want %g", i, x, want[i])
		}
	}
}

// Integer layers give ONNX Runtime's integers, all of them.
func TestIntegerLayers(t *testing.T) {
	for _, c := range operatorCases(t).Integers {
		t.Run(c.Name, func(t *testing.T) {
			g, inputs := c.build(t)
			got := eval(t, g, inputs)
			if !got.Shape.Equal(c.Shape) {
				t.Fatalf("got shape %v, want %v", got.Shape, c.Shape)
			}
			if diff := cmp.Diff(c.Want, codesOf(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func (c integerCase) build(t *testing.T) (*graph.Graph, map[string]tensor.Tensor) {
	t.Helper()
	typeOf := func(name string) quant.Type { return quant.Type{Bits: 8, Unsigned: name == "uint8"} }
	tensorOf := func(typ quant.Type, shape tensor.Shape, seed, lo, hi int) tensor.Tensor {
		if typ.Unsigned {
			return of(t, shape, pseudoCodes[uint8](elements(shape), seed, lo, hi))
		}
		return of(t, shape, pseudoCodes[int8](elements(shape), seed, lo, hi))
	}
	xt, wt, yt := typeOf(c.Types[0]), typeOf(c.Types[1]), typeOf(c.Types[2])
	g, names := graph.New("test"), []string{"x", "w"}
	shape := batch(c.X)
	if len(c.W) == 3 {
		shape = c.X // a stack of constants does not broadcast with the batch
	}
	g.AddInput("x", shape)
	quantize(g, "x", quant.TensorParams(xt, float64(c.Scales[0]), c.Zeros[0]))
	lo, hi := -64, 63
	if wt.Unsigned {
		lo, hi = 0, 127
	}
	g.AddConst("w", tensorOf(wt, c.W, 5, lo, hi))
	node := &graph.Node{Op: c.Op, Attrs: attrsOf(c.Attrs)}
	axis := graph.ChannelAxis(node, len(c.W))
	wp := quant.Params{Type: wt, Scale: c.WeightScales, ZeroPoint: make([]int32, len(c.WeightScales))}
	if c.PerChannel {
		wp.Layout = quant.Layout{Per: quant.PerChannel, Axis: axis}
	}
	for i := range wp.ZeroPoint {
		wp.ZeroPoint[i] = c.Zeros[1]
	}
	quantize(g, "w", wp)
	if c.Bias {
		g.AddConst("b", of(t, tensor.Shape{c.W[axis]}, pseudoCodes[int32](c.W[axis], 7, -3000, 3000)))
		p, err := quant.BiasParams(*g.Value("x").Quant, wp)
		if err != nil {
			t.Fatal(err)
		}
		quantize(g, "b", p)
		names = append(names, "b")
	}
	g.Outputs = []string{g.AddNode(c.Op, "node", "y", node.Attrs, names...)}
	quantize(g, "y", quant.TensorParams(yt, float64(c.Scales[2]), c.Zeros[2]))
	qlo, qhi := xt.Range()
	return g, map[string]tensor.Tensor{"x": tensorOf(xt, c.X, 3, int(qlo), int(qhi))}
}
