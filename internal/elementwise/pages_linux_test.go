package elementwise_test

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

func TestReadsNoFurther(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, n := range []int{1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129} {
			a, b, dst := kerneltest.BeforeFault[byte](t, n), kerneltest.BeforeFault[byte](t, n), kerneltest.BeforeFault[byte](t, n)
			x, y, to := kerneltest.BeforeFault[float32](t, n), kerneltest.BeforeFault[float32](t, n), kerneltest.BeforeFault[float32](t, n)
			(&elementwise.Pair{ScaleA: 1, ScaleB: 1, Scale: 1, Hi: 255}).Apply(dst, a, b, tier)
			(&elementwise.Pair{Scale: 1, Mul: true}).Apply(dst, a, b, tier)
			(&elementwise.Quantizer{Scale: 1}).Codes(dst, x, tier)
			elementwise.Lookup(dst, a, new([256]byte), tier)
			elementwise.AddReals(to, x, y, 0, 1, tier)
			elementwise.MulReals(to, x, y, 0, 1, tier)
			elementwise.ClampReals(to, x, 0, 1, tier)

			w := elementwise.Windows{Channels: n, Pixels: 1, Taps: []int{0}, Weights: []int{0}}
			elementwise.MaxCodes(dst, a, &w, tier)
			elementwise.MaxReals(to, x, &w, tier)
			elementwise.MeanReals(to, x, &w, 3, tier)
			elementwise.DepthwiseReals(to, x, y, kerneltest.BeforeFault[float32](t, n), 0, 1, &w, tier)
			multipliers := make([]float64, n)
			for i := range multipliers {
				multipliers[i] = 0.5
			}
			r, err := quant.NewRequantizer(quant.ONNX, multipliers, quant.TensorParams(quant.Int(8), 1, 0))
			if err != nil {
				t.Fatal(err)
			}
			d := elementwise.Depthwise{Weight: kerneltest.BeforeFault[elementwise.Weight](t, n), Bias: kerneltest.BeforeFault[int32](t, n), Requant: r}
			d.Codes(dst, a, &w, make([]int32, n), tier)
			d.Pack(1, n, n, tier)
			d.Codes(dst, a, &w, make([]int32, n), tier)
			elementwise.SubReals(to, x, y, 0, 1, tier)
			elementwise.DivReals(to, x, y, 0, 1, tier)
			elementwise.Gelu.Reals(to, x, 1, tier)
			elementwise.Softmax(to, x, tier)
			elementwise.Dequantize(to, a, 3, 0.5, tier)
			elementwise.Normalize(to, x, y, kerneltest.BeforeFault[float32](t, n), 1, true, tier)
			g := elementwise.Gather{Pixels: 1, Lines: 1, Length: n}
			g.Bytes(dst, a, tier)
		}
	})
}
