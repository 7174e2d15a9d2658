package gemm_test

import (
	"math"

	"pgregory.net/rapid"

	"linquant/quant"
)

// naive is the truth: the sums of a product of m rows.
func naive(a []byte, lda, m int, w []int8, n, k int) []int32 {
	sums := make([]int32, m*n)
	for i := range m {
		for j := range n {
			for x := range k {
				sums[i*n+j] += int32(a[i*lda+x]) * int32(w[j*k+x])
			}
		}
	}
	return sums
}

// naiveFloat64 is what the sums would be without rounding, and the sum of the magnitudes, by which an error is judged.
func naiveFloat64(a []float32, lda, m int, w []float32, n, k int) (sums, magnitudes []float64) {
	sums, magnitudes = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			for x := range k {
				p := float64(a[i*lda+x]) * float64(w[j*k+x])
				sums[i*n+j] += p
				magnitudes[i*n+j] += math.Abs(p)
			}
		}
	}
	return sums, magnitudes
}

var codeTypes = []quant.Type{{Bits: 8}, {Bits: 8, Unsigned: true}, {Bits: 4}, {Bits: 2, Unsigned: true}}

var conventions = []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble}

// drawRequantizer returns an output stage for n channels.
func drawRequantizer(t *rapid.T, n, k int) *quant.Requantizer {
	typ := rapid.SampledFrom(codeTypes).Draw(t, "type")
	lo, hi := typ.Range()
	// Those of real layers, powers of two, which make ties, and some that no layer has.
	multipliers := []*rapid.Generator[float64]{
		rapid.Map(rapid.Float64Range(0.001, 0.1), func(m float64) float64 { return m / float64(k) }),
		rapid.SampledFrom([]float64{0x1p-3, 0x1p-6, 0x1p-9}),
		rapid.SampledFrom([]float64{0x1p-1, 0x1p-40, 0x1p-32, 0x1p-31, 0x1.fffffffep-1, 1, 1.5, 300, 0x1p-120, 0x1p120}),
	}
	multiplier := rapid.SampledFrom(multipliers).Draw(t, "multipliers")
	channels := rapid.SampledFrom([]int{1, n}).Draw(t, "channels")
	zero := rapid.Int32Range(lo, hi).Draw(t, "zero point")
	r, err := quant.NewRequantizer(rapid.SampledFrom(conventions).Draw(t, "convention"),
		rapid.SliceOfN(multiplier, channels, channels).Draw(t, "multiplier"), quant.TensorParams(typ, 1, zero))
	if err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "relu") {
		r.Lo = zero
	}
	return r
}
