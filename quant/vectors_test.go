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

// linearCase is one fully-connected layer computed by the PyTorch original: its inputs and every intermediate result.
type linearCase struct {
	WeightBits       int         `json:"weight_bits"`
	FeatureBits      int         `json:"feature_bits"`
	Input            [][]float32 `json:"input"`
	Weight           [][]float32 `json:"weight"`
	Bias             []float32   `json:"bias"`
	OutputScale      float64     `json:"float_output_scale"`
	OutputZeroPoint  int32       `json:"float_output_zero_point"`
	InputScale       float64     `json:"input_scale"`
	InputZeroPoint   int32       `json:"input_zero_point"`
	WeightScale      []float32   `json:"weight_scale"`
	QuantizedInput   [][]int8    `json:"quantized_input"`
	QuantizedWeight  [][]int8    `json:"quantized_weight"`
	QuantizedBias    []int32     `json:"quantized_bias"`
	ShiftedBias      []int32     `json:"shifted_bias"`
	QuantizedOutputs [][]int8    `json:"quantized_output"`
}

func TestOriginalVectors(t *testing.T) {
	for i, c := range readJSON[[]linearCase](t, "testdata/linear_vectors.json") {
		t.Run(fmt.Sprintf("%d_w%d_a%d", i, c.WeightBits, c.FeatureBits), func(t *testing.T) { c.check(t) })
	}
}

func TestToy(t *testing.T) {
	fc := toy.Load().FC
	data, err := json.Marshal(fc)
	if err != nil {
		t.Fatal(err)
	}
	var c linearCase
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	c.check(t)

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

// check recomputes every value of the case and compares it bit for bit.
func (c linearCase) check(t *testing.T) {
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

	wp, err := quant.SymmetricParams(w, shape, quant.Int(c.WeightBits), quant.Layout{Per: quant.PerChannel})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "weight scale", wp.Scale, c.WeightScale)
	qw := make([]int8, len(w))
	if err := quant.Quantize(qw, w, shape, wp); err != nil {
		t.Fatal(err)
	}
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
	equal(t, "quantized output", y, slices.Concat(c.QuantizedOutputs...))
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
