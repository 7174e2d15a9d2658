package graph_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/internal/arith"
	"linquant/quant"
	"linquant/tensor"
)

func mathCases(t *testing.T) []operatorCase {
	t.Helper()
	var cases []operatorCase
	readJSON(t, "testdata/math.json", &cases)
	return cases
}

// batchedCase reports whether the case means the same where the first dimension is the symbolic batch, and gives it
// the attributes that say so.
func batchedCase(c *operatorCase, attrs graph.Attrs) bool {
	if len(c.Inputs[0]) < 2 {
		return false
	}
	if _, reduces := graph.Reduction(c.Op); reduces && attrs["axes"] == nil && attrs["noop_with_empty_axes"] == nil {
		return false
	}
	if sizes, ok := attrs["sizes"].([]int); ok {
		attrs["sizes"] = append([]int{graph.Batch}, sizes[1:]...)
	}
	return true
}

// Every operator gives ONNX Runtime's results, which are computed in float32.
func TestMath(t *testing.T) {
	for _, c := range mathCases(t) {
		for _, batched := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/batch=%v", c.Name, batched), func(t *testing.T) {
				g, inputs := c.build(t, batched)
				if attrs := g.Nodes[0].Attrs; batched && !batchedCase(&c, attrs) {
					t.Skip("it has no batch")
				}
				got := eval(t, g, inputs)
				if !got.Shape.Equal(c.Shape) {
					t.Fatalf("shape %v, want %v", got.Shape, c.Shape)
				}
				for i, x := range floats(t, got) {
					want := float64(c.Want[i])
					if d := math.Abs(float64(x) - want); !(d <= 1e-5+1e-5*math.Abs(want)) {
						t.Fatalf("element %d is %g, want %g", i, x, want)
					}
				}
			})
		}
	}
}

// within is a function of package math for each operator that has one.
var within = map[graph.Op]func(float64) float64{
	graph.Erf: math.Erf, graph.Exponential: math.Exp, graph.Logarithm: math.Log, graph.Sqrt: math.Sqrt, graph.Tanh: math.Tanh,
	graph.Sigmoid:  func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	graph.Softplus: func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
	graph.Elu: func(x float64) float64 {
		if x > 0 {
			return x
		}
		return math.Expm1(x)
	},
	graph.Mish:  func(x float64) float64 { return x * math.Tanh(math.Log1p(math.Exp(x))) },
	graph.Swish: func(x float64) float64 { return x / (1 + math.Exp(-x)) },
}

// Functions are within 0.501 units in the last place of what package math gives in float64, over all magnitudes.
func TestFunctionsAreAccurate(t *testing.T) {
	for op, want := range within {
		f, ok := graph.Unary(&graph.Node{Op: op})
		if !ok {
			t.Fatalf("%v has no function", op)
		}
		for _, x := range magnitudes() {
			if err := accurate(f(x), want(float64(x))); err != nil {
				t.Fatalf("%v(%g): %v", op, x, err)
			}
		}
	}
}

// accurate checks a float32 against a result that is much more precise.
func accurate(got float32, want float64) error {
	rounded := float32(want)
	if math.IsNaN(want) || math.IsInf(float64(rounded), 0) || want == 0 {
		if got == rounded || got != got && want != want {
			return nil
		}
		return fmt.Errorf("got %g, want %g", got, want)
	}
	size := float32(math.Abs(float64(rounded)))
	unit := float64(math.Nextafter32(size, math.MaxFloat32) - size)
	if d := math.Abs(float64(got)-want) / unit; !(d <= 0.501) {
		return fmt.Errorf("got %g, want %g: off by %.4f units", got, want, d)
	}
	return nil
}

// magnitudes are numbers of both signs and all sizes.
func magnitudes() []float32 {
	var list []float32
	for bits := uint32(1); bits < 0x7f800000; bits += 30011 {
		x := math.Float32frombits(bits)
		list = append(list, x, -x)
	}
	inf := float32(math.Inf(1))
	return append(list, 0, inf, -inf, float32(math.NaN()))
}

func TestPowIsAccurate(t *testing.T) {
	pow, _ := graph.Binary(graph.Pow)
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 2, -2, 0.5, -0.5, 3, -3, 1 << 24, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	for _, y := range append(special, 0.3, -1.7, 7, 11.5) {
		for i, x := range slices.Concat(special, magnitudes()) {
			if i%7 != 0 && i > len(special) {
				continue
			}
			if err := accurate(pow(x, y), math.Pow(float64(x), float64(y))); err != nil {
				t.Fatalf("%g to the power of %g: %v", x, y, err)
			}
		}
	}
}

// A softmax is the same whether a row is long or short, and its logarithm is LogSoftmax.
func TestSoftmaxRows(t *testing.T) {
	for _, n := range []int{1, 5, 256, 257, 1000} {
		x, y, z := pseudo(n, n, -128), make([]float32, n), make([]float32, n)
		arith.Softmax(y, x)
		arith.LogSoftmax(z, x)
		sum := 0.0
		for i := range x {
			sum += math.Exp(float64(x[i]))
		}
		for i := range x {
			want := math.Exp(float64(x[i])) / sum
			if err := accurate(y[i], want); err != nil {
				t.Errorf("%d of %d: %v", i, n, err)
			}
			if d := math.Abs(float64(z[i]) - math.Log(want)); d > 1e-6 {
				t.Errorf("logarithm %d of %d is %g, want %g", i, n, z[i], math.Log(want))
			}
		}
	}
}

func TestMathRefuses(t *testing.T) {
	for _, c := range []struct {
		op     graph.Op
		attrs  graph.Attrs
		shapes []tensor.Shape
		says   string
	}{
		{graph.PRelu, nil, []tensor.Shape{{graph.Batch, 3}, {2, 1, 3}}, "does not broadcast"},
		{graph.ReduceMean, graph.Attrs{"axes": []int{0}}, []tensor.Shape{{graph.Batch, 3}}, "include the batch"},
		{graph.ReduceMean, nil, []tensor.Shape{{graph.Batch, 3}}, "include the batch"},
		{graph.ReduceSum, graph.Attrs{"axes": []int{2}}, []tensor.Shape{{graph.Batch, 3}}, "no dimension"},
		{graph.ReduceSum, graph.Attrs{"axes": []int{1, -1}}, []tensor.Shape{{graph.Batch, 3}}, "twice"},
		{graph.LogSoftmax, graph.Attrs{"axis": 0}, []tensor.Shape{{graph.Batch, 3}}, "the batch"},
		{graph.LayerNormalization, graph.Attrs{"axis": 0}, []tensor.Shape{{graph.Batch, 3}, {3}}, "the batch"},
		{graph.LayerNormalization, nil, []tensor.Shape{{graph.Batch, 3}, {4}}, "does not broadcast"},
		{graph.InstanceNormalization, nil, []tensor.Shape{{graph.Batch, 3}, {3}, {3}}, "one dimension more"},
		{graph.GroupNormalization, graph.Attrs{"num_groups": 2}, []tensor.Shape{{graph.Batch, 3, 4}, {3}, {3}}, "num_groups is 2"},
		{graph.Resize, graph.Attrs{"mode": "area"}, []tensor.Shape{{graph.Batch, 3, 4, 4}}, `mode is "area"`},
		{graph.Resize, nil, []tensor.Shape{{graph.Batch, 3, 4, 4}}, "0 scales and 0 sizes"},
		{graph.Resize, graph.Attrs{"scales": []float32{2, 1, 1, 1}}, []tensor.Shape{{graph.Batch, 3, 4, 4}}, "the number of examples"},
		{graph.Resize, graph.Attrs{"scales": []float32{1, 1, -1, 1}}, []tensor.Shape{{graph.Batch, 3, 4, 4}}, "they are positive"},
		{graph.Resize, graph.Attrs{"scales": []float32{1, 1, 1e9, 1}}, []tensor.Shape{{graph.Batch, 3, 4, 4}}, "at most"},
		{graph.Resize, graph.Attrs{"scales": []float32{1, 1, 0.1, 1}}, []tensor.Shape{{graph.Batch, 3, 4, 4}}, "at least 1"},
		{graph.Resize, graph.Attrs{"scales": []float32{1, 1, 2, 2}, "coordinate_transformation_mode": "tf_crop_and_resize"}, []tensor.Shape{{graph.Batch, 3, 4, 4}}, "needs the attribute roi"},
		{graph.Resize, graph.Attrs{"scales": []float32{1, 1, 0.0005, 1}, "mode": "linear", "antialias": 1}, []tensor.Shape{{graph.Batch, 1, 4000, 1}}, "use two nodes"},
		{graph.Resize, graph.Attrs{"scales": []float32{1, 1, 2, 2}, "roi": []float32{0, 1}}, []tensor.Shape{{graph.Batch, 3, 4, 4}}, "roi has 2 numbers"},
	} {
		t.Run(c.says, func(t *testing.T) {
			g, names := graph.New("test"), []string{"x0"}
			g.AddInput("x0", c.shapes[0])
			for i, shape := range c.shapes[1:] {
				names = append(names, fmt.Sprintf("x%d", i+1))
				g.AddConst(names[i+1], of(t, shape, make([]float32, elements(shape))))
			}
			g.Outputs = []string{g.AddNode(c.op, "node", "y", c.attrs, names...)}
			_, err := graph.InferShapes(g)
			contains(t, err, string(c.op)+` node "node"`, c.says)
		})
	}
}

// The means of a normalization over height and width are pools, once imported.
func TestRecognizeNormOverPlane(t *testing.T) {
	g := graph.New("norm")
	g.AddInput("x", tensor.Shape{graph.Batch, 2, 3, 4})
	for name, shape := range map[string]tensor.Shape{"scale": {3, 4}, "shift": {3, 4}} {
		g.AddConst(name, of(t, shape, pseudo(12, len(name), -100)))
	}
	g.AddConst("epsilon", of(t, tensor.Shape{}, []float32{1e-5}))
	op := func(op graph.Op, out string, in ...string) string { return g.AddNode(op, out, out, nil, in...) }
	d := op(graph.Sub, "d", "x", op(graph.GlobalAveragePool, "mean", "x"))
	variance := op(graph.GlobalAveragePool, "variance", op(graph.Mul, "square", d, d))
	y := op(graph.Div, "normal", d, op(graph.Sqrt, "root", op(graph.Add, "sum", variance, "epsilon")))
	g.Outputs = []string{op(graph.Add, "y", op(graph.Mul, "scaled", y, "scale"), "shift")}
	folded, err := graph.Fold(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if len(folded.Nodes) != 1 || folded.Nodes[0].Op != graph.LayerNormalization {
		t.Fatalf("%v", folded.Nodes)
	}
	in := map[string]tensor.Tensor{"x": of(t, tensor.Shape{2, 2, 3, 4}, pseudo(48, 3, -128))}
	near(t, eval(t, folded, in), tensor.Shape{2, 2, 3, 4}, floats(t, eval(t, g, in)))
}

// In a quantized network pieces of reals are recognized, and those on codes, which round in between, are not.
func TestRecognizeInQuantized(t *testing.T) {
	g := graph.New("swish")
	g.AddInput("x", tensor.Shape{graph.Batch, 5})
	op := func(op graph.Op, out string, in ...string) string { return g.AddNode(op, out, out, nil, in...) }
	p := quant.TensorParams(quant.Uint(8), 0.02, 120)
	codes := func(name string) string { quantize(g, name, p); return name }
	q := codes(op(graph.QuantizeLinear, "q", "x"))
	inCodes := codes(op(graph.Mul, "m", q, codes(op(graph.Sigmoid, "s", q))))
	real := op(graph.DequantizeLinear, "d", q)
	g.Outputs = []string{inCodes, op(graph.Mul, "y", real, op(graph.Sigmoid, "gate", real))}
	g, err := graph.InferShapes(g)
	if err != nil {
		t.Fatal(err)
	}
	recognized, err := graph.Recognize(g)
	if err != nil {
		t.Fatal(err)
	}
	var ops []graph.Op
	for _, n := range recognized.Nodes {
		ops = append(ops, n.Op)
	}
	want := []graph.Op{graph.QuantizeLinear, graph.Sigmoid, graph.Mul, graph.DequantizeLinear, graph.Swish}
	if !slices.Equal(ops, want) {
		t.Errorf("%v, want %v", ops, want)
	}
}
