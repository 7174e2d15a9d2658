package ptq

import (
	"math/rand/v2"
	"slices"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// Whether pairs saturate is found by all pairs of a channel, in the slow way that says what it means.
func TestPairsSaturate(t *testing.T) {
	naive := func(codes []byte, shape []int, axis int) bool {
		inner := 1
		for _, d := range shape[axis+1:] {
			inner *= d
		}
		for i, a := range codes {
			for j, b := range codes[:i] {
				sum := 255 * (int(int8(a)) + int(int8(b)))
				if i/inner%shape[axis] == j/inner%shape[axis] && (sum > 32767 || sum < -32768) {
					return true
				}
			}
		}
		return false
	}
	r := rand.New(rand.NewPCG(3, 1))
	yes := 0
	for range 3000 {
		shape := []int{1 + r.IntN(4), 1 + r.IntN(4), 1 + r.IntN(3)}
		codes := make([]byte, shape[0]*shape[1]*shape[2])
		most := 58 + r.IntN(40)
		for i := range codes {
			codes[i] = byte(int8(r.IntN(2*most+1) - most))
		}
		axis := r.IntN(3)
		want := naive(codes, shape, axis)
		if got := pairsSaturate(codes, shape, axis); got != want {
			t.Fatalf("%v of shape %v along %d: %v", codes, shape, axis, got)
		}
		if want {
			yes++
		}
	}
	if yes < 300 || yes > 2700 {
		t.Errorf("%d of 3,000 cases saturate: they show little", yes)
	}
}

// twoLayers is a convolution, a depthwise one and a matrix product.
func twoLayers(t *testing.T) *graph.Graph {
	t.Helper()
	g := graph.New("layers")
	weight := func(name string, shape ...int) string {
		n, err := tensor.Shape(shape).Elements()
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i%7) + 1
		}
		w, err := tensor.Of(tensor.Shape(shape), x)
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst(name, w)
		return name
	}
	g.AddInput("x", tensor.Shape{graph.Batch, 2, 3, 3})
	y := g.AddNode(graph.Conv, "conv", "c", nil, "x", weight("w", 4, 2, 1, 1))
	y = g.AddNode(graph.Conv, "depthwise", "d", graph.Attrs{"group": 4}, y, weight("v", 4, 1, 3, 3))
	y = g.AddNode(graph.Flatten, "flat", "f", nil, y)
	g.Outputs = []string{g.AddNode(graph.MatMul, "matmul", "y", nil, y, weight("u", 4, 3))}
	g, err := graph.InferShapes(g)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestReduceRange(t *testing.T) {
	g := twoLayers(t)
	for name, c := range map[string]struct {
		cfg  Config
		want []int // bits of the weights
		may  []string
	}{
		"without": {Config{}, []int{8, 8, 8}, []string{"conv", "matmul"}},
		"with":    {Config{ReduceRange: true}, []int{7, 8, 7}, nil},
		"an override": {
			Config{ReduceRange: true, Overrides: []Override{{Pattern: "matmul", WeightBits: 8}}}, []int{7, 8, 8}, []string{"matmul"},
		},
		"few bits":           {Config{ReduceRange: true, WeightBits: 4, WeightMethod: AbsMax{}}, []int{4, 4, 4}, nil},
		"few bits of inputs": {Config{ReduceRange: true, ActBits: 7}, []int{8, 8, 8}, nil},
		"signed":             {Config{ActSigned: true}, []int{8, 8, 8}, []string{"conv", "matmul"}},
	} {
		points, err := Points(g, c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		ranges := calib.Ranges{}
		for _, p := range points {
			ranges[p.Value] = calib.Range{Lo: -1, Hi: 1, For: p.Scheme}
		}
		q, report, err := Quantize(t.Context(), g, ranges, c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		var bits []int
		for _, l := range report.Layers {
			bits = append(bits, l.Bits)
		}
		if may := PairsSaturate(q); !slices.Equal(bits, c.want) || !slices.Equal(may, c.may) {
			t.Errorf("%s: weights of %v bits, and %v may saturate; want %v and %v", name, bits, may, c.want, c.may)
		}
	}
	q, report, err := Dynamic(t.Context(), g, Config{ReduceRange: true})
	if err != nil || report.Layers[0].Bits != 8 || report.Layers[2].Bits != 7 || PairsSaturate(q) != nil {
		t.Errorf("dynamic: %v, %v", report.Layers, err)
	}
	if q, _, err = Dynamic(t.Context(), g, Config{}); err != nil || !slices.Equal(PairsSaturate(q), []string{"matmul"}) {
		t.Errorf("dynamic: %v may saturate, %v", PairsSaturate(q), err)
	}
}

func TestTarget(t *testing.T) {
	for _, target := range Targets() {
		if got, err := ParseTarget(string(target)); err != nil || got != target {
			t.Errorf("%q: %q, %v", target, got, err)
		}
		if target.Demands() == (Demands{}) {
			t.Errorf("%q demands nothing", target)
		}
		cfg := Config{ActSigned: true, ActSymmetric: true, Requant: quant.Torch}
		target.Apply(&cfg)
		if d := target.Demands(); cfg.ActSigned != d.ActSigned || cfg.ActSymmetric != d.ActSymmetric || cfg.ReduceRange != d.ReduceRange ||
			cfg.Requant != quant.ONNX {
			t.Errorf("%q: %+v", target, cfg)
		}
	}
	cfg := Config{ActSigned: true, Requant: quant.Torch}
	Target("").Apply(&cfg)
	if got, err := ParseTarget(""); got != "" || err != nil || !cfg.ActSigned || cfg.Requant != quant.Torch {
		t.Errorf("no target: %q, %v, %+v", got, err, cfg)
	}
	if _, err := ParseTarget("tensort"); err == nil {
		t.Error("no error")
	}
}
