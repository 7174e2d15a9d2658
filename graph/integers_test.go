package graph_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/internal/integer"
	"linquant/quant"
	"linquant/tensor"
)

// code is quantization parameters in testdata/integers.json.
type code struct {
	Bits     int
	Unsigned bool
	Scale    float32
	Zero     int32
}

func (c code) params() quant.Params {
	return quant.TensorParams(quant.Type{Bits: c.Bits, Unsigned: c.Unsigned}, float64(c.Scale), c.Zero)
}

func (c code) tensor(t testing.TB, shape tensor.Shape, q []int32) tensor.Tensor {
	return codeTensor(t, c.params().Type, shape, q)
}

func codeTensor(t testing.TB, typ quant.Type, shape tensor.Shape, q []int32) tensor.Tensor {
	t.Helper()
	signed, unsigned := make([]int8, len(q)), make([]uint8, len(q))
	for i, v := range q {
		signed[i], unsigned[i] = int8(v), uint8(v)
	}
	if typ.Unsigned {
		return of(t, shape, unsigned)
	}
	return of(t, shape, signed)
}

// graphOn returns a graph of one node on codes, with an input for each of the parameters.
func graphOn(t testing.TB, op graph.Op, attrs graph.Attrs, convention string, shape tensor.Shape, out code, in ...code) *graph.Graph {
	t.Helper()
	g := graph.New("test")
	var names []string
	for i, p := range in {
		names = append(names, fmt.Sprintf("x%d", i))
		g.AddInput(names[i], batch(shape))
		quantize(g, names[i], p.params())
	}
	g.Outputs = []string{g.AddNode(op, "node", "y", attrs, names...)}
	quantize(g, "y", out.params())
	var err error
	if g.Requant, err = quant.ParseConvention(convention); err != nil {
		t.Fatal(err)
	}
	return g
}

type integerFixtures struct {
	Pairs []struct {
		Op           graph.Op
		Convention   string
		A, B, Y      code
		Qa, Qb, Want []int32
	}
	Averages []struct {
		Convention string
		CountPad   *int `json:"count_pad"`
		X, Y       code
		Q, Want    []int32
	}
	Functions []struct {
		Op   graph.Op
		X, Y code
		Want []int32
	}
}

func TestAddAndMulOfCodes(t *testing.T) {
	var f integerFixtures
	readJSON(t, "testdata/integers.json", &f)
	for i, c := range f.Pairs {
		t.Run(fmt.Sprintf("%d %s %s", i, c.Op, c.Convention), func(t *testing.T) {
			shape := tensor.Shape{2, len(c.Qa) / 2}
			g := graphOn(t, c.Op, nil, c.Convention, shape, c.Y, c.A, c.B)
			got := eval(t, g, map[string]tensor.Tensor{"x0": c.A.tensor(t, shape, c.Qa), "x1": c.B.tensor(t, shape, c.Qb)})
			if diff := cmp.Diff(c.Want, codesOf(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAveragesOfCodes(t *testing.T) {
	var f integerFixtures
	readJSON(t, "testdata/integers.json", &f)
	for i, c := range f.Averages {
		t.Run(fmt.Sprintf("%d %s", i, c.Convention), func(t *testing.T) {
			shape := tensor.Shape{1, 1, 5, 4}
			op, attrs := graph.GlobalAveragePool, graph.Attrs{}
			if c.CountPad != nil {
				op = graph.AveragePool
				attrs = graph.Attrs{"kernel_shape": []int{3, 3}, "strides": []int{2, 2}, "pads": []int{1, 1, 1, 1}, "count_include_pad": *c.CountPad}
			}
			g := graphOn(t, op, attrs, c.Convention, shape, c.Y, c.X)
			got := eval(t, g, map[string]tensor.Tensor{"x0": c.X.tensor(t, shape, c.Q)})
			if diff := cmp.Diff(c.Want, codesOf(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A function of one value is the same in the evaluator and in the table that an engine makes.
func TestFunctionsOfCodes(t *testing.T) {
	var f integerFixtures
	readJSON(t, "testdata/integers.json", &f)
	for i, c := range f.Functions {
		t.Run(fmt.Sprintf("%d %s", i, c.Op), func(t *testing.T) {
			lo, hi := c.X.params().Type.Range()
			var all []int32
			for q := lo; q <= hi; q++ {
				all = append(all, q)
			}
			shape := tensor.Shape{1, len(all)}
			g := graphOn(t, c.Op, nil, "onnx", shape, c.Y, c.X)
			got := eval(t, g, map[string]tensor.Tensor{"x0": c.X.tensor(t, shape, all)})
			if diff := cmp.Diff(c.Want, codesOf(t, got)); diff != "" {
				t.Error(diff)
			}
			fn, ok := graph.Unary(g.Nodes[0])
			if !ok {
				t.Fatal("Unary does not know the operator")
			}
			table, err := integer.Table(fn, c.X.params(), c.Y.params())
			if err != nil {
				t.Fatal(err)
			}
			for k, q := range all {
				want := uint8(c.Want[k])
				if table[uint8(q)] != want {
					t.Errorf("table[%d] = %d, want %d", uint8(q), table[uint8(q)], want)
				}
			}
		})
	}
}

// A Relu or Clip with one set of parameters clamps codes, and that is what dequantizing, the function and quantizing
// give.
func TestClampOfCodes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawCode(rt, "p")
		attrs, op := graph.Attrs{}, graph.Relu
		if rapid.Bool().Draw(rt, "clip") {
			op = graph.Clip
			if rapid.Bool().Draw(rt, "min") {
				attrs["min"] = rapid.Float32Range(-3, 1).Draw(rt, "lo")
			}
			if rapid.Bool().Draw(rt, "max") {
				attrs["max"] = rapid.Float32Range(1, 3).Draw(rt, "hi")
			}
		}
		lo, hi := p.params().Type.Range()
		var all []int32
		for q := lo; q <= hi; q++ {
			all = append(all, q)
		}
		shape := tensor.Shape{1, len(all)}
		g := graphOn(t, op, attrs, "onnx", shape, p, p)
		got := codesOf(t, eval(t, g, map[string]tensor.Tensor{"x0": p.tensor(t, shape, all)}))
		fn, _ := graph.Unary(g.Nodes[0])
		table, err := integer.Table(fn, p.params(), p.params())
		if err != nil {
			rt.Fatal(err)
		}
		min, max := graph.ClampBounds(g.Nodes[0], p.params())
		for i, q := range all {
			if uint8(got[i]) != table[uint8(q)] {
				rt.Fatalf("code %d became %d, by the table %d (clamp to [%d, %d])", q, got[i], table[uint8(q)], min, max)
			}
		}
	})
}

func drawCode(t *rapid.T, label string) code {
	c := code{Bits: rapid.IntRange(2, 8).Draw(t, label+" bits"), Unsigned: rapid.Bool().Draw(t, label+" unsigned")}
	lo, hi := c.params().Type.Range()
	c.Scale = rapid.Float32Range(0.001, 0.1).Draw(t, label+" scale")
	c.Zero = rapid.Int32Range(lo, hi).Draw(t, label+" zero")
	return c
}

func drawCodes(t *rapid.T, p quant.Params, n int, label string) []int32 {
	lo, hi := p.Type.Range()
	return rapid.SliceOfN(rapid.Int32Range(lo, hi), n, n).Draw(t, label)
}
