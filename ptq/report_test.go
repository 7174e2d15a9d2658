package ptq_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

func TestReport(t *testing.T) {
	n := newNet(t, 3, 6, 6)
	y := n.op(graph.Relu, "relu", nil, n.conv("conv", "x", 3, 4))
	y = n.op(graph.Add, "add", nil, y, n.constant("k", tensor.Shape{1, 1, 1, 1}, -0.5))
	y = n.gemm("fc", n.op(graph.Flatten, "flat", nil, y), 4*36, 5)
	g := n.done(n.op(graph.Softmax, "softmax", nil, y))
	q, report := quantizeNet(t, g, ptq.Config{WeightBits: 3, ActBits: 4})

	if diff := cmp.Diff([]ptq.Island{{Node: "softmax", Op: graph.Softmax, Reason: "Softmax has no integer form"}}, report.Float); diff != "" {
		t.Errorf("islands (-want +got):\n%s", diff)
	}
	uint4 := quant.Uint(4)
	activations := []ptq.Activation{
		{Value: "x", Type: uint4, Range: calib.Range{Lo: -1, Hi: 2}, Scale: 0.2, ZeroPoint: 5},
		{Value: "relu.y", Type: uint4, Range: calib.Range{Lo: -2, Hi: 4}, Scale: 0.4, ZeroPoint: 5},
		{Value: "flat.y", Type: uint4, Range: calib.Range{Lo: -3, Hi: 6}, Scale: 0.6, ZeroPoint: 5},
		{Value: "fc.y", Type: uint4, Range: calib.Range{Lo: -4, Hi: 8}, Scale: 0.8, ZeroPoint: 5},
		{Value: "k", Type: uint4, Range: calib.Range{Lo: -0.5, Hi: 0}, Scale: 0.5, ZeroPoint: 1},
	}
	if diff := cmp.Diff(activations, report.Activations); diff != "" {
		t.Errorf("activations (-want +got):\n%s", diff)
	}
	if len(report.Layers) != 2 {
		t.Fatalf("%d layers", len(report.Layers))
	}
	for i, l := range report.Layers {
		w := q.Value(l.Weight.Name)
		back := make([]float32, w.Const.Elements())
		codes, err := tensor.As[int8](*w.Const)
		if err != nil {
			t.Fatal(err)
		}
		if err := quant.Dequantize(back, codes, w.Const.Shape, *w.Quant); err != nil {
			t.Fatal(err)
		}
		real, err := g.Value(l.Weight.Name).Const.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		var signal, noise, worst float64
		for j, x := range real {
			d := float64(x) - float64(back[j])
			signal, noise, worst = signal+float64(x)*float64(x), noise+d*d, max(worst, math.Abs(d))
		}
		if sqnr := 10 * math.Log10(signal/noise); math.Abs(sqnr-l.Weight.SQNR) > 1e-9 || worst != l.Weight.MaxError {
			t.Errorf("%s: SQNR %v and error %v, want %v and %v", l.Node, l.Weight.SQNR, l.Weight.MaxError, sqnr, worst)
		}
		got := l
		got.Weight.SQNR, got.Weight.MaxError = 0, 0
		want := []ptq.LayerReport{
			{
				Node: "conv", Op: graph.Conv, Bits: 3, Per: quant.PerChannel,
				Weight:      ptq.Layer{Name: "conv.w", Shape: tensor.Shape{4, 3, 3, 3}, Scales: 4, FloatBytes: 4 * 108, Bytes: 108 + 4*4},
				PackedBytes: 4*11 + 4*4, BiasBytes: 4*4 + 4*4, Input: activations[0], Output: activations[1],
			},
			{
				Node: "fc", Op: graph.Gemm, Bits: 3, Per: quant.PerChannel,
				Weight:      ptq.Layer{Name: "fc.w", Shape: tensor.Shape{5, 144}, Scales: 5, FloatBytes: 4 * 720, Bytes: 720 + 4*5},
				PackedBytes: 5*54 + 4*5, BiasBytes: 4*5 + 4*5, Input: activations[2], Output: activations[3],
			},
		}[i]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("layer (-want +got):\n%s", diff)
		}
	}
	floats := int64(4 * (108 + 4 + 1 + 720 + 5))
	constant := int64(1 + 4 + 4) // of k: its code, scale and zero point
	stored, packed := 124+32+740+40+constant, 60+32+290+40+constant
	if report.FloatBytes != floats || report.WeightBytes != stored || report.PackedBytes != packed {
		t.Errorf("%d, %d and %d bytes, want %d, %d and %d", report.FloatBytes, report.WeightBytes, report.PackedBytes, floats, stored, packed)
	}
}

func TestKeepEdges(t *testing.T) {
	n := newNet(t, 3, 6, 6)
	y := n.op(graph.MaxPool, "pool", graph.Attrs{"kernel_shape": []int{2, 2}}, "x")
	y = n.conv("c", n.conv("b", n.conv("a", y, 3, 4), 4, 4), 4, 4)
	g := n.done(n.op(graph.Relu, "relu", nil, n.conv("d", y, 4, 2)))
	cfg := ptq.Config{WeightBits: 4, ActBits: 5, KeepEdges: true}
	bits := func(cfg ptq.Config) (weights, activations []int) {
		_, report := quantizeNet(t, g, cfg)
		for _, l := range report.Layers {
			weights = append(weights, l.Bits)
		}
		for _, a := range report.Activations {
			activations = append(activations, a.Type.Bits)
		}
		return weights, activations
	}
	check := func(weights, activations []int) {
		t.Helper()
		w, a := bits(cfg)
		if diff := cmp.Diff([][]int{weights, activations}, [][]int{w, a}); diff != "" {
			t.Errorf("bits of weights and activations (-want +got):\n%s", diff)
		}
	}
	check([]int{8, 4, 4, 8}, []int{8, 8, 5, 8, 8}) // activations: pool.y, a.y, b.y, c.y, relu.y
	cfg.Overrides = []ptq.Override{{Pattern: "?", WeightBits: 3, ActBits: 3}, {Pattern: "relu", ActBits: 6}, {Pattern: "d", WeightBits: 7}}
	check([]int{3, 3, 3, 7}, []int{8, 3, 3, 3, 6})
	cfg.Overrides = []ptq.Override{{Pattern: "relu", ActBits: 6}, {Pattern: "d", ActBits: 7}} // they share parameters
	check([]int{8, 4, 4, 8}, []int{8, 8, 5, 8, 7})
}

// A channel without weights has a tiny scale, in which its bias would not fit an int32.
func TestRaisedScale(t *testing.T) {
	g := fc(t, 2, 3, []float32{1e-8, 0, 0, 0.5, -0.25, 1}, []float32{0.5, 0.25})
	ranges := calib.Ranges{"x": {Lo: 0, Hi: 2}, "fc.y": {Lo: -1, Hi: 1}}
	for _, perTensor := range []bool{false, true} {
		q, report, err := ptq.Quantize(t.Context(), g, ranges, ptq.Config{PerTensor: perTensor})
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{false: 1, true: 0}[perTensor]; report.Layers[0].Raised != want {
			t.Errorf("per tensor %v: %d scales were raised, want %d", perTensor, report.Layers[0].Raised, want)
		}
		if code := codesOf[int8](t, *q.Value("w").Const)[0]; code != 0 {
			t.Errorf("per tensor %v: the weight 1e-8 has the code %d in the raised scale", perTensor, code)
		}
		b := q.Value("b")
		codes, err := tensor.As[int32](*b.Const)
		if err != nil {
			t.Fatal(err)
		}
		for c, want := range []float64{0.5, 0.25} {
			scale := b.Quant.Scale[min(c, len(b.Quant.Scale)-1)]
			if codes[c] > 1<<30 {
				t.Errorf("per tensor %v: the bias of channel %d has the code %d: half of an int32 is for the products", perTensor, c, codes[c])
			}
			if got := float64(codes[c]) * float64(scale); math.Abs(got-want) > 1e-4 {
				t.Errorf("per tensor %v: the bias of channel %d stands for %v, want %v", perTensor, c, got, want)
			}
		}
	}
}

func TestActivationParams(t *testing.T) {
	tests := []struct {
		name   string
		lo, hi float32
		cfg    ptq.Config
		scale  float32
		zero   int32
	}{
		{"affine", -1, 4, ptq.Config{}, 5. / 255, 51},
		{"affine, signed", -1, 4, ptq.Config{ActSigned: true}, 5. / 255, -77},
		{"above 0", 3, 5.1, ptq.Config{}, 0.02, 0},
		{"below 0", -5.1, -3, ptq.Config{}, 0.02, 255},
		{"below 0, 4 bits", -3, -2, ptq.Config{ActBits: 4}, 0.2, 15},
		{"symmetric, signed", -1, 2.54, ptq.Config{ActSymmetric: true, ActSigned: true}, 0.02, 0},
		{"symmetric, signed, below 0", -2.54, -1, ptq.Config{ActSymmetric: true, ActSigned: true}, 0.02, 0},
		{"symmetric, unsigned", -2.54, 1, ptq.Config{ActSymmetric: true}, 0.02, 128},
		{"symmetric, unsigned, never negative", 1, 5.1, ptq.Config{ActSymmetric: true}, 0.02, 0},
		{"symmetric, unsigned, 3 bits", -0.3, 0.1, ptq.Config{ActSymmetric: true, ActBits: 3}, 0.1, 4},
		{"nothing but 0", 0, 0, ptq.Config{}, 1, 0},
		{"nothing but 0, signed", 0, 0, ptq.Config{ActSigned: true}, 1, -128},
		{"nothing but 0, symmetric", 0, 0, ptq.Config{ActSymmetric: true}, 1, 0},
		{"nothing but 0, symmetric, signed", 0, 0, ptq.Config{ActSymmetric: true, ActSigned: true}, 1, 0},
	}
	for _, tt := range tests {
		n := newNet(t, 4)
		g := n.done(n.op(graph.Sigmoid, "s", nil, "x"))
		q, _, err := ptq.Quantize(t.Context(), g, calib.Ranges{"x": {Lo: tt.lo, Hi: tt.hi}, "s.y": {Lo: 0, Hi: 1}}, tt.cfg)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		p := q.Value("x_quantized").Quant
		if p.Scale[0] != tt.scale || p.ZeroPoint[0] != tt.zero {
			t.Errorf("%s: scale %v and zero point %d, want %v and %d", tt.name, p.Scale[0], p.ZeroPoint[0], tt.scale, tt.zero)
		}
	}
}

// A Gemm may have one bias for all its outputs; integers have one each.
func TestSharedBias(t *testing.T) {
	n := newNet(t, 4)
	w, b := n.constant("w", tensor.Shape{3, 4}), n.constant("b", tensor.Shape{}, 0.25)
	n.Outputs = []string{n.op(graph.Gemm, "fc", graph.Attrs{"transB": 1}, "x", w, b)}
	g, err := graph.InferShapes(n.Graph) // Fold may have expanded it
	if err != nil {
		t.Fatal(err)
	}
	q, _ := quantizeNet(t, g, ptq.Config{})
	v := q.Value("b")
	codes := codesOf[int32](t, *v.Const)
	if len(codes) != 3 || len(v.Quant.Scale) != 3 {
		t.Fatalf("%d codes, %d scales", len(codes), len(v.Quant.Scale))
	}
	for c, code := range codes {
		if got := float64(code) * float64(v.Quant.Scale[c]); math.Abs(got-0.25) > 1e-3 {
			t.Errorf("the bias of channel %d stands for %v, want 0.25", c, got)
		}
	}
}
