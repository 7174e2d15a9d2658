package quant_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/internal/toy"
	"linquant/quant"
	"linquant/tensor"
)

// The vectors have the form of the fully-connected demonstration: a layer computed by the PyTorch original, its inputs
// and every intermediate result.
func TestOriginalVectors(t *testing.T) {
	for i, c := range readJSON[[]toy.FC](t, "testdata/linear_vectors.json") {
		t.Run(fmt.Sprintf("%d_w%d_a%d", i, c.WeightBits, c.FeatureBits), func(t *testing.T) { checkLayer(t, c) })
	}
}

func TestToy(t *testing.T) {
	checkLayer(t, toy.Load().FC)

	lin := toy.Load().Linear
	x := slices.Concat(lin.Tensor...)
	scale, zeroPoint, err := quant.AffineScaleOf(x, quant.Int(lin.Bits))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "scale", scale, lin.Scale)
	equal(t, "zero point", zeroPoint, lin.ZeroPoint)
	equal(t, "codes", quantize(t, x, quant.TensorParams(quant.Int(lin.Bits), scale, zeroPoint)), slices.Concat(lin.Quantized...))
}

// checkLayer recomputes every value of the layer and compares it bit for bit.
func checkLayer(t *testing.T, c toy.FC) {
	x, w := slices.Concat(c.Input...), slices.Concat(c.Weight...)
	shape := tensor.Shape{len(c.Weight), len(c.Weight[0])}
	scale, zeroPoint, err := quant.AffineScaleOf(x, quant.Int(c.FeatureBits))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "input scale", scale, c.InputScale)
	equal(t, "input zero point", zeroPoint, c.InputZeroPoint)
	input := quant.TensorParams(quant.Int(c.FeatureBits), scale, zeroPoint)
	qx := quantize(t, x, input)
	equal(t, "quantized input", qx, slices.Concat(c.QuantizedInput...))

	qw := make([]int8, len(w))
	wp, err := quant.QuantizeSymmetric(qw, w, shape, quant.Int(c.WeightBits), quant.Layout{Per: quant.PerChannel})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "weight scale", wp.Scale, c.WeightScale)
	equal(t, "quantized weight", qw, slices.Concat(c.QuantizedWeight...))

	bias := make([]int32, len(c.Bias))
	if err := quant.QuantizeBias(bias, c.Bias, input, wp); err != nil {
		t.Fatal(err)
	}
	equal(t, "quantized bias", bias, c.QuantizedBias)
	if err := quant.FoldZeroPoint(bias, bias, qw, zeroPoint); err != nil {
		t.Fatal(err)
	}
	equal(t, "shifted bias", bias, c.ShiftedBias)

	output := quant.TensorParams(quant.Int(c.FeatureBits), c.OutputScale, c.OutputZeroPoint)
	layer, err := quant.NewLinear(qw, shape, wp, c.Bias, input, output, quant.Torch)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]int8, len(c.Input)*len(c.Bias))
	if err := quant.Forward(layer, y, qx); err != nil {
		t.Fatal(err)
	}
	equal(t, "quantized output", y, slices.Concat(c.QuantizedOutput...))
}

func quantize(t testing.TB, x []float32, p quant.Params) []int8 {
	t.Helper()
	q := make([]int8, len(x))
	if err := quant.Quantize(q, x, nil, p); err != nil {
		t.Fatal(err)
	}
	return q
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func readJSON[T any](t testing.TB, path string) T {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}
